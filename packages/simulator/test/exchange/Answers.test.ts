/**
 * The exchange's answers beyond the code: stamps, headers, what a refused request leaves behind, and each option of the
 * chain of checks.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import type * as Protocol from "@effect-deadman/simulator/Protocol"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Bot from "../support/Bot.js"
import { begin, call, post, request, start } from "../support/Calls.js"

const uid = "1000001"
const countdownPath = "/api/v3/trade/countdown-cancel-all"
const settings = "/api/v3/account/settings"
const place = "/api/v3/trade/place-order"
const batch = "/api/v3/trade/place-batch"
const limit = { category: "SPOT", symbol: "BTCUSDT", qty: "1", price: "2", side: "buy", orderType: "limit" }

const beat = (state: Exchange.State, at = 0, overrides: Partial<Protocol.Request> = {}) =>
  call(state, "POST", countdownPath, `{"countdown":"40"}`, at, overrides)

const deadline = (state: Exchange.State) => {
  const now = Exchange.countdown(state, uid)
  return now._tag === "Armed" ? now.deadline - start : now._tag
}

describe("an answer", () => {
  it("has the stamps of acceptance and completion, and the countdown counts from the instant of the option", () => {
    const latencies = { timeToComplete: 300 }
    for (const [clockStart, requestTime, expected, stamp] of [
      [undefined, undefined, 40_200, 50],
      ["accept", "accept", 40_050, 50],
      ["apply", "complete", 40_200, 500],
      ["complete", "complete", 40_500, 500]
    ] as const) {
      const venue: Venue.Options = {
        ...latencies,
        ...(clockStart === undefined ? {} : { clockStart }),
        ...(requestTime === undefined ? {} : { requestTime })
      }
      // Signed when the exchange accepts it; it takes effect later.
      const accepted = { ...request("POST", countdownPath, `{"countdown":"40"}`, start + 50), acceptedAt: start + 50 }
      const { json, response, state } = beat(begin({ venue }), 200, accepted)
      assert.strictEqual(deadline(state), expected)
      assert.strictEqual(json.requestTime, start + stamp)
      assert.deepStrictEqual(response.headers, {
        "content-type": "application/json",
        "x-bg-request-accept-time": String(start + 50),
        "x-bg-response-complete-time": String(start + 500),
        "x-mbx-used-remain-limit": "0"
      })
    }
  })

  it("a timestamp is judged at the acceptance, and the time of the exchange is that of the acceptance", () => {
    const late = { ...request("POST", countdownPath, `{"countdown":"40"}`, start - 30_000), acceptedAt: start }
    assert.strictEqual(beat(begin(), 900, late).response.code, "00000")
    const time = call(begin(), "GET", "/api/v2/public/time", "", 70, { headers: {}, acceptedAt: start + 10 })
    assert.deepStrictEqual(time.json.data, { serverTime: String(start + 10) })
    assert.strictEqual(time.response.headers["x-mbx-used-remain-limit"], "19")
  })

  it("names endpoint and account where they are known, and no remaining calls where none were counted", () => {
    const answer = (sent: Protocol.Request) => {
      const { account, applied, code, endpoint, headers } = call(begin(), "GET", "", "", 0, sent).response
      return [code, endpoint, account, applied, headers["x-mbx-used-remain-limit"]]
    }
    const good = request("POST", countdownPath, `{"countdown":"40"}`, start)
    assert.deepStrictEqual(answer(good), ["00000", "countdown-cancel-all", uid, true, "0"])
    assert.deepStrictEqual(answer({ ...good, path: "/api/v3/trade/nothing" }), [
      "40404",
      "unknown",
      undefined,
      false,
      undefined
    ])
    assert.deepStrictEqual(call(begin(), "GET", "/api/v3/trade/nothing").response.headers, {
      "content-type": "application/json",
      "x-bg-request-accept-time": String(start),
      "x-bg-response-complete-time": String(start)
    })
    const unsigned = { ...good, headers: { ...good.headers, "access-sign": "" } }
    assert.deepStrictEqual(answer(unsigned), ["40002", "countdown-cancel-all", uid, false, undefined])
    const unknown = { ...good, headers: { ...good.headers, "access-key": "" } }
    assert.deepStrictEqual(answer(unknown), ["40006", "countdown-cancel-all", undefined, false, undefined])
    const noPassphrase = { ...good, headers: { ...good.headers, "access-passphrase": "" } }
    assert.deepStrictEqual(answer(noPassphrase), ["40011", "countdown-cancel-all", uid, false, undefined])
  })

  it("outputs come in order: first what was due, then what the request did, with its number", () => {
    const armed = post(post(begin(), place, limit).state, countdownPath, { countdown: "5" }).state
    const { outputs } = beat(armed, 6_000, { id: 12 })
    assert.deepStrictEqual(
      outputs.map((output) => [output._tag, "at" in output ? output.at - start : 0, "by" in output ? output.by : 0]),
      [
        ["Switch", 5_000, 0],
        ["Cancelled", 5_000, undefined],
        ["Switch", 6_000, 12]
      ]
    )
  })
})

describe("the options of the checks", () => {
  it("a caller without an address is this machine, and has its rate and its place in a whitelist", () => {
    const keys = [{ ...Exchange.testKey(uid), ipWhitelist: ["127.0.0.1"] }]
    assert.strictEqual(beat(begin({ account: { keys } })).response.code, "00000")
    assert.strictEqual(beat(begin({ account: { keys } }), 0, { ip: "127.0.0.2" }).response.code, "40018")
    let state = begin()
    for (let n = 0; n < 20; n++) state = call(state, "GET", "/api/v2/public/time", "", 0, { ip: "127.0.0.1" }).state
    assert.strictEqual(call(state, "GET", "/api/v2/public/time").response.code, "429")
  })

  it("each refusal whose code is an assumption has the code of the option", () => {
    const code = (venue: Venue.Options["codes"], account: Partial<Exchange.Account>, sent: Partial<Protocol.Request>) =>
      beat(begin({ venue: { codes: venue }, account }), 0, sent).response.code
    const restricted = (key: Partial<Exchange.ApiKey>) => ({ keys: [{ ...Exchange.testKey(uid), ...key }] })
    assert.strictEqual(code({ notUnified: "25245" }, { mode: "classic" }, {}), "25245")
    assert.strictEqual(code({ ip: "40038" }, restricted({ ipWhitelist: ["10.0.0.1"] }), {}), "40038")
    assert.strictEqual(code({ demo: "40099" }, restricted({ demo: true }), {}), "40099")
    assert.strictEqual(code({ noAccess: "40919" }, { countdownAccess: false }, {}), "40919")
    assert.strictEqual(code({ badBody: "40020" }, {}, request("POST", countdownPath, "[]", start)), "40020")
    const tooMany = Array.from({ length: 21 }, () => limit)
    const sent = request("POST", batch, JSON.stringify(tooMany), start)
    assert.strictEqual(code({ badParameter: "40019" }, {}, sent), "40019")
  })

  it("a request without a timestamp that is signed accordingly has no timestamp, and not a wrong signature", () => {
    const headers = Bot.signedHeaders(Bot.demoKeys, "", "GET", settings, "")
    const sent = { method: "GET", path: settings, body: "", headers: { ...headers, "access-timestamp": undefined } }
    assert.strictEqual(beat(begin(), 0, sent).response.code, "40005")
  })

  it("what a refused countdown does is done by no other", () => {
    for (const refusedCountdown of ["restarts", "closes"] as const) {
      const { outputs } = beat(beat(begin({ venue: { refusedCountdown } })).state, 2_000)
      assert.lengthOf(outputs, 1)
      assert.deepInclude(outputs[0], { transition: "refreshed", seconds: 40 })
    }
  })

  it("a read-only key reads and does not write, and access to the countdown matters to no other call", () => {
    const keys = [{ ...Exchange.testKey(uid), permission: "read" as const }]
    const read = begin({ account: { keys, countdownAccess: false } })
    assert.strictEqual(call(read, "GET", "/api/v3/trade/unfilled-orders").response.code, "00000")
    assert.strictEqual(post(read, place, limit).response.code, "40014")
    assert.strictEqual(post(begin({ account: { countdownAccess: false } }), place, limit).response.code, "00000")
  })

  it("the content type may have a charset and any case, and a GET needs none", () => {
    const sent = (type: string) => {
      const good = request("POST", countdownPath, `{"countdown":"40"}`, start)
      return beat(begin(), 0, { headers: { ...good.headers, "content-type": type } }).response.code
    }
    assert.deepStrictEqual(
      ["Application/JSON", "application/json; charset=utf-8", "text/plain", "x application/json"].map(sent),
      ["00000", "00000", "40007", "40007"]
    )
    const { headers } = request("GET", settings, "", start)
    const bare = call(begin(), "GET", settings, "", 0, { headers: { ...headers, "content-type": undefined } })
    assert.strictEqual(bare.response.code, "00000")
  })

  it("in a release window every call gets the code of the option, and takes effect only where the option says so", () => {
    const window = { from: start, to: start + 10_000 }
    for (const [venue, code, applied, set] of [
      [{}, "45001", false, "Closed"],
      [{ maintenanceApplies: true, codes: { maintenance: "40725" } }, "40725", true, 40_000]
    ] as const) {
      const state = begin({ venue: { ...venue, maintenance: [window] } })
      const inside = beat(state)
      assert.deepInclude(inside.response, { code, applied, status: 400 })
      assert.strictEqual(deadline(inside.state), set)
      // What a check refuses has no effect in any case.
      const refused = beat(state, 0, { headers: {} })
      assert.deepInclude(refused.response, { code, applied: false })
      assert.strictEqual(deadline(refused.state), "Closed")
      const unknown = call(state, "GET", "/api/v3/trade/nothing")
      assert.strictEqual(unknown.response.code, "40404")
      assert.strictEqual(beat(state, 10_000).response.code, "00000")
    }
  })

  it("remaining calls never read below zero, and each endpoint of an account counts for itself", () => {
    const first = beat(begin())
    const second = beat(first.state)
    assert.strictEqual(second.response.headers["x-mbx-used-remain-limit"], "0")
    const listed = call(second.state, "GET", "/api/v3/trade/unfilled-orders")
    assert.strictEqual(listed.response.headers["x-mbx-used-remain-limit"], "19")
    const again = call(listed.state, "GET", "/api/v3/trade/unfilled-orders")
    assert.strictEqual(again.response.headers["x-mbx-used-remain-limit"], "18")
    let state = begin()
    for (let n = 0; n < 21; n++) {
      const told = call(state, "GET", "/api/v2/public/time")
      state = told.state
      assert.strictEqual(told.response.headers["x-mbx-used-remain-limit"], String(Math.max(0, 19 - n)))
    }
    assert.isTrue(first.response.applied)
    assert.isFalse(second.response.applied)
    // A limit that lets a countdown through lets nothing else through.
    let orders = begin({ venue: { limitedCountdownApplies: true } })
    for (let n = 0; n < 11; n++) orders = post(orders, place, limit).state
    assert.lengthOf(Exchange.openOrders(orders, uid), 10)
  })
})

describe("the data of an answer", () => {
  it("a batch takes 20 orders and no more, and has a name or a reason for each", () => {
    const orders = (length: number) => Array.from({ length }, () => limit)
    assert.lengthOf(post(begin(), batch, orders(20)).json.data as ReadonlyArray<unknown>, 20)
    const refused = post(begin(), batch, orders(21))
    assert.strictEqual(refused.json.code, "40017")
    assert.isEmpty(Exchange.openOrders(refused.state, uid))
    const { json, state } = post(begin(), batch, [{ ...limit, clientOid: "a" }, { ...limit, clientOid: 5 }, null])
    const [{ orderId }] = Exchange.openOrders(state, uid) as [Exchange.Order]
    const reasons = (json.data as ReadonlyArray<{ readonly code?: string; readonly msg?: string }>).slice(1)
    assert.deepStrictEqual(json.data, [
      { orderId, clientOid: "a" },
      { orderId: "", clientOid: "", code: "40017", msg: reasons[0]?.msg },
      { orderId: "", clientOid: "", code: "40017", msg: reasons[1]?.msg }
    ])
    for (const { msg } of reasons) assert.isString(msg)
  })

  it("an order's information is that of the newest order with the name, open or ended", () => {
    const info = (state: Exchange.State, query: string) =>
      call(state, "GET", `/api/v3/trade/order-info?${query}`).json as {
        code: string
        data: { orderId: string; orderStatus: string }
      }
    const first = post(begin(), place, { ...limit, clientOid: "a" })
    const { orderId } = first.json.data as { orderId: string }
    assert.strictEqual(info(first.state, "clientOid=a").data.orderId, orderId)
    const ended = post(first.state, "/api/v3/trade/cancel-order", { clientOid: "a" }).state
    assert.deepInclude(info(ended, "clientOid=a").data, { orderId, orderStatus: "cancelled" })
    const again = post(ended, place, { ...limit, clientOid: "a" })
    const newer = (again.json.data as { orderId: string }).orderId
    assert.deepInclude(info(again.state, "clientOid=a").data, { orderId: newer, orderStatus: "live" })
    assert.deepInclude(info(again.state, `orderId=${orderId}`).data, { orderId, orderStatus: "cancelled" })
    assert.strictEqual(info(again.state, "clientOid=b").code, "25204")
    assert.strictEqual(info(again.state, "").code, "400172")
  })

  it("a cancel of a market names each order that it has cancelled; the history lists them, newest first", () => {
    let state = begin()
    for (const clientOid of ["a", "b"]) state = post(state, place, { ...limit, clientOid }).state
    const orders = Exchange.openOrders(state, uid).map(({ clientOid, orderId }) => ({ orderId, clientOid }))
    const cancelled = post(state, "/api/v3/trade/cancel-symbol-order", { category: "SPOT" })
    assert.deepStrictEqual(cancelled.json.data, { list: orders })
    const history = call(cancelled.state, "GET", "/api/v3/trade/history-orders?category=SPOT")
    const { list } = history.json.data as { readonly list: ReadonlyArray<Record<string, unknown>> }
    assert.deepStrictEqual(
      list.map(({ cancelReason, clientOid, orderStatus }) => [clientOid, orderStatus, cancelReason]),
      [
        ["b", "cancelled", "normal_cancel"],
        ["a", "cancelled", "normal_cancel"]
      ]
    )
    const other = call(cancelled.state, "GET", "/api/v3/trade/history-orders?category=MARGIN")
    assert.deepStrictEqual(other.json.data, { list: [], cursor: null })
    assert.strictEqual(
      call(cancelled.state, "GET", "/api/v3/trade/history-orders?category=SPOT&limit=0").json.code,
      "40017"
    )
  })

  it("the settings of an account", () => {
    assert.deepStrictEqual(call(begin({ account: { accountMode: "hybrid" } }), "GET", settings).json.data, {
      uid,
      accountMode: "hybrid",
      assetMode: "multi_assets",
      holdMode: "one_way_mode",
      stpMode: "none",
      symbolConfigList: [],
      coinConfigList: []
    })
  })
})
