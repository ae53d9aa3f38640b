/**
 * The store of accounts in PostgreSQL, over any `SqlClient` that speaks its language. Every call is one statement.
 *
 * @since 0.2.0
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AccountStore from "./AccountStore.js"
import type { Joining } from "./AccountStore.js"
import { StoreUnavailable } from "./ClusterError.js"
import { waitForStore } from "./internal/away.js"
import { columns, migrations } from "./internal/tables.js"

const Rows = Schema.Array(AccountStore.Row)

const unavailable =
  (operation: string) =>
  (error: SqlError | ParseResult.ParseError): StoreUnavailable =>
    new StoreUnavailable({
      operation,
      // The message of the driver's error says less than its cause.
      detail: error._tag === "SqlError" && error.cause instanceof Error ? error.cause.message : error.message,
      cause: error
    })

/**
 * Makes the tables, and changes those of an older version. Several runners may start at once. Waits up to a
 * minute for a server that is away or restarts.
 *
 * @since 0.2.0
 * @category migrations
 */
export const migrate: Effect.Effect<void, StoreUnavailable, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.gen(function* () {
    yield* sql`SELECT pg_advisory_xact_lock(hashtext('effect-deadman'))`
    yield* sql`CREATE TABLE IF NOT EXISTS deadman_migrations (id INT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())`
    const done = yield* sql<{ readonly id: number }>`SELECT id FROM deadman_migrations`
    const ids = new Set(done.map(({ id }) => id))
    for (const [index, statements] of migrations.entries()) {
      if (ids.has(index + 1)) continue
      for (const statement of statements) yield* sql.unsafe(statement)
      yield* sql`INSERT INTO deadman_migrations (id) VALUES (${index + 1})`
    }
  }).pipe(sql.withTransaction, Effect.mapError(unavailable("migrate")), waitForStore)
})

/**
 * The store over tables that `migrate` has made.
 *
 * @since 0.2.0
 * @category constructors
 */
