/**
 * The judge: finds the promises that a log breaks. It knows the exchange's documentation and the plan, and shares no
 * code with the client or the simulator. It trusts only the records.
 */
import { type Evidence, isFirstStampWrong } from "./Evidence.js"
import * as cadence from "./rules/cadence.js"
import * as claims from "./rules/claims.js"
import * as conduct from "./rules/conduct.js"
import * as exchange from "./rules/exchange.js"
import * as life from "./rules/life.js"
import type { Report } from "./rules/rule.js"

/** A broken promise, by its number, or by a word if it has none. */
export interface Breach {
  readonly promise: string
  readonly at: number
  readonly what: string
}

/** A breach that the promise excuses, with the reason. */
export interface Excused extends Breach {
  readonly why:
    | "another client wrote"
    | "the exchange held its timers"
    | "a machine of the exchange had a wrong clock"
    | "a list of orders was staler than the client allows for"
}

export interface Verdict {
  readonly breaches: ReadonlyArray<Breach>
  readonly excused: ReadonlyArray<Excused>
}

const rules = [...exchange.rules, ...claims.rules, ...conduct.rules, ...cadence.rules, ...life.rules]

export const judge = (evidence: Evidence): Verdict => {
  const breaches: Array<Breach> = []
  const excused: Array<Excused> = []
  const report: Report = (promise, at, what) => {
    const why = excuse(evidence, promise, at)
    if (why === undefined) breaches.push({ promise, at, what })
    else excused.push({ promise, at, what, why })
  }
  for (const rule of rules) rule(evidence, report)
  return { breaches, excused }
}

const byOthers = new Set(["8", "9", "10", "11", "12", "15"])
const byHeld = new Set(["9", "10", "12"])

const excuse = (evidence: Evidence, promise: string, at: number): Excused["why"] | undefined => {
  if (byOthers.has(promise) && at >= evidence.otherClientAt) return "another client wrote"
  const { evidence: orders } = evidence.plan
  const stale = orders !== undefined && orders.listStaleness > orders.maxStaleness
  if (promise === "15" && stale && evidence.lists.some((list) => list.result === "listed" && list.at <= at)) {
    return "a list of orders was staler than the client allows for"
  }
  // Stamps prove something only while the clocks of the machines differ by less than `stampTolerance`. The host's clocks
  // and the next answer refute one wrong answer, unless it is the first, or the wall clock has jumped as far ahead.
  const { wrongMachine } = evidence.plan.venue
  if (wrongMachine !== undefined) {
    const isFirst = isFirstStampWrong(evidence)
    const stamped = evidence.calls.some((call) => call.id >= wrongMachine.answer && (call.endAt ?? Infinity) <= at)
    const jumped = evidence.deeds.some(
      (deed) => deed.at <= at && (deed.what === "step-wall" || deed.what === "suspend")
    )
    if ((promise === "15" && isFirst) || (promise === "9" && jumped && (isFirst || stamped))) {
      return "a machine of the exchange had a wrong clock"
    }
  }
  if (byHeld.has(promise) && at >= evidence.heldAt) return "the exchange held its timers"
  return undefined
}
