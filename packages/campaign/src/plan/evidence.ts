/** Draws open orders as evidence. */
import type { Dice } from "./dice.js"
import { type Deed, healAt, inOrder, type Plan } from "./models.js"

/**
 * The plan with open orders as evidence, and with what makes it hard: gaps that held, gaps over a firing, resting orders
 * from before, orders from between, a slow exchange.
 */
export const withEvidence = (plan: Plan, { chance, int, pick }: Dice): Plan => {
  const heals = healAt(plan)
  const ends = plan.deeds.reduce((last, deed) => (deed.do === "close" || deed.do === "crash" ? deed.at : last), heals)
  const deeds: Array<Deed> = [...plan.deeds]
  for (let n = pick([0, 1, 3, 10]); n > 0; n--) deeds.push({ at: int(0, 2_000), do: "place" })
  for (let n = int(0, 3); n > 0; n--) deeds.push({ at: int(0, ends), do: "place" })
  for (let n = chance(0.3) ? int(1, 3) : 0; n > 0; n--) deeds.push({ at: int(0, ends), do: "cancel" })
  const verdict = plan.deeds.find((deed) => deed.do === "verdict")
  if (verdict !== undefined && plan.client.onUncertain === "lose") deeds.push({ at: verdict.at - 1, do: "reconcile" })
  const faults = [...plan.faults]
  for (let n = pick([0, 1, 1, 2]); n > 0; n--) {
    const length = plan.client.countdown * 1_000 + int(500, 9_000)
    const span = `from=${int(1_000, Math.max(1_000, heals - length))}ms;for=${length}ms`
    faults.push(
      `${pick(["drop-answer", "drop-answer", "partition", "drop-request"])};endpoint=countdown-cancel-all;${span}`
    )
  }
  if (chance(0.2)) faults.push(`drop-answer;endpoint=unfilled-orders;times=${int(1, 3)}`)
  const lives = int(0, 4_000)
  const gap = int(0, 15_000)
  const hasRoom = plan.needle === undefined && !deeds.some((deed) => deed.do === "crash") && ends > lives + gap + 15_000
  const predecessor = plan.predecessor ?? (hasRoom && chance(0.3) ? { lives, gap, ends: "closes" as const } : undefined)
  if (predecessor !== undefined && chance(0.5)) faults.push(`drop-request;countdown=0;times=${int(1, 4)}`)
  const listStaleness = chance(0.3) ? pick([500, 8_000, 8_000]) : 0
  return {
    ...plan,
    client: { ...plan.client, onUncertain: "verify" },
    venue: {
      ...plan.venue,
      cancelPace: chance(0.4) ? int(100, 350) : plan.venue.cancelPace,
      placingLatency: chance(0.3) ? int(1, 900) : 0
    },
    faults,
    predecessor,
    deeds: inOrder(deeds),
    evidence: {
      listStaleness,
      maxStaleness: listStaleness > 0 && chance(0.5) ? listStaleness : 0
    }
  }
}
