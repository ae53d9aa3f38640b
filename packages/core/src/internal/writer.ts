/**
 * The one way to the venue: at most one write in flight, each in a fiber of its own with a timer beside it, so that
 * neither a hung request nor an interrupted caller stops anything else. Its outcome is entered in the ledger by
 * whichever of the two comes first, whoever still waits for it.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Countdown from "../Countdown.js"
import type * as CountdownCancelAll from "../CountdownCancelAll.js"
import * as FireWindow from "../FireWindow.js"
import * as HeartbeatOptions from "../HeartbeatOptions.js"
import * as HeartbeatStatus from "../HeartbeatStatus.js"
import * as VenueError from "../VenueError.js"
import type { Knowledge } from "./knowledge.js"
import type { Pace } from "./pace.js"

/**
 * How a write ended, and whether the same write can be sent again.
 *
 * @internal
 */
export interface WriteOutcome {
  readonly exit: Exit.Exit<CountdownCancelAll.Acknowledgement, VenueError.VenueError>
  readonly again: boolean
}

/** @internal */
export interface Writer {
  /** Sends one write and waits for its outcome. Only ever called while none is in flight. */
  readonly send: (setting: Countdown.Setting) => Effect.Effect<WriteOutcome>
  /** Waits until the venue takes the next write. */
  readonly paced: Effect.Effect<void>
  /** The monotonic instant before which no write may leave. */
  readonly paceAt: () => number
  readonly isInFlight: () => boolean
  /** Waits for the write in flight, if any. */
  readonly settled: Effect.Effect<void>
  /** Gives up the write in flight, if any. It may still be applied, and the window knows that. */
  readonly drop: Effect.Effect<void>
}

interface InFlight {
  readonly id: number
  readonly setting: Countdown.Setting
  readonly done: Deferred.Deferred<WriteOutcome>
  sent: FireWindow.Reading
  fiber: Fiber.RuntimeFiber<void> | undefined
  timer: Fiber.RuntimeFiber<void> | undefined
}

/** The same code, so many times in a row. */
interface Refusals {
  readonly code: string | undefined
  readonly count: number
}

const none: Refusals = { code: undefined, count: 0 }

/**
 * A key that "does not exist" was seen now and then on a valid key, in two live logs. While the window is open it is
 * tried again, this often in a row, before it is believed.
 */
const intermittentCode = "40037"
const intermittentTries = 3

/** Whether the same write can be sent again. Two refusals are believed only when they come again at once. */
const worthRepeating = (failure: VenueError.VenueError, before: Refusals, arming: boolean): boolean => {
  const count = failure.code === before.code ? before.count + 1 : 1
  if (failure._tag === "TimestampRefused") return count < 2
  if (failure.code === intermittentCode && !arming) return count < intermittentTries
  return failure.retryable
}

const defect = (cause: Cause.Cause<unknown>): VenueError.VenueError =>
  new VenueError.OutcomeUnknown({
    venueMessage: `defect: ${Cause.pretty(cause).split("\n")[0] ?? ""}`,
    applied: "unknown",
    retryable: false
  })

