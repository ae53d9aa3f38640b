/** The heartbeat while the network or the exchange misbehaves, checked against the exchange's journal. */
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as World from "./support/world.js"

const start = 1_700_000_000_000

const fault = (text: string) =>
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.network.addUntilRemoved(text))
const heal = Effect.flatMap(Simulator.Simulator, (simulator) => simulator.network.heal)

/** The status with its edges as ms since the start. */
const look = (heartbeat: Heartbeat.Heartbeat) =>
  Effect.map(heartbeat.status, (status) =>
    status._tag === "Released"
      ? { tag: status._tag, earliest: NaN, latest: NaN, failures: NaN, lost: undefined }
      : {
          tag: status._tag,
          earliest: status.earliestFire - start,
          latest: status.latestFire - start,
          failures: status.failures,
          lost: status.lost?.reason
        }
  )

const lossOf = <A>(fiber: Fiber.Fiber<A, unknown>) =>
  Effect.map(Fiber.await(fiber), (exit) =>
    Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  ) as Effect.Effect<
    { readonly _tag: string; readonly reason: string; readonly timeLeft: number; readonly message: string } | undefined
  >

const firedAt = Effect.map(Simulator.countdown(), (state) => (state._tag === "Fired" ? state.at - start : undefined))

describe("Heartbeat: the window", () => {
  World.virtual(
    "a slow answer does not lengthen the window (16)",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* fault("delay-answer;by=1900ms")
      yield* Effect.sleep(4_950)
      const status = yield* look(heartbeat)
      assert.strictEqual(status.tag, "Armed")
      assert.strictEqual(status.earliest, 3_000 + 10_000, "from the send at 3 s")
      assert.strictEqual(status.latest, 4_900 + 10_000 + 1_000, "from the answer at 4.9 s, and the exchange's latency")
    })
  )

  World.virtual(
    "a hung beat still raises the alarm at the early edge, to the millisecond, and guard has interrupted by then",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      let interruptedAt = 0
      const guarded = yield* Effect.fork(
        heartbeat.guard(
          Effect.onInterrupt(Effect.never, () =>
            Effect.map(Effect.clock, (clock) => {
              interruptedAt = clock.unsafeCurrentTimeMillis() - start
            })
          )
        )
      )
      yield* Effect.sleep("4 seconds")
      yield* fault("hang;direction=request")
      yield* Effect.sleep(13_000 - 4_000 - 1)
      assert.strictEqual((yield* look(heartbeat)).tag, "Jeopardy")
      yield* Effect.sleep(1)
      assert.strictEqual((yield* look(heartbeat)).tag, "MayHaveFired")
      const loss = yield* lossOf(guarded)
      assert.strictEqual(loss?._tag, "SwitchLost")
      assert.strictEqual(loss?.reason, "MayHaveFired")
      assert.strictEqual(interruptedAt, 13_000)
      assert.strictEqual(yield* firedAt, 13_000)
    })
  )

  World.virtual(
    "the exchange fires inside the window (9), and the late edge proves it",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      const seen = yield* World.collect(heartbeat)
      yield* Effect.sleep("4 seconds")
      yield* fault("refuse-connection")
      yield* Effect.sleep("8900 millis")
      const before = yield* look(heartbeat)
      assert.deepStrictEqual([before.tag, before.earliest, before.latest], ["Jeopardy", 13_000, 14_000])
      yield* Effect.sleep("2 seconds")
      const fired = (yield* firedAt)!
      assert.isTrue(fired >= before.earliest && fired <= before.latest)
      assert.deepStrictEqual(seen.tags(), ["Armed", "Jeopardy", "MayHaveFired", "Fired"])
    }),
    { simulator: { venue: { sweepPeriod: 1_000 } } }
  )

  for (const lost of ["drop-request", "drop-answer"]) {
    World.virtual(
      `a beat lost by ${lost} looks the same to the client, is tried again as soon as the pace allows, and recovers`,
      Effect.gen(function* () {
        yield* Simulator.placeOrder()
        const heartbeat = yield* Heartbeat.make()
        const seen = yield* World.collect(heartbeat)
        yield* fault(`${lost};times=1`)
        yield* Effect.sleep(5_000 - 1)
        assert.strictEqual((yield* look(heartbeat)).tag, "Armed", "in flight is no failure yet")
        yield* Effect.sleep(1)
        // Timed out at 5 s, 2 s after it was sent. The pace allows the next one at once.
        yield* Effect.sleep(1)
        const status = yield* look(heartbeat)
        assert.strictEqual(status.tag, "Armed")
        assert.strictEqual(status.earliest, 15_000)
        assert.closeTo(status.latest, 3_000 + 30_006 + 10_000 + 1_000, 2, "the lost one may still arrive")
        assert.deepStrictEqual(seen.tags(), ["Armed", "Jeopardy", "Armed"])
        yield* Effect.sleep("1 minute")
        const beats = yield* World.applied
        assert.deepStrictEqual(
          beats.slice(0, 5).map((beat) => beat.at),
          lost === "drop-request" ? [0, 5_000, 8_000, 11_000, 14_000] : [0, 3_000, 5_000, 8_000, 11_000]
        )
        assert.strictEqual((yield* Simulator.openOrders()).length, 1)
      })
    )
  }

  World.virtual(
    "stays armed through single losses of every kind within the documented budget (11)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const heartbeat = yield* Heartbeat.make()
      for (const kind of [
        "drop-request;times=2",
        "drop-answer;times=2",
        "hang;direction=answer;times=2",
        "refuse-connection;times=5",
        "reset;direction=answer;times=3",
        "reset;direction=request;times=3",
        "status;status=502;times=3",
        "status;status=504;page=html;direction=answer;times=3",
        "empty-body;times=3",
        "garbage-body;times=3",
        "truncated-body;times=3",
        "rate-limit;times=3",
        "maintenance;times=3",
        "error-after-apply;code=40010;times=3",
        "duplicate;by=500ms;times=1",
        "delay-request;by=1900ms;times=2",
        "code;code=12345;times=3"
      ]) {
        yield* fault(kind)
        yield* Effect.sleep("30 seconds")
        const status = yield* look(heartbeat)
        assert.strictEqual(status.tag, "Armed", kind)
        yield* heal
      }
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )
})

