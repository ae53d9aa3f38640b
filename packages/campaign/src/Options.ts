/** The options of the judged heartbeat and of the one before it, with the code of the user that throws. */
import type * as FireWindow from "@effect-deadman/core/FireWindow"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import type * as OpenOrders from "@effect-deadman/core/OpenOrders"
import * as Release from "@effect-deadman/core/Release"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashSet from "effect/HashSet"
import * as Logger from "effect/Logger"
import * as Tracer from "effect/Tracer"
import type { Plan, Throwing } from "./Plan.js"
import type { Recorder } from "./Recorder.js"
import type { Scene } from "./Scene.js"
import * as Venue from "./Venue.js"

const policies: Readonly<Record<Plan["client"]["release"], Release.Policy>> = {
  disarm: Release.disarm,
  letExpire: Release.letExpire,
  cancelOnFailure: Release.cancelOnFailure,
  cancelUnlessDone: Release.cancelUnlessDone,
  "always Disarm": () => "Disarm",
  "always CancelSoon": () => "CancelSoon"
}

/** Throws when the plan says that this code of the user does. */
const demand = ({ throwing }: Plan, what: Throwing): void => {
  if (throwing.includes(what)) throw new Error(`${what} throws`)
}

/** The bounds alone. */
export const timing = ({ client }: Plan): HeartbeatOptions.Options => {
  const { armTimeout, countdown, interval, releaseTimeout, requestTimeout, settle } = client
  return { countdown: countdown * 1_000, interval, requestTimeout, armTimeout, releaseTimeout, settle }
}

export const judged = (
  plan: Plan,
  given: {
    readonly liveness: Effect.Effect<void, unknown> | undefined
    readonly predecessor: FireWindow.Continuity | undefined
    readonly evidence: OpenOrders.OpenOrders["Type"]
    readonly moved: (transition: HeartbeatStatus.Transition) => void
  }
): HeartbeatOptions.Options => {
  const { abandon, onUncertain, release } = plan.client
  const throws = plan.throwing.includes("release")
  return {
    ...timing(plan),
    abandon,
    onUncertain,
    liveness: given.liveness,
    predecessor: given.predecessor,
    ...(plan.evidence === undefined
      ? undefined
      : { evidence: given.evidence, maxStaleness: plan.evidence.maxStaleness }),
    release: throws ? () => (demand(plan, "release"), "LetExpire") : policies[release],
    onTransition: (transition) => {
      given.moved(transition)
      demand(plan, "onTransition")
      return Effect.void
    },
    ...(plan.throwing.includes("onAcknowledged")
      ? { onAcknowledged: () => (demand(plan, "onAcknowledged"), Effect.void) }
      : undefined)
  }
}

/** The scene's open orders, recorded. */
export const evidence = (
  plan: Plan,
  { orders, service }: Scene,
  log: Recorder,
  isOver: () => boolean
): OpenOrders.OpenOrders["Type"] => ({
  account: service.account,
  survivor: (before) => {
    demand(plan, "evidence")
    return Effect.suspend(() => {
      const sentAt = log.now()
      const venueStart = Venue.startOfWorld + plan.clock.venueOffset
      return Effect.onExit(orders.survivor(before), (exit) =>
        Effect.sync(() => {
          if (isOver()) return
          const sighting = Exit.isSuccess(exit) ? exit.value : undefined
          const result = Exit.isFailure(exit) ? "failed" : sighting === undefined ? "nothing" : "listed"
          const createdAt = sighting === undefined ? undefined : sighting.createdAt - venueStart
          log.add({ _tag: "Listed", at: log.now(), sentAt, before: before - venueStart, result, createdAt })
        })
      )
    })
  }
})

const noLoggers = HashSet.empty<Logger.Logger<unknown, void>>()

/** Removes the number of the fiber, because Effect counts fibers through the process and a seed cannot repeat it. */
const withoutFiber = (line: string): string => line.replace(/ fiber=\S+/, "")

export const loggers = (plan: Plan, output: Array<string>): HashSet.HashSet<Logger.Logger<unknown, void>> => {
  if (plan.throwing.includes("logger")) return HashSet.make(Logger.make<unknown, void>(() => demand(plan, "logger")))
  return plan.stack === "port"
    ? noLoggers
    : HashSet.make(Logger.map(Logger.logfmtLogger, (line) => void output.push(withoutFiber(line))))
}

/** A tracer that throws. */
export const tracer = (plan: Plan): Tracer.Tracer =>
  Tracer.make({
    span: () => {
      demand(plan, "tracer")
      throw new Error("unused")
    },
    context: (run) => run()
  })
