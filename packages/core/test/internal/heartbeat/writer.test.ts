/** The promises of the writer to the rest of a heartbeat, with a clock that the test sets. */
import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as FireWindow from "@effect-deadman/core/FireWindow"
import type * as HeartbeatError from "@effect-deadman/core/HeartbeatError"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import * as VenueError from "@effect-deadman/core/VenueError"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { type Flight, Writer, type WriteOutcome } from "../../../src/internal/heartbeat/writer.js"
import * as Ledger from "../../support/ledger.js"
import { finished, T } from "../../support/ledger.js"

type Ack = CountdownCancelAll.Acknowledgement
type Port = CountdownCancelAll.CountdownCancelAll["Type"]

const unstamped: Ack = { acceptedAt: undefined, completedAt: undefined, requestTime: undefined }

const made = (options?: HeartbeatOptions.Options, port?: Partial<Port>) => {
  const world = Ledger.made(options)
  const { live } = world
  const inheritance = { paceAt: -Infinity, unresolvedWrites: [] as ReadonlyArray<FireWindow.Pending>, origin: 0 }
  const told: Array<string> = []
  const tell = (what: string) => (value: number | string) => void told.push(`${what} ${value}`)
  Object.assign(live, {
    telemetry: {
      ...live.telemetry,
      beat: tell("beat"),
      latency: tell("latency"),
      slack: tell("slack"),
      earliestFire: tell("earliest fire")
    }
  })
  const spans: Array<Tracer.Span & { readonly ended: ReadonlyArray<unknown> }> = []
  const tracer = Tracer.make({
    context: (run) => run(),
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const ended: Array<unknown> = []
      const span = {
        _tag: "Span" as const,
        name,
        spanId: "",
        traceId: "",
        parent,
        context,
        status: { _tag: "Started" as const, startTime },
        attributes,
        links,
        sampled: true,
        kind,
        ended,
        end: (...end: ReadonlyArray<unknown>) => void ended.push(...end),
        attribute: (key: string, value: unknown) => void attributes.set(key, value),
        event: () => undefined,
        addLinks: () => undefined
      }
      spans.push(span)
      return span
    }
  })
  const set: Array<CountdownCancelAll.Setting> = []
  const service: Port = {
    account: "desk-1",
    pace: Duration.seconds(1),
    range: { min: 5, max: 60 },
    horizon: Effect.succeed(Duration.seconds(30)),
    set: () => Effect.succeed(unstamped),
    ...port
  }
  const counted: Port = {
    ...service,
    set: (setting) => Effect.suspend(() => (set.push(setting), service.set(setting)))
  }
  let begun = 0
  const writer = new Writer(counted, live, inheritance, { tracer, parent: Option.none() }, () => begun++)
  const outcomes: Array<WriteOutcome> = []
  /** Begins a write, which stays in flight until `end`. */
  const fly = (setting: CountdownCancelAll.Setting = 10): Flight => {
    const flight = writer.begin(setting, (outcome) => outcomes.push(outcome))
    const window = FireWindow.sent(live.ledger.window, {
      id: flight.id,
      at: flight.sent,
      countdown: setting === "off" ? 0 : setting * 1_000,
      horizon: 30_000
    })
    live.enter({ window })
    return flight
  }
  const end = (flight: Flight, exit: Exit.Exit<Ack, unknown>) => {
    writer.ended(flight, exit)
    return outcomes.at(-1)!
  }
  const acknowledge = (ack: Ack = unstamped) => end(fly(), Exit.succeed(ack))
  const fail = (error: unknown) => end(fly(), Exit.fail(error))
  const begin = () => {
    acknowledge()
    live.phase = "beating"
  }
  return {
    ...world,
    writer,
    inheritance,
    told,
    spans,
    set,
    outcomes,
    fly,
    end,
    acknowledge,
    fail,
    begin,
    begun: () => begun
  }
}

const error = (code: string, httpStatus?: number) => VenueError.fromCode({ code, venueMessage: "", httpStatus })
const unanswered = new VenueError.RequestTimeout({
  venueMessage: "",
  applied: "unknown",
  retryable: true,
  timeoutMillis: 2_000
})
const key = error("40037")
const timestamp = error("40008")
const limited = error("429", 429)
const permission = error("40014")

const failureOf = ({ exit }: WriteOutcome): unknown =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined

