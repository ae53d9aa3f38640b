/** The promises of the ledger to the rest of a heartbeat, and through it to the owner. */
import * as FireWindow from "@effect-deadman/core/FireWindow"
import type * as HeartbeatError from "@effect-deadman/core/HeartbeatError"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as Liveness from "@effect-deadman/core/Liveness"
import * as Release from "@effect-deadman/core/Release"
import * as VenueError from "@effect-deadman/core/VenueError"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { finished, made, type Made, T } from "../../support/ledger.js"

const tags = ({ live }: Made) => live.unreported.map(({ from, to }) => `${from} ${to._tag}`)

const lossOf = ({ live }: Made) => Effect.runSync(Effect.flip(live.awaitLost))

const refusal = new VenueError.PermissionRefused({ venueMessage: "", applied: "no", retryable: false })
const dead = new Liveness.LivenessFailed({ checks: [] })

describe("the ledger's clock", () => {
  it("adds up the forward jumps of the wall clock, and forgets none when that is set back (18)", () => {
    const { live, pass, time } = made()
    const jumped = () => live.now().jumped
    pass(5_000)
    assert.strictEqual(jumped(), 0)
    time.wall += HeartbeatStatus.clockTolerance
    assert.strictEqual(jumped(), 0, "the precision of the readings")
    time.wall += HeartbeatStatus.clockTolerance + 1
    assert.strictEqual(jumped(), 101)
    time.wall -= 60_000
    assert.strictEqual(jumped(), 101)
    pass(1_000)
    time.wall += 20_000
    assert.deepStrictEqual(live.now(), { mono: 6_000, wall: time.wall, jumped: 20_101 })
  })

  it("ends the heartbeat when it throws, but not the release, which has the last reading", () => {
    const { live, pass, time } = made()
    pass(1_000)
    const last = live.now()
    pass(1_000)
    time.isBroken = true
    for (const phase of ["arming", "beating"] as const) {
      live.phase = phase
      assert.throws(() => live.now())
    }
    assert.deepStrictEqual(live.lately, last)
    for (const phase of ["releasing", "released"] as const) {
      live.phase = phase
      assert.deepStrictEqual(live.now(), last)
    }
    time.isBroken = false
    assert.strictEqual(live.now().mono, 2_000)
  })

  it("sleeps whole milliseconds, at least one, and on until an instant that moves meanwhile", () => {
    const { live, slept } = made()
    for (const millis of [0.2, -5, 1_500.2]) Effect.runSync(live.sleep(millis))
    assert.deepStrictEqual(slept.splice(0), [1, 1, 1_501])
    const start = live.now().mono
    Effect.runSync(live.sleepUntil(() => start))
    assert.deepStrictEqual(slept, [])
    let instants = [start + 100, start + 300, start + 300]
    Effect.runSync(live.sleepUntil(() => instants.shift()!))
    assert.deepStrictEqual(slept, [100, 200])
  })
})

describe("the ledger's reports", () => {
  it("are one for each change of state, and the newest 64 of those that are not reported yet", () => {
    const world = made({ onUncertain: "verify" })
    const { begin, live, reported } = world
    begin()
    assert.deepStrictEqual(tags(world), [])
    for (let n = 0; n < 70; n++) {
      live.failed(refusal)
      live.observe()
      live.observe()
      live.enter({ failures: 0 })
      live.observe()
      if (n === 0) assert.deepStrictEqual(tags(world), ["Armed Jeopardy", "Jeopardy Armed"])
    }
    assert.lengthOf(reported, 140)
    assert.lengthOf(live.unreported, 64)
    assert.strictEqual(tags(world).at(-1), "Jeopardy Armed")
  })

  it("say by what a doubt ended, and only of the end of a doubt", () => {
    for (const failures of [0, 1]) {
      const [one, other] = failures === 0 ? ["Armed", "Jeopardy"] : ["Jeopardy", "Armed"]
      const world = made({ onUncertain: "verify" })
      world.begin()
      world.pass(10_000)
      world.live.observe()
      world.acknowledge()
      world.live.observe()
      world.live.enter({ failures })
      Effect.runSync(world.live.markReconciled({ id: 1 }))
      world.live.enter({ failures: 1 - failures })
      world.live.observe()
      world.pass(10_000)
      world.live.observe()
      world.pass(1_000)
      world.live.observe()
      assert.deepStrictEqual(
        world.live.unreported.map((transition) => [
          transition.from,
          transition.to._tag,
          "provenBy" in transition ? transition.provenBy : "no doubt ended"
        ]),
        [
          ["Armed", "MayHaveFired", "no doubt ended"],
          ["MayHaveFired", one, "owner"],
          [one, other, "no doubt ended"],
          [other, "MayHaveFired", "no doubt ended"],
          ["MayHaveFired", "Fired", "no doubt ended"]
        ]
      )
    }
  })

  it("do not begin before the heartbeat does, nor after its loss", () => {
    const world = made()
    world.acknowledge()
    world.pass(20_000)
    assert.strictEqual(world.live.observe()._tag, "Fired")
    assert.deepStrictEqual(tags(world), [])
    assert.isUndefined(world.live.ledger.lost)
  })

  it("contain a record after an acknowledgement with stamps, with the shortest countdown that may come", () => {
    const taken = (options: HeartbeatOptions.Options, stamps: "stamped" | "none" = "stamped") => {
      const { acknowledge, live, reported } = made(options)
      acknowledge(stamps)
      live.acknowledged()
      assert.deepStrictEqual(reported, live.record === undefined ? [] : ["records"])
      return live.record
    }
    const record = { acceptedAt: T, completedAt: T }
    const onAcknowledged = () => Effect.void
    assert.deepStrictEqual(taken({ onAcknowledged }), { ...record, shortestCountdown: 5_000 })
    assert.deepStrictEqual(taken({ onAcknowledged, release: Release.letExpire }), {
      ...record,
      shortestCountdown: 10_000
    })
    assert.isUndefined(taken({ onAcknowledged }, "none"))
    assert.isUndefined(taken({}))
  })
})

