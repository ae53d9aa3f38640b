// One runner of a fleet: start as many as you like, each with a name of its own. The bot of an account runs on the runner
// that holds the account, and moves with it.
// Reads RUNNER, DATABASE_URL, ACCOUNTS=A01,A02,... with A01_API_KEY, A01_SECRET_KEY, A01_PASSPHRASE, ..., and STATUS_PORT.
import * as AccountStorePg from "@effect-deadman/cluster/AccountStorePg"
import * as ClusterHeartbeats from "@effect-deadman/cluster/ClusterHeartbeats"
import * as OwnershipSharding from "@effect-deadman/cluster/OwnershipSharding"
import * as PostgresClient from "@effect-deadman/cluster/PostgresClient"
import * as StatusApi from "@effect-deadman/cluster/StatusApi"
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import type * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"

// `Config.redacted` would print the error of a missing variable as "<redacted>".
const secret = (name: string) => Config.map(Config.nonEmptyString(name), Redacted.make)

/** The client of an account. All share one `HttpClient` and one `ServerClock`. */
const lookup = (account: string) =>
  Effect.gen(function* () {
    const keys = yield* Config.all({
      apiKey: secret("API_KEY"),
      secretKey: secret("SECRET_KEY"),
      passphrase: secret("PASSPHRASE")
    }).pipe(Config.nested(account))
    return yield* BitgetCountdown.makeAccount({ account, ...keys }, yield* BitgetClient.config)
  })

/** Your trading of one account. It is interrupted when the account goes to another runner, or may be unprotected. */
const trading = (_account: string, heartbeat: Heartbeat.Heartbeat) =>
  Effect.forever(Effect.zipRight(heartbeat.ensureArmed(), Effect.sleep("1 second")))

/** Compare the open orders of an account with your own book here, after its switch may have fired. */
const reconcile = (account: string) => Effect.logWarning(`${account}: comparing the book with the exchange`)

const cluster = Layer.unwrapEffect(
  Effect.gen(function* () {
    const runner = yield* Config.nonEmptyString("RUNNER")
    const url = yield* secret("DATABASE_URL")
    return ClusterHeartbeats.layer({ lookup, work: trading, reconcile }).pipe(
      Layer.provide(OwnershipSharding.layerPg({ runner })),
      // Two clients, so that the engine and the store do not wait for each other.
      Layer.provide(PostgresClient.layer({ url })),
      Layer.provide(AccountStorePg.layer),
      Layer.provide(PostgresClient.layer({ url }))
    )
  })
)

const exchange = Layer.unwrapEffect(Effect.map(BitgetClient.config, ServerClock.layer)).pipe(
  Layer.provideMerge(NodeHttpClient.layerUndici)
)

/** GET /health, /accounts and /metrics. */
const statuses = HttpApiBuilder.serve().pipe(
  Layer.provide(StatusApi.layer),
  Layer.merge(Layer.effectDiscard(HttpServer.addressFormattedWith((url) => Effect.logInfo(`statuses: ${url}`)))),
  Layer.provide(
    Layer.unwrapEffect(
      Effect.map(Config.withDefault(Config.port("STATUS_PORT"), 0), (port) =>
        NodeHttpServer.layer(createServer, { port, host: "127.0.0.1" })
      )
    )
  )
)

const program = Effect.gen(function* () {
  const { protect } = yield* ClusterHeartbeats.ClusterHeartbeats
  const accounts = yield* Config.array(Config.nonEmptyString(), "ACCOUNTS")
  // Any runner may say so. Those that hold the accounts arm them.
  yield* Effect.forEach(accounts, (account) => Effect.retry(protect(account), { times: 5 }), { concurrency: 4 })
  yield* Effect.never
})

program.pipe(Effect.provide(Layer.provideMerge(Layer.provideMerge(statuses, cluster), exchange)), NodeRuntime.runMain)
