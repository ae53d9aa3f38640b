/** The command line of `deadman probe`. */
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { codes, Ending } from "../exitCodes.js"
import { optional, withDefault } from "../options.js"
import { categories } from "./model.js"

/** The options of `probe`. */
const options = {
  category: Options.choice("category", categories).pipe(
    Options.withDescription("The category of the order that rests while the switch is tried. Default: USDT-FUTURES"),
    Options.withDefault("USDT-FUTURES" as const)
  ),
  symbol: optional(Options.text("symbol"), "Its symbol", "a Bitcoin market of the category"),
  price: optional(
    Options.text("price"),
    "Its price, to buy: far below the market, and no further than the exchange allows",
    "10000"
  ),
  qty: optional(Options.text("qty"), "Its quantity: the smallest that the exchange takes", "0.001"),
  output: withDefault(Options.text("output"), "The new file for the simulator", "venue.json"),
  live: Options.boolean("live").pipe(
    Options.withDescription("Measures the live exchange with real orders, in --category only. Default: demo trading")
  ),
  yes: Options.boolean("yes").pipe(
    Options.withDescription(
      "Confirms --live: real orders, and the switch of the account is armed and turned off. Default: no"
    )
  )
}

const description = HelpDoc.blocks([
  HelpDoc.p(
    "Measures what Bitget does not document about its countdown, with small orders far below the market on a demo " +
      "account: when the switch fires, how it cancels, which orders, and what each answer means. Takes about three " +
      "minutes and a thousand calls. Prints a report, and writes a file that the simulator loads."
  ),
  HelpDoc.p(
    "The switch cancels every order of the account and belongs to the whole account. Use one on which nothing else " +
      "trades; open orders are refused. At the end, on a failure and on Ctrl-C, cancels its own orders and turns the " +
      "switch off."
  ),
  HelpDoc.p(
    "Environment: BITGET_API_KEY, BITGET_PASSPHRASE, BITGET_SECRET_KEY or BITGET_RSA_PRIVATE_KEY, of a demo key unless " +
      "--live; BITGET_BASE_URL."
  )
])

export const command = Command.make("probe", options, (given) =>
  Effect.gen(function* () {
    if (given.live && !given.yes) {
      return yield* new Ending({
        code: codes.usage,
        message:
          "--live places real orders, fires the switch of the account, which cancels all of its orders, and turns it " +
          "off at the end, also when another program has armed it. Add --yes if nothing else trades on this account."
      })
    }
    const { probe } = yield* Effect.promise(() => import("./probe.js"))
    yield* probe(given)
  })
).pipe(Command.withDescription(description))
