/**
 * Sends the writes: at most one in flight, each in its own fiber, so that neither a hung request nor an interrupted
 * caller stops anything else. The outcome enters the ledger when that fiber ends or when the request is overdue,
 * whichever comes first.
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
import * as Countdown from "../../Countdown.js"
import type * as CountdownCancelAll from "../../CountdownCancelAll.js"
import { isCountdownError } from "../../CountdownCancelAll.js"
import { type BeatError, CountdownFailed } from "../../HeartbeatError.js"
import * as FireWindow from "../../FireWindow.js"
import * as HeartbeatStatus from "../../HeartbeatStatus.js"
import * as VenueError from "../../VenueError.js"
import { flatten } from "../exit.js"
import type { LiveLedger } from "./ledger.js"
import type { Inheritance } from "./shared.js"

type WriteExit = Exit.Exit<CountdownCancelAll.Acknowledgement, BeatError>

/**
 * The end of a write, and whether the same write can be sent again.
 *
 * @internal
 */
export interface WriteOutcome {
  readonly exit: WriteExit
  readonly again: boolean
}

/**
 * A write under way.
 *
 * @internal
 */
export interface Flight {
  readonly id: number
  readonly setting: CountdownCancelAll.Setting
  sent: FireWindow.Reading
  /** The monotonic instant at which it is given up. */
  overdueAt: number
  /** Whether it has had its extra time for an answer that arrived while the host stood still. */
  spared: boolean
  fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
  /** Called with the outcome, once. */
  readonly listeners: Array<(outcome: WriteOutcome) => void>
}

/** The number of refusals in a row with the same code. */
interface Refusals {
  readonly code: string | undefined
  readonly count: number
}

/**
 * A timer that is later than `punctual` (ms) means that the host stood still. Answers then get `graceAfterStop` (ms) to
 * be read.
 */
const punctual = 2
const graceAfterStop = 5

const none: Refusals = { code: undefined, count: 0 }

/**
 * Whether the same write can be sent again. A refusal that exchanges are known to withdraw ends a running heartbeat
 * only after several in a row. An acquisition repeats it only when it is retryable.
 */
const worthRepeating = (failure: BeatError, before: Refusals, arming: boolean): boolean => {
  const count = failure.code === before.code ? before.count + 1 : 1
  const finalAfter = "finalAfter" in failure ? failure.finalAfter : undefined
  return finalAfter === undefined || (arming && !failure.retryable) ? failure.retryable : count < finalAfter
}

/** Passes on errors of Bitget's client and wraps those of another exchange's client. */
const known = (error: unknown): BeatError | undefined =>
  VenueError.isVenueError(error)
    ? error
    : isCountdownError(error)
      ? new CountdownFailed(
          {
            reason: error._tag,
            detail: error.message,
            applied: error.applied,
            retryable: error.retryable,
            code: error.code,
            httpStatus: error.httpStatus,
            finalAfter: error.finalAfter,
            cause: error
          },
          // A code of the wrong type (a number) must not turn a refusal into a defect.
          { disableValidation: true }
        )
      : undefined

const defect = (cause: Cause.Cause<unknown>): BeatError =>
  new VenueError.OutcomeUnknown({
    venueMessage: `defect: ${Cause.pretty(cause).split("\n")[0] ?? ""}`,
    applied: "unknown",
    retryable: false
  })

/** @internal */
export class Writer {
  private readonly began: () => void
  private readonly service: CountdownCancelAll.CountdownCancelAll["Type"]
  private readonly live: LiveLedger
  private readonly inheritance: Inheritance
  private readonly spans: { readonly tracer: Tracer.Tracer; readonly parent: Option.Option<Tracer.AnySpan> }
  private inFlight: Flight | undefined
  private nextId = 0
  private refusals = none

  constructor(
    service: CountdownCancelAll.CountdownCancelAll["Type"],
    live: LiveLedger,
    inheritance: Inheritance,
    spans: { readonly tracer: Tracer.Tracer; readonly parent: Option.Option<Tracer.AnySpan> },
    /** Called when a write begins, because `overdueAt` has changed. */
    began: () => void
  ) {
    this.began = began
    this.service = service
    this.live = live
    this.inheritance = inheritance
    this.spans = spans
  }

  /** The monotonic instant before which no write may leave. */
  get paceAt(): number {
    return this.inheritance.paceAt
  }

