/** The order book as evidence: the heartbeat asks it while a gap is open, beside its beats. */
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as OpenOrders from "@effect-deadman/core/OpenOrders"
import * as Sighting from "@effect-deadman/core/Sighting"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Port from "./support/port.js"
import { collecting, inWorld, lost, stamped, unsent } from "./support/port.js"
import * as World from "./support/world.js"

type Answer = Effect.Effect<Sighting.Sighting | undefined, unknown>

const now = Effect.map(Effect.clock, (clock) => clock.unsafeCurrentTimeMillis())

/** An order that was created then, and is listed now by a machine whose clock is the world's. */
const listed = (createdAt: number): Answer =>
  Effect.map(OpenOrders.reading, (sentAt) => ({ createdAt, listedAt: sentAt.wall, sentAt }))

/** Gives the n-th request its answer after 50 ms, and records each as `"<ms> <before>"`. */
const orders = (answer: (n: number) => Answer, account = "guest") => {
  const requests: Array<string> = []
  const service = OpenOrders.OpenOrders.of({
    account,
    survivor: (before) =>
      Effect.flatMap(now, (at) => {
        const n = requests.push(`${at} ${before}`) - 1
        return Effect.zipLeft(
          Effect.suspend(() => answer(n)),
          Effect.sleep(50)
        )
      })
  })
  return { requests, service }
}

/** The network is cut between two instants. By default a write may have been applied. */
const cut = (from: number, to: number, lost = Port.lost) =>
  Port.port(() =>
    Effect.flatMap(now, (at) => (at >= from && at < to ? Effect.zipRight(Effect.sleep(1_000), lost) : stamped()))
  )

const recording = () => {
  const transitions: Array<string> = []
  const onTransition = ({ from, provenBy, to }: HeartbeatStatus.Transition) =>
    Effect.map(
      now,
      (at) => void transitions.push(`${at} ${from} -> ${to._tag}${provenBy === undefined ? "" : ` by ${provenBy}`}`)
    )
  return { transitions, onTransition }
}

/** Runs a heartbeat with evidence over a network that is cut from 5 to 17 s. */
const scenario = (
  answer: (n: number) => Answer,
  check: (heartbeat: Heartbeat.Heartbeat) => Effect.Effect<void, unknown, Scope.Scope>,
  options?: HeartbeatOptions.Options
) => {
  const { onTransition, transitions } = recording()
  const { requests, service } = orders(answer)
  const { lines, logger } = collecting()
  const { service: port, writes } = cut(5_000, 17_000)
  inWorld(
    port,
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open({
        onUncertain: "verify",
        evidence: service,
        onTransition,
        ...options
      })
      yield* check(heartbeat)
      yield* close
    }),
    logger
  )
  return { transitions, requests, lines, writes }
}

const sleepUntil = (instant: number) => Effect.flatMap(now, (at) => Effect.sleep(instant - at))

