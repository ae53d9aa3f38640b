/**
 * The only module that knows which of Effect 3's clock readings is which: `unsafeCurrentTimeNanos` is monotonic (it
 * stands still while the host is suspended), `unsafeCurrentTimeMillis` is the wall clock (it jumps when it is set).
 * In Effect 4 the first becomes wall time and `monotonicTimeNanos` takes its place: port here and nowhere else.
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
 * Both hands of the clock at one instant, in milliseconds.
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
 * Who loses the processor between the two hands (to the garbage collector, to another process) would take the pause for
 * a leap of the wall clock: such a pair, more than 10 ms apart, is read again.
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

/** Whether it is Effect's own clock, and not one of a test. */
export const isLive = (clock: Clock.Clock): boolean => clock === live

/** `setTimeout` takes no more, and would fire at once; Effect's clock takes longer for ever, too. */
const longestTimer = 2 ** 31 - 1

/**
 * Calls back once so much time has passed, whatever becomes of the fiber that asked; gives what calls it off.
 *
 * With Effect's own clock it is the timer that its `sleep` would set, without a fiber around it: to start one and to
 * interrupt it costs as much as the rest of a call does. Any other clock is slept on.
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
      let off = false
      sleeper.addObserver(() => {
        if (!off) run()
      })
      return () => {
        off = true
        sleeper.unsafeInterruptAsFork(FiberId.none)
      }
    })
  })
