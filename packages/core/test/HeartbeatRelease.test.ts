/** Closing the scope: the order of things, the proof of the disarm, the bound, and the policies. */
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type { LossReason } from "@effect-deadman/core/HeartbeatError"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import * as Release from "@effect-deadman/core/Release"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Port from "./support/port.js"
import { acknowledged, collecting, inWorld, lost, refused, stamped, unsent } from "./support/port.js"
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
    "the second 0 turns off an unresolved beat that arrives after the first, within the reported bound (12)",
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
    "an unresolved beat that arrives after the last 0 fires before the reported bound and not after it (12)",
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
    "with settle past the horizon the release waits, and proves the disarm against every unresolved write (12)",
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
      const { close, heartbeat } = yield* World.open({ requestTimeout: "1 second", releaseTimeout: "5 seconds" })
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

  it("a 0 that is refused for good is not repeated, nor is it after an unresolved beat", () => {
    const { service, settings } = Port.port((n) => (n === 0 ? acknowledged : n === 1 ? lost : refused))
    inWorld(
      service,
      Effect.gen(function* () {
        const { close } = yield* World.open()
        yield* Effect.sleep("3500 millis")
        yield* close
      })
    )
    assert.deepStrictEqual(settings(), ["10", "10", "off"])
  })

  it("a 0 that does not get through is tried until the late edge, to the millisecond, and no longer", () => {
    const { service, writes } = Port.port((_, setting) => (setting === "off" ? unsent : acknowledged))
    inWorld(
      service,
      Effect.gen(function* () {
        const { close } = yield* World.open({ releaseTimeout: "1 minute" })
        yield* Effect.sleep("4950 millis")
        // The beat of 3 s was answered at 3.05 s, so its switch has fired at 14.05 s.
        assert.strictEqual(yield* elapsed(close), 14_050 - 5_000)
        assert.strictEqual(writes.at(-1), "14000 off")
      })
    )
  })

  it("a write in flight that nothing gives up, because the clock has failed, delays the 0 by its time and a second", () => {
    const { service, writes } = Port.port((n) => (n === 1 ? Effect.never : acknowledged))
    inWorld(
      service,
      Effect.gen(function* () {
        const clock = yield* Effect.clock
        let isBroken = false
        const failing = Object.create(clock, {
          unsafeCurrentTimeNanos: {
            value: () => (isBroken ? assert.fail("the clock is broken") : clock.unsafeCurrentTimeNanos())
          }
        }) as typeof clock
        const { close } = yield* Effect.withClock(World.open({ release: () => "Disarm" }), failing)
        yield* Effect.sleep("3450 millis")
        isBroken = true
        yield* Effect.sleep("1 second")
        isBroken = false
        yield* Effect.withClock(close, failing)
        assert.strictEqual(writes[2], `${4_500 + 2_000 + 1_000} off`)
      })
    )
  })

  World.virtual(
    "no beat is sent once the release has begun, not even one that waits for the pace",
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
    "a heartbeat made right after a released one keeps the account's pace (14)",
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
    "an effect guarded outside of the scope does not go on unprotected when the scope closes",
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
    "CancelSoon never postpones a nearer deadline",
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
    "a policy that throws chooses nothing: the switch is turned off",
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
    "after a loss it sends no 0, so the protection that may be left stays",
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

const exits: Record<string, Exit.Exit<unknown, unknown>> = {
  success: Exit.void,
  interruption: Exit.interrupt(FiberId.none),
  failure: Exit.fail("failure"),
  defect: Exit.die("defect")
}

describe("Heartbeat: release of a lost heartbeat", () => {
  // Each causes the loss by the second write, or by the lack of one.
  const losses: Record<Exclude<LossReason, "Released">, Parameters<typeof Port.port>[0]> = {
    Refused: (n) => (n === 1 ? refused : acknowledged),
    MayHaveFired: (n) => (n > 0 && n < 12 ? lost : acknowledged),
    Fired: (n) => (n > 0 && n < 12 ? unsent : acknowledged),
    NotAlive: () => acknowledged,
    Defect: (n) => (n === 1 ? Effect.die("bug") : acknowledged)
  }
  for (const [reason, answer] of Object.entries(losses)) {
    for (const [name, exit] of Object.entries(exits)) {
      it(`by default it sends no 0, nor anything else: ${reason}, ${name}`, () => {
        const { service, settings } = Port.port(answer)
        const { lines, logger } = collecting()
        inWorld(
          service,
          Effect.gen(function* () {
            let isAlive = true
            const { heartbeat, scope } = yield* World.open({
              // This exchange gives no stamps to judge by, so it is lost at the late edge, or not at all.
              onUncertain: reason === "Fired" ? "verify" : "lose",
              liveness: Effect.suspend(() => (isAlive ? Effect.void : Effect.fail("dead")))
            })
            isAlive = reason !== "NotAlive"
            const error = yield* Effect.flip(heartbeat.awaitLost)
            assert.strictEqual(error.reason, reason)
            const before = settings().length
            yield* Scope.close(scope, exit)
            assert.lengthOf(settings(), before)
            assert.notInclude(settings(), "off")
            const status = yield* heartbeat.status
            assert.strictEqual(status._tag === "Released" && status.outcome._tag, "Expiring")
          }),
          logger
        )
        assert.notInclude(lines.join(), "the switch is turned off")
      })
    }
  }

  it("the policy receives a loss that nothing has noticed before the scope closes, too", () => {
    const { service, settings } = Port.port((n) => (n === 0 ? acknowledged : unsent))
    let reported: LossReason | undefined
    inWorld(
      service,
      Effect.gen(function* () {
        const clock = yield* Effect.clock
        let slept = 0n
        // The host's monotonic clock jumps, as after the event loop was blocked, in the same step as the close.
        const jumping = Object.create(clock, {
          unsafeCurrentTimeNanos: { value: () => clock.unsafeCurrentTimeNanos() + slept },
          unsafeCurrentTimeMillis: { value: () => clock.unsafeCurrentTimeMillis() + Number(slept / 1_000_000n) }
        }) as typeof clock
        const { close } = yield* Effect.withClock(
          World.open({
            release: (exit, lost) => {
              reported = lost?.reason
              return Release.disarm(exit, lost)
            }
          }),
          jumping
        )
        slept = 30_000_000_000n
        yield* close
      })
    )
    assert.strictEqual(reported, "Fired")
    assert.notInclude(settings(), "off")
  })

  it("CancelSoon over a switch that has fired still sets 5 s, because an order may have been under way", () => {
    const { service, settings } = Port.port((n) => (n > 0 && n < 9 ? unsent : stamped()))
    inWorld(
      service,
      Effect.gen(function* () {
        const { heartbeat, scope } = yield* World.open({ release: Release.cancelOnFailure })
        yield* Effect.flip(heartbeat.awaitLost)
        yield* Effect.sleep("5 seconds")
        assert.strictEqual((yield* heartbeat.status)._tag, "Fired")
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(settings().slice(-2), ["5", "5"], "the first was not sent, and is tried again")
        const { outcome } = (yield* heartbeat.status) as { readonly outcome: Release.Outcome }
        const now = (yield* Effect.clock).unsafeCurrentTimeMillis()
        assert.strictEqual(outcome._tag, "CancellingSoon")
        if (outcome._tag === "CancellingSoon") assert.closeTo(outcome.earliestFire - now, 5_000, 50)
      })
    )
  })
})

describe("Heartbeat: the warning after a failure", () => {
  const staying = "the program failed and the switch is turned off: open orders stay, unprotected"
  for (const [name, exit] of Object.entries(exits)) {
    for (const [policy, release] of [
      ["the default", undefined],
      ["one that throws", (): Release.Release => assert.fail("broken policy")],
      ["a policy of the program", (): Release.Release => "Disarm"]
    ] as const) {
      const warns = (name === "failure" || name === "defect") && policy !== "a policy of the program"
      it(`${policy} after ${name}: ${warns ? "says that open orders stay" : "says nothing"}`, () => {
        const { lines, logger } = collecting()
        inWorld(
          Port.port(() => acknowledged).service,
          Effect.gen(function* () {
            const { scope } = yield* World.open({ release })
            yield* Scope.close(scope, exit)
          }),
          logger
        )
        assert.deepStrictEqual(
          lines.filter((line) => line.startsWith("WARN")).map((line) => line.slice(5, 5 + staying.length)),
          warns ? [staying] : []
        )
        assert.lengthOf(
          lines.filter((line) => line.startsWith("ERROR the release policy failed, so Release.disarm decides")),
          policy === "one that throws" ? 1 : 0
        )
      })
    }
  }

  for (const [what, release, cause] of [
    ["throws is logged with what it threw", () => assert.fail("broken policy"), "broken policy"],
    ["returns no choice is logged with what it returned", () => "Lapse", "it returned Lapse"]
  ] as const) {
    it(`a policy that ${what}`, () => {
      const causes: Array<string> = []
      inWorld(
        Port.port(() => acknowledged).service,
        Effect.gen(function* () {
          const { close } = yield* World.open({ release: release as Release.Policy })
          yield* close
        }),
        Logger.make(({ cause, message }) => {
          if (String(message).startsWith("the release policy failed")) causes.push(Cause.pretty(cause))
        })
      )
      assert.lengthOf(causes, 1)
      assert.include(causes[0], cause)
    })
  }

  it("an unconfirmed disarm names the last failure, and the order of provide and scoped", () => {
    const { lines, logger } = collecting()
    let isOpen = true
    inWorld(
      Port.port(() => (isOpen ? acknowledged : lost)).service,
      Effect.gen(function* () {
        const { close } = yield* World.open()
        yield* Effect.sleep("4 seconds")
        isOpen = false
        yield* close
      }),
      logger
    )
    const warning = lines.find((line) => line.startsWith("WARN released, but the disarm is unconfirmed"))
    assert.match(warning ?? "", /it may fire until 1970-01-01T00:00:\d\d.*Last failure: The connection .*reset/)
    assert.include(warning, "`program.pipe(Effect.scoped, Effect.provide(client))`")
  })
})

describe("Heartbeat: CancelSoon", () => {
  /** When the switch fires, in ms, after a failure at 3.5 s with the last beat at 3 s. */
  const firesAt = (countdown: HeartbeatOptions.Options["countdown"], faults: ReadonlyArray<string>) => {
    let fired = NaN
    let outcome: Release.Outcome | undefined
    World.run(
      Effect.gen(function* () {
        const { heartbeat, scope } = yield* World.open({
          countdown,
          interval: "3 seconds",
          release: Release.cancelOnFailure
        })
        yield* Effect.sleep("3500 millis")
        yield* Effect.forEach(faults, fault)
        yield* Scope.close(scope, Exit.fail("failure"))
        outcome = yield* outcomeOf(heartbeat)
        yield* Effect.sleep("5 minutes")
        const state = yield* Simulator.countdown()
        fired = state._tag === "Fired" ? state.at - start : NaN
      })
    )
    assert(outcome?._tag === "CancellingSoon" || outcome?._tag === "Expiring")
    assert.isTrue(fired >= outcome.earliestFire - start && fired <= outcome.latestFire - start)
    return { fired, outcome: outcome._tag }
  }

  it("is tried again while it is unanswered, and that never postpones the deadline of the last beat", () => {
    for (const countdown of [10, 60]) {
      const deadline = 3_000 + 1_000 * countdown
      for (const direction of ["request", "answer"]) {
        for (const times of [0, 1, 2, 7]) {
          const faults = times === 0 ? [] : [`drop-${direction};countdown=5;times=${times}`]
          const { fired } = firesAt(`${countdown} seconds`, faults)
          assert.isAtMost(fired, deadline, `${countdown} s, ${faults[0]}`)
          // A try takes 2 s, or a fifth of the countdown.
          const tries = times * Math.max(2_000, 200 * countdown)
          if (tries + 4_000 + 5_000 < deadline && tries < 1_000 * countdown) {
            assert.isAtMost(fired, 4_000 + tries + 5_000, `${countdown} s, ${faults[0]}`)
          }
        }
      }
    }
  })

  it("never postpones a nearer deadline of a switch that was armed again after a gap", () => {
    // Acknowledged at 11.05 s, over a gap without proof.
    const { service, writes } = Port.port((n) => (n === 0 || n === 9 ? acknowledged : unsent))
    inWorld(
      service,
      Effect.gen(function* () {
        const { heartbeat, scope } = yield* World.open({
          onUncertain: "verify",
          triggerLatency: "1 minute",
          release: Release.cancelOnFailure
        })
        yield* Effect.sleep("19200 millis")
        const status = yield* heartbeat.status
        assert(status._tag === "MayHaveFired")
        assert.isBelow(status.earliestFire - status.at, 5_000)
        assert.isAbove(status.earliestFire - status.at, 0)
        const before = writes.length
        yield* Scope.close(scope, Exit.fail("failure"))
        assert.deepStrictEqual(writes.slice(before), [])
      })
    )
  })

  it("is not claimed for a countdown of 5 s that may have run out", () => {
    const { service } = Port.port((n) => (n === 0 ? acknowledged : unsent))
    inWorld(
      service,
      Effect.gen(function* () {
        const { heartbeat, scope } = yield* World.open({ countdown: "5 seconds", release: Release.cancelOnFailure })
        yield* Effect.flip(heartbeat.awaitLost)
        yield* Scope.close(scope, Exit.void)
        const status = yield* heartbeat.status
        assert.strictEqual(status._tag === "Released" && status.outcome._tag, "Expiring")
      })
    )
  })

  it("sends nothing where the deadline is as near as the shortest countdown, to the millisecond", () => {
    for (const [closedAt, sent] of [
      [2_999, ["8", "5"]],
      [3_000, ["8"]]
    ] as const) {
      const { service, settings } = Port.port(() => acknowledged)
      inWorld(
        service,
        Effect.gen(function* () {
          const { heartbeat, scope } = yield* World.open({
            countdown: "8 seconds",
            interval: "4 seconds",
            requestTimeout: "1 second",
            release: Release.cancelOnFailure
          })
          yield* Effect.sleep(closedAt - 50)
          yield* Scope.close(scope, Exit.fail("failure"))
          const outcome = yield* outcomeOf(heartbeat)
          assert.strictEqual(outcome._tag, sent.length === 2 ? "CancellingSoon" : "Expiring")
        })
      )
      assert.deepStrictEqual(settings(), [...sent])
    }
  })

  it("does not count on a deadline that passes while it waits for the pace", () => {
    const { service, writes } = Port.port((n) => (n === 0 ? acknowledged : unsent))
    inWorld(
      service,
      Effect.gen(function* () {
        const { close } = yield* World.open({ onUncertain: "verify", release: () => "CancelSoon" })
        // The last try was at 9 s, the switch fires at 10 s.
        yield* Effect.sleep("9450 millis")
        yield* close
      })
    )
    assert.include(writes, "10000 5")
  })

  it("is not claimed at the millisecond at which a countdown of 5 s has run out, nor for one that expires", () => {
    let answered = 0
    const { service } = Port.port(() => acknowledged, {
      set: () => Effect.suspend(() => (answered++ === 0 ? acknowledged : refused))
    })
    for (const [choice, closedAt, claimed] of [
      ["CancelSoon", 4_999, "CancellingSoon"],
      ["CancelSoon", 5_000, "Expiring"],
      ["LetExpire", 4_999, "Expiring"]
    ] as const) {
      answered = 0
      inWorld(
        service,
        Effect.gen(function* () {
          const { close, heartbeat } = yield* World.open({ countdown: "5 seconds", release: () => choice })
          yield* Effect.sleep(closedAt)
          yield* close
          assert.strictEqual((yield* outcomeOf(heartbeat))._tag, claimed, `${choice} at ${closedAt}`)
        })
      )
    }
  })
})

describe("Heartbeat: an unresolved 0 of the heartbeat before", () => {
  for (const [policy, outcome] of [
    ["LetExpire", "Expiring"],
    ["CancelSoon", "CancellingSoon"]
  ] as const) {
    for (const before of ["answered", "unanswered"] as const) {
      it(`${outcome} says whether it may still close the switch: ${before}`, () => {
        const { service } = Port.port((_, setting) =>
          setting === "off" && before === "unanswered" ? lost : acknowledged
        )
        const { lines, logger } = collecting()
        inWorld(
          service,
          Effect.gen(function* () {
            yield* Effect.flatMap(World.open(), ({ close }) => close)
            const { close, heartbeat } = yield* World.open({ release: () => policy })
            yield* Effect.sleep("7 seconds")
            yield* close
            const result = yield* outcomeOf(heartbeat)
            assert.strictEqual(result._tag, outcome)
            assert.strictEqual("mayBeOff" in result && result.mayBeOff, before === "unanswered")
          }),
          logger
        )
        const line = lines.find((line) => line.includes(`released: ${outcome}`))
        assert.strictEqual(line?.includes('unless an unresolved "0" closes the switch first'), before === "unanswered")
      })
    }
  }
})

describe("Heartbeat: what surrounds the release fails", () => {
  for (const where of ["span", "end", "attribute"] as const) {
    it(`a tracer that throws costs only its span, and the 0 is sent: ${where}`, () => {
      const { service, settings } = Port.port(() => acknowledged)
      const reported: Array<string> = []
      inWorld(
        service,
        Effect.gen(function* () {
          const tracer = yield* Effect.tracer
          const fail = () => {
            throw new Error("the tracer is broken")
          }
          const broken = Tracer.make({
            context: (run) => run(),
            span: (...args) => {
              const span = tracer.span(...args)
              if (args[0] !== "deadman.release") return span
              if (where === "span") return fail()
              const { attribute } = span
              return Object.assign(
                span,
                where === "end"
                  ? { end: fail }
                  : {
                      attribute: (...given: Parameters<typeof attribute>) =>
                        given[0] === "outcome" ? fail() : undefined
                    }
              )
            }
          })
          const { close, heartbeat } = yield* Effect.withTracer(
            World.open({ onTransition: ({ to }) => Effect.sync(() => reported.push(to._tag)) }),
            broken
          )
          assert.isTrue(Exit.isSuccess(yield* Effect.exit(Effect.withTracer(close, broken))))
          assert.strictEqual((yield* outcomeOf(heartbeat))._tag, "Disarmed")
        })
      )
      assert.deepStrictEqual(settings(), ["10", "off"])
      assert.deepStrictEqual(reported, ["Released"])
    })
  }

  it("a clock that throws once, at any reading, costs nothing, and the 0 is sent", () => {
    let thrown = 0
    for (let nth = 1; nth <= 30; nth++) {
      const { service, settings } = Port.port(() => acknowledged)
      inWorld(
        service,
        Effect.gen(function* () {
          const clock = yield* Effect.clock
          let left = Infinity
          const throwing = Object.create(clock, {
            unsafeCurrentTimeNanos: {
              value: () => {
                if (--left === 0) {
                  thrown++
                  throw new Error("the clock is broken")
                }
                return clock.unsafeCurrentTimeNanos()
              }
            }
          }) as typeof clock
          const { close, heartbeat } = yield* Effect.withClock(
            World.open({ release: () => "Disarm", countdown: "20 seconds" }),
            throwing
          )
          yield* Effect.sleep("7 seconds")
          left = nth
          yield* Effect.exit(Effect.withClock(close, throwing))
          left = Infinity
          assert.deepStrictEqual(settings().slice(-2), ["20", "off"], `reading ${nth}`)
          assert.strictEqual((yield* outcomeOf(heartbeat))._tag, "Disarmed", `reading ${nth}`)
        })
      )
    }
    assert.isAbove(thrown, 5)
  })
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
    "a beat that the release waits for, over a switch that has fired, does not make it Armed (15)",
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
