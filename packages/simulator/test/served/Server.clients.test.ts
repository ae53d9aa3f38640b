/**
 * The served exchange with a client of another author: `bitget-api` from npm.
 */
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import { RestClientV3, WebsocketClientV3, WS_KEY_MAP } from "bitget-api"
import * as Effect from "effect/Effect"
import { demoKeys } from "../support/Bot.js"

const credentials = { apiKey: demoKeys.key, apiSecret: demoKeys.secret, apiPass: demoKeys.passphrase }

const rest = (baseUrl: string, changed?: Partial<typeof credentials>) =>
  new RestClientV3({ ...credentials, ...changed, baseUrl })

const order = {
  category: "USDT-FUTURES",
  symbol: "BTCUSDT",
  qty: "0.01",
  price: "50000",
  side: "buy",
  orderType: "limit",
  timeInForce: "gtc"
} as const

/** The status and the code of a refused call, from this client's error. */
const refusal = (call: Promise<unknown>) =>
  Effect.map(
    Effect.flip(Effect.tryPromise({ try: () => call, catch: (error) => error as { code?: unknown; body?: unknown } })),
    (error) => {
      const { body, code } = error as { code: number; body: { code: string } }
      return [code, body.code]
    }
  )

// The clock stands and is advanced through the control API, so that timestamps of the host's clock need a wide window.
const patient = { timestampWindow: 3_600_000 }
const second = Effect.flatMap(Server.Server, ({ clock }) => clock.advance("1 second"))

describe("bitget-api against the served exchange", () => {
  it.live("arms, refreshes, disarms, and lets it fire", () =>
    Effect.gen(function* () {
      const { clock, url } = yield* Server.Server
      const client = rest(url)
      const placed = yield* Effect.promise(() => client.submitNewOrder(order))
      assert.strictEqual(placed.code, "00000")
      const open = Effect.promise(() => client.getUnfilledOrders({ category: "USDT-FUTURES" }))
      assert.deepStrictEqual(
        (yield* open).data.list.map((order) => order.orderId),
        [placed.data.orderId]
      )

      const armed = yield* Effect.promise(() => client.countdownCancelAll({ countdown: "10" }))
      assert.deepStrictEqual([armed.code, armed.data], ["00000", "success"])
      yield* clock.advance("7 seconds")
      yield* Effect.promise(() => client.countdownCancelAll({ countdown: "10" }))
      yield* clock.advance("9 seconds")
      assert.lengthOf((yield* open).data.list, 1)

      yield* Effect.promise(() => client.countdownCancelAll({ countdown: "0" }))
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      yield* clock.advance("1 minute")
      assert.lengthOf((yield* open).data.list, 1)

      yield* Effect.promise(() => client.countdownCancelAll({ countdown: "5" }))
      yield* clock.advance("5 seconds")
      assert.lengthOf((yield* open).data.list, 0)
      const switched = yield* Simulator.countdown()
      assert.deepInclude(switched, { _tag: "Fired", orders: 1 })
    }).pipe(Effect.provide(Server.layer({ clock: { mode: "manual" }, venue: patient })))
  )

  it.live("receives the errors for a wrong secret, for calls too close together and for a bad countdown", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const wrong = rest(url, { apiSecret: "not-the-secret" })
      assert.deepStrictEqual(yield* refusal(wrong.countdownCancelAll({ countdown: "10" })), [400, "40009"])
      assert.deepStrictEqual(yield* refusal(rest(url).countdownCancelAll({ countdown: "4" })), [400, "40017"])
      yield* second
      yield* Effect.promise(() => rest(url).countdownCancelAll({ countdown: "10" }))
      assert.deepStrictEqual(yield* refusal(rest(url).countdownCancelAll({ countdown: "10" })), [429, "429"])
      const armed = yield* Simulator.countdown()
      assert(armed._tag === "Armed")
      assert.strictEqual(armed.remaining, 10_000)
    }).pipe(Effect.provide(Server.layer({ clock: { mode: "manual" }, venue: patient })))
  )

  it.live("receives pushes of its order and of the cancel by the countdown", () =>
    Effect.gen(function* () {
      const { clock, url, websocketUrl } = yield* Server.Server
      const pushed: Array<{ readonly orderId: string; readonly orderStatus: string }> = []
      const quiet = () => undefined
      const logger = { trace: quiet, info: quiet, error: quiet }
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() => new WebsocketClientV3({ ...credentials, wsUrl: websocketUrl }, logger)),
        (socket) => Effect.sync(() => socket.closeAll(true))
      )
      const heard = (status: string) =>
        Effect.async<void>((resume) => {
          const listen = () => {
            if (pushed.some((order) => order.orderStatus === status)) resume(Effect.void)
          }
          socket.on("update", listen)
          listen()
        })
      const subscribed = Effect.async<void>((resume) => {
        socket.on("response", (message: { event?: string }) => {
          if (message.event === "subscribe") resume(Effect.void)
        })
      })
      socket.on("exception", (message) => assert.fail(JSON.stringify(message)))
      socket.on("update", (message: { data: typeof pushed }) => pushed.push(...message.data))
      yield* Effect.zipRight(
        Effect.sync(
          () => void socket.subscribe({ topic: "order", payload: { instType: "UTA" } }, WS_KEY_MAP.v3Private)
        ),
        subscribed
      )

      const placed = yield* Effect.promise(() => rest(url).submitNewOrder(order))
      yield* heard("live")
      yield* Effect.promise(() => rest(url).countdownCancelAll({ countdown: "5" }))
      yield* clock.advance("5 seconds")
      yield* heard("cancelled")
      assert.deepStrictEqual(
        pushed.map((order) => [order.orderId, order.orderStatus]),
        [
          [placed.data.orderId, "live"],
          [placed.data.orderId, "cancelled"]
        ]
      )
    }).pipe(Effect.scoped, Effect.provide(Server.layer({ clock: { mode: "manual" }, venue: patient })))
  )
})
