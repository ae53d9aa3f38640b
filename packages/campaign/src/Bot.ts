/** The real client on its own host, from the acquisition to the end of its scope. Records its claims. */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import type * as FireWindow from "@effect-deadman/core/FireWindow"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatError from "@effect-deadman/core/HeartbeatError"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import type * as OpenOrders from "@effect-deadman/core/OpenOrders"
import * as Release from "@effect-deadman/core/Release"
import * as VirtualTime from "@effect-deadman/virtual-time"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import { inspect } from "node:util"
import type * as Log from "./Log.js"
import type { Plan } from "./Plan.js"
import type { Recorder } from "./Recorder.js"
import type { Scene, Schedule } from "./Scene.js"
import * as Venue from "./Venue.js"

export interface Bot {
  /** Ends when the bot's scope has closed. */
  readonly fiber: Fiber.RuntimeFiber<void, unknown>
  /** Records what the client claims now: `status`, or the state that it reported last. */
  readonly look: () => void
  /** Records `status`. */
  readonly read: () => void
  /** Starts a manual beat; absent while there is no heartbeat. */
  readonly beat: () => Fiber.RuntimeFiber<void, unknown> | undefined
  readonly reconcile: () => void
  /** Lets the liveness check fail from now on, or pass again. */
  readonly setAlive: (alive: boolean) => void
  /** The host stops, or continues. Nothing is observed in between. */
  readonly stop: () => void
  readonly goOn: () => void
  /** The host is dead and claims nothing any more. */
  readonly crashed: () => void
  readonly close: (exit: Exit.Exit<void, string>) => void
}

const policies: Readonly<Record<Plan["client"]["release"], Release.Policy>> = {
  disarm: Release.disarm,
  letExpire: Release.letExpire,
  cancelOnFailure: Release.cancelOnFailure,
  cancelUnlessDone: Release.cancelUnlessDone,
  "always Disarm": () => "Disarm",
  "always CancelSoon": () => "CancelSoon"
}

const noLoggers = HashSet.empty<Logger.Logger<unknown, void>>()

/** Removes the number of the fiber, because Effect counts fibers through the process and a seed cannot repeat it. */
const withoutFiber = (line: string): string => line.replace(/ fiber=\S+/, "")

type Edges = Pick<Log.Claim, "earliest" | "latest" | "lost">

/** Monotonic time in ms. */
const monotonic = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos() / 1_000n) / 1_000

