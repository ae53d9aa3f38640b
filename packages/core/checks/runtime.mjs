// Arms, beats and disarms over real HTTP. It runs in each runtime that the README names, see scripts/runtimes.mjs.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const countdown = BitgetCountdown.layer.pipe(
  Layer.provide(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

const program = Effect.gen(function* () {
  const heartbeat = yield* Heartbeat.make({ countdown: "10 seconds" })
  yield* heartbeat.beat
  const state = yield* heartbeat.status
  console.log(`armed: ${state._tag}`)
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(countdown)))