  /** Waits until the exchange accepts the next write. */
  get paced(): Effect.Effect<void> {
    return this.live.sleepUntil(() => this.inheritance.paceAt)
  }

  /** The monotonic instant at which the write in flight is given up; `Infinity` while there is none. */
  get overdueAt(): number {
    return this.inFlight?.overdueAt ?? Infinity
  }

  get isInFlight(): boolean {
    return this.inFlight !== undefined
  }

  /**
   * Begins a write. Call it only while none is in flight, run `request` in a fiber, set that fiber on the flight, and
   * call `ended` when it ends.
   */
  begin(setting: CountdownCancelAll.Setting, listener: (outcome: WriteOutcome) => void): Flight {
    const sent = this.live.now()
    const overdueAt = sent.mono + this.live.settings.requestTimeout
    const flight: Flight = {
      id: this.nextId++,
      setting,
      sent,
      overdueAt,
      spared: false,
      fiber: undefined,
      listeners: [listener]
    }
    this.inFlight = flight
    this.began()
    return flight
  }

  request(flight: Flight): Effect.Effect<CountdownCancelAll.Acknowledgement, BeatError> {
    return Effect.flatMap(this.service.horizon, (horizon) => {
      // Given up while it asked for the horizon. A write that is not in the ledger must not be sent.
      if (this.inFlight !== flight) return Effect.interrupt
      const { live } = this
      flight.sent = live.now()
      live.enter({
        window: FireWindow.sent(live.ledger.window, {
          id: flight.id,
          at: flight.sent,
          countdown: Countdown.toMillis(flight.setting),
          horizon: Duration.toMillis(horizon)
        })
      })
      // `ended` checks the type of the failure.
      return this.service.set(flight.setting) as Effect.Effect<CountdownCancelAll.Acknowledgement, BeatError>
    })
  }

