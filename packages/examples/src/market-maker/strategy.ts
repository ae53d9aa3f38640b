// Quotes on two sides under `guard`: it pauses while the switch is in jeopardy, and after `SwitchLost` it compares the
// book with the venue before it arms again. Stopped, it takes its quotes along; and its loop kicks a watchdog: should it
// hang, the venue cancels them although the process lives. Run: `pnpm example market-maker`.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Liveness from "@effect-deadman/core/Liveness"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

export interface Settings {
  readonly category: string
  readonly symbol: string
  readonly qty: string
  /** How far each quote is from the fair price. */
  readonly halfSpread: number
}

/** How long one call of the strategy may take: a round of calls has to fit into what the watchdog allows. */
const timeout = "1 seconds"

const OpenOrders = Schema.Struct({ list: Schema.Array(Schema.Struct({ orderId: Schema.String })) })

/** All open orders of the symbol are cancelled: afterwards it is known what there is, namely nothing. */
const flatten = Effect.fnUntraced(function* ({ category, symbol }: Settings) {
  const client = yield* BitgetClient.BitgetClient
  yield* client.execute({
    method: "POST",
    path: "/api/v3/trade/cancel-symbol-order",
    body: { category, symbol },
    response: Schema.Unknown,
    timeout
  })
})

const quote = Effect.fnUntraced(function* (settings: Settings, side: "buy" | "sell", price: number) {
  const client = yield* BitgetClient.BitgetClient
  const { category, qty, symbol } = settings
  yield* client.execute({
    method: "POST",
    path: "/api/v3/trade/place-order",
    body: { category, symbol, qty, side, price: price.toFixed(1), orderType: "limit", timeInForce: "post_only" },
    response: Schema.Struct({ orderId: Schema.String }),
    timeout
  })
})

/** What is left in the book of an earlier life is counted and cancelled. Tried until the venue has answered. */
const reconcile = Effect.fnUntraced(
  function* (settings: Settings) {
    const client = yield* BitgetClient.BitgetClient
    const { category, symbol } = settings
    const { data } = yield* client.execute({
      method: "GET",
      path: "/api/v3/trade/unfilled-orders",
      query: { category, symbol },
      response: OpenOrders
    })
    yield* flatten(settings)
    yield* Effect.logInfo(`reconciled: ${data.list.length} orders of an earlier life were open, none is now`)
  },
  Effect.tapError((error) => Effect.logWarning(`cannot reconcile yet: ${error.message}`)),
  // What cannot help is not repeated: a refused key stays refused.
  Effect.retry({ while: (error) => error.retryable, schedule: Schedule.spaced("2 seconds") })
)

/** One life of the strategy: from an armed switch to a lost one. */
const trade = Effect.fnUntraced(function* (settings: Settings, fair: Effect.Effect<number>) {
  const watchdog = yield* Liveness.watchdog("6 seconds", { name: "quoting" })
  let cleared = false
  const heartbeat = yield* Heartbeat.make({
    countdown: "10 seconds",
    liveness: watchdog.check,
    // Quotes have no business in the book without their maker: cancelled below or, should that fail, by the venue in 5 s.
    release: () => (cleared ? "Disarm" : "CancelSoon")
  })
  const clear = Effect.map(flatten(settings), () => {
    cleared = true
  })
  yield* Effect.addFinalizer(() => Effect.ignore(clear))

  const requote = Effect.gen(function* () {
    const middle = yield* fair
    // Nothing is placed unless it is sure to be cancelled: not in jeopardy, and not on the edge of it.
    yield* heartbeat.ensureArmed({ margin: "4 seconds" })
    yield* flatten(settings)
    yield* quote(settings, "buy", middle - settings.halfSpread)
    yield* quote(settings, "sell", middle + settings.halfSpread)
  }).pipe(
    Effect.catchTag("NotArmed", (error) => Effect.logWarning(`paused: ${error.message}`)),
    Effect.catchIf(
      (error) => error.retryable,
      (error) => Effect.logWarning(`this round failed: ${error.message}`)
    )
  )
  const round = Effect.zipRight(requote, watchdog.kick)
  return yield* heartbeat.guard(Effect.forever(Effect.zipRight(round, Effect.sleep("2 seconds"))))
}, Effect.scoped)

/** Lives until it is interrupted, or until the venue refuses for good. `fair` is your model's price. */
export const marketMaker = Effect.fnUntraced(function* (settings: Settings, fair: Effect.Effect<number>) {
  for (;;) {
    yield* reconcile(settings)
    yield* trade(settings, fair).pipe(
      Effect.catchIf(
        (error) => error._tag === "ArmTimeout" || (error._tag === "SwitchLost" && error.reason !== "Refused"),
        (error) => Effect.logError(`${error.message} Reconciling, then arming again.`)
      )
    )
  }
})