describe("the writer's pace", () => {
  it("counts from the answer, or from the sending where none came", () => {
    for (const [exit, from] of [
      [Exit.succeed(unstamped), "answer"],
      [Exit.fail(limited), "answer"],
      [Exit.fail(unanswered), "sending"],
      [Exit.die("bug"), "sending"]
    ] satisfies ReadonlyArray<readonly [Exit.Exit<Ack, unknown>, string]>) {
      const { end, fly, inheritance, pass, writer } = made()
      pass(5_000)
      const flight = fly()
      pass(300)
      end(flight, exit)
      assert.strictEqual(inheritance.paceAt, from === "answer" ? 6_300 : 6_000)
      assert.strictEqual(writer.paceAt, inheritance.paceAt)
    }
  })

  it("is waited for, also the pace that another heartbeat of the account has left", () => {
    const { inheritance, slept, time, writer } = made()
    Effect.runSync(writer.paced)
    assert.deepStrictEqual(slept, [])
    inheritance.paceAt = 700
    Effect.runSync(writer.paced)
    assert.strictEqual(time.mono, 700)
  })
})

describe("the writer's failures", () => {
  /** Whether the same write is worth another try after each of these failures in a row. */
  const again = (phase: "arming" | "beating", ...errors: ReadonlyArray<unknown>) => {
    const world = made()
    if (phase === "beating") world.begin()
    return errors.map((error) => (error === "acknowledged" ? world.acknowledge() : world.fail(error)).again)
  }

  it("that an exchange withdraws now and then are final after some in a row with the same code", () => {
    assert.deepStrictEqual(again("beating", key, key, key), [true, true, false])
    assert.deepStrictEqual(again("beating", timestamp, timestamp), [true, false])
    assert.deepStrictEqual(again("beating", key, key, "acknowledged", key, key), [true, true, true, true, true])
    assert.deepStrictEqual(again("beating", key, key, limited, key, key), [true, true, true, true, true])
    assert.deepStrictEqual(again("beating", limited, limited, key), [true, true, true])
    const uncoded = { _tag: "Locked", message: "", applied: "no", retryable: true, finalAfter: 2 }
    assert.deepStrictEqual(again("beating", uncoded, uncoded), [true, false])
  })

  it("of an acquisition are final at once where they are not retryable, and otherwise as later", () => {
    assert.deepStrictEqual(again("arming", key), [false])
    assert.deepStrictEqual(again("arming", timestamp, timestamp), [true, false])
  })

  it("are final or not as they say, where they do not say a number", () => {
    for (const phase of ["arming", "beating"] as const) {
      assert.deepStrictEqual(again(phase, permission), [false])
      assert.deepStrictEqual(again(phase, limited, limited, limited, limited), [true, true, true, true])
      assert.deepStrictEqual(again(phase, "a string"), [false])
    }
  })

  it("of Bitget's client are passed on, those of another are wrapped with all they say, and no others are known", () => {
    const other = {
      _tag: "Locked",
      message: "the account is locked",
      applied: "no",
      retryable: false,
      code: 77,
      httpStatus: 423,
      finalAfter: 5
    }
    const { _tag: reason, message: detail, ...rest } = other
    assert.strictEqual(failureOf(made().fail(permission)), permission)
    assert.deepInclude(failureOf(made().fail(other)), {
      ...rest,
      _tag: "CountdownFailed",
      reason,
      detail,
      cause: other
    })
    const unknown = made()
    const { exit } = unknown.fail("a string")
    assert.deepStrictEqual(exit, Exit.die("a string"))
    assert.deepInclude(unknown.live.ledger.cause, { _tag: "OutcomeUnknown", applied: "unknown", retryable: false })
    const bug = made()
    bug.end(bug.fly(), Exit.die(new Error("a bug\non two lines")))
    const { cause } = bug.live.ledger
    assert.strictEqual(cause?._tag === "OutcomeUnknown" && cause.venueMessage, "defect: Error: a bug")
  })

  it("that change nothing are forgotten by the window, and the others may still be applied", () => {
    for (const [failure, pending] of [
      [permission, 0],
      [unanswered, 1],
      ["a defect", 1]
    ] as const) {
      const { fail, live } = made()
      fail(failure)
      assert.lengthOf(live.ledger.window.pending, pending)
      assert.isUndefined(live.ledger.window.pending.find(({ inFlight }) => inFlight))
      assert.strictEqual(live.ledger.failures, 1)
    }
  })

  it("lose a running heartbeat when they are final: by a refusal, or by a defect", () => {
    for (const [failure, reason] of [
      [permission, "Refused"],
      ["a defect", "Defect"],
      [limited, undefined],
      [unanswered, undefined]
    ] satisfies ReadonlyArray<readonly [unknown, HeartbeatError.LossReason | undefined]>) {
      const { begin, fail, live } = made()
      begin()
      fail(failure)
      assert.strictEqual(live.ledger.lost?.reason, reason)
    }
  })

  it("are counted by the tag that the client gave them", () => {
    const { fail, told } = made()
    for (const failure of [permission, { _tag: "Locked", message: "", applied: "no", retryable: true }, "a defect"]) {
      fail(failure)
    }
    assert.deepStrictEqual(
      told.filter((line) => line.startsWith("beat")),
      ["beat PermissionRefused", "beat Locked", "beat OutcomeUnknown"]
    )
  })

  it("of a running heartbeat have one span each, from the sending to the end, and a tracer that throws costs it alone", () => {
    const world = made()
    world.fail(limited)
    assert.lengthOf(world.spans, 0, "not of an acquisition")
    world.begin()
    world.pass(3_000)
    const flight = world.fly()
    world.pass(250)
    const exit = Exit.fail(limited)
    world.end(flight, exit)
    assert.lengthOf(world.spans, 1)
    const { attributes, ended, kind, links, name, status } = world.spans[0]!
    assert.deepStrictEqual([name, kind, links], ["deadman.beat", "client", []])
    assert.deepStrictEqual(
      [...attributes],
      [
        ["account", "desk-1"],
        ["failures", 1]
      ]
    )
    assert.strictEqual(status.startTime, 3_000_000_000n)
    assert.deepStrictEqual(ended, [3_250_000_000n, exit])
    Object.assign(world.writer, { spans: { tracer: { span: () => assert.fail("broken") }, parent: Option.none() } })
    assert.isTrue(world.fail(limited).again)
  })
})

