/**
 * One heartbeat per account over many machines. Every runner has this service; each account is held by one of them, and
 * by another within seconds when that one dies.
 *
 * A heartbeat that outlives its bot protects nothing. So the bot lives where its account is owned (`work`), or says
 * through the store that it lives (`kick`).
 *
 * @since 0.2.0
 */
import type * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type { InvalidOptions } from "@effect-deadman/core/HeartbeatError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { AccountStore } from "./AccountStore.js"
import type { Row } from "./AccountStore.js"
import * as ClusterError from "./ClusterError.js"
import type * as ClusterOptions from "./ClusterOptions.js"
import type { ClusterStatus } from "./ClusterStatus.js"
import { bounded } from "./internal/bounded.js"
import * as Clock from "./internal/clock.js"
import * as Join from "./internal/join.js"
import * as Loop from "./internal/loop.js"
import * as Settings from "./internal/settings.js"
import { Ownership } from "./Ownership.js"

/**
 * @since 0.2.0
 * @category type ids
 */
export const TypeId: TypeId = "~@effect-deadman/cluster/ClusterHeartbeats"

/**
 * @since 0.2.0
 * @category type ids
 */
export type TypeId = "~@effect-deadman/cluster/ClusterHeartbeats"

/**
 * The result of a release.
 *
 * - `Disarmed`: proven off
 * - `DisarmUnconfirmed`: an earlier owner may still beat, or the `0` was not acknowledged. Nothing fires after `until`,
 *   in ms since the epoch on this runner's wall clock
 *
 * @since 0.2.0
 * @category models
 */
export type Released = { readonly _tag: "Disarmed" } | { readonly _tag: "DisarmUnconfirmed"; readonly until: number }

/**
 * @since 0.2.0
 * @category models
 */
export interface ClusterHeartbeats {
  readonly [TypeId]: TypeId

  /**
   * Has the account protected, by the runner that owns it. Succeeds when the store has it. Called once more for an
   * account that has ended, starts it again.
   */
  readonly protect: (account: string) => Effect.Effect<void, ClusterError.StoreUnavailable>

  /**
   * Has the switch of the account turned off by the runner that owns it, after its work has stopped. Waits for the
   * outcome, for as long as no runner can own the account: bound it with `Effect.timeout`. The request stays in the
   * store, whatever happens to the caller.
   */
  readonly release: (
    account: string
  ) => Effect.Effect<
    Released,
    ClusterError.NotProtected | ClusterError.ReleaseWithdrawn | ClusterError.StoreUnavailable
  >

  /** Says that the bot of the account lives. See `kickWithin`. */
  readonly kick: (account: string) => Effect.Effect<void, ClusterError.NotProtected | ClusterError.StoreUnavailable>

  /**
   * The heartbeat of an account that this runner holds, for `ensureArmed` and `markReconciled`. Refused while the work of
   * the account may not run, because another runner may have it: in `Doubtful`, in `HandingOver`, and for some seconds
   * after a take-over. A heartbeat that is kept does not tell of a loss, so get it anew before each use.
   */
  readonly get: (account: string) => Effect.Effect<Heartbeat.Heartbeat, ClusterError.NotOwner>

  /** What this runner knows of itself and of all accounts. */
  readonly status: Effect.Effect<ClusterStatus>
}

/**
 * @since 0.2.0
 * @category tags
 */
export const ClusterHeartbeats: Context.Tag<ClusterHeartbeats, ClusterHeartbeats> =
  Context.GenericTag<ClusterHeartbeats>(TypeId)

/**
 * The reasons for which a runner does not start.
 *
 * @since 0.2.0
 * @category models
 */
export type StartError =
  InvalidOptions | ClusterError.RunnerNameTaken | ClusterError.SettingsMismatch | ClusterError.StoreUnavailable

/** The longest time of one call of a user, ms. */
const callTimeout = 5_000

/**
 * Starts a runner. When the scope closes, it stops the work, ends the heartbeats without a write, signs off, and leaves
 * the accounts to the other runners.
 *
 * @since 0.2.0
 * @category constructors
 */
