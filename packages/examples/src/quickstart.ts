// The smallest protected program: while it runs its orders may stay, and when it dies the exchange cancels them.
// `guard` runs the trading and interrupts it when the switch is lost.
// Run: `node packages/examples/dist/quickstart.js` with the variables of `pnpm start:live`.
import { BitgetClient, BitgetCountdown, Credentials, Heartbeat, Release } from "@effect-deadman/core"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"

const trading = Effect.repeat(Effect.log("trading, protected"), Schedule.spaced("5 seconds")) // Your code.

// Reads BITGET_API_KEY, BITGET_SECRET_KEY, BITGET_PASSPHRASE and BITGET_BASE_URL.
const exchange = BitgetCountdown.layer.pipe(
  Layer.provide(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

const program = Effect.gen(function* () {
  // Arms the switch and waits for the acknowledgement. The end of the scope releases it, after Ctrl-C and SIGTERM too.
  const heartbeat = yield* Heartbeat.make({ countdown: "10 seconds", release: Release.cancelOnFailure })
  // Interrupts the trading when the switch is lost.
  yield* heartbeat.guard(trading)
})
NodeRuntime.runMain(program.pipe(Effect.scoped, Effect.provide(exchange)))
