/** Tries many seeds, one after the other, has two judges judge them, and counts breaches, excuses and situations. */
import type * as Log from "./Log.js"
import * as Evidence from "./Evidence.js"
import * as Oracle from "./Oracle.js"
import * as Plan from "./Plan.js"
import { differences } from "./Report.js"
import * as Run from "./Run.js"
import * as SecondOracle from "./SecondOracle.js"
import * as Situations from "./Situations.js"

export interface Judged {
  readonly plan: Plan.Plan
  readonly log: Log.Log
  readonly evidence: Evidence.Evidence
  readonly verdict: Oracle.Verdict
  readonly second: SecondOracle.Verdict
}

/** Runs one plan. Both judges judge it. */
export const tryPlan = (plan: Plan.Plan): Judged => {
  const log = Run.run(plan)
  const evidence = Evidence.gather(plan, log)
  return { plan, log, evidence, verdict: Oracle.judge(evidence), second: SecondOracle.judge(plan, log) }
}

/** The judges whose breaches count. */
export type Judge = "both" | "first" | "second"

/** The promises that are broken, by the breaches of the judges that count. */
export const broken = ({ second, verdict }: Judged, judge: Judge = "both"): ReadonlyArray<string> => [
  ...new Set(
    [...(judge === "second" ? [] : verdict.breaches), ...(judge === "first" ? [] : second.breaches)].map(
      ({ promise }) => promise
    )
  )
]

export interface Tally {
  seeds: number
  httpSeeds: number
  simulatedMillis: number
  readonly situations: Map<string, number>
  readonly excused: Map<string, number>
  /** What the second judge excused. */
  readonly excusedBySecond: Map<string, number>
  /** The seeds on which the judges agree. */
  agreed: number
  failure: Judged | undefined
}

export const nothing = (): Tally => ({
  seeds: 0,
  httpSeeds: 0,
  simulatedMillis: 0,
  situations: new Map(Situations.names.map((name) => [name, 0])),
  excused: new Map(),
  excusedBySecond: new Map(),
  agreed: 0,
  failure: undefined
})

const count = (map: Map<string, number>, key: string, times = 1): void => void map.set(key, (map.get(key) ?? 0) + times)

/** Adds the tally of other seeds to this one. */
export const add = (tally: Tally, other: Tally): void => {
  tally.seeds += other.seeds
  tally.httpSeeds += other.httpSeeds
  tally.simulatedMillis += other.simulatedMillis
  for (const [name, times] of other.situations) count(tally.situations, name, times)
  for (const [why, times] of other.excused) count(tally.excused, why, times)
  for (const [why, times] of other.excusedBySecond) count(tally.excusedBySecond, why, times)
  tally.agreed += other.agreed
  tally.failure ??= other.failure
}

export interface Options {
  readonly from: number
  readonly seeds: number
  readonly until: number
  /** The plan of a seed, by default the drawn one. */
  readonly planOf?: ((seed: number) => Plan.Plan) | undefined
  readonly now: () => number
  /** The judges whose breaches end the run, by default both. */
  readonly judge?: Judge | undefined
  readonly progress?: ((tally: Tally) => void) | undefined
}

/** Tries seeds from `from` on, until it has tried `seeds` of them, the time is over, or a promise broke. */
export const run = (options: Options): Tally => {
  const { stackTraceLimit } = Error
  // A seed that passes needs no stack traces, and they are a measurable part of its cost.
  Error.stackTraceLimit = 0
  let tally: Tally
  try {
    tally = runAll(options)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  if (tally.failure !== undefined) {
    const again = tryPlan(tally.failure.plan)
    if (broken(again, options.judge).length > 0) tally.failure = again
  }
  return tally
}

const runAll = (options: Options): Tally => {
  const tally = nothing()
  const planOf = options.planOf ?? Plan.draw
  for (let seed = options.from; seed < options.from + options.seeds; seed++) {
    if (options.now() >= options.until) break
    const judged = tryPlan(planOf(seed))
    const { evidence, log, plan, second, verdict } = judged
    tally.seeds++
    if (plan.stack === "http") tally.httpSeeds++
    tally.simulatedMillis += log.end
    for (const name of Situations.reached(evidence, verdict)) count(tally.situations, name)
    for (const key of new Set(verdict.excused.map((one) => `promise ${one.promise}: ${one.why}`)))
      count(tally.excused, key)
    for (const promise of new Set(second.excused.map((one) => one.promise)))
      count(tally.excusedBySecond, `promise ${promise}`)
    if (differences(verdict, second).length === 0) tally.agreed++
    if (broken(judged, options.judge).length > 0) {
      tally.failure = judged
      break
    }
    options.progress?.(tally)
  }
  return tally
}

/** The situations that no seed reached. */
export const missing = (tally: Tally): ReadonlyArray<string> =>
  [...tally.situations].filter(([, times]) => times === 0).map(([name]) => name)

/** Whether two runs of a seed give the same records, and the same fibers at the same instants. */
export const deterministic = (seed: number): boolean => {
  const [one, two] = [Run.run(Plan.draw(seed)), Run.run(Plan.draw(seed))]
  return one.trace === two.trace && JSON.stringify(one) === JSON.stringify(two)
}

/** Makes a plan smaller while the same promise breaks. Leaves out one part at a time, until it needs all others. */
export const shrink = (
  plan: Plan.Plan,
  promise: string
): { readonly judged: Judged; readonly dropped: ReadonlyArray<string> } => {
  let dropped: ReadonlyArray<string> = []
  let judged = tryPlan(plan)
  const judge = broken(judged, "first").includes(promise) ? "first" : "second"
  for (let again = true; again;) {
    again = false
    for (const part of Plan.parts(plan)) {
      if (dropped.includes(part)) continue
      const fewer = [...dropped, part]
      const smaller = tryPlan(Plan.without(plan, fewer))
      if (!broken(smaller, judge).includes(promise)) continue
      dropped = fewer
      judged = smaller
      again = true
    }
  }
  return { judged, dropped }
}
