import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import * as VirtualTime from "../src/VirtualTime.js"
import { failure } from "./support/failure.js"

describe("run", () => {
  it("jumps over a day of sleep", () => {
    const outcome = VirtualTime.run(Effect.as(Effect.sleep("1 day"), "done"))
    assert.deepStrictEqual(outcome.exit, Exit.succeed("done"))
    assert.strictEqual(outcome.now, 86_400_000)
    assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 })
  })

  it("wakes equal instants in the order in which they were set", () => {
    const order: Array<string> = []
    const sleeper = (name: string, ms: number) => Effect.sleep(ms).pipe(Effect.andThen(() => void order.push(name)))
    VirtualTime.run(
      Effect.all([sleeper("a", 10), sleeper("b", 5), sleeper("c", 10), sleeper("d", 5)], { concurrency: "unbounded" })
    )
    assert.deepStrictEqual(order, ["b", "d", "a", "c"])
  })

  it("forgets interrupted sleeps", () => {
    const outcome = VirtualTime.run(
      Effect.void.pipe(Effect.timeout("1 hour"), Effect.repeatN(99), Effect.andThen(Effect.sleep(1)))
    )
    assert.strictEqual(outcome.now, 1)
    assert.strictEqual(outcome.wakes, 1)
    assert.strictEqual(outcome.leftover.timers, 0)
  })

  it("names the fibers of a program that waits for a promise", () => {
    const outcome = VirtualTime.run(
      Effect.fork(
        Effect.withSpan(
          Effect.promise(() => Promise.resolve(1)),
          "ask the world"
        )
      ).pipe(Effect.flatMap(Fiber.join))
    )
    const error = failure(outcome)
    assert.instanceOf(error, VirtualTime.Stuck)
    assert.strictEqual(error.waiting.length, 2)
    assert.include(error.message, "ask the world")
    assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 })
  })

  it("ends a loop that never sleeps", () => {
    const error = failure(VirtualTime.run(Effect.forever(Effect.void), { maxSteps: 100 }))
    assert.instanceOf(error, VirtualTime.LimitReached)
    assert.strictEqual(error.limit, "steps")
  })

  it("ends at the limit of time", () => {
    const outcome = VirtualTime.run(Effect.repeat(Effect.void, Schedule.spaced("1 second")), { maxTime: "1 minute" })
    const error = failure(outcome)
    assert.instanceOf(error, VirtualTime.LimitReached)
    assert.strictEqual(error.limit, "time")
    assert.strictEqual(outcome.now, 60_000)
  })
})

describe("a loop that never sleeps", () => {
  const loops: ReadonlyArray<readonly [string, Effect.Effect<void>]> = [
    ["yields", Effect.forever(Effect.yieldNow())],
    ["only computes", Effect.forever(Effect.void)],
    ["sleeps for no time", Effect.forever(Effect.sleep(0))],
    ["forks and joins", Effect.forever(Effect.flatMap(Effect.fork(Effect.void), Fiber.join))]
  ]
  const inParty = (loop: Effect.Effect<void>) => VirtualTime.withParty(Effect.withSpan(loop, "the loop"), "bot")

  for (const [how, loop] of loops) {
    it(`that ${how} is ended at its instant, and named`, () => {
      const program = Effect.zipRight(Effect.sleep(5), Effect.zipRight(Effect.fork(inParty(loop)), Effect.never))
      const outcome = VirtualTime.run(program, { maxStepsAtOnce: 2_000 })
      const error = failure(outcome)
      assert.instanceOf(error, VirtualTime.LimitReached)
      assert.strictEqual(error.limit, "instant")
      assert.strictEqual(error.now, 5)
      assert.isBelow(outcome.steps, 2_100)
      assert.match(error.message, /fiber #\d+ of party "bot" in span "the loop"/)
      assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 })
    })

    it.live(`that ${how} dies under the layer, and the process lives on`, () =>
      Effect.gen(function* () {
        const child = Effect.zipRight(Effect.fork(inParty(loop)), Effect.sleep("1 second"))
        for (const program of [inParty(loop), child]) {
          const below = Effect.provide(program, VirtualTime.layer({ maxStepsAtOnce: 2_000 }))
          // Twice: as a test runner starts its tests, and as the child of a fiber that another scheduler runs.
          const supervised = Effect.flatMap(Effect.fork(below), Fiber.join)
          for (const started of [below, supervised]) {
            const exit = yield* Effect.promise(() => Effect.runPromiseExit(started))
            const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
            assert.instanceOf(defect, VirtualTime.LimitReached)
            assert.match(defect.message, /fiber #\d+ of party "bot" in span "the loop"/)
          }
        }
      })
    )
  }

  it("is ended by default too, long before ten million steps", () => {
    const error = failure(VirtualTime.run(Effect.forever(Effect.yieldNow())))
    assert.instanceOf(error, VirtualTime.LimitReached)
    assert.deepInclude({ ...error }, { limit: "instant", steps: 1_000_000 })
  })

  it("whose steps are few and long is ended by real time", () => {
    const slow = Effect.sync(() => {
      const until = performance.now() + 1
      while (performance.now() < until);
    })
    const error = failure(VirtualTime.run(Effect.forever(Effect.zipRight(slow, Effect.yieldNow())), { maxRealTime: 1 }))
    assert.instanceOf(error, VirtualTime.LimitReached)
    assert.strictEqual(error.limit, "real time")
  })

  it("is no loop that sleeps, however many steps it takes", () => {
    const round = Effect.zipRight(Effect.repeatN(Effect.yieldNow(), 50), Effect.sleep(1))
    const outcome = VirtualTime.run(Effect.repeatN(round, 200), { maxStepsAtOnce: 150 })
    assert.isTrue(Exit.isSuccess(outcome.exit))
    assert.isAbove(outcome.steps, 10_000)
  })
})

