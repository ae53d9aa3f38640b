/**
 * A time bound that always holds. `Effect.timeout` waits for the effect that it has interrupted, so it bounds nothing
 * inside a finalizer or around an effect that does not react. Here the work runs in its own fiber, and only the wait
 * ends.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import { after } from "./clock.js"

/** @internal */
export const bounded = <A, E>(
  work: Effect.Effect<A, E>,
  bound: Duration.DurationInput,
  onTimeout: () => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDaemon(Effect.interruptible(work)), (worker) => {
      let isDue = false
      let late = () => {
        isDue = true
      }
      const wait = Effect.flatMap(
        after(Duration.decode(bound), () => late()),
        (cancel) =>
          Effect.ensuring(
            restore(
              Effect.async<A, E>((resume) => {
                worker.addObserver(resume)
                late = () => resume(Effect.suspend(onTimeout))
                if (isDue) late()
              })
            ),
            Effect.sync(cancel)
          )
      )
      // Also when the clock throws: without its bound the work must not go on.
      return Effect.ensuring(
        wait,
        Effect.sync(() => worker.unsafeInterruptAsFork(FiberId.none))
      )
    })
  )
