/**
 * The turns of those that arm: so many at once, and the most urgent first.
 *
 * @internal
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

/** @internal */
export interface Turns {
  /** Runs the effect when it has its turn. The smallest `urgency` comes first. */
  readonly take: <A, E, R>(urgency: number, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** How many wait. */
  readonly waiting: () => number
}

/** @internal */
export const make = (atOnce: number): Turns => {
  let free = atOnce
  const queue: Array<{ readonly urgency: number; readonly turn: Deferred.Deferred<void> }> = []
  const next = Effect.suspend(() => {
    const first = queue.shift()
    if (first === undefined) {
      free++
      return Effect.void
    }
    return Deferred.succeed(first.turn, undefined)
  })
  return {
    waiting: () => queue.length,
    take: (urgency, effect) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          if (free > 0) free--
          else {
            const turn = yield* Deferred.make<void>()
            const entry = { urgency, turn }
            const at = queue.findIndex((other) => other.urgency > urgency)
            queue.splice(at < 0 ? queue.length : at, 0, entry)
            yield* Effect.onInterrupt(restore(Deferred.await(turn)), () => {
              const at = queue.indexOf(entry)
              if (at < 0) return next
              queue.splice(at, 1)
              return Effect.void
            })
          }
          return yield* Effect.ensuring(restore(effect), next)
        })
      )
  }
}