  /** Sends one write and waits for its outcome. Call it only while none is in flight. */
  send(setting: CountdownCancelAll.Setting): Effect.Effect<WriteOutcome> {
    // Once the write is in flight its fiber settles it, so only the waiting is interruptible.
    const { phase } = this.live
    return Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        // The phase has ended, so nothing of it may be sent.
        if (this.live.phase !== phase) return Effect.interrupt
        const done = Deferred.unsafeMake<WriteOutcome>(FiberId.none)
        const flight = this.begin(setting, (outcome) => Deferred.unsafeDone(done, Effect.succeed(outcome)))
        return Effect.flatMap(Effect.forkDaemon(Effect.interruptible(Effect.exit(this.request(flight)))), (fiber) => {
          flight.fiber = fiber
          fiber.addObserver((exit) => this.ended(flight, flatten(exit)))
          return restore(Deferred.await(done))
        })
      })
    )
  }

  /** Waits for the write in flight, if any. */
  get settled(): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.inFlight === undefined) resume(Effect.void)
      else this.inFlight.listeners.push(() => resume(Effect.void))
    })
  }

  /**
   * Gives up the write in flight if its time is over. After a host stood still its timers run before it reads the
   * answers that arrived meanwhile, so these get a moment first.
   */
  dropOverdue(): void {
    const flight = this.inFlight
    if (flight === undefined) return
    const late = this.live.now().mono - flight.overdueAt
    if (late < 0) return
    if (late <= punctual || flight.spared) return this.drop()
    flight.spared = true
    flight.overdueAt += late + graceAfterStop
  }

  /** Gives up the write in flight, if any. It may still be applied, and the window knows that. */
  drop(): void {
    const flight = this.inFlight
    if (flight === undefined) return
    try {
      this.ended(flight, this.timeIsOver)
    } finally {
      // This only frees the socket, also when the clock throws.
      flight.fiber?.unsafeInterruptAsFork(FiberId.none)
    }
  }

  private get timeIsOver(): Exit.Exit<never, VenueError.RequestTimeout> {
    return Exit.fail(
      new VenueError.RequestTimeout({
        venueMessage: "",
        applied: "unknown",
        retryable: true,
        timeoutMillis: this.live.settings.requestTimeout
      })
    )
  }

  /** Leaves the unresolved writes to the next heartbeat of the account. */
  bequeath(): void {
    this.drop()
    this.inheritance.unresolvedWrites = FireWindow.unresolvedWrites(this.live.ledger.window, this.live.now())
  }

  /**
   * Enters the outcome of the write in flight; ignores a second one (a late answer). Runs in the observer of a fiber,
   * so only a clock may throw, while beating. Calls the listeners whatever happens.
   */
  ended(flight: Flight, exit: Exit.Exit<CountdownCancelAll.Acknowledgement, unknown>): void {
    if (this.inFlight !== flight) return
    this.inFlight = undefined
    const { live } = this
    const read = live.reading
    const at = read ?? live.lately
    let outcome: WriteOutcome
    try {
      // The last reading is older than the answer, so the window would end too early. A `0` needs no date.
      const isUndated = read === undefined && Exit.isSuccess(exit) && flight.setting !== Countdown.off
      outcome = this.entered(flight, isUndated ? this.timeIsOver : exit, at)
    } catch (error) {
      // The client's answer violates its type.
      outcome = this.entered(flight, Exit.die(error), at)
    }
    live.telemetry.earliestFire(FireWindow.edges(live.ledger.window, at).earliest)
    try {
      if (live.phase === "beating") live.observe()
    } finally {
      for (const listener of flight.listeners) listener(outcome)
    }
  }

  private entered(
    flight: Flight,
    exit: Exit.Exit<CountdownCancelAll.Acknowledgement, unknown>,
    at: FireWindow.Reading
  ): WriteOutcome {
    if (Exit.isSuccess(exit)) {
      this.inheritance.paceAt = at.mono + this.live.settings.pace
      this.acknowledged(flight, exit.value, at)
      return { exit: Exit.succeed(exit.value), again: true }
    }
    const { live, refusals } = this
    const typed = known(Option.getOrUndefined(Cause.failureOption(exit.cause)))
    const failure = typed ?? defect(exit.cause)
    const again = worthRepeating(failure, refusals, live.phase === "arming")
    this.refusals = { code: failure.code, count: failure.code === refusals.code ? refusals.count + 1 : 1 }
    // An answer arrives after the exchange has counted the write. Without one only the time of sending is known.
    this.inheritance.paceAt = (failure.httpStatus === undefined ? flight.sent : at).mono + live.settings.pace
    const { window } = live.ledger
    live.enter({
      window:
        failure.applied === "no" ? FireWindow.refused(window, flight.id) : FireWindow.unresolved(window, flight.id)
    })
    live.telemetry.beat(failure._tag === "CountdownFailed" ? failure.reason : failure._tag)
    live.failed(failure)
    if (live.phase === "beating") this.spanOfFailure(flight, exit, at)
    if (!again) live.lose(typed === undefined ? "Defect" : "Refused", at)
    return { exit: typed === undefined ? Exit.die(Cause.squash(exit.cause)) : Exit.fail(typed), again }
  }

  private acknowledged(flight: Flight, ack: CountdownCancelAll.Acknowledgement, at: FireWindow.Reading): void {
    const { live } = this
    const slack = FireWindow.edges(live.ledger.window, at).earliest
    const { verdict, window } = FireWindow.acknowledged(
      live.ledger.window,
      flight.id,
      at,
      HeartbeatStatus.stampsOf(ack)
    )
    // During the arming nothing can be lost yet, except the switch of a predecessor.
    const fresh = live.phase === "arming" && live.settings.predecessor === undefined
    live.enter({ window: fresh ? { ...window, gap: undefined } : window, failures: 0, cause: undefined })
    this.refusals = none
    live.telemetry.beat("acknowledged")
    live.telemetry.latency(at.mono - flight.sent.mono)
    if (live.phase === "beating") live.telemetry.slack(slack)
    if (verdict === "fired" && !fresh) live.enter({ fired: true })
    if (verdict === "held") live.provenBy = "acknowledgement"
    live.acknowledged()
  }

  /** Makes the span of a failed write afterwards, so that good beats cost none. */
  private spanOfFailure(flight: Flight, exit: Exit.Exit<unknown, unknown>, at: FireWindow.Reading): void {
    const { live } = this
    try {
      const end = live.clock.unsafeCurrentTimeNanos()
      const start = end - BigInt(Math.round((at.mono - flight.sent.mono) * 1e6))
      const span = this.spans.tracer.span("deadman.beat", this.spans.parent, Context.empty(), [], start, "client")
      span.attribute("account", live.ledger.account)
      span.attribute("failures", live.ledger.failures)
      span.end(end, exit)
    } catch {
      // When a tracer or clock throws, only the span is lost.
    }
  }
}
