/**
 * The one way to the venue: at most one write in flight, each in a fiber that nobody else interrupts, so that neither a
 * hung request nor an interrupted caller stops anything else. Its outcome is entered in the ledger when that fiber ends
 * or when the request is overdue, whichever comes first, whoever still waits for it.
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
import type * as Tracer from "effect/Tracer"
import * as Countdown from "../Countdown.js"
import type * as CountdownCancelAll from "../CountdownCancelAll.js"
import * as FireWindow from "../FireWindow.js"
import * as HeartbeatOptions from "../HeartbeatOptions.js"
import * as HeartbeatStatus from "../HeartbeatStatus.js"
import * as VenueError from "../VenueError.js"
import type { Knowledge } from "./knowledge.js"
import type { Inheritance } from "./process.js"

/**
 * How a write ended, and whether the same write can be sent again.
 *
 * @internal
 */
export interface WriteOutcome {
  readonly exit: Exit.Exit<CountdownCancelAll.Acknowledgement, VenueError.VenueError>
  readonly again: boolean
}

/**
 * A write under way.
 *
 * @internal
 */
export interface Flight {
  readonly id: number
  readonly setting: Countdown.Setting
  sent: FireWindow.Reading
  /** The monotonic instant at which it is given up. */
  overdueAt: number
  /** Whether it was given time once to hear an answer that had come while the host stood still. */
  spared: boolean
  fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
  /** Told of the outcome, once. */
  readonly told: Array<(outcome: WriteOutcome) => void>
}

/** The same code, so many times in a row. */
interface Refusals {
  readonly code: string | undefined
  readonly count: number
}

/** A timer that is later than this (ms) was kept by a host that stood still; then an answer has so long to be heard. */
const punctual = 2
const graceAfterStop = 5

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
export class Writer {
  /** Called when a write begins: from now on `overdueAt` has to be kept. */
  began: () => void = () => {}
  private readonly service: CountdownCancelAll.CountdownCancelAll["Type"]
  private readonly knowledge: Knowledge
  private readonly inheritance: Inheritance
  private readonly spans: { readonly tracer: Tracer.Tracer; readonly parent: Option.Option<Tracer.AnySpan> }
  private inFlight: Flight | undefined
  private nextId = 0
  private refusals = none

  constructor(
    service: CountdownCancelAll.CountdownCancelAll["Type"],
    knowledge: Knowledge,
    inheritance: Inheritance,
    spans: { readonly tracer: Tracer.Tracer; readonly parent: Option.Option<Tracer.AnySpan> }
  ) {
    this.service = service
    this.knowledge = knowledge
    this.inheritance = inheritance
    this.spans = spans
  }

  /** The monotonic instant before which no write may leave. */
  get paceAt(): number {
    return this.inheritance.paceAt
  }

  /** Waits until the venue takes the next write. */
  get paced(): Effect.Effect<void> {
    return this.knowledge.sleepUntil(() => this.inheritance.paceAt)
  }

  /** The monotonic instant at which the write in flight is given up; `Infinity` while there is none. */
  get overdueAt(): number {
    return this.inFlight?.overdueAt ?? Infinity
  }

  get isInFlight(): boolean {
    return this.inFlight !== undefined
  }

  /**
   * Begins a write; only ever called while none is in flight. Whoever calls it sees to it that a fiber runs `request`,
   * that the flight knows that fiber, and that `ended` hears how it ended.
   */
  begin(setting: Countdown.Setting, tell: (outcome: WriteOutcome) => void): Flight {
    const sent = this.knowledge.now()
    const overdueAt = sent.mono + this.knowledge.settings.requestTimeout
    const flight: Flight = {
      id: this.nextId++,
      setting,
      sent,
      overdueAt,
      spared: false,
      fiber: undefined,
      told: [tell]
    }
    this.inFlight = flight
    this.began()
    return flight
  }

  request(flight: Flight): Effect.Effect<CountdownCancelAll.Acknowledgement, VenueError.VenueError> {
    return Effect.flatMap(this.service.horizon, (horizon) => {
      // Given up while it asked for the horizon: what is not entered in the ledger must not leave.
      if (this.inFlight !== flight) return Effect.interrupt
      const { knowledge } = this
      flight.sent = knowledge.now()
      knowledge.enter({
        window: FireWindow.sent(knowledge.ledger.window, {
          id: flight.id,
          at: flight.sent,
          countdown: Countdown.toMillis(flight.setting),
          horizon: Duration.toMillis(horizon)
        })
      })
      return this.service.set(flight.setting)
    })
  }

