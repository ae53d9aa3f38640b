// The smallest protected program: while it lives its orders may live, and when it dies the venue cancels them.
// `guard` runs your trading and interrupts it should the switch be lost.
// Run: `node packages/examples/dist/quickstart.js` with the variables of `pnpm start:live`.
import { BitgetClient, BitgetCountdown, Credentials, Heartbeat, Release } from "@effect-deadman/core"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const trading = Effect.zipRight(Effect.log("trading, protected"), Effect.never) // Yours.

// Who calls, and where: BITGET_API_KEY, BITGET_SECRET_KEY, BITGET_PASSPHRASE, BITGET_BASE_URL.
const venue = BitgetCountdown.layer.pipe(
  Layer.provide(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

const program = Effect.gen(function* () {
  // From here on it is armed, and acknowledged. It is turned off when the scope closes, by Ctrl-C and SIGTERM too.
  const heartbeat = yield* Heartbeat.make({ countdown: "10 seconds", release: Release.cancelOnFailure })
  // Interrupted when the switch is lost: nobody trades without protection.
  yield* heartbeat.guard(trading)
})
NodeRuntime.runMain(program.pipe(Effect.scoped, Effect.provide(venue)))
