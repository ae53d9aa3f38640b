import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Liveness from "@effect-deadman/core/Liveness"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as World from "./support/world.js"

const start = 1_700_000_000_000

describe("Liveness", () => {
  World.virtual(
    "watchdog: positive while it is kicked, negative when the last kick is too long ago",
    Effect.gen(function* () {
      const watchdog = yield* Liveness.watchdog("2 seconds", { name: "strategy" })
      yield* Effect.sleep("2 seconds")
      yield* watchdog.check
      yield* Effect.sleep("1 millis")
      const error = yield* Effect.flip(watchdog.check)
      assert.deepStrictEqual(error.checks, [{ name: "strategy", reason: "last kick 2001 ms ago, 2000 ms allowed" }])
      yield* watchdog.kick
      yield* watchdog.check
    })
  )

  World.virtual(
    "all: names every negative check, whatever way it is negative, within its own bound",
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Liveness.all([
          { name: "fine", check: Effect.void },
          { name: "fails", check: Effect.fail(new Error("no market data")) },
          { name: "dies", check: Effect.die("broken") },
          { name: "hangs", check: Effect.never, timeout: "100 millis" },
          { name: "hangs for good", check: Effect.uninterruptible(Effect.sleep("1 hour")), timeout: "100 millis" }
        ])
      )
      assert.deepStrictEqual(error.checks, [
        { name: "fails", reason: "no market data" },
        { name: "dies", reason: "broken" },
        { name: "hangs", reason: "no result within 100 ms" },
        { name: "hangs for good", reason: "no result within 100 ms" }
      ])
      assert.include(error.message, "fails (no market data)")
      yield* Effect.sleep("2 hours")
    })
  )

  World.virtual(
    "withheld for 2 s: in jeopardy, then armed again",
    Effect.gen(function* () {
      let alive = true
      const liveness = Effect.suspend(() => (alive ? Effect.void : Effect.fail("stuck")))
      const heartbeat = yield* Heartbeat.make({ liveness })
      const seen = yield* World.collect(heartbeat)
      yield* Effect.sleep("2500 millis")
      alive = false
      yield* Effect.sleep("2 seconds")
      const status = yield* heartbeat.status
      assert.strictEqual(status._tag === "Jeopardy" && status.cause?._tag, "LivenessFailed")
      alive = true
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(seen.tags(), ["Armed", "Jeopardy", "Armed"])
      assert.deepStrictEqual(
        (yield* World.writes).map((write) => write.sentAt - start),
        [0, 5_000, 8_000, 11_000, 14_000]
      )
    })
  )

  World.virtual(
    "withheld for the whole window: the venue cancels, and the loss carries the reason",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const watchdog = yield* Liveness.watchdog("1 second", { name: "quotes" })
      const heartbeat = yield* Heartbeat.make({ liveness: Liveness.all([{ name: "quotes", check: watchdog.check }]) })
      const lost = yield* Effect.fork(heartbeat.awaitLost)
      yield* Effect.sleep("30 seconds")
      const exit = yield* Fiber.await(lost)
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.strictEqual((error as { reason: string }).reason, "NotAlive")
      assert.match((error as Error).message, /withheld to the end.*quotes \(last kick/)
      assert.strictEqual((yield* Simulator.openOrders()).length, 0)
      assert.strictEqual((yield* World.writes).length, 1)
    })
  )

  World.virtual(
    "a check that hangs delays the beat by its bound and no more",
    Effect.gen(function* () {
      yield* Heartbeat.make({ liveness: Effect.never, livenessTimeout: "300 millis" })
      yield* Effect.sleep("3300 millis")
      const state = yield* Simulator.countdown()
      assert.strictEqual(state._tag, "Armed")
      assert.strictEqual((yield* World.writes).length, 1)
    })
  )
})
