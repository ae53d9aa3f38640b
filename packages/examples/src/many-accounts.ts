// One process, a list of accounts from the configuration, a switch for each. An account whose switch cannot be armed is
// reported and left out; the others trade on. Stopping the process turns all switches off.
// Run: `pnpm example many-accounts`. ACCOUNTS=MAIN,HEDGE wants MAIN_API_KEY, MAIN_SECRET_KEY, MAIN_PASSPHRASE, ...
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeats from "@effect-deadman/core/Heartbeats"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

/** Your trading of one account. */
const trading = (account: string) => Effect.zipRight(Effect.logInfo(`${account}: trading, protected`), Effect.never)

// One `HttpClient` and one clock for all: what one account learns of the venue's time is as true for the others.
const client = (account: string) =>
  Effect.gen(function* () {
    // Not `Config.redacted`, whose error for a missing variable prints as "<redacted>".
    const secret = (name: string) => Config.map(Config.nonEmptyString(name), Redacted.make)
    const keys = yield* Config.all({
      apiKey: secret("API_KEY"),
      secretKey: secret("SECRET_KEY"),
      passphrase: secret("PASSPHRASE")
    }).pipe(Config.nested(account))
    return yield* CountdownCancelAll.makeAccount({ account, ...keys }, yield* BitgetClient.config)
  })

const program = Effect.gen(function* () {
  const accounts = yield* Config.array(Config.nonEmptyString(), "ACCOUNTS")
  const heartbeats = yield* Heartbeats.make({ lookup: client, heartbeat: { countdown: "10 seconds" } })

  const one = (account: string) =>
    Effect.flatMap(heartbeats.get(account), (heartbeat) => heartbeat.guard(trading(account))).pipe(
      Effect.scoped,
      // The end of one account is a message, not the end of the others.
      Effect.catchAll((error) => Effect.logError(`${account} is left out: ${error.message}`))
    )
  yield* Effect.forEach(accounts, one, { concurrency: "unbounded", discard: true })
  yield* Effect.logWarning("no account is left")
}).pipe(Effect.scoped)

const venue = Layer.unwrapEffect(Effect.map(BitgetClient.config, ServerClock.layer)).pipe(
  Layer.provideMerge(NodeHttpClient.layerUndici)
)

NodeRuntime.runMain(Effect.provide(program, venue))
