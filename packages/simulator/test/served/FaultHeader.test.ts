import * as Faults from "@effect-deadman/simulator/Faults"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as Bot from "../support/Bot.js"

/** A beat whose request names its faults. */
const beat = (header: string) =>
  Bot.setCountdown("10").pipe(
    Effect.provideServiceEffect(
      HttpClient.HttpClient,
      Effect.map(HttpClient.HttpClient, HttpClient.mapRequest(HttpClientRequest.setHeader("x-simulator-fault", header)))
    )
  )

const requests = Effect.flatMap(Simulator.Simulator, ({ journal }) =>
  Effect.map(journal.entries, (entries) =>
    entries.filter((entry): entry is Journal.RequestRecord => entry._tag === "Request")
  )
)

describe("x-simulator-fault", () => {
  for (const [count, fault] of [
    [3_000, "hang"],
    [300, "duplicate;copies=10"],
    [11, "drop-answer"]
  ] as const) {
    it.effect(`a header with ${count} faults (${fault}) is refused once, without copies`, () =>
      Effect.gen(function* () {
        const answer = yield* beat(Array.from({ length: count }, () => fault).join("|"))
        assert.deepInclude(answer, { status: 400, code: "simulator" })
        assert.include(answer.text, "more than 10 faults")
        assert.lengthOf(yield* requests, 1)
        assert.deepStrictEqual(yield* Simulator.countdown(), { _tag: "Closed" })
      }).pipe(Effect.provide(Simulator.layer()))
    )
  }

  it.effect("applies the named fault to one request only", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* beat("error-after-apply;code=40725")).code, "40725")
      assert.deepInclude(yield* Simulator.countdown(), { _tag: "Armed", deadline: 10_000 })
      assert.isEmpty(yield* Faults.active)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Bot.setCountdown("10")).code, "00000")
      const [first, second] = yield* requests
      assert.deepStrictEqual(first?.faults, ["error-after-apply;code=40725"])
      assert.deepStrictEqual(second?.faults, [])
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("separates several faults by |", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(beat("delay-answer;by=2s|duplicate;by=1s"))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).code, "00000")
      const [first, copy] = yield* requests
      assert.deepInclude(first, { arrivedAt: 0, receivedAt: 2_000, faults: ["duplicate;by=1s", "delay-answer;by=2s"] })
      assert.deepInclude(copy, { copyOf: 1, arrivedAt: 1_000 })
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("replaces the faults of the network for this request only", () =>
    Effect.gen(function* () {
      yield* Faults.add("refuse-connection")
      assert.strictEqual((yield* beat("rate-limit")).code, "429")
      assert.deepInclude(yield* Effect.flip(Bot.setCountdown("10")), { _tag: "RequestError", reason: "Transport" })
    }).pipe(Effect.scoped, Effect.provide(Simulator.layer()))
  )

  it.effect("refuses a header that is not a fault, without reaching the exchange", () =>
    Effect.gen(function* () {
      const answer = yield* beat("drop-answer;after=soon")
      assert.deepInclude(answer, { status: 400, code: "simulator" })
      assert.include(answer.text, "drop-answer;after=soon")
      assert.deepStrictEqual(yield* Simulator.countdown(), { _tag: "Closed" })
      assert.isUndefined((yield* requests)[0]?.arrivedAt)
    }).pipe(Effect.provide(Simulator.layer()))
  )
})