describe("evidence", () => {
  it("an order from before the gap ends the uncertainty, and the transition says how", () => {
    const { lines, requests, transitions } = scenario(
      () => listed(1_000),
      (heartbeat) =>
        Effect.gen(function* () {
          yield* sleepUntil(20_000)
          assert.strictEqual((yield* heartbeat.status)._tag, "MayHaveFired")
          yield* sleepUntil(30_000)
          yield* heartbeat.ensureArmed()
        })
    )
    assert.deepStrictEqual(transitions.slice(0, 3), [
      "7050 Armed -> Jeopardy",
      "13000 Jeopardy -> MayHaveFired",
      "23650 MayHaveFired -> Armed by sighting"
    ])
    assert.strictEqual(requests.length, 1)
    assert.include(lines.join("\n"), "it held: an order from before it could fire is still open")
  })

  it("asks when every firing in the gap must have cancelled its orders, for those from before it could fire", () => {
    const { requests } = scenario(
      () => listed(1_000),
      () => sleepUntil(30_000)
    )
    // The last acknowledgement before the gap was sent at 3 s, the first one after it arrived at 17.6 s.
    assert.deepStrictEqual(requests, [`23600 ${3_050 + 10_000 - 1_000 - 1_000}`])
  })

  for (const [what, answer] of [
    ["nothing that is listed", Effect.succeed(undefined)],
    ["an order from inside the gap", listed(15_000)],
    ["a list that fails", Effect.fail("refused")],
    ["a list that throws", Effect.die("thrown")],
    ["an order without a time", listed(0)],
    [
      "a reading from another clock",
      Effect.map(listed(1_000), (seen) => ({ ...seen!, sentAt: { mono: 1e9, wall: 1e9 } }))
    ]
  ] as const) {
    it(`${what} proves nothing: MayHaveFired until the book was compared, and asked again meanwhile`, () => {
      const { requests, transitions } = scenario(
        () => answer,
        (heartbeat) =>
          Effect.gen(function* () {
            yield* sleepUntil(40_000)
            const status = yield* heartbeat.status
            assert(status._tag === "MayHaveFired" && status.lastAcknowledged !== undefined)
            yield* heartbeat.markReconciled(status.lastAcknowledged)
            yield* heartbeat.ensureArmed()
            yield* sleepUntil(60_000)
          })
      )
      assert.strictEqual(transitions.at(2), "40000 MayHaveFired -> Armed by owner")
      // From 23.6 s on, with an interval between two, and none once the question is settled.
      assert.strictEqual(requests.length, 6)
    })
  }

  it("a list that hangs, is slow or fails delays no beat", () => {
    const beats = (answer: (n: number) => Answer) => scenario(answer, () => sleepUntil(60_000)).writes
    const without = scenario(
      () => Effect.never,
      () => sleepUntil(60_000),
      { evidence: undefined }
    ).writes
    for (const answer of [Effect.never, Effect.delay(listed(1_000), 7_300), Effect.fail("refused")]) {
      assert.deepStrictEqual(
        beats(() => answer),
        without
      )
    }
  })

  it("a list that hangs ends with its own bound, and the next one proves it", () => {
    const { requests, transitions } = scenario(
      (n) => (n === 0 ? Effect.never : listed(1_000)),
      () => sleepUntil(60_000)
    )
    assert.deepStrictEqual(
      requests.map((request) => request.split(" ")[0]),
      ["23600", "36600"]
    )
    assert.strictEqual(transitions.at(2), "36650 MayHaveFired -> Armed by sighting")
  })

  it("a list that is under way when the scope closes is left behind by nothing", () => {
    const { requests } = scenario(
      () => Effect.never,
      () => sleepUntil(25_000)
    )
    assert.strictEqual(requests.length, 1)
  })

  it("a second gap extends the first, and the proof has to cover both", () => {
    const { onTransition, transitions } = recording()
    const { requests, service } = orders(() => listed(1_000))
    const between = orders(() => listed(18_000))
    for (const evidence of [service, between.service]) {
      transitions.length = 0
      inWorld(
        Port.port(() =>
          Effect.flatMap(now, (at) =>
            (at >= 5_000 && at < 17_000) || (at >= 22_000 && at < 40_000)
              ? Effect.zipRight(Effect.sleep(1_000), lost)
              : stamped()
          )
        ).service,
        Effect.gen(function* () {
          const { close } = yield* World.open({ onUncertain: "verify", evidence, onTransition })
          yield* sleepUntil(60_000)
          yield* close
        })
      )
      assert.strictEqual(
        transitions.some((line) => line.endsWith("-> Armed by sighting")),
        evidence === service
      )
    }
    assert.isAbove(Number(requests.at(-1)!.split(" ")[0]), 46_000)
  })

  it("a restarted bot learns at the start whether the switch of its former life held", () => {
    const record = { acceptedAt: 1_000, completedAt: 1_000, shortestCountdown: 5_000 }
    for (const [createdAt, held] of [
      [3_999, true],
      [4_000, false]
    ] as const) {
      const { onTransition, transitions } = recording()
      inWorld(
        Port.port(() => stamped()).service,
        Effect.gen(function* () {
          yield* sleepUntil(20_000)
          const { close, heartbeat } = yield* World.open({
            predecessor: record,
            onUncertain: "verify",
            evidence: orders(() => listed(createdAt)).service,
            onTransition
          })
          assert.strictEqual((yield* heartbeat.status)._tag, "MayHaveFired")
          yield* sleepUntil(30_000)
          yield* close
        })
      )
      assert.strictEqual(
        transitions[1],
        held ? "26100 MayHaveFired -> Armed by sighting" : "30100 MayHaveFired -> Released"
      )
    }
  })

  it("an order that outlives a proven firing turns the evidence off, loudly, for all heartbeats of the account", () => {
    const first = orders(() => listed(1_000))
    const second = orders(() => listed(1_000))
    const { lines, logger } = collecting()
    inWorld(
      // Cut off, but for the moment in which the second one is armed.
      Port.port(() => Effect.flatMap(now, (at) => (at < 5_000 || (at > 70_000 && at < 75_000) ? stamped() : unsent)))
        .service,
      Effect.gen(function* () {
        for (const { service } of [first, second]) {
          const began = yield* now
          const { close, heartbeat } = yield* World.open({ onUncertain: "verify", evidence: service })
          yield* sleepUntil(began + 70_000)
          assert.strictEqual((yield* heartbeat.status)._tag, "Fired")
          yield* close
        }
      }),
      logger
    )
    assert.strictEqual(first.requests.length, 1)
    assert.strictEqual(lines.filter((line) => line.includes("an order has outlived a proven firing")).length, 1)
    assert.strictEqual(second.requests.length, 0)
  })

  it("no order that outlives a proven firing: the list stays evidence", () => {
    const { requests, service } = orders(() => Effect.succeed(undefined))
    const { lines, logger } = collecting()
    inWorld(
      cut(5_000, 80_000, unsent).service,
      Effect.gen(function* () {
        const { close } = yield* World.open({ onUncertain: "verify", evidence: service })
        yield* sleepUntil(60_000)
        yield* close
      }),
      logger
    )
    assert.isAbove(requests.length, 0)
    assert.notInclude(lines.join("\n"), "outlived")
  })
})

