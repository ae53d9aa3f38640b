// One process with one switch per account of a list. It reports and skips an account whose switch cannot be armed, and
// trades on the others. Stopping the process turns all switches off.
// Run: `pnpm example many-accounts`. ACCOUNTS=MAIN,HEDGE needs MAIN_API_KEY, MAIN_SECRET_KEY, MAIN_PASSPHRASE, ...
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Heartbeats from "@effect-deadman/core/Heartbeats"
import * as Release from "@effect-deadman/core/Release"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"

class NoAccountLeft extends Data.TaggedError("NoAccountLeft")<{ readonly message: string }> {}

/** Your trading of one account. */
const trading = (account: string) =>
  Effect.repeat(Effect.logInfo(`${account}: trading, protected`), Schedule.spaced("5 seconds"))

const messageOf = (cause: Cause.Cause<unknown>): string => Cause.prettyErrors(cause)[0]?.message ?? "interrupted"

// All accounts share one `HttpClient` and one `ServerClock`, because the exchange's time is the same for all.
const client = (account: string) =>
  Effect.gen(function* () {
    // `Config.redacted` would print the error of a missing variable as "<redacted>".
    const secret = (name: string) => Config.map(Config.nonEmptyString(name), Redacted.make)
    const keys = yield* Config.all({
      apiKey: secret("API_KEY"),
      secretKey: secret("SECRET_KEY"),
      passphrase: secret("PASSPHRASE")
    }).pipe(Config.nested(account))
    return yield* BitgetCountdown.makeAccount({ account, ...keys }, yield* BitgetClient.config)
  })

const program = Effect.gen(function* () {
  const accounts = yield* Config.array(Config.nonEmptyString(), "ACCOUNTS")
  const heartbeats = yield* Heartbeats.make({
    lookup: client,
    heartbeat: { countdown: "10 seconds", release: Release.cancelOnFailure }
  })

  const one = (account: string) =>
    Effect.flatMap(heartbeats.get(account), (heartbeat) => heartbeat.guard(trading(account))).pipe(
      Effect.scoped,
      // An account that ends, by a defect too, is logged. The others go on.
      Effect.catchAllCause((cause) => Effect.logError(`${account} is left out: ${messageOf(cause)}`))
    )
  yield* Effect.forEach(accounts, one, { concurrency: "unbounded", discard: true })
  return yield* new NoAccountLeft({ message: "no account is left" })
}).pipe(Effect.scoped)

const exchange = Layer.unwrapEffect(Effect.map(BitgetClient.config, ServerClock.layer)).pipe(
  Layer.provideMerge(NodeHttpClient.layerUndici)
)

NodeRuntime.runMain(Effect.provide(program, exchange))
