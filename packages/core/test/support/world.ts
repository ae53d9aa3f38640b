/** A bot and the simulated exchange in one program under virtual time: the full stack, signature and all. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Credentials from "@effect-deadman/core/Credentials"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { assert, it } from "@effect/vitest"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

export type World =
  | Simulator.Simulator
  | HttpClient.HttpClient
  | CountdownCancelAll.CountdownCancelAll
  | VirtualTime.VirtualTime
  | Scope.Scope

const layer = (options?: Simulator.Options) => over(Simulator.layer(options))

/** The full stack over an exchange that the test has changed. */
export const over = <E, R>(exchange: Layer.Layer<Simulator.Simulator | HttpClient.HttpClient, E, R>) =>
  BitgetCountdown.layer.pipe(
    Layer.provide(BitgetClient.layerConfig),
    Layer.provide(Credentials.layerConfig),
    Layer.provide(Simulator.layerCredentials),
    Layer.provideMerge(exchange)
  )

export interface Options extends VirtualTime.Options {
  readonly simulator?: Simulator.Options
}

export const run = <E>(
  effect: Effect.Effect<void, E, World>,
  options?: Options
): VirtualTime.Outcome<void, unknown> => {
  const outcome = VirtualTime.run(
    Effect.provideService(
      Effect.scoped(
        Effect.provide(effect, layer(options?.simulator)).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
      ),
      Heartbeat.AccountsInUse,
      new Set<string>()
    ),
    // The longest of these tests takes some 22,000 steps. A bug that loops without a sleep must fail its test in a few
    // seconds, and not hang all of them.
    { maxTime: "3 hours", maxSteps: 50_000, start: 1_700_000_000_000, ...options }
  )
  if (Exit.isFailure(outcome.exit)) throw Cause.squash(outcome.exit.cause)
  return outcome
}

/** A test of a promise. The world ends with the test, and must leave no fiber and no timer (promise 19). */
export const virtual = <E>(name: string, effect: Effect.Effect<void, E, World>, options?: Options): void =>
  it(name, () => {
    const { leftover } = run(effect, options)
    assert.deepStrictEqual(leftover, { fibers: 0, timers: 0 }, "left behind")
  })

/** The writes of the countdown as the exchange saw them. */
export const writes = Effect.map(
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.journal.entries),
  (entries) =>
    entries.filter(
      (entry): entry is Journal.RequestRecord => entry._tag === "Request" && entry.endpoint.endsWith("cancel-all")
    )
)

/** The countdowns that the exchange applied, with ms since the start. */
export const applied = Effect.map(writes, (records) =>
  records.flatMap((record) =>
    record.appliedAt === undefined || record.code !== "00000"
      ? []
      : [{ at: record.appliedAt - 1_700_000_000_000, countdown: JSON.parse(record.body).countdown as string }]
  )
)

export const switchState = Effect.map(Simulator.countdown(), (state) => state._tag)

/** A heartbeat in a scope that the test closes. */
export const open = (options?: HeartbeatOptions.Options) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
    const heartbeat = yield* Effect.provideService(Heartbeat.make(options), Scope.Scope, scope)
    return { heartbeat, scope, close: Scope.close(scope, Exit.void) }
  })

/** Collects the states that `changes` emits, from now on. */
export const collect = (heartbeat: Heartbeat.Heartbeat) =>
  Effect.gen(function* () {
    const states: Array<HeartbeatStatus.Status> = []
    const fiber = yield* Effect.fork(
      Stream.runForEach(heartbeat.changes, (status) => Effect.sync(() => states.push(status)))
    )
    yield* Effect.yieldNow()
    return { states, tags: () => states.map((status) => status._tag), ended: Fiber.join(fiber) }
  })
