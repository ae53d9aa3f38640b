/**
 * The cluster's campaign from the command line.
 *
 *   pnpm campaign:cluster --seeds 20000              seeds 0 to 19999, or until a promise breaks
 *   pnpm campaign:cluster --seeds 1000 --seed 5000   that many, from there on
 *   pnpm campaign:cluster --seed 4711                one seed, all of it printed
 *   pnpm campaign:cluster --seed 4711 --shrink       and fewer deeds that break the same promise
 *   pnpm campaign:cluster --seed 4711 --drop 0,2     without these deeds
 */
import { parseArgs } from "node:util"
import * as Campaign from "./Campaign.js"
import * as Plan from "./Plan.js"
import * as Report from "./Report.js"

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    shrink: { type: "boolean" },
    drop: { type: "string" }
  }
})

const whole = (name: "seeds" | "seed" | "drop", text: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  console.error(`--${name} takes whole numbers, not "${text}"`)
  process.exit(2)
}

const fail = ({ breaches, log, plan }: Campaign.Judged, dropped: ReadonlyArray<number>): void => {
  console.log(Report.failure(plan, log, breaches, dropped))
  const [first] = breaches
  if (first === undefined) return
  process.exitCode = 1
  if (values.shrink !== true) return
  const smaller = Campaign.shrink(plan, first.promise)
  console.log("\n---- with as few deeds as break the same promise ----\n")
  console.log(Report.failure(smaller.judged.plan, smaller.judged.log, smaller.judged.breaches, smaller.dropped))
}

const one = (seed: number): void => {
  const dropped = values.drop?.split(",").map((text) => whole("drop", text)) ?? []
  const judged = Campaign.tryPlan(Plan.without(Plan.draw(seed), dropped))
  fail(judged, dropped)
  if (judged.breaches.length === 0) console.log("no promise is broken")
}

const many = (from: number, seeds: number): void => {
  const began = Date.now()
  let told = began
  const tally = Campaign.run(from, seeds, ({ seeds }) => {
    if (Date.now() - told < 10_000) return
    told = Date.now()
    console.error(`${seeds} seeds`)
  })
  const seconds = (Date.now() - began) / 1_000
  if (tally.failure !== undefined) fail(tally.failure, [])
  const simulated = (tally.simulatedMillis / tally.seeds / 1_000).toFixed(0)
  console.log(
    `seeds ${from} to ${from + tally.seeds - 1}: ${tally.seeds} in ${seconds.toFixed(1)} s, ` +
      `${Math.round(tally.seeds / seconds)} a second on one core; ${simulated} simulated seconds each`
  )
  console.log("\nsituations, in so many seeds:")
  for (const [name, times] of tally.situations) console.log(`${String(times).padStart(9)}  ${name}`)
  if (tally.failure !== undefined) return
  const missing = Campaign.missing(tally)
  if (missing.length > 0) {
    process.exitCode = 1
    console.log(`\nNEVER REACHED, nothing is shown about: ${missing.join("; ")}`)
  }
  console.log("\nno promise is broken")
}

const seed = values.seed === undefined ? undefined : whole("seed", values.seed)
if (seed !== undefined && values.seeds === undefined) one(seed)
else many(seed ?? 0, whole("seeds", values.seeds ?? "20000"))
