import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as BitgetOpenOrders from "@effect-deadman/core/BitgetOpenOrders"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { marketMaker } from "./strategy.js"

const config = Config.all({
  category: Config.withDefault(Config.literal(...BitgetOpenOrders.categories)("CATEGORY"), "USDT-FUTURES"),
  symbol: Config.withDefault(Config.nonEmptyString("SYMBOL"), "BTCUSDT"),
  qty: Config.nonEmptyString("QTY"),
  price: Config.number("PRICE"),
  halfSpread: Config.withDefault(Config.number("HALF_SPREAD"), 50)
})

const exchange = BitgetCountdown.layer.pipe(
  Layer.provideMerge(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

config.pipe(
  Effect.flatMap(({ price, ...settings }) => {
    // PRICE with noise stands in for a model. Put your own here before you trade.
    const fair = Effect.map(Random.nextRange(-5, 5), (noise) => price + noise)
    return marketMaker(settings, fair)
  }),
  Effect.provide(exchange),
  NodeRuntime.runMain
)