describe("drivers", () => {
  it("calls a plain function at its instant, between fibers, unless it is cancelled", () => {
    const calls: Array<string> = []
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const time = yield* VirtualTime.VirtualTime
        const party = yield* time.party("bot")
        time.unsafeSchedule(10, () => calls.push(`first ${time.unsafeElapsed()}`))
        time.unsafeSchedule(20.5, () => calls.push(`second ${time.unsafeElapsed()}`))
        const takeBack = time.unsafeSchedule(15, () => calls.push("never"))
        takeBack()
        // It runs in the world's time: a party that stands still holds none of it.
        yield* party.suspend
        yield* Effect.sleep(30)
      })
    )
    assert.deepStrictEqual(calls, ["first 10", "second 20.5"])
    assert.strictEqual(outcome.leftover.timers, 0)
  })
})

describe("time", () => {
  it("counts fractions of a millisecond, and shows whole ones on the wall clock", () => {
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        yield* Effect.repeatN(Effect.sleep(0.1), 9)
        const tenth = yield* Clock.currentTimeNanos
        yield* Effect.sleep("1500 micros")
        yield* Effect.sleep("1 nanos")
        return [tenth, yield* Clock.currentTimeNanos, yield* Clock.currentTimeMillis]
      })
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed([1_000_000n, 2_500_001n, 2]))
  })

  it("starts exactly at the given instant, on both clocks", () => {
    const outcome = VirtualTime.run(
      Effect.zipRight(Effect.sleep(5), Effect.zip(Clock.currentTimeMillis, Clock.currentTimeNanos)),
      { start: 1_728_625_799_912 }
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed([1_728_625_799_917, 1_728_625_799_917_000_000n]))
    assert.strictEqual(outcome.now, 1_728_625_799_917)
  })

  it("sleeps longer than a real timer can, and for ever", () => {
    const outcome = VirtualTime.run(Effect.sleep("1000 days").pipe(Effect.race(Effect.sleep(Duration.infinity))))
    assert.isTrue(Exit.isSuccess(outcome.exit))
    assert.strictEqual(outcome.now, 86_400_000_000)
  })

  it("does not pass while a fiber computes", () => {
    // TestClock gives a fiber a few turns of the event loop and then goes on without it.
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(Effect.zipRight(Effect.repeatN(Effect.void, 10_000), Clock.currentTimeMillis))
        yield* Effect.sleep("1 minute")
        return yield* Fiber.join(fiber)
      })
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed(0))
  })

  it("passes only when adjusted, when it is manual", () => {
    const outcome = VirtualTime.run(Effect.sleep(1), { time: "manual" })
    const error = failure(outcome)
    assert.instanceOf(error, VirtualTime.Stuck)
    assert.include(error.message, "manual")
    assert.strictEqual(outcome.now, 0)
  })
})

describe("seeds", () => {
  const program = Effect.gen(function* () {
    const order: Array<number> = []
    const gate = yield* Deferred.make<void>()
    yield* Effect.fork(Effect.zipRight(Effect.sleep(5), Deferred.succeed(gate, void 0)))
    yield* Effect.forEach(
      Array.from({ length: 8 }, (_, i) => i),
      (i) =>
        Deferred.await(gate).pipe(
          Effect.andThen(Effect.sleep(i % 2)),
          Effect.andThen(() => void order.push(i)),
          VirtualTime.withParty(`party ${i}`)
        ),
      { concurrency: "unbounded" }
    )
    return order.join("")
  })

  it("order equal instants, or parties that are ready, each seed in its own order and always in the same", () => {
    const orders = (option: "instants" | "parties") =>
      Array.from({ length: 20 }, (_, seed) => {
        const outcome = VirtualTime.run(program, { seed, [option]: "seeded" })
        assert.deepStrictEqual(VirtualTime.run(program, { seed, [option]: "seeded" }), outcome)
        return Exit.isSuccess(outcome.exit) ? outcome.exit.value : ""
      })
    assert.isAbove(new Set(orders("instants")).size, 15)
    assert.isAbove(new Set(orders("parties")).size, 15)
  })

  it("feed Effect's Random", () => {
    const draw = (seed: number) => VirtualTime.run(Random.nextIntBetween(0, 1_000_000), { seed }).exit
    assert.deepStrictEqual(draw(1), draw(1))
    assert.notDeepEqual(draw(1), draw(2))
  })

  it("leave a trace that differs where runs differ", () => {
    const trace = (ms: number) => VirtualTime.run(Effect.sleep(ms)).trace
    assert.strictEqual(trace(5), trace(5))
    assert.notStrictEqual(trace(5), trace(6))
  })
})

