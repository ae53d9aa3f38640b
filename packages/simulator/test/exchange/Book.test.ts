/**
 * The orders of one account: what the exchange fills in, how many it keeps, and what a fill or an end changes.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import { limit } from "../support/Orders.js"

/** An exchange with its current state; `by` counts the requests. */
const exchange = (venue: Venue.Options = {}) => {
  let state = Exchange.make({ accounts: [{ uid: "1" }], venue, now: 0 })
  let by = 0
  const step = (event: Exchange.Event, now = state.now) => {
    const [next, outputs] = Exchange.step(state, event, now)
    state = next
    return outputs
  }
  return {
    step,
    place: (order: Partial<Exchange.NewOrder> = {}, now?: number) =>
      step({ _tag: "PlaceOrder", account: "1", order: { ...limit, ...order }, by: ++by }, now),
    fill: (orderId: string, rest: { readonly qty?: string; readonly price?: string } = {}, now?: number) =>
      step({ _tag: "FillOrder", account: "1", orderId, ...rest }, now),
    cancel: (orderId: string, now?: number) => step({ _tag: "CancelOrder", account: "1", orderId, by: ++by }, now),
    open: () => Exchange.openOrders(state, "1"),
    closed: () => Exchange.closedOrders(state, "1"),
    state: () => state
  }
}

const idOf = (number: number) => `1${String(number).padStart(18, "0")}`

const codes = (outputs: ReadonlyArray<Exchange.Output>) =>
  outputs.map((output) => (output._tag === "Refused" ? output.code : output._tag))

