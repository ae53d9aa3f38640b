/**
 * The running heartbeat: one ledger of what is known, changed only by synchronous steps, and the few fibers that move
 * it. Nothing is decided here that the pure modules can decide.
 *
 * - the **loop** plans beats and never touches the network itself
 * - each **write** runs in a fiber of its own, so that neither a hung request nor an interrupted caller stops anything
 *   else, and its outcome is entered in the ledger by that fiber, whoever still waits for it
 * - the **alarm** sleeps until the next edge of the window, whatever the request in flight does
 * - the **reporter** logs the transitions and runs `onTransition`
 *
 * All of them are daemons that the release stops by hand: a scope would interrupt the write in flight, and the order
 * in which things stop is the point.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as Countdown from "../Countdown.js"
import type * as CountdownCancelAll from "../CountdownCancelAll.js"
import * as FireWindow from "../FireWindow.js"
import * as HeartbeatError from "../HeartbeatError.js"
import * as HeartbeatOptions from "../HeartbeatOptions.js"
import * as HeartbeatStatus from "../HeartbeatStatus.js"
import * as Liveness from "../Liveness.js"
import * as VenueError from "../VenueError.js"
import { bounded } from "./bounded.js"
import * as clock from "./clock.js"
import * as ReleaseRun from "./release.js"
import * as Telemetry from "./telemetry.js"

/** How a beat ended: acknowledged, failed, withheld, or never sent because the heartbeat had ended. */
export type BeatOutcome = Exit.Exit<
  CountdownCancelAll.Acknowledgement,
  HeartbeatStatus.BeatFailure | HeartbeatError.SwitchLost | HeartbeatError.NotArmed
>

/** How a write ended, and whether the same write can be sent again. */
interface WriteOutcome {
  readonly exit: Exit.Exit<CountdownCancelAll.Acknowledgement, VenueError.VenueError>
  readonly again: boolean
}

interface InFlight {
  readonly id: number
  readonly setting: Countdown.Setting
  readonly done: Deferred.Deferred<WriteOutcome>
  sent: FireWindow.Reading
  fiber: Fiber.RuntimeFiber<void> | undefined
  timer: Fiber.RuntimeFiber<void> | undefined
}

/**
 * A key that "does not exist" was seen now and then on a valid key, in two live logs. While the window is open it is
 * tried again, this often in a row, before it is believed.
 */
const intermittentCode = "40037"
const intermittentTries = 3

/** The alarm looks at the clock at least this often, because no timer tells of a suspend. */
const lookEvery = 1_000

