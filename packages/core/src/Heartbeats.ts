/**
 * Many accounts in one process: one heartbeat an account, shared by all who ask for it and released by the last who
 * leaves. A scope that holds many accounts releases them side by side, so that closing it takes no longer than closing
 * one (a scope's own finalizers run one after the other, and each disarm keeps the venue's pace).
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { CountdownCancelAll } from "./CountdownCancelAll.js"
import * as Heartbeat from "./Heartbeat.js"
import type { ArmError } from "./HeartbeatError.js"
import type * as HeartbeatOptions from "./HeartbeatOptions.js"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~@effect-deadman/core/Heartbeats"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~@effect-deadman/core/Heartbeats"

/**
 * The heartbeats of many accounts, by a name that you choose. `E` is what making an account's client can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export interface Heartbeats<in out E = never> {
  readonly [TypeId]: TypeId

  /**
   * The heartbeat of one account, armed when the first asks, until the scope of the last who asked has closed; that
   * one's `Exit` chooses the release. A failure is not remembered: who asks again, arms again.
   */
  readonly get: (account: string) => Effect.Effect<Heartbeat.Heartbeat, ArmError | E, Scope.Scope>

  /** The accounts that are held, or being armed or released, right now. */
  readonly accounts: Effect.Effect<ReadonlyArray<string>>
}

/**
 * @since 0.1.0
 * @category tags
 */
export const Heartbeats: Context.Tag<Heartbeats, Heartbeats> = Context.GenericTag<Heartbeats>(TypeId)

/**
 * Makes the client of an account.
 *
 * @since 0.1.0
 * @category models
 */
export type Lookup<E, R> = (account: string) => Effect.Effect<CountdownCancelAll["Type"], E, R>

