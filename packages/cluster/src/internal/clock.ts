/**
 * Two clocks of a runner. Only the wall clock shows how long a host was suspended, but it can also be set.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Jumps up to this size are rounding and slewing, ms. */
const tolerance = 100

/**
 * Gives the passed time in ms. It never goes back.
 *
 * @internal
 */
export type Now = () => number

/**
 * The time that has surely passed: monotonic time, which stands still while the host is suspended.
 *
 * @internal
 */
export const makeMono: Effect.Effect<Now> = Effect.map(
  Effect.clock,
  (clock) => () => Number(clock.unsafeCurrentTimeNanos() / 1_000n) / 1_000
)

/**
 * The time that has passed at the exchange and at the store at most: monotonic time plus every forward jump of the wall
 * clock.
 *
 * @internal
 */
export const makeNow: Effect.Effect<Now> = Effect.zipWith(Effect.clock, makeMono, (clock, mono) => {
  let last = { mono: mono(), wall: clock.unsafeCurrentTimeMillis() }
  let jumped = 0
  return () => {
    const reading = { mono: mono(), wall: clock.unsafeCurrentTimeMillis() }
    const ahead = reading.wall - last.wall - (reading.mono - last.mono)
    if (ahead > tolerance) jumped += ahead
    last = reading
    return reading.mono + jumped
  }
})

/** @internal */
export const wall: Effect.Effect<number> = Clock.currentTimeMillis