describe("the ledger's loss", () => {
  it("by a proven firing comes with any policy, and the status says so at once", () => {
    for (const onUncertain of ["lose", "verify"] as const) {
      const world = made({ onUncertain })
      world.begin()
      world.live.enter({ fired: true })
      const status = world.live.observe()
      assert.strictEqual(status._tag === "Fired" && status.lost?.reason, "Fired")
      assert.strictEqual(lossOf(world).reason, "Fired")
      assert.deepStrictEqual(tags(world), ["Armed Fired"])
    }
  })

  it("by uncertainty comes at the early edge, and only where the policy is to lose", () => {
    for (const onUncertain of ["lose", "verify"] as const) {
      const world = made({ onUncertain })
      world.begin()
      world.pass(9_999)
      assert.strictEqual(world.live.observe()._tag, "Armed")
      world.pass(1)
      const status = world.live.observe()
      assert.strictEqual(status._tag, "MayHaveFired")
      assert.strictEqual(
        status._tag === "MayHaveFired" && status.lost?.reason,
        onUncertain === "lose" ? "MayHaveFired" : undefined
      )
      assert.deepStrictEqual(tags(world), ["Armed MayHaveFired"])
    }
  })

  it("does not come while only the wall clock says that the window has closed, but the state is not Armed (17, 18)", () => {
    const world = made()
    world.begin()
    world.time.wall += 60_000
    const status = world.live.observe()
    assert.strictEqual(status._tag, "MayHaveFired")
    assert.isUndefined(world.live.ledger.lost)
    assert.strictEqual(world.live.unprotected()?.reason, "MayHaveFired", "and nothing is guarded")
    // The next answer, without stamps, proves nothing: the gap is open.
    world.acknowledge()
    world.live.observe()
    assert.strictEqual(lossOf(world).reason, "MayHaveFired")
  })

  it("comes once, and only while the heartbeat beats", () => {
    const world = made()
    const { begin, live } = world
    live.lose("Defect", live.now())
    assert.isUndefined(live.unprotected())
    begin()
    live.failed(refusal)
    live.failed(refusal)
    assert.strictEqual(live.ledger.failures, 2)
    live.lose("Refused", live.now())
    live.lose("Defect", live.now())
    assert.strictEqual(live.ledger.lost?.reason, "Refused")
    assert.deepInclude(lossOf(world), { account: "desk-1", reason: "Refused", timeLeft: 10_000, cause: refusal })
    assert.deepStrictEqual(tags(world), ["Armed Jeopardy"])
    live.endGuards()
    assert.strictEqual(live.unprotected()?.reason, "Refused", "the release hides no loss")
  })

  it("reaches a fiber that waits for it, as the release does", async () => {
    for (const how of ["lost", "released"] as const) {
      const { begin, live } = made()
      begin()
      const waiting = [Effect.runFork(Effect.flip(live.awaitLost)), Effect.runFork(Effect.flip(live.awaitLost))]
      await Effect.runPromise(Effect.yieldNow())
      if (how === "lost") live.lose("Refused", live.now())
      else live.endGuards()
      for (const fiber of waiting) {
        const error = await Effect.runPromise(Effect.flatten(finished(fiber)))
        assert.deepInclude(error, { reason: how === "lost" ? "Refused" : "Released", account: "desk-1" })
      }
      assert.strictEqual(live.unprotected()?.reason, how === "lost" ? "Refused" : "Released")
    }
  })

  it("is named after the liveness check that withheld the beats, where time alone ended them", () => {
    for (const [reason, named] of [
      ["MayHaveFired", "NotAlive"],
      ["Fired", "NotAlive"],
      ["Refused", "Refused"],
      ["Defect", "Defect"]
    ] satisfies ReadonlyArray<readonly [HeartbeatError.LossReason, HeartbeatError.LossReason]>) {
      for (const cause of [dead, refusal]) {
        const world = made()
        world.begin()
        world.live.failed(cause)
        world.live.lose(reason, world.live.now())
        assert.strictEqual(lossOf(world).reason, cause === dead ? named : reason)
        assert.strictEqual(lossOf(world).cause, cause)
      }
    }
  })

  it("carries the gap for the reconciliation, no time left once it has passed, and no cause where there is none", () => {
    const world = made({ cancelLatency: 7_000 })
    world.begin()
    world.pass(10_500)
    world.live.observe()
    const error = lossOf(world)
    assert.deepInclude(error, { reason: "MayHaveFired", timeLeft: 0 })
    assert.notProperty(error, "cause")
    assert.deepInclude(error.gap, { shortest: 10_000, latest: 500 })
    assert.strictEqual(error.gap?.assumptions.cancelLatency, 7_000)
    const unarmed = made()
    unarmed.live.phase = "beating"
    unarmed.live.lose("Defect", unarmed.live.now())
    assert.notProperty(lossOf(unarmed), "gap")
  })

  it("is not needed for guard to start nothing at the early edge or past it", () => {
    const world = made({ onUncertain: "verify" })
    world.begin()
    world.pass(9_999)
    assert.isUndefined(world.live.unprotected())
    world.pass(1)
    assert.deepInclude(world.live.unprotected(), { reason: "MayHaveFired", timeLeft: 0 })
    assert.isUndefined(world.live.ledger.lost)
  })
})

