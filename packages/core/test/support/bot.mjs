// A bot as a process. It keeps the switch armed and reports its state, one JSON line at a time. Plain JavaScript, so
// that Node runs it directly, against the built package. The environment and signals control it. SIGUSR2 blocks its
// event loop for BOT_BLOCK ms.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as BitgetOpenOrders from "@effect-deadman/core/BitgetOpenOrders"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { endWithParent, say } from "./parent.mjs"
import process from "node:process"

endWithParent()

const sayStatus = (kind, status, more) => {
  const { at, earliestFire, latestFire, outcome, _tag: state } = status
  say({ kind, state, at, earliestFire, latestFire, outcome: outcome?._tag, ...more })
}

say({ kind: "ready" })

process.on("SIGUSR2", () => {
  say({ kind: "blocking" })
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(process.env.BOT_BLOCK))
})

const bot = Effect.gen(function* () {
  const evidence = process.env.BOT_EVIDENCE === undefined ? undefined : yield* BitgetOpenOrders.make()
  const heartbeat = yield* Heartbeat.make({
    countdown: "5 seconds",
    evidence,
    cancelLatency: process.env.BOT_EVIDENCE,
    onUncertain: process.env.BOT_UNCERTAIN ?? "lose",
    triggerLatency: process.env.BOT_TRIGGER_LATENCY ?? "1 second",
    onTransition: ({ provenBy, to }) => Effect.sync(() => sayStatus("changed", to, { provenBy }))
  })
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        // Dated by the question: a process that is suspended after it was answered says it only when it wakes.
        const saidAt = Date.now()
        sayStatus("is", yield* heartbeat.status, { saidAt })
        const gate = yield* Effect.either(heartbeat.ensureArmed())
        say({ kind: "gate", open: gate._tag === "Right", saidAt })
        yield* Effect.sleep("50 millis")
      })
    )
  )
  yield* heartbeat.guard(Effect.never).pipe(
    Effect.tapError(({ reason, timeLeft }) => Effect.sync(() => say({ kind: "lost", reason, timeLeft }))),
    // Shows that a lost heartbeat sends nothing while its scope is open.
    process.env.BOT_WHEN_LOST === "stay" ? Effect.catchAll(() => Effect.never) : (self) => self
  )
})

const venue = BitgetCountdown.layer.pipe(
  Layer.provideMerge(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

bot.pipe(
  Effect.scoped,
  Effect.provide([venue, Logger.remove(Logger.defaultLogger)]),
  NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true })
)