describe("Heartbeat: refusals", () => {
  World.virtual(
    "a refused arm fails the acquisition with the typed error",
    Effect.gen(function* () {
      yield* fault("code;code=40014;endpoint=countdown-cancel-all")
      const exit = yield* Effect.exit(Effect.scoped(Heartbeat.make()))
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.strictEqual((error as { _tag: string })._tag, "PermissionRefused")
      assert.strictEqual(yield* World.switchState, "Closed")
      assert.strictEqual((yield* World.writes).length, 1, "nothing was armed, nothing has to be turned off")
    })
  )

  World.virtual(
    "retryable answers are tried again while arming, at the pace of the exchange, until armTimeout",
    Effect.gen(function* () {
      yield* fault("rate-limit;times=2;endpoint=countdown-cancel-all")
      yield* fault("maintenance;times=1;endpoint=countdown-cancel-all")
      const heartbeat = yield* Heartbeat.make()
      assert.strictEqual((yield* look(heartbeat)).tag, "Armed")
      const sent = (yield* World.writes).map((write) => write.sentAt - start)
      assert.deepStrictEqual(sent, [0, 1_000, 2_000, 3_000])
    })
  )

  World.virtual(
    "an acquisition that never gets an answer gives up after armTimeout, and sends 0 first",
    Effect.gen(function* () {
      yield* fault("drop-answer;countdown=on")
      const exit = yield* Effect.exit(Effect.scoped(Heartbeat.make({ armTimeout: "5 seconds" })))
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.strictEqual((error as { _tag: string })._tag, "ArmTimeout")
      assert.match((error as Error).message, /5\.0 s.*No complete answer/)
      assert.strictEqual(yield* World.switchState, "Closed")
      assert.strictEqual((yield* World.applied).at(-1)?.countdown, "0")
    })
  )

  World.virtual(
    "an acquisition that cannot be interrupted is still bounded",
    Effect.gen(function* () {
      yield* fault("hang;direction=request")
      const exit = yield* Effect.exit(
        Effect.scoped(Effect.uninterruptible(Heartbeat.make({ armTimeout: "5 seconds" })))
      )
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.strictEqual((error as { _tag: string })._tag, "ArmTimeout")
    })
  )

  World.virtual(
    "429 on a beat: the next waits a second, the window does not move",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* fault("rate-limit;times=1")
      yield* Effect.sleep("3500 millis")
      const status = yield* look(heartbeat)
      assert.deepStrictEqual([status.tag, status.earliest], ["Jeopardy", 10_000])
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual((yield* look(heartbeat)).tag, "Armed")
      assert.deepStrictEqual(
        (yield* World.writes).map((write) => write.sentAt - start),
        [0, 3_000, 4_000]
      )
    })
  )

  for (const [code, reason] of [
    ["40014", "PermissionRefused"],
    ["40009", "CredentialsRefused"],
    ["40084", "NotUnifiedAccount"],
    ["25008", "AccountBlocked"]
  ] as const) {
    World.virtual(
      `${reason} while armed: lost at once, with the time that is left`,
      Effect.gen(function* () {
        const heartbeat = yield* Heartbeat.make()
        const lost = yield* Effect.fork(heartbeat.awaitLost)
        yield* fault(`code;code=${code}`)
        yield* Effect.sleep("4 seconds")
        const loss = yield* lossOf(lost)
        assert.strictEqual(loss?.reason, "Refused")
        assert.strictEqual(loss?.timeLeft, 7_000)
        assert.include(loss?.message, `code ${code}`)
        const status = yield* look(heartbeat)
        assert.deepStrictEqual([status.tag, status.lost], ["Jeopardy", "Refused"], "still surely before the edge")
        yield* Effect.sleep("30 seconds")
        assert.strictEqual((yield* look(heartbeat)).tag, "Fired")
        assert.strictEqual((yield* World.writes).length, 2, "nothing is sent any more")
      })
    )
  }

  World.virtual(
    "an intermittent 40037 is tried again twice before it is final",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* fault("code;code=40037;times=2")
      yield* Effect.sleep("10 seconds")
      assert.strictEqual((yield* look(heartbeat)).tag, "Armed")
      yield* fault("code;code=40037;times=3")
      yield* Effect.sleep("10 seconds")
      assert.strictEqual((yield* look(heartbeat)).lost, "Refused")
    })
  )

  World.virtual(
    "a refused timestamp is sent again once, with the clock synced; twice in a row is a loss",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* fault("code;code=40008;endpoint=countdown-cancel-all;times=1")
      yield* Effect.sleep("8 seconds")
      assert.strictEqual((yield* look(heartbeat)).tag, "Armed")
      yield* fault("code;code=40008;endpoint=countdown-cancel-all;times=2")
      yield* Effect.sleep("8 seconds")
      assert.strictEqual((yield* look(heartbeat)).lost, "Refused")
    })
  )

  World.virtual(
    "a maintenance window of 8 s with countdown 10 is survived",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const heartbeat = yield* Heartbeat.make()
      yield* Effect.sleep("3500 millis")
      yield* fault("maintenance;for=8s")
      yield* Effect.sleep("20 seconds")
      assert.strictEqual((yield* look(heartbeat)).tag, "Armed")
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )

  World.virtual(
    "a maintenance window of 20 s ends in SwitchLost",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const heartbeat = yield* Heartbeat.make()
      const lost = yield* Effect.fork(heartbeat.awaitLost)
      yield* Effect.sleep("3500 millis")
      yield* fault("maintenance;for=20s")
      yield* Effect.sleep("1 minute")
      assert.strictEqual((yield* lossOf(lost))?.reason, "MayHaveFired")
      assert.strictEqual((yield* Simulator.openOrders()).length, 0)
      const after = (yield* World.applied).filter((write) => write.at > 13_000)
      assert.deepStrictEqual(after, [], "no silent re-arm (15)")
    })
  )
})

