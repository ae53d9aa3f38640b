/** Tries many seeds, one after the other, and counts what broke and what was reached. */
import * as Evidence from "./Evidence.js"
import type * as Log from "./Log.js"
import * as Oracle from "./Oracle.js"
import * as Plan from "./Plan.js"
import * as Run from "./Run.js"
import * as Situations from "./Situations.js"

export interface Judged {
  readonly plan: Plan.Plan
  readonly log: Log.Log
  readonly evidence: Evidence.Evidence
  readonly breaches: ReadonlyArray<Oracle.Breach>
}

export const tryPlan = (plan: Plan.Plan): Judged => {
  const log = Run.run(plan)
  const evidence = Evidence.gather(plan, log)
  return { plan, log, evidence, breaches: Oracle.judge(evidence) }
}

export interface Tally {
  seeds: number
  simulatedMillis: number
  readonly situations: Map<string, number>
  failure: Judged | undefined
}

/** Tries seeds from `from` on, until there were `seeds` of them or a promise broke. */
export const run = (from: number, seeds: number, progress: (tally: Tally) => void = () => undefined): Tally => {
  const tally: Tally = {
    seeds: 0,
    simulatedMillis: 0,
    situations: new Map(Situations.names.map((name) => [name, 0])),
    failure: undefined
  }
  const { stackTraceLimit } = Error
  // A seed that passes needs no stack traces, and they are a measurable part of its cost.
  Error.stackTraceLimit = 0
  try {
    for (let seed = from; seed < from + seeds && tally.failure === undefined; seed++) {
      const judged = tryPlan(Plan.draw(seed))
      tally.seeds++
      tally.simulatedMillis += judged.log.end
      for (const name of Situations.reached(judged.evidence)) {
        tally.situations.set(name, tally.situations.get(name)! + 1)
      }
      if (judged.breaches.length > 0) tally.failure = judged
      progress(tally)
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  return tally
}

/** The situations that no seed reached. */
export const missing = ({ situations }: Tally): ReadonlyArray<string> =>
  [...situations].filter(([, times]) => times === 0).map(([name]) => name)

/** Leaves out one deed at a time while the same promise breaks, until no other can go. */
export const shrink = (
  plan: Plan.Plan,
  promise: string
): { readonly judged: Judged; readonly dropped: ReadonlyArray<number> } => {
  let dropped: ReadonlyArray<number> = []
  let judged = tryPlan(plan)
  for (const index of plan.deeds.keys()) {
    const fewer = [...dropped, index]
    const smaller = tryPlan(Plan.without(plan, fewer))
    if (!smaller.breaches.some((breach) => breach.promise === promise)) continue
    dropped = fewer
    judged = smaller
  }
  return { judged, dropped }
}
