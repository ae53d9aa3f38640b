/**
 * The only module that knows which of Effect 3's clock readings is which: `unsafeCurrentTimeNanos` is monotonic (it
 * stands still while the host is suspended), `unsafeCurrentTimeMillis` is the wall clock (it jumps when it is set).
 * In Effect 4 the first becomes wall time and `monotonicTimeNanos` takes its place: port here and nowhere else.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Both hands of the clock at one instant, in milliseconds.
 *
 * @internal
 */
export interface Reading {
  readonly mono: number
  readonly wall: number
}

/** @internal */
export const read = (clock: Clock.Clock): Reading => ({
  // Not `currentTimeNanos`: TestClock's throws on fractions of a millisecond. Nanoseconds since the epoch do not fit a
  // number exactly, microseconds do.
  mono: Number(clock.unsafeCurrentTimeNanos() / 1_000n) / 1_000,
  wall: clock.unsafeCurrentTimeMillis()
})

/** @internal */
export const reading: Effect.Effect<Reading> = Effect.clockWith((clock) => Effect.sync(() => read(clock)))