/** Starts the bot in its party. `held` has the accounts of its process, `output` collects its text. */
export const make = (options: {
  readonly plan: Plan
  readonly log: Recorder
  readonly scene: Scene
  readonly schedule: Schedule
  readonly held: Set<string>
  readonly output: Array<string>
}): Effect.Effect<Bot, never, VirtualTime.VirtualTime> =>
  Effect.gen(function* () {
    const { held, log, output, plan, scene, schedule } = options
    const closing = Deferred.unsafeMake<void, string>(FiberId.none)
    let heartbeat: Heartbeat.Heartbeat | undefined
    let runtime: Runtime.Runtime<never> | undefined
    let clock: Clock.Clock | undefined
    let alive = true
    let stops = 0
    let over = false
    let reported: Log.Claim["state"] = "Armed"

    const none = { earliest: undefined, latest: undefined, lost: undefined }
    const add = (
      how: Log.Claim["how"],
      state: Log.Claim["state"],
      late = 0,
      rest: Edges = none,
      provenBy?: HeartbeatStatus.Transition["provenBy"]
    ): void =>
      log.add({ _tag: "Claim", at: log.now() - late, how, state, ...rest, provenBy, venueArmed: scene.armed() })

    const claim = (
      status: HeartbeatStatus.Status,
      how: "reported" | "read",
      late: number,
      provenBy?: HeartbeatStatus.Transition["provenBy"]
    ): void => {
      if (status._tag === "Released") return
      const { at, earliestFire, latestFire, lost } = status
      const edges = { earliest: earliestFire - at, latest: latestFire - at, lost: lost?.reason }
      add(how, status._tag, late, edges, provenBy)
    }

    const observable = (): boolean => heartbeat !== undefined && stops === 0 && !over

    const read = (): void => {
      if (observable()) claim(Effect.runSync(heartbeat!.status), "read", 0)
    }

    const look = (): void => {
      if (plan.client.read) read()
      else if (observable()) add("standing", reported)
    }

    /** Records claims at the instants at which the exchange fires, and soon after. */
    let wasArmed = false
    const watch = (): void => {
      if (over) return
      const left = scene.firesIn()
      if (wasArmed && left === undefined) {
        look()
        schedule(20, look)
        schedule(1_150, look)
      }
      wasArmed = left !== undefined
      schedule(left === undefined ? 2_500 : Math.max(1, left), watch)
    }

    /** The scene's open orders, recorded. */
    const evidence: OpenOrders.OpenOrders["Type"] = {
      account: scene.service.account,
      survivor: (before) =>
        Effect.suspend(() => {
          const sentAt = log.now()
          const venueStart = Venue.startOfWorld + plan.clock.venueOffset
          return Effect.onExit(scene.orders.survivor(before), (exit) =>
            Effect.sync(() => {
              if (over) return
              const sighting = Exit.isSuccess(exit) ? exit.value : undefined
              const result = Exit.isFailure(exit) ? "failed" : sighting === undefined ? "nothing" : "listed"
              const createdAt = sighting === undefined ? undefined : sighting.createdAt - venueStart
              log.add({ _tag: "Listed", at: log.now(), sentAt, before: before - venueStart, result, createdAt })
            })
          )
        })
    }

    const { abandon, armTimeout, countdown, interval, onUncertain, release, releaseTimeout, requestTimeout, settle } =
      plan.client
    const timing = { countdown: countdown * 1_000, interval, requestTimeout, armTimeout, releaseTimeout, settle }
    const settings = {
      ...timing,
      release: policies[release],
      abandon,
      onUncertain,
      liveness: plan.client.liveness
        ? Effect.suspend(() => (alive ? Effect.void : Effect.fail("the loop hangs")))
        : undefined,
      ...(plan.evidence === undefined ? undefined : { evidence, maxStaleness: plan.evidence.maxStaleness }),
      onTransition: ({ provenBy, to }: HeartbeatStatus.Transition) =>
        Effect.sync(() => {
          reported = to._tag
          if (plan.stack === "http") output.push(inspect(to, { depth: 8 }))
          if (to._tag !== "Released") {
            claim(to, "reported", clock === undefined ? 0 : clock.unsafeCurrentTimeMillis() - to.at, provenBy)
          }
        })
    }

    const noteClosing = (phase: "begun" | "ended") =>
      log.add({ _tag: "Closing", at: log.now(), phase, mono: clock === undefined ? 0 : monotonic(clock) })

    const acquired = (
      exit: Exit.Exit<Heartbeat.Heartbeat, { readonly _tag: string; readonly code?: unknown }>
    ): void => {
      if (Exit.isSuccess(exit)) {
        heartbeat = exit.value
        log.add({ _tag: "Acquired", at: log.now(), result: "armed", failure: undefined, code: undefined })
        watch()
        return
      }
      if (plan.stack === "http") output.push(inspect(exit.cause, { depth: 8 }), Cause.pretty(exit.cause))
      const failure = Option.getOrUndefined(Cause.failureOption(exit.cause))
      log.add({
        _tag: "Acquired",
        at: log.now(),
        result: failure === undefined ? "interrupted" : "failed",
        failure: failure?._tag,
        code: typeof failure?.code === "string" ? failure.code : undefined
      })
    }

    const lost = ({ reason }: HeartbeatError.SwitchLost) =>
      Effect.sync(() => {
        if (!over) log.add({ _tag: "Lost", at: log.now(), reason })
      })

    const ended = (): void => {
      over = true
      noteClosing("ended")
      if (heartbeat === undefined) return
      const status = Effect.runSync(heartbeat.status)
      if (status._tag !== "Released") return
      const { at, outcome } = status
      log.add({
        _tag: "Outcome",
        at: log.now(),
        outcome: outcome._tag,
        earliest: "earliestFire" in outcome ? outcome.earliestFire - at : undefined,
        latest: "until" in outcome ? outcome.until - at : "latestFire" in outcome ? outcome.latestFire - at : undefined
      })
    }

    /** The record that the heartbeat before leaves. */
    let record: FireWindow.Continuity | undefined
    const onAcknowledged = (next: FireWindow.Continuity) =>
      Effect.sync(() => {
        record = next
        log.add({ _tag: "Deed", at: log.now(), what: "record", length: undefined })
      })

    /** The heartbeat before the judged one. Only its own bounds end it. */
    const predecessor = ({ gap, lives }: NonNullable<Plan["predecessor"]>) =>
      Effect.gen(function* () {
        log.before = true
        const options = plan.evidence === undefined ? timing : { ...timing, onAcknowledged }
        yield* Effect.ignore(Effect.scoped(Effect.zipRight(Heartbeat.make(options), Effect.sleep(lives))))
        log.before = false
        yield* Effect.sleep(gap)
      }).pipe(Effect.uninterruptible)

    const life = Effect.gen(function* () {
      clock = yield* Effect.clock
      runtime = yield* Effect.runtime<never>()
      if (plan.predecessor !== undefined) yield* predecessor(plan.predecessor)
      yield* Effect.scoped(
        Effect.flatMap(
          Effect.onExit(Heartbeat.make({ ...settings, predecessor: record }), (exit) =>
            Effect.sync(() => acquired(exit))
          ),
          ({ awaitLost }) =>
            Effect.zipRight(
              Effect.forkScoped(Effect.interruptible(Effect.catchAll(awaitLost, lost))),
              Effect.ensuring(
                Deferred.await(closing),
                Effect.sync(() => noteClosing("begun"))
              )
            )
        )
      )
    }).pipe(
      Effect.onExit(() => Effect.sync(ended)),
      Effect.provideService(CountdownCancelAll.CountdownCancelAll, scene.service),
      Effect.provideService(Heartbeat.AccountsInUse, held),
      Effect.locally(
        FiberRef.currentLoggers,
        plan.stack === "port"
          ? noLoggers
          : HashSet.make(Logger.map(Logger.logfmtLogger, (line) => void output.push(withoutFiber(line))))
      )
    )

    return {
      fiber: yield* Effect.forkDaemon(VirtualTime.withParty(life, "bot")),
      look,
      read,
      beat: () =>
        heartbeat === undefined || runtime === undefined || over
          ? undefined
          : Runtime.runFork(runtime, heartbeat.beat, { immediate: false }),
      reconcile: () => {
        if (heartbeat === undefined || stops > 0) return
        const status = Effect.runSync(heartbeat.status)
        if (status._tag === "Released" || status.lastAcknowledged === undefined) return
        const marked = Effect.runSync(Effect.either(heartbeat.markReconciled(status.lastAcknowledged)))
        if (status._tag === "MayHaveFired" && marked._tag === "Right") {
          log.add({ _tag: "Deed", at: log.now(), what: "reconciled", length: undefined })
        }
      },
      setAlive: (yes) => {
        alive = yes
      },
      stop: () => {
        stops++
      },
      goOn: () => {
        stops--
        look()
      },
      crashed: () => {
        over = true
      },
      close: (exit) => Deferred.unsafeDone(closing, exit)
    }
  })
