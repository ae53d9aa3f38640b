/** `guard`: the start of the effect, its interruption, the bound on that, and the result. */
import type { SwitchLost } from "@effect-deadman/core/HeartbeatError"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Logger from "effect/Logger"
import * as Host from "./support/host.js"
import * as Port from "./support/port.js"
import { acknowledged, collecting, inWorld, lost, refused, unsent } from "./support/port.js"
import * as World from "./support/world.js"

const now = Effect.map(Effect.clock, (clock) => clock.unsafeCurrentTimeMillis())

/** Acknowledges the first write only. The switch may fire at 10 s, and has fired by 11.05 s. */
const silent = () => Port.port((n, setting) => (n === 0 || setting === "off" ? acknowledged : unsent))

/** Records when it runs. */
const noting = () => {
  const at: Array<number> = []
  return { at, step: Effect.map(now, (now) => void at.push(now)) }
}

const lossOf = <A>(effect: Effect.Effect<A, SwitchLost>) =>
  Effect.map(Effect.flip(effect), ({ reason, timeLeft }) => [reason, timeLeft] as const)

describe("guard starts nothing", () => {
  it("over a switch that is lost, not even an effect of one step", () => {
    inWorld(
      silent().service,
      Effect.gen(function* () {
        const { at, step } = noting()
        const { heartbeat } = yield* World.open()
        yield* Effect.sleep("9 seconds")
        yield* heartbeat.guard(step)
        yield* Effect.sleep("1 second")
        assert.deepStrictEqual(yield* lossOf(heartbeat.guard(step)), ["MayHaveFired", 0])
        yield* Effect.sleep("20 seconds")
        assert.deepStrictEqual(yield* lossOf(heartbeat.guard(step)), ["MayHaveFired", 0])
        assert.deepStrictEqual(at, [9_050])
      })
    )
  })

  it("over a switch that was refused, although time is left", () => {
    inWorld(
      Port.port((n) => (n === 0 ? acknowledged : refused)).service,
      Effect.gen(function* () {
        const { at, step } = noting()
        const { heartbeat } = yield* World.open()
        yield* Effect.sleep("4 seconds")
        const [reason, timeLeft] = yield* lossOf(heartbeat.guard(step))
        assert.deepStrictEqual([reason, timeLeft > 0], ["Refused", true])
        assert.deepStrictEqual(at, [])
      })
    )
  })

  it("over a heartbeat that is released", () => {
    inWorld(
      Port.port(() => acknowledged).service,
      Effect.gen(function* () {
        const { at, step } = noting()
        const { close, heartbeat } = yield* World.open()
        yield* close
        assert.deepStrictEqual(yield* lossOf(heartbeat.guard(step)), ["Released", 0])
        assert.deepStrictEqual(at, [])
      })
    )
  })

  it("past the earliest fire, where the heartbeat goes on", () => {
    inWorld(
      Port.port((n, setting) => (n === 0 || n > 9 || setting === "off" ? acknowledged : lost)).service,
      Effect.gen(function* () {
        const { at, step } = noting()
        const { heartbeat } = yield* World.open({ onUncertain: "verify" })
        yield* Effect.sleep("10100 millis")
        assert.deepStrictEqual(yield* lossOf(heartbeat.guard(step)), ["MayHaveFired", 0])
        const status = yield* heartbeat.status
        assert.strictEqual(status._tag === "MayHaveFired" ? status.lost : status._tag, undefined)
        assert.deepStrictEqual(at, [])
        yield* Effect.sleep("3 seconds")
        assert.strictEqual((yield* heartbeat.status)._tag, "MayHaveFired")
        yield* heartbeat.guard(step)
        assert.lengthOf(at, 1, "a beat was acknowledged, so the switch runs: the app chose to verify")
      })
    )
  })

  it("in a loop of short steps, from the loss on", () => {
    inWorld(
      silent().service,
      Effect.gen(function* () {
        const { at, step } = noting()
        const { heartbeat } = yield* World.open()
        const loop = Effect.forever(Effect.delay(heartbeat.guard(step), "700 millis"))
        assert.deepStrictEqual(yield* lossOf(loop), ["MayHaveFired", 0])
        assert.strictEqual(at.at(-1), 9_850, "armed at 50 ms, a step every 700 ms")
      })
    )
  })

  for (const [what, reason] of [
    ["suspendFor", "MayHaveFired"],
    ["stallFor", "Fired"]
  ] as const) {
    World.virtual(
      `on a host that stood still for 20 s (${what}), before anything has looked at the clock (18)`,
      Effect.gen(function* () {
        const { elapsed } = yield* VirtualTime.VirtualTime
        const { heartbeat, onHost, party } = yield* Host.onOwnHost()
        const at: Array<number> = []
        const step = Effect.map(elapsed, (passed) => void at.push(Duration.toMillis(passed)))
        const loop = Effect.forever(Effect.delay(heartbeat.guard(step), "100 millis"))
        const looping = yield* Effect.fork(onHost(lossOf(loop)))
        yield* Effect.sleep("4 seconds")
        yield* party[what]("20 seconds")
        assert.deepStrictEqual(yield* Fiber.join(looping), [reason, 0])
        assert.strictEqual(yield* World.switchState, "Fired")
        assert.isAtMost(at.at(-1)!, 4_000)
      })
    )
  }
})

