import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as Bot from "./support/Bot.js"

describe("Simulator", () => {
  it.effect("the same scenario twice gives the same journal, byte for byte", () => {
    const scenario = Effect.gen(function* () {
      yield* Simulator.placeOrder()
      yield* Bot.setCountdown("10")
      yield* TestClock.adjust("3 seconds")
      yield* Bot.setCountdown("10")
      yield* Bot.setCountdown("61")
      yield* Simulator.mark("crash")
      yield* TestClock.adjust("20 seconds")
      yield* Bot.setCountdown("0")
      const simulator = yield* Simulator.Simulator
      return yield* simulator.journal.ndjson
    }).pipe(Effect.provide(Simulator.layer()))
    return Effect.gen(function* () {
      yield* TestClock.setTime(0)
      const first = yield* scenario
      yield* TestClock.setTime(0)
      const second = yield* scenario
      assert.strictEqual(second, first)
      assert.include(first, `"transition":"fired"`)
    })
  })

  it.effect("a bot that crashes has no open order ten seconds after its last beat", () =>
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      yield* Simulator.placeOrder({ category: "SPOT" })
      assert.strictEqual((yield* Bot.setCountdown("10")).code, "00000")
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Bot.setCountdown("10")).code, "00000")
      yield* TestClock.adjust("9999 millis")
      assert.lengthOf(yield* Simulator.openOrders(), 2)
      const armed = yield* Simulator.countdown()
      assert.isTrue(armed._tag === "Armed" && armed.remaining === 1)
      yield* TestClock.adjust("1 millis")
      assert.lengthOf(yield* Simulator.openOrders(), 0)
      assert.strictEqual((yield* Simulator.countdown())._tag, "Fired")
    }).pipe(Effect.provide(Simulator.layer()))
  )
})
