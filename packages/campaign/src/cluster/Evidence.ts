/** The records of a run, in the order and by the keys that the judge needs. */
import type * as Log from "./Log.js"
import type { Plan } from "./Plan.js"

/** One epoch as the exchange and the store saw it. */
export interface Tenure {
  readonly account: string
  readonly epoch: number
  readonly boot: string
  /** When the store gave the account, and when its process heard of that. */
  readonly at: number
  readonly heardAt: number | undefined
  readonly wanted: Log.Row["wanted"]
}

export interface Span {
  readonly account: string
  readonly boot: string
  readonly from: number
  to: number
}

/** A release that the store knows to be over. */
export interface Outcome {
  readonly account: string
  readonly at: number
  readonly untilAt: number | undefined
  /** When the account was taken over next. */
  readonly nextAt: number
}

/** A write with the epoch in which it was sent. */
export type Write = Log.Write & { readonly epoch: number }

const of = <T extends Log.Entry["_tag"]>(log: Log.Log, tag: T): ReadonlyArray<Extract<Log.Entry, { _tag: T }>> =>
  log.entries.filter((entry): entry is Extract<Log.Entry, { _tag: T }> => entry._tag === tag)

export type Evidence = ReturnType<typeof gather>

export const gather = (plan: Plan, log: Log.Log) => {
  const processes = of(log, "Process")
  const claims = of(log, "Claim")
  const bots = of(log, "Bot")
  const engine = of(log, "Engine")
  const fired = of(log, "Fired")
  const released = of(log, "Released")
  /** When a process has ended. */
  const goneAt = new Map<string, number>()
  const pauses = new Map<string, Array<{ readonly from: number; to: number }>>()
  for (const { at, boot, what } of processes) {
    if (what === "crash" || what === "stopped" || what === "refused") goneAt.set(boot, at)
    const all = pauses.get(boot) ?? []
    pauses.set(boot, all)
    if (what === "pauses") all.push({ from: at, to: Infinity })
    if (what === "goes on") for (const pause of all) pause.to = Math.min(pause.to, at)
  }
  /** A process reads what came during its pause when it goes on, after the timers that are due by then. */
  const heardAt = (boot: string, at: number | undefined): number | undefined =>
    at === undefined ? undefined : ((pauses.get(boot) ?? []).find(({ from, to }) => from <= at && at < to)?.to ?? at)
  const statements = of(log, "Statement").map((statement) => ({
    ...statement,
    answeredAt: heardAt(statement.boot, statement.answeredAt)
  }))
  const accounts = [...new Set(statements.flatMap(({ account }) => account ?? []))]

  const tenures: ReadonlyArray<Tenure> = statements
    .filter(({ isDone, what }) => what === "takeOver" && isDone)
    .map(({ account, answeredAt, at, boot, epoch, rows }) => ({
      account: account!,
      epoch: epoch!,
      boot,
      at,
      heardAt: answeredAt,
      wanted: rows[0]!.wanted
    }))

  /** The epoch in which a process acts for an account: the last that it has heard to be its own. */
  const tenureOf = (boot: string, account: string, at: number): Tenure | undefined =>
    tenures.findLast((one) => one.boot === boot && one.account === account && (one.heardAt ?? Infinity) <= at)

  const writes: ReadonlyArray<Write> = of(log, "Write").map((write) =>
    Object.assign(write, { epoch: tenureOf(write.boot, write.account, write.at)?.epoch ?? 0 })
  )
  const applied = writes
    .filter(({ appliedAt }) => appliedAt !== undefined)
    .map((write) => ({ ...write, appliedAt: write.appliedAt! }))
    .sort((a, b) => a.appliedAt - b.appliedAt)

  /** Whether a process ran all the time. */
  const isAwake = (boot: string, from: number, to: number): boolean =>
    !(pauses.get(boot) ?? []).some((pause) => pause.from < to && pause.to > from)

  const spans: Array<Span> = []
  for (const { account, at, boot, what } of bots) {
    if (what === "work") spans.push({ account, boot, from: at, to: goneAt.get(boot) ?? Infinity })
    if (what !== "work ends") continue
    const span = spans.findLast((one) => one.boot === boot && one.account === account)
    if (span !== undefined) span.to = at
  }

  const ofAccount = (account: string, at: number): Log.Row | undefined => {
    for (let index = statements.length - 1; index >= 0; index--) {
      const statement = statements[index]!
      if (statement.at > at || statement.what === "report") continue
      const row = statement.rows.find((one) => one.account === account)
      if (row !== undefined) return row
    }
    return undefined
  }

  const outcomes: Array<Outcome> = []
  const known = new Map<string, Log.Row["outcome"]>()
  for (const { account, at, rows, what } of statements) {
    const row = rows[0]
    if (account === undefined || row === undefined) continue
    const before = known.get(account)
    known.set(account, row.outcome)
    if (what !== "signOff" || row.outcome === undefined || before !== undefined) continue
    const nextAt = tenures.find((one) => one.account === account && one.at > at)?.at ?? Infinity
    outcomes.push({ account, at, untilAt: row.untilAt, nextAt })
  }

  /** Whether the timer of an account ran, by the writes that were applied before. */
  const ranAt = (account: string, at: number): boolean => {
    const last = applied.findLast((one) => one.account === account && one.appliedAt < at)
    return last !== undefined && last.countdown > 0 && at < last.appliedAt + 1_000 * last.countdown
  }

  /** The last firing that no owner has acted on: since then the book was not compared, and the switch not turned off. */
  const unexplained = (account: string, at: number): number | undefined => {
    const last = fired.findLast((one) => one.account === account && one.at <= at)?.at
    if (last === undefined) return undefined
    if (
      applied.some(
        (one) => one.account === account && one.countdown === 0 && one.appliedAt > last && one.appliedAt <= at
      )
    ) {
      return undefined
    }
    const compared = bots.some((begun, index) => {
      if (begun.account !== account || begun.what !== "reconcile" || begun.at < last) return false
      const ended = bots
        .slice(index + 1)
        .find((one) => one.boot === begun.boot && one.account === account && one.what.startsWith("reconcile"))
      return ended?.what === "reconciled" && ended.at <= at
    })
    return compared ? undefined : last
  }

  return {
    plan,
    log,
    accounts,
    statements,
    processes,
    claims,
    bots,
    engine,
    fired,
    released,
    tenures,
    tenureOf,
    writes,
    applied,
    goneAt,
    pauses,
    isAwake,
    spans,
    ofAccount,
    outcomes,
    ranAt,
    unexplained
  }
}
