/**
 * Reports in the background: state changes, in order, to the log and to `onTransition`; the newest record to
 * `onAcknowledged`. The two reporters do not wait for each other.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FireWindow from "../../FireWindow.js"
import type * as HeartbeatStatus from "../../HeartbeatStatus.js"
import { bounded } from "../bounded.js"
import type { Fork } from "../fork.js"
import type { LiveLedger, Subject } from "./ledger.js"
import { quietly } from "./quietly.js"

/** The longest time that closing the scope waits for the user's hooks after the release, ms. */
const reportBound = 1_000

/** @internal */
export class Reporters {
  private readonly live: LiveLedger
  private readonly fork: Fork
  private readonly running: Record<Subject, Fiber.RuntimeFiber<void> | undefined> = {
    transitions: undefined,
    records: undefined
  }

  constructor(live: LiveLedger, fork: Fork) {
    this.live = live
    this.fork = fork
  }

  /** Starts a reporter on demand, so that no fiber waits while there is nothing to report. */
  report(subject: Subject): void {
    const { running } = this
    if (running[subject] !== undefined) return
    const fiber = this.fork(reporter(this.live, subject, () => (running[subject] = undefined)))
    running[subject] = fiber
    // Also after an interruption from outside, so that the next report starts another fiber.
    fiber.addObserver(() => {
      if (running[subject] === fiber) running[subject] = undefined
    })
  }

  /**
   * Waits for the last reports, so that the user's hooks receive them before the scope is closed, unless a hook takes too
   * long.
   */
  get done(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const fibers = Object.values(this.running).filter((fiber) => fiber !== undefined)
      return fibers.length === 0
        ? Effect.void
        : Effect.zipRight(
            bounded(Effect.asVoid(Fiber.awaitAll(fibers)), reportBound, () => Effect.void),
            Fiber.interruptAllAs(fibers, FiberId.none).pipe(Effect.forkDaemon)
          )
    })
  }
}

/** Reports until nothing is left. Calls `done` in the same step that finds nothing more. */
const reporter = (live: LiveLedger, subject: Subject, done: () => void): Effect.Effect<void> => {
  const next = subject === "transitions" ? transition : record
  return Effect.gen(function* () {
    for (;;) {
      const reported = next(live)
      if (reported === undefined) return done()
      yield* reported
    }
  }).pipe(Effect.annotateLogs({ account: live.ledger.account, module: "Heartbeat" }))
}

const transition = (live: LiveLedger): Effect.Effect<void> | undefined => {
  const { onTransition } = live.settings
  const next = live.unreported.shift()
  if (next === undefined) return undefined
  const line = quietly(Effect.suspend(() => report(live, next)))
  return onTransition === undefined
    ? line
    : Effect.zipRight(
        line,
        hook("onTransition", () => onTransition(next))
      )
}

const record = (live: LiveLedger): Effect.Effect<void> | undefined => {
  const { onAcknowledged } = live.settings
  const next = live.record
  live.record = undefined
  return next === undefined || onAcknowledged === undefined
    ? undefined
    : hook("onAcknowledged", () => onAcknowledged(next))
}

const hook = (name: string, run: () => Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
  quietly(Effect.catchAllCause(Effect.suspend(run), (cause) => Effect.logError(`${name} failed`, cause)))

const report = (live: LiveLedger, { provenBy, to }: HeartbeatStatus.Transition): Effect.Effect<void> => {
  const { cause, window } = live.ledger
  switch (to._tag) {
    case "Armed":
      return Effect.logInfo(
        provenBy === "sighting"
          ? "the switch is armed, and it held: an order from before it could fire is still open"
          : "the switch is armed again"
      )
    case "Jeopardy": {
      const left = ((to.earliestFire - to.at) / 1_000).toFixed(1)
      return Effect.logWarning(
        `the switch is in jeopardy, ${left} s left: ${to.cause?.message ?? "wall and monotonic time disagree"}`
      )
    }
    case "MayHaveFired": {
      if (live.phase === "beating" && FireWindow.mayBeOff(window)) {
        const left = (FireWindow.unresolvedFor(window, live.now(), "off") / 1_000).toFixed(1)
        return Effect.logWarning(
          `not surely armed before a beat in ${left} s: until then an unresolved "0" of an earlier heartbeat may arrive`
        )
      }
      if (window.gap?.confirmed === false) {
        return Effect.logWarning(
          "the stamps of an answer contradict the clocks of this host: the next beat decides whether the switch held"
        )
      }
      return Effect.logError("the switch may have fired: orders may be gone. Compare the book with the exchange")
    }
    case "Fired":
      return Effect.logError("the switch has fired: orders are gone. Compare the book with the exchange")
    case "Released": {
      const { outcome } = to
      if (outcome._tag === "DisarmUnconfirmed") {
        const last = cause === undefined ? "" : `. Last failure: ${cause.message}`
        // The order of layers is the usual reason for a `0` that is never sent.
        const order =
          cause?._tag === "TransportFailure"
            ? " If the HTTP client was closed before the heartbeat: provide it outside of the heartbeat's scope " +
              "(`program.pipe(Effect.scoped, Effect.provide(client))`)."
            : ""
        return Effect.logWarning(
          `released, but the disarm is unconfirmed: it may fire until ${instant(outcome.until)}${last}${order}`
        )
      }
      if (outcome._tag === "Disarmed") return Effect.logInfo("released: Disarmed")
      const off = outcome.mayBeOff ? `, unless an unresolved "0" closes the switch first` : ""
      return Effect.logInfo(
        `released: ${outcome._tag}, the exchange cancels all orders by ${instant(outcome.latestFire)}${off}`
      )
    }
  }
}

// The client of another exchange may have no bound.
const instant = (millis: number): string =>
  Number.isFinite(millis) ? new Date(millis).toISOString() : "an unknown time"
