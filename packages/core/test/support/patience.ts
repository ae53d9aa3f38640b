/** The only time bounds in tests of real processes. A busy machine breaks none of them, and none hides a hang. */
import * as Effect from "effect/Effect"

/** Polls until the condition holds. Vitest's `testTimeout` is the only bound; then this logs the unmet condition. */
export const until = <E, R>(
  what: string | (() => string),
  condition: Effect.Effect<boolean, E, R>
): Effect.Effect<void, E, R> =>
  Effect.repeat(Effect.delay(condition, 10), { until: (holds) => holds }).pipe(
    Effect.onInterrupt(() => Effect.logError(`still waited for: ${typeof what === "string" ? what : what()}`)),
    Effect.asVoid
  )

const period = 20
let last = performance.now()
let longest = 0

const lateness = (): number => performance.now() - last - period

setInterval(() => {
  longest = Math.max(longest, lateness())
  last = performance.now()
}, period).unref()

/**
 * A bound (ms) on real time, plus several times the longest stall of this process until now. On an idle machine that
 * adds some tens of ms. On a busy one, other processes stall as this one does.
 */
export const stretched = (millis: number): number => millis + 5 * Math.max(longest, lateness())