describe("guard, when the switch is lost meanwhile", () => {
  it("waits for the clean-up of the interrupted effect, within guardGrace", () => {
    inWorld(
      silent().service,
      Effect.gen(function* () {
        const { at, step } = noting()
        const { heartbeat } = yield* World.open()
        const cleaning = Effect.onInterrupt(Effect.never, () => Effect.delay(step, "9999 millis"))
        assert.deepStrictEqual(yield* lossOf(heartbeat.guard(cleaning)), ["MayHaveFired", 0])
        assert.deepStrictEqual([at, yield* now], [[19_999], 19_999])
      })
    )
  })

  for (const [guardGrace, ends] of [
    [undefined, 20_000],
    ["2 seconds", 12_000],
    [0, 10_000]
  ] as const) {
    it(`waits no longer than guardGrace (${guardGrace ?? "the countdown"}), logs that, and the clean-up goes on`, () => {
      const { lines, logger } = collecting()
      inWorld(
        silent().service,
        Effect.gen(function* () {
          const { at, step } = noting()
          const { heartbeat } = yield* World.open({ guardGrace })
          const cleaning = Effect.onInterrupt(Effect.never, () => Effect.delay(step, "1 hour"))
          assert.deepStrictEqual(yield* lossOf(heartbeat.guard(cleaning)), ["MayHaveFired", 0])
          assert.isAtMost(Math.abs((yield* now) - ends), 1, "a timer takes at least 1 ms")
          assert.deepStrictEqual(
            lines.filter((line) => line.includes("guarded")),
            [
              `WARN the switch is lost and the guarded effect has not ended ${(ends - 10_000) / 1_000} s after its ` +
                "interruption: its clean-up goes on in the background"
            ]
          )
          yield* Effect.sleep("2 hours")
          assert.deepStrictEqual(at, [10_000 + 3_600_000])
        }),
        logger
      )
    })
  }

  it("fails with the loss where the logger throws at that warning", () => {
    inWorld(
      silent().service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({ guardGrace: "1 second" })
        const cleaning = Effect.onInterrupt(Effect.never, () => Effect.sleep("1 minute"))
        assert.deepStrictEqual(yield* lossOf(heartbeat.guard(cleaning)), ["MayHaveFired", 0])
        yield* Effect.sleep("2 minutes")
      }),
      Logger.make(() => {
        throw new Error("the logger is broken")
      })
    )
  })

  it("interrupts a guard within a guard, too, and waits for both together no longer than guardGrace", () => {
    inWorld(
      silent().service,
      Effect.gen(function* () {
        const { at, step } = noting()
        const { heartbeat } = yield* World.open({ guardGrace: "3 seconds" })
        const inner = heartbeat.guard(Effect.onInterrupt(Effect.never, () => Effect.delay(step, "1 second")))
        assert.deepStrictEqual(yield* lossOf(heartbeat.guard(inner)), ["MayHaveFired", 0])
        assert.deepStrictEqual([at, yield* now], [[11_000], 11_000])
      })
    )
    inWorld(
      silent().service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({ guardGrace: "3 seconds" })
        const inner = heartbeat.guard(Effect.onInterrupt(Effect.never, () => Effect.sleep("1 hour")))
        assert.deepStrictEqual(yield* lossOf(heartbeat.guard(inner)), ["MayHaveFired", 0])
        assert.strictEqual(yield* now, 13_000)
        yield* Effect.sleep("2 hours")
      })
    )
  })

  for (const [name, end] of [
    ["success", Effect.succeed("own")],
    ["failure", Effect.flip(Effect.fail("own"))]
  ] as const) {
    it(`gives the result of an effect that has ended at the instant of the loss: ${name}`, () => {
      // In any order at that instant, the effect ends itself and nothing is left to interrupt.
      for (const before of [true, false]) {
        inWorld(
          silent().service,
          Effect.gen(function* () {
            let lose = Effect.void
            const { heartbeat } = yield* World.open()
            yield* Effect.sleep("3950 millis")
            // Reads the clock in the same step in which the effect ends, so the effect finds the loss.
            lose = Effect.asVoid(heartbeat.status)
            const guarded = Effect.delay(
              Effect.suspend(() => (before ? Effect.zipRight(lose, end) : Effect.zipLeft(end, lose))),
              "6 seconds"
            )
            assert.strictEqual(yield* heartbeat.guard(guarded), "own")
            assert.deepStrictEqual(yield* lossOf(heartbeat.guard(Effect.void)), ["MayHaveFired", 0])
          })
        )
      }
    })
  }
})

