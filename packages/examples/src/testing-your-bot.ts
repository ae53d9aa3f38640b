// A bot, and (in `test/testing-your-bot.test.ts`) the page that tests it: crash, hang, partition, late answer.
// The bot is written as always, on `HttpClient` and the clock of Effect: nothing in it knows of a test.
// Run: `npx vitest run packages/examples/test/testing-your-bot.test.ts`.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Release from "@effect-deadman/core/Release"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * Places an order every four seconds, and stops with `SwitchLost` when its orders may be gone. Stopped, it leaves its
 * orders, unless one of them had no clear answer: then the switch is left to fire.
 */
export const bot = Effect.gen(function* () {
  const client = yield* BitgetClient.BitgetClient
  let unsettled = false
  const heartbeat = yield* Heartbeat.make({
    countdown: "10 seconds",
    release: (exit, lost) => (unsettled ? "LetExpire" : Release.cancelOnFailure(exit, lost))
  })

  const placeOrder = client
    .execute({
      method: "POST",
      path: "/api/v3/trade/place-order",
      body: {
        category: "USDT-FUTURES",
        symbol: "BTCUSDT",
        side: "buy",
        orderType: "limit",
        price: "50000",
        qty: "0.01"
      },
      response: Schema.Struct({ orderId: Schema.String })
    })
    .pipe(
      Effect.tapError(({ applied }) =>
        Effect.sync(() => {
          if (applied !== "no") unsettled = true
        })
      ),
      // An order under way settles before the switch is released.
      Effect.uninterruptible
    )
  const round = Effect.zipRight(heartbeat.ensureArmed({ margin: "1 seconds" }), placeOrder).pipe(
    // A refusal that stays ends the bot.
    Effect.catchIf(
      (error) => error._tag === "NotArmed" || error.retryable,
      (error) => Effect.logWarning(`no order this time, or no answer: ${error.message}`)
    )
  )
  yield* heartbeat.guard(Effect.forever(Effect.zipLeft(round, Effect.sleep("4 seconds"))))
}).pipe(Effect.scoped)
