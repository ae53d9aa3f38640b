import { assert, describe, it } from "@effect/vitest"
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Credentials from "@effect-deadman/core/Credentials"
import type * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import * as World from "./support/world.js"

// The code of the README, word for word.
const response = Schema.Struct({ orderId: Schema.String })

const placeOrder = Effect.fnUntraced(function* (heartbeat: Heartbeat.Heartbeat, clientOid: string) {
  const client = yield* BitgetClient.BitgetClient
  const place = client.execute({
    method: "POST",
    path: "/api/v3/trade/place-order",
    body: {
      category: "USDT-FUTURES",
      symbol: "BTCUSDT",
      side: "buy",
      orderType: "limit",
      price: "50000",
      qty: "0.01",
      timeInForce: "post_only",
      clientOid
    },
    response
  })
  const find = client.execute({ method: "GET", path: "/api/v3/trade/order-info", query: { clientOid }, response })

  yield* heartbeat.ensureArmed({ margin: "3 seconds" }) // no order without protection
  const { data } = yield* Effect.catchAll(place, (error) =>
    // An order of unknown outcome may be in the book: look for it, and keep the error if it is not found.
    error.applied === "no" ? Effect.fail(error) : Effect.orElseFail(find, () => error)
  )
  return data.orderId
})
// Up to here.

const client = BitgetClient.layerConfig.pipe(
  Layer.provide(Credentials.layerConfig),
  Layer.provide(Simulator.layerCredentials)
)

/** The orders in the book after one is placed under these faults, and what came of it. */
const placed = (...faults: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { heartbeat } = yield* World.open()
    const { network } = yield* Simulator.Simulator
    for (const fault of faults) yield* network.add(fault)
    const result = yield* Effect.either(placeOrder(heartbeat, "mine-1"))
    yield* network.heal
    const orders = yield* Simulator.openOrders()
    return { result, orders: orders.map(({ clientOid, orderId }) => ({ clientOid, orderId })), heartbeat }
  }).pipe(Effect.provide(client))

describe("an order by BitgetClient.execute", () => {
  it("is placed by the code that the README shows", () => {
    const [, code] =
      /word for word\.\n([^]*?)\n\/\/ Up to here/.exec(Fs.readFileSync(import.meta.filename, "utf8")) ?? []
    const readme = Fs.readFileSync(new URL("../README.md", import.meta.url), "utf8")
    assert.isTrue(code !== undefined && readme.includes(code))
  })

  World.virtual(
    "rests in the book, under the id of its caller",
    Effect.gen(function* () {
      const { orders, result } = yield* placed()
      assert.strictEqual(result._tag, "Right")
      assert.deepStrictEqual(orders, [{ clientOid: "mine-1", orderId: result._tag === "Right" ? result.right : "" }])
    })
  )

  World.virtual(
    "is found by that id when its answer is lost",
    Effect.gen(function* () {
      const { orders, result } = yield* placed("drop-answer;endpoint=place-order")
      assert.strictEqual(result._tag, "Right")
      assert.deepStrictEqual(orders, [{ clientOid: "mine-1", orderId: result._tag === "Right" ? result.right : "" }])
    })
  )

  World.virtual(
    "that is not found fails with the error of its own, not with that of the search, and is not sent twice",
    Effect.gen(function* () {
      const { orders, result } = yield* placed("drop-request;endpoint=place-order")
      assert.isEmpty(orders)
      assert.strictEqual(result._tag === "Left" ? result.left._tag : "", "RequestTimeout")
    })
  )

  World.virtual(
    "is not placed without protection",
    Effect.gen(function* () {
      const { heartbeat } = yield* placed()
      const { network } = yield* Simulator.Simulator
      yield* network.add("partition")
      yield* Effect.sleep("8 seconds")
      const error = yield* Effect.flip(Effect.provide(placeOrder(heartbeat, "mine-2"), client))
      assert.strictEqual(error._tag, "NotArmed")
      yield* network.heal
    })
  )
})