describe("options", () => {
  it("with a wrong value are refused by name", () => {
    const refused = (options: VirtualTime.Options) => {
      const error = failure(VirtualTime.run(Effect.void, options))
      assert.instanceOf(error, VirtualTime.InvalidOption)
      return error.option
    }
    assert.strictEqual(refused({ seed: 0.5 }), "seed")
    assert.strictEqual(refused({ start: NaN }), "start")
    assert.strictEqual(refused({ maxSteps: 0 }), "maxSteps")
    assert.strictEqual(refused({ maxStepsAtOnce: NaN }), "maxStepsAtOnce")
    assert.strictEqual(refused({ maxRealTime: "soon" as "1 second" }), "maxRealTime")
  })

  it.effect("with a wrong value are a defect of the layer", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Effect.provide(Effect.void, VirtualTime.layer({ seed: NaN })))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
    })
  )

  it("a rate must be above 0", () => {
    const outcome = VirtualTime.run(Effect.flatMap(VirtualTime.party("a"), (party) => party.setRate(0)))
    assert.instanceOf(failure(outcome), VirtualTime.InvalidRate)
  })
})

describe("what a program leaves behind", () => {
  it("is counted, and does not stay in the process", () => {
    const before = Fiber.unsafeRoots().length
    const outcome = VirtualTime.run(
      Effect.zipRight(
        Effect.forkDaemon(Effect.forever(Effect.sleep(10))),
        Effect.zipRight(Effect.forkDaemon(Effect.never), Effect.sleep(25))
      )
    )
    assert.deepStrictEqual(outcome.leftover, { fibers: 2, timers: 1 })
    assert.strictEqual(Fiber.unsafeRoots().length, before)
  })

  it("holds no real timer", () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
    const before = timers()
    VirtualTime.run(Effect.zipRight(Effect.forkDaemon(Effect.never), Effect.sleep(1)))
    assert.strictEqual(timers(), before)
  })

  it("a program that is ended runs its finalizers, which may take time", () => {
    const done: Array<string> = []
    const outcome = VirtualTime.run(
      Effect.promise(() => new Promise<void>(() => {})).pipe(
        Effect.ensuring(
          Effect.zipRight(
            Effect.sleep("1 minute"),
            Effect.sync(() => void done.push("closed"))
          )
        )
      )
    )
    assert.instanceOf(failure(outcome), VirtualTime.Stuck)
    assert.deepStrictEqual(done, ["closed"])
    assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 })
  })

  it("a promise that settles after the end wakes no fiber", async () => {
    let late = false
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    VirtualTime.run(
      Effect.forkDaemon(
        Effect.zipRight(
          Effect.promise(() => gate),
          Effect.sync(() => void (late = true))
        )
      ).pipe(Effect.zipRight(Effect.sleep(1)))
    )
    open()
    await new Promise((resolve) => setImmediate(resolve))
    assert.isFalse(late)
  })
})

describe("runPromise", () => {
  it("waits for promises without letting time pass", async () => {
    const outcome = await VirtualTime.runPromise(
      Effect.gen(function* () {
        yield* Effect.sleep("1 hour")
        const value = yield* Effect.promise(async () => {
          await Promise.resolve()
          return await Promise.resolve(7)
        })
        return [value, yield* Clock.currentTimeMillis]
      })
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed([7, 3_600_000]))
  })

  it("does not let time pass a promise that settles in this turn", async () => {
    const outcome = await VirtualTime.runPromise(
      Effect.promise(() => Promise.resolve("promise")).pipe(Effect.race(Effect.as(Effect.sleep("1 day"), "time")))
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed("promise"))
  })

  it("waits a while for outside work when nothing is due, then names what waits", async () => {
    const soon = Effect.async<string>((resume) => {
      setTimeout(() => resume(Effect.succeed("came")), 5)
    })
    assert.deepStrictEqual((await VirtualTime.runPromise(soon)).exit, Exit.succeed("came"))
    const outcome = await VirtualTime.runPromise(Effect.never, { patience: 5 })
    assert.instanceOf(failure(outcome), VirtualTime.Stuck)
  })

  it("ends when its signal says so", async () => {
    const controller = new AbortController()
    const outcome = VirtualTime.runPromise(Effect.never, { signal: controller.signal, patience: "1 minute" })
    controller.abort()
    const exit = (await outcome).exit
    assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
  })
})

describe("layer", () => {
  it.live("drives what sleeps in it, though another scheduler runs it", () =>
    Effect.gen(function* () {
      const runtime = yield* Effect.runtime<never>()
      const time = yield* Effect.provide(Effect.clock, VirtualTime.layer({ time: "auto" }))
      // Not one task of this world is scheduled: its timer alone must wake its driver.
      yield* Effect.promise(() => Runtime.runPromise(runtime)(time.sleep(Duration.days(1))))
      assert.strictEqual(time.unsafeCurrentTimeMillis(), 86_400_000)
    })
  )
})
