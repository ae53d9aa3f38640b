/** Parties: hosts of their own that stall, sleep and crash, and clocks that diverge. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as VirtualTime from "../src/VirtualTime.js"
import { failure } from "./support/failure.js"

describe("party", () => {
  const ticks = (out: Array<readonly [number, number]>, since: bigint) =>
    Effect.gen(function* () {
      yield* Effect.sleep("1 second")
      const nanos = yield* Clock.currentTimeNanos
      out.push([Number((nanos - since) / 1_000_000n), yield* Clock.currentTimeMillis])
    }).pipe(Effect.repeatN(2))

  const ticksWhile = (act: (party: VirtualTime.Party) => Effect.Effect<void, unknown, VirtualTime.VirtualTime>) => {
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

  it("suspended: its monotonic clock and timers stand still, its wall clock goes on", () => {
    const { out, outcome } = ticksWhile((party) =>
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

  it("suspended: a sleep on its clock that is interrupted meanwhile is forgotten", () => {
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        const clock = yield* VirtualTime.withParty(Effect.clock, "bot")
        // A fiber of no party can sleep on a party's clock. Its interruption does not wait for the party.
        const sleeper = yield* Effect.fork(Effect.withClock(Effect.sleep("1 hour"), clock))
        yield* Effect.sleep(1)
        yield* party.suspend
        yield* Fiber.interrupt(sleeper)
        yield* party.resume
        yield* Effect.sleep(100)
      })
    )
    assert.deepStrictEqual(outcome.exit, Exit.succeed(undefined))
    assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 })
  })

  it("stalled: both clocks go on, and what became due runs late", () => {
    const { out } = ticksWhile((party) => Effect.sleep(1500).pipe(Effect.zipRight(party.stallFor(10_000))))
    assert.deepStrictEqual(out, [
      [1000, 1000],
      [11_500, 11_500],
      [12_500, 12_500]
    ])
  })

  it("with a wall clock that steps: timers do not notice", () => {
    const { out } = ticksWhile((party) => Effect.sleep(1500).pipe(Effect.zipRight(party.stepWall(-60_000))))
    assert.deepStrictEqual(out, [
      [1000, 1000],
      [2000, -58_000],
      [3000, -57_000]
    ])
  })

  it("with a slow monotonic clock: its timers take longer", () => {
    const { out } = ticksWhile((party) => party.setRate(0.5))
    assert.deepStrictEqual(out, [
      [1000, 2000],
      [2000, 4000],
      [3000, 6000]
    ])
  })

  it("crashed: no further step, and no finalizer", () => {
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

  it("crashed: fibers outside that wait for it go on, and so do a scope that closes and a program that ends", () => {
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

  it("crashed from within, or with the program itself in it: the program ends", () => {
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

  it("crashed while a fiber of it is outside: the fiber ends as soon as it comes back", () => {
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

  it("with a monotonic clock that changes its speed: what is left of its timers takes that much longer", () => {
    const { out } = ticksWhile((party) =>
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

  it("shows a monotonic clock that stands still while it is suspended", () => {
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

  it("joining one of its fibers does not make the caller a member", () => {
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