describe("the writer's acknowledgements", () => {
  const stamped = (mono: number): Ack => ({ ...unstamped, acceptedAt: T + mono, completedAt: T + mono })

  it("end the failures, and give the record and the metrics", () => {
    const { acknowledge, begin, end, fail, fly, live, pass, reported, told } = made({
      onAcknowledged: () => Effect.void
    })
    acknowledge(stamped(0))
    assert.deepStrictEqual(told, ["beat acknowledged", "latency 0", "earliest fire 10000"], "no slack before the first")
    assert.deepStrictEqual(reported, ["records"])
    begin()
    fail(limited)
    told.length = 0
    pass(3_000)
    const flight = fly()
    pass(200)
    const outcome = end(flight, Exit.succeed(stamped(3_100)))
    assert.deepStrictEqual(outcome, { exit: Exit.succeed(stamped(3_100)), again: true })
    assert.deepInclude(live.ledger, { failures: 0, cause: undefined })
    assert.deepStrictEqual([...new Set(told)], ["beat acknowledged", "latency 200", "slack 6800", "earliest fire 9800"])
    assert.deepStrictEqual(live.ledger.window.acknowledged?.stamps, { acceptedAt: T + 3_100, completedAt: T + 3_100 })
  })

  /** Two acknowledgements, so many ms apart, the second one stamped so. */
  const second = (apart: number, stamps: "stamped" | "unstamped", phase: "arming" | "beating", predecessor = false) => {
    const world = made({
      onUncertain: "verify",
      ...(predecessor
        ? { predecessor: { acceptedAt: T - 5_000, completedAt: T - 5_000, shortestCountdown: 60_000 } }
        : {})
    })
    world.acknowledge(stamped(0))
    world.live.phase = phase
    world.pass(apart)
    world.acknowledge(stamps === "stamped" ? stamped(apart) : unstamped)
    const { ledger, provenBy } = world.live
    return { fired: ledger.fired, gap: ledger.window.gap !== undefined, provenBy }
  }

  it("prove that the switch has fired, or held, or leave a gap", () => {
    assert.deepStrictEqual(second(3_000, "stamped", "beating"), {
      fired: false,
      gap: false,
      provenBy: "acknowledgement"
    })
    assert.deepInclude(second(10_500, "unstamped", "beating"), { fired: false, gap: true })
    assert.deepInclude(second(13_000, "stamped", "beating"), { fired: true, gap: true })
  })

  it("lose nothing before the heartbeat is armed, except the switch of a predecessor", () => {
    for (const stamps of ["stamped", "unstamped"] as const) {
      assert.deepInclude(second(13_000, stamps, "arming"), { fired: false, gap: false })
      assert.deepInclude(second(13_000, stamps, "arming", true), { fired: stamps === "stamped", gap: true })
    }
  })

  it("that violate their type count as a write of unknown outcome, and end the heartbeat", () => {
    const { begin, end, fly, live } = made()
    begin()
    const { again, exit } = end(fly(), Exit.succeed(null as never))
    assert.isFalse(again)
    assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
    assert.strictEqual(live.ledger.lost?.reason, "Defect")
    assert.lengthOf(live.ledger.window.pending, 1)
  })
})