describe("Heartbeat: doubt", () => {
  World.virtual(
    "lose: after a possible fire nothing is sent any more (15)",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* Effect.sleep("4 seconds")
      yield* fault("partition;for=30s")
      yield* Effect.sleep("2 minutes")
      assert.strictEqual((yield* look(heartbeat)).lost, "MayHaveFired")
      assert.isTrue((yield* World.writes).every((write) => write.sentAt - start < 13_000))
    })
  )

  World.virtual(
    "verify: the exchange's stamps prove that it fired, and that ends the heartbeat",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const heartbeat = yield* Heartbeat.make({ onUncertain: "verify" })
      const lost = yield* Effect.fork(heartbeat.awaitLost)
      const seen = yield* World.collect(heartbeat)
      yield* Effect.sleep("4 seconds")
      yield* fault("refuse-connection;for=10500ms")
      yield* Effect.sleep("20 seconds")
      assert.strictEqual((yield* lossOf(lost))?.reason, "Fired")
      assert.deepStrictEqual(seen.tags(), ["Armed", "Jeopardy", "MayHaveFired", "Fired"])
      assert.strictEqual((yield* Simulator.openOrders()).length, 0)
    })
  )

  World.virtual(
    "verify: stamps that prove that the switch held restore Armed, without help of the owner",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const heartbeat = yield* Heartbeat.make({ onUncertain: "verify", interval: "2500 millis" })
      const seen = yield* World.collect(heartbeat)
      yield* Effect.sleep("4 seconds")
      // The edge is at 12.5 s. The beat of 11 s arrives a second before it, its answer after it.
      yield* fault("refuse-connection;for=6900ms")
      yield* fault("delay-answer;by=1600ms;from=6950ms;times=1")
      yield* Effect.sleep("20 seconds")
      assert.deepStrictEqual(seen.tags(), ["Armed", "Jeopardy", "MayHaveFired", "Armed"])
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )

  World.virtual(
    "verify: without proof the state stays MayHaveFired, however well the beats go, until markReconciled (15)",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make({ onUncertain: "verify" })
      const seen = yield* World.collect(heartbeat)
      yield* Effect.sleep("4 seconds")
      yield* fault("refuse-connection;for=7900ms")
      yield* fault("drop-answer;times=1;from=7s")
      yield* Effect.sleep("40 seconds")
      assert.strictEqual((yield* look(heartbeat)).tag, "MayHaveFired")
      assert.strictEqual(yield* World.switchState, "Armed", "it beats on")
      const status = yield* heartbeat.status
      assert(status._tag !== "Released" && status.lastAcknowledged !== undefined)
      yield* heartbeat.markReconciled(status.lastAcknowledged)
      assert.strictEqual((yield* look(heartbeat)).tag, "Armed")
      yield* Effect.yieldNow()
      assert.deepStrictEqual(seen.tags().slice(-2), ["MayHaveFired", "Armed"])
    })
  )
})
