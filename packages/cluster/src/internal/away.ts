/**
 * The start of a runner while PostgreSQL restarts: what fails because it is away is tried again.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"

/** How long a start waits for PostgreSQL: a restart or a failover takes less. */
const patience = Duration.minutes(1)

/** Classes of SQLSTATE that say nothing of the statement: connection, resources, operator intervention, rollback. */
const passing = new Set(["08", "40", "53", "57"])

/** Something is there already: runners that start at once on an empty database make the same tables of the engine. */
const made = new Set(["42P07", "42710", "23505"])

/**
 * Whether the same may succeed later. Not so with a wrong password, database or permission: PostgreSQL answers those with
 * a code of five characters. Every other error comes from the way to it.
 *
 * @internal
 */
export const isAway = (error: unknown): boolean => {
  for (let at = error; Predicate.isObject(at); at = "cause" in at ? at.cause : undefined) {
    if ("code" in at && typeof at.code === "string" && /^(?=.*\d)[0-9A-Z]{5}$/.test(at.code)) {
      return passing.has(at.code.slice(0, 2)) || made.has(at.code)
    }
  }
  return true
}

/** @internal */
export const schedule: Schedule.Schedule<unknown, unknown> = Schedule.spaced("500 millis").pipe(
  Schedule.upTo(patience),
  Schedule.whileInput(isAway)
)

/** @internal */
export const waitForStore = <A, E extends { readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  let isLogged = false
  const log = (error: E) =>
    Effect.suspend(() => {
      if (isLogged || !isAway(error)) return Effect.void
      isLogged = true
      return Effect.logWarning(`waits for the store to start: ${error.message}`)
    })
  return Effect.retry(Effect.tapError(effect, log), schedule)
}
