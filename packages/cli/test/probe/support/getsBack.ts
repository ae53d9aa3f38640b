/** The promise of a measurement, checked at the exchange of a seed under virtual time. */
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VenueFile from "@effect-deadman/simulator/VenueFile"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { infer } from "../../../src/probe/infer.js"
import { defaults } from "../../../src/probe/plan.js"
import * as Report from "../../../src/probe/report.js"
import { run } from "../../../src/probe/run.js"
import * as File from "../../../src/probe/venueFile.js"
import * as Draws from "./draws.js"
import * as World from "./world.js"

const measured = { at: "2026-11-26T13:00:00.000Z", exchange: "https://bitget.simulator", demo: true }

export const title = "gets back what was drawn, names what it cannot identify, and leaves nothing: exchange "

export const getsBack = async (seed: number): Promise<void> => {
  // A worker that computes for a minute without a turn of the event loop is taken for dead.
  await new Promise(setImmediate)
  const simulator = Draws.draw(seed)
  const { tell } = World.listen()
  const [observations, open, countdown] = World.run(
    Effect.all([run(defaults, tell), Simulator.openOrders(), Simulator.countdown()]),
    { simulator, seed }
  )
  const findings = infer(observations)
  const drawn = JSON.stringify(simulator)
  assert.deepStrictEqual(Draws.differences(simulator.venue, findings), [], drawn)
  assert.deepStrictEqual(Draws.vagueness(simulator.venue, findings), [], drawn)
  assert.deepStrictEqual([open, countdown._tag === "Armed"], [[], false], drawn)

  // The simulator reads the file, and the page and the file name what is not in it.
  const unnamed = findings.findings.filter(({ result }) => result._tag === "NotIdentified").map(({ option }) => option)
  const file = Either.getOrThrow(VenueFile.parse("venue.json", File.print(findings, measured)))
  assert.deepStrictEqual(Object.keys(file.notIdentified ?? {}), unnamed)
  const [, page = ""] = Report.print(findings, measured, "venue.json").split("NOT IDENTIFIED")
  for (const option of unnamed) assert.include(page, `  ${option} `)
}
