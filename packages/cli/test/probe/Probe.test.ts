/**
 * The measurement, against simulated exchanges that are drawn at random. `PROBE_DRAWS=200` draws more of them, from
 * `PROBE_FIRST` on.
 */
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VenueFile from "@effect-deadman/simulator/VenueFile"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { infer } from "../../src/probe/infer.js"
import { defaults } from "../../src/probe/plan.js"
import { run } from "../../src/probe/run.js"
import * as File from "../../src/probe/venueFile.js"
import * as Draws from "./support/draws.js"
import * as World from "./support/world.js"

const draws = Number(process.env["PROBE_DRAWS"] ?? 8)
const first = Number(process.env["PROBE_FIRST"] ?? 1)
const measured = { at: "2026-11-26T13:00:00.000Z", exchange: "https://bitget.simulator", demo: true }

describe("deadman probe", () => {
  for (let seed = first; seed < first + draws; seed++) {
    it(`gets back what was drawn, names what it cannot identify, and leaves nothing: exchange ${seed}`, async () => {
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

      const file = Either.getOrThrow(VenueFile.parse("venue.json", File.print(findings, measured)))
      const unnamed = findings.findings
        .filter(({ result }) => result._tag === "NotIdentified")
        .map(({ option }) => option)
      assert.deepStrictEqual(Object.keys(file.notIdentified ?? {}), unnamed)
    })
  }
})
