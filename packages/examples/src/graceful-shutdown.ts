// The end of the program decides what becomes of the orders. Stopped on purpose (SIGTERM, Ctrl-C, done) they stay. After
// a failure or a defect the exchange cancels them in 5 s. Run: `pnpm example graceful-shutdown`, with ENDING=done, failure or defect.
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

class StrategyFailed extends Data.TaggedError("StrategyFailed")<{ readonly message: string }> {}

/** Your trading. This one ends as ENDING says, after a moment; without it, when it is stopped. */
const trading = Effect.gen(function* () {
  const ending = yield* Config.withDefault(Config.literal("done", "failure", "defect", "never")("ENDING"), "never")
  if (ending === "never") return yield* Effect.never
  yield* Effect.sleep("2 seconds")
  if (ending === "failure") return yield* new StrategyFailed({ message: "the margin is gone" })
  if (ending === "defect") return yield* Effect.dieMessage("undefined is not a function")
})

const program = Effect.gen(function* () {
  const heartbeat = yield* Heartbeat.make({
    countdown: "20 seconds",
    release: Release.cancelOnFailure,
    // The last word on what came of it, before the process ends.
    onTransition: ({ to }) => (to._tag === "Released" ? Effect.logInfo(to.outcome) : Effect.void)
  })
  yield* Effect.logInfo("armed")
  yield* heartbeat.guard(trading)
}).pipe(Effect.scoped)

const venue = BitgetCountdown.layer.pipe(
  Layer.provide(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

// `runMain` interrupts the program on SIGINT and SIGTERM, once, and waits for the release. A second Ctrl-C does not wait.
NodeRuntime.runMain(Effect.provide(program, venue))
