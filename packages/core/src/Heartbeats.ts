/**
 * Many accounts in one process: one heartbeat per account, shared by all its users. It is released when the scope of
 * its last user closes; the worst of the users' exits chooses the release. A scope that holds many accounts releases
 * them concurrently, so that closing it takes no longer than closing one. (A scope's own finalizers run one after the
 * other, and each disarm keeps the exchange's pace.)
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
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
   * The heartbeat of one account, armed for its first user and released when the scope of its last user has closed. The
   * worst `Exit` of all its users chooses the release. From worst to best: a defect, a failure, an interruption, a
   * success; of one kind the first counts. A failure is not remembered: the next `get` arms again. A `get` is
   * interrupted when its scope, or that of the `Heartbeats`, closes before the heartbeat is armed or was already
   * closed.
   */
  readonly get: (account: string) => Effect.Effect<Heartbeat.Heartbeat, ArmError | E, Scope.Scope>

  /** The accounts that are in use, or being armed or released, right now. */
  readonly accounts: Effect.Effect<ReadonlyArray<string>>
}

/**
 * The tag of heartbeats whose `lookup` cannot fail.
 *
 * @since 0.1.0
 * @category tags
 */
export const Heartbeats: Context.Tag<Heartbeats, Heartbeats> = Context.GenericTag<Heartbeats>(TypeId)

/**
 * The same tag, typed for heartbeats whose `lookup` can fail with `E`.
 *
 * @since 0.1.0
 * @category tags
 */
export const tag = <E>(): Context.Tag<Heartbeats<E>, Heartbeats<E>> =>
  Heartbeats as unknown as Context.Tag<Heartbeats<E>, Heartbeats<E>>

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
 * import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
 * import * as Heartbeats from "@effect-deadman/core/Heartbeats"
 * import * as Config from "effect/Config"
 * import * as Effect from "effect/Effect"
 *
 * // Needs a `ServerClock` and an `HttpClient`, one for all.
 * const heartbeats = Heartbeats.make({
 *   lookup: (account) =>
 *     Effect.gen(function* () {
 *       const keys = yield* Config.all({
 *         apiKey: Config.redacted(`${account}_API_KEY`),
 *         secretKey: Config.redacted(`${account}_SECRET_KEY`),
 *         passphrase: Config.redacted(`${account}_PASSPHRASE`)
 *       })
 *       return yield* BitgetCountdown.makeAccount({ account, ...keys }, yield* BitgetClient.config)
 *     })
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
    let closed = false

    // Suspended, because the user's functions run in it: one that throws fails the arming.
    const arm = (account: string): Effect.Effect<Heartbeat.Heartbeat, ArmError | E, Scope.Scope> =>
      Effect.suspend(() =>
        Effect.provideServiceEffect(
          Heartbeat.make(typeof options.heartbeat === "function" ? options.heartbeat(account) : options.heartbeat),
          CountdownCancelAll,
          options.lookup(account)
        )
      ).pipe(
        Effect.mapInputContext(
          // The account's own scope replaces the surrounding one.
          (input: Context.Context<Scope.Scope>) => Context.merge(context, input) as Context.Context<R | Scope.Scope>
        )
      )

    // Finding or making an entry and counting its user in is one step: a fiber that runs in between could make another
    // entry, or close this one as unused.
    const enter = (account: string, spare?: Spare): Effect.Effect<Entry<E>> =>
      Effect.suspend(() => {
        if (closed) return Effect.interrupt
        const found = entries.get(account)
        if (found !== undefined) {
          if (found.closing === undefined) found.users++
          return Effect.succeed(found)
        }
        if (spare === undefined) return Effect.flatMap(makeSpare, (spare) => enter(account, spare))
        const ready = Deferred.unsafeMake<Heartbeat.Heartbeat, ArmError | E>(FiberId.none)
        const entry: Entry<E> = { account, scope: spare.outer, ready, users: 1, worst: undefined, closing: undefined }
        entries.set(account, entry)
        const arming = Effect.onError(Effect.interruptible(Scope.extend(arm(account), spare.inner)), (cause) =>
          // A failure is not kept. Once the waiting callers have received it, the next `get` arms anew.
          entry.closing === undefined ? close(entry, Exit.failCause(cause)) : Effect.void
        )
        // In its own fiber, because the first caller may be interrupted while others still wait.
        return Effect.as(Effect.forkIn(Effect.intoDeferred(arming, ready), spare.outer), entry)
      })

    // Not suspended, because it must mark the entry in the same step that found it open.
    const close = (entry: Entry<E>, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
      const closing = (entry.closing = Deferred.unsafeMake<void>(FiberId.none))
      return Effect.ensuring(
        Scope.close(entry.scope, exit),
        Effect.suspend(() => {
          entries.delete(entry.account)
          return Deferred.succeed(closing, undefined)
        })
      )
    }

    const leave = (use: Use<E>, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (use.left) return Effect.void
        use.left = true
        const { entry } = use
        entry.users--
        if (use.holds) entry.worst = worse(entry.worst, exit)
        // A `get` that waits does not wait for the closing too: it may run inside of the arming that the closing ends.
        if (entry.closing !== undefined) return use.holds ? Deferred.await(entry.closing) : Effect.void
        return entry.users > 0 ? Effect.void : close(entry, entry.worst ?? exit)
      })

    // One finalizer per scope, however many accounts it holds, so that they are released concurrently.
    const held = new WeakMap<Scope.Scope, Set<Use<E>>>()
    const hold = (scope: Scope.Scope, use: Use<E>): Effect.Effect<void> =>
      Effect.suspend(() => {
        const uses = held.get(scope)
        if (uses !== undefined) {
          uses.add(use)
          return Effect.void
        }
        const first = new Set([use])
        held.set(scope, first)
        return Scope.addFinalizerExit(scope, (exit) =>
          Effect.uninterruptible(
            Effect.suspend(() => {
              // A `get` that comes later registers anew, finds the scope closed and leaves at once.
              held.delete(scope)
              return Effect.forEach(first, (use) => leave(use, exit), { concurrency: "unbounded", discard: true })
            })
          )
        )
      })

    const get = (account: string): Effect.Effect<Heartbeat.Heartbeat, ArmError | E, Scope.Scope> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const scope = yield* Effect.scope
          for (;;) {
            const entry = yield* enter(account)
            // Arming during the last release could let its `0` overtake the new countdown.
            if (entry.closing !== undefined) {
              yield* restore(Deferred.await(entry.closing))
              continue
            }
            const use: Use<E> = { entry, holds: false, left: false }
            // Before it waits, so that a scope that closes meanwhile does not leave an arming behind.
            yield* hold(scope, use)
            const armed = yield* Effect.exit(restore(Deferred.await(entry.ready)))
            if (Exit.isSuccess(armed) && entry.closing === undefined && !use.left) {
              use.holds = true
              return armed.value
            }
            held.get(scope)?.delete(use)
            yield* leave(use, armed)
            return yield* Exit.isFailure(armed) ? Effect.failCause(armed.cause) : Effect.interrupt
          }
        })
      )

    // `Effect.addFinalizer` makes it uninterruptible, `Scope.addFinalizerExit` above does not.
    yield* Effect.addFinalizer((exit) =>
      Effect.suspend(() => {
        closed = true
        return Effect.forEach(
          entries.values(),
          (entry) =>
            entry.closing === undefined ? close(entry, worse(entry.worst, exit)) : Deferred.await(entry.closing),
          { concurrency: "unbounded", discard: true }
        )
      })
    )
    return { [TypeId]: TypeId, get, accounts: Effect.sync(() => [...entries.keys()]) }
  })

