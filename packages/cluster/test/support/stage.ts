/** Runners as processes against one served exchange and one PostgreSQL, and the judge of both. */
import type * as Continuity from "@effect-deadman/cluster/Continuity"
import type { AccountState } from "@effect-deadman/cluster/ClusterStatus"
import * as PostgresClient from "@effect-deadman/cluster/PostgresClient"
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { until } from "../../../core/test/support/patience.js"
import * as Processes from "../../../core/test/support/processes.js"

/** A line of a runner. See `runner.mjs`. */
export interface Line {
  readonly kind: "ready" | "started" | "account" | "work" | "write" | "reconcile" | "released" | "refused" | "failed"
  readonly saidAt: number
  readonly account?: string
  readonly state?: AccountState
  readonly epoch?: number
  readonly owner?: string
  readonly continuity?: Continuity.Verdict
  readonly runs?: boolean
  readonly outcome?: string
  readonly error?: string
  readonly message?: string
}

export interface Runner extends Processes.Child<Line> {
  readonly name: string
}

export interface Options {
  readonly url: Redacted.Redacted
  readonly accounts: ReadonlyArray<string>
}

/** `count` accounts of the exchange. */
export const accounts = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => String(1_000_001 + index))

const exchange = (uids: ReadonlyArray<string>) =>
  Server.layer({ accounts: uids.map((uid) => ({ uid })), journalSize: 100_000 })

const entries = <Tag extends Journal.Entry["_tag"]>(tag: Tag) =>
  Effect.map(
    Effect.flatMap(Simulator.Simulator, (simulator) => simulator.journal.entries),
    (all) => all.filter((entry): entry is Extract<Journal.Entry, { readonly _tag: Tag }> => entry._tag === tag)
  )

/** All writes of countdowns that have reached the exchange. */
export const writes = Effect.map(entries("Request"), (requests) =>
  requests.flatMap((request) =>
    request.endpoint.endsWith("countdown-cancel-all") && request.arrivedAt !== undefined
      ? [{ ...request, countdown: JSON.parse(request.body).countdown as string }]
      : []
  )
)

export const fired = Effect.map(entries("Switch"), (all) => all.filter(({ transition }) => transition === "fired"))

/** Longer than by default: a machine that starves its processes must not take accounts away from a runner. */
const lease = "9 seconds"
const defaults = { countdown: "60 seconds" }

export const make = ({ accounts, url }: Options) =>
  Effect.gen(function* () {
    const { url: base } = yield* Server.Server
    const runners: Array<Runner> = []

    /** Starts a runner, and succeeds when its program is loaded. */
    const start = (
      name: string,
      env: { readonly database?: Redacted.Redacted; readonly options?: object; readonly shards?: number } = {}
    ) =>
      Processes.start<Line>(new URL("runner.mjs", import.meta.url), {
        BITGET_BASE_URL: base,
        DATABASE_URL: Redacted.value(env.database ?? url),
        RUNNER_NAME: name,
        RUNNER_LEASE: lease,
        RUNNER_ACCOUNTS: accounts.join(","),
        RUNNER_OPTIONS: JSON.stringify({ ...defaults, ...env.options }),
        ...(env.shards === undefined ? {} : { RUNNER_SHARDS: String(env.shards) })
      }).pipe(
        Effect.map((child): Runner => Object.assign(child, { name })),
        Effect.tap((runner) => Effect.sync(() => runners.push(runner)))
      )

    const wait = (what: string, holds: () => boolean) => until(() => `${what}\n${told()}`, Effect.sync(holds))

    const alive = (living: ReadonlyArray<Runner>) => {
      for (const { lines, name } of living) {
        const failed = lines.find(({ kind }) => kind === "failed")
        if (failed !== undefined) throw new Error(`${name} did not start: ${failed.message}`)
      }
    }

    /** What a test that waits in vain wants to know. */
    const told = () =>
      runners
        .flatMap(({ complaints, lines, name }) => [
          ...complaints.map((line) => `${name}: ${line}`),
          ...[...new Map(lines.map((line) => [line.account ?? line.kind, line])).values()].map(
            (line) => `${name} ${JSON.stringify(line)}`
          )
        ])
        .join("\n")

    /** Whether the store has the stamps of the current epoch of each account. */
    const isReported = Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`SELECT 1 FROM deadman_accounts WHERE acked_epoch = epoch AND accepted_at IS NOT NULL`
      return rows.length >= accounts.length
    }).pipe(
      Effect.provide(PostgresClient.layer({ url })),
      Effect.orElseSucceed(() => false)
    )

    /** Waits until each account is owned by one of these runners, its work runs there, and each runner has some. */
    const steady = (...living: ReadonlyArray<Runner>) => {
      const isSteady = () => {
        alive(living)
        const held = living.map((runner) => owned(runner, accounts))
        return held.every((mine) => mine.length > 0) && held.flat().length === accounts.length
      }
      const what = `all accounts are owned by ${living.map(({ name }) => name).join(", ")}`
      return until(
        () => `${what}\n${told()}`,
        Effect.suspend(() => (isSteady() ? Effect.map(isReported, (is) => is && isSteady()) : Effect.succeed(false)))
      )
    }

    /**
     * Compares the exchange's records with what the runners said: no `0` but for an account that was `released`, and
     * every firing announced by the next owner. A released account has none.
     */
    const judge = (released: ReadonlyArray<string> = []) =>
      Effect.gen(function* () {
        for (const { account, countdown } of yield* writes) {
          if (countdown === "0") assert.include(released, account, "a 0 that was not asked for")
        }
        const announced = runners.flatMap(({ lines }) =>
          lines.filter(({ continuity }) => continuity === "MayHaveFired" || continuity === "Fired")
        )
        for (const { account, at } of yield* fired) {
          if (released.includes(account)) continue
          const next = announced.find((line) => line.account === account && line.saidAt >= at)
          assert.isDefined(next, `nothing announced that ${account} fired at ${at}`)
        }
      })

    return { accounts, judge, runners, start, steady, wait }
  })

export type Stage = Effect.Effect.Success<ReturnType<typeof make>>

/** The last line about an account. */
export const last = (runner: Runner, account: string): Line | undefined =>
  runner.lines.findLast((line) => line.kind === "account" && line.account === account)

const works = (runner: Runner, account: string): boolean =>
  runner.lines.findLast((line) => line.kind === "work" && line.account === account)?.runs === true

export const owns = (runner: Runner, account: string): boolean =>
  last(runner, account)?.state === "Owned" && works(runner, account)

export const owned = (runner: Runner, accounts: ReadonlyArray<string>): ReadonlyArray<string> =>
  accounts.filter((account) => owns(runner, account))

/** The lines that a runner has said since then. */
export const since = (runner: Runner, instant: number): ReadonlyArray<Line> =>
  runner.lines.filter(({ saidAt }) => saidAt >= instant)

export const says = (runner: Runner, kind: Line["kind"]) => () => runner.lines.some((line) => line.kind === kind)

export const layer = (count: number) => Layer.orDie(exchange(accounts(count)))
