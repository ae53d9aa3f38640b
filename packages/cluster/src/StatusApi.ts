/**
 * What a runner says of itself over HTTP, for load balancers, people and Prometheus:
 *
 * | Path | Answer |
 * |---|---|
 * | `GET /health` | `Health`; with status 503 when the runner protects nothing any more |
 * | `GET /accounts` | `Accounts`, all accounts as this runner sees them |
 * | `GET /metrics` | all metrics of the process in the text format of Prometheus |
 *
 * Nothing here holds a key. The names of accounts and their states are for your network only: there is no login.
 *
 * @since 0.2.0
 */
import * as Prometheus from "@effect-deadman/core/Prometheus"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { ClusterHeartbeats } from "./ClusterHeartbeats.js"
import type { AccountStatus, ClusterStatus } from "./ClusterStatus.js"

const health = {
  runner: Schema.String,
  /** Another process has taken the name of this runner. Give it a name of its own and start it again. */
  isOusted: Schema.Boolean,
  /** The time since the question of the last answer of the store, ms. */
  storeAge: Schema.Number,
  /** The age of the store at which the beats end, ms. */
  grace: Schema.Number,
  /** How many accounts wait for their turn to arm. */
  waiting: Schema.Number,
  /** How many accounts this runner beats for. */
  beating: Schema.Number,
  /** How many accounts may have fired, or have fired, and are not reconciled. */
  uncertain: Schema.Number
}

/**
 * The runner works.
 *
 * @since 0.2.0
 * @category models
 */
export const Health = Schema.TaggedStruct("Healthy", health)

/**
 * The runner protects nothing: another process has its name, or the store has been silent for longer than `grace`.
 *
 * @since 0.2.0
 * @category models
 */
export const Unhealthy = Schema.TaggedStruct("Unhealthy", health).annotations(
  HttpApiSchema.annotations({ status: 503 })
)

/**
 * One account as this runner sees it. Instants are ms since the epoch on the wall clock of the runner. See
 * `ClusterStatus.AccountStatus`.
 *
 * @since 0.2.0
 * @category models
 */
export const Account = Schema.Struct({
  account: Schema.String,
  wanted: Schema.Literal("protect", "release"),
  state: Schema.String,
  since: Schema.Number,
  isMine: Schema.Boolean,
  epoch: Schema.Number,
  owner: Schema.optional(Schema.String),
  continuity: Schema.optional(Schema.Literal("First", "Held", "MayHaveFired", "Fired")),
  gap: Schema.optional(Schema.Number),
  isWorking: Schema.Boolean,
  /** The state of the heartbeat on this runner, and the edges of its window. */
  heartbeat: Schema.optional(Schema.Literal("Armed", "Jeopardy", "MayHaveFired", "Fired", "Released")),
  earliestFire: Schema.optional(Schema.Number),
  latestFire: Schema.optional(Schema.Number),
  failure: Schema.optional(Schema.String)
})

/**
 * @since 0.2.0
 * @category models
 */
export const Accounts = Schema.Struct({ runner: Schema.String, at: Schema.Number, accounts: Schema.Array(Account) })

/**
 * The API, for a client of it or for an API of your own.
 *
 * @since 0.2.0
 * @category api
 */
export class Api extends HttpApi.make("deadman-cluster").add(
  HttpApiGroup.make("status", { topLevel: true })
    .add(HttpApiEndpoint.get("health", "/health").addSuccess(Health).addError(Unhealthy))
    .add(HttpApiEndpoint.get("accounts", "/accounts").addSuccess(Accounts))
    .add(HttpApiEndpoint.get("metrics", "/metrics").addSuccess(HttpApiSchema.Text({ contentType: "text/plain" })))
) {}

const healthOf = ({ accounts, grace, isOusted, runner, storeAge, waiting }: ClusterStatus) => {
  const heartbeats = accounts.flatMap(({ heartbeat }) => heartbeat?._tag ?? [])
  return {
    runner,
    isOusted,
    storeAge,
    grace,
    waiting,
    beating: heartbeats.filter((tag) => tag !== "Released").length,
    uncertain: heartbeats.filter((tag) => tag === "MayHaveFired" || tag === "Fired").length
  }
}

const accountOf = ({ heartbeat, ...status }: AccountStatus): typeof Account.Type => ({
  ...status,
  heartbeat: heartbeat?._tag,
  ...(heartbeat === undefined || heartbeat._tag === "Released"
    ? {}
    : { earliestFire: heartbeat.earliestFire, latestFire: heartbeat.latestFire })
})

/**
 * The API of the runner of this process. Serve it with `HttpApiBuilder.serve()` and any `HttpServer`.
 *
 * @since 0.2.0
 * @category layers
 */
export const layer: Layer.Layer<HttpApi.Api, never, ClusterHeartbeats> = HttpApiBuilder.api(Api).pipe(
  Layer.provide(
    HttpApiBuilder.group(Api, "status", (handlers) =>
      Effect.map(ClusterHeartbeats, ({ status }) =>
        handlers
          .handle("health", () =>
            Effect.flatMap(status, (status) => {
              const facts = healthOf(status)
              return status.isOusted || status.storeAge > status.grace
                ? Effect.fail(Unhealthy.make(facts))
                : Effect.succeed(Health.make(facts))
            })
          )
          .handle("accounts", () =>
            Effect.map(status, ({ accounts, at, runner }) => ({ runner, at, accounts: accounts.map(accountOf) }))
          )
          .handleRaw("metrics", () =>
            Effect.sync(() =>
              HttpServerResponse.text(Prometheus.text(Metric.unsafeSnapshot()), {
                contentType: "text/plain; version=0.0.4; charset=utf-8"
              })
            )
          )
      )
    )
  )
)
