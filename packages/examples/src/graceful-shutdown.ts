// The way the program ends decides over the orders. After a stop on purpose (SIGTERM, Ctrl-C, done) they stay. After a
// failure or a defect the exchange cancels them in 5 s.
// Run: `pnpm example graceful-shutdown`, with ENDING=done, failure or defect.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Release from "@effect-deadman/core/Release"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"

class StrategyFailed extends Data.TaggedError("StrategyFailed")<{ readonly message: string }> {}

const untilStopped = Effect.repeat(Effect.logInfo("trading, protected"), Schedule.spaced("5 seconds"))

/** Your trading. This one ends after 2 s in the way that ENDING names. Without ENDING it runs until it is stopped. */
const trading = Effect.gen(function* () {
  const ending = yield* Config.withDefault(Config.literal("done", "failure", "defect", "never")("ENDING"), "never")
  if (ending === "never") return yield* Effect.asVoid(untilStopped)
  yield* Effect.sleep("2 seconds")
  if (ending === "failure") return yield* new StrategyFailed({ message: "the margin is gone" })
  if (ending === "defect") return yield* Effect.dieMessage("undefined is not a function")
})

const program = Effect.gen(function* () {
  const heartbeat = yield* Heartbeat.make({
    countdown: "20 seconds",
    release: Release.cancelOnFailure,
    // Logs the outcome of the release before the process ends.
    onTransition: ({ to }) => (to._tag === "Released" ? Effect.logInfo(to.outcome) : Effect.void)
  })
  yield* Effect.logInfo("armed")
  yield* heartbeat.guard(trading)
}).pipe(Effect.scoped)

const exchange = BitgetCountdown.layer.pipe(
  Layer.provide(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

// `runMain` interrupts the program on the first SIGINT or SIGTERM and waits for the release. A second one ends it at once.
NodeRuntime.runMain(Effect.provide(program, exchange))