describe("the ledger's reconciliation", () => {
  it("takes the acknowledgement that the book was compared up to, and no earlier and no unknown one", () => {
    for (const [upTo, accepted] of [
      [0, false],
      [1, true],
      [2, false]
    ] as const) {
      const world = made({ onUncertain: "verify" })
      world.begin()
      world.pass(10_000)
      world.acknowledge()
      world.live.observe()
      const result = Effect.runSync(Effect.either(world.live.markReconciled({ id: upTo })))
      assert.strictEqual(Either.isRight(result), accepted, `up to ${upTo}`)
      assert.strictEqual(world.live.observe()._tag, accepted ? "Armed" : "MayHaveFired")
      if (Either.isLeft(result)) assert.deepInclude(result.left, { _tag: "ReconciliationOutdated", account: "desk-1" })
    }
  })

  it("is refused from the early edge on, and before the first acknowledgement", () => {
    const world = made({ onUncertain: "verify" })
    const mark = () => Either.isRight(Effect.runSync(Effect.either(world.live.markReconciled({ id: 0 }))))
    world.send()
    assert.isFalse(mark())
    world.live.enter({
      window: FireWindow.acknowledged(world.live.ledger.window, 0, world.live.now(), undefined).window
    })
    world.live.phase = "beating"
    world.pass(9_999)
    assert.isTrue(mark())
    world.pass(1)
    assert.isFalse(mark())
  })
})

describe("the ledger's changes", () => {
  it.effect("give a reader that is slow the newest states and the end, and a second one the same", () =>
    Effect.gen(function* () {
      const { begin, live } = made()
      begin()
      const read = Effect.fork(Stream.runCollect(Stream.tap(live.changes, () => Effect.yieldNow())))
      const readers = [yield* read, yield* read]
      for (let n = 0; n < 10; n++) yield* Effect.yieldNow()
      for (let n = 0; n < 20; n++) {
        live.enter({ failures: n % 2 === 0 ? 1 : 0 })
        live.observe()
      }
      live.enter({ outcome: Release.Outcome.Disarmed() })
      live.phase = "released"
      live.publish(HeartbeatStatus.derive(live.ledger, live.now()))
      for (const reader of readers) {
        const states = Chunk.toReadonlyArray(yield* yield* finished(reader)).map(({ _tag }) => _tag)
        assert.strictEqual(states[0], "Armed")
        assert.strictEqual(states.at(-1), "Released")
        assert.isAtMost(states.length, 20)
        assert.isAtLeast(states.length, 16)
      }
    })
  )

  it.effect("give each state once, also one that the reader itself is the first to notice", () =>
    Effect.gen(function* () {
      const { begin, live } = made()
      begin()
      live.enter({ failures: 1 })
      const reader = yield* Effect.fork(Stream.runCollect(live.changes))
      for (let n = 0; n < 10; n++) yield* Effect.yieldNow()
      live.enter({ outcome: Release.Outcome.Disarmed() })
      live.publish(HeartbeatStatus.derive(live.ledger, live.now()))
      assert.deepStrictEqual(
        Chunk.toReadonlyArray(yield* yield* finished(reader)).map(({ _tag }) => _tag),
        ["Jeopardy", "Released"]
      )
    })
  )
})
