/**
 * The time that has passed at the exchange and at the store at most: monotonic time plus every forward jump of the wall
 * clock, because only the wall clock shows how long a host was suspended.
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

/** @internal */
export const makeNow: Effect.Effect<Now> = Effect.map(Effect.clock, (clock) => {
  const mono = () => Number(clock.unsafeCurrentTimeNanos() / 1_000n) / 1_000
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
