// Quotes on both sides under `guard`. Pauses in jeopardy. After a gap in the network it keeps its quotes where the order
// book proves that the switch held; else it cancels them, and goes on. Reconciles after `SwitchLost` before it arms
// again. When stopped, lets an order settle and cancels its quotes. Its loop kicks a watchdog, so the exchange cancels the quotes
// when the loop hangs. Run: `pnpm example market-maker`.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetOpenOrders from "@effect-deadman/core/BitgetOpenOrders"
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
  readonly category: BitgetOpenOrders.Category
  readonly symbol: string
  readonly qty: string
  /** Distance of each quote from the fair price. */
  readonly halfSpread: number
}

/** The time that the order book has after a gap to prove that the switch held. */
const patience = Duration.seconds(10)

/** The bound of one call. A round of calls must fit into the watchdog's timeout. */
const timeout = Duration.seconds(1)

const OpenOrders = Schema.Struct({ list: Schema.Array(Schema.Struct({ orderId: Schema.String })) })

/**
 * Until when a placement without a clear answer may still reach the book, in ms of the monotonic clock. It outlives the
 * heartbeat, as such a quote does.
 */
interface Unsettled {
  until: number
}

const monotonicMillis = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))

/** Cancels all open orders of the symbol, so that the book is known to be empty. */
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

/** Uninterruptible and bounded by `timeout`, because an abandoned placement could arrive after the quotes are cancelled. */
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

/** Counts and cancels the orders of an earlier run. Retries until the exchange has answered. */
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
    yield* Effect.logInfo(`reconciled: ${data.list.length} orders of an earlier run were open, none is now`)
  },
  Effect.tapError((error) => Effect.logWarning(`cannot reconcile yet: ${error.message}`)),
  // Only retryable errors: a refused key stays refused.
  Effect.retry({ while: (error) => error.retryable, schedule: Schedule.spaced("2 seconds") })
)

/** One run of the strategy, from an armed switch to a lost one. */
const trade = Effect.fnUntraced(function* (settings: Settings, unsettled: Unsettled, fair: Effect.Effect<number>) {
  const watchdog = yield* Liveness.watchdog("6 seconds", { name: "quoting" })
  // Quotes must not outlive their maker: the switch fires unless they are known to be cancelled.
  let release: Release.Release = "CancelSoon"
  // A quote that is still open has not been cancelled, so the switch held.
  const evidence = yield* BitgetOpenOrders.make({
    categories: [settings.category],
    only: ({ symbol }) => symbol === settings.symbol
  })
  const heartbeat = yield* Heartbeat.make({
    countdown: "10 seconds",
    liveness: watchdog.check,
    release: () => release,
    onUncertain: "verify",
    evidence
  })
  yield* Effect.logInfo("armed")

  // Runs before the release and after a placement has settled.
  const windDown = Effect.gen(function* () {
    yield* Effect.logInfo("cancelling the quotes")
    const sentAt = yield* monotonicMillis
    yield* flatten(settings)
    if (sentAt > unsettled.until) {
      release = "Disarm"
      yield* Effect.logInfo("the quotes are cancelled")
    } else {
      release = "LetExpire"
      yield* Effect.logWarning(
        "a quote had no clear answer and may still arrive, so the switch stays armed to cancel it"
      )
    }
  })
  yield* Effect.addFinalizer(() =>
    Effect.catchAll(windDown, (error) =>
      Effect.logWarning(`cannot cancel the quotes, so the exchange cancels them in 5 s: ${error.message}`)
    )
  )

  // Where nothing proves that the switch held, makes the book known: it cancels what may be left.
  let proofUntil: number | undefined
  const settle = Effect.gen(function* () {
    const status = yield* heartbeat.status
    const answers = status._tag === "MayHaveFired" && status.earliestFire > status.at
    if (!answers || status.lastAcknowledged === undefined) {
      proofUntil = undefined
      return
    }
    const now = yield* monotonicMillis
    proofUntil ??= now + Duration.toMillis(patience)
    if (now < proofUntil || now < unsettled.until) return
    yield* flatten(settings)
    yield* heartbeat.markReconciled(status.lastAcknowledged)
    yield* Effect.logWarning("nothing proves that the switch held: the quotes are cancelled, and the book is known")
  })

  const requote = Effect.gen(function* () {
    const middle = yield* fair
    // Places quotes only with a margin of protection: not in jeopardy, and not shortly before it.
    yield* heartbeat.ensureArmed({ margin: "4 seconds" })
    yield* flatten(settings)
    const bid = (middle - settings.halfSpread).toFixed(1)
    const ask = (middle + settings.halfSpread).toFixed(1)
    yield* quote(settings, unsettled, "buy", bid)
    yield* quote(settings, unsettled, "sell", ask)
    yield* Effect.logInfo(`quoting ${bid} / ${ask}`)
  }).pipe(
    Effect.catchTag("NotArmed", (error) => Effect.zipRight(Effect.logWarning(`paused: ${error.message}`), settle)),
    Effect.catchTag("ReconciliationOutdated", (error) => Effect.logWarning(error.message)),
    Effect.catchIf(
      (error) => error.retryable,
      (error) => Effect.logWarning(`this round failed: ${error.message}`)
    )
  )
  const round = Effect.zipRight(requote, watchdog.kick)
  return yield* heartbeat.guard(Effect.forever(Effect.zipRight(round, Effect.sleep("2 seconds"))))
}, Effect.scoped)

/** Runs until it is interrupted or the exchange refuses permanently. `fair` is your model's price. */
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
