/**
 * The tables in PostgreSQL. A migration that was released is never changed; the next one follows it.
 *
 * @internal
 */

/** @internal */
export const migrations: ReadonlyArray<ReadonlyArray<string>> = [
  [
    `CREATE TABLE deadman_accounts (
       account TEXT PRIMARY KEY,
       wanted TEXT NOT NULL,
       asked INT NOT NULL,
       epoch INT NOT NULL DEFAULT 0,
       runner TEXT,
       boot TEXT,
       countdown INT,
       shortest_before INT,
       accepted_at FLOAT8,
       completed_at FLOAT8,
       acked_epoch INT NOT NULL DEFAULT 0,
       acked_at TIMESTAMPTZ,
       may_run BOOLEAN NOT NULL DEFAULT false,
       signed_off INT NOT NULL DEFAULT 0,
       is_last BOOLEAN NOT NULL DEFAULT false,
       quiet_at TIMESTAMPTZ NOT NULL DEFAULT 'epoch',
       previous_quiet_at TIMESTAMPTZ NOT NULL DEFAULT 'epoch',
       ended_at TIMESTAMPTZ NOT NULL DEFAULT 'epoch',
       permit INT,
       zero_at TIMESTAMPTZ NOT NULL DEFAULT 'epoch',
       kicked_at TIMESTAMPTZ,
       outcome TEXT,
       outcome_at TIMESTAMPTZ
     ) WITH (fillfactor = 50)`,
    `CREATE TABLE deadman_runners (
       name TEXT PRIMARY KEY,
       boot TEXT NOT NULL,
       settings JSONB NOT NULL,
       seen_at TIMESTAMPTZ NOT NULL
     ) WITH (fillfactor = 50)`
  ],
  [
    "ALTER TABLE deadman_accounts ADD COLUMN silence FLOAT8 NOT NULL DEFAULT 0",
    "ALTER TABLE deadman_accounts ADD COLUMN previous_zero_at TIMESTAMPTZ NOT NULL DEFAULT 'epoch'"
  ]
]

const ago = (column: string): string => `(extract(epoch FROM clock_timestamp() - ${column}) * 1000)::float8`
const until = (column: string): string => `(extract(epoch FROM ${column} - clock_timestamp()) * 1000)::float8`

/**
 * A row as `AccountStore.Row` has it.
 *
 * @internal
 */
export const columns = `
  account, wanted, asked, epoch, runner, boot, countdown, shortest_before AS "shortestBefore",
  accepted_at AS "acceptedAt", completed_at AS "completedAt", acked_epoch AS "ackedEpoch", ${ago("acked_at")} AS "ackedAgo",
  may_run AS "mayRun", signed_off AS "signedOff", is_last AS "isLast", ${until("quiet_at")} AS "quietIn",
  permit, ${until("zero_at")} AS "zeroIn", ${ago("kicked_at")} AS "kickedAgo",
  CASE WHEN outcome IS NOT NULL THEN jsonb_build_object('_tag', outcome, 'untilIn', ${until("outcome_at")}) END AS outcome`
