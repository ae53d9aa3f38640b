/**
 * The running heartbeat. Nothing is decided here that the pure modules can decide: it plans and moves.
 *
 * - the **loop** plans beats and never touches the network itself (see `writer`)
 * - the **alarm** sleeps until the next edge of the window, whatever the request in flight does
 * - the **reporter** logs the transitions and runs `onTransition`
 *
 * All of them are daemons that the release stops by hand: a scope would interrupt the write in flight, and the order
 * in which things stop is the point.
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
import * as Runtime from "effect/Runtime"
import * as Stream from "effect/Stream"
import type * as CountdownCancelAll from "../CountdownCancelAll.js"
import * as FireWindow from "../FireWindow.js"
import * as HeartbeatError from "../HeartbeatError.js"
import * as HeartbeatOptions from "../HeartbeatOptions.js"
import * as HeartbeatStatus from "../HeartbeatStatus.js"
import * as Liveness from "../Liveness.js"
import * as VenueError from "../VenueError.js"
import { bounded } from "./bounded.js"
import { Knowledge } from "./knowledge.js"
import * as Pace from "./pace.js"
import * as ReleaseRun from "./release.js"
import { reporter } from "./reporter.js"
import * as Writer from "./writer.js"

/**
 * How a beat ended: acknowledged, failed, withheld, or never sent because the heartbeat had ended.
 *
 * @internal
 */
export type BeatOutcome = Exit.Exit<
  CountdownCancelAll.Acknowledgement,
  HeartbeatStatus.BeatFailure | HeartbeatError.SwitchLost | HeartbeatError.NotArmed
>

/** The alarm looks at the clock at least this often, because no timer tells of a suspend. */
const lookEvery = 1_000

