/**
 * Counts the gaps that held, and the share of them that is proven: by the stamps of an acknowledgement alone, and with the
 * order book as evidence, for a bot with one and with ten resting orders.
 *
 *   pnpm campaign:gaps --seeds 20000
 */
import { parseArgs } from "node:util"
import * as Campaign from "./Campaign.js"
import * as Gaps from "./Gaps.js"

const { values } = parseArgs({ options: { seeds: { type: "string", default: "5000" } } })
const seeds = Number(values.seeds)
Error.stackTraceLimit = 0

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`

for (const orders of [0, 1, 10]) {
  const counts = { held: 0, acknowledgement: 0, sighting: 0, fired: 0, wrong: 0 }
  for (let seed = 0; seed < seeds; seed++) {
    const plan = Gaps.planOf(seed, orders)
    if (plan === undefined) continue
    for (const { held, provenBy } of Gaps.gapsOf(Campaign.tryPlan(plan).evidence)) {
      if (!held) {
        counts.fired++
        if (provenBy !== undefined) counts.wrong++
        continue
      }
      counts.held++
      if (provenBy === "acknowledgement" || provenBy === "sighting") counts[provenBy]++
    }
  }
  const { acknowledgement, fired, held, sighting, wrong } = counts
  console.log(
    `${String(orders).padStart(2)} resting orders: ${held} gaps held. By stamps alone ${percent(acknowledgement, held)}, ` +
      `with sightings ${percent(acknowledgement + sighting, held)}. ${fired} gaps over a firing, ${wrong} proven wrongly`
  )
  if (wrong > 0) process.exitCode = 1
}
