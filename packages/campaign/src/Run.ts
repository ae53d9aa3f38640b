/** Runs one plan: the real client on a host of its own, the exchange around it, and all that the plan does to them. */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatError from "@effect-deadman/core/HeartbeatError"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as Release from "@effect-deadman/core/Release"
import * as VirtualTime from "@effect-deadman/virtual-time"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import { inspect } from "node:util"
import * as Http from "./FullStack.js"
import type * as Log from "./Log.js"
import type { Deed, Plan } from "./Plan.js"
import * as Port from "./PortOnly.js"
import * as Recorder from "./Recorder.js"
import type { Scene, SceneEnd } from "./Scene.js"

/** A request signed 30 s ago is refused: what is under way longer than that changes nothing. */
const drainMillis = 31_500
/** A service that does not hear of interruptions gives up after 45 s. */
const deafMillis = 46_000
/** Effect numbers fibers through the process, so the numbers are no part of what a seed repeats. */
const withoutFiber = (line: string): string => line.replace(/ fiber=\S+/, "")

/** A little later than an instant: everything that it set going has run. */
const justAfter = 0.001

const noLoggers = HashSet.empty<Logger.Logger<unknown, void>>()

const policies: Readonly<Record<Plan["client"]["release"], Release.Policy>> = {
  disarm: Release.disarm,
  letExpire: Release.letExpire,
  cancelOnFailure: Release.cancelOnFailure,
  cancelUnlessDone: Release.cancelUnlessDone,
  "always Disarm": () => "Disarm",
  "always CancelSoon": () => "CancelSoon"
}

const hand = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos() / 1_000n) / 1_000

