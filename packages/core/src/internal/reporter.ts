/**
 * Tells of the changes of state, in order and beside the heartbeat: in the log, and to the user's hook.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as FireWindow from "../FireWindow.js"
import type * as HeartbeatStatus from "../HeartbeatStatus.js"
import type { Knowledge } from "./knowledge.js"

/**
 * Tells of what is untold. `done` is called in the very step that finds nothing more.
 *
 * @internal
 */
export const reporter = (knowledge: Knowledge, done: () => void): Effect.Effect<void> => {
  const { onTransition } = knowledge.settings
  return Effect.gen(function* () {
    for (;;) {
      const transition = knowledge.untold.shift()
      if (transition === undefined) return done()
      yield* survived(() => report(knowledge, transition))
      if (onTransition !== undefined) {
        yield* survived(() =>
          Effect.catchAllCause(
            Effect.suspend(() => onTransition(transition)),
            (cause) => Effect.logError("onTransition failed", cause)
          )
        )
      }
    }
  }).pipe(Effect.annotateLogs({ account: knowledge.ledger.account, module: "Heartbeat" }))
}

/** A logger that throws takes a line, and neither the hook nor the lines after it. */
const survived = (telling: () => Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchAllCause(Effect.suspend(telling), () => Effect.void)

const report = (knowledge: Knowledge, { to }: HeartbeatStatus.Transition): Effect.Effect<void> => {
  switch (to._tag) {
    case "Armed":
      return Effect.logInfo("the switch is armed again")
    case "Jeopardy": {
      const left = ((to.earliestFire - to.at) / 1_000).toFixed(1)
      return Effect.logWarning(
        `the switch is in jeopardy, ${left} s left: ${to.cause?.message ?? "clock hands disagree"}`
      )
    }
    case "MayHaveFired": {
      const { window } = knowledge.ledger
      if (knowledge.phase === "beating" && FireWindow.mayBeOff(window)) {
        const left = (FireWindow.strayFor(window, knowledge.now(), "off") / 1_000).toFixed(1)
        return Effect.logWarning(`not surely armed before a beat in ${left} s: until then a "0" of before may arrive`)
      }
      return Effect.logError("the switch may have fired: orders may be gone")
    }
    case "Fired":
      return Effect.logError("the switch has fired: orders are gone")
    case "Released":
      return to.outcome._tag === "DisarmUnconfirmed"
        ? Effect.logWarning(`released, but the disarm is unconfirmed: it may fire ${until(to.outcome.until)}`)
        : Effect.logInfo(`released: ${to.outcome._tag}`)
  }
}

// The client of another venue may know no bound.
const until = (millis: number): string =>
  Number.isFinite(millis) ? `until ${new Date(millis).toISOString()}` : "at any time"