describe("guard, for its caller, is the effect itself", () => {
  World.virtual(
    "what it sets in FiberRefs is inherited",
    Effect.gen(function* () {
      const { heartbeat } = yield* World.open()
      const ref = FiberRef.unsafeMake("before")
      yield* heartbeat.guard(Effect.zipRight(Effect.sleep("1 second"), FiberRef.set(ref, "after")))
      assert.strictEqual(yield* FiberRef.get(ref), "after")
      yield* Effect.locally(
        Effect.flatMap(heartbeat.guard(FiberRef.get(ref)), (value) =>
          Effect.sync(() => assert.strictEqual(value, "around"))
        ),
        ref,
        "around"
      )
    })
  )

  World.virtual(
    "an interruption from outside interrupts it and waits for its clean-up, however long",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { at, step } = noting()
      const { heartbeat } = yield* World.open()
      const started = yield* now
      const cleaning = Effect.onInterrupt(Effect.never, () => Effect.delay(step, "30 seconds"))
      const guarding = yield* Effect.fork(heartbeat.guard(cleaning))
      yield* Effect.sleep("1 second")
      const exit = yield* Fiber.interrupt(guarding)
      assert.isTrue(Exit.isInterrupted(exit))
      assert.deepStrictEqual(
        at.map((at) => at - started),
        [31_000]
      )
      assert.strictEqual((yield* now) - started, 31_000)
    })
  )

  World.virtual(
    "its interruption of itself, its failures and its defects come through",
    Effect.gen(function* () {
      const { heartbeat } = yield* World.open()
      assert.isTrue(Exit.isInterrupted(yield* Effect.exit(heartbeat.guard(Effect.interrupt))))
      assert.deepStrictEqual(yield* Effect.exit(heartbeat.guard(Effect.fail("own"))), Exit.fail("own"))
      assert.deepStrictEqual(yield* Effect.exit(heartbeat.guard(Effect.die("bug"))), Exit.die("bug"))
    })
  )

  World.virtual(
    "in an uninterruptible region it ends when the effect does",
    Effect.gen(function* () {
      const { heartbeat } = yield* World.open()
      const acquired = Effect.acquireRelease(
        heartbeat.guard(Effect.as(Effect.sleep("1 second"), 42)),
        () => Effect.void
      )
      assert.strictEqual(yield* Effect.scoped(acquired), 42)
    })
  )
})
