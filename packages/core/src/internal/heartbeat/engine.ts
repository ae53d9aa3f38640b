/**
 * The running heartbeat: schedules and starts the work. The pure modules make the decisions.
 *
 * - The ticker calls `wake` when something is due: the next edge of the window (the alarm), the timeout of a request,
 *   the next beat. `wake` never waits, so a hung request cannot silence the alarm.
 * - Each **beat** has its own fiber: it waits for the pace, checks the liveness and sends the write (see `writer`).
 * - Two **reporters** log the transitions and run the user's hooks.
 *
 * The fibers are daemons, and the release stops them in order. A scope would interrupt the write in flight.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type * as CountdownCancelAll from "../../CountdownCancelAll.js"
import * as FireWindow from "../../FireWindow.js"
import * as HeartbeatError from "../../HeartbeatError.js"
import * as HeartbeatOptions from "../../HeartbeatOptions.js"
import * as HeartbeatStatus from "../../HeartbeatStatus.js"
import * as Liveness from "../../Liveness.js"
import type * as Release from "../../Release.js"
import { bounded } from "../bounded.js"
import { flatten } from "../exit.js"
import * as Fork from "../fork.js"
import { Evidence } from "./evidence.js"
import { LiveLedger } from "./ledger.js"
import * as Shared from "./shared.js"
import { quietly } from "./quietly.js"
import * as LastWrite from "./lastWrite.js"
import { Reporters } from "./reporter.js"
import type * as Ticker from "./ticker.js"
import * as Writer from "./writer.js"

/** The end of a beat: acknowledged, failed, withheld, or never sent because the heartbeat had ended. */
type BeatOutcome = Exit.Exit<
  CountdownCancelAll.Acknowledgement,
  HeartbeatStatus.BeatFailure | HeartbeatError.SwitchLost | HeartbeatError.NotArmed
>

/** The beat under way, or waiting for the pace. Callers of `beat` join it. */
interface Beat {
  /**
   * The monotonic instant at which it was scheduled; `undefined` for a manual beat, which takes over when the scheduled
   * one falls due while it runs.
   */
  due: number | undefined
  /** The monotonic instant from which a withheld beat counts its pause. */
  began: number
  fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
  /** Set once the write has begun. From then on nothing interrupts it; only its timeout ends it. */
  flight: Writer.Flight | undefined
  /** Completed for the callers of `beat`. */
  waiting: Deferred.Deferred<CountdownCancelAll.Acknowledgement, Failure> | undefined
}

type Failure = HeartbeatStatus.BeatFailure | HeartbeatError.SwitchLost | HeartbeatError.NotArmed

/** @internal */
export class Engine implements Ticker.Member {
  readonly account: string
  readonly live: LiveLedger
  readonly fork: Fork.Fork
  private readonly endpoint: string | undefined
  private readonly settings: HeartbeatOptions.Settings
  private readonly writer: Writer.Writer
  private readonly evidence: Evidence | undefined
  private readonly ticker: Ticker.Ticker
  private readonly slot: Ticker.Slot
  private current: Beat | undefined
  /** The monotonic instant at which the next beat is due. */
  private beatAt = Infinity
  private readonly reporters: Reporters

  constructor(
    service: CountdownCancelAll.CountdownCancelAll["Type"],
    settings: HeartbeatOptions.Settings,
    inheritance: Shared.Inheritance,
    ticker: Ticker.Ticker,
    host: {
      readonly clock: Clock.Clock
      readonly fork: Fork.Fork
      readonly tracer: Tracer.Tracer
      readonly parent: Option.Option<Tracer.AnySpan>
    }
  ) {
    this.account = service.account
    this.endpoint = service.endpoint
    this.settings = settings
    this.fork = host.fork
    this.live = new LiveLedger(service.account, settings, host.clock, inheritance.unresolvedWrites, (subject) =>
      this.reporters.report(subject)
    )
    this.reporters = new Reporters(this.live, host.fork)
    this.writer = new Writer.Writer(service, this.live, inheritance, host, () => this.plan())
    this.evidence =
      settings.evidence === undefined
        ? undefined
        : new Evidence(settings.evidence, this.live, inheritance, host.fork, (step) =>
            this.safely(() => {
              step()
              this.plan()
            })
          )
    this.ticker = ticker
    this.slot = ticker.join(this)
  }

  // ---------------------------------------------------------------------------------------------------------------
  // Due work

  wake(): void {
    this.safely(() => {
      const { live, writer } = this
      writer.dropOverdue()
      live.observe()
      const { mono } = live.now()
      if (this.beats && mono >= this.beatAt && this.current?.due === undefined) {
        if (this.current === undefined) this.start(this.beatAt, mono)
        else {
          this.current.due = this.beatAt
          this.current.began = mono
        }
      }
      this.evidence?.look()
      this.plan()
    })
  }

