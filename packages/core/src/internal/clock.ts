/**
 * The only module that knows which of Effect 3's clock readings is which: `unsafeCurrentTimeNanos` is monotonic (it
 * stands still while the host is suspended), `unsafeCurrentTimeMillis` is the wall clock (it jumps when it is set). In
 * Effect 4 the first becomes wall time and `monotonicTimeNanos` replaces it, so only this module has to be ported.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"

/**
 * Monotonic and wall time, read together, in ms.
 *
 * @internal
 */
export interface Reading {
  readonly mono: number
  readonly wall: number
}

// Not `currentTimeNanos`: TestClock's throws on fractions of a millisecond. Nanoseconds since the epoch do not fit a
// number exactly, microseconds do.
const mono = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos() / 1_000n) / 1_000

/**
 * Reads both clocks. A pause between the two readings (garbage collection, another process) would look like a jump of
 * the wall clock, so it repeats a pair that took more than 10 ms.
 *
 * @internal
 */
export const read = (clock: Clock.Clock): Reading => {
  for (let left = 3; ; left--) {
    const reading = { mono: mono(clock), wall: clock.unsafeCurrentTimeMillis() }
    if (left === 0 || mono(clock) - reading.mono < 10) return reading
  }
}

/** @internal */
export const reading: Effect.Effect<Reading> = Effect.clockWith((clock) => Effect.sync(() => read(clock)))

const live = /* @__PURE__ */ Context.get(DefaultServices.liveServices, Clock.Clock)

/** Whether it is Effect's own clock and not a test's. */
export const isLive = (clock: Clock.Clock): boolean => clock === live

/**
 * The longest delay of `setTimeout`, ms. A longer one fires at once, so it gets no timer, as in Effect's own clock.
 */
const longestTimer = 2 ** 31 - 1

/**
 * Calls `run` after the duration, even when the calling fiber has ended. Returns a function that cancels it.
 *
 * With Effect's own clock it sets a bare timer, because starting and interrupting a fiber costs as much as the rest of
 * a call. With any other clock, a fiber sleeps.
 *
 * @internal
 */
export const after = (duration: Duration.Duration, run: () => void): Effect.Effect<() => void> =>
  Effect.clockWith((clock) => {
    if (clock === live) {
      const millis = Duration.toMillis(duration)
      const timer = millis > longestTimer ? undefined : setTimeout(run, millis)
      return Effect.succeed(() => clearTimeout(timer))
    }
    return Effect.map(Effect.forkDaemon(Effect.interruptible(clock.sleep(duration))), (sleeper) => {
      let isCancelled = false
      sleeper.addObserver(() => {
        if (!isCancelled) run()
      })
      return () => {
        isCancelled = true
        sleeper.unsafeInterruptAsFork(FiberId.none)
      }
    })
  })
