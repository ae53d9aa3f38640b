/**
 * A time bound that holds wherever it is used. `Effect.timeout` waits for what it has interrupted, so inside of a
 * finalizer, or around something that does not react, it bounds nothing. Here the work runs on a fiber of its own, and
 * it is the waiting that ends.
 */
import * as Effect from "effect/Effect"
import type * as Duration from "effect/Duration"

/** @internal */
export const bounded = <A, E>(
  work: Effect.Effect<A, E>,
  bound: Duration.DurationInput,
  onTimeout: () => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDaemon(Effect.interruptible(work)), (worker) =>
      Effect.flatMap(Effect.forkDaemon(Effect.interruptible(Effect.sleep(bound))), (timer) =>
        Effect.ensuring(
          restore(
            Effect.async<A, E>((resume) => {
              worker.addObserver(resume)
              timer.addObserver(() => resume(Effect.suspend(onTimeout)))
            })
          ),
          Effect.sync(() => {
            worker.unsafeInterruptAsFork(worker.id())
            timer.unsafeInterruptAsFork(timer.id())
          })
        )
      )
    )
  )
