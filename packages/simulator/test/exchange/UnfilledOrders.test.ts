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

  describe("as the proof that orders have survived", () => {
    const beat = (state: Exchange.State, at: number, countdown = "5") =>
      post(state, "/api/v3/trade/countdown-cancel-all", { countdown }, at).state

    it("800 orders cancelled at 5 ms each: every page shows what the sweep has not reached at the page's own instant", () => {
      for (const cancelOrder of ["oldest", "newest"] as const) {
        const armed = beat(stocked({ cancelPace: 5, cancelOrder }, 800), 1_000)
        const ids = Exchange.openOrders(armed, uid).map((order) => order.orderId)
        /** The place of an order in the sweep, which begins at 6,000 ms. */
        const placeOf = (orderId: unknown) => {
          const place = ids.indexOf(orderId as string)
          return cancelOrder === "oldest" ? place : ids.length - 1 - place
        }
        const isGone = (orderId: unknown, at: number) => 6_000 + 5 * placeOf(orderId) <= at
        const instants = (page: number) => 6_700 + 400 * page
        const read = pages(armed, "limit=100", instants)
        let below = ids.length
        for (const [page, { list, response }] of read.entries()) {
          const at = instants(page)
          const left = ids
            .slice(0, below)
            .filter((id) => !isGone(id, at))
            .reverse()
          const listed = list.map((order) => order["orderId"])
          assert.deepStrictEqual(listed, left.slice(0, 100))
          assert.strictEqual(response.headers["x-bg-request-accept-time"], String(start + at))
          for (const order of list) assert.strictEqual(order["orderStatus"], "live")
          if (listed.length > 0) below = ids.indexOf(listed.at(-1) as string)
        }
        assert.isAbove(read.length, 2)
        assert.isAtLeast(
          idsOf(read).filter((id) => isGone(id, 10_000)).length,
          100,
          "an early page lists doomed orders"
        )
        assert.lengthOf(list(armed, "", 9_990).list, 1)
        assert.deepStrictEqual(list(armed, "", 9_995).list, [])
        // The history has the instant of each cancel.
        const [end] = Exchange.advance(armed, start + 10_000)
        assert.deepStrictEqual(
          Exchange.closedOrders(end, uid).map((order) => order.updatedTime - start),
          ids.map((_, place) => 6_000 + 5 * place)
        )
      }
    })

    it("an order accepted before the firing enters the book after it, and stays: its creation time alone proves nothing", () => {
      const armed = beat(begin({ venue: { placingLatency: 300 } }), 0)
      const early = place(armed, 4_700, { clientOid: "early" })
      const late = place(early.state, 4_701, { clientOid: "late" })
      const { orderId } = late.json.data as { orderId: string }
      // Until it is in the book no request finds it, but its name is taken.
      assert.deepStrictEqual(list(late.state, "", 4_999).list, [])
      assert.strictEqual(
        call(late.state, "GET", `/api/v3/trade/order-info?orderId=${orderId}`, "", 4_999).json.code,
        "25204"
      )
      assert.strictEqual(post(late.state, "/api/v3/trade/cancel-order", { orderId }, 4_999).json.code, "25204")
      assert.strictEqual(place(late.state, 4_999, { clientOid: "late" }).json.code, "25212")
      const after = list(late.state, "", 6_000)
      assert.deepStrictEqual(
        after.list.map((order) => [order["clientOid"], order["createdTime"]]),
        [["late", String(start + 4_701)]]
      )
      assert.deepInclude(Exchange.countdown(after.state, uid), { _tag: "Fired", at: start + 5_000, orders: 1 })
      assert.strictEqual(post(after.state, "/api/v3/trade/cancel-order", { orderId }, 6_001).json.code, "00000")
    })

    it("orders that have no place in the book yet count against its cap", () => {
      let state = begin({ venue: { placingLatency: 300, openOrderCap: 2 } })
      state = place(place(state, 0).state, 0).state
      assert.strictEqual(place(state, 0).json.code, "25209")
      assert.lengthOf(list(state, "", 300).list, 2)
    })

    it("spared orders are listed after the firing like any other", () => {
      const venue = { sparedOrders: ["MARGIN", "reduceOnly"] } as const
      let state = begin({ venue })
      for (const order of [{}, { category: "MARGIN" }, { reduceOnly: "yes" }, { category: "USDC-FUTURES" }]) {
        state = place(state, 0, order).state
      }
      const after = list(beat(state, 0), "", 5_000)
      assert.deepStrictEqual(
        after.list.map((order) => [order["category"], order["reduceOnly"]]),
        [
          ["SPOT", "yes"],
          ["MARGIN", "no"]
        ]
      )
      assert.deepInclude(Exchange.countdown(after.state, uid), { _tag: "Fired", orders: 2 })
    })

    it("a stale list shows cancelled orders under stamps of now, for as long as the option says and no longer", () => {
      const placed = place(begin({ venue: { listStaleness: 2_000 } }), 0)
      const armed = beat(placed.state, 0)
      const { orderId } = placed.json.data as { orderId: string }
      const info = `/api/v3/trade/order-info?orderId=${orderId}`
      assert.deepStrictEqual(list(armed, "", 1_999).list, [])
      assert.lengthOf(list(armed, "", 2_000).list, 1)
      const stale = list(armed, "", 6_999)
      assert.deepInclude(Exchange.countdown(stale.state, uid), { _tag: "Fired", at: start + 5_000 })
      assert.deepInclude(stale.list[0], { orderId, orderStatus: "live" })
      assert.strictEqual(stale.response.headers["x-bg-request-accept-time"], String(start + 6_999))
      assert.deepInclude(call(armed, "GET", info, "", 6_999).json.data, { orderStatus: "live" })
      assert.deepStrictEqual(list(armed, "", 7_000).list, [])
      assert.deepInclude(call(armed, "GET", info, "", 7_000).json.data, { orderStatus: "cancelled" })
      const history = (at: number) =>
        (call(armed, "GET", "/api/v3/trade/history-orders?category=SPOT", "", at).json.data as Page).list.length
      assert.deepStrictEqual([history(6_999), history(7_000)], [0, 1])
      // Requests that write see the truth.
      assert.strictEqual(post(armed, "/api/v3/trade/cancel-order", { orderId }, 5_000).json.code, "25204")
    })
  })
})