/**
 * One account in use. Not an `RcMap`, for three reasons. It forgets an entry before it has closed, so the next `get`
 * would arm during a disarm. It keeps a failure as long as one of its callers keeps a scope open. It closes with a bare
 * success, so no policy could see how the users ended.
 */
interface Entry<E> {
  readonly account: string
  readonly scope: Scope.CloseableScope
  readonly ready: Deferred.Deferred<Heartbeat.Heartbeat, ArmError | E>
  users: number
  /** The first of the worst exits of the users that held it and have left. */
  worst: Exit.Exit<unknown, unknown> | undefined
  closing: Deferred.Deferred<void> | undefined
}

const worse = (
  known: Exit.Exit<unknown, unknown> | undefined,
  exit: Exit.Exit<unknown, unknown>
): Exit.Exit<unknown, unknown> => (known !== undefined && badness(known) >= badness(exit) ? known : exit)

/** From best to worst: a success, an interruption, a failure, a defect. A cause counts by the worst part of it. */
const badness = (exit: Exit.Exit<unknown, unknown>): number =>
  Exit.isSuccess(exit) ? 0 : Cause.isDie(exit.cause) ? 3 : Cause.isFailure(exit.cause) ? 2 : 1

/** One `get`, from its call to the end of the scope that it was called in. */
interface Use<E> {
  readonly entry: Entry<E>
  holds: boolean
  left: boolean
}

/** The arming runs in the outer scope, which ends it before it closes the inner one, where its resources are. */
interface Spare {
  readonly outer: Scope.CloseableScope
  readonly inner: Scope.CloseableScope
}

const makeSpare: Effect.Effect<Spare> = /* @__PURE__ */ Effect.flatMap(Scope.make(), (outer) =>
  Effect.map(Scope.fork(outer, ExecutionStrategy.sequential), (inner) => ({ outer, inner }))
)

/**
 * The heartbeats as a service. A `lookup` that can fail with `E` provides `Heartbeats<E>`, which `tag<E>()` reads.
 *
 * @example
 * ```ts
 * import * as BitgetClient from "@effect-deadman/core/BitgetClient"
 * import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
 * import * as Heartbeats from "@effect-deadman/core/Heartbeats"
 * import * as Config from "effect/Config"
 * import * as Effect from "effect/Effect"
 *
 * const lookup = (account: string) =>
 *   Effect.gen(function* () {
 *     const keys = yield* Config.all({
 *       apiKey: Config.redacted(`${account}_API_KEY`),
 *       secretKey: Config.redacted(`${account}_SECRET_KEY`),
 *       passphrase: Config.redacted(`${account}_PASSPHRASE`)
 *     })
 *     return yield* BitgetCountdown.makeAccount({ account, ...keys }, yield* BitgetClient.config)
 *   })
 *
 * // One for all programs that share accounts. It needs a `ServerClock` and an `HttpClient`.
 * const layer = Heartbeats.layer({ lookup })
 *
 * const Accounts = Heartbeats.tag<Effect.Effect.Error<ReturnType<typeof lookup>>>()
 * const program = Effect.gen(function* () {
 *   const heartbeat = yield* (yield* Accounts).get("MAIN")
 *   yield* heartbeat.guard(Effect.logInfo("trading, protected"))
 * }).pipe(Effect.scoped, Effect.provide(layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E, R>(options: {
  readonly lookup: Lookup<E, R>
  readonly heartbeat?: HeartbeatOptions.Options | ((account: string) => HeartbeatOptions.Options) | undefined
}): Layer.Layer<Heartbeats<E>, never, Exclude<R, Scope.Scope>> => Layer.scoped(tag<E>(), make(options))
