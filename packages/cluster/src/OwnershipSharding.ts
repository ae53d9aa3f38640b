/**
 * Ownership by @effect/cluster: an account belongs to the runner that has its shard. Nothing else of the engine is used,
 * and its runners open no sockets between each other.
 *
 * @since 0.2.0
 */
import type { InvalidOptions } from "@effect-deadman/core/HeartbeatError"
import { make as entityId } from "@effect/cluster/EntityId"
import * as MessageStorage from "@effect/cluster/MessageStorage"
import { RunnerAddress } from "@effect/cluster/RunnerAddress"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as Runners from "@effect/cluster/Runners"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as SqlRunnerStorage from "@effect/cluster/SqlRunnerStorage"
import type * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { AccountStore } from "./AccountStore.js"
import type { RunnerNameTaken, SettingsMismatch, StoreUnavailable } from "./ClusterError.js"
import * as Away from "./internal/away.js"
import * as Join from "./internal/join.js"
import { finite, invalid } from "./internal/settings.js"
import { Ownership } from "./Ownership.js"
import type { Runner } from "./Ownership.js"

/** The engine's time from one look at the runners that live to the next, and from a failed try to the next, ms. */
const assign = 1_000
const acquire = 1_000

/** Names that the engine can write into its statements: it escapes nothing. */
const nameable = /^[A-Za-z0-9._-]{1,200}$/

/** The shortest lease, ms. */
const shortest = 1_000

/**
 * Asks a `Sharding` that is already there. `lease` is its `shardLockExpiration`, `assign` its
 * `refreshAssignmentsInterval`. Its locks must expire (`shardLockDisableAdvisory: true`): advisory locks live as long as
 * a session, so that nothing takes over from a runner that is suspended or cut off.
 *
 * @since 0.2.0
 * @category layers
 */
export const layer = (options: {
  readonly runner: Runner
  readonly lease: Duration.DurationInput
  readonly assign: Duration.DurationInput
  readonly group?: string | undefined
}): Layer.Layer<Ownership, never, Sharding.Sharding> =>
  Layer.effect(
    Ownership,
    Effect.map(Sharding.Sharding, (sharding) => ({
      runner: options.runner,
      isMine: (account) => sharding.hasShardId(sharding.getShardId(entityId(account), options.group ?? "default")),
      takeOverWithin: Duration.sum(
        Duration.seconds(Math.ceil(Duration.toSeconds(options.lease))),
        Duration.sum(options.assign, acquire)
      )
    }))
  )

/**
 * Starts an engine with its locks in tables of PostgreSQL, whose names begin with `deadman_engine`. `runner` is a name
 * that no other process has, of 1 to 200 letters, digits, `.`, `_` and `-`. Refuses to start with options that cannot
 * work, beside a process with the same name, or with another `shardsPerGroup`.
 *
 * Each start writes `relation "deadman_engine_shards" does not exist` into PostgreSQL's log. That is the engine, which
 * looks for tables of an old version.
 *
 * @since 0.2.0
 * @category layers
 */
export const layerPg = (options: {
  readonly runner: string
  /** The time after which the locks of a runner that does not refresh them are free, at least 1 second. Defaults to 6 seconds. */
  readonly lease?: Duration.DurationInput | undefined
  /** The same on all runners, at least 1. Defaults to 300. */
  readonly shardsPerGroup?: number | undefined
}): Layer.Layer<
  Ownership,
  InvalidOptions | SqlError | RunnerNameTaken | SettingsMismatch | StoreUnavailable,
  SqlClient.SqlClient | AccountStore
> =>
  Layer.unwrapScoped(
    Effect.gen(function* () {
      const { lease, shardsPerGroup } = yield* resolve(options)
      const runner: Runner = { name: options.runner, boot: crypto.randomUUID() }
      // Before the engine registers itself, because it would share the locks of its twin.
      yield* Join.join(
        yield* AccountStore,
        runner,
        { shardsPerGroup: String(shardsPerGroup), lease: `${Duration.toMillis(lease)} ms` },
        Duration.toMillis(lease)
      )
      const config = ShardingConfig.layer({
        runnerAddress: Option.some(RunnerAddress.make({ host: runner.name, port: 0 })),
        shardsPerGroup,
        shardLockDisableAdvisory: true,
        shardLockExpiration: lease,
        shardLockRefreshInterval: Duration.times(lease, 1 / 3),
        refreshAssignmentsInterval: assign,
        // The engine also waits for that long after a failed try to take locks.
        entityMessagePollInterval: acquire,
        runnerHealthCheckInterval: "2 seconds"
      })
      const storage = SqlRunnerStorage.layerWith({ prefix: "deadman_engine" }).pipe(
        // The engine dies where it gets no connection for its locks.
        Layer.catchAllCause((cause) => {
          const error = Cause.squash(cause)
          return error instanceof SqlError ? Layer.fail(error) : Layer.failCause(cause)
        }),
        Layer.retry(Away.schedule)
      )
      const engine = Sharding.layer.pipe(
        Layer.provide([Runners.layerNoop, RunnerHealth.layerNoop, storage]),
        Layer.provide(MessageStorage.layerNoop),
        Layer.provide(config)
      )
      return Layer.provide(layer({ runner, lease, assign }), engine)
    })
  )

const resolve = ({
  lease = "6 seconds",
  runner,
  shardsPerGroup = 300
}: Parameters<typeof layerPg>[0]): Either.Either<
  { readonly lease: Duration.Duration; readonly shardsPerGroup: number },
  InvalidOptions
> =>
  Either.gen(function* () {
    if (!nameable.test(runner)) {
      return yield* Either.left(
        invalid(`runner matches ${nameable.source}`, `runner is ${JSON.stringify(runner)}`, "Give it as desk-1.")
      )
    }
    if (!(Number.isSafeInteger(shardsPerGroup) && shardsPerGroup > 0)) {
      return yield* Either.left(
        invalid("shardsPerGroup is a whole number above 0", `shardsPerGroup is ${shardsPerGroup}`, "Leave it at 300.")
      )
    }
    const millis = finite(lease)
    return millis !== undefined && millis >= shortest
      ? { lease: Duration.millis(millis), shardsPerGroup }
      : yield* Either.left(
          invalid("lease is a finite duration of at least 1 s", `lease is ${String(lease)}`, "Leave it at 6 s.")
        )
  })