  look(): void {
    this.safely(() => {
      this.live.observe()
      if (this.current === undefined) this.beatAt = this.inTime(this.beatAt)
      this.plan()
    })
  }

  private get beats(): boolean {
    return this.live.phase === "beating" && this.live.ledger.lost === undefined
  }

  private plan(): void {
    const { live, writer } = this
    let next = writer.overdueAt
    if (live.phase === "beating") {
      const now = live.now()
      const { earliest, latest } = FireWindow.edges(live.ledger.window, now)
      if (earliest > 0) next = Math.min(next, now.mono + earliest)
      else if (latest > 0) next = Math.min(next, now.mono + latest)
      if (this.beats && this.current?.due === undefined) next = Math.min(next, this.beatAt)
      if (this.evidence !== undefined) next = Math.min(next, this.evidence.dueAt(now))
    }
    this.ticker.plan(this.slot, next)
  }

  /** Runs code outside of the heartbeat's fibers, where an error would be lost: it ends the heartbeat instead. */
  private safely(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.defect(Cause.die(error))
    }
  }

  private defect(cause: Cause.Cause<unknown>): void {
    this.stopped(cause)
    try {
      // No more beats, but the alarm still works.
      this.plan()
    } catch {
      // The clock itself has failed.
      return
    }
  }

  stopped(cause: Cause.Cause<unknown>): void {
    this.live.lose("Defect", this.live.lately)
    this.fork(quietly(Effect.logError("the heartbeat stopped by a defect", cause)))
  }

  // ---------------------------------------------------------------------------------------------------------------
  // Beats

  private start(due: number | undefined, began: number): Beat {
    const beat: Beat = (this.current = { due, began, fiber: undefined, flight: undefined, waiting: undefined })
    // Ends with the exit as its value, because Effect logs a fiber that fails as an unhandled error.
    const fiber = this.fork(Effect.exit(this.carryOut(beat)))
    beat.fiber = fiber
    fiber.addObserver((exit) => this.safely(() => this.ended(beat, flatten(exit))))
    return beat
  }

  /** One beat: pace, liveness, the write. The check comes last, so that nothing waits between it and the write. */
  private carryOut(beat: Beat): Effect.Effect<CountdownCancelAll.Acknowledgement, Failure> {
    return Effect.suspend(() =>
      this.writer.paceAt > this.live.now().mono
        ? Effect.flatMap(this.writer.paced, () => this.sendAlive(beat))
        : this.sendAlive(beat)
    )
  }

  private sendAlive(beat: Beat): Effect.Effect<CountdownCancelAll.Acknowledgement, Failure> {
    const { liveness, livenessTimeout } = this.settings
    if (liveness === undefined) return this.send(beat)
    beat.began = this.live.now().mono
    return Effect.matchEffect(Liveness.bounded(liveness, livenessTimeout), {
      onSuccess: () => this.send(beat),
      onFailure: (negative) => {
        this.live.telemetry.beat("withheld")
        this.live.failed(negative)
        this.live.observe()
        return Effect.fail(negative)
      }
    })
  }

  /** Decides and begins the flight in one step, so that no interruption comes in between. */
  private send(beat: Beat): Effect.Effect<CountdownCancelAll.Acknowledgement, Failure> {
    const { live, writer } = this
    live.observe()
    const { lost } = live.ledger
    if (lost !== undefined) return Effect.fail(lost)
    if (live.phase !== "beating") return Effect.fail(this.notArmed(0))
    beat.flight = writer.begin(this.settings.countdown, ({ exit }) => this.finish(beat, exit))
    beat.flight.fiber = beat.fiber
    if (beat.due !== undefined) live.telemetry.lateness(beat.flight.sent.mono - beat.due)
    return writer.request(beat.flight)
  }

  /** Handles the end of a beat's fiber, which came with the write, before it, or by the release. */
  private ended(beat: Beat, exit: Exit.Exit<CountdownCancelAll.Acknowledgement, Failure>): void {
    if (beat.flight !== undefined) {
      return this.writer.ended(beat.flight, exit)
    }
    const failure = Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()
    if (Exit.isFailure(exit) && Option.isNone(failure) && !Cause.isInterruptedOnly(exit.cause)) this.defect(exit.cause)
    // A beat that the release stops half-way fails for the callers that share it.
    this.finish(beat, Exit.fail(Option.getOrElse(failure, () => this.notArmed(0))))
  }

  /** Completes the waiting callers, also when the clock throws, and schedules the next beat. */
  private finish(beat: Beat, outcome: BeatOutcome): void {
    if (this.current === beat) this.current = undefined
    try {
      this.reschedule(beat, outcome)
    } finally {
      beat.due = undefined
      if (beat.waiting !== undefined) Deferred.unsafeDone(beat.waiting, outcome)
      this.safely(() => this.plan())
    }
  }

  private reschedule(beat: Beat, outcome: BeatOutcome): void {
    const { interval, pace } = this.settings
    const { window } = this.live.ledger
    if (Exit.isFailure(outcome)) {
      // The next try comes as soon as the pace allows, also after a manual beat.
      const withheld = this.live.ledger.cause instanceof Liveness.LivenessFailed
      const next = withheld ? beat.began + pace : this.writer.paceAt
      this.beatAt = beat.due === undefined ? Math.min(this.beatAt, next) : next
    } else if (window.gap?.confirmed === false && window.acknowledged?.stamps === undefined) {
      // One answer claims that the window has passed. Where only the wall clock does, the plan is kept: steps of that
      // clock change no cadence.
      this.beatAt = this.writer.paceAt
    } else if (beat.due !== undefined) {
      // Fixed rate, so that small delays do not add up. After a stall or a retry the rate starts anew; missed beats are
      // skipped.
      const sent = this.live.ledger.window.acknowledged?.sent.mono ?? beat.began
      this.beatAt = this.inTime((sent - this.beatAt < pace / 2 ? this.beatAt : sent) + interval)
    }
  }

  /**
   * The planned instant of the next beat, or a sooner one. After a suspend less of the window may be left than the plan
   * assumes, and only the wall clock shows it. Two further tries have to fit, as without a suspend.
   */
  private inTime(planned: number): number {
    const { live, settings, writer } = this
    const now = live.now()
    const { window } = live.ledger
    const { earliest } = FireWindow.edges(window, now)
    // Once the window has passed, haste helps no more: the clock was set, or the switch has fired.
    if (now.jumped === window.acknowledged?.sent.jumped || earliest <= 0) return planned
    const latest = now.mono + earliest - HeartbeatOptions.furtherTries(settings)
    return Math.max(writer.paceAt, Math.min(planned, latest))
  }

  // ---------------------------------------------------------------------------------------------------------------
  // Life

  get arm(): Effect.Effect<void, HeartbeatError.BeatError | HeartbeatError.ArmTimeout> {
    const { account, live, settings, writer } = this
    const armed = Effect.gen(function* () {
      for (;;) {
        yield* writer.paced
        const { again, exit } = yield* writer.send(settings.countdown)
        if (Exit.isFailure(exit)) {
          if (!again) return yield* Effect.failCause(exit.cause)
        } else if (FireWindow.edges(live.ledger.window, live.now()).earliest > 0) {
          return
        }
      }
    })
    const late = Effect.suspend(() => {
      const { cause } = live.ledger
      const known = cause === undefined || cause instanceof Liveness.LivenessFailed ? {} : { cause }
      return Effect.fail(new HeartbeatError.ArmTimeout({ account, armTimeout: settings.armTimeout, ...known }))
    })
    // Not `Effect.timeout`: it would bound nothing where the acquisition cannot be interrupted, as in `acquireRelease`.
    return traced(
      "deadman.arm",
      { account, countdown: settings.countdown },
      bounded<void, HeartbeatError.BeatError | HeartbeatError.ArmTimeout>(armed, settings.armTimeout, () => late)
    )
  }

  /** Starts the beats of an armed switch. */
  get begin(): Effect.Effect<void> {
    return Effect.suspend(() => {
      // The scope was closed during the arming, and the release has run.
      if (this.live.phase !== "arming") return Effect.void
      this.safely(() => this.beginBeating())
      const { account, endpoint, settings } = this
      return quietly(
        Effect.logInfo(
          `armed: ${settings.countdown} s, account ${account}${endpoint === undefined ? "" : `, ${endpoint}`}`
        ).pipe(Effect.annotateLogs({ account, module: "Heartbeat" }))
      )
    })
  }

  private beginBeating(): void {
    this.live.phase = "beating"
    const last = this.live.ledger.window.acknowledged
    this.beatAt = this.inTime((last?.sent.mono ?? this.live.now().mono) + this.settings.interval)
    this.live.telemetry.armed()
    // With an unresolved `0` of an earlier heartbeat, or an unproven predecessor, the state is not `Armed`.
    this.live.observe()
    this.plan()
  }

  private stop(): void {
    // The policy must see also a loss that nothing has noticed yet because the host stood still.
    this.safely(() => this.live.observe())
    this.live.phase = "releasing"
    this.live.endGuards()
    this.evidence?.stop()
    if (this.current?.flight === undefined) this.current?.fiber?.unsafeInterruptAsFork(FiberId.none)
  }

  /** Stops the beats first and leaves the ticker last, whatever happens in between. */
  release(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.stop()
      return Effect.ensuring(
        traced("deadman.release", { account: this.account }, this.lastWrite(exit)),
        this.ticker.leave(this.slot)
      )
    })
  }

  private lastWrite(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    const { account, live } = this
    return Effect.annotateLogs(LastWrite.choose(live, exit), { account, module: "Heartbeat" }).pipe(
      Effect.flatMap((choice) => this.runRelease(choice)),
      Effect.tap((outcome) => {
        const final = outcome()
        live.enter({ outcome: final })
        live.phase = "released"
        live.publish(HeartbeatStatus.derive(live.ledger, live.now()))
        return quietly(Effect.annotateCurrentSpan("outcome", final._tag))
      }),
      Effect.zipRight(this.reporters.done)
    )
  }

  private runRelease(choice: Release.Release) {
    return Effect.ensuring(
      LastWrite.run(this.live, this.writer, choice),
      Effect.sync(() => this.writer.bequeath())
    )
  }

  /** Cleans up after a failed acquisition: turns off a switch that may be armed, or lets it expire. */
  get abandon(): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      this.live.phase = "releasing"
      const { acknowledged, pending } = this.live.ledger.window
      const touched = this.writer.isInFlight || acknowledged !== undefined || pending.some(({ id }) => id >= 0)
      return Effect.ensuring(
        touched ? Effect.zipRight(this.runRelease(this.settings.abandon), this.reporters.done) : Effect.void,
        Effect.zipRight(
          Effect.sync(() => this.live.telemetry.earliestFire(0)),
          this.ticker.leave(this.slot)
        )
      )
    })
  }

  // ---------------------------------------------------------------------------------------------------------------
  // The public interface

  private notArmed(margin: number): HeartbeatError.NotArmed {
    const { account, live } = this
    // Not `now`: a clock that throws must not keep the callers of a beat waiting.
    const status = HeartbeatStatus.derive(live.ledger, live.lately)
    const timeLeft = status._tag === "Released" ? 0 : Math.max(0, status.earliestFire - status.at)
    const state = live.phase === "releasing" ? "Released" : status._tag
    return new HeartbeatError.NotArmed({ account, state, timeLeft, margin })
  }

  get beat(): Effect.Effect<void, Failure> {
    return Effect.suspend(() => {
      const { lost } = this.live.ledger
      if (lost !== undefined) return Effect.fail(lost)
      if (this.live.phase !== "beating") return Effect.fail(this.notArmed(0))
      // In its own fiber, so that an interrupted caller does not end the beat for the other callers.
      return Effect.asVoid(awaitBeat(this.current ?? this.start(undefined, this.live.now().mono)))
    })
  }

  ensureArmed(options?: { readonly margin?: Duration.DurationInput | undefined }) {
    return Effect.suspend(() => {
      const margin = Duration.toMillis(options?.margin ?? 0)
      const status = this.live.observe()
      const beating = this.live.phase === "beating"
      return beating && status._tag === "Armed" && status.earliestFire - status.at > margin
        ? Effect.void
        : Effect.fail(this.notArmed(margin))
    })
  }
}