export const run = (plan: Plan): Log.Log => {
  let recorder: Recorder.Recorder | undefined
  let end: SceneEnd | undefined
  let outstanding = 0
  let open = 0
  let crashed = false
  const held = new Set<string>()
  const output: Array<string> = []

  const program = Effect.gen(function* () {
    const time = yield* VirtualTime.VirtualTime
    const log = (recorder = Recorder.make(time.unsafeElapsed))
    const party = yield* time.party("bot")
    if (plan.clock.wallOffset !== 0) yield* party.stepWall(plan.clock.wallOffset)
    if (plan.clock.rate !== 1) yield* Effect.orDie(party.setRate(plan.clock.rate))
    const schedule = (millis: number, run: () => void): void => {
      outstanding++
      time.unsafeSchedule(millis, () => {
        outstanding--
        run()
      })
    }
    const scene: Scene = plan.stack === "port" ? Port.make(plan, schedule, log) : yield* Http.make(plan, log, output)
    const close = Deferred.unsafeMake<void, string>(FiberId.none)
    let heartbeat: Heartbeat.Heartbeat | undefined
    let runtime: Runtime.Runtime<never> | undefined
    let alive = true
    let stops = 0
    let closed = false
    let standing: Log.Claim["state"] = "Armed"

    // -----------------------------------------------------------------------------------------------------------------
    // What the client says

    const claim = (status: HeartbeatStatus.Status, how: "told" | "read", late: number): void => {
      if (status._tag === "Released") return
      const { at, earliestFire, latestFire, lost } = status
      log.add({
        _tag: "Claim",
        at: log.now() - late,
        how,
        state: status._tag,
        earliest: earliestFire - at,
        latest: latestFire - at,
        lost: lost?.reason,
        venueArmed: scene.armed()
      })
    }

    const read = (): void => {
      if (heartbeat === undefined || stops > 0 || crashed || closed) return
      const status = Effect.runSync(heartbeat.status)
      claim(status, "read", 0)
    }

    const look = (): void => {
      if (plan.client.read) return read()
      if (heartbeat === undefined || stops > 0 || crashed || closed) return
      log.add({
        _tag: "Claim",
        at: log.now(),
        how: "standing",
        state: standing,
        earliest: undefined,
        latest: undefined,
        lost: undefined,
        venueArmed: scene.armed()
      })
    }

    /** Looks at the very instants at which the exchange fires, and soon after. */
    let wasArmed = false
    const watch = (): void => {
      if (closed || crashed) return
      const left = scene.firesIn()
      if (wasArmed && left === undefined) {
        look()
        schedule(20, look)
        schedule(1_150, look)
      }
      wasArmed = left !== undefined
      schedule(left === undefined ? 2_500 : Math.max(1, left), watch)
    }

    // -----------------------------------------------------------------------------------------------------------------
    // The life of the bot

    const { client } = plan
    const options = {
      countdown: client.countdown * 1_000,
      interval: client.interval,
      requestTimeout: client.requestTimeout,
      armTimeout: client.armTimeout,
      releaseTimeout: client.releaseTimeout,
      settle: client.settle,
      release: policies[client.release],
      abandon: client.abandon,
      onUncertain: client.onUncertain,
      liveness: client.liveness
        ? Effect.suspend(() => (alive ? Effect.void : Effect.fail("the loop hangs")))
        : undefined,
      onTransition: ({ to }: HeartbeatStatus.Transition) =>
        Effect.sync(() => {
          standing = to._tag
          if (plan.stack === "http") output.push(inspect(to, { depth: 8 }))
          if (to._tag !== "Released")
            claim(to, "told", hosts === undefined ? 0 : hosts.unsafeCurrentTimeMillis() - to.at)
        })
    }
    let hosts: Clock.Clock | undefined

    const closing = (phase: "begun" | "ended") =>
      log.add({ _tag: "Closing", at: log.now(), phase, mono: hosts === undefined ? 0 : hand(hosts) })

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
        if (!closed) log.add({ _tag: "Lost", at: log.now(), reason })
      })

    const outcome = (): void => {
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

    /** Nothing that is done to the bot ends it, but its own bounds. */
    const before = ({ gap, lives }: NonNullable<Plan["predecessor"]>) =>
      Effect.gen(function* () {
        log.before = true
        const { countdown, interval, requestTimeout, armTimeout, releaseTimeout, settle } = options
        const own = { countdown, interval, requestTimeout, armTimeout, releaseTimeout, settle }
        yield* Effect.ignore(Effect.scoped(Effect.zipRight(Heartbeat.make(own), Effect.sleep(lives))))
        log.before = false
        yield* Effect.sleep(gap)
      }).pipe(Effect.uninterruptible)

    const life = Effect.gen(function* () {
      hosts = yield* Effect.clock
      runtime = yield* Effect.runtime<never>()
      if (plan.predecessor !== undefined) yield* before(plan.predecessor)
      yield* Effect.scoped(
        Effect.flatMap(
          Effect.onExit(Heartbeat.make(options), (exit) => Effect.sync(() => acquired(exit))),
          ({ awaitLost }) =>
            Effect.zipRight(
              Effect.forkScoped(Effect.interruptible(Effect.catchAll(awaitLost, lost))),
              Effect.ensuring(
                Deferred.await(close),
                Effect.sync(() => closing("begun"))
              )
            )
        )
      )
    }).pipe(
      Effect.onExit(() =>
        Effect.sync(() => {
          closed = true
          closing("ended")
          outcome()
        })
      ),
      Effect.provideService(CountdownCancelAll.CountdownCancelAll, scene.service),
      Effect.provideService(Heartbeat.AccountsInUse, held),
      Effect.locally(
        FiberRef.currentLoggers,
        plan.stack === "port"
          ? noLoggers
          : HashSet.make(Logger.map(Logger.logfmtLogger, (line) => void output.push(withoutFiber(line))))
      )
    )
    const bot = yield* Effect.forkDaemon(VirtualTime.withParty(life, "bot"))

    // -----------------------------------------------------------------------------------------------------------------
    // What is done to it

    const beat = (): Fiber.RuntimeFiber<void, unknown> | undefined =>
      heartbeat === undefined || runtime === undefined || closed || crashed
        ? undefined
        : Runtime.runFork(runtime, heartbeat.beat, { immediate: false })

    const doIt = (deed: Deed): void => {
      if (crashed && deed.do !== "place" && deed.do !== "other-client") return
      log.add({ _tag: "Deed", at: log.now(), what: deed.do, length: "length" in deed ? deed.length : undefined })
      switch (deed.do) {
        case "place":
          return scene.place("own")
        case "other-client":
          return scene.otherClient(deed.seconds)
        case "heal":
          return scene.heal()
        case "look":
          return look()
        case "verdict":
          return read()
        case "beat":
          return void beat()
        case "interrupted-beat": {
          const fiber = beat()
          if (fiber !== undefined) schedule(deed.length, () => fiber.unsafeInterruptAsFork(FiberId.none))
          return
        }
        case "reconcile": {
          if (heartbeat === undefined || stops > 0) return
          const status = Effect.runSync(heartbeat.status)
          if (status._tag === "Released" || status.lastAcknowledged === undefined) return
          const marked = Effect.runSync(Effect.either(heartbeat.markReconciled(status.lastAcknowledged)))
          if (status._tag === "MayHaveFired" && marked._tag === "Right") {
            log.add({ _tag: "Deed", at: log.now(), what: "reconciled", length: undefined })
          }
          return
        }
        case "suspend":
        case "stall": {
          Effect.runSync(deed.do === "suspend" ? party.suspendFor(deed.length) : party.stallFor(deed.length))
          stops++
          schedule(deed.length + justAfter, () => {
            stops--
            look()
          })
          return
        }
        case "lapse":
          alive = false
          schedule(deed.length, () => {
            alive = true
          })
          return
        case "step-wall":
          Effect.runSync(party.stepWall(deed.by))
          return look()
        case "crash":
          crashed = true
          Effect.runSync(party.crash)
          return schedule(drainMillis, drained)
        case "close": {
          const { how, interruptedAfter } = deed
          if (how === "interruption") bot.unsafeInterruptAsFork(FiberId.none)
          else Deferred.unsafeDone(close, how === "success" ? Exit.void : Exit.fail("the bot failed"))
          if (interruptedAfter !== undefined) {
            schedule(interruptedAfter, () => bot.unsafeInterruptAsFork(FiberId.none))
          }
        }
      }
    }
    const lastDeed = plan.deeds.reduce(
      (last, deed) => Math.max(last, deed.at + ("length" in deed ? deed.length : 0)),
      0
    )
    for (const deed of plan.deeds) schedule(deed.at, () => doIt(deed))
    if (plan.client.read && plan.stack === "port") log.onEnd = () => schedule(justAfter, look)

    // -----------------------------------------------------------------------------------------------------------------
    // The end

    let leave: ((exit: Effect.Effect<void, string>) => void) | undefined
    let cancelLongest: (() => void) | undefined
    /** Nothing is under way any more; the exchange still fires what runs. */
    const drained = (): void => {
      const left = Math.max(lastDeed + 1 - log.now(), scene.firesIn() ?? 0)
      if (left > 0) return schedule(left + 1_000, drained)
      open = scene.open()
      cancelLongest?.()
      leave?.(Effect.void)
    }
    bot.addObserver(() => schedule(plan.client.deaf ? deafMillis : drainMillis, drained))
    yield* Effect.async<void, string>((resume) => {
      leave = resume
      const longest = lastDeed + 2 * plan.client.armTimeout + 4 * plan.client.releaseTimeout + 400_000
      cancelLongest = time.unsafeSchedule(longest, () => resume(Effect.fail("the scope never closed")))
    }).pipe(Effect.ensuring(Effect.sync(() => void (end = scene.finish()))))
  }).pipe(Effect.scoped)

  const outcome = VirtualTime.run(program, {
    seed: plan.seed,
    start: Port.startOfWorld,
    instants: plan.ties.instants,
    parties: plan.ties.parties,
    maxTime: "1 hour",
    maxSteps: 200_000
  })
  const { exit, leftover } = outcome
  return {
    entries: recorder?.entries ?? [],
    end: outcome.now - Port.startOfWorld,
    leftover: crashed
      ? undefined
      : { fibers: leftover.fibers, timers: leftover.timers - outstanding, held: held.size, requests: open },
    defect: Exit.isSuccess(exit) ? undefined : Cause.pretty(exit.cause),
    output: end?.output,
    secrets: end?.secrets ?? [],
    replay: end?.replay,
    trace: outcome.trace,
    timeline: end?.timeline
  }
}