describe("the writer's flight", () => {
  it("is one, given up when the request timeout has passed", () => {
    const { begun, end, fly, pass, writer } = made()
    assert.deepStrictEqual([writer.isInFlight, writer.overdueAt, begun()], [false, Infinity, 0])
    pass(500)
    const flight = fly()
    assert.deepStrictEqual([writer.isInFlight, writer.overdueAt, begun()], [true, 2_500, 1])
    end(flight, Exit.succeed(unstamped))
    assert.deepStrictEqual([writer.isInFlight, writer.overdueAt], [false, Infinity])
  })

  it("ends once, and a late answer changes nothing (16)", () => {
    const { end, fly, live, outcomes } = made()
    const flight = fly()
    end(flight, Exit.fail(unanswered))
    const { ledger } = live
    end(flight, Exit.succeed(unstamped))
    assert.lengthOf(outcomes, 1)
    assert.strictEqual(live.ledger, ledger)
  })

  it("that is overdue is given up in time, or after 5 ms more for an answer that waits on a host that stood still", () => {
    for (const [late, spared] of [
      [-1, undefined],
      [0, false],
      [2, false],
      [2.5, true],
      [60_000, true]
    ] as const) {
      const { fly, outcomes, pass, writer } = made()
      const flight = fly()
      pass(2_000 + late)
      writer.dropOverdue()
      assert.strictEqual(writer.isInFlight, spared !== false, `late by ${late} ms`)
      if (spared === undefined) continue
      if (spared) {
        assert.strictEqual(writer.overdueAt, 2_000 + late + 5)
        assert.isTrue(flight.spared)
        pass(4)
        writer.dropOverdue()
        assert.isTrue(writer.isInFlight)
        // The host stands still again. An answer gets this time once.
        pass(60_000)
        writer.dropOverdue()
      }
      assert.isFalse(writer.isInFlight)
      assert.isTrue(outcomes[0]!.again)
      assert.deepInclude(failureOf(outcomes[0]!), { ...unanswered })
      writer.dropOverdue()
      assert.lengthOf(outcomes, 1)
    }
  })

  it.effect("that is given up ends its request, also when the clock throws meanwhile", () =>
    Effect.gen(function* () {
      for (const isBroken of [false, true]) {
        const { begin, fly, live, time, writer } = made()
        begin()
        const flight = fly()
        flight.fiber = yield* Effect.forkDaemon(Effect.never)
        time.isBroken = isBroken
        if (isBroken) assert.throws(() => writer.drop())
        else writer.drop()
        assert.isTrue(Exit.isInterrupted(yield* finished(flight.fiber)))
        assert.lengthOf(live.ledger.window.pending, 1)
        writer.drop()
      }
    })
  )

  it.effect("tells all that wait for its end, also when the clock throws meanwhile", () =>
    Effect.gen(function* () {
      for (const isBroken of [false, true]) {
        const { begin, end, fly, outcomes, time, writer } = made()
        begin()
        yield* yield* finished(yield* Effect.fork(writer.settled))
        const flight = fly()
        const waiting = [yield* Effect.fork(writer.settled), yield* Effect.fork(writer.settled)]
        yield* Effect.yieldNow()
        assert.isNull(waiting[0]!.unsafePoll())
        time.isBroken = isBroken
        const lose = () => end(flight, Exit.fail(unanswered))
        if (isBroken) assert.throws(lose)
        else lose()
        for (const fiber of waiting) yield* yield* finished(fiber)
        assert.lengthOf(outcomes, 2, "the first was the arming")
      }
    })
  )

  it("of an acquisition has its outcome also when the clock throws meanwhile", () => {
    const { end, fly, time } = made()
    const flight = fly("off")
    time.isBroken = true
    assert.isTrue(Exit.isSuccess(end(flight, Exit.succeed(unstamped)).exit))
  })

  it("that is acknowledged at an instant that no clock tells does not end the window too early (9)", () => {
    const { end, fly, live, pass, time } = made()
    const flight = fly()
    pass(400)
    time.isBroken = true
    assert.deepStrictEqual(end(flight, Exit.succeed(unstamped)), { exit: Exit.fail(unanswered), again: true })
    time.isBroken = false
    // By the last reading it would end with the countdown, although the exchange may have counted from 400 ms on.
    assert.isAtLeast(FireWindow.edges(live.ledger.window, live.now()).latest, 10_000 + 400)
  })

  it("shows in the status of a running heartbeat at once, and in no state before it", () => {
    for (const phase of ["arming", "beating", "releasing"] as const) {
      const { begin, fail, live } = made()
      begin()
      live.phase = phase
      fail(limited)
      assert.lengthOf(live.unreported, phase === "beating" ? 1 : 0)
    }
  })

  it("that is unresolved is left to the next heartbeat of the account", () => {
    const { begin, fail, fly, inheritance, pass, writer } = made()
    begin()
    fail(unanswered)
    pass(1_000)
    fly("off")
    writer.bequeath()
    assert.isFalse(writer.isInFlight)
    assert.deepStrictEqual(
      inheritance.unresolvedWrites.map(({ countdown, inFlight, sent }) => [countdown, inFlight, sent.mono]),
      [
        [10_000, false, 0],
        [0, false, 1_000]
      ]
    )
  })
})

