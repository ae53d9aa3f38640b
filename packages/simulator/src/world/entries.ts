/**
 * The journal's entries as a stream.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Journal from "../journal/Journal.js"
import type { World } from "./world.js"

/** Every entry from now on, for each reader, until the scope closes. */
export const entriesOf = (world: World): Effect.Effect<Stream.Stream<Journal.Entry>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queues = new Set<Queue.Queue<Journal.Entry>>()
    let closed = false
    yield* Effect.addFinalizer(() => {
      closed = true
      return Effect.forEach(queues, (queue) => Queue.shutdown(queue))
    })
    const subscribe = Effect.flatMap(Queue.unbounded<Journal.Entry>(), (queue) => {
      const listener = (entry: Journal.Entry) => void queue.unsafeOffer(entry)
      world.listeners.add(listener)
      queues.add(queue)
      return Effect.as(closed ? Queue.shutdown(queue) : Effect.void, { queue, listener })
    })
    return Stream.unwrapScoped(
      Effect.map(
        Effect.acquireRelease(subscribe, ({ listener, queue }) => {
          world.listeners.delete(listener)
          queues.delete(queue)
          return Queue.shutdown(queue)
        }),
        ({ queue }) => Stream.fromQueue(queue)
      )
    )
  })
