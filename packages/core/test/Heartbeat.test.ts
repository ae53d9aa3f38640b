import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as World from "./support/world.js"

describe("Heartbeat: life", () => {
  World.virtual(
    "arms when acquired, and only then hands itself out",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      const status = yield* heartbeat.status
      assert.strictEqual(status._tag, "Armed")
      assert.strictEqual(yield* World.switchState, "Armed")
      assert.deepStrictEqual(yield* World.applied, [{ at: 0, countdown: "10" }])
    })
  )

  World.virtual(
    "keeps the switch armed for an hour, at a fixed rate (11)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      yield* Heartbeat.make()
      yield* Effect.sleep("3601 seconds")
      const beats = yield* World.applied
      assert.strictEqual(beats.length, 1_200 + 1)
      beats.forEach((beat, index) => assert.strictEqual(beat.at, index * 3_000))
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )

  World.virtual(
    "turns the switch off when the scope closes, and nothing fires afterwards (12)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { close, heartbeat } = yield* World.open()
      const seen = yield* World.collect(heartbeat)
      yield* Effect.sleep("30 seconds")
      yield* close
      assert.strictEqual(yield* World.switchState, "Closed")
      const status = yield* heartbeat.status
      assert.strictEqual(status._tag === "Released" && status.outcome._tag, "Disarmed")
      yield* seen.ended
      assert.deepStrictEqual(seen.tags(), ["Armed", "Released"])
      yield* Effect.sleep("3601 seconds")
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )
})
