/** The functions of TestClock in virtual time: adjust, setTime, sleeps and save. */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import * as VirtualTime from "../src/VirtualTime.js"

const clockProgram = (observe: (what: string, value: unknown) => void): Effect.Effect<void, never, never> =>
  Effect.gen(function* () {
    const woken: Array<string> = []
    const sleeper = (name: string, duration: Duration.DurationInput) =>
      Effect.fork(
        Effect.zipRight(
          Effect.sleep(duration),
          Effect.sync(() => void woken.push(name))
        )
      )
    observe("start", yield* Clock.currentTimeMillis)
    yield* sleeper("a", "10 seconds")
    yield* sleeper("b", "20 seconds")
    const c = yield* sleeper("c", "30 seconds")
    yield* TestClock.adjust(0)
    observe(
      "sleeps",
      Chunk.toReadonlyArray(yield* TestClock.sleeps()).toSorted((x, y) => x - y)
    )
    yield* TestClock.adjust("9 seconds")
    observe("too soon", [...woken])
    yield* TestClock.adjust("1 seconds")
    observe("at the instant", [...woken])
    yield* TestClock.setTime(25_000)
    observe("by setting the time", [...woken])
    observe("now", yield* Clock.currentTimeMillis)
    const poll = yield* Fiber.poll(c)
    observe("still asleep", poll._tag)
    yield* TestClock.adjustWith(
      Effect.sync(() => void woken.push("effect")),
      "5 seconds"
    )
    yield* Fiber.join(c)
    observe("in the end", [...woken])
    const back = yield* TestClock.save()
    yield* TestClock.adjust("1 hour")
    yield* back
    observe("restored", yield* Clock.currentTimeMillis)
    yield* TestClock.setTime(1000)
    observe("set back", yield* Clock.currentTimeMillis)
    const d = yield* Effect.fork(Effect.sleep("1 second"))
    yield* TestClock.adjust("999 millis")
    observe("d asleep", (yield* Fiber.poll(d))._tag)
    yield* TestClock.adjust("1 millis")
    observe("d awake", (yield* Fiber.poll(d))._tag)
    observe("nanos", yield* Clock.currentTimeNanos)
    yield* TestClock.setTime(new Date(60_000))
    observe("from a date", yield* (yield* TestClock.testClock()).currentTimeMillis)
  })

describe("TestClock.adjust, setTime, sleeps, save", () => {
  const watched = (run: (program: Effect.Effect<void>) => Effect.Effect<unknown>) =>
    Effect.suspend(() => {
      const seen: Array<readonly [string, unknown]> = []
      return Effect.as(run(clockProgram((what, value) => seen.push([what, value]))), seen)
    })

  it.live("work in virtual time as they do under TestClock", () =>
    Effect.gen(function* () {
      const expected = yield* watched(Effect.provide(TestContext.TestContext))
      assert.strictEqual(expected.length, 14)
      const ways: Record<string, (program: Effect.Effect<void>) => Effect.Effect<unknown>> = {
        layer: Effect.provide(VirtualTime.layer()),
        "layer that jumps": Effect.provide(VirtualTime.layer({ time: "auto" })),
        run: (program) => Effect.suspend(() => VirtualTime.run(program).exit).pipe(Effect.orDie),
        "run with manual time": (program) =>
          Effect.suspend(() => VirtualTime.run(program, { time: "manual" }).exit).pipe(Effect.orDie),
        runPromise: (program) =>
          Effect.promise(() => VirtualTime.runPromise(program)).pipe(
            Effect.flatMap((_) => _.exit),
            Effect.orDie
          )
      }
      for (const [way, run] of Object.entries(ways)) assert.deepStrictEqual(yield* watched(run), expected, way)
    })
  )
})
