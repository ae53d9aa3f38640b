/**
 * Forks fibers from code that runs in no fiber. The only module that uses `Runtime`, because Effect 4 replaces it with
 * `Effect.runForkWith`, which starts a fiber inside the call, unlike this one.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scheduler from "effect/Scheduler"

/**
 * Starts the effect in a new fiber, after the current step.
 *
 * @internal
 */
export type Fork = <A>(effect: Effect.Effect<A>) => Fiber.RuntimeFiber<A>

/**
 * Forks with the services and references of the calling fiber. The new fibers are interruptible even when that is not.
 *
 * @internal
 */
export const fork: Effect.Effect<Fork> = /* @__PURE__ */ Effect.map(/* @__PURE__ */ Effect.runtime(), (own) => {
  const runtime = Runtime.enableRuntimeFlag(own, RuntimeFlags.Interruption)
  return (effect) => Runtime.runFork(runtime, effect, { immediate: false })
})

/** @internal */
export const scheduler: Effect.Effect<Scheduler.Scheduler> = /* @__PURE__ */ FiberRef.get(FiberRef.currentScheduler)