  /** Sends one write and waits for its outcome. Only ever called while none is in flight. */
  send(setting: Countdown.Setting): Effect.Effect<WriteOutcome> {
    // From the moment in which it is in flight there is a fiber that will settle it: only the waiting is interruptible.
    const { phase } = this.knowledge
    return Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        // Whoever was given up meanwhile sends nothing any more.
        if (this.knowledge.phase !== phase) return Effect.interrupt
        const done = Deferred.unsafeMake<WriteOutcome>(FiberId.none)
        const flight = this.begin(setting, (outcome) => Deferred.unsafeDone(done, Effect.succeed(outcome)))
        return Effect.flatMap(Effect.forkDaemon(Effect.interruptible(Effect.exit(this.request(flight)))), (fiber) => {
          flight.fiber = fiber
          fiber.addObserver((exit) => this.ended(flight, Exit.flatten(exit)))
          return restore(Deferred.await(done))
        })
      })
    )
  }

  /** Waits for the write in flight, if any. */
  get settled(): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.inFlight === undefined) resume(Effect.void)
      else this.inFlight.told.push(() => resume(Effect.void))
    })
  }

  /**
   * Gives up the write in flight if its time is over. A host that stood still finds its timers before the answers that
   * came meanwhile: these are heard first.
   */
  dropOverdue(): void {
    const flight = this.inFlight
    if (flight === undefined) return
    const late = this.knowledge.now().mono - flight.overdueAt
    if (late < 0) return
    if (late <= punctual || flight.spared) return this.drop()
    flight.spared = true
    flight.overdueAt += late + graceAfterStop
  }

  /** Gives up the write in flight, if any. It may still be applied, and the window knows that. */
  drop(): void {
    const flight = this.inFlight
    if (flight === undefined) return
    this.ended(
      flight,
      Exit.fail(
        new VenueError.RequestTimeout({
          venueMessage: "",
          applied: "unknown",
          retryable: true,
          timeoutMillis: this.knowledge.settings.requestTimeout
        })
      )
    )
    // Only the socket is given back.
    flight.fiber?.unsafeInterruptAsFork(FiberId.none)
  }

  /** The last write has been sent: what may still arrive is the next heartbeat's to know. */
  bequeath(): void {
    this.drop()
    this.inheritance.strays = FireWindow.strays(this.knowledge.ledger.window, this.knowledge.now())
  }

  /**
   * Enters the outcome of the write in flight. A second outcome (a late answer) is not heard. It runs in the observer of
   * a fiber, where nothing may be thrown, and whatever comes those who wait are told.
   */
  ended(flight: Flight, exit: Exit.Exit<CountdownCancelAll.Acknowledgement, VenueError.VenueError>): void {
    if (this.inFlight !== flight) return
    this.inFlight = undefined
    const { knowledge } = this
    const at = knowledge.now()
    let outcome: WriteOutcome
    try {
      outcome = { exit, again: this.entered(flight, exit, at) }
    } catch (error) {
      // Another venue's client that answers with what its type denies.
      const died = Exit.die(error)
      outcome = { exit: died, again: this.entered(flight, died, at) }
    }
    knowledge.telemetry.earliestFire(FireWindow.edges(knowledge.ledger.window, at).earliest)
    knowledge.observe()
    for (const tell of flight.told) tell(outcome)
  }

  /** Says whether the same write can be sent again. */
  private entered(
    flight: Flight,
    exit: Exit.Exit<CountdownCancelAll.Acknowledgement, VenueError.VenueError>,
    at: FireWindow.Reading
  ): boolean {
    if (Exit.isSuccess(exit)) {
      this.inheritance.paceAt = at.mono + HeartbeatOptions.pace
      this.acknowledged(flight, exit.value, at)
      return true
    }
    const { knowledge, refusals } = this
    const told = Option.filter(Cause.failureOption(exit.cause), VenueError.isVenueError)
    const failure = Option.getOrElse(told, () => defect(exit.cause))
    const again = worthRepeating(failure, refusals, knowledge.phase === "arming")
    this.refusals = { code: failure.code, count: failure.code === refusals.code ? refusals.count + 1 : 1 }
    // An answer came after the venue had counted the write; without one only the sending is known.
    this.inheritance.paceAt = (failure.httpStatus === undefined ? flight.sent : at).mono + HeartbeatOptions.pace
    const { window } = knowledge.ledger
    // Where requests are replayed, one that was refused can be delivered once more, and be taken then.
    const over = failure.applied === "no" && !(knowledge.settings.assumeReplays && failure.httpStatus !== undefined)
    knowledge.enter({
      window: over ? FireWindow.refused(window, flight.id) : FireWindow.unresolved(window, flight.id)
    })
    knowledge.telemetry.beat(failure._tag)
    knowledge.failed(failure)
    if (knowledge.phase === "beating") this.spanOfFailure(flight, exit, at)
    if (!again) knowledge.lose(Option.isNone(told) ? "Defect" : "Refused", at)
    return again
  }

  private acknowledged(flight: Flight, ack: CountdownCancelAll.Acknowledgement, at: FireWindow.Reading): void {
    const { knowledge } = this
    const slack = FireWindow.edges(knowledge.ledger.window, at).earliest
    const { verdict, window } = FireWindow.acknowledged(
      knowledge.ledger.window,
      flight.id,
      at,
      HeartbeatStatus.stampsOf(ack)
    )
    knowledge.enter({ window, failures: 0, cause: undefined })
    this.refusals = none
    knowledge.telemetry.beat("acknowledged")
    knowledge.telemetry.latency(at.mono - flight.sent.mono)
    // Before the first acknowledgement there was nothing that could fire; while it is released there is.
    if (knowledge.phase === "arming") return
    if (knowledge.phase === "beating") knowledge.telemetry.slack(slack)
    if (verdict === "open") knowledge.enter({ doubt: true })
    if (verdict === "fired") knowledge.enter({ fired: true })
  }

  /**
   * A span for each failed write, made when it is known to have failed: good beats cost none. A tracer that throws costs
   * the span, not the switch.
   */
  private spanOfFailure(flight: Flight, exit: Exit.Exit<unknown, unknown>, at: FireWindow.Reading): void {
    const { knowledge } = this
    const end = knowledge.hands.unsafeCurrentTimeNanos()
    const start = end - BigInt(Math.round((at.mono - flight.sent.mono) * 1e6))
    try {
      const span = this.spans.tracer.span("deadman.beat", this.spans.parent, Context.empty(), [], start, "client")
      span.attribute("account", knowledge.ledger.account)
      span.attribute("failures", knowledge.ledger.failures)
      span.end(end, exit)
    } catch {
      return
    }
  }
}
