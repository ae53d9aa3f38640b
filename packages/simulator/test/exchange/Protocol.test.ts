import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Protocol from "@effect-deadman/simulator/Protocol"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { createSign, generateKeyPairSync } from "node:crypto"
import * as Bot from "../support/Bot.js"
import { begin, call, post, request, start } from "../support/Calls.js"

const countdownPath = "/api/v3/trade/countdown-cancel-all"
const settingsPath = "/api/v3/account/settings"

const without = (name: string, sent: Protocol.Request): Protocol.Request => ({
  ...sent,
  headers: { ...sent.headers, [name]: undefined }
})

const beatBody = `{"countdown":"40"}`

describe("Protocol", () => {
  describe("signatures", () => {
    const secret = "22582BD0CFF14C41EDBF1AB98506286D"
    const vectors: ReadonlyArray<
      readonly [secret: string, method: "GET" | "POST", path: string, body: string, sign: string]
    > = [
      [secret, "POST", countdownPath, beatBody, "FWrSpg5ZfWNsJm6TFjDTtxa4epvUcM1f0ICemHcpQXI="],
      [secret, "POST", countdownPath, `{"countdown":"0"}`, "XBktX04vSyRKQ57GqgNnujEzSFZPK1gOe3pXVNJwYLc="],
      [
        secret,
        "GET",
        "/api/v3/trade/unfilled-orders?category=USDT-FUTURES&symbol=BTCUSDT",
        "",
        "2A575idMcVIw0E3IzxuLeuKB9ltsdeNPJrjFRiUiPfg="
      ],
      [secret, "GET", settingsPath, "", "U/S59SanfeortNuZYuCZjgMu5P1KrEBF4dh6f5LUOU4="],
      ["secret", "POST", countdownPath, beatBody, "pGFP5wmH+OtgoTwt+KEAJHqp0yjaMp9DMK3nXS6i/BM="]
    ]
    for (const [secret, method, path, body, sign] of vectors) {
      it(`takes ${sign} for ${method} ${path} ${body}, and no other`, () => {
        const state = begin({ account: { keys: [{ key: "k", secret, passphrase: "p" }] } })
        const headers = {
          "access-key": "k",
          "access-sign": sign,
          "access-timestamp": String(start),
          "access-passphrase": "p",
          "content-type": "application/json"
        }
        const handle = (change: Partial<Protocol.Request>) =>
          Protocol.handle(state, { method, path, headers, body, ...change }, start)[1].code
        assert.strictEqual(handle({}), "00000")
        for (const wrong of [sign.toLowerCase(), sign.slice(0, -1), `${sign}=`, "x"]) {
          assert.strictEqual(handle({ headers: { ...headers, "access-sign": wrong } }), "40009")
        }
        assert.strictEqual(handle({ headers: { ...headers, "access-timestamp": String(start + 1) } }), "40009")
        if (method === "POST") assert.strictEqual(handle({ body: `${body} ` }), "40009")
        else assert.strictEqual(handle({ path: `${path}${path.includes("?") ? "&" : "?"}a=1` }), "40009")
      })
    }

    it("a key of another kind than RSA verifies no signature", () => {
      const kinds = [
        generateKeyPairSync("ed25519"),
        generateKeyPairSync("x25519"),
        generateKeyPairSync("ec", { namedCurve: "P-256" })
      ]
      for (const { publicKey } of kinds) {
        const rsaPublicKey = publicKey.export({ type: "spki", format: "pem" }).toString()
        const state = begin({ account: { keys: [{ key: "k", rsaPublicKey, passphrase: "p" }] } })
        const headers = { "access-key": "k", "access-passphrase": "p", "access-timestamp": String(start) }
        const request = { method: "GET", path: settingsPath, body: "", headers: { ...headers, "access-sign": "AAAA" } }
        assert.strictEqual(Protocol.handle(state, request, start)[1].code, "40009")
      }
    })

    it("verifies SHA256withRSA with the public half of the key, and refuses nonsense as a bad signature", () => {
      const pair = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const other = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const rsaPublicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString()
      const state = begin({
        account: {
          keys: [
            { key: "k", rsaPublicKey, passphrase: "p" },
            { key: "broken", rsaPublicKey: "no PEM", passphrase: "p" },
            { key: "empty", passphrase: "p" }
          ]
        }
      })
      const code = (privateKey: typeof pair.privateKey, key = "k") => {
        const sign = createSign("sha256").update(`${start}GET${settingsPath}`).sign(privateKey, "base64")
        const headers = {
          "access-key": key,
          "access-sign": sign,
          "access-timestamp": String(start),
          "access-passphrase": "p"
        }
        return Protocol.handle(state, { method: "GET", path: settingsPath, headers, body: "" }, start)[1].code
      }
      assert.strictEqual(code(pair.privateKey), "00000")
      assert.strictEqual(code(other.privateKey), "40009")
      assert.strictEqual(code(pair.privateKey, "broken"), "40009")
      assert.strictEqual(code(pair.privateKey, "empty"), "40009")
    })
  })

  describe("the chain of checks", () => {
    const good = request("POST", countdownPath, beatBody, start)
    const code = (sent: Protocol.Request, state = begin()) => Protocol.handle(state, sent, start)[1].code
    const signed = (headers: Record<string, string>): Protocol.Request => ({
      ...good,
      headers: { ...good.headers, ...headers }
    })

    it("no key 40006, unknown key 40037, no signature 40002, no or malformed timestamp 40005, no passphrase 40011", () => {
      assert.strictEqual(code(without("access-key", good)), "40006")
      assert.strictEqual(code(signed({ "access-key": "someone" })), "40037")
      assert.strictEqual(code(without("access-sign", good)), "40002")
      assert.strictEqual(code(without("access-passphrase", good)), "40011")
      for (const timestamp of ["", "now", "1.5", "-1", "1e12"]) {
        const headers = Bot.signedHeaders(Bot.demoKeys, timestamp, "POST", countdownPath, beatBody)
        assert.strictEqual(code({ ...good, headers }), "40005", timestamp)
      }
    })

    it("a classic account is refused before its signature and passphrase are checked", () => {
      const classic = begin({ account: { mode: "classic" } })
      assert.strictEqual(code(good, classic), "40084")
      assert.strictEqual(code(signed({ "access-sign": "x", "access-passphrase": "x" }), classic), "40084")
      assert.strictEqual(code(signed({ "access-key": "someone" }), classic), "40037")
    })

    it("wrong passphrase, address, permission and access have the codes of the options", () => {
      const restricted = (key: Partial<Exchange.ApiKey>, venue: Venue.Options = {}) =>
        begin({ venue, account: { keys: [{ ...Exchange.testKey("1000001"), ...key }] } })
      assert.strictEqual(code(signed({ "access-passphrase": "x" })), "40012")
      assert.strictEqual(
        code(signed({ "access-passphrase": "x" }), begin({ venue: { codes: { passphrase: "40036" } } })),
        "40036"
      )
      assert.strictEqual(code(good, restricted({ ipWhitelist: ["10.0.0.1"] })), "40018")
      assert.strictEqual(code({ ...good, ip: "10.0.0.1" }, restricted({ ipWhitelist: ["10.0.0.1"] })), "00000")
      assert.strictEqual(code(good, restricted({ permission: "read" })), "40014")
      assert.strictEqual(code(good, restricted({ permission: "read" }, { codes: { readOnly: "40025" } })), "40025")
      assert.strictEqual(code(request("GET", settingsPath, "", start), restricted({ permission: "read" })), "00000")
      assert.strictEqual(code(good, begin({ account: { countdownAccess: false } })), "40301")
      assert.strictEqual(
        code(request("GET", settingsPath, "", start), begin({ account: { countdownAccess: false } })),
        "00000"
      )
      assert.strictEqual(code(good, restricted({ demo: true })), "40110")
      assert.strictEqual(code(signed({ paptrading: "1" }), restricted({ demo: true })), "00000")
      assert.strictEqual(code(signed({ paptrading: "1" })), "40110")
    })

    it("the other checks come in the order of the option", () => {
      const stale = {
        ...good,
        headers: {
          ...Bot.signedHeaders(Bot.demoKeys, start - 60_000, "POST", countdownPath, "{"),
          "access-passphrase": "x"
        },
        body: "{"
      }
      assert.strictEqual(code(stale), "40008")
      assert.strictEqual(
        code(stale, begin({ venue: { checks: ["passphrase", "timestamp", "ip", "permission", "rate", "body"] } })),
        "40012"
      )
      assert.strictEqual(
        code(stale, begin({ venue: { checks: ["body", "passphrase", "timestamp", "ip", "permission", "rate"] } })),
        "40017"
      )
    })

    it("a timestamp 30 s off is taken and 30,001 ms is not, both ways; options change it", () => {
      const at = (distance: number, venue: Venue.Options = {}) =>
        code(
          { ...good, headers: Bot.signedHeaders(Bot.demoKeys, start + distance, "POST", countdownPath, beatBody) },
          begin({ venue })
        )
      for (const sign of [1, -1]) {
        assert.strictEqual(at(sign * 30_000), "00000")
        assert.strictEqual(at(sign * 30_001), "40008")
        assert.strictEqual(at(sign * 30_000, { timestampInclusive: false }), "40008")
        assert.strictEqual(at(sign * 29_999, { timestampInclusive: false }), "00000")
      }
      assert.strictEqual(at(3_600_000, { timestampSymmetric: false }), "00000")
      assert.strictEqual(at(-30_001, { timestampSymmetric: false }), "40008")
    })

    it("content type 40007, a body that is no object 40017, an unknown URL or method 40404", () => {
      assert.strictEqual(code(without("content-type", good)), "40007")
      for (const body of ["", "{", "[]", "null", `"x"`, "5"]) {
        assert.strictEqual(code(request("POST", countdownPath, body, start)), "40017", body)
      }
      const [, response] = Protocol.handle(begin(), request("GET", countdownPath, "", start), start)
      assert.deepInclude(response, { status: 404, code: "40404", endpoint: "countdown-cancel-all" })
      assert.strictEqual(code(request("POST", "/api/v3/trade/nothing", "{}", start)), "40404")
    })
  })

  it("answers in the exchange's envelope, with its two stamps, and 400 or 200 for a failure", () => {
    const { response } = call(begin(), "POST", countdownPath, beatBody, 5)
    assert.deepStrictEqual(JSON.parse(response.body), {
      code: "00000",
      msg: "success",
      requestTime: start + 5,
      data: "success"
    })
    assert.deepInclude(response.headers, {
      "content-type": "application/json",
      "x-bg-request-accept-time": String(start + 5),
      "x-bg-response-complete-time": String(start + 5),
      "x-mbx-used-remain-limit": "0"
    })
    for (const failureStatus of [400, 200] as const) {
      const refused = post(begin({ venue: { failureStatus } }), countdownPath, { countdown: "61" })
      assert.strictEqual(refused.response.status, failureStatus)
      assert.deepInclude(JSON.parse(refused.response.body), { code: "40017", requestTime: start, data: null })
    }
  })

  it("gives its time without a key, 20 times per second and address", () => {
    let state = begin()
    for (let n = 0; n < 20; n++) {
      const told = call(state, "GET", "/api/v2/public/time", "", 7, { headers: {} })
      assert.deepInclude(told.json as object, { requestTime: start + 7, data: { serverTime: String(start + 7) } })
      state = told.state
    }
    const limited = call(state, "GET", "/api/v2/public/time", "", 999, { headers: {} })
    assert.deepInclude(limited.response, { status: 429, code: "429" })
    assert.strictEqual(
      call(state, "GET", "/api/v2/public/time", "", 999, { headers: {}, ip: "::1" }).response.status,
      200
    )
    assert.strictEqual(call(state, "GET", "/api/v2/public/time", "", 1_000, { headers: {} }).response.status, 200)
  })

  describe("rate limits", () => {
    const statuses = (venue: Venue.Options, times: ReadonlyArray<number>) => {
      let state = begin({ venue })
      return times.map((at) => {
        const { response, state: next } = call(state, "POST", countdownPath, `{"countdown":"10"}`, at)
        state = next
        return response.status
      })
    }

    it("one countdown per second: in each second of the exchange's clock, or in the second before the call", () => {
      assert.deepStrictEqual(statuses({}, [0, 500, 999, 1_000, 1_999, 2_000]), [200, 429, 429, 200, 429, 200])
      assert.deepStrictEqual(statuses({}, [999, 1_000]), [200, 200])
      assert.deepStrictEqual(statuses({ rateWindow: "sliding" }, [999, 1_000, 1_998, 1_999]), [200, 429, 429, 200])
    })

    it("refused calls count where the exchange counts them", () => {
      const refusedCallsCount = true
      assert.deepStrictEqual(statuses({ rateWindow: "sliding" }, [0, 900, 1_000]), [200, 429, 200])
      assert.deepStrictEqual(
        statuses({ rateWindow: "sliding", refusedCallsCount }, [0, 900, 1_000, 1_800, 2_900]),
        [200, 429, 429, 429, 200]
      )
    })

    it("a refused call moves no deadline, and each endpoint has a limit of its own", () => {
      const first = call(begin(), "POST", countdownPath, `{"countdown":"10"}`)
      const second = call(first.state, "POST", countdownPath, `{"countdown":"60"}`, 1)
      assert.strictEqual(second.response.code, "429")
      assert.deepInclude(Exchange.countdown(second.state, "1000001"), { deadline: start + 10_000 })
      assert.strictEqual(
        call(second.state, "GET", settingsPath, "", 1).response.headers["x-mbx-used-remain-limit"],
        "19"
      )
    })

    it("6000 calls per minute from one address, then five minutes of refusals", () => {
      const venue = { ipLimit: 30 }
      let state = begin({ venue })
      const settings = (at: number) => {
        const done = call(state, "GET", settingsPath, "", at)
        state = done.state
        return done.response.status
      }
      const minute = Math.ceil(start / 60_000) * 60_000 - start
      for (let n = 0; n < 30; n++) assert.strictEqual(settings(minute + n * 100), 200)
      assert.strictEqual(settings(minute + 3_000), 429)
      assert.strictEqual(settings(minute + 60_000), 429)
      assert.strictEqual(settings(minute + 3_000 + 299_999), 429)
      assert.strictEqual(settings(minute + 3_000 + 300_000), 200)
    })
  })

  describe("orders", () => {
    const limit = { category: "SPOT", symbol: "BTCUSDT", qty: "1", price: "2", side: "buy", orderType: "limit" }
    const place = "/api/v3/trade/place-order"

    it("an order that was placed is listed, found, cancelled, and then in the history", () => {
      const placed = post(begin(), place, { ...limit, clientOid: "mine" })
      const { clientOid, orderId } = placed.json.data as { clientOid: string; orderId: string }
      assert.strictEqual(clientOid, "mine")
      const listed = call(placed.state, "GET", "/api/v3/trade/unfilled-orders?category=SPOT")
      assert.deepInclude(listed.json.data as object, { cursor: orderId })
      assert.deepInclude((listed.json.data as { list: ReadonlyArray<object> }).list[0], {
        ...limit,
        orderId,
        clientOid,
        orderStatus: "live",
        timeInForce: "gtc",
        createdTime: String(start)
      })
      assert.deepInclude(call(placed.state, "GET", "/api/v3/trade/unfilled-orders?category=USDT-FUTURES").json.data, {
        list: [],
        cursor: null
      })
      const cancelled = post(placed.state, "/api/v3/trade/cancel-order", { clientOid }, 5)
      assert.deepStrictEqual(cancelled.json.data, { orderId, clientOid })
      const info = call(cancelled.state, "GET", `/api/v3/trade/order-info?orderId=${orderId}`)
      assert.deepInclude(info.json.data, { orderStatus: "cancelled", updatedTime: String(start + 5) })
      const history = call(cancelled.state, "GET", "/api/v3/trade/history-orders?category=SPOT")
      assert.deepInclude((history.json.data as { list: ReadonlyArray<object> }).list[0], { orderId })
      assert.strictEqual(call(cancelled.state, "GET", "/api/v3/trade/history-orders").json.code, "400172")
      const again = post(cancelled.state, "/api/v3/trade/cancel-order", { orderId }, 6)
      assert.deepInclude(again.response, { status: 400, code: "25204" })
    })

    it("a clientOid is unique while its order is pending, and free afterwards; orderId wins over it", () => {
      const first = post(begin(), place, { ...limit, clientOid: "a" })
      const second = post(first.state, place, { ...limit, clientOid: "b" })
      assert.strictEqual(post(second.state, place, { ...limit, clientOid: "a" }).json.code, "25212")
      const { orderId } = first.json.data as { orderId: string }
      const cancelled = post(second.state, "/api/v3/trade/cancel-order", { orderId, clientOid: "b" })
      assert.deepInclude(cancelled.json.data, { orderId, clientOid: "a" })
      assert.strictEqual(post(cancelled.state, place, { ...limit, clientOid: "a" }).json.code, "00000")
    })

    it("a clientOid is free again once its order is filled, cancelled by the countdown, or has never rested", () => {
      const named = { ...limit, clientOid: "a" }
      const placed = post(begin(), place, named)
      const { orderId } = placed.json.data as { orderId: string }
      const fill = (state: Exchange.State, qty?: string) =>
        Exchange.step(state, { _tag: "FillOrder", account: "1000001", orderId, qty }, start)[0]
      const part = fill(placed.state, "0.5")
      assert.strictEqual(post(part, place, named).json.code, "25212")
      assert.strictEqual(post(fill(part), place, named).json.code, "00000")
      const armed = post(placed.state, countdownPath, { countdown: "5" }).state
      assert.strictEqual(post(armed, place, named, 4_999).json.code, "25212")
      assert.strictEqual(post(armed, place, named, 5_000).json.code, "00000")
      for (const brief of [{ orderType: "market" }, { timeInForce: "ioc" }]) {
        const once = post(begin(), place, { ...named, ...brief })
        assert.strictEqual(post(once.state, place, named).json.code, "00000", JSON.stringify(brief))
      }
    })

    it("bad orders are refused with the code for missing or wrong parameters, and none is placed", () => {
      const bad: ReadonlyArray<readonly [change: Record<string, unknown>, code: string]> = [
        [{ category: undefined }, "400172"],
        [{ price: undefined }, "400172"],
        [{ qty: "" }, "400172"],
        [{ qty: 1 }, "40017"],
        [{ qty: "0" }, "40017"],
        [{ qty: "-1" }, "40017"],
        [{ price: "1e3" }, "40017"],
        [{ side: "hold" }, "40017"],
        [{ category: "OPTIONS" }, "40017"],
        [{ symbol: "btc-usdt" }, "40017"],
        [{ clientOid: "x".repeat(33) }, "40017"],
        [{ clientOid: "a b" }, "40017"],
        [{ timeInForce: "day" }, "40017"]
      ]
      for (const [change, code] of bad) {
        const { json, state } = post(begin(), place, { ...limit, ...change })
        assert.strictEqual(json.code, code, JSON.stringify(change))
        assert.lengthOf(Exchange.openOrders(state, "1000001"), 0)
      }
    })

    it("a market order fills at once; an order that may not rest is cancelled at once", () => {
      const market = post(begin(), place, { ...limit, orderType: "market", price: undefined })
      const fok = post(market.state, place, { ...limit, timeInForce: "fok" })
      assert.deepStrictEqual(
        Exchange.closedOrders(fok.state, "1000001").map((order) => order.orderStatus),
        ["filled", "cancelled"]
      )
      assert.lengthOf(Exchange.openOrders(fok.state, "1000001"), 0)
    })

    it("a batch places the good orders and has a reason for each of the others", () => {
      const { json, state } = post(begin(), "/api/v3/trade/place-batch", [
        limit,
        { ...limit, qty: "x", clientOid: "c" },
        5
      ])
      const data = json.data as ReadonlyArray<Record<string, string>>
      assert.strictEqual(json.code, "00000")
      assert.deepStrictEqual(
        data.map((item) => item["code"]),
        [undefined, "40017", "40017"]
      )
      assert.strictEqual(data[1]?.["clientOid"], "c")
      assert.lengthOf(Exchange.openOrders(state, "1000001"), 1)
      assert.strictEqual(post(begin(), "/api/v3/trade/place-batch", []).json.code, "40017")
      assert.strictEqual(post(begin(), "/api/v3/trade/place-batch", limit).json.code, "40017")
    })

    it("a cancel by symbol takes one category and leaves the others: a full cancel needs one call per category", () => {
      let state = post(begin(), place, limit).state
      state = post(state, place, { ...limit, symbol: "ETHUSDT" }).state
      state = post(state, place, { ...limit, category: "USDT-FUTURES" }).state
      const one = post(state, "/api/v3/trade/cancel-symbol-order", { category: "SPOT", symbol: "BTCUSDT" })
      assert.lengthOf((one.json.data as { list: ReadonlyArray<unknown> }).list, 1)
      const all = post(one.state, "/api/v3/trade/cancel-symbol-order", { category: "SPOT" })
      assert.lengthOf((all.json.data as { list: ReadonlyArray<unknown> }).list, 1)
      assert.deepStrictEqual(
        Exchange.openOrders(all.state, "1000001").map((order) => order.category),
        ["USDT-FUTURES"]
      )
    })

    it("pages through open orders by cursor, each order once, newest first", () => {
      let state = begin()
      for (let n = 0; n < 25; n++) state = post(state, place, limit, n * 100).state
      const seen: Array<string> = []
      let cursor = ""
      for (let page = 0; page < 4; page++) {
        const { json } = call(state, "GET", `/api/v3/trade/unfilled-orders?limit=10&cursor=${cursor}`, "", 5_000)
        const data = json.data as { list: ReadonlyArray<{ orderId: string }>; cursor: string | null }
        seen.push(...data.list.map((order) => order.orderId))
        assert.strictEqual(data.list.length, [10, 10, 5, 0][page])
        cursor = data.cursor ?? ""
        if (data.cursor === null) break
      }
      assert.deepStrictEqual(
        seen,
        Exchange.openOrders(state, "1000001")
          .map((order) => order.orderId)
          .reverse()
      )
      for (const query of ["limit=0", "limit=101", "limit=x", "cursor=abc", "category=X"]) {
        assert.strictEqual(
          call(state, "GET", `/api/v3/trade/unfilled-orders?${query}`, "", 9_000).json.code,
          "40017",
          query
        )
      }
    })
  })

  it("gives the account's settings, the best probe before arming", () => {
    for (const accountMode of ["unified", "hybrid", "upgrading", "switching"] as const) {
      const { json } = call(begin({ account: { accountMode } }), "GET", settingsPath)
      assert.deepInclude(json.data, { uid: "1000001", accountMode })
    }
  })

  // The timeout only ends a hanging test: the number of requests is fixed, and their time depends on the machine.
  const unhurried = { timeout: 600_000 }
  const promise =
    "(4) whatever is sent gets the venue's answer, never a defect, and moves no deadline unless it succeeded"
  it(promise, unhurried, () => {
    const text = FastCheck.string({ maxLength: 40 })
    const json = FastCheck.json({ maxDepth: 2 })
    const header = FastCheck.option(FastCheck.oneof(text, FastCheck.constantFrom(Bot.demoKeys.key, String(start))), {
      nil: undefined
    })
    const path = FastCheck.oneof(
      FastCheck.constantFrom(...Protocol.endpoints.map((endpoint) => endpoint.path)),
      FastCheck.tuple(FastCheck.constantFrom(...Protocol.endpoints.map((endpoint) => endpoint.path)), text).map(
        ([path, query]) => `${path}?${query}`
      ),
      text
    )
    const sent = FastCheck.record({
      method: FastCheck.constantFrom("GET", "POST", "PUT", "DELETE"),
      path,
      body: FastCheck.oneof(
        text,
        json,
        FastCheck.json().map((value) => `{"countdown":${value}}`)
      ),
      headers: FastCheck.record({
        "access-key": header,
        "access-sign": header,
        "access-timestamp": header,
        "access-passphrase": header,
        "content-type": header
      }),
      signed: FastCheck.boolean()
    })
    FastCheck.assert(
      FastCheck.property(sent, ({ signed, ...raw }) => {
        const armed = call(begin(), "POST", countdownPath, beatBody).state
        const now = start + 1_000
        const headers = signed
          ? Bot.signedHeaders(Bot.demoKeys, now, raw.method as "GET", raw.path, raw.body)
          : raw.headers
        const [next, response] = Protocol.handle(armed, { ...raw, headers }, now)
        const envelope = JSON.parse(response.body) as Record<string, unknown>
        assert.hasAllKeys(envelope, ["code", "msg", "requestTime", "data"])
        assert.include([200, 400, 404, 429], response.status)
        assert.strictEqual(response.status === 200, envelope["code"] === "00000")
        if (response.endpoint !== "countdown-cancel-all" || envelope["code"] !== "00000") {
          assert.deepInclude(Exchange.countdown(next, "1000001"), { deadline: start + 40_000 })
        }
      }),
      { numRuns: 1_500 }
    )
  })
})