/** @internal */
export const make = Effect.fnUntraced(function* (
  service: CountdownCancelAll.CountdownCancelAll["Type"],
  knowledge: Knowledge,
  pace: Pace
) {
  const tracer = yield* Effect.tracer
  const parent = yield* Effect.option(Effect.currentParentSpan)
  let inFlight: InFlight | undefined
  let nextId = 0
  let refusals = none

  /** Sends one write and waits for its outcome. Only ever called while none is in flight. */
  const send = (setting: Countdown.Setting): Effect.Effect<WriteOutcome> =>
    // From the moment in which it is in flight there is a fiber that will settle it: only the waiting is interruptible.
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const done = Deferred.unsafeMake<WriteOutcome>(FiberId.none)
        const sent = knowledge.now()
        const flight: InFlight = { id: nextId++, setting, done, sent, fiber: undefined, timer: undefined }
        inFlight = flight
        flight.fiber = yield* Effect.forkDaemon(
          Effect.interruptible(write(flight)).pipe(
            Effect.exit,
            Effect.map((exit) => settle(flight, exit))
          )
        )
        flight.timer = yield* Effect.forkDaemon(
          Effect.interruptible(Effect.map(knowledge.sleep(knowledge.settings.requestTimeout), () => overdue(flight)))
        )
        return yield* restore(Deferred.await(done))
      })
    )

  const write = (flight: InFlight) =>
    Effect.flatMap(service.horizon, (horizon) =>
      Effect.suspend(() => {
        // Given up while it asked for the horizon: what is not entered in the ledger must not leave.
        if (inFlight !== flight) return Effect.interrupt
        flight.sent = knowledge.now()
        knowledge.enter({
          window: FireWindow.sent(knowledge.ledger.window, {
            id: flight.id,
            at: flight.sent,
            countdown: Countdown.toMillis(flight.setting),
            horizon: Duration.toMillis(horizon)
          })
        })
        return service.set(flight.setting)
      })
    )

  const overdue = (flight: InFlight): void => {
    if (inFlight !== flight) return
    settle(
      flight,
      Exit.fail(
        new VenueError.RequestTimeout({
          venueMessage: "",
          applied: "unknown",
          retryable: true,
          timeoutMillis: knowledge.settings.requestTimeout
        })
      )
    )
    // It may still be applied, and the window knows that: only the socket is given back.
    flight.fiber?.unsafeInterruptAsFork(FiberId.none)
  }

  /** Enters the outcome of the write in flight. A second outcome (a late answer) is not heard. */
  const settle = (
    flight: InFlight,
    exit: Exit.Exit<CountdownCancelAll.Acknowledgement, VenueError.VenueError>
  ): void => {
    if (inFlight !== flight) return
    inFlight = undefined
    flight.timer?.unsafeInterruptAsFork(FiberId.none)
    const at = knowledge.now()
    let again = true
    if (Exit.isSuccess(exit)) {
      pace.at = at.mono + HeartbeatOptions.pace
      acknowledged(flight, exit.value, at)
    } else {
      const failure = Option.getOrElse(Cause.failureOption(exit.cause), () => defect(exit.cause))
      again = worthRepeating(failure, refusals, knowledge.phase === "arming")
      refusals = { code: failure.code, count: failure.code === refusals.code ? refusals.count + 1 : 1 }
      // An answer came after the venue had counted the write; without one only the sending is known.
      pace.at = (failure.httpStatus === undefined ? flight.sent : at).mono + HeartbeatOptions.pace
      const { window } = knowledge.ledger
      // Where requests are replayed, one that was refused can be delivered once more, and be taken then.
      const over = failure.applied === "no" && !(knowledge.settings.assumeReplays && failure.httpStatus !== undefined)
      knowledge.enter({
        window: over ? FireWindow.refused(window, flight.id) : FireWindow.unresolved(window, flight.id)
      })
      knowledge.telemetry.beat(failure._tag)
      knowledge.failed(failure)
      if (knowledge.phase === "beating") spanOfFailure(flight, exit, at)
      if (!again) knowledge.lose(Cause.isDie(exit.cause) ? "Defect" : "Refused", at)
    }
    knowledge.telemetry.earliestFire(FireWindow.edges(knowledge.ledger.window, at).earliest)
    knowledge.observe()
    Deferred.unsafeDone(flight.done, Effect.succeed({ exit, again }))
  }

  const acknowledged = (flight: InFlight, ack: CountdownCancelAll.Acknowledgement, at: FireWindow.Reading): void => {
    const slack = FireWindow.edges(knowledge.ledger.window, at).earliest
    const { verdict, window } = FireWindow.acknowledged(
      knowledge.ledger.window,
      flight.id,
      at,
      HeartbeatStatus.stampsOf(ack)
    )
    knowledge.enter({ window, failures: 0, cause: undefined })
    refusals = none
    knowledge.telemetry.beat("acknowledged")
    knowledge.telemetry.latency(at.mono - flight.sent.mono)
    // Before the first acknowledgement there was nothing that could fire; while it is released there is.
    if (knowledge.phase === "arming") return
    if (knowledge.phase === "beating") knowledge.telemetry.slack(slack)
    if (verdict === "open") knowledge.enter({ doubt: true })
    if (verdict === "fired") knowledge.enter({ fired: true })
  }

  /** A span for each failed write, made when it is known to have failed: good beats cost none. */
  const spanOfFailure = (flight: InFlight, exit: Exit.Exit<unknown, unknown>, at: FireWindow.Reading): void => {
    const end = knowledge.hands.unsafeCurrentTimeNanos()
    const start = end - BigInt(Math.round((at.mono - flight.sent.mono) * 1e6))
    const span = tracer.span("deadman.beat", parent, Context.empty(), [], start, "client")
    span.attribute("account", knowledge.ledger.account)
    span.attribute("failures", knowledge.ledger.failures)
    span.end(end, exit)
  }

  return {
    send,
    paced: knowledge.sleepUntil(() => pace.at),
    paceAt: () => pace.at,
    isInFlight: () => inFlight !== undefined,
    settled: Effect.suspend(() =>
      inFlight === undefined ? Effect.void : Effect.asVoid(Deferred.await(inFlight.done))
    ),
    drop: Effect.sync(() => {
      if (inFlight !== undefined) overdue(inFlight)
    })
  } satisfies Writer
})
