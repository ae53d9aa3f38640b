// A process that lives is no proof of a strategy that works: here market data stops, the strategy has nothing to decide
// on and stops kicking the watchdog, the beats are withheld, and the venue cancels. Nobody has crashed.
// Run: `pnpm example watchdog`. The feed stops after FEED_SECONDS (3).
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Liveness from "@effect-deadman/core/Liveness"
import * as Release from "@effect-deadman/core/Release"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const config = Config.all({
  feedSeconds: Config.withDefault(Config.number("FEED_SECONDS"), 3),
  price: Config.nonEmptyString("PRICE"),
  qty: Config.nonEmptyString("QTY")
})

/** Your market data, here four ticks a second. A socket that goes quiet looks like this: open, and without an error. */
const ticks = (seconds: number) =>
  Stream.fromSchedule(Schedule.spaced("250 millis")).pipe(
    Stream.interruptAfter(Duration.seconds(seconds)),
    Stream.concat(Stream.never)
  )

const program = Effect.gen(function* () {
  const { feedSeconds, price, qty } = yield* config
  const client = yield* BitgetClient.BitgetClient
  const watchdog = yield* Liveness.watchdog("1 seconds", { name: "market data" })
  let unsettled = false
  const heartbeat = yield* Heartbeat.make({
    countdown: "5 seconds",
    liveness: watchdog.check,
    // An order that may still land must not outlive the switch.
    release: (exit, lost) => (unsettled ? "LetExpire" : Release.cancelOnFailure(exit, lost))
  })
  yield* Effect.logInfo("armed")

  const strategy = Effect.gen(function* () {
    unsettled = true
    const order = client.execute({
      method: "POST",
      path: "/api/v3/trade/place-order",
      body: { category: "USDT-FUTURES", symbol: "BTCUSDT", side: "buy", orderType: "limit", price, qty },
      response: Schema.Struct({ orderId: Schema.String })
    })
    // Not interrupted half-way: it settles before the switch is released.
    yield* Effect.uninterruptible(
      Effect.tap(order, () =>
        Effect.sync(() => {
          unsettled = false
        })
      )
    )
    yield* Effect.logInfo("one order rests, and market data comes in")
    // Kick where the work is done, not in a fiber beside it: that one would live on.
    yield* Stream.runForEach(ticks(feedSeconds), () => watchdog.kick)
  })
  // Ends with `SwitchLost` and the reason `NotAlive`: this process is to be restarted, or looked at.
  yield* heartbeat.guard(strategy)
}).pipe(Effect.scoped)

const venue = BitgetCountdown.layer.pipe(
  Layer.provideMerge(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

NodeRuntime.runMain(Effect.provide(program, venue))
