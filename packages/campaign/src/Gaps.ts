/**
 * The gaps of a run: the times in which the switch may have fired, from the last acknowledgement before to the end of the
 * doubt. Says which of those that held were proven, and how.
 */
import type { Evidence } from "./Evidence.js"
import * as Plan from "./Plan.js"

export interface Gap {
  readonly held: boolean
  /** How the doubt ended; `undefined` when nothing was proven. */
  readonly provenBy: string | undefined
}

/** The time after an answer within which a sighting is due, ms: the latencies, the interval and a slow list. */
const patience = ({ interval }: Plan.Plan["client"]): number => 6_000 + interval + 6_000

export const gapsOf = ({ acquired, begun, calls, claims, crash, fires, lost, plan }: Evidence): ReadonlyArray<Gap> => {
  if (acquired?.result !== "armed") return []
  const end = Math.min(begun?.at ?? Infinity, crash?.at ?? Infinity, lost?.at ?? Infinity)
  const reports = claims.filter((claim) => claim.how === "reported" && claim.at < end)
  return reports.flatMap((doubt, index): ReadonlyArray<Gap> => {
    if (doubt.state !== "MayHaveFired") return []
    const next = reports[index + 1]
    const until = next?.at ?? end
    const answer = calls.find((call) => call.end === "acknowledged" && call.endAt! >= doubt.at && call.endAt! <= until)
    const base = calls.findLast((call) => call.end === "acknowledged" && call.endAt! < doubt.at)
    // Without an answer there is nothing to prove, and without the time for it no list.
    if (answer === undefined || base === undefined) return []
    if (next === undefined && until < answer.endAt! + patience(plan.client)) return []
    const held = !fires.some((fire) => fire.at >= base.at && fire.at <= until)
    return [{ held, provenBy: next?.provenBy }]
  })
}

/** A plan with gaps, whose bot has so many resting orders. Each may be filled at some time. */
export const planOf = (seed: number, orders: number): Plan.Plan | undefined => {
  const drawn = Plan.without(Plan.draw(seed, { stack: "port" }), ["checks", "sharers", "throwing", "port", "clock"])
  if (Plan.invalid(drawn)) return undefined
  const plan = Plan.withEvidence(drawn, Plan.dice(seed + 1))
  const die = Plan.dice(seed + 2)
  const last = plan.deeds.reduce((last, { at }) => Math.max(last, at), 0)
  const resting = Array.from({ length: orders }, (): ReadonlyArray<Plan.Deed> => {
    const placed: Plan.Deed = { at: die.int(0, 1_000), do: "place" }
    return die.chance(0.3) ? [placed, { at: die.int(5_000, last), do: "cancel" }] : [placed]
  }).flat()
  const others = plan.deeds.filter(
    ({ do: what }) => !["place", "cancel", "reconcile", "other-client", "crash"].includes(what)
  )
  return {
    ...plan,
    venue: { ...plan.venue, maintenance: undefined, wrongMachine: undefined },
    evidence: { maxStaleness: 0, listStaleness: 0 },
    deeds: [...others, ...resting].sort((a, b) => a.at - b.at)
  }
}
