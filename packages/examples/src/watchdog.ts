// A running process does not prove a working strategy. Here market data stops, the strategy stops kicking the watchdog,
// the heartbeat withholds its beats, and the exchange cancels, although nothing has crashed.
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

/** Your market data, here four ticks per second. It ends like a silent socket: open, and without an error. */
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
    // An order that may still arrive must not outlive the switch.
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
    // Uninterruptible, so that the order settles before the release.
    yield* Effect.uninterruptible(
      Effect.tap(order, () =>
        Effect.sync(() => {
          unsettled = false
        })
      )
    )
    yield* Effect.logInfo("one order rests, and market data comes in")
    // Kick inside the work. A separate fiber would go on kicking after the work has stopped.
    yield* Stream.runForEach(ticks(feedSeconds), (tick) =>
      Effect.zipRight(watchdog.kick, tick % 4 === 0 ? Effect.logInfo(`tick ${tick}`) : Effect.void)
    )
  })
  // Fails with `SwitchLost` and the reason `NotAlive`. Restart or inspect this process then.
  yield* heartbeat.guard(strategy)
}).pipe(Effect.scoped)

const exchange = BitgetCountdown.layer.pipe(
  Layer.provideMerge(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

NodeRuntime.runMain(Effect.provide(program, exchange))