export const make: Effect.Effect<AccountStore.Store, never, SqlClient.SqlClient> = Effect.map(
  SqlClient.SqlClient,
  (sql) => {
    const all = (operation: string, text: string, parameters: ReadonlyArray<unknown>) =>
      sql.unsafe(text, parameters as ReadonlyArray<never>).pipe(Effect.mapError(unavailable(operation)))
    const rows = (operation: string, text: string, parameters: ReadonlyArray<unknown>) =>
      Effect.flatMap(all(operation, text, parameters), (found) =>
        Effect.mapError(Schema.decodeUnknown(Rows)(found), unavailable(operation))
      )
    const row = (operation: string, text: string, parameters: ReadonlyArray<unknown>) =>
      Effect.map(rows(operation, text, parameters), (found) => Option.fromNullable(found[0]))

    return AccountStore.AccountStore.of({
      join: Effect.fnUntraced(function* ({ living, remembered, runner: { boot, name }, settings }) {
        const given = JSON.stringify(settings)
        const joined = yield* all(
          "join",
          `INSERT INTO deadman_runners AS r (name, boot, settings, seen_at)
           VALUES ($1, $2, $3::jsonb, clock_timestamp())
           ON CONFLICT (name) DO UPDATE SET
             boot = EXCLUDED.boot,
             seen_at = EXCLUDED.seen_at,
             settings = CASE WHEN r.boot = EXCLUDED.boot THEN r.settings || EXCLUDED.settings ELSE EXCLUDED.settings END
           WHERE r.boot = EXCLUDED.boot OR r.seen_at <= clock_timestamp() - $4 * interval '1 ms'
           RETURNING name`,
          [name, boot, given, living]
        )
        if (joined.length === 0) {
          const twin = yield* all(
            "join",
            `SELECT (extract(epoch FROM clock_timestamp() - seen_at) * 1000)::float8 AS ago
             FROM deadman_runners WHERE name = $1`,
            [name]
          )
          return { _tag: "Twin", seenAgo: Number((twin[0] as { ago?: number } | undefined)?.ago ?? 0) } as const
        }
        const others = yield* all(
          "join",
          `SELECT k.key AS setting, r.name AS other, r.settings->>k.key AS theirs
           FROM deadman_runners r, jsonb_each_text($2::jsonb) k
           WHERE r.boot <> $1 AND r.settings->>k.key <> k.value
             AND r.seen_at > clock_timestamp() - $3 * interval '1 ms'
           ORDER BY 1, 2 LIMIT 1`,
          [boot, given, remembered]
        )
        if (others.length === 0) return { _tag: "Joined" } as const
        yield* all("join", "DELETE FROM deadman_runners WHERE name = $1 AND boot = $2", [name, boot])
        return { _tag: "Mismatch", ...(others[0] as object) } as Joining
      }),

      leave: ({ boot, name }) =>
        Effect.asVoid(all("leave", "DELETE FROM deadman_runners WHERE name = $1 AND boot = $2", [name, boot])),

      report: ({ boot, name }, reports) =>
        Effect.gen(function* () {
          const found = yield* all(
            "report",
            `WITH me AS (
               UPDATE deadman_runners SET seen_at = clock_timestamp() WHERE name = $1 AND boot = $2
             ), written AS (
               UPDATE deadman_accounts a
               SET accepted_at = coalesce(w.accepted_at, a.accepted_at), completed_at = coalesce(w.completed_at, a.completed_at),
                   acked_epoch = a.epoch,
                   acked_at = clock_timestamp()
               FROM unnest($3::text[], $4::int[], $5::float8[], $6::float8[]) AS w (account, epoch, accepted_at, completed_at)
               WHERE a.account = w.account AND a.epoch = w.epoch AND a.signed_off <> a.epoch
             )
             SELECT EXISTS (SELECT 1 FROM deadman_runners WHERE name = $1 AND boot <> $2) AS taken, ${columns}
             FROM (SELECT 1) one LEFT JOIN deadman_accounts ON true`,
            [
              name,
              boot,
              reports.map(({ account }) => account),
              reports.map(({ epoch }) => epoch),
              reports.map(({ acceptedAt }) => acceptedAt),
              reports.map(({ completedAt }) => completedAt)
            ]
          )
          const records = found as ReadonlyArray<{ readonly taken: boolean; readonly account: string | null }>
          const accounts = records.filter(({ account }) => account !== null)
          return {
            isTaken: records.some(({ taken }) => taken),
            rows: yield* Effect.mapError(Schema.decodeUnknown(Rows)(accounts), unavailable("report"))
          }
        }),

      takeOver: ({ account, countdown, epoch, runner, silence }) =>
        row(
          "take-over",
          `UPDATE deadman_accounts
           SET epoch = epoch + 1, runner = $3, boot = $4, countdown = $5, silence = $6::float8, permit = NULL,
               may_run = true,
               shortest_before = CASE WHEN may_run THEN least(shortest_before, countdown) END,
               previous_quiet_at = quiet_at,
               quiet_at = greatest(quiet_at, CASE
                 WHEN epoch = 0 THEN quiet_at
                 WHEN signed_off = epoch THEN ended_at
                 ELSE clock_timestamp() + greatest(silence, $6::float8) * interval '1 ms' END)
           WHERE account = $1 AND epoch = $2
             AND CASE WHEN wanted = 'release' THEN outcome IS NULL ELSE zero_at <= clock_timestamp() END
           RETURNING ${columns}`,
          [account, epoch, runner.name, runner.boot, countdown, silence]
        ),

      permit: ({ account, epoch, validFor }) =>
        row(
          "permit",
          `UPDATE deadman_accounts
           SET permit = epoch,
               previous_zero_at = CASE WHEN permit = epoch THEN previous_zero_at ELSE zero_at END,
               zero_at = greatest(zero_at, clock_timestamp() + $3 * interval '1 ms')
           WHERE account = $1 AND epoch = $2 AND wanted = 'release' AND signed_off <> epoch
           RETURNING ${columns}`,
          [account, epoch, validFor]
        ),

      signOff: ({ account, epoch, isLast, outcome, record, unresolvedFor }) => {
        const isOff = outcome?._tag === "Disarmed"
        return Effect.asVoid(
          all(
            "sign-off",
            `WITH given AS (
               SELECT $1::text AS account, $2::int AS epoch, clock_timestamp() + $3 * interval '1 ms' AS ended_at,
                      $4::boolean AS is_last, $5::boolean AS is_off, $6::float8 AS accepted_at, $7::float8 AS completed_at,
                      $8::text AS outcome, clock_timestamp() + $9::float8 * interval '1 ms' AS outcome_at
             ), current AS (
               UPDATE deadman_accounts a
               SET signed_off = a.epoch,
                   ended_at = given.ended_at,
                   is_last = given.is_last AND a.quiet_at + coalesce(a.countdown, 0) * interval '1 ms' <= clock_timestamp(),
                   may_run = NOT given.is_off,
                   permit = NULL,
                   accepted_at = CASE WHEN NOT given.is_off THEN coalesce(given.accepted_at, a.accepted_at) END,
                   completed_at = CASE WHEN NOT given.is_off THEN coalesce(given.completed_at, a.completed_at) END,
                   acked_epoch = CASE WHEN given.accepted_at IS NULL THEN a.acked_epoch ELSE a.epoch END,
                   acked_at = CASE WHEN given.accepted_at IS NULL THEN a.acked_at ELSE clock_timestamp() END,
                   zero_at = CASE
                     WHEN given.is_off THEN given.ended_at
                     WHEN a.permit = a.epoch THEN greatest(a.previous_zero_at, given.ended_at)
                     ELSE a.zero_at END,
                   outcome = CASE WHEN a.wanted = 'release' THEN coalesce(given.outcome, a.outcome) ELSE a.outcome END,
                   outcome_at = CASE WHEN a.wanted = 'release' AND given.outcome IS NOT NULL THEN given.outcome_at ELSE a.outcome_at END
               FROM given
               WHERE a.account = given.account AND a.epoch = given.epoch
             )
             UPDATE deadman_accounts a
             SET quiet_at = greatest(a.previous_quiet_at, given.ended_at)
             FROM given
             WHERE a.account = given.account AND a.epoch = given.epoch + 1`,
            [
              account,
              epoch,
              unresolvedFor,
              isLast && !isOff,
              isOff,
              record?.acceptedAt ?? null,
              record?.completedAt ?? null,
              outcome?._tag ?? null,
              outcome?._tag === "DisarmUnconfirmed" ? outcome.untilIn : null
            ]
          )
        )
      },

      want: (account, wanted) =>
        row(
          "want",
          wanted === "protect"
            ? `INSERT INTO deadman_accounts AS a (account, wanted, asked) VALUES ($1, 'protect', 1)
               ON CONFLICT (account) DO UPDATE
               SET wanted = 'protect', asked = a.asked + 1, outcome = NULL, outcome_at = NULL
               RETURNING ${columns}`
            : `UPDATE deadman_accounts
               SET asked = CASE WHEN wanted = 'release' THEN asked ELSE asked + 1 END,
                   outcome = CASE WHEN wanted = 'release' OR may_run THEN outcome ELSE 'Disarmed' END,
                   wanted = 'release'
               WHERE account = $1
               RETURNING ${columns}`,
          [account]
        ),

      kick: (account) =>
        Effect.map(
          all(
            "kick",
            "UPDATE deadman_accounts SET kicked_at = clock_timestamp() WHERE account = $1 AND wanted = 'protect' RETURNING 1",
            [account]
          ),
          (found) => found.length > 0
        ),

      read: (account) => row("read", `SELECT ${columns} FROM deadman_accounts WHERE account = $1`, [account])
    })
  }
)

/**
 * The store, after `migrate`.
 *
 * @since 0.2.0
 * @category layers
 */
export const layer: Layer.Layer<AccountStore.AccountStore, StoreUnavailable, SqlClient.SqlClient> = Layer.effect(
  AccountStore.AccountStore,
  Effect.zipRight(migrate, make)
)
