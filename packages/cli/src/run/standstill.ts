/** Notices that this process has stood still: SIGSTOP, a debugger, a suspended host, or a machine without any time for it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { performance } from "node:perf_hooks"

const period = 250

/** The shortest standstill that counts, in ms. */
const shortest = 1_000

/** Returns a function that says whether a standstill has just ended. */
export const make: Effect.Effect<() => boolean, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      let last = performance.now()
      let endedAt = -Infinity
      const look = (): void => {
        const now = performance.now()
        if (now - last >= shortest) endedAt = now
        last = now
      }
      const timer = setInterval(look, period)
      const stoodStill = (): boolean => {
        // A signal may be handled before the timer.
        look()
        return last - endedAt < shortest
      }
      return { timer, stoodStill }
    }),
    ({ timer }) => Effect.sync(() => clearInterval(timer))
  ),
  ({ stoodStill }) => stoodStill
)
