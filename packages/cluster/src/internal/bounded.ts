/**
 * A time bound that holds in finalizers too, and around a driver that hangs in its own clean-up: only the waiting ends.
 *
 * @internal
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { StoreUnavailable } from "../ClusterError.js"

/** @internal */
export const within = <A, E>(
  work: Effect.Effect<A, E>,
  millis: number,
  late: () => Exit.Exit<A, E>
): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    const done = yield* Deferred.make<A, E>()
    const worker = yield* Effect.forkDaemon(Effect.interruptible(Effect.intoDeferred(work, done)))
    const timer = yield* Effect.forkDaemon(
      Effect.interruptible(
        Effect.zipRight(
          Effect.sleep(millis),
          Effect.suspend(() => Deferred.done(done, late()))
        )
      )
    )
    return yield* Effect.ensuring(
      Deferred.await(done),
      Effect.sync(() => {
        worker.unsafeInterruptAsFork(FiberId.none)
        timer.unsafeInterruptAsFork(FiberId.none)
      })
    )
  })

/**
 * One call of the store.
 *
 * @internal
 */
export const bounded = <A>(
  operation: string,
  call: Effect.Effect<A, StoreUnavailable>,
  millis: number
): Effect.Effect<A, StoreUnavailable> =>
  within(call, millis, () => Exit.fail(new StoreUnavailable({ operation, detail: `no answer within ${millis} ms` })))
