/** Closing the scope: the order of things, the proof of the disarm, the bound, and the policies. */
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import type * as Release from "@effect-deadman/core/Release"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as World from "./support/world.js"

const start = 1_700_000_000_000
const onCountdown = (text: string) => `${text};endpoint=countdown-cancel-all`
const fault = (text: string) =>
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.network.addUntilRemoved(onCountdown(text)))

const outcomeOf = (heartbeat: Heartbeat.Heartbeat) =>
  Effect.map(heartbeat.status, (status) => {
    assert.strictEqual(status._tag, "Released")
    return status._tag === "Released" ? status.outcome : undefined!
  })

const untilOf = (outcome: Release.Outcome): number =>
  outcome._tag === "DisarmUnconfirmed" ? outcome.until - start : assert.fail(`not unconfirmed but ${outcome._tag}`)

const elapsed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const before = clock.unsafeCurrentTimeMillis()
    yield* effect
    return clock.unsafeCurrentTimeMillis() - before
  })

const sends = Effect.map(World.writes, (records) =>
  records.map((record) => [record.sentAt - start, JSON.parse(record.body).countdown as string] as const)
)

describe("Heartbeat: release", () => {
  World.virtual(
    "the write in flight settles before the 0, and the 0 keeps the pace",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open()
      yield* fault("delay-answer;by=1500ms;times=1")
      yield* Effect.sleep("3500 millis")
      assert.strictEqual(yield* elapsed(close), 2_000, "answer at 4.5 s, then the pace")
      assert.deepStrictEqual(yield* sends, [
        [0, "10"],
        [3_000, "10"],
        [5_500, "0"]
      ])
      assert.strictEqual((yield* outcomeOf(heartbeat))._tag, "Disarmed")
    })
  )

  World.virtual(
    "a stray beat that lands after the 0 is met by the second 0, within the bound that is reported (12)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { close, heartbeat } = yield* World.open()
      yield* fault("delay-request;by=4500ms;times=1")
      yield* Effect.sleep("6100 millis")
      yield* close
      assert.deepStrictEqual((yield* World.applied).sort((a, b) => a.at - b.at).slice(1), [
        { at: 5_000, countdown: "10" },
        { at: 6_100, countdown: "0" },
        { at: 7_500, countdown: "10" },
        { at: 8_100, countdown: "0" }
      ])
      assert.closeTo(untilOf(yield* outcomeOf(heartbeat)), 3_000 + 30_006 + 10_000 + 1_000, 2)
      yield* Effect.sleep("1 hour")
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )

  World.virtual(
    "a stray beat that lands after the last 0 fires before the reported bound and not after it (12)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { close, heartbeat } = yield* World.open()
      yield* fault("delay-request;by=29900ms;times=1")
      yield* Effect.sleep("6100 millis")
      yield* close
      const until = untilOf(yield* outcomeOf(heartbeat))
      yield* Effect.sleep("1 hour")
      const state = yield* Simulator.countdown()
      assert.strictEqual(state._tag === "Fired" && state.at - start, 3_000 + 29_900 + 10_000)
      assert.isAtMost(3_000 + 29_900 + 10_000, until)
    })
  )

  World.virtual(
    "with settle past the horizon the release waits, and proves the disarm against every stray (12)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { close, heartbeat } = yield* World.open({ settle: "31 seconds", releaseTimeout: "40 seconds" })
      yield* fault("delay-request;by=29900ms;times=1")
      yield* Effect.sleep("6100 millis")
      yield* close
      assert.strictEqual((yield* outcomeOf(heartbeat))._tag, "Disarmed")
      yield* Effect.sleep("1 hour")
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )

  World.virtual(
    "with a dead network it returns within releaseTimeout, unconfirmed, and nothing fires after the bound (13)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { close, heartbeat } = yield* World.open({ releaseTimeout: "5 seconds" })
      yield* Effect.sleep("4 seconds")
      yield* fault("partition")
      const took = yield* elapsed(close)
      assert.isAtMost(took, 5_000)
      const until = untilOf(yield* outcomeOf(heartbeat))
      yield* Effect.sleep("1 hour")
      const state = yield* Simulator.countdown()
      assert.strictEqual(state._tag === "Fired" && state.at - start, 13_000)
      assert.isAtMost(13_000, until)
    })
  )

  World.virtual(
    "an unanswered 0 is tried again while the window is open",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open()
      yield* Effect.sleep("4 seconds")
      yield* fault("drop-request;countdown=0;times=2")
      yield* close
      assert.deepStrictEqual((yield* sends).slice(2), [
        [4_000, "0"],
        [6_000, "0"],
        [8_000, "0"]
      ])
      assert.strictEqual((yield* outcomeOf(heartbeat))._tag, "Disarmed")
    })
  )

  World.virtual(
    "429 on the 0: tried again after the pace",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open()
      yield* Effect.sleep("4 seconds")
      yield* fault("rate-limit;countdown=0;times=1")
      yield* close
      assert.deepStrictEqual((yield* sends).slice(2), [
        [4_000, "0"],
        [5_000, "0"]
      ])
      assert.strictEqual((yield* outcomeOf(heartbeat))._tag, "Disarmed")
    })
  )

  World.virtual(
    "a 0 that is refused for good is not repeated, and is unconfirmed until the late edge",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open()
      yield* Effect.sleep("4 seconds")
      yield* fault("code;code=40014;countdown=0")
      assert.strictEqual(yield* elapsed(close), 0)
      assert.strictEqual(untilOf(yield* outcomeOf(heartbeat)), 3_000 + 10_000 + 1_000)
    })
  )

  World.virtual(
    "no beat leaves once the release has begun, not even one that waits for its pace",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open()
      yield* Effect.sleep("3200 millis")
      const manual = yield* Effect.fork(
        Effect.forEach([1, 2, 3], () => Effect.either(heartbeat.beat), { concurrency: "unbounded" })
      )
      yield* Effect.sleep("100 millis")
      yield* close
      for (const result of yield* Fiber.join(manual)) {
        assert.strictEqual(result._tag === "Left" && result.left._tag, "NotArmed")
      }
      assert.deepStrictEqual((yield* sends).slice(2), [[4_000, "0"]])
    })
  )

  World.virtual(
    "a heartbeat that follows at once on a released one keeps the account's pace (14)",
    Effect.gen(function* () {
      for (let round = 0; round < 2; round++) {
        const { close } = yield* World.open()
        yield* Effect.sleep("1500 millis")
        yield* close
      }
      assert.deepStrictEqual(yield* sends, [
        [0, "10"],
        [1_500, "0"],
        [2_500, "10"],
        [4_000, "0"]
      ])
      assert.isTrue((yield* World.writes).every((write) => write.status === 200))
    })
  )

  World.virtual(
    "who is guarded outside of the scope does not run on unprotected when it closes",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open()
      const guarded = yield* Effect.fork(Effect.flip(heartbeat.guard(Effect.never)))
      yield* Effect.sleep("4 seconds")
      yield* close
      assert.strictEqual((yield* Fiber.join(guarded)).reason, "Released")
      assert.strictEqual((yield* Effect.flip(heartbeat.awaitLost)).reason, "Released")
    })
  )

  const policies: ReadonlyArray<readonly [Release.Release, Release.Outcome["_tag"], "Closed" | "Armed", number]> = [
    ["Disarm", "Disarmed", "Closed", Infinity],
    ["LetExpire", "Expiring", "Armed", 13_000],
    ["CancelSoon", "CancellingSoon", "Armed", 4_000 + 5_000]
  ]
  const ends: ReadonlyArray<readonly [string, Effect.Effect<void, string>]> = [
    ["success", Effect.void],
    ["failure", Effect.fail("failure")],
    ["defect", Effect.die("defect")],
    ["interruption", Effect.interrupt]
  ]
  for (const [policy, outcome, state, fires] of policies) {
    for (const [name, end] of ends) {
      World.virtual(
        `${policy} after ${name}`,
        Effect.gen(function* () {
          let chosenBy: Exit.Exit<unknown, unknown> | undefined
          const options: HeartbeatOptions.Options = {
            release: (exit) => {
              chosenBy = exit
              return policy
            }
          }
          const made = yield* Deferred.make<Heartbeat.Heartbeat>()
          const exit = yield* Heartbeat.make(options).pipe(
            Effect.tap((heartbeat) => Deferred.succeed(made, heartbeat)),
            Effect.zipRight(Effect.delay(end, "4 seconds")),
            Effect.scoped,
            Effect.exit
          )
          assert.deepStrictEqual(chosenBy, exit)
          const heartbeat = yield* Deferred.await(made)
          const result = yield* outcomeOf(heartbeat)
          assert.strictEqual(result._tag, outcome)
          assert.strictEqual(yield* World.switchState, state)
          yield* Effect.sleep("1 minute")
          const after = yield* Simulator.countdown()
          assert.strictEqual(after._tag === "Fired" ? after.at - start : Infinity, fires)
          if (result._tag === "Expiring" || result._tag === "CancellingSoon") {
            assert.isTrue(fires >= result.earliestFire - start && fires <= result.latestFire - start)
          }
        })
      )
    }
  }

  World.virtual(
    "Shorten never postpones a nearer deadline",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open({ release: () => "CancelSoon" })
      yield* fault("refuse-connection")
      yield* Effect.sleep("6 seconds")
      yield* Effect.flatMap(Simulator.Simulator, (simulator) => simulator.network.heal)
      const before = yield* sends
      yield* close
      assert.strictEqual((yield* outcomeOf(heartbeat))._tag, "Expiring")
      assert.strictEqual((yield* sends).length, before.length)
    })
  )

  World.virtual(
    "a policy that throws has chosen nothing: the switch is turned off",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open({
        release: () => {
          throw new Error("policy")
        }
      })
      yield* close
      assert.strictEqual((yield* outcomeOf(heartbeat))._tag, "Disarmed")
    })
  )

  World.virtual(
    "after a loss it sends no 0: the protection that may be left stays",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { close, heartbeat } = yield* World.open()
      yield* fault("code;code=40014;times=1")
      yield* Effect.sleep("5 seconds")
      yield* close
      assert.strictEqual((yield* outcomeOf(heartbeat))._tag, "Expiring")
      assert.notInclude(
        (yield* sends).map(([, countdown]) => countdown),
        "0"
      )
      yield* Effect.sleep("10 seconds")
      assert.strictEqual(yield* World.switchState, "Fired")
      assert.lengthOf(yield* Simulator.openOrders(), 0)
    })
  )
})

