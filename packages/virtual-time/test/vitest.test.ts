import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as TestServices from "effect/TestServices"
import * as VirtualTime from "../src/VirtualTime.js"
import { it, make } from "../src/vitest.js"

describe("it.virtual", () => {
  it.virtual("lets a body sleep", () =>
    Effect.gen(function* () {
      yield* Effect.sleep("1 day")
      assert.strictEqual(yield* Clock.currentTimeMillis, 86_400_000)
    })
  )

  it.virtual("runs a body that adjusts the clock", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.sleep("1 minute"))
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual((yield* Fiber.poll(fiber))._tag, "None")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.poll(fiber))._tag, "Some")
    })
  )

  it.virtual("has test services, a scope, promises and parties", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* TestServices.size, 100)
      yield* Effect.addFinalizer(() => Effect.sleep(10))
      assert.strictEqual(yield* Effect.promise(() => Promise.resolve(1)), 1)
      const party = yield* VirtualTime.party("bot")
      yield* party.stepWall(1000)
      assert.strictEqual(yield* VirtualTime.withParty(Clock.currentTimeMillis, "bot"), 1000)
    })
  )

  it.virtual.fails("fails with the error of its body", () => Effect.fail(new Error("expected")))

  it.virtual.fails("fails instead of hanging", () => Effect.never)

  it.virtual.each([1, 2])("each", (n) =>
    Effect.zipRight(
      Effect.sleep(n),
      Effect.sync(() => assert.isAtMost(n, 2))
    )
  )

  it.virtual.prop("prop", { ms: FastCheck.nat(1000) }, ({ ms }) =>
    Effect.gen(function* () {
      yield* Effect.sleep(ms)
      assert.strictEqual(yield* Clock.currentTimeMillis, ms)
    })
  )

  const later = make({ start: 1_700_000_000_000 })
  later("takes options", () => Effect.map(Clock.currentTimeMillis, (now) => assert.strictEqual(now, 1_700_000_000_000)))
})
