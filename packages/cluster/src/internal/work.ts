/**
 * The bot of one account, while its heartbeat lives.
 *
 * @internal
 */
import type * as Heartbeat from "@effect-deadman/core/Heartbeat"
import { SwitchLost } from "@effect-deadman/core/HeartbeatError"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

const isProtected = ({ _tag }: HeartbeatStatus.Status): boolean => _tag === "Armed" || _tag === "Jeopardy"

/** Waits until the state is, or is not, protected. Waits for ever when the heartbeat ends first. */
const until = (heartbeat: Heartbeat.Heartbeat, wanted: boolean): Effect.Effect<void> =>
  heartbeat.changes.pipe(
    Stream.filter((status) => isProtected(status) === wanted),
    Stream.runHead,
    Effect.flatMap((found) => (Option.isNone(found) ? Effect.never : Effect.void))
  )

/** Whether the heartbeat goes on, so that a loss is one of the moment: the early edge has passed without an answer. */
const goesOn = (status: HeartbeatStatus.Status): boolean =>
  status._tag !== "Released" && status.lost === undefined && !isProtected(status)

/**
 * Runs the work whenever the switch is surely armed, and interrupts it while it is not. Ends as the work ends.
 *
 * @internal
 */
export const run = <E, R>(
  heartbeat: Heartbeat.Heartbeat,
  work: Effect.Effect<unknown, E, R>,
  reconcile: Effect.Effect<unknown, E, R> | undefined
): Effect.Effect<void, E | SwitchLost, R> =>
  Effect.gen(function* () {
    const once = Effect.catchAll(Effect.as(heartbeat.guard(work), true), (error) =>
      Effect.flatMap(heartbeat.status, (status) =>
        error instanceof SwitchLost && goesOn(status) ? Effect.succeed(false) : Effect.fail(error)
      )
    )
    for (;;) {
      const status = yield* heartbeat.status
      if (isProtected(status)) {
        if (yield* Effect.raceFirst(once, Effect.as(until(heartbeat, false), false))) return
      } else if (reconcile === undefined || status._tag === "Released" || status.lastAcknowledged === undefined) {
        yield* until(heartbeat, true)
      } else {
        // Before the switch surely runs again, a book that was compared is soon out of date.
        if (status.at < status.earliestFire) {
          yield* reconcile
          // Refused when the switch may have fired again meanwhile: the book has to be compared again.
          yield* Effect.ignore(heartbeat.markReconciled(status.lastAcknowledged))
        }
        yield* Effect.raceFirst(until(heartbeat, true), Effect.sleep("1 second"))
      }
    }
  })