describe("the book", () => {
  it("an order gets the exchange's defaults for what it leaves out, and keeps what it gives", () => {
    const book = exchange()
    book.place({}, 7)
    book.place({ side: "sell", category: "USDT-FUTURES", timeInForce: "post_only", clientOid: "mine" })
    book.place({ posSide: "short", reduceOnly: "yes" })
    const filledIn = {
      ...limit,
      orderId: idOf(1),
      clientOid: idOf(1),
      timeInForce: "gtc",
      posSide: "long",
      reduceOnly: "no",
      orderStatus: "live",
      cumExecQty: "0",
      cumExecValue: "0",
      avgPrice: "0",
      cancelReason: "",
      createdTime: 7,
      updatedTime: 7
    }
    assert.deepStrictEqual(book.open(), [
      filledIn,
      {
        ...filledIn,
        orderId: idOf(2),
        clientOid: "mine",
        side: "sell",
        category: "USDT-FUTURES",
        timeInForce: "post_only",
        posSide: "short"
      },
      { ...filledIn, orderId: idOf(3), clientOid: idOf(3), posSide: "short", reduceOnly: "yes" }
    ] as ReadonlyArray<Exchange.Order>)
    const market = exchange()
    market.place({ orderType: "market", price: undefined })
    assert.deepInclude(market.closed()[0], { price: "0", orderStatus: "filled", cumExecQty: "2", avgPrice: "0" })
  })

  it("the cap is one for futures and one for spot and margin, and an end makes room", () => {
    const futures = ["USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES"] as const
    for (const [one, other] of [
      [["SPOT", "MARGIN"], futures],
      [futures, ["SPOT", "MARGIN"]]
    ] as const) {
      const book = exchange({ openOrderCap: 2, codes: { openOrderCap: "25999" } })
      const place = (categories: ReadonlyArray<Exchange.Category>, rest: Partial<Exchange.NewOrder> = {}) =>
        categories.flatMap((category) => codes(book.place({ category, ...rest })))
      assert.deepStrictEqual(place([one[0], one[1], one[0], one[1]]), ["Placed", "Placed", "25999", "25999"])
      // An order that never rests needs no room.
      assert.deepStrictEqual(place([one[0]], { timeInForce: "ioc" }), ["Placed", "Cancelled"])
      assert.deepStrictEqual(place([one[0]], { timeInForce: "fok" }), ["Placed", "Cancelled"])
      assert.deepStrictEqual(place([one[0]], { orderType: "market" }), ["Placed", "Filled"])
      assert.deepStrictEqual(place([other[0], other[1], other[0]]), ["Placed", "Placed", "25999"])
      book.cancel(idOf(1))
      assert.deepStrictEqual(place([one[1], one[1]]), ["Placed", "25999"])
      book.fill(idOf(2), { qty: "1" })
      assert.deepStrictEqual(place([one[1]]), ["25999"])
      book.fill(idOf(2))
      assert.deepStrictEqual(place([one[1], other[1]]), ["Placed", "25999"])
    }
  })

  it("outputs name the request that placed or cancelled the order, also one that ends by itself later", () => {
    const book = exchange({ placingLatency: 300 })
    assert.deepStrictEqual(
      book.place({ timeInForce: "ioc" }).map((output) => [output._tag, "by" in output ? output.by : undefined]),
      [["Placed", 1]]
    )
    const later = book.step({ _tag: "Tick" }, 300)
    assert.deepStrictEqual(codes(later), ["Entered", "Cancelled"])
    assert.deepInclude(later[1], { cause: "time_in_force", by: 1, at: 300 })
    const quick = exchange()
    quick.place()
    assert.deepInclude(quick.cancel(idOf(1), 5)[0], { _tag: "Cancelled", account: "1", at: 5, cause: "request", by: 2 })
    assert.deepInclude(quick.closed()[0], { orderStatus: "cancelled", cancelReason: "normal_cancel", updatedTime: 5 })
    const [, filled] = quick.place({ orderType: "market", price: undefined }, 6)
    assert.deepInclude(filled, { _tag: "Filled", at: 6, cause: "market", qty: "2", price: "0" })
    quick.place()
    assert.deepInclude(quick.fill(idOf(3))[0], { cause: "control" })
    const [, , brief] = [...quick.place(), ...quick.place({ timeInForce: "fok" }, 9)]
    assert.deepInclude(brief, { _tag: "Cancelled", at: 9, cause: "time_in_force", by: 6 })
    assert.deepInclude(quick.closed().at(-1), { orderStatus: "cancelled", cancelReason: "normal_cancel" })
  })

  it("a fill has its own price or the order's, and the average of all is exact to 12 digits", () => {
    const book = exchange()
    book.place({ qty: "3" })
    const [first] = book.fill(idOf(1), { qty: "1", price: "1.50" }, 10)
    assert.deepInclude(first, { _tag: "Filled", account: "1", at: 10, qty: "1", price: "1.5" })
    assert.deepInclude(book.open()[0], {
      orderStatus: "partially_filled",
      cumExecQty: "1",
      cumExecValue: "1.5",
      avgPrice: "1.5",
      createdTime: 0,
      updatedTime: 10
    })
    const [second] = book.fill(idOf(1), { price: "4" }, 20)
    assert.deepInclude(second, { qty: "2", price: "4" })
    assert.deepInclude(book.closed()[0], {
      orderStatus: "filled",
      cumExecQty: "3",
      cumExecValue: "9.5",
      avgPrice: "3.166666666667",
      updatedTime: 20
    })
    assert.isEmpty(book.open())
  })

  it("writes numbers without exponents, whatever their size", () => {
    const book = exchange()
    const [qty, price] = ["12300000000000000000", "0.00000000000000000012"]
    book.place({ qty, price })
    assert.deepInclude(book.fill(idOf(1))[0], { qty, price })
    assert.deepInclude(book.closed()[0], { cumExecQty: qty, cumExecValue: "1.476" })
    book.place({ qty: "10", price: "1000000000000000000" })
    book.fill(idOf(2), { qty: "5" })
    assert.deepInclude(book.open()[0], { cumExecQty: "5", cumExecValue: "5000000000000000000" })
  })

  it("a fill of more than is left, of nothing, or of no number is refused and changes nothing", () => {
    const book = exchange()
    book.place({ qty: "2.5" })
    book.fill(idOf(1), { qty: "1" })
    const before = book.state()
    for (const qty of ["1.6", "0", "0.0", "-1", "", "x", "1x", "x1", "1.", ".5", "1.x", "1e0", " 1", "1.5.0"]) {
      assert.deepStrictEqual(codes(book.fill(idOf(1), { qty })), ["40017"], qty)
    }
    for (const price of ["-1", "", "x", "1x", "x1"]) {
      assert.deepStrictEqual(codes(book.fill(idOf(1), { price })), ["40017"], price)
    }
    assert.deepStrictEqual(codes(book.fill(idOf(2))), ["25204"])
    assert.strictEqual(book.state(), before)
    assert.deepStrictEqual(codes(book.fill(idOf(1), { qty: "1.50" })), ["Filled"])
    assert.deepInclude(book.closed()[0], { orderStatus: "filled", cumExecQty: "2.5" })
  })

  it("keeps the newest 1,000 ended orders of an account, in the order of their end", () => {
    const book = exchange()
    for (let n = 1; n <= 1_003; n++) {
      book.place()
      if (n % 2 === 1) continue
      book.cancel(idOf(n))
      book.fill(idOf(n - 1))
    }
    book.cancel(idOf(1_003))
    const ended = Array.from({ length: 1_002 }, (_, n) => idOf(n % 2 === 0 ? n + 2 : n))
    assert.deepStrictEqual(
      book.closed().map((order) => order.orderId),
      [...ended, idOf(1_003)].slice(-1_000)
    )
  })

  it("a number that is none, or that is too large to be written again, is refused and no defect", () => {
    const book = exchange()
    book.place({ qty: "x" })
    assert.deepStrictEqual(codes(book.fill(idOf(1), { qty: "1" })), ["40017"])
    book.place({ qty: "1", price: "x" })
    assert.deepStrictEqual(codes(book.fill(idOf(2))), ["40017"])
    book.place({ qty: "90000000000000000000" })
    const half = { qty: "45000000000000000000", price: "9".repeat(40) }
    assert.deepStrictEqual(codes(book.fill(idOf(3), half)), ["Filled"])
    assert.deepStrictEqual(codes(book.fill(idOf(3), half)), ["40017"])
  })

  it("an order that ends before its turn in a sweep is passed over", () => {
    const book = exchange({ cancelPace: 100 })
    for (let n = 0; n < 3; n++) book.place()
    book.step({ _tag: "SetCountdown", account: "1", seconds: 5 }, 0)
    book.fill(idOf(2), {}, 5_050)
    const swept = book.step({ _tag: "Tick" }, 9_000)
    assert.deepStrictEqual(
      swept.map((output) => [output._tag, output.at, "order" in output ? output.order.orderId : ""]),
      [["Cancelled", 5_200, idOf(3)]]
    )
    assert.deepStrictEqual(
      book.closed().map(({ orderId, orderStatus }) => [orderId, orderStatus]),
      [
        [idOf(1), "cancelled"],
        [idOf(2), "filled"],
        [idOf(3), "cancelled"]
      ]
    )
  })
})