/** @internal */
export const make = Effect.fnUntraced(function* (
  service: CountdownCancelAll.CountdownCancelAll["Type"],
  settings: HeartbeatOptions.Settings,
  held: Set<string>
) {
  const account = service.account
  const hands = yield* Effect.clock
  const knowledge = new Knowledge(account, settings, hands)
  const writer = yield* Writer.make(service, knowledge, Pace.of(held, account, hands))
  const ledger = () => knowledge.ledger

  /** The beat under way or waiting for its turn: whoever asks for one meanwhile shares it. */
  let current: Deferred.Deferred<BeatOutcome> | undefined
  /** Monotonic instants: when the next beat is due; when the liveness check last passed. */
  let beatAt = 0
  let provenAliveAt = -Infinity
  let beating: Fiber.RuntimeFiber<void> | undefined
  let watching: Fiber.RuntimeFiber<void> | undefined
  let reporting: Fiber.RuntimeFiber<void> | undefined
  let manual: Fiber.RuntimeFiber<BeatOutcome> | undefined

  // A switch that stays armed has nothing to tell: a fiber that waits for it would be a quarter of what an account costs.
  const runtime = yield* Effect.runtime()
  knowledge.tell = () => {
    reporting ??= Runtime.runFork(runtime, Effect.interruptible(reporter(knowledge, () => (reporting = undefined))), {
      immediate: false
    })
  }

  // ---------------------------------------------------------------------------------------------------------------
  // Beats

  const proveAlive: Effect.Effect<Liveness.LivenessFailed | undefined> = Effect.suspend(() => {
    if (settings.liveness === undefined) return Effect.succeed(undefined)
    // A try that follows a failed one at once relies on the check of the one before.
    if (knowledge.now().mono - provenAliveAt < settings.interval / 2) return Effect.succeed(undefined)
    return Effect.match(Liveness.bounded(settings.liveness, settings.livenessTimeout), {
      onFailure: (error) => error,
      onSuccess: () => {
        provenAliveAt = knowledge.now().mono
        return undefined
      }
    })
  })

  /** One beat: alive, paced, sent; or the one that is already under way. */
  const beatOnce: Effect.Effect<BeatOutcome> = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => (current === undefined ? carryOut(claim()) : restore(Deferred.await(current))))
  )

  // Only where nothing can be interrupted before `carryOut` takes care of it: else all would wait for ever.
  const claim = (): Deferred.Deferred<BeatOutcome> => (current = Deferred.unsafeMake<BeatOutcome>(FiberId.none))

  const carryOut = (shared: Deferred.Deferred<BeatOutcome>): Effect.Effect<BeatOutcome> =>
    // Only the steps can be interrupted: whatever happens, those who wait are told.
    Effect.gen(function* (): Effect.fn.Return<BeatOutcome> {
      const negative = yield* proveAlive
      if (negative !== undefined) {
        knowledge.telemetry.beat("withheld")
        knowledge.failed(negative)
        knowledge.observe()
        return Exit.fail(negative)
      }
      yield* writer.paced
      knowledge.observe()
      const { lost } = ledger()
      if (lost !== undefined) return Exit.fail(lost)
      if (knowledge.phase !== "beating") return Exit.fail(notArmed(0))
      const { exit } = yield* writer.send(settings.countdown)
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
    while (ledger().lost === undefined) {
      yield* knowledge.sleepUntil(() => beatAt)
      knowledge.observe()
      if (ledger().lost !== undefined) return
      const began = knowledge.now().mono
      knowledge.telemetry.lateness(began - beatAt)
      const outcome = yield* beatOnce
      if (Exit.isSuccess(outcome)) {
        // Fixed rate: small delays do not add up. After a stall or a retry the plan starts anew: what was missed is
        // not made up for.
        const left = ledger().window.acknowledged?.sent.mono ?? began
        beatAt = (left - beatAt < HeartbeatOptions.pace / 2 ? beatAt : left) + settings.interval
      } else {
        beatAt = ledger().cause instanceof Liveness.LivenessFailed ? began + HeartbeatOptions.pace : writer.paceAt()
      }
    }
  })

  const alarm: Effect.Effect<void> = Effect.gen(function* () {
    while (knowledge.phase === "beating") {
      const { earliest, latest } = FireWindow.edges(ledger().window, knowledge.now())
      const next = earliest > 0 ? earliest : latest > 0 ? latest : Infinity
      if (next === Infinity && ledger().lost !== undefined) return
      yield* knowledge.sleep(Math.min(next, lookEvery))
      knowledge.observe()
    }
  })

  // ---------------------------------------------------------------------------------------------------------------
  // Life

  const arm: Effect.Effect<void, VenueError.VenueError | HeartbeatError.ArmTimeout> = Effect.suspend(() =>
    Effect.gen(function* () {
      for (;;) {
        yield* writer.paced
        const { again, exit } = yield* writer.send(settings.countdown)
        if (Exit.isFailure(exit)) {
          if (!again) return yield* Effect.failCause(exit.cause)
        } else if (FireWindow.edges(ledger().window, knowledge.now()).earliest > 0) {
          return
        }
      }
    }).pipe(
      Effect.timeoutFail({
        duration: settings.armTimeout,
        onTimeout: () => {
          const { cause } = ledger()
          const known = VenueError.isVenueError(cause) ? { cause } : {}
          return new HeartbeatError.ArmTimeout({ account, armTimeout: settings.armTimeout, ...known })
        }
      }),
      Effect.withSpan("deadman.arm", { attributes: { account, countdown: settings.countdown } })
    )
  )

  /** A fiber that must not die in silence. */
  const guarded = (effect: Effect.Effect<void>): Effect.Effect<Fiber.RuntimeFiber<void>> =>
    Effect.forkDaemon(
      Effect.interruptible(
        Effect.catchAllCause(effect, (cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.void
            : Effect.zipRight(
                Effect.sync(() => knowledge.lose("Defect", knowledge.now())),
                Effect.logError("the heartbeat stopped by a defect", cause)
              )
        )
      )
    )

  const start = Effect.suspend(() =>
    Effect.gen(function* () {
      // The scope was closed while the switch was being armed, and the release has run.
      if (knowledge.phase !== "arming") return
      knowledge.phase = "beating"
      const last = ledger().window.acknowledged
      beatAt = (last?.sent.mono ?? knowledge.now().mono) + settings.interval
      knowledge.telemetry.armed()
      watching = yield* guarded(alarm)
      beating = yield* guarded(loop)
    })
  )

  const stop = Effect.sync(() => {
    knowledge.phase = "releasing"
    knowledge.endGuards()
    beating?.unsafeInterruptAsFork(FiberId.none)
    watching?.unsafeInterruptAsFork(FiberId.none)
    manual?.unsafeInterruptAsFork(FiberId.none)
  })

  const release = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
    stop.pipe(
      Effect.zipRight(ReleaseRun.run(knowledge, writer, ReleaseRun.choose(settings.release, exit))),
      Effect.zipLeft(writer.drop),
      Effect.map((outcome) => {
        const final = outcome()
        knowledge.enter({ outcome: final })
        knowledge.phase = "released"
        knowledge.publish(HeartbeatStatus.derive(ledger(), knowledge.now()))
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
    knowledge.phase = "releasing"
    const { acknowledged, pending } = ledger().window
    const touched = writer.isInFlight() || acknowledged !== undefined || pending.length > 0
    return touched ? Effect.zipRight(ReleaseRun.run(knowledge, writer, "Disarm"), writer.drop) : Effect.void
  })

  // ---------------------------------------------------------------------------------------------------------------
  // What users see

  const notArmed = (margin: number): HeartbeatError.NotArmed => {
    const at = knowledge.now()
    const status = HeartbeatStatus.derive(ledger(), at)
    const timeLeft = status._tag === "Released" ? 0 : Math.max(0, status.earliestFire - status.at)
    const state = knowledge.phase === "releasing" ? "Released" : status._tag
    return new HeartbeatError.NotArmed({ account, state, timeLeft, margin })
  }

  const beat = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      const { lost } = ledger()
      if (lost !== undefined) return Effect.fail(lost)
      if (knowledge.phase !== "beating") return Effect.fail(notArmed(0))
      if (current !== undefined) return restore(Effect.flatten(Deferred.await(current)))
      // In a fiber of its own: a caller that is interrupted takes nothing from those who share the beat.
      const shared = claim()
      return Effect.flatMap(Effect.forkDaemon(carryOut(shared)), (fiber) => {
        manual = fiber
        return restore(Effect.flatten(Deferred.await(shared)))
      })
    })
  ).pipe(Effect.asVoid)

  const ensureArmed = (options?: { readonly margin?: Duration.DurationInput | undefined }) =>
    Effect.suspend(() => {
      const margin = Duration.toMillis(options?.margin ?? 0)
      const status = knowledge.observe()
      const beating = knowledge.phase === "beating"
      return beating && status._tag === "Armed" && status.earliestFire - status.at > margin
        ? Effect.void
        : Effect.fail(notArmed(margin))
    })

  const awaitLost = Deferred.await(knowledge.lost)

  return {
    account,
    arm,
    start,
    release,
    abandon,
    status: Effect.sync(() => knowledge.observe()),
    changes: Stream.suspend(() => knowledge.changes),
    awaitLost,
    ensureArmed,
    beat,
    reconciled: Effect.sync(() => {
      knowledge.enter({ doubt: false })
      knowledge.observe()
    }),
    guard: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | HeartbeatError.SwitchLost, R> =>
      Effect.raceFirst(effect, awaitLost)
  }
})
