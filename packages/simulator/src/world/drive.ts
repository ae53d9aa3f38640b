/**
 * The world on the clock of an Effect program.
 */
import { schedulerOf } from "@effect-deadman/virtual-time"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { World } from "./world.js"

/**
 * Wakes the world when something is due. A sleeper stays when its reason is gone: it finds nothing due, and the next
 * one is set. So a refreshed countdown costs no timer.
 */
export const drive = (
  world: World,
  clock: Clock.Clock,
  runtime: Runtime.Runtime<never>
): Effect.Effect<void, never, Scope.Scope> => {
  const sleepers = new Map<number, Effect.Effect<unknown>>()
  const virtual = schedulerOf(clock)
  const ensure = (at: number) => {
    for (const instant of sleepers.keys()) {
      if (instant <= at) return
    }
    const millis = Math.max(0, at - world.clock())
    const wake = () => {
      sleepers.delete(at)
      world.pump()
    }
    // Virtual time calls back without a fiber.
    if (Option.isSome(virtual)) {
      sleepers.set(at, Effect.sync(virtual.value.unsafeSchedule(millis, wake)))
    } else {
      const sleeper = Effect.flatMap(Effect.sleep(millis), () => Effect.sync(wake))
      sleepers.set(at, Fiber.interrupt(Runtime.runFork(runtime, sleeper)))
    }
  }
  return Effect.acquireRelease(
    Effect.sync(() => {
      world.onDue = ensure
      world.pump()
    }),
    () =>
      Effect.suspend(() => {
        world.onDue = undefined
        return Effect.forEach([...sleepers.values()], (cancel) => cancel, { discard: true })
      })
  )
}
