// A bot for `test/testing-your-bot.test.ts`, which tests it: crash, hang, partition, late response.
// It uses `HttpClient` and Effect's clock as any bot does, and contains nothing for tests.
// Run: `npx vitest run packages/examples/test/testing-your-bot.test.ts`.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Release from "@effect-deadman/core/Release"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * Places an order every four seconds and fails with `SwitchLost` when its orders may be gone. When it is stopped, its
 * orders stay. If one of them had no clear answer, the switch stays armed and cancels them.
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
      // An order in flight settles before the release.
      Effect.uninterruptible
    )
  const round = Effect.zipRight(heartbeat.ensureArmed({ margin: "1 seconds" }), placeOrder).pipe(
    // A permanent refusal ends the bot.
    Effect.catchIf(
      (error) => error._tag === "NotArmed" || error.retryable,
      (error) => Effect.logWarning(`no order this time, or no response: ${error.message}`)
    )
  )
  yield* heartbeat.guard(Effect.forever(Effect.zipLeft(round, Effect.sleep("4 seconds"))))
}).pipe(Effect.scoped)