describe("Heartbeat: interruption (19)", () => {
  // The link takes time in both directions, so every instant up to the acknowledgement is some suspension point: the
  // clock is asked, the countdown is sent, on its way, applied, answered.
  for (const faults of [
    [],
    ["drop-answer;countdown=on;times=1"],
    ["rate-limit;countdown=on;times=1"],
    ["reorder;hold=900ms;countdown=on;times=1"]
  ]) {
    World.virtual(
      `an acquisition interrupted at any instant leaves the exchange disarmed (${faults[0] ?? "no fault"})`,
      Effect.gen(function* () {
        for (let instant = 0; instant <= 4_200; instant += 50) {
          const added = yield* Effect.forEach(faults, (text) => fault(text))
          const fiber = yield* Effect.fork(Effect.scoped(Effect.zipRight(Heartbeat.make(), Effect.never)))
          yield* Effect.sleep(instant)
          yield* Fiber.interrupt(fiber)
          assert.notStrictEqual(yield* World.switchState, "Armed", `interrupted at ${instant} ms`)
          yield* Effect.flatMap(Simulator.Simulator, (simulator) =>
            Effect.forEach(added, (fault) => simulator.network.remove(fault.id))
          )
          yield* Effect.sleep("40 seconds")
          assert.notStrictEqual(yield* World.switchState, "Armed")
        }
        const states = yield* Effect.flatMap(Simulator.Simulator, (simulator) => simulator.journal.entries)
        const fired = states.filter((entry) => entry._tag === "Switch" && entry.transition === "fired")
        assert.strictEqual(fired.length, 0)
      }),
      {
        simulator: {
          link: { request: { _tag: "Constant", millis: 120 }, answer: { _tag: "Constant", millis: 130 } },
          journalSize: 100_000
        }
      }
    )
  }

  World.virtual(
    "a beat that the release waits for, over a switch that has fired, is not called Armed (15)",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open({ onUncertain: "verify" })
      const partition = yield* fault("partition")
      yield* Effect.sleep("20 seconds")
      const { network } = yield* Simulator.Simulator
      yield* network.remove(partition.id)
      yield* fault("delay-answer;by=1500ms;times=1")
      yield* Effect.sleep("1500 millis")
      const closing = yield* Effect.fork(close)
      yield* Effect.sleep("1100 millis")
      assert.deepStrictEqual((yield* sends).at(-1), [21_000, "10"], "answered, and the 0 waits for the pace")
      assert.notStrictEqual((yield* heartbeat.status)._tag, "Armed")
      yield* Fiber.join(closing)
    })
  )
})
