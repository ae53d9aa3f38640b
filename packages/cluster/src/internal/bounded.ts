/**
 * A time bound that holds in finalizers too, and around a driver that hangs in its own clean-up: only the waiting ends.
 *
 * @internal
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import { StoreUnavailable } from "../ClusterError.js"

/** @internal */
export const bounded = <A>(
  operation: string,
  work: Effect.Effect<A, StoreUnavailable>,
  millis: number
): Effect.Effect<A, StoreUnavailable> =>
  Effect.gen(function* () {
    const done = yield* Deferred.make<A, StoreUnavailable>()
    const worker = yield* Effect.forkDaemon(Effect.interruptible(Effect.intoDeferred(work, done)))
    const late = new StoreUnavailable({ operation, detail: `no answer within ${millis} ms` })
    const timer = yield* Effect.forkDaemon(
      Effect.interruptible(Effect.zipRight(Effect.sleep(millis), Deferred.fail(done, late)))
    )
    return yield* Effect.ensuring(
      Deferred.await(done),
      Effect.sync(() => {
        worker.unsafeInterruptAsFork(FiberId.none)
        timer.unsafeInterruptAsFork(FiberId.none)
      })
    )
  })