describe("SwitchLost", () => {
  it("carries the gap, by which an open order says until when the switch has not fired, and when to look again", () => {
    inWorld(
      cut(5_000, 100_000).service,
      Effect.gen(function* () {
        const { close, heartbeat } = yield* World.open()
        const { gap, message, timeLeft } = yield* Effect.flip(heartbeat.awaitLost)
        assert.strictEqual(yield* now, 13_000)
        assert.strictEqual(timeLeft, 0)
        assert.include(message, `It may fire for another ${(gap!.latest / 1_000).toFixed(1)} s.`)
        assert.strictEqual(Sighting.createdBefore(gap!, gap!.assumptions), 11_050)
        yield* sleepUntil(14_000)
        const survival = Sighting.survival(gap!, yield* listed(1_000))
        assert.strictEqual(survival.verdict, "open")
        assert.strictEqual(survival.survivedUntil, 8_000)
        // The last of the unresolved beats may still be accepted 30 s after it was sent, and fire 11 s later.
        assert.isAbove(survival.mayFireUntil, 50_000)
        assert.strictEqual(survival.lookAgainAt, survival.mayFireUntil + 6_000)
        assert.isUndefined(Sighting.survival(gap!, yield* listed(11_050)).survivedUntil)
        yield* close
        yield* sleepUntil(survival.lookAgainAt)
        assert.strictEqual(Sighting.survival(gap!, yield* listed(1_000)).verdict, "held")
      })
    )
  })
})

describe("the options of evidence", () => {
  const refused = (options: HeartbeatOptions.Options) => {
    let message = ""
    inWorld(
      Port.port(() => stamped()).service,
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Effect.flip(Heartbeat.make(options)))
        assert(Exit.isSuccess(exit) && exit.value._tag === "InvalidOptions")
        message = exit.value.message
      })
    )
    return message
  }
  const { service } = orders(() => Effect.succeed(undefined))

  it('it is refused with "lose", where nothing would ask it', () => {
    assert.include(refused({ evidence: service }), 'evidence needs onUncertain: "verify" does not hold')
  })

  it("it is refused where it lists the orders of another account", () => {
    const other = orders(() => Effect.succeed(undefined), "other")
    assert.include(refused({ evidence: other.service, onUncertain: "verify" }), "evidence is of account other")
  })
})
