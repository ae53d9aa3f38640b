/**
 * The running heartbeat. Nothing is decided here that the pure modules can decide: it plans and moves.
 *
 * - `wake` is called when something is due: the next edge of the window (the alarm), the end of a request's time, the
 *   next beat. It never waits, so whatever hangs, the alarm goes.
 * - a **beat** has a fiber of its own for as long as it takes: alive, paced, sent (see `writer`)
 * - the **reporter** logs the transitions and runs `onTransition`
 *
 * The fibers are daemons that the release stops by hand: a scope would interrupt the write in flight, and the order in
 * which things stop is the point.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as CountdownCancelAll from "../CountdownCancelAll.js"
import * as FireWindow from "../FireWindow.js"
import * as HeartbeatError from "../HeartbeatError.js"
import * as HeartbeatOptions from "../HeartbeatOptions.js"
import * as HeartbeatStatus from "../HeartbeatStatus.js"
import * as Liveness from "../Liveness.js"
import type * as Release from "../Release.js"
import * as VenueError from "../VenueError.js"
import { bounded } from "./bounded.js"
import { Knowledge } from "./knowledge.js"
import * as Process from "./process.js"
import * as ReleaseRun from "./release.js"
import { reporter } from "./reporter.js"
import type * as Ticker from "./ticker.js"
import * as Writer from "./writer.js"

/** How a beat ended: acknowledged, failed, withheld, or never sent because the heartbeat had ended. */
type BeatOutcome = Exit.Exit<
  CountdownCancelAll.Acknowledgement,
  HeartbeatStatus.BeatFailure | HeartbeatError.SwitchLost | HeartbeatError.NotArmed
>

/** The beat under way, or waiting for its turn: whoever asks for one meanwhile shares it. */
interface Beat {
  /** Whether it is the one of the plan; one by hand becomes it when that is due meanwhile. */
  planned: boolean
  /** The monotonic instant of its start, or of its plan. */
  began: number
  fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
  /** Set once the write has begun: from then on it is not interrupted any more, only given up. */
  flight: Writer.Flight | undefined
  /** Who waits for it by hand. */
  waiting: Deferred.Deferred<CountdownCancelAll.Acknowledgement, Failure> | undefined
}

type Failure = HeartbeatStatus.BeatFailure | HeartbeatError.SwitchLost | HeartbeatError.NotArmed

/** @internal */
export class Engine implements Ticker.Member {
  readonly account: string
  readonly knowledge: Knowledge
  private readonly settings: HeartbeatOptions.Settings
  private readonly writer: Writer.Writer
  private readonly runtime: Runtime.Runtime<never>
  private readonly ticker: Ticker.Ticker
  private readonly slot: Ticker.Slot
  private current: Beat | undefined
  /** Monotonic instants: when the next beat is due; when the liveness check last passed. */
  private beatAt = Infinity
  private provenAliveAt = -Infinity
  private reporting: Fiber.RuntimeFiber<void> | undefined

  constructor(knowledge: Knowledge, writer: Writer.Writer, runtime: Runtime.Runtime<never>, ticker: Ticker.Ticker) {
    this.account = knowledge.ledger.account
    this.knowledge = knowledge
    this.settings = knowledge.settings
    this.writer = writer
    this.runtime = runtime
    this.ticker = ticker
    this.slot = ticker.join(this)
    writer.began = () => this.plan()
    // A switch that stays armed has nothing to tell: no fiber waits for it.
    knowledge.tell = () => {
      if (this.reporting !== undefined) return
      const fiber = (this.reporting = this.fork(reporter(knowledge, () => (this.reporting = undefined))))
      // Whoever ends it from outside has not ended the telling.
      fiber.addObserver(() => {
        if (this.reporting === fiber) this.reporting = undefined
      })
    }
  }

  fork<A>(effect: Effect.Effect<A>): Fiber.RuntimeFiber<A> {
    return Runtime.runFork(this.runtime, effect, { immediate: false })
  }

  // ---------------------------------------------------------------------------------------------------------------
  // What is due

