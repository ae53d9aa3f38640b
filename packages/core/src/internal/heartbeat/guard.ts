/**
 * Runs an effect for as long as the switch protects it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { SwitchLost } from "../../HeartbeatError.js"
import { bounded } from "../bounded.js"
import type { LiveLedger } from "./ledger.js"
import { quietly } from "./quietly.js"

/**
 * Starts nothing when the switch is lost, released or past its earliest fire. When it is lost meanwhile, interrupts the
 * effect, waits at most `guardGrace` for its clean-up, and fails. An effect that has ended by then gives its own
 * result.
 *
 * @internal
 */
export const guard = <A, E, R>(live: LiveLedger, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SwitchLost, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend((): Effect.Effect<A, E | SwitchLost, R> => {
      const unprotected = live.unprotected()
      if (unprotected !== undefined) return Effect.fail(unprotected)
      // Ends with the exit as its value, because Effect logs a daemon that fails as an unhandled error.
      return Effect.flatMap(Effect.forkDaemon(Effect.exit(restore(effect))), (guarded) => {
        const ended = Effect.as(Fiber.await(guarded), undefined)
        const lost = Effect.flip(live.awaitLost)
        // Races only the waiting, because a race inside an uninterruptible region would wait for its loser for ever.
        return restore(Effect.raceFirst(Effect.interruptible(ended), Effect.interruptible(lost))).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(guarded)),
          Effect.zip(Fiber.poll(guarded)),
          Effect.flatMap(([lost, exit]): Effect.Effect<A, E | SwitchLost> =>
            lost === undefined || Option.isSome(exit)
              ? Effect.flatten(Fiber.join(guarded))
              : Effect.zipRight(windDown(live, guarded), Effect.fail(lost))
          )
        )
      })
    })
  )

const windDown = (live: LiveLedger, guarded: Fiber.RuntimeFiber<unknown, unknown>): Effect.Effect<void> => {
  const { guardGrace } = live.settings
  return bounded(Effect.asVoid(Fiber.interrupt(guarded)), guardGrace, () =>
    Effect.logWarning(
      `the switch is lost and the guarded effect has not ended ${guardGrace / 1_000} s after its interruption: ` +
        "its clean-up goes on in the background"
    ).pipe(Effect.annotateLogs({ account: live.ledger.account, module: "Heartbeat" }), quietly)
  )
}