const awaitBeat = (beat: Beat): Effect.Effect<CountdownCancelAll.Acknowledgement, Failure> =>
  Deferred.await((beat.waiting ??= Deferred.unsafeMake(FiberId.none)))

/**
 * Runs the effect in a span. When the tracer throws, only the span is lost.
 */
const traced = <A, E>(
  name: string,
  attributes: Record<string, unknown>,
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.exit(Effect.makeSpan(name, { attributes })), (made) =>
    Exit.isFailure(made)
      ? effect
      : effect.pipe(
          Effect.withParentSpan(made.value),
          Effect.onExit((exit) => quietly(Effect.map(Clock.currentTimeNanos, (now) => made.value.end(now, exit))))
        )
  )

/** @internal */
export const make = (
  service: CountdownCancelAll.CountdownCancelAll["Type"],
  settings: HeartbeatOptions.Settings,
  held: Set<string>
): Effect.Effect<Engine> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const tracer = yield* Effect.tracer
    const parent = yield* Effect.option(Effect.currentParentSpan)
    const scheduler = yield* Fork.scheduler
    const fork = yield* Fork.fork
    return new Engine(
      service,
      settings,
      Shared.inheritance(held, clock, service.account),
      Shared.ticker(held, clock, scheduler),
      { clock, fork, tracer, parent }
    )
  })
