// Arms the switch, places resting orders, and waits. SIGTERM or Ctrl-C turns the switch off and leaves the orders. After a
// crash, SIGKILL, or an order without a clear answer the exchange cancels them.
// Run: `pnpm start` runs it against the simulated exchange, `pnpm start:live` against the real one.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as Release from "@effect-deadman/core/Release"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

const wholeNumber = (name: string) =>
  Config.validate(Config.integer(name), { message: "a whole number from 0 on", validation: (value) => value >= 0 })

const config = Config.all({
  /** How long after the last beat the exchange cancels everything. */
  countdown: Config.withDefault(Config.duration("BOT_COUNTDOWN"), Duration.seconds(10)),
  /** How many orders to place. */
  orders: Config.withDefault(wholeNumber("BOT_ORDERS"), 0),
  category: Config.withDefault(Config.string("BOT_CATEGORY"), "USDT-FUTURES"),
  symbol: Config.withDefault(Config.string("BOT_SYMBOL"), "BTCUSDT"),
  side: Config.withDefault(Config.literal("buy", "sell")("BOT_SIDE"), "buy"),
  /** No default, because real money is at stake. */
  price: Config.option(Config.nonEmptyString("BOT_PRICE")),
  qty: Config.option(Config.nonEmptyString("BOT_QTY")),
  /** Throws so long after the start, as a mistake in the strategy does. For the demonstration. */
  throwAfter: Config.option(Config.duration("BOT_THROW_AFTER")),
  /** From one report of the state to the next. */
  reportEvery: Config.withDefault(Config.duration("BOT_REPORT_EVERY"), Duration.seconds(10))
}).pipe(
  Config.mapOrFail((settings) =>
    settings.orders > 0 && (Option.isNone(settings.price) || Option.isNone(settings.qty))
      ? Either.left(ConfigError.MissingData(["BOT_PRICE", "BOT_QTY"], "BOT_ORDERS needs BOT_PRICE and BOT_QTY"))
      : Either.right(settings)
  )
)

interface Order {
  readonly category: string
  readonly symbol: string
  readonly side: "buy" | "sell"
  readonly price: string
  readonly qty: string
}

/** Places a `post_only` order: it rests in the book or is refused, and never takes. */
const placeOrder = Effect.fnUntraced(function* (order: Order) {
  const client = yield* BitgetClient.BitgetClient
  const { data } = yield* client.execute({
    method: "POST",
    path: "/api/v3/trade/place-order",
    body: { ...order, orderType: "limit", timeInForce: "post_only" },
    response: Schema.Struct({ orderId: Schema.String })
  })
  return data.orderId
})

const describe = (status: HeartbeatStatus.Status): string => {
  if (status._tag === "Released") return "released"
  const left = ((status.earliestFire - status.at) / 1_000).toFixed(1)
  return `the switch is ${status._tag}, ${left} s before the exchange may cancel`
}

const bot = Effect.gen(function* () {
  const { category, countdown, orders, price, qty, reportEvery, side, symbol, throwAfter } = yield* config
  let unsettled = false
  // Arms the switch. The end of the scope releases it, for any cause.
  const heartbeat = yield* Heartbeat.make({
    countdown,
    // An order that may still arrive must not outlive the switch.
    release: (exit, lost) => (unsettled ? "LetExpire" : Release.cancelOnFailure(exit, lost))
  })
  yield* Effect.logInfo(describe(yield* heartbeat.status))

  // Uninterruptible, so that an order in flight settles before the switch is turned off.
  const place = Effect.fnUntraced(function* (order: Order) {
    unsettled = true
    yield* Effect.tapError(placeOrder(order), ({ applied }) => {
      if (applied !== "no")
        return Effect.logWarning("an order had no clear answer, so the switch stays armed to cancel it")
      unsettled = false
      return Effect.void
    })
    unsettled = false
  }, Effect.uninterruptible)

  const trade = Effect.gen(function* () {
    if (Option.isSome(price) && Option.isSome(qty)) {
      for (let placed = 0; placed < orders; placed++) {
        yield* heartbeat.ensureArmed({ margin: "1 seconds" })
        yield* place({ category, symbol, side, price: price.value, qty: qty.value })
      }
      yield* Effect.logInfo(`${orders} orders rest in the book`)
    }
    if (Option.isSome(throwAfter)) {
      yield* Effect.sleep(throwAfter.value)
      throw new TypeError("Cannot read properties of undefined (reading 'bids')")
    }
    const report = Effect.flatMap(heartbeat.status, (status) => Effect.logInfo(describe(status)))
    yield* Effect.repeat(Effect.delay(report, reportEvery), Schedule.forever)
  })
  // Interrupts the trading and fails with the reason when the switch is lost.
  yield* heartbeat.guard(
    Effect.tapDefect(trade, (cause) => Effect.logError(`the strategy throws: ${String(Cause.squash(cause))}`))
  )
})

const exchange = BitgetCountdown.layer.pipe(
  Layer.provideMerge(BitgetClient.layerConfig),
  Layer.provide(Credentials.layerConfig),
  Layer.provide(FetchHttpClient.layer)
)

const lines = Logger.replace(
  Logger.defaultLogger,
  Logger.withConsoleLog(
    Logger.make(({ date, logLevel, message }) => {
      const text = (Array.isArray(message) ? message : [message]).map(String).join(" ")
      return `${date.toISOString()} ${logLevel.label} ${text}`
    })
  )
)

bot.pipe(
  Effect.scoped,
  Effect.provide(exchange),
  Effect.tapError((error) => Effect.logError("message" in error ? error.message : String(error))),
  Effect.provide(lines),
  NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true })
)
