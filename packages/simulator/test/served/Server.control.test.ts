import * as ControlApi from "@effect-deadman/simulator/ControlApi"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as HttpApi from "@effect/platform/HttpApi"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { once } from "node:events"
import * as Http from "node:http"
import { connect, served } from "../support/Control.js"
import * as Served from "../support/Served.js"

const uid = Simulator.demoUid

/** Reads server-sent events until one satisfies the condition. */
const readUntil = async (url: string, wanted: (text: string) => boolean, start?: () => void): Promise<string> => {
  const stop = new AbortController()
  const response = await fetch(url, { signal: stop.signal })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the stream ended with: ${text}`)
    if (text === "") start?.()
    text += value
    if (wanted(text)) {
      stop.abort()
      return text
    }
  }
}

interface Spec {
  readonly paths: Record<string, Record<string, { readonly operationId: string }>>
  readonly components: { readonly schemas: object; readonly securitySchemes: object }
}

describe("Server's control API", () => {
  it.live("a client generated from the description controls accounts, orders, faults and clock", () =>
    Effect.gen(function* () {
      const control = yield* connect
      const second = yield* control.accounts.declare({ payload: { uid: "second", mode: "classic" } })
      assert.deepInclude(second, { uid: "second", mode: "classic", switch: { _tag: "Closed" } })
      assert.lengthOf((yield* control.accounts.list()).accounts, 2)

      const order = yield* control.accounts.placeOrder({ path: { uid }, payload: { side: "sell", qty: "2" } })
      assert.deepInclude(order, { side: "sell", qty: "2", symbol: "BTCUSDT", orderStatus: "live" })
      const filled = yield* control.accounts.fillOrder({ path: { uid, orderId: order.orderId }, payload: {} })
      assert.strictEqual(filled.orderStatus, "filled")
      const next = yield* control.accounts.placeOrder({ path: { uid }, payload: {} })
      const cancelled = yield* control.accounts.cancelOrder({ path: { uid, orderId: next.orderId } })
      assert.strictEqual(cancelled.orderStatus, "cancelled")
      assert.lengthOf((yield* control.accounts.orders({ path: { uid }, urlParams: { state: "closed" } })).orders, 2)

      const fault = yield* control.faults.add({ payload: { fault: "drop-answer" } })
      yield* control.accounts.beat({ path: { uid }, payload: {} })
      assert.deepInclude((yield* control.faults.list()).faults[0], { id: fault.id, acted: 1, seen: 1 })
      assert.deepInclude((yield* control.accounts.read({ path: { uid } })).switch, { _tag: "Armed", seconds: 10 })
      assert.strictEqual((yield* control.faults.remove({ path: { id: fault.id } })).id, fault.id)

      yield* control.accounts.placeOrder({ path: { uid }, payload: {} })
      yield* control.clock.advance({ payload: { ms: 10_000 } })
      const state = yield* control.state.read()
      assert.deepInclude(state.accounts[0]?.switch, { _tag: "Fired", orders: 1 })

      const window = yield* control.faults.maintenance({ payload: { for: 5_000 } })
      assert.strictEqual(window.to - window.from, 5_000)
      assert.isTrue((yield* control.state.read()).maintenance)

      const fresh = yield* control.state.reset()
      assert.deepInclude(fresh, { maintenance: false })
      assert.deepEqual(
        fresh.accounts.map((account) => [account.uid, account.switch._tag, account.openOrders]),
        [[uid, "Closed", 0]]
      )
    }).pipe(served())
  )

  it.live("fails with typed errors that say what to do", () =>
    Effect.gen(function* () {
      const control = yield* connect
      const noAccount = yield* Effect.flip(control.accounts.read({ path: { uid: "77" } }))
      assert.deepInclude(noAccount, { _tag: "NoSuchAccount", uid: "77" })
      assert.include(noAccount.message, "PUT /_sim/accounts")
      const near = yield* Effect.flip(control.accounts.read({ path: { uid: `${uid}0` } }))
      assert.include(near.message, `did you mean \`${uid}\`?`)
      const noOrder = yield* Effect.flip(control.accounts.cancelOrder({ path: { uid, orderId: "1" } }))
      assert.strictEqual(noOrder._tag, "NoSuchOrder")
      const noFault = yield* Effect.flip(control.faults.add({ payload: { fault: "drop-answer;times=0" } }))
      assert.deepInclude(noFault, { _tag: "InvalidFault", position: 18 })
      assert.include(noFault.message, "a whole number from 1")
      yield* control.accounts.placeOrder({ path: { uid }, payload: { clientOid: "twice" } })
      const { simulator } = yield* Server.Server
      const refused = yield* Effect.flip(
        control.accounts.placeOrder({ path: { uid }, payload: { clientOid: "twice" } })
      )
      assert.deepInclude(refused, { _tag: "Refused", code: "25212" })
      yield* Effect.forEach(Array.from({ length: 1_000 }), () => simulator.network.addUntilRemoved("hang"))
      const full = yield* Effect.flip(control.faults.add({ payload: { fault: "hang" } }))
      assert.strictEqual(full._tag, "TooManyFaults")
      const { url } = yield* Server.Server
      const nowhere = yield* Effect.promise(() => fetch(`${url}/_sim/nowhere`).then((r) => r.json()))
      assert.deepInclude(nowhere, { _tag: "NoSuchRoute" })
    }).pipe(served())
  )

  it.live("verifies expectations, and marks those that cannot be judged", () =>
    Effect.gen(function* () {
      const control = yield* connect
      yield* control.accounts.placeOrder({ path: { uid }, payload: {} })
      yield* control.accounts.beat({ path: { uid }, payload: { countdown: "10" } })
      yield* control.clock.advance({ payload: { ms: 3_000 } })
      yield* control.journal.mark({ payload: { name: "crash" } })
      yield* control.clock.advance({ payload: { ms: 20_000 } })
      const { holds, verdicts } = yield* control.verify.judge({
        payload: {
          expectations: [
            { expect: "ordersCancelled", within: 7_000, after: "crash" },
            { expect: "ordersCancelled", within: 6_999, after: "crash" },
            { expect: "firedOnce", after: "never marked" }
          ]
        }
      })
      assert.isFalse(holds)
      assert.deepEqual(
        verdicts.map(({ holds, judged }) => [holds, judged]),
        [
          [true, true],
          [false, true],
          [false, false]
        ]
      )
      assert.include(verdicts[1]?.report, "crash")
    }).pipe(served())
  )

  it.live("pages through the journal, and streams it as it grows", () =>
    Effect.gen(function* () {
      const control = yield* connect
      const { url } = yield* Server.Server
      const streamed = yield* Effect.promise(() =>
        readUntil(
          `${url}/_sim/journal/events`,
          (text) => text.includes('"code":"00000"'),
          () => void Served.beat(url, "10")
        )
      )
      assert.match(streamed, /event: entry\ndata: \{"_tag":"Request"/)
      const all = yield* control.journal.page({ urlParams: {} })
      const first = yield* control.journal.page({ urlParams: { limit: 1 } })
      const rest = yield* control.journal.page({ urlParams: { after: first.next } })
      assert.deepEqual([...first.entries, ...rest.entries], [...all.entries])
      assert.strictEqual(rest.next, all.total)
      assert.strictEqual((yield* control.journal.file()).trimEnd().split("\n").length, all.total)
      assert.include(yield* control.journal.timelineText({ urlParams: {} }), "beat 10 s")
      assert.include(yield* control.journal.timeline({ urlParams: {} }), "<svg")
      assert.strictEqual((yield* control.journal.clear()).cleared, all.total)
      assert.strictEqual((yield* control.journal.page({ urlParams: {} })).total, 0)
    }).pipe(served())
  )

  it.live("bounds the journal, and counts dropped entries", () =>
    Effect.gen(function* () {
      const control = yield* connect
      for (let name = 0; name < 30; name++) yield* control.journal.mark({ payload: { name: String(name) } })
      const page = yield* control.journal.page({ urlParams: {} })
      assert.deepInclude(page, { total: 31, dropped: 21, next: 31 })
      assert.lengthOf(page.entries, 10)
    }).pipe(served({ journalSize: 10 }))
  )

  it.live("with a token accepts only requests that carry it", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const status = (headers: Record<string, string>, query = "") =>
        Effect.promise(() => fetch(`${url}/_sim/clock${query}`, { headers }).then((response) => response.status))
      assert.strictEqual(yield* status({}), 401)
      assert.strictEqual(yield* status({ authorization: "Bearer wrong" }), 401)
      assert.strictEqual(yield* status({ authorization: "Bearer a-test-token" }), 200)
      assert.strictEqual(yield* status({}, "?token=a-test-token"), 200)
      // The exchange's own endpoints require their signature only.
      assert.strictEqual((yield* Effect.promise(() => Served.beat(url, "10"))).code, "00000")
    }).pipe(served({ token: "a-test-token" }))
  )

  it.live("refuses requests from another site's page in a browser on this machine", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const { host, port } = new URL(url)
      // Most of them contain the host of this server, and are other sites.
      for (const origin of [
        "http://elsewhere.example",
        `http://evil.${host}`,
        `http://evil.localhost:${port}`,
        `http://evil${host}`,
        `http://${host}.evil.example`,
        `http://${host}0`,
        `http://evil.example@${host}`,
        `http://evil.example/${host}`,
        "null",
        ""
      ]) {
        const answer = yield* Effect.promise(() =>
          fetch(`${url}/_sim/faults`, { method: "DELETE", headers: { origin } })
        )
        assert.strictEqual(answer.status, 401, origin)
      }
      const own = yield* Effect.promise(() =>
        fetch(`${url}/_sim/faults`, { method: "DELETE", headers: { origin: url } })
      )
      assert.strictEqual(own.status, 200)
    }).pipe(served())
  )

  it.live("refuses to listen on addresses other than loopback without a token", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(Effect.scoped(Server.make({ host: "0.0.0.0" })))
      assert.deepInclude(refused, { _tag: "InvalidServerOptions" })
      assert.include((refused as Server.InvalidServerOptions).message, "token")
      for (const options of [{ port: 70_000 }, { token: "" }, { clock: { speed: 0 } }, { clock: { start: -1 } }]) {
        const error = yield* Effect.flip(Effect.scoped(Server.make(options)))
        assert.strictEqual(error._tag, "InvalidServerOptions")
      }
    })
  )

  it.live("describes its paths in OpenAPI, and its documentation loads nothing from other hosts", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const spec = yield* Effect.promise(() => fetch(`${url}/_sim/openapi.json`).then((r) => r.json() as Promise<Spec>))
      for (const path of ["/_sim/state", "/_sim/accounts/{uid}/orders", "/_sim/clock/sleep", "/_sim/verify"]) {
        assert.property(spec.paths, path)
      }
      // A generator makes a class or a function of each name.
      const operations = Object.values(spec.paths).flatMap((methods) =>
        Object.values(methods).map(({ operationId }) => operationId)
      )
      const names = [...Object.keys(spec.components.schemas), ...Object.keys(spec.components.securitySchemes)]
      for (const name of [...names, ...operations]) assert.match(name, /^[A-Za-z][\w.]*$/)
      const docs = yield* Effect.promise(() => fetch(`${url}/_sim/docs`).then((r) => r.text()))
      assert.notMatch(docs, /<(script|link)[^>]+(src|href)="https?:/)
    }).pipe(served())
  )

  it("refuses unknown fields in every body", () => {
    const bodies: Array<string> = []
    HttpApi.reflect(ControlApi.Api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint, payloads }) => {
        for (const { ast } of payloads.values()) {
          bodies.push(endpoint.name)
          // The schema needs the name of an expectation to choose its fields.
          const given =
            endpoint.name === "judge" ? { expectations: [{ expect: "neverFired", acount: 1 }] } : { acount: 1 }
          const read = Schema.decodeUnknownEither(Schema.make(ast))(given)
          assert.match(String(Either.getLeft(read)), /acount.*is unexpected/s, endpoint.name)
        }
      }
    })
    assert.includeMembers(bodies, [
      "declare",
      "placeOrder",
      "fillOrder",
      "beat",
      "add",
      "maintenance",
      "advance",
      "judge"
    ])
  })

  it.live("refuses misspelt fields and query parameters without any effect", () =>
    Effect.gen(function* () {
      const control = yield* connect
      const { url } = yield* Server.Server
      yield* control.accounts.placeOrder({ path: { uid }, payload: {} })
      yield* control.faults.add({ payload: { fault: "drop-answer;account=2" } })
      const cases: ReadonlyArray<readonly [method: string, path: string, body: unknown, misspelt: string]> = [
        ["POST", `/accounts/${uid}/beat`, { countDown: "0" }, "countDown"],
        ["PUT", "/accounts", { uid: "2", countdownAcces: false }, "countdownAcces"],
        ["PUT", "/accounts", { uid: "2", keys: [{ key: "k", passphrase: "p", permision: "read" }] }, "permision"],
        ["POST", "/verify", { expectations: [{ expect: "neverFired", acount: "2", form: "crash" }] }, "acount"],
        ["POST", "/verify", { expectations: [{ expect: "neverFired", acount: "2", form: "crash" }] }, "form"],
        ["POST", "/verify", { expectations: [{ expect: "beats", min: 1 }] }, "min"],
        ["POST", "/verify", { expectations: [{ expect: "beats" }] }, "beats needs atLeast, atMost or both"],
        ["DELETE", `/accounts/${uid}/orders?symbol=ETHUSDT`, undefined, "symbol"],
        ["DELETE", "/faults?account=1", undefined, "account"],
        ["GET", "/timeline.txt?acount=2", undefined, "acount"],
        ["GET", `/accounts/${uid}/orders?stat=closed`, undefined, "stat"]
      ]
      for (const [method, path, body, misspelt] of cases) {
        const answer = yield* Effect.promise(async () => {
          const headers = { "content-type": "application/json" }
          const sent = body === undefined ? {} : { body: JSON.stringify(body) }
          const response = await fetch(`${url}/_sim${path}`, { method, headers, ...sent })
          return { status: response.status, text: await response.text() }
        })
        assert.strictEqual(answer.status, 400, `${method} ${path} ${JSON.stringify(body)}`)
        assert.include(answer.text, misspelt)
      }
      assert.lengthOf((yield* control.faults.list()).faults, 1)
      const { accounts } = yield* control.state.read()
      assert.lengthOf(accounts, 1)
      assert.deepInclude(accounts[0], { switch: { _tag: "Closed" }, openOrders: 1 })
    }).pipe(served())
  )

  it.live("refuses a key of another account, and symbols of a wrong form", () =>
    Effect.gen(function* () {
      const control = yield* connect
      const { simulator } = yield* Server.Server
      const keys = [{ key: `test-key-${uid}`, secret: "s", passphrase: "p" }] as const
      const refused = yield* Effect.flip(control.accounts.declare({ payload: { uid: "2", keys } }))
      assert.strictEqual(refused._tag, "Refused")
      assert.include(refused.message, "a key of its own")
      assert.lengthOf((yield* control.accounts.list()).accounts, 1)
      assert.isEmpty((yield* simulator.journal.entries).filter((entry) => entry._tag === "Account"))
      yield* control.accounts.declare({ payload: { uid, keys } })
      for (const symbol of ["btc", "BTC/USDT", "\u{1f680}", "B".repeat(41)]) {
        yield* Effect.flip(control.accounts.placeOrder({ path: { uid }, payload: { symbol } }))
      }
    }).pipe(served())
  )

  it.live("accepts absolute-form targets and hosts in capitals, and forbids frames on every page", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const { host, port } = new URL(url)
      const raw = (target: string, headers: Record<string, string> = {}) =>
        Effect.promise(async () => {
          const request = Http.request({ host: "127.0.0.1", port, path: target, headers })
          request.end()
          const [response] = (await once(request, "response")) as [Http.IncomingMessage]
          response.resume()
          return { status: response.statusCode, policy: String(response.headers["content-security-policy"]) }
        })
      assert.strictEqual((yield* raw(`http://${host}/api/v2/public/time`)).status, 200)
      assert.strictEqual((yield* raw(`http://${host}/_sim/clock`)).status, 200)
      assert.strictEqual((yield* raw("/_sim/clock", { host: `LOCALHOST:${port}` })).status, 200)
      const capitals = { host: `LocalHost:${port}`, origin: `http://localhost:${port}` }
      assert.strictEqual((yield* raw("/_sim/clock", capitals)).status, 200)
      const evil = { host: `localhost:${port}`, origin: `http://evil.localhost:${port}` }
      assert.strictEqual((yield* raw("/_sim/clock", evil)).status, 401)
      for (const page of ["/", "/_sim/timeline", "/_sim/docs"]) {
        assert.include((yield* raw(page)).policy, "frame-ancestors 'none'", page)
      }
      for (const page of ["/", "/_sim/timeline"]) assert.include((yield* raw(page)).policy, "default-src 'none'", page)
    }).pipe(served())
  )

  it.live("accepts durations in ms and as text, and bodies of any content type", () =>
    Effect.gen(function* () {
      const control = yield* connect
      const { url } = yield* Server.Server
      const before = (yield* control.clock.read()).now
      assert.strictEqual((yield* control.clock.advance({ payload: { ms: "10 seconds" } })).now, before + 10_000)
      yield* control.journal.mark({ payload: { name: "crash" } })
      yield* control.accounts.beat({ path: { uid }, payload: { countdown: "5", timeout: "1 second" } })
      yield* control.accounts.placeOrder({ path: { uid }, payload: {} })
      yield* control.clock.advance({ payload: { ms: 20_000 } })
      const judged = yield* control.verify.judge({
        payload: { expectations: [{ expect: "firedOnce", after: "crash", within: "5 seconds" }] }
      })
      assert.isTrue(judged.holds)
      for (const type of [undefined, "application/x-www-form-urlencoded", "text/plain"]) {
        const at = (yield* control.clock.read()).now
        const now = yield* Effect.promise(async () => {
          const body = new TextEncoder().encode('{"ms":1000}')
          const headers: Record<string, string> = type === undefined ? {} : { "content-type": type }
          const response = await fetch(`${url}/_sim/clock/advance`, { method: "POST", headers, body })
          return ((await response.json()) as { now?: number }).now
        })
        assert.strictEqual(now, at + 1_000, type)
      }
    }).pipe(served())
  )

  it.live("names the wrong field in plain words, without the schema", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const cases: ReadonlyArray<readonly [path: string, body: string, expected: RegExp]> = [
        ["/clock/advance", "{}", /ms: /],
        ["/clock/advance", '{"ms":"ten"}', /ms: expected whole milliseconds .* "10 seconds"/],
        ["/clock/advance", '{"ms":"-5 seconds"}', /ms: expected whole milliseconds/],
        ["/clock/advance", '{"ms":"0.0001 seconds"}', /ms: expected whole milliseconds/],
        ["/clock/advance", '{"ms":1,"speed":2}', /speed: there is no such field; there are ms/],
        ["/clock/advance", "5", /the request: /],
        ["/clock/advance", "{", /is no JSON: send an object/],
        ["/clock/advance", "", /the request: /],
        [
          "/verify",
          '{"expectations":[{"expect":"neverFired","acount":"1"}]}',
          /expectations\.0\.acount: there is no such field/
        ],
        ["/verify", '{"expectations":[{"expect":"never"}]}', /expectations\.0/],
        ["/verify", '{"expectations":7}', /expectations: /],
        [`/accounts/${uid}/orders`, '{"qty":"-1"}', /qty: a positive number/]
      ]
      for (const [path, body, expected] of cases) {
        const answer = yield* Effect.promise(async () => {
          const response = await fetch(`${url}/_sim${path}`, { method: "POST", body })
          return { status: response.status, ...((await response.json()) as { _tag: string; message: string }) }
        })
        assert.deepInclude(answer, { status: 400, _tag: "HttpApiDecodeError" }, body)
        assert.match(answer.message, expected)
        assert.notMatch(answer.message, /readonly|[{]( |$)|\u2514|refinement|Expected undefined/)
      }
    }).pipe(served())
  )

  it.live("sends a page the whole state once, and then only changed accounts", () =>
    Effect.gen(function* () {
      const control = yield* connect
      const { url } = yield* Server.Server
      yield* control.accounts.declare({ payload: { uid: "second" } })
      yield* control.accounts.declare({ payload: { uid: "third" } })
      const place = () =>
        void fetch(`${url}/_sim/accounts/second/orders`, { method: "POST", body: "{}" }).then((answer) => answer.text())
      const events = yield* Effect.promise(() =>
        readUntil(`${url}/_sim/live`, (text) => text.includes("event: changes") && text.endsWith("\n\n"), place)
      )
      const of = (name: string) => {
        const found = new RegExp(`event: ${name}\ndata: (.*)\n`).exec(events)
        return JSON.parse(found?.[1] ?? "{}") as { accounts: Array<{ uid: string; openOrders: number }>; uids: unknown }
      }
      assert.deepStrictEqual(
        of("state").accounts.map((account) => account.uid),
        [uid, "second", "third"]
      )
      assert.deepStrictEqual(
        of("changes").accounts.map((account) => [account.uid, account.openOrders]),
        [["second", 1]]
      )
      assert.deepStrictEqual(of("changes").uids, [uid, "second", "third"])
    }).pipe(served())
  )
})