/**
 * Accounts by name. `lookup` makes the client of one account, with a label that no other account has. The resources
 * that it acquires live as long as the account's heartbeat.
 *
 * @example
 * ```ts
 * import * as BitgetClient from "@effect-deadman/core/BitgetClient"
 * import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
 * import * as Heartbeats from "@effect-deadman/core/Heartbeats"
 * import * as Config from "effect/Config"
 * import * as Effect from "effect/Effect"
 *
 * // What needs a `ServerClock` and an `HttpClient`, one for all.
 * const heartbeats = Heartbeats.make({
 *   lookup: (account) =>
 *     Effect.flatMap(
 *       Config.all({
 *         keys: Config.all({
 *           apiKey: Config.redacted(`${account}_API_KEY`),
 *           secretKey: Config.redacted(`${account}_SECRET_KEY`),
 *           passphrase: Config.redacted(`${account}_PASSPHRASE`)
 *         }),
 *         // BITGET_BASE_URL and its like, the same for all accounts.
 *         client: BitgetClient.config
 *       }),
 *       ({ client, keys }) => CountdownCancelAll.makeAccount({ account, ...keys }, client)
 *     )
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(options: {
  readonly lookup: Lookup<E, R>
  readonly heartbeat?: HeartbeatOptions.Options | ((account: string) => HeartbeatOptions.Options) | undefined
}): Effect.Effect<Heartbeats<E>, never, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<Exclude<R, Scope.Scope>>()
    const entries = new Map<string, Entry<E>>()

    // Suspended, because functions of the user run in it: one that throws fails the arming.
    const arm = (account: string): Effect.Effect<Heartbeat.Heartbeat, ArmError | E, Scope.Scope> =>
      Effect.suspend(() =>
        Effect.provideServiceEffect(
          Heartbeat.make(typeof options.heartbeat === "function" ? options.heartbeat(account) : options.heartbeat),
          CountdownCancelAll,
          options.lookup(account)
        )
      ).pipe(
        Effect.mapInputContext(
          // A scope of the account's own takes the place of the one that is around all of them.
          (input: Context.Context<Scope.Scope>) => Context.merge(context, input) as Context.Context<R | Scope.Scope>
        )
      )

    // Finding or making an entry and counting its user in is one step: whoever comes in between would make another, or
    // would see nobody use it.
    const enter = (account: string, spare?: Scope.CloseableScope): Effect.Effect<Entry<E>> =>
      Effect.suspend(() => {
        const found = entries.get(account)
        if (found !== undefined) {
          if (found.closing === undefined) found.users++
          return Effect.succeed(found)
        }
        if (spare === undefined) return Effect.flatMap(Scope.make(), (scope) => enter(account, scope))
        const ready = Deferred.unsafeMake<Heartbeat.Heartbeat, ArmError | E>(FiberId.none)
        const entry: Entry<E> = { scope: spare, ready, users: 1, closing: undefined, arming: undefined }
        entries.set(account, entry)
        // In a fiber of its own: whoever asked first may leave while others still wait for it.
        return Effect.map(
          Effect.forkDaemon(Effect.interruptible(Effect.intoDeferred(Scope.extend(arm(account), spare), ready))),
          (fiber) => {
            entry.arming = fiber
            // It would hold on to all that it had around it.
            fiber.addObserver(() => (entry.arming = undefined))
            return entry
          }
        )
      })

    const close = (account: string, entry: Entry<E>, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
      Effect.suspend(() => {
        const closing = (entry.closing = Deferred.unsafeMake<void>(FiberId.none))
        return (entry.arming === undefined ? Effect.void : Fiber.interrupt(entry.arming)).pipe(
          Effect.zipRight(Scope.close(entry.scope, exit)),
          Effect.ensuring(
            Effect.suspend(() => {
              if (entries.get(account) === entry) entries.delete(account)
              return Deferred.succeed(closing, undefined)
            })
          )
        )
      })

    const leave = (account: string, entry: Entry<E>, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
      Effect.suspend(() =>
        --entry.users > 0 || entry.closing !== undefined ? Effect.void : close(account, entry, exit)
      )

    // One finalizer a scope, however many accounts it holds: they are released side by side, not one after the other.
    const held = new WeakMap<Scope.Scope, Array<readonly [string, Entry<E>]>>()
    const hold = (account: string, entry: Entry<E>): Effect.Effect<void, never, Scope.Scope> =>
      Effect.flatMap(Effect.scope, (scope) => {
        const accounts = held.get(scope)
        if (accounts !== undefined) {
          accounts.push([account, entry])
          return Effect.void
        }
        const first = [[account, entry] as const]
        held.set(scope, first)
        return Scope.addFinalizerExit(scope, (exit) => {
          // Who still comes, because it was being armed meanwhile, finds the scope closed and leaves at once.
          held.delete(scope)
          return Effect.forEach(first, ([account, entry]) => leave(account, entry, exit), {
            concurrency: "unbounded",
            discard: true
          })
        })
      })

    const get = (account: string): Effect.Effect<Heartbeat.Heartbeat, ArmError | E, Scope.Scope> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          for (;;) {
            const entry = yield* enter(account)
            // Arming while the last who left is still disarming would have the `0` overtake the new countdown.
            if (entry.closing !== undefined) {
              yield* restore(Deferred.await(entry.closing))
              continue
            }
            const armed = yield* Effect.exit(restore(Deferred.await(entry.ready)))
            if (Exit.isFailure(armed)) {
              const failed = yield* Deferred.isDone(entry.ready)
              if (failed && entries.get(account) === entry) entries.delete(account)
              yield* leave(account, entry, armed)
              return yield* Effect.failCause(armed.cause)
            }
            yield* hold(account, entry)
            return armed.value
          }
        })
      )

    yield* Effect.addFinalizer((exit) =>
      Effect.forEach(
        [...entries],
        ([account, entry]) => (entry.closing ? Deferred.await(entry.closing) : close(account, entry, exit)),
        {
          concurrency: "unbounded",
          discard: true
        }
      )
    )
    return { [TypeId]: TypeId, get, accounts: Effect.sync(() => [...entries.keys()]) }
  })

/**
 * One account that is held. Not an `RcMap`: that one forgets an entry before it has closed, so that who asks again
 * would arm into a disarm under way; it keeps a failure for as long as somebody who saw it keeps a scope open; and it
 * closes with a bare success, so that no policy could ask how the last user ended.
 */
interface Entry<E> {
  readonly scope: Scope.CloseableScope
  readonly ready: Deferred.Deferred<Heartbeat.Heartbeat, ArmError | E>
  users: number
  closing: Deferred.Deferred<void> | undefined
  arming: Fiber.RuntimeFiber<unknown, unknown> | undefined
}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = <R>(options: {
  readonly lookup: Lookup<never, R>
  readonly heartbeat?: HeartbeatOptions.Options | ((account: string) => HeartbeatOptions.Options) | undefined
}): Layer.Layer<Heartbeats, never, Exclude<R, Scope.Scope>> => Layer.scoped(Heartbeats, make(options))
