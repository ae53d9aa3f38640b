/** Hostile surroundings: a host whose clock is set, suspended and stalled, and a scheduler with the worst timing. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import type * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as World from "./world.js"

/** Runs the bot on its own host, apart from the exchange and the test. */
export const onOwnHost = (options?: HeartbeatOptions.Options) =>
  Effect.gen(function* () {
    const party = yield* VirtualTime.party("bot")
    const scope = yield* Effect.scope
    const client = BitgetCountdown.layer.pipe(
      Layer.provide(BitgetClient.layerConfig),
      Layer.provide(Credentials.layerConfig),
      Layer.provide(Simulator.layerCredentials)
    )
    const heartbeat = yield* Heartbeat.make(options).pipe(
      Effect.provide(client),
      Effect.provideService(Scope.Scope, scope),
      VirtualTime.withParty("bot")
    )
    // Virtual time gives each fiber the clock of its own host, so the bot's state is read on the bot's host.
    const onHost = VirtualTime.withParty("bot")
    const seen = yield* onHost(World.collect(heartbeat))
    const lost = yield* Effect.fork(heartbeat.awaitLost)
    const status = onHost(heartbeat.status)
    const reason = Effect.map(Fiber.await(lost), (exit) =>
      Exit.isFailure(exit) ? (Cause.squash(exit.cause) as { readonly reason: string }).reason : undefined
    )
    return { heartbeat, onHost, status, party, seen, reason }
  })

/**
 * Runs the effect with a scheduler that makes it yield before the n-th step of all its fibers, and runs `meanwhile`
 * then, as another fiber might. Gives whether it reached that step.
 */
export const yieldingAt = <A, E, R>(
  n: number,
  effect: Effect.Effect<A, E, R>,
  meanwhile: (fiber: Fiber.RuntimeFiber<A, E>) => void = () => undefined
) =>
  Effect.gen(function* () {
    const base = yield* FiberRef.get(FiberRef.currentScheduler)
    let steps = 0
    let own: Fiber.RuntimeFiber<A, E> | undefined
    const started = Effect.withFiberRuntime<A, E, R>((fiber) => {
      own = fiber
      return effect
    })
    const scheduler: Scheduler.Scheduler = {
      scheduleTask: (task, priority, fiber) => base.scheduleTask(task, priority, fiber),
      shouldYield: () => {
        if (own === undefined || steps++ !== n) return false
        meanwhile(own)
        return 0
      }
    }
    const fiber = yield* Effect.fork(Effect.withScheduler(started, scheduler))
    const exit = yield* Fiber.await(fiber)
    return { exit, reached: steps > n }
  })