describe("the writer's request", () => {
  it.effect("enters the window when it is sent, after it has asked for the horizon", () =>
    Effect.gen(function* () {
      const horizon = yield* Deferred.make<Duration.Duration>()
      const answer = yield* Deferred.make<Ack>()
      const { live, pass, set, writer } = made(
        {},
        { horizon: Deferred.await(horizon), set: () => Deferred.await(answer) }
      )
      const sending = yield* Effect.fork(writer.send(12))
      yield* Effect.yieldNow()
      pass(400)
      assert.deepStrictEqual([live.ledger.window.pending, set], [[], []])
      yield* Deferred.succeed(horizon, Duration.seconds(31))
      for (let n = 0; n < 5; n++) yield* Effect.yieldNow()
      assert.deepStrictEqual(set, [12])
      assert.deepStrictEqual(live.ledger.window.pending, [
        { id: 0, inFlight: true, countdown: 12_000, horizon: 31_000, sent: live.now() }
      ])
      yield* Deferred.succeed(answer, unstamped)
      assert.deepStrictEqual(yield* yield* finished(sending), { exit: Exit.succeed(unstamped), again: true })
      assert.deepInclude(live.ledger.window.acknowledged, { countdown: 12_000, id: 0 })
      yield* yield* finished(yield* Effect.fork(writer.send("off")))
      assert.deepInclude(live.ledger.window.acknowledged, { countdown: 0, id: 1 })
    })
  )

  it.effect("is not sent when it was given up while it asked for the horizon", () =>
    Effect.gen(function* () {
      const horizon = yield* Deferred.make<Duration.Duration>()
      const { live, set, writer } = made({}, { horizon: Deferred.await(horizon) })
      const sending = yield* Effect.fork(writer.send(10))
      yield* Effect.yieldNow()
      // Without its interruption, as when that comes in the same step.
      ;(writer as unknown as { inFlight: Flight }).inFlight.fiber = undefined
      writer.drop()
      assert.deepStrictEqual(failureOf(yield* yield* finished(sending)), unanswered)
      yield* Deferred.succeed(horizon, Duration.seconds(30))
      for (let n = 0; n < 5; n++) yield* Effect.yieldNow()
      assert.deepStrictEqual([set, live.ledger.window.pending], [[], []])
    })
  )

  it.effect("is not sent when its phase has ended while it waited", () =>
    Effect.gen(function* () {
      const { live, set, writer } = made()
      const sending = writer.send(10)
      live.phase = "releasing"
      assert.isTrue(Exit.isInterrupted(yield* finished(yield* Effect.fork(sending))))
      assert.deepStrictEqual([set, writer.isInFlight], [[], false])
    })
  )

  it.effect("goes on when its caller is interrupted, and its answer counts", () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<Ack>()
      const { live, set, writer } = made({}, { set: () => Deferred.await(answer) })
      const sending = yield* Effect.fork(writer.send(10))
      for (let n = 0; n < 5; n++) yield* Effect.yieldNow()
      yield* Fiber.interrupt(sending)
      assert.deepStrictEqual([set, writer.isInFlight], [[10], true])
      yield* Deferred.succeed(answer, unstamped)
      for (let n = 0; n < 5; n++) yield* Effect.yieldNow()
      assert.isFalse(writer.isInFlight)
      assert.isDefined(live.ledger.window.acknowledged)
    })
  )
})
