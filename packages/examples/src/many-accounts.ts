// One process, a list of accounts from the configuration, a switch for each. An account whose switch cannot be armed is
// reported and left out; the others trade on. Stopping the process turns all switches off.
// Run: `pnpm example many-accounts`. ACCOUNTS=MAIN,HEDGE wants MAIN_API_KEY, MAIN_SECRET_KEY, MAIN_PASSPHRASE, ...
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Heartbeats from "@effect-deadman/core/Heartbeats"
import * as Release from "@effect-deadman/core/Release"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import * as UndiciHttpClient from "@effect-deadman/core/UndiciHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

class NoAccountLeft extends Data.TaggedError("NoAccountLeft")<{ readonly message: string }> {}

/** Your trading of one account. */
const trading = (account: string) => Effect.zipRight(Effect.logInfo(`${account}: trading, protected`), Effect.never)

const messageOf = (cause: Cause.Cause<unknown>): string => Cause.prettyErrors(cause)[0]?.message ?? "interrupted"

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
      // The end of one account, a defect too, is a message and not the end of the others.
      Effect.catchAllCause((cause) => Effect.logError(`${account} is left out: ${messageOf(cause)}`))
    )
  yield* Effect.forEach(accounts, one, { concurrency: "unbounded", discard: true })
  return yield* new NoAccountLeft({ message: "no account is left" })
}).pipe(Effect.scoped)

const venue = Layer.unwrapEffect(Effect.map(BitgetClient.config, ServerClock.layer)).pipe(
  Layer.provideMerge(UndiciHttpClient.layer)
)

NodeRuntime.runMain(Effect.provide(program, venue))
