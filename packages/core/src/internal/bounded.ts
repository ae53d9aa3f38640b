/**
 * A time bound that holds wherever it is used. `Effect.timeout` waits for what it has interrupted, so inside of a
 * finalizer, or around something that does not react, it bounds nothing. Here the work runs on a fiber of its own, and
 * it is the waiting that ends.
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
      return Effect.flatMap(
        after(Duration.decode(bound), () => late()),
        (callOff) =>
          Effect.ensuring(
            restore(
              Effect.async<A, E>((resume) => {
                worker.addObserver(resume)
                late = () => resume(Effect.suspend(onTimeout))
                if (isDue) late()
              })
            ),
            Effect.sync(() => {
              callOff()
              worker.unsafeInterruptAsFork(FiberId.none)
            })
          )
      )
    })
  )