/** @internal */
export const make = Effect.fnUntraced(function* (
  service: CountdownCancelAll.CountdownCancelAll["Type"],
  settings: HeartbeatOptions.Settings
) {
  const account = service.account
  const hands = yield* Effect.clock
  const tracer = yield* Effect.tracer
  const telemetry = Telemetry.make(account)
  const now = (): FireWindow.Reading => clock.read(hands)
  const sleep = (millis: number): Effect.Effect<void> => hands.sleep(Duration.millis(Math.max(1, Math.ceil(millis))))

  let phase: "arming" | "beating" | "releasing" | "released" = "arming"
  let ledger: HeartbeatStatus.Ledger = {
    account,
    window: FireWindow.empty({ triggerLatency: settings.triggerLatency, replays: settings.assumeReplays }),
    failures: 0,
    cause: undefined,
    doubt: false,
    fired: false,
    lost: undefined,
    outcome: undefined
  }
  let published: HeartbeatStatus.Status["_tag"] = "Armed"
  let inFlight: InFlight | undefined
  /** The write under way or waiting for its turn: whoever asks for a beat meanwhile shares it. */
  let current: Deferred.Deferred<BeatOutcome> | undefined
  let nextId = 0
  /** Monotonic instants: before it no write may leave; when the next beat is due. */
  let paceAt = -Infinity
  let beatAt = 0
  let provenAliveAt = -Infinity
  let beating: Fiber.RuntimeFiber<void> | undefined
  let watching: Fiber.RuntimeFiber<void> | undefined
  let reporting: Fiber.RuntimeFiber<void> | undefined
  let manual: Fiber.RuntimeFiber<BeatOutcome> | undefined

  const parent = yield* Effect.option(Effect.currentParentSpan)
  const lost = yield* Deferred.make<never, HeartbeatError.SwitchLost>()
  const transitions = yield* Queue.sliding<HeartbeatStatus.Transition>(64)
  let pubsub: PubSub.PubSub<HeartbeatStatus.Status> | undefined

  // ---------------------------------------------------------------------------------------------------------------
  // The ledger

  const publish = (status: HeartbeatStatus.Status): void => {
    if (status._tag === published) return
    const from = published
    published = status._tag
    telemetry.transition(from, status._tag)
    transitions.unsafeOffer({ from, to: status })
    pubsub?.unsafeOffer(status)
  }

  /** Looks at the clock, moves the state where it must move, and says what it is. */
  const observe = (): HeartbeatStatus.Status => {
    const at = now()
    const status = HeartbeatStatus.derive(ledger, at)
    if (phase !== "beating") return status
    if (ledger.lost === undefined && (status._tag === "Fired" || status._tag === "MayHaveFired")) {
      publish(status)
      if (status._tag === "Fired") lose("Fired", at)
      // When only the wall clock says that the window has closed, it was either set or the host was suspended: the
      // next beat asks the venue, and until it has answered the state is `MayHaveFired`.
      else if (settings.whenInDoubt === "stop" && (ledger.doubt || closedForBothHands(at))) lose("MayHaveFired", at)
      return ledger.lost === undefined ? status : HeartbeatStatus.derive(ledger, at)
    }
    publish(status)
    return status
  }

  const closedForBothHands = (at: FireWindow.Reading): boolean =>
    FireWindow.edges(ledger.window, { mono: at.mono, wall: -Infinity }).earliest <= 0

  const lose = (reason: HeartbeatError.LossReason, at: FireWindow.Reading): void => {
    if (ledger.lost !== undefined || phase !== "beating") return
    const withheld = ledger.cause instanceof Liveness.LivenessFailed
    const error = new HeartbeatError.SwitchLost({
      account,
      reason: withheld && (reason === "MayHaveFired" || reason === "Fired") ? "NotAlive" : reason,
      timeLeft: Math.max(0, FireWindow.edges(ledger.window, at).earliest),
      ...(ledger.cause === undefined ? {} : { cause: ledger.cause })
    })
    ledger = { ...ledger, lost: error }
    publish(HeartbeatStatus.derive(ledger, at))
    Deferred.unsafeDone(lost, Exit.fail(error))
  }

  const failed = (cause: HeartbeatStatus.BeatFailure): void => {
    ledger = { ...ledger, failures: ledger.failures + 1, cause }
  }

  // ---------------------------------------------------------------------------------------------------------------
  // Writes

  /** Sends one write and waits for its outcome. Only ever called while none is in flight. */
  const send = (setting: Countdown.Setting): Effect.Effect<WriteOutcome> =>
    Effect.suspend(() => {
      const done = Deferred.unsafeMake<WriteOutcome>(FiberId.none)
      const flight: InFlight = { id: nextId++, setting, done, sent: now(), fiber: undefined, timer: undefined }
      inFlight = flight
      const write = Effect.flatMap(service.horizon, (horizon) =>
        Effect.suspend(() => {
          // Given up while it asked for the horizon: what is not entered in the ledger must not leave.
          if (inFlight !== flight) return Effect.interrupt
          flight.sent = now()
          ledger = {
            ...ledger,
            window: FireWindow.sent(ledger.window, {
              id: flight.id,
              at: flight.sent,
              countdown: Countdown.toMillis(setting),
              horizon: Duration.toMillis(horizon)
            })
          }
          return service.set(setting)
        })
      )
      return Effect.uninterruptible(
        Effect.gen(function* () {
          flight.fiber = yield* Effect.forkDaemon(
            Effect.interruptible(write).pipe(
              Effect.exit,
              Effect.map((exit) => settle(flight, exit))
            )
          )
          flight.timer = yield* Effect.forkDaemon(
            Effect.interruptible(Effect.map(sleep(settings.requestTimeout), () => overdue(flight)))
          )
        })
      ).pipe(Effect.zipRight(Deferred.await(done)))
    })

  const overdue = (flight: InFlight): void => {
    if (inFlight !== flight) return
    settle(
      flight,
      Exit.fail(
        new VenueError.RequestTimeout({
          venueMessage: "",
          applied: "unknown",
          retryable: true,
          timeoutMillis: settings.requestTimeout
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
    const at = now()
    let again = true
    if (Exit.isSuccess(exit)) {
      paceAt = at.mono + HeartbeatOptions.pace
      acknowledged(flight, exit.value, at)
    } else {
      const failure = Option.getOrElse(Cause.failureOption(exit.cause), () => defect(exit.cause))
      again = worthRepeating(failure)
      // An answer came after the venue had counted the write; without one only the sending is known.
      paceAt = (failure.httpStatus === undefined ? flight.sent : at).mono + HeartbeatOptions.pace
      const { window } = ledger
      ledger = {
        ...ledger,
        window:
          failure.applied === "no" ? FireWindow.refused(window, flight.id) : FireWindow.unresolved(window, flight.id)
      }
      telemetry.beat(failure._tag)
      failed(failure)
      if (phase === "beating") spanOfFailure(flight, exit, at)
      if (!again) lose(Cause.isDie(exit.cause) ? "Defect" : "Refused", at)
    }
    telemetry.earliestFire(FireWindow.edges(ledger.window, at).earliest)
    observe()
    Deferred.unsafeDone(flight.done, Effect.succeed({ exit, again }))
  }

  const acknowledged = (flight: InFlight, ack: CountdownCancelAll.Acknowledgement, at: FireWindow.Reading): void => {
    const slack = FireWindow.edges(ledger.window, at).earliest
    const { verdict, window } = FireWindow.acknowledged(ledger.window, flight.id, at, HeartbeatStatus.stampsOf(ack))
    ledger = { ...ledger, window, failures: 0, cause: undefined }
    telemetry.beat("acknowledged")
    telemetry.latency(at.mono - flight.sent.mono)
    if (phase !== "beating") return
    telemetry.slack(slack)
    if (verdict === "open") ledger = { ...ledger, doubt: true }
    if (verdict === "fired") ledger = { ...ledger, fired: true }
  }

  /** Whether the same write can be sent again; the two that are believed only when they come again are counted. */
  const worthRepeating = (failure: VenueError.VenueError): boolean => {
    const before = ledger.cause
    if (failure._tag === "TimestampRefused") return before?._tag !== "TimestampRefused"
    if (phase !== "arming" && failure.code === intermittentCode) return ledger.failures + 1 < intermittentTries
    return failure.retryable
  }

  const defect = (cause: Cause.Cause<unknown>): VenueError.VenueError =>
    new VenueError.OutcomeUnknown({
      venueMessage: `defect: ${Cause.pretty(cause).split("\n")[0] ?? ""}`,
      applied: "unknown",
      retryable: false
    })

  /** A span for each failed write, made when it is known to have failed: good beats cost none. */
  const spanOfFailure = (flight: InFlight, exit: Exit.Exit<unknown, unknown>, at: FireWindow.Reading): void => {
    const end = hands.unsafeCurrentTimeNanos()
    const start = end - BigInt(Math.round((at.mono - flight.sent.mono) * 1e6))
    const span = tracer.span("deadman.beat", parent, Context.empty(), [], start, "client")
    span.attribute("account", account)
    span.attribute("failures", ledger.failures)
    span.end(end, exit)
  }

  const untilMono = (instant: () => number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const left = instant() - now().mono
      return left > 0 ? Effect.zipRight(sleep(left), untilMono(instant)) : Effect.void
    })

  const paced = untilMono(() => paceAt)

  // ---------------------------------------------------------------------------------------------------------------
  // Beats

  const proveAlive: Effect.Effect<Liveness.LivenessFailed | undefined> = Effect.suspend(() => {
    if (settings.liveness === undefined) return Effect.succeed(undefined)
    // A try that follows a failed one at once relies on the check of the one before.
    if (now().mono - provenAliveAt < settings.interval / 2) return Effect.succeed(undefined)
    return Effect.match(Liveness.bounded(settings.liveness, settings.livenessTimeout), {
      onFailure: (error) => error,
      onSuccess: () => {
        provenAliveAt = now().mono
        return undefined
      }
    })
  })

  /** One beat: alive, paced, sent; or the one that is already under way. */
  const beatOnce: Effect.Effect<BeatOutcome> = Effect.suspend(() =>
    current === undefined ? carryOut(claim()) : Deferred.await(current)
  )

  const claim = (): Deferred.Deferred<BeatOutcome> => (current = Deferred.unsafeMake<BeatOutcome>(FiberId.none))

  const carryOut = (shared: Deferred.Deferred<BeatOutcome>): Effect.Effect<BeatOutcome> =>
    // Only the steps can be interrupted: whatever happens, those who wait are told.
    Effect.gen(function* (): Effect.fn.Return<BeatOutcome> {
      const negative = yield* proveAlive
      if (negative !== undefined) {
        telemetry.beat("withheld")
        failed(negative)
        observe()
        return Exit.fail(negative)
      }
      yield* paced
      observe()
      if (ledger.lost !== undefined) return Exit.fail(ledger.lost)
      if (phase !== "beating") return Exit.fail(notArmed(0))
      const { exit } = yield* send(settings.countdown)
      return exit
    }).pipe(
      Effect.interruptible,
      Effect.onExit((exit) => {
        current = undefined
        // Whoever shares a beat that is stopped half-way by the release hears that there will be none.
        Deferred.unsafeDone(shared, Effect.succeed(Exit.isSuccess(exit) ? exit.value : Exit.fail(notArmed(0))))
        return Effect.void
      })
    )

  const loop: Effect.Effect<void> = Effect.gen(function* () {
    while (ledger.lost === undefined) {
      yield* untilMono(() => beatAt)
      observe()
      if (ledger.lost !== undefined) return
      const began = now().mono
      telemetry.lateness(began - beatAt)
      const outcome = yield* beatOnce
      if (Exit.isSuccess(outcome)) {
        // Fixed rate: small delays do not add up. After a stall or a retry the plan starts anew: what was missed is
        // not made up for.
        const left = ledger.window.acknowledged?.sent.mono ?? began
        beatAt = (left - beatAt < HeartbeatOptions.pace / 2 ? beatAt : left) + settings.interval
      } else {
        beatAt = ledger.cause instanceof Liveness.LivenessFailed ? began + HeartbeatOptions.pace : paceAt
      }
    }
  })

  const alarm: Effect.Effect<void> = Effect.gen(function* () {
    while (phase === "beating") {
      const { earliest, latest } = FireWindow.edges(ledger.window, now())
      const next = earliest > 0 ? earliest : latest > 0 ? latest : Infinity
      if (next === Infinity && ledger.lost !== undefined) return
      yield* sleep(Math.min(next, lookEvery))
      observe()
    }
  })

  const reporter: Effect.Effect<void> = Effect.gen(function* () {
    for (;;) {
      const transition = yield* Queue.take(transitions)
      yield* report(transition)
      if (settings.onTransition !== undefined) {
        yield* Effect.catchAllCause(settings.onTransition(transition), (cause) =>
          Effect.logError("onTransition failed", cause)
        )
      }
      if (transition.to._tag === "Released") return
    }
  }).pipe(Effect.annotateLogs({ account, module: "Heartbeat" }))

  // ---------------------------------------------------------------------------------------------------------------
  // Life

  const arm: Effect.Effect<void, VenueError.VenueError | HeartbeatError.ArmTimeout> = Effect.gen(function* () {
    for (;;) {
      yield* paced
      const { again, exit } = yield* send(settings.countdown)
      if (Exit.isFailure(exit)) {
        if (!again)
          return yield* Option.match(Cause.failureOption(exit.cause), {
            onNone: () => Effect.failCause(exit.cause),
            onSome: Effect.fail
          })
      } else if (FireWindow.edges(ledger.window, now()).earliest > 0) {
        return
      }
    }
  }).pipe(
    Effect.timeoutFail({
      duration: settings.armTimeout,
      onTimeout: () =>
        new HeartbeatError.ArmTimeout({
          account,
          armTimeout: settings.armTimeout,
          ...(VenueError.isVenueError(ledger.cause) ? { cause: ledger.cause } : {})
        })
    }),
    Effect.withSpan("deadman.arm", { attributes: { account, countdown: settings.countdown } })
  )

  /** A fiber that must not die in silence. */
  const guarded = (effect: Effect.Effect<void>): Effect.Effect<Fiber.RuntimeFiber<void>> =>
    Effect.forkDaemon(
      Effect.interruptible(
        Effect.catchAllCause(effect, (cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.void
            : Effect.zipRight(
                Effect.sync(() => lose("Defect", now())),
                Effect.logError("the heartbeat stopped by a defect", cause)
              )
        )
      )
    )

  const start = Effect.gen(function* () {
    phase = "beating"
    const last = ledger.window.acknowledged
    beatAt = (last?.sent.mono ?? now().mono) + settings.interval
    telemetry.armed()
    reporting = yield* Effect.forkDaemon(Effect.interruptible(reporter))
    watching = yield* guarded(alarm)
    beating = yield* guarded(loop)
  })

  /** What the release needs of the running heartbeat. */
  const hand: ReleaseRun.Hand = {
    settings,
    window: () => ledger.window,
    now,
    sleep,
    paced,
    settled: Effect.suspend(() => (inFlight === undefined ? Effect.void : Deferred.await(inFlight.done))),
    send: (setting) => Effect.map(send(setting), ({ again, exit }) => ({ acknowledged: Exit.isSuccess(exit), again }))
  }

  const stop = Effect.sync(() => {
    phase = "releasing"
    beating?.unsafeInterruptAsFork(FiberId.none)
    watching?.unsafeInterruptAsFork(FiberId.none)
    manual?.unsafeInterruptAsFork(FiberId.none)
  })

  /** Gives up what is still in flight when the bound was reached. */
  const drop = Effect.sync(() => {
    if (inFlight !== undefined) overdue(inFlight)
  })

  const release = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
    stop.pipe(
      Effect.zipRight(ReleaseRun.run(hand, ReleaseRun.choose(settings.release, exit))),
      Effect.zipLeft(drop),
      Effect.map((outcome) => {
        const final = outcome()
        ledger = { ...ledger, outcome: final }
        phase = "released"
        publish(HeartbeatStatus.derive(ledger, now()))
        return final._tag
      }),
      Effect.tap((outcome) => Effect.annotateCurrentSpan("outcome", outcome)),
      Effect.zipRight(
        // The last transition is reported before the scope is closed, unless the user's hook takes too long.
        Effect.suspend(() => {
          return reporting === undefined
            ? Effect.void
            : Effect.zipRight(
                bounded(Fiber.join(reporting), HeartbeatOptions.pace, () => Effect.void),
                Fiber.interruptFork(reporting)
              )
        })
      ),
      Effect.withSpan("deadman.release", { attributes: { account } })
    )

  /** The acquisition failed: what may have been armed is turned off again. */
  const abandon: Effect.Effect<void> = Effect.suspend(() => {
    phase = "releasing"
    const touched =
      inFlight !== undefined || ledger.window.acknowledged !== undefined || ledger.window.pending.length > 0
    return touched ? Effect.zipRight(ReleaseRun.run(hand, "Disarm"), drop) : Effect.void
  })

  // ---------------------------------------------------------------------------------------------------------------
  // What users see

  const notArmed = (margin: number): HeartbeatError.NotArmed => {
    const at = now()
    const status = HeartbeatStatus.derive(ledger, at)
    const timeLeft = status._tag === "Released" ? 0 : Math.max(0, status.earliestFire - status.at)
    const state = phase === "releasing" ? "Released" : status._tag
    return new HeartbeatError.NotArmed({ account, state, timeLeft, margin })
  }

  const changes: Stream.Stream<HeartbeatStatus.Status> = Stream.unwrapScoped(
    Effect.gen(function* () {
      // Sliding: a reader that is slower than the state changes misses the oldest and keeps the last.
      const hub = (pubsub ??= yield* PubSub.sliding<HeartbeatStatus.Status>(16))
      const dequeue = yield* PubSub.subscribe(hub)
      const first = observe()
      const rest = Stream.filter(Stream.fromQueue(dequeue), (status) => status !== first)
      return Stream.takeUntil(Stream.concat(Stream.make(first), rest), (status) => status._tag === "Released")
    })
  )

  const beat = Effect.suspend(() => {
    if (ledger.lost !== undefined) return Effect.fail(ledger.lost)
    if (phase !== "beating") return Effect.fail(notArmed(0))
    if (current !== undefined) return Effect.flatten(Deferred.await(current))
    // In a fiber of its own: a caller that is interrupted takes nothing from those who share the beat.
    const shared = claim()
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDaemon(carryOut(shared)), (fiber) => {
        manual = fiber
        return restore(Effect.flatten(Deferred.await(shared)))
      })
    )
  }).pipe(Effect.asVoid)

  const ensureArmed = (options?: { readonly margin?: Duration.DurationInput | undefined }) =>
    Effect.suspend(() => {
      const margin = Duration.toMillis(options?.margin ?? 0)
      const status = observe()
      return status._tag === "Armed" && status.earliestFire - status.at > margin
        ? Effect.void
        : Effect.fail(notArmed(margin))
    })

  const awaitLost = Deferred.await(lost)

  return {
    account,
    arm,
    start,
    release,
    abandon,
    status: Effect.sync(observe),
    changes,
    awaitLost,
    ensureArmed,
    beat,
    reconciled: Effect.sync(() => {
      ledger = { ...ledger, doubt: false }
      observe()
    }),
    guard: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | HeartbeatError.SwitchLost, R> =>
      Effect.raceFirst(effect, awaitLost)
  }
})

const report = ({ to }: HeartbeatStatus.Transition): Effect.Effect<void> => {
  switch (to._tag) {
    case "Armed":
      return Effect.logInfo("the switch is armed again")
    case "Jeopardy": {
      const left = ((to.earliestFire - to.at) / 1_000).toFixed(1)
      return Effect.logWarning(
        `the switch is in jeopardy, ${left} s left: ${to.cause?.message ?? "clock hands disagree"}`
      )
    }
    case "MayHaveFired":
      return Effect.logError("the switch may have fired: orders may be gone")
    case "Fired":
      return Effect.logError("the switch has fired: orders are gone")
    case "Released":
      return to.outcome._tag === "DisarmUnconfirmed"
        ? Effect.logWarning(`released, but the disarm is unconfirmed: it may fire until ${to.outcome.until}`)
        : Effect.logInfo(`released: ${to.outcome._tag}`)
  }
}
