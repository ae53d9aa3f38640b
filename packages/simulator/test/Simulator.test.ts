import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
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

  it.effect("a request that the client gives up still arrives, and an answer that is lost was still given", () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.Simulator
      yield* simulator.network.addUntilRemoved("delay-request;by=4s;times=1")
      yield* simulator.network.addUntilRemoved("drop-answer;after=1;times=1")
      const slow = yield* Effect.fork(Bot.setCountdown("10"))
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.interrupt(slow)
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      yield* TestClock.adjust("3 seconds")
      const armed = yield* Simulator.countdown()
      assert.isTrue(armed._tag === "Armed" && armed.remaining === 10_000)

      yield* TestClock.adjust("1 seconds")
      const unheard = yield* Effect.fork(Bot.setCountdown("60"))
      yield* TestClock.adjust("2 seconds")
      assert.isNull(unheard.unsafePoll())
      const refreshed = yield* Simulator.countdown()
      assert.isTrue(refreshed._tag === "Armed" && refreshed.remaining === 58_000)
      const [first, second] = (yield* simulator.journal.entries).filter((entry) => entry._tag === "Request")
      assert.deepInclude(first, {
        sentAt: 0,
        abortedAt: 1_000,
        arrivedAt: 4_000,
        appliedAt: 4_000,
        receivedAt: undefined
      })
      assert.deepInclude(second, { sentAt: 5_000, answeredAt: 5_000, receivedAt: undefined, code: "00000" })
      assert.deepStrictEqual(second?.faults, ["drop-answer;after=1;times=1"])
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("a firing comes by itself, as a push", () =>
    Effect.gen(function* () {
      const pushed = yield* Effect.fork(Stream.runHead(Simulator.fired))
      yield* TestClock.adjust("1 seconds")
      yield* Bot.setCountdown("5")
      yield* TestClock.adjust("4999 millis")
      assert.isNull(pushed.unsafePoll())
      yield* TestClock.adjust("1 millis")
      const push = Option.getOrThrow(yield* Fiber.join(pushed))
      assert.deepInclude(push, { account: "1000001", at: 6_000, deadline: 6_000 })
    }).pipe(Effect.provide(Simulator.layer()))
  )
})
