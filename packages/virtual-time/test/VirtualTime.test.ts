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

const failure = <A, E>(outcome: VirtualTime.Outcome<A, E>): unknown =>
  outcome.exit.pipe(Exit.causeOption, (cause) =>
    cause._tag === "Some" && cause.value._tag === "Fail" ? cause.value.error : undefined
  )

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

  it("is ended by default too, long before it has run ten million steps", () => {
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
  it("calls a plain function at its instant, between fibers, unless it is taken back", () => {
    const calls: Array<string> = []
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const time = yield* VirtualTime.VirtualTime
        const party = yield* time.party("bot")
        time.unsafeSchedule(10, () => calls.push(`first ${time.unsafeElapsed()}`))
        time.unsafeSchedule(20.5, () => calls.push(`second ${time.unsafeElapsed()}`))
        const takeBack = time.unsafeSchedule(15, () => calls.push("never"))
        takeBack()
        // On nobody's hand: a party that stands still holds nothing of it.
        yield* party.suspend
        yield* Effect.sleep(30)
      })
    )
    assert.deepStrictEqual(calls, ["first 10", "second 20.5"])
    assert.strictEqual(outcome.leftover.timers, 0)
  })
})

describe("party", () => {
  const ticks = (out: Array<readonly [number, number]>, since: bigint) =>
    Effect.gen(function* () {
      yield* Effect.sleep("1 second")
      const nanos = yield* Clock.currentTimeNanos
      out.push([Number((nanos - since) / 1_000_000n), yield* Clock.currentTimeMillis])
    }).pipe(Effect.repeatN(2))

  const with_ = (act: (party: VirtualTime.Party) => Effect.Effect<void, unknown, VirtualTime.VirtualTime>) => {
    const out: Array<readonly [number, number]> = []
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        const fiber = yield* Effect.fork(VirtualTime.withParty(ticks(out, 0n), "bot"))
        yield* act(party)
        yield* Fiber.join(fiber)
        return yield* Clock.currentTimeMillis
      })
    )
    return { out, outcome }
  }

  it("suspended: its monotonic hand and timers stand still, its wall clock goes on", () => {
    const { out, outcome } = with_((party) =>
      Effect.sleep(1500).pipe(
        Effect.zipRight(party.suspend),
        Effect.zipRight(Effect.sleep(10_000)),
        Effect.zipRight(party.resume)
      )
    )
    assert.deepStrictEqual(out, [
      [1000, 1000],
      [2000, 12_000],
      [3000, 13_000]
    ])
    assert.strictEqual(outcome.now, 13_000)
  })

  it("stalled: both hands go on, and what became due runs late", () => {
    const { out } = with_((party) => Effect.sleep(1500).pipe(Effect.zipRight(party.stallFor(10_000))))
    assert.deepStrictEqual(out, [
      [1000, 1000],
      [11_500, 11_500],
      [12_500, 12_500]
    ])
  })

  it("with a wall clock that steps: timers do not notice", () => {
    const { out } = with_((party) => Effect.sleep(1500).pipe(Effect.zipRight(party.stepWall(-60_000))))
    assert.deepStrictEqual(out, [
      [1000, 1000],
      [2000, -58_000],
      [3000, -57_000]
    ])
  })

  it("with a slow monotonic hand: its timers take longer", () => {
    const { out } = with_((party) => party.setRate(0.5))
    assert.deepStrictEqual(out, [
      [1000, 2000],
      [2000, 4000],
      [3000, 6000]
    ])
  })

  it("crashed: not one more step, and no finalizer", () => {
    let finalized = false
    let steps = 0
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        yield* Effect.forkDaemon(
          VirtualTime.withParty(
            Effect.sleep(10).pipe(
              Effect.andThen(() => void steps++),
              Effect.forever,
              Effect.ensuring(Effect.sync(() => void (finalized = true)))
            ),
            "bot"
          )
        )
        yield* Effect.sleep(35)
        yield* party.crash
        yield* Effect.sleep(1000)
      })
    )
    assert.isTrue(Exit.isSuccess(outcome.exit))
    assert.strictEqual(steps, 3)
    assert.isFalse(finalized)
    assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 })
  })

  it("crashed: what waits for it outside goes on, a scope that closes and a program that ends too", () => {
    const finalized: Array<string> = []
    const bot = (name: string) =>
      Effect.forever(Effect.sleep(10)).pipe(
        Effect.raceFirst(Effect.never),
        Effect.ensuring(Effect.sync(() => void finalized.push(name))),
        VirtualTime.withParty("bot")
      )
    const interrupted = (exit: Exit.Exit<unknown, unknown>) => Exit.isInterrupted(exit)
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        yield* Effect.fork(bot("child"))
        const waiting = yield* Effect.fork(Effect.exit(Effect.flatMap(Effect.fork(bot("joined")), Fiber.join)))
        const late = yield* Effect.forkDaemon(bot("daemon"))
        yield* Effect.sleep(1)
        const scoped = Effect.scoped(
          Effect.zipRight(Effect.forkScoped(bot("scoped")), Effect.zipRight(Effect.sleep(35), party.crash))
        )
        yield* scoped
        const exits = [yield* Fiber.join(waiting), yield* Fiber.interrupt(late), yield* Fiber.await(late)]
        yield* Effect.sleep(1000)
        return exits.map(interrupted)
      })
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed([true, true, true]))
    assert.deepStrictEqual(finalized, [])
    assert.strictEqual(outcome.now, 1036)
    assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 })
  })

  it("crashed from within, or with the program itself in it: that is its end", () => {
    const steps: Array<number> = []
    const crashing = Effect.flatMap(VirtualTime.party("bot"), (party) =>
      Effect.zipRight(
        party.crash,
        Effect.sync(() => void steps.push(1))
      )
    ).pipe(Effect.ensuring(Effect.sync(() => void steps.push(2))), VirtualTime.withParty("bot"))
    const inline = VirtualTime.run(crashing)
    assert.isTrue(Exit.isInterrupted(inline.exit))
    const forked = VirtualTime.run(Effect.zipRight(Effect.fork(crashing), Effect.sleep(5)))
    assert.deepStrictEqual(forked.exit, Exit.succeed(undefined))
    assert.deepStrictEqual(steps, [])
  })

  it("crashed: an observer that forks its fiber again forks one that never begins", () => {
    let forks = 0
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        const runtime = yield* VirtualTime.withParty(Effect.runtime<VirtualTime.VirtualTime>(), "bot")
        const start = (): void => {
          forks++
          Runtime.runFork(runtime, VirtualTime.withParty(Effect.never, "bot")).addObserver(start)
        }
        start()
        yield* Effect.sleep(1)
        yield* party.crash
        yield* Effect.sleep(1000)
      }),
      { maxSteps: 1_000 }
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed(undefined))
    assert.strictEqual(forks, 2)
  })

  it("crashed with a fiber that is outside of it for the moment: it ends as soon as it comes back", () => {
    let steps = 0
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        const away = VirtualTime.outside(Effect.sleep(10)).pipe(
          Effect.zipRight(Effect.yieldNow()),
          Effect.andThen(() => void steps++),
          VirtualTime.withParty("bot")
        )
        const fiber = yield* Effect.fork(away)
        yield* Effect.sleep(5)
        yield* party.crash
        return Exit.isInterrupted(yield* Fiber.await(fiber))
      })
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed(true))
    assert.strictEqual(steps, 0)
  })

  it("stopping itself takes effect before the next step", () => {
    const outcome = VirtualTime.run(
      VirtualTime.withParty(
        Effect.flatMap(VirtualTime.party("bot"), (party) =>
          Effect.zipRight(party.stallFor("5 seconds"), Clock.currentTimeMillis)
        ),
        "bot"
      )
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed(5000))
  })

  it("with a hand that changes its speed: what is left of its timers takes that much longer", () => {
    const { out } = with_((party) =>
      Effect.gen(function* () {
        yield* Effect.sleep(500)
        yield* party.setRate(0.5)
        yield* Effect.sleep(1500)
        yield* party.suspendFor(10_000)
        yield* Effect.sleep(100)
        yield* party.setRate(2)
      })
    )
    // 500 at full speed and 1000 at half; 500 more at half, the host asleep, and the other 750 at twice the speed.
    assert.deepStrictEqual(out, [
      [1000, 1500],
      [2000, 12_375],
      [3000, 12_875]
    ])
  })

  it("shows a hand that stands still while it is suspended", () => {
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        const runtime = yield* VirtualTime.withParty(Effect.runtime<never>(), "bot")
        yield* Effect.sleep(10)
        yield* party.suspend
        yield* Effect.sleep(10)
        return Runtime.runSync(runtime)(Effect.zip(Clock.currentTimeMillis, Clock.currentTimeNanos))
      })
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed([20, 10_000_000n]))
  })

  it("stays crashed, whatever is asked of it", () => {
    let steps = 0
    VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        const tick = Effect.sleep(10).pipe(Effect.andThen(() => void steps++))
        const news = yield* Deferred.make<void>()
        const reader = Deferred.await(news).pipe(Effect.andThen(() => void steps++))
        yield* Effect.forkDaemon(VirtualTime.withParty(Effect.forever(tick), "bot"))
        yield* Effect.forkDaemon(VirtualTime.withParty(reader, "bot"))
        yield* Effect.sleep(25)
        yield* party.stall
        yield* Effect.sleep(10)
        yield* party.crash
        yield* party.resume
        yield* party.suspendFor(5)
        yield* Effect.sleep(100)
        yield* Deferred.succeed(news, void 0)
        yield* Effect.sleep(100)
      })
    )
    assert.strictEqual(steps, 2)
  })

  it("joining one of its fibers does not make the joiner a member", () => {
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        const fiber = yield* VirtualTime.withParty(Effect.fork(Effect.sleep(5)), "bot")
        yield* Fiber.join(fiber)
        yield* party.suspend
        yield* Effect.sleep(1000)
        return yield* Clock.currentTimeMillis
      })
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed(1005))
  })

  it("a fiber outside that waits for a suspended one is named, and the reason", () => {
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        const never = yield* Deferred.make<void>()
        yield* Effect.fork(
          VirtualTime.withParty(Effect.zipRight(Effect.sleep(5), Deferred.succeed(never, void 0)), "bot")
        )
        yield* Effect.sleep(1)
        yield* party.suspend
        yield* Deferred.await(never)
      })
    )
    const error = failure(outcome)
    assert.instanceOf(error, VirtualTime.Stuck)
    assert.include(error.message, 'of party "bot"')
    assert.include(error.message, "its party does not run")
  })
})

describe("time", () => {
  it("counts fractions of a millisecond, and shows whole ones on the wall", () => {
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

  it("starts where it is told, exactly, on both hands", () => {
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

  it("order equal instants, or parties that are ready, each in its way, and each always in the same", () => {
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

  it("leave a trace that tells runs apart", () => {
    const trace = (ms: number) => VirtualTime.run(Effect.sleep(ms)).trace
    assert.strictEqual(trace(5), trace(5))
    assert.notStrictEqual(trace(5), trace(6))
  })
})

describe("options", () => {
  it("that make no sense are refused by name", () => {
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

  it.effect("that make no sense are a defect of the layer", () =>
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

  it("a promise that settles after the end wakes nobody", async () => {
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

  it("waits a while for the outside when nothing is due, then says what it waited for", async () => {
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
