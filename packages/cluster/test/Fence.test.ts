import * as Fence from "@effect-deadman/cluster/Fence"
import * as Countdown from "@effect-deadman/core/Countdown"
import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import { isCountdownError } from "@effect-deadman/core/CountdownCancelAll"
import * as VenueError from "@effect-deadman/core/VenueError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"

type Answer = Effect.Effect<CountdownCancelAll.Acknowledgement, CountdownCancelAll.CountdownError>

const acknowledged = (at: number): Answer => Effect.succeed({ acceptedAt: at, completedAt: at + 5, requestTime: at })

const unresolved: Answer = Effect.fail(
  new VenueError.TransportFailure({ venueMessage: "", applied: "unknown", retryable: true, reason: "lost", detail: "" })
)

const refused: Answer = Effect.fail(
  new VenueError.PermissionRefused({ code: "40014", venueMessage: "", applied: "no", retryable: false })
)

/** A fence of epoch 7 before an exchange that answers as it is told. */
const fence = () => {
  const sent: Array<CountdownCancelAll.Setting> = []
  const world = {
    answer: acknowledged(1_000),
    mayBeat: true,
    permit: undefined as number | undefined,
    now: 0,
    asked: 0,
    sent
  }
  const made = Fence.make(
    {
      account: "main",
      range: Countdown.range,
      pace: Duration.seconds(1),
      horizon: Effect.succeed(Duration.seconds(30)),
      set: (setting) =>
        Effect.suspend(() => {
          sent.push(setting)
          return world.answer
        })
    },
    {
      epoch: 7,
      countdown: 30,
      ask: Effect.sync(() => world.asked++),
      mayBeat: () => world.mayBeat,
      permit: () => world.permit,
      now: () => world.now
    }
  )
  const set = (setting: CountdownCancelAll.Setting) => Effect.runSync(Effect.either(made.port.set(setting)))
  const reasonOf = (setting: CountdownCancelAll.Setting) =>
    Either.match(set(setting), {
      onLeft: (error) => (error._tag === "FenceRefused" ? (error as { readonly reason?: string }).reason : error._tag),
      onRight: () => "sent"
    })
  return { ...made, world, set, reasonOf }
}

describe("Fence", () => {
  it("sends a zero only with a permit of its own epoch", () => {
    const { reasonOf, world } = fence()
    assert.strictEqual(reasonOf(Countdown.off), "NoPermit")
    for (const other of [6, 8]) {
      world.permit = other
      assert.strictEqual(reasonOf(Countdown.off), "NoPermit")
    }
    assert.deepStrictEqual(world.sent, [])
    world.permit = 7
    assert.strictEqual(reasonOf(Countdown.off), "sent")
    assert.deepStrictEqual(world.sent, ["off"])
  })

  it("sends no other countdown than the one of all runners, whatever is permitted", () => {
    const { reasonOf, world } = fence()
    world.permit = 7
    for (const other of [5, 29, 31, 60]) assert.strictEqual(reasonOf(other), "OtherCountdown")
    assert.deepStrictEqual(world.sent, [])
    assert.strictEqual(reasonOf(30), "sent")
  })

  it("sends no beat once another runner may hold the account, and asks the store before each beat", () => {
    const { reasonOf, world } = fence()
    assert.strictEqual(reasonOf(30), "sent")
    assert.strictEqual(world.asked, 1)
    world.mayBeat = false
    assert.strictEqual(reasonOf(30), "NotHeld")
    assert.deepStrictEqual(world.sent, [30])
  })

  it("judges a beat by the answer of the store and not by what was known before", () => {
    const { port, world } = fence()
    const asking = fence()
    assert.isDefined(port)
    // As if the answer said that another has taken over.
    const guarded = Fence.make(asking.port, {
      epoch: 7,
      countdown: 30,
      ask: Effect.sync(() => {
        world.mayBeat = false
      }),
      mayBeat: () => world.mayBeat,
      permit: () => undefined,
      now: () => 0
    })
    assert.isTrue(Either.isLeft(Effect.runSync(Effect.either(guarded.port.set(30)))))
    assert.deepStrictEqual(asking.world.sent, [])
  })

  it("refuses as a heartbeat understands it: nothing was sent, and trying again does not help", () => {
    const { set } = fence()
    const error = Either.getOrThrow(Either.flip(set(Countdown.off)))
    assert.isTrue(isCountdownError(error))
    assert.deepInclude(error, { _tag: "FenceRefused", applied: "no", retryable: false })
    assert.include(error.message, "account main")
  })

  it("remembers the stamps of its first and of its last write", () => {
    const { first, last, set, world } = fence()
    assert.isUndefined(first())
    assert.isUndefined(last())
    set(30)
    world.answer = acknowledged(4_000)
    set(30)
    assert.deepStrictEqual(first(), { stamps: { acceptedAt: 1_000, completedAt: 1_005 }, isAlone: true })
    assert.deepStrictEqual(last(), { acceptedAt: 4_000, completedAt: 4_005 })
  })

  it("knows that a write of unknown outcome may have come before the first one that was acknowledged", () => {
    const { first, set, world } = fence()
    const answer = world.answer
    world.answer = unresolved
    set(30)
    world.answer = answer
    set(30)
    assert.isFalse(first()?.isAlone)
  })

  it("knows no last write while one of unknown outcome may have followed it", () => {
    const { last, set, unresolvedFor, world } = fence()
    set(30)
    world.answer = unresolved
    world.now = 3_000
    set(30)
    assert.isUndefined(last())
    assert.strictEqual(unresolvedFor(), 30_000)
    // Later it can arrive no more, but it may have.
    world.now = 40_000
    assert.strictEqual(unresolvedFor(), 0)
    assert.isUndefined(last())
    // A write that was sent after that is the last again.
    world.answer = acknowledged(41_000)
    set(30)
    assert.deepStrictEqual(last(), { acceptedAt: 41_000, completedAt: 41_005 })
  })

  it("an acknowledged write that was sent while an unresolved one could arrive is not surely the last", () => {
    const { last, set, world } = fence()
    world.answer = unresolved
    set(30)
    world.now = 3_000
    world.answer = acknowledged(3_000)
    set(30)
    assert.isUndefined(last())
  })

  it("a refused write leaves nothing behind", () => {
    const { last, set, unresolvedFor, world } = fence()
    set(30)
    world.answer = refused
    set(30)
    assert.strictEqual(unresolvedFor(), 0)
    assert.deepStrictEqual(last(), { acceptedAt: 1_000, completedAt: 1_005 })
  })

  it("a write that was given up can still arrive", () => {
    const { last, port, unresolvedFor, world } = fence()
    world.answer = Effect.never
    Effect.runSync(
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(port.set(30))
        yield* Effect.yieldNow()
        yield* Effect.yieldNow()
        yield* Fiber.interruptFork(fiber)
        yield* Effect.yieldNow()
        yield* Effect.yieldNow()
      })
    )
    assert.strictEqual(unresolvedFor(), 30_000)
    assert.isUndefined(last())
  })

  it("a write without an answer can still arrive", () => {
    const { port, unresolvedFor, world } = fence()
    world.permit = 7
    world.answer = Effect.never
    Effect.runFork(port.set(Countdown.off))
    world.now = 1_000
    assert.deepStrictEqual(world.sent, ["off"])
    assert.strictEqual(unresolvedFor(), 29_000)
  })

  it("after a zero there is no last countdown", () => {
    const { last, set, world } = fence()
    set(30)
    world.permit = 7
    set(Countdown.off)
    assert.isUndefined(last())
  })
})
