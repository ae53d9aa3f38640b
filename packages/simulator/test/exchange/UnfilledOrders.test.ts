/**
 * The list of open orders as it comes over the wire: what a client reads to prove that its orders have survived.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import { begin, call, post, start } from "../support/Calls.js"

const unfilled = "/api/v3/trade/unfilled-orders"
const uid = "1000001"
const categories = ["SPOT", "MARGIN", "USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES"] as const

interface Page {
  readonly list: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly cursor: string | null
}

const list = (state: Exchange.State, query: string, at: number) => {
  const { json, response, state: next } = call(state, "GET", `${unfilled}${query}`, "", at)
  return { ...(json.data as Page), code: json.code, response, state: next }
}

const place = (
  state: Exchange.State,
  at: number,
  order: { readonly category?: string; readonly clientOid?: string; readonly reduceOnly?: string } = {}
) => {
  const limit = { symbol: "BTCUSDT", qty: "2", price: "3", side: "buy", orderType: "limit" }
  return post(state, "/api/v3/trade/place-order", { category: "SPOT", ...limit, ...order }, at)
}

/** An account with many orders, placed without a key and its rate limit. */
const stocked = (venue: Venue.Options, orders: number) => {
  let state = begin({ venue })
  for (let n = 0; n < orders; n++) {
    const order = { symbol: "BTCUSDT", qty: "2", price: "3", side: "buy", orderType: "limit" } as const
    const category = n % 2 === 0 ? "SPOT" : "USDT-FUTURES"
    state = Exchange.step(state, { _tag: "PlaceOrder", account: uid, order: { category, ...order } }, start + n)[0]
  }
  return state
}

/** All pages of one listing; `at` is the instant of each. */
const pages = (state: Exchange.State, query: string, at: (page: number) => number) => {
  const read: Array<ReturnType<typeof list>> = []
  let cursor: string | null = ""
  let current = state
  while (cursor !== null) {
    const page = list(current, `?${query}&cursor=${cursor}`, at(read.length))
    assert.strictEqual(page.code, "00000")
    read.push(page)
    current = page.state
    cursor = page.cursor
  }
  return read
}

const idsOf = (read: ReadonlyArray<Page>) => read.flatMap((page) => page.list.map((order) => order["orderId"]))

describe("unfilled-orders", () => {
  it("an order has the documented fields and no others, all of them texts; its times are ms of the exchange's clock", () => {
    const placed = place(begin(), 7, { clientOid: "mine" })
    const { orderId } = placed.json.data as { orderId: string }
    const expected = {
      orderId,
      clientOid: "mine",
      category: "SPOT",
      symbol: "BTCUSDT",
      orderType: "limit",
      side: "buy",
      price: "3",
      qty: "2",
      amount: "0",
      cumExecQty: "0",
      cumExecValue: "0",
      avgPrice: "0",
      timeInForce: "gtc",
      orderStatus: "live",
      posSide: "long",
      holdMode: "one_way_mode",
      reduceOnly: "no",
      feeDetail: [],
      createdTime: String(start + 7),
      updatedTime: String(start + 7)
    }
    assert.deepStrictEqual(list(placed.state, "", 20).list, [expected])
    const [filled] = Exchange.step(placed.state, { _tag: "FillOrder", account: uid, orderId, qty: "0.5" }, start + 900)
    assert.deepStrictEqual(list(filled, "", 1_000).list, [
      {
        ...expected,
        cumExecQty: "0.5",
        cumExecValue: "1.5",
        avgPrice: "3",
        orderStatus: "partially_filled",
        updatedTime: String(start + 900)
      }
    ])
  })

  it("without a category it lists all five, with one it lists that one", () => {
    const state = categories.reduce((state, category, n) => place(state, n, { category }).state, begin())
    const listed = (query: string, at: number) => list(state, query, at).list.map((order) => order["category"])
    assert.deepStrictEqual(listed("", 10), [...categories].reverse())
    for (const category of categories) assert.deepStrictEqual(listed(`?category=${category}`, 10), [category])
    assert.deepStrictEqual(listed("?category=SPOT&symbol=ETHUSDT", 10), [])
  })

  it("the creation time selects, with both ends included", () => {
    const state = stocked({}, 5)
    const listed = (from: number, to: number) =>
      list(state, `?startTime=${start + from}&endTime=${start + to}`, 10).list.map(
        (order) => Number(order["createdTime"]) - start
      )
    assert.deepStrictEqual(listed(1, 3), [3, 2, 1])
    assert.deepStrictEqual(listed(4, 4), [4])
    assert.deepStrictEqual(listed(5, 9), [])
  })

  it("800 orders are eight full pages of 100, newest first; the cursor is a page's last order, and null after the end", () => {
    const state = stocked({}, 800)
    const read = pages(state, "limit=100", () => 1_000)
    assert.deepStrictEqual(
      read.map((page) => page.list.length),
      [100, 100, 100, 100, 100, 100, 100, 100, 0]
    )
    for (const page of read) assert.strictEqual(page.cursor, page.list.at(-1)?.["orderId"] ?? null)
    const all = Exchange.openOrders(state, uid).map((order) => order.orderId)
    assert.deepStrictEqual(idsOf(read), all.reverse())
    const futures = pages(state, "category=USDT-FUTURES", () => 2_000)
    assert.lengthOf(idsOf(futures), 400)
  })

  it("takes 20 calls per second and account; an answer has the exchange's two stamps and the calls that remain", () => {
    const venue = { timeToComplete: 40 }
    let state = place(begin({ venue }), 0).state
    for (let n = 0; n < 20; n++) {
      const { response, state: next } = list(state, "", n)
      state = next
      assert.deepInclude(response.headers, {
        "x-bg-request-accept-time": String(start + n),
        "x-bg-response-complete-time": String(start + n + 40),
        "x-mbx-used-remain-limit": String(19 - n)
      })
    }
    assert.deepInclude(list(state, "", 999).response, { status: 429, code: "429" })
    assert.strictEqual(list(state, "", 1_000).code, "00000")
  })
})