export const make = <LE, LR, WE = never, WR = never>(
  options: ClusterOptions.Options<LE, LR, WE, WR>
): Effect.Effect<
  ClusterHeartbeats,
  StartError,
  AccountStore | Ownership | Scope.Scope | Exclude<LR, Scope.Scope> | WR
> =>
  Effect.gen(function* () {
    const store = yield* AccountStore
    const ownership = yield* Ownership
    const context = yield* Effect.context<Exclude<LR, Scope.Scope> | WR>()
    const settings = yield* Settings.resolve(options, ownership.takeOverWithin)
    const { runner } = ownership
    yield* Join.join(
      store,
      runner,
      { countdown: `${settings.countdown} ms`, grace: `${settings.grace} ms` },
      settings.grace
    )
    const { heartbeat, lookup, reconcile, work } = options
    const within = <A, E, R extends Exclude<LR, Scope.Scope> | WR>(effect: Effect.Effect<A, E, R>) =>
      Effect.provide(effect, context)
    const loop = yield* Loop.make({
      store,
      ownership,
      runner,
      settings,
      lookup: (account) =>
        Effect.contextWithEffect((scope: Context.Context<Scope.Scope>) =>
          Effect.provide(lookup(account), Context.merge(context, scope) as Context.Context<LR>)
        ),
      optionsOf: (account) => (typeof heartbeat === "function" ? heartbeat(account) : (heartbeat ?? {})),
      work: work === undefined ? undefined : (account, beating) => within(work(account, beating)),
      reconcile: reconcile === undefined ? undefined : (account, beating) => within(reconcile(account, beating)),
      restart: options.restart
    })

    const call = <A>(operation: string, effect: Effect.Effect<A, ClusterError.StoreUnavailable>) =>
      bounded(operation, effect, callTimeout)

    const outcome = (account: string, asked: number): ReturnType<ClusterHeartbeats["release"]> =>
      Effect.gen(function* () {
        for (;;) {
          const answer = yield* Effect.either(call("read", store.read(account)))
          const row: Row | undefined = answer._tag === "Right" ? Option.getOrUndefined(answer.right) : undefined
          if (row !== undefined) {
            if (row.asked !== asked) return yield* new ClusterError.ReleaseWithdrawn({ account })
            if (row.outcome?._tag === "Disarmed") return row.outcome
            if (row.outcome !== null) {
              return { _tag: "DisarmUnconfirmed", until: (yield* Clock.wall) + row.outcome.untilIn }
            }
          }
          yield* Effect.sleep(Settings.reportEvery)
        }
      })

    return ClusterHeartbeats.of({
      [TypeId]: TypeId,
      protect: (account) => Effect.zipRight(call("protect", store.want(account, "protect")), loop.sync),
      release: (account) =>
        Effect.flatMap(
          call("release", store.want(account, "release")),
          Option.match({
            onNone: () => Effect.fail(new ClusterError.NotProtected({ account })),
            onSome: ({ asked }) => Effect.zipRight(loop.sync, outcome(account, asked))
          })
        ),
      kick: (account) =>
        Effect.flatMap(call("kick", store.kick(account)), (isProtected) =>
          isProtected ? Effect.void : Effect.fail(new ClusterError.NotProtected({ account }))
        ),
      get: (account) =>
        Effect.suspend(() => {
          const heartbeat = loop.held(account)
          if (heartbeat !== undefined) return Effect.succeed(heartbeat)
          const owner = loop.cell(account)?.row.runner ?? undefined
          return Effect.fail(
            new ClusterError.NotOwner({ account, runner: runner.name, ...(owner === undefined ? {} : { owner }) })
          )
        }),
      status: loop.status
    })
  })

/**
 * @since 0.2.0
 * @category layers
 */
export const layer = <LE, LR, WE = never, WR = never>(
  options: ClusterOptions.Options<LE, LR, WE, WR>
): Layer.Layer<
  ClusterHeartbeats,
  StartError,
  AccountStore | Ownership | Exclude<Exclude<LR, Scope.Scope> | WR, Scope.Scope>
> => Layer.scoped(ClusterHeartbeats, make(options))
