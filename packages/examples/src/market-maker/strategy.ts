// Quotes on two sides under `guard`: it pauses while the switch is in jeopardy, and after `SwitchLost` it compares the
// book with the venue before it arms again. Stopped, it lets a placing settle and cancels its quotes. Its loop kicks a
// watchdog: should it hang, the venue cancels them although the process lives. Run: `pnpm example market-maker`.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Liveness from "@effect-deadman/core/Liveness"
import type * as Release from "@effect-deadman/core/Release"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
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
const timeout = Duration.seconds(1)

const OpenOrders = Schema.Struct({ list: Schema.Array(Schema.Struct({ orderId: Schema.String })) })

/**
 * Until when a placing without a clear answer may still reach the book, in ms of the monotonic clock. It outlives the
 * heartbeat, because such a quote does.
 */
interface Unsettled {
  until: number
}

const monotonicMillis = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))

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

/** Uninterruptible, but bounded by `timeout`: a placing that is abandoned could land after the quotes are cancelled. */
const quote = Effect.fnUntraced(function* (
  settings: Settings,
  unsettled: Unsettled,
  side: "buy" | "sell",
  price: string
) {
  const client = yield* BitgetClient.BitgetClient
  const { horizon } = yield* CountdownCancelAll.CountdownCancelAll
  const { category, qty, symbol } = settings
  const before = unsettled.until
  const settled = Effect.sync(() => {
    unsettled.until = before
  })
  unsettled.until = (yield* monotonicMillis) + Duration.toMillis(timeout) + Duration.toMillis(yield* horizon)
  yield* client
    .execute({
      method: "POST",
      path: "/api/v3/trade/place-order",
      body: { category, symbol, qty, side, price, orderType: "limit", timeInForce: "post_only" },
      response: Schema.Struct({ orderId: Schema.String }),
      timeout
    })
    .pipe(
      Effect.tapBoth({
        onSuccess: () => settled,
        onFailure: ({ applied }) => Effect.when(settled, () => applied === "no")
      })
    )
}, Effect.uninterruptible)

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
const trade = Effect.fnUntraced(function* (settings: Settings, unsettled: Unsettled, fair: Effect.Effect<number>) {
  const watchdog = yield* Liveness.watchdog("6 seconds", { name: "quoting" })
  // Quotes have no business in the book without their maker: unless they are known to be cancelled, the switch fires.
  let release: Release.Release = "CancelSoon"
  const heartbeat = yield* Heartbeat.make({
    countdown: "10 seconds",
    liveness: watchdog.check,
    release: () => release
  })
  yield* Effect.logInfo("armed")

  // Runs before the release, and after a placing has settled.
  const windDown = Effect.gen(function* () {
    yield* Effect.logInfo("cancelling the quotes")
    const sentAt = yield* monotonicMillis
    yield* flatten(settings)
    if (sentAt > unsettled.until) {
      release = "Disarm"
      yield* Effect.logInfo("the quotes are cancelled")
    } else {
      release = "LetExpire"
      yield* Effect.logWarning("a placing had no clear answer and may still land: the switch stays armed, to cancel it")
    }
  })
  yield* Effect.addFinalizer(() =>
    Effect.catchAll(windDown, (error) =>
      Effect.logWarning(`the quotes are left to the venue, which cancels them in 5 s: ${error.message}`)
    )
  )

  const requote = Effect.gen(function* () {
    const middle = yield* fair
    // Nothing is placed unless it is sure to be cancelled: not in jeopardy, and not on the edge of it.
    yield* heartbeat.ensureArmed({ margin: "4 seconds" })
    yield* flatten(settings)
    const bid = (middle - settings.halfSpread).toFixed(1)
    const ask = (middle + settings.halfSpread).toFixed(1)
    yield* quote(settings, unsettled, "buy", bid)
    yield* quote(settings, unsettled, "sell", ask)
    yield* Effect.logInfo(`quoting ${bid} / ${ask}`)
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
  const unsettled: Unsettled = { until: -Infinity }
  for (;;) {
    yield* reconcile(settings)
    yield* trade(settings, unsettled, fair).pipe(
      Effect.catchIf(
        (error) => error._tag === "ArmTimeout" || (error._tag === "SwitchLost" && error.reason !== "Refused"),
        (error) => Effect.logError(`${error.message} Reconciling, then arming again.`)
      )
    )
  }
})
