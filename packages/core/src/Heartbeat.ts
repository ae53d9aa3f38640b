/**
 * The dead man's switch as a scoped resource. Acquiring it arms the switch and waits for the exchange's
 * acknowledgement; while the scope is open it beats; closing the scope turns the switch off. At any moment its status
 * states exactly what is known: armed, in jeopardy, may have fired, fired, released.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { CountdownCancelAll } from "./CountdownCancelAll.js"
import { AccountInUse } from "./HeartbeatError.js"
import type { ArmError, NotArmed, ReconciliationOutdated, SwitchLost } from "./HeartbeatError.js"
import * as HeartbeatOptions from "./HeartbeatOptions.js"
import type * as HeartbeatStatus from "./HeartbeatStatus.js"
import * as engine from "./internal/heartbeat/engine.js"
import { guard } from "./internal/heartbeat/guard.js"
import * as Shared from "./internal/heartbeat/shared.js"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~@effect-deadman/core/Heartbeat"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~@effect-deadman/core/Heartbeat"

/**
 * A switch that is kept armed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Heartbeat {
  readonly [TypeId]: TypeId

  /** The label of the account, for logs and metrics. */
  readonly account: string

  /** The state right now, by wall and monotonic time of this moment. */
  readonly status: Effect.Effect<HeartbeatStatus.Status>

  /**
   * The current state first, then each change of state; ends after `Released`. A reader that falls more than sixteen
   * changes behind misses the oldest, never the last. While the scope closes, nothing is reported before `Released`, even
   * if the switch is off already. `status` is right at any time.
   */
  readonly changes: Stream.Stream<HeartbeatStatus.Status>

  /** Fails when the heartbeat is lost, or released; never succeeds. */
  readonly awaitLost: Effect.Effect<never, SwitchLost>

  /**
   * Succeeds while the switch is `Armed` and more than `margin` (default 0) is left before it may fire. Call it before
   * placing an order.
   */
  readonly ensureArmed: (options?: {
    readonly margin?: Duration.DurationInput | undefined
  }) => Effect.Effect<void, NotArmed>

  /**
   * Beats now, or as soon as the pace of the exchange allows. Joins a beat that is under way. The scheduled beats keep
   * their rate; after a failure the next try comes as soon as the pace allows.
   */
  readonly beat: Effect.Effect<void, HeartbeatStatus.BeatFailure | SwitchLost | NotArmed>

  /**
   * With `onUncertain: "verify"`: states that the owner has compared the book with the exchange, so that the state can
   * be `Armed` again. `upTo` is the acknowledgement up to which the book was compared: read `lastAcknowledged` of
   * `status` before comparing. Fails with `ReconciliationOutdated` when the switch may have fired again since.
   */
  readonly markReconciled: (upTo: { readonly id: number }) => Effect.Effect<void, ReconciliationOutdated>

  /**
   * Runs the effect. Starts nothing over a switch that is lost, released or past its earliest fire. When the switch is
   * lost or released meanwhile, interrupts the effect, waits at most `guardGrace` for its clean-up, and fails with
   * `SwitchLost`.
   */
  readonly guard: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SwitchLost, R>
}

/**
 * @since 0.1.0
 * @category tags
 */
export const Heartbeat: Context.Tag<Heartbeat, Heartbeat> = Context.GenericTag<Heartbeat>(TypeId)

/**
 * The labels of the accounts that have a heartbeat. All copies of this package in a process share one set; each worker
 * thread has its own. Provide another set only where one process simulates several.
 *
 * @since 0.1.0
 * @category references
 */
export class AccountsInUse extends Context.Reference<AccountsInUse>()("@effect-deadman/core/AccountsInUse", {
  defaultValue: (): Set<string> => Shared.accounts
}) {}

/** The public face of an engine. Its effects are made on demand; most accounts never use them. */
const facade = (running: engine.Engine): Heartbeat => ({
  [TypeId]: TypeId,
  account: running.account,
  get status() {
    return running.live.status
  },
  get changes() {
    return running.live.changes
  },
  get awaitLost() {
    return running.live.awaitLost
  },
  get beat() {
    return running.beat
  },
  markReconciled: (upTo) => running.live.markReconciled(upTo),
  ensureArmed: (options) => running.ensureArmed(options),
  guard: (effect) => guard(running.live, effect)
})

/**
 * Arms the switch, keeps it armed while the scope is open, and releases it when the scope closes.
 *
 * Fails with the exchange's refusal, with `ArmTimeout` when every failure allowed another try but no acknowledgement
 * came, with `InvalidOptions`, or with `AccountInUse`. An acquisition that fails or is interrupted after a write of
 * unknown outcome sends `0` before it gives up, unless `abandon` says otherwise, so that nothing stays half armed.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Heartbeat from "@effect-deadman/core/Heartbeat"
 *
 * const program = Effect.gen(function* () {
 *   const heartbeat = yield* Heartbeat.make({ countdown: "10 seconds" })
 *   yield* heartbeat.ensureArmed({ margin: "3 seconds" })
 *   yield* heartbeat.guard(Effect.logInfo("trading, protected"))
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options?: HeartbeatOptions.Options
): Effect.Effect<Heartbeat, ArmError, CountdownCancelAll | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const service = yield* CountdownCancelAll
      const settings = yield* HeartbeatOptions.resolve(options, service)
      const held = yield* AccountsInUse
      const { account } = service
      if (held.has(account)) return yield* new AccountInUse({ account })
      held.add(account)
      const free = Effect.sync(() => held.delete(account))
      const running = yield* Effect.onError(engine.make(service, settings, held), () => free)
      const armed = yield* Effect.exit(restore(running.arm))
      if (Exit.isFailure(armed)) {
        yield* Effect.ensuring(running.abandon, free)
        return yield* Effect.failCause(armed.cause)
      }
      yield* Effect.addFinalizer((exit) => Effect.ensuring(running.release(exit), free))
      yield* running.begin
      return facade(running)
    })
  )

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: HeartbeatOptions.Options): Layer.Layer<Heartbeat, ArmError, CountdownCancelAll> =>
  Layer.scoped(Heartbeat, make(options))

/**
 * The options from configuration.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<HeartbeatOptions.Options>
): Layer.Layer<Heartbeat, ArmError | ConfigError.ConfigError, CountdownCancelAll> =>
  Layer.scoped(Heartbeat, Effect.flatMap(Config.unwrap(config), make))
