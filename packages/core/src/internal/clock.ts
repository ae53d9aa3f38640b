/**
 * The only place that knows which of Effect's clocks is which. In Effect 3 `currentTimeNanos` is monotonic (it has a
 * fixed origin and ignores steps of the wall clock) and `currentTimeMillis` is the wall clock.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * One reading of both hands, in milliseconds: `mono` compares only with other `mono`, `wall` is since the epoch.
 *
 * @internal
 */
export interface Reading {
  readonly mono: number
  readonly wall: number
}

/** @internal */
export const read = (clock: Clock.Clock): Reading => ({
  // The effectful variant throws under TestClock for fractions of a millisecond.
  mono: Number(clock.unsafeCurrentTimeNanos()) / 1e6,
  wall: clock.unsafeCurrentTimeMillis()
})

/** @internal */
export const reading: Effect.Effect<Reading> = Effect.map(Effect.clock, read)
