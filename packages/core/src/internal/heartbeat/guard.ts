/**
 * Runs an effect for as long as the switch protects it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { SwitchLost } from "../../HeartbeatError.js"
import { bounded } from "../bounded.js"
import type { Knowledge } from "./ledger.js"

/**
 * Starts nothing when the switch is lost, released or past its earliest fire. When it is lost meanwhile, interrupts the
 * effect, waits at most `guardGrace` for its clean-up, and fails.
 *
 * @internal
 */
export const guard = <A, E, R>(
  knowledge: Knowledge,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SwitchLost, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend((): Effect.Effect<A, E | SwitchLost, R> => {
      const unprotected = knowledge.unprotected()
      if (unprotected !== undefined) return Effect.fail(unprotected)
      // As a value: Effect logs each daemon that ends in a failure as an unhandled one.
      return Effect.flatMap(Effect.forkDaemon(Effect.exit(restore(effect))), (guarded) => {
        const ended = Effect.map(Fiber.await(guarded), (exit) => ({ exit: Exit.flatten(exit), lost: undefined }))
        const lost = Effect.map(Effect.flip(knowledge.awaitLost), (lost) => ({ exit: undefined, lost }))
        return restore(Effect.raceFirst(ended, lost)).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(guarded)),
          Effect.flatMap((first): Effect.Effect<A, E | SwitchLost> =>
            first.lost === undefined
              ? Effect.zipRight(Fiber.inheritAll(guarded), first.exit)
              : Effect.zipRight(windDown(knowledge, guarded), Effect.fail(first.lost))
          )
        )
      })
    })
  )

const windDown = (knowledge: Knowledge, guarded: Fiber.RuntimeFiber<unknown, unknown>): Effect.Effect<void> => {
  const { guardGrace } = knowledge.settings
  return bounded(Effect.asVoid(Fiber.interrupt(guarded)), guardGrace, () =>
    Effect.logWarning(
      `the switch is lost and the guarded effect has not ended ${guardGrace / 1_000} s after its interruption: ` +
        "its clean-up goes on in the background"
    ).pipe(Effect.annotateLogs({ account: knowledge.ledger.account, module: "Heartbeat" }))
  )
}
