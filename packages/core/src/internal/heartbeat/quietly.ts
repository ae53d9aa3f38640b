/**
 * Runs what must not stop the work around it: a line of the log, a span. A logger or tracer that throws costs that only.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

/** @internal */
export const quietly = <R>(effect: Effect.Effect<unknown, unknown, R>): Effect.Effect<void, never, R> =>
  Effect.catchAllCause(Effect.asVoid(effect), () => Effect.void)
