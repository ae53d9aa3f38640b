import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
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
    assert.deepStrictEqual(outcome.leftover, { fibers: 1, timers: 0 })
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