  wake(): void {
    this.safely(() => {
      const { knowledge, writer } = this
      writer.dropOverdue()
      knowledge.observe()
      const { mono } = knowledge.now()
      if (this.beats && mono >= this.beatAt && this.current?.planned !== true) {
        knowledge.telemetry.lateness(mono - this.beatAt)
        if (this.current === undefined) this.start(true, mono)
        else {
          this.current.planned = true
          this.current.began = mono
        }
      }
      this.plan()
    })
  }

  look(): void {
    this.safely(() => {
      this.knowledge.observe()
      this.plan()
    })
  }

  private get beats(): boolean {
    return this.knowledge.phase === "beating" && this.knowledge.ledger.lost === undefined
  }

  private plan(): void {
    const { knowledge, writer } = this
    let next = writer.overdueAt
    if (knowledge.phase === "beating") {
      const now = knowledge.now()
      const { earliest, latest } = FireWindow.edges(knowledge.ledger.window, now)
      if (earliest > 0) next = Math.min(next, now.mono + earliest)
      else if (latest > 0) next = Math.min(next, now.mono + latest)
      if (this.beats && this.current?.planned !== true) next = Math.min(next, this.beatAt)
    }
    this.ticker.plan(this.slot, next)
  }

  /** What runs on no fiber of ours must not end in silence. */
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
      // No beat any more, but the edges of the window are still told of.
      this.plan()
    } catch {
      // It was the clock.
      return
    }
  }

  stopped(cause: Cause.Cause<unknown>): void {
    this.knowledge.lose("Defect", this.knowledge.lately)
    this.fork(Effect.logError("the heartbeat stopped by a defect", cause))
  }

  // ---------------------------------------------------------------------------------------------------------------
  // Beats

  private start(planned: boolean, began: number): Beat {
    const beat: Beat = (this.current = { planned, began, fiber: undefined, flight: undefined, waiting: undefined })
    // As a value: Effect logs each fiber that ends in a failure as an unhandled one, and this one is told of.
    const fiber = this.fork(Effect.exit(this.carryOut(beat)))
    beat.fiber = fiber
    fiber.addObserver((exit) => this.safely(() => this.ended(beat, Exit.flatten(exit))))
    return beat
  }

  /** One beat: alive, paced, sent. */
  private carryOut(beat: Beat): Effect.Effect<CountdownCancelAll.Acknowledgement, Failure> {
    return Effect.suspend(() => {
      if (this.settings.liveness === undefined) return this.sendPaced(beat)
      return Effect.flatMap(this.proveAlive, (negative) => {
        if (negative === undefined) return this.sendPaced(beat)
        this.knowledge.telemetry.beat("withheld")
        this.knowledge.failed(negative)
        this.knowledge.observe()
        return Effect.fail(negative)
      })
    })
  }

  private sendPaced(beat: Beat): Effect.Effect<CountdownCancelAll.Acknowledgement, Failure> {
    return this.writer.paceAt > this.knowledge.now().mono
      ? Effect.flatMap(this.writer.paced, () => this.send(beat))
      : this.send(beat)
  }

  /** In one step with what follows: nothing can be interrupted between the decision to send and the flight. */
  private send(beat: Beat): Effect.Effect<CountdownCancelAll.Acknowledgement, Failure> {
    const { knowledge, writer } = this
    knowledge.observe()
    const { lost } = knowledge.ledger
    if (lost !== undefined) return Effect.fail(lost)
    if (knowledge.phase !== "beating") return Effect.fail(this.notArmed(0))
    beat.flight = writer.begin(this.settings.countdown, ({ exit }) => this.finish(beat, exit))
    beat.flight.fiber = beat.fiber
    return writer.request(beat.flight)
  }

  private get proveAlive(): Effect.Effect<Liveness.LivenessFailed | undefined> {
    const { knowledge, settings } = this
    // A try that follows a failed one at once relies on the check of the one before.
    if (settings.liveness === undefined || knowledge.now().mono - this.provenAliveAt < settings.interval / 2) {
      return Effect.succeed(undefined)
    }
    return Effect.match(Liveness.bounded(settings.liveness, settings.livenessTimeout), {
      onFailure: (error) => error,
      onSuccess: () => {
        this.provenAliveAt = knowledge.now().mono
        return undefined
      }
    })
  }

  /** The fiber of a beat has ended: with the write, given up before it, or stopped by the release. */
  private ended(beat: Beat, exit: Exit.Exit<CountdownCancelAll.Acknowledgement, Failure>): void {
    if (beat.flight !== undefined) {
      return this.writer.ended(
        beat.flight,
        exit as Exit.Exit<CountdownCancelAll.Acknowledgement, VenueError.VenueError>
      )
    }
    const failure = Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()
    if (Exit.isFailure(exit) && Option.isNone(failure) && !Cause.isInterruptedOnly(exit.cause)) this.defect(exit.cause)
    // Whoever shares a beat that is stopped half-way by the release hears that there will be none.
    this.finish(beat, Exit.fail(Option.getOrElse(failure, () => this.notArmed(0))))
  }

  /** Tells those who wait, and plans the next one. */
  private finish(beat: Beat, outcome: BeatOutcome): void {
    if (this.current === beat) this.current = undefined
    if (beat.planned) {
      beat.planned = false
      if (Exit.isSuccess(outcome)) {
        // Fixed rate: small delays do not add up. After a stall or a retry the plan starts anew: what was missed is
        // not made up for.
        const left = this.knowledge.ledger.window.acknowledged?.sent.mono ?? beat.began
        this.beatAt = (left - this.beatAt < HeartbeatOptions.pace / 2 ? this.beatAt : left) + this.settings.interval
      } else {
        const withheld = this.knowledge.ledger.cause instanceof Liveness.LivenessFailed
        this.beatAt = withheld ? beat.began + HeartbeatOptions.pace : this.writer.paceAt
      }
    }
    if (beat.waiting !== undefined) Deferred.unsafeDone(beat.waiting, outcome)
    this.plan()
  }

  // ---------------------------------------------------------------------------------------------------------------
  // Life

  get arm(): Effect.Effect<void, VenueError.VenueError | HeartbeatError.ArmTimeout> {
    const { account, knowledge, settings, writer } = this
    const armed = Effect.gen(function* () {
      for (;;) {
        yield* writer.paced
        const { again, exit } = yield* writer.send(settings.countdown)
        if (Exit.isFailure(exit)) {
          if (!again) return yield* Effect.failCause(exit.cause)
        } else if (FireWindow.edges(knowledge.ledger.window, knowledge.now()).earliest > 0) {
          return
        }
      }
    })
    const late = Effect.suspend(() => {
      const { cause } = knowledge.ledger
      const known = VenueError.isVenueError(cause) ? { cause } : {}
      return Effect.fail(new HeartbeatError.ArmTimeout({ account, armTimeout: settings.armTimeout, ...known }))
    })
    // Not `Effect.timeout`: it would bound nothing where the acquisition cannot be interrupted, as in `acquireRelease`.
    return bounded<void, VenueError.VenueError | HeartbeatError.ArmTimeout>(
      armed,
      settings.armTimeout,
      () => late
    ).pipe(Effect.withSpan("deadman.arm", { attributes: { account, countdown: settings.countdown } }))
  }

  /** Armed: from now on it beats. */
  begin(): void {
    // The scope was closed while the switch was being armed, and the release has run.
    if (this.knowledge.phase !== "arming") return
    this.knowledge.phase = "beating"
    const last = this.knowledge.ledger.window.acknowledged
    this.beatAt = (last?.sent.mono ?? this.knowledge.now().mono) + this.settings.interval
    this.knowledge.telemetry.armed()
    // A `0` of the heartbeat before that may still arrive keeps this one from being called armed.
    this.knowledge.observe()
    this.plan()
  }

  private stop(): void {
    this.knowledge.phase = "releasing"
    this.knowledge.endGuards()
    if (this.current?.flight === undefined) this.current?.fiber?.unsafeInterruptAsFork(FiberId.none)
  }

  /** Whatever becomes of the rest, of the tracer's part in it too: from now on nothing beats, and nothing is left. */
  release(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.stop()
      return Effect.ensuring(this.wayOut(exit), this.ticker.leave(this.slot))
    })
  }

  private wayOut(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    const { account, knowledge } = this
    return Effect.suspend(() => this.runRelease(ReleaseRun.choose(this.settings.release, exit))).pipe(
      Effect.map((outcome) => {
        const final = outcome()
        knowledge.enter({ outcome: final })
        knowledge.phase = "released"
        knowledge.publish(HeartbeatStatus.derive(knowledge.ledger, knowledge.now()))
        return final._tag
      }),
      Effect.tap((outcome) => Effect.annotateCurrentSpan("outcome", outcome)),
      Effect.zipRight(
        // The last transition is reported before the scope is closed, unless the user's hook takes too long.
        Effect.suspend(() => {
          const { reporting } = this
          return reporting === undefined
            ? Effect.void
            : Effect.zipRight(
                bounded(Effect.asVoid(Fiber.await(reporting)), HeartbeatOptions.pace, () => Effect.void),
                Fiber.interruptFork(reporting)
              )
        })
      ),
      Effect.withSpan("deadman.release", { attributes: { account } })
    )
  }

  private runRelease(choice: Release.Release) {
    return Effect.ensuring(
      ReleaseRun.run(this.knowledge, this.writer, choice),
      Effect.sync(() => this.writer.bequeath())
    )
  }

  /** The acquisition failed: what may have been armed is turned off again. */
  get abandon(): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      this.knowledge.phase = "releasing"
      const { acknowledged, pending } = this.knowledge.ledger.window
      const touched = this.writer.isInFlight || acknowledged !== undefined || pending.some(({ id }) => id >= 0)
      return Effect.ensuring(touched ? this.runRelease("Disarm") : Effect.void, this.ticker.leave(this.slot))
    })
  }

  // ---------------------------------------------------------------------------------------------------------------
  // What users see

  private notArmed(margin: number): HeartbeatError.NotArmed {
    const { account, knowledge } = this
    const status = HeartbeatStatus.derive(knowledge.ledger, knowledge.now())
    const timeLeft = status._tag === "Released" ? 0 : Math.max(0, status.earliestFire - status.at)
    const state = knowledge.phase === "releasing" ? "Released" : status._tag
    return new HeartbeatError.NotArmed({ account, state, timeLeft, margin })
  }

  get beat(): Effect.Effect<void, Failure> {
    return Effect.suspend(() => {
      const { lost } = this.knowledge.ledger
      if (lost !== undefined) return Effect.fail(lost)
      if (this.knowledge.phase !== "beating") return Effect.fail(this.notArmed(0))
      // In a fiber of its own: a caller that is interrupted takes nothing from those who share the beat.
      return Effect.asVoid(awaitBeat(this.current ?? this.start(false, this.knowledge.now().mono)))
    })
  }

  ensureArmed(options?: { readonly margin?: Duration.DurationInput | undefined }) {
    return Effect.suspend(() => {
      const margin = Duration.toMillis(options?.margin ?? 0)
      const status = this.knowledge.observe()
      const beating = this.knowledge.phase === "beating"
      return beating && status._tag === "Armed" && status.earliestFire - status.at > margin
        ? Effect.void
        : Effect.fail(this.notArmed(margin))
    })
  }
}

const awaitBeat = (beat: Beat): Effect.Effect<CountdownCancelAll.Acknowledgement, Failure> =>
  Deferred.await((beat.waiting ??= Deferred.unsafeMake(FiberId.none)))

/** @internal */
export const make = (
  service: CountdownCancelAll.CountdownCancelAll["Type"],
  settings: HeartbeatOptions.Settings,
  held: Set<string>
): Effect.Effect<Engine> =>
  Effect.gen(function* () {
    const hands = yield* Effect.clock
    const tracer = yield* Effect.tracer
    const parent = yield* Effect.option(Effect.currentParentSpan)
    const runtime = Runtime.enableRuntimeFlag(yield* Effect.runtime(), RuntimeFlags.Interruption)
    const { inherited, ticker } = Process.of(held, hands)
    const inheritance = inherited(service.account)
    const knowledge = new Knowledge(service.account, settings, hands, inheritance.strays)
    const writer = new Writer.Writer(service, knowledge, inheritance, { tracer, parent })
    return new Engine(knowledge, writer, runtime, ticker)
  })
