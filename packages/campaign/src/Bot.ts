/** The real client on its own host, from the acquisition to the end of its scope. Records its claims. */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import type * as FireWindow from "@effect-deadman/core/FireWindow"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatError from "@effect-deadman/core/HeartbeatError"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as VirtualTime from "@effect-deadman/virtual-time"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import { identity } from "effect/Function"
import * as Runtime from "effect/Runtime"
import { inspect } from "node:util"
import * as Alive from "./Alive.js"
import * as Before from "./Before.js"
import * as Dying from "./Dying.js"
import type * as Log from "./Log.js"
import * as Options from "./Options.js"
import type { Plan } from "./Plan.js"
import type { Recorder } from "./Recorder.js"
import type { Scene, Schedule } from "./Scene.js"
import * as Users from "./Users.js"

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
    let dying: Dying.DyingClock | undefined
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
      // A clock that throws leaves the instant of its last reading.
      if (dying?.hasThrown === true && Math.abs(clock!.unsafeCurrentTimeMillis() - at) > 5) return
      const edges = { earliest: earliestFire - at, latest: latestFire - at, lost: lost?.reason }
      add(how, status._tag, late, edges, provenBy)
    }

    const observable = (): boolean => heartbeat !== undefined && stops === 0 && !over

    /** Absent without a heartbeat, and when its clock throws. */
    const statusNow = (): HeartbeatStatus.Status | undefined => {
      if (heartbeat === undefined) return undefined
      const exit = Effect.runSyncExit(heartbeat.status)
      return Exit.isSuccess(exit) ? exit.value : undefined
    }

    const read = (): void => {
      const status = observable() ? statusNow() : undefined
      if (status !== undefined) claim(status, "read", 0)
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

    /** A user that shares the heartbeat receives it only after its first reports. */
    const early: Array<HeartbeatStatus.Transition> = []
    const moved = (transition: HeartbeatStatus.Transition): void => {
      if (heartbeat === undefined) return void early.push(transition)
      const { provenBy, to } = transition
      reported = to._tag
      if (plan.stack === "http") output.push(inspect(to, { depth: 8 }))
      if (to._tag !== "Released") {
        claim(to, "reported", clock === undefined ? 0 : clock.unsafeCurrentTimeMillis() - to.at, provenBy)
      }
    }

    const noteClosing = (phase: "begun" | "ended") =>
      log.add({ _tag: "Closing", at: log.now(), phase, mono: clock === undefined ? 0 : monotonic(clock) })

    const acquired = (exit: Exit.Exit<Heartbeat.Heartbeat, unknown>): void => {
      if (Exit.isSuccess(exit)) {
        heartbeat = exit.value
        log.add({ _tag: "Acquired", at: log.now(), result: "armed", failure: undefined, code: undefined })
        for (const transition of early) moved(transition)
        watch()
        if (runtime !== undefined) {
          Runtime.runFork(runtime, Effect.catchAll(heartbeat.awaitLost, lost), { immediate: false })
        }
        return
      }
      if (plan.stack === "http") output.push(inspect(exit.cause, { depth: 8 }), Cause.pretty(exit.cause))
      const isInterrupted = Cause.isInterruptedOnly(exit.cause)
      const failure = Cause.squash(exit.cause) as { readonly _tag?: string; readonly code?: unknown }
      log.add({
        _tag: "Acquired",
        at: log.now(),
        result: isInterrupted ? "interrupted" : "failed",
        failure: isInterrupted ? undefined : (failure._tag ?? "Defect"),
        code: typeof failure.code === "string" ? failure.code : undefined
      })
    }

    const lost = ({ reason }: HeartbeatError.SwitchLost) =>
      Effect.sync(() => {
        if (!over && reason !== "Released") log.add({ _tag: "Lost", at: log.now(), reason })
      })

    const ended = (): void => {
      over = true
      noteClosing("ended")
      const status = statusNow()
      if (status?._tag !== "Released") return
      const { at, outcome } = status
      log.add({
        _tag: "Outcome",
        at: log.now(),
        outcome: outcome._tag,
        earliest: "earliestFire" in outcome ? outcome.earliestFire - at : undefined,
        latest: "until" in outcome ? outcome.until - at : "latestFire" in outcome ? outcome.latestFire - at : undefined
      })
    }

    const evidence = Options.evidence(plan, scene, log, () => over)
    const hooks: Users.Hooks = { acquired, closing: () => noteClosing("begun") }
    const stay = Deferred.await(closing)

    /** The heartbeat before, and the judged one with its users. */
    const lives = (
      sleep: (millis: number) => Effect.Effect<void>,
      liveness: Effect.Effect<void, unknown> | undefined
    ) =>
      Effect.gen(function* () {
        runtime = yield* Effect.runtime<never>()
        const { predecessor, sharers } = plan
        const timing = Options.timing(plan)
        const judged = (record?: FireWindow.Continuity) =>
          Options.judged(plan, { liveness, predecessor: record, evidence, moved })
        if (sharers !== undefined) {
          dying?.count()
          return yield* Users.shared({ plan, sharers, heartbeat: judged(), before: timing, stay, hooks, log, sleep })
        }
        let record: FireWindow.Continuity | undefined
        const onAcknowledged = (next: FireWindow.Continuity) =>
          Effect.sync(() => {
            record = next
            log.deed("record")
          })
        if (predecessor !== undefined) {
          const before = plan.evidence === undefined ? timing : { ...timing, onAcknowledged }
          yield* Before.run({ predecessor, heartbeat: before, log, sleep, clock: dying })
        }
        dying?.count()
        yield* Users.alone(Heartbeat.make(judged(record)), stay, hooks)
      })

    const life = Effect.gen(function* () {
      const host = yield* Effect.clock
      clock = host
      const sleep = (millis: number) => host.sleep(Duration.millis(millis))
      const liveness = yield* Alive.make(plan, log, host, () => alive)
      const dies = plan.clockDies !== undefined || plan.predecessor?.ends === "clock dies"
      dying = dies ? new Dying.DyingClock(host, plan.clockDies, log) : undefined
      const all = lives(sleep, liveness)
      yield* dying === undefined ? all : Effect.withClock(all, dying)
    }).pipe(
      Effect.scoped,
      Effect.onExit(() => Effect.sync(ended)),
      Effect.provideService(CountdownCancelAll.CountdownCancelAll, Dying.port(scene.service, plan, log)),
      Effect.provideService(Heartbeat.AccountsInUse, held),
      Effect.locally(FiberRef.currentLoggers, Options.loggers(plan, output)),
      plan.throwing.includes("tracer") ? Effect.withTracer(Options.tracer(plan)) : identity
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
        const status = stops > 0 ? undefined : statusNow()
        if (status === undefined || status._tag === "Released" || status.lastAcknowledged === undefined) return
        const marked = Effect.runSyncExit(heartbeat!.markReconciled(status.lastAcknowledged))
        if (status._tag === "MayHaveFired" && Exit.isSuccess(marked)) {
          log.deed("reconciled")
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
