import * as Journal from "@effect-deadman/simulator/Journal"
import * as Server from "@effect-deadman/simulator/Server"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Net from "node:net"
import * as Served from "../support/Served.js"

const served = (options?: Server.Options) => Effect.provide(Server.layer(options))

/** Sends bytes, and returns what arrived until it satisfies the condition or the server ends the connection. */
const talk = (url: string, bytes: string | Buffer, wanted: (text: string) => boolean) =>
  Effect.promise(
    () =>
      new Promise<string>((resolve) => {
        const socket = Net.connect(Number(new URL(url).port), "127.0.0.1")
        let text = ""
        const silence = setTimeout(() => {
          text += " (then silence)"
          end()
        }, 30_000)
        const end = () => {
          clearTimeout(silence)
          socket.destroy()
          resolve(text)
        }
        socket.on("error", end)
        socket.on("close", end)
        socket.on("data", (chunk) => {
          text += chunk.toString("latin1")
          if (wanted(text)) end()
        })
        socket.write(bytes)
      })
  )

const time = (headers: string) => `GET /api/v2/public/time HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}\r\n`

const handshake = (changed: Readonly<Record<string, string>> = {}) => {
  const headers = {
    host: "127.0.0.1",
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...changed
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET /v3/ws/private HTTP/1.1\r\n${lines.join("")}\r\n`
}

/** A masked text frame. The mask is 0, so that the payload is readable. */
const frame = (text: string) => {
  const head = Buffer.from([0x81, 0xfe, text.length >> 8, text.length & 255, 0, 0, 0, 0])
  return Buffer.concat([head, Buffer.from(text)])
}

const post = (url: string, path: string, body: string) =>
  Effect.promise(async () => {
    const response = await fetch(url + path, { method: path.endsWith("accounts") ? "PUT" : "POST", body })
    const text = await response.text()
    return { status: response.status, text, tag: (JSON.parse(text) as { _tag?: string })._tag }
  })

describe("Server against hostile clients", () => {
  it.live("answers a request that offers another upgrade, as Java's client does with each", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const offer = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
      const text = yield* talk(url, time(offer), (text) => text.includes("}"))
      assert.include(text, "HTTP/1.1 200 OK")
      assert.include(text, '"code":"00000"')
      // Two on one connection, of which the first is still under way.
      const pair = time("x-simulator-fault: delay-answer;by=20ms\r\n") + time(offer)
      const two = yield* talk(url, pair, (text) => text.split("}}").length === 3)
      assert.strictEqual(two.split('"code":"00000"').length, 3)
    }).pipe(served())
  )

  it.live("refuses a broken handshake with an answer, and still stops", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Scope.extend(Server.make(), scope)
      const { url } = yield* Effect.provide(Server.Server, context)
      for (const changed of [
        { "sec-websocket-key": "short" },
        { "sec-websocket-version": "7" },
        { "sec-websocket-protocol": "a,,b" }
      ]) {
        const text = yield* talk(url, handshake(changed), (text) => text.includes("}"))
        assert.include(text, '"code":"40404"')
      }
      assert.include(yield* talk(url, handshake(), (text) => text.includes("\r\n\r\n")), "HTTP/1.1 101")
      yield* Scope.close(scope, Exit.void)
    })
  )

  it.live("a message with an odd operation or a thousand channels is refused, and the exchange continues", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const refused = (message: string, code: number) =>
        Effect.gen(function* () {
          const bytes = Buffer.concat([Buffer.from(handshake()), frame(message)])
          const text = yield* talk(url, bytes, (text) => text.includes('"event":"error"'))
          assert.include(text, `"code":${code}`)
          assert.strictEqual(text.split('"event"').length, 2)
        })
      yield* refused(`{"op":${"[".repeat(30_000)}${"]".repeat(30_000)}}`, 30003)
      yield* refused(`{"op":"${"x".repeat(60_000)}"}`, 30003)
      yield* refused(`{"op":"subscribe","args":[${Array.from({ length: 1_000 }, () => "{}").join(",")}]}`, 30016)
      assert.strictEqual((yield* Effect.promise(() => Served.beat(url, "10"))).code, "00000")
    }).pipe(served())
  )

  it.live("a fault breaks the connection of a request that waits behind another", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const first = time("x-simulator-fault: hang\r\n")
      const bytes = first + time("x-simulator-fault: refuse-connection\r\n")
      assert.strictEqual(yield* talk(url, bytes, () => false), "")
    }).pipe(served())
  )

  it.live("a body that is too long gets an envelope from the exchange and a typed error from the control API", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const length = 1_100_000
      const head = `POST /api/v3/trade/place-order HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n`
      const text = yield* talk(url, head + "x".repeat(length), (text) => text.includes("}"))
      assert.include(text, "HTTP/1.1 413")
      assert.match(
        text,
        /content-type: application\/json[^]*{"code":"simulator","msg":"[^"]+","requestTime":\d+,"data":null}$/
      )
      const { status, tag } = yield* post(url, "/_sim/journal/marks", JSON.stringify({ name: "x".repeat(length) }))
      assert.deepStrictEqual([status, tag], [400, "HttpApiDecodeError"])
    }).pipe(served())
  )

  it.live("a body that is nested too deeply gets a typed error", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const deep = `{"name":${"[".repeat(30_000)}${"]".repeat(30_000)}}`
      const { status, tag } = yield* post(url, "/_sim/journal/marks", deep)
      assert.deepStrictEqual([status, tag], [400, "HttpApiDecodeError"])
      // Brackets in a text are no nesting.
      assert.strictEqual((yield* post(url, "/_sim/journal/marks", `{"name":"\\"${"[".repeat(150)}"}`)).status, 200)
    }).pipe(served())
  )

  it.live("an error about a key shows neither its secret nor its passphrase", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const key = { key: "k", secret: "not-to-be-seen", passphrase: "nor-this" }
      for (const body of [
        { uid: "1", keys: key },
        { uid: "1", keys: [{ ...key, permission: "all" }] },
        { uid: "1", keys: [{ ...key, secret: ["not-to-be-seen"] }] },
        { uid: 1, keys: [{ ...key, passphrase: { nor: "nor-this" } }] },
        [key]
      ]) {
        const { status, text } = yield* post(url, "/_sim/accounts", JSON.stringify(body))
        assert.strictEqual(status, 400)
        assert.notMatch(text, /not-to-be-seen|nor-this/)
      }
      const plain = yield* post(url, "/_sim/maintenance", '{"for":-5}')
      assert.include(plain.text, "This request cannot be read: for: ")
    }).pipe(served())
  )

  it.live("the clock stands at the year 9900, and the journal of that time can be read", () =>
    Effect.gen(function* () {
      const { clock, url } = yield* Server.Server
      const end = Date.UTC(9900, 0, 1)
      assert.strictEqual(yield* clock.advance(1_000_000_000_000), end)
      yield* post(url, "/_sim/maintenance", '{"for":1000000000000,"after":1000000000000}')
      const armed = yield* Effect.promise(() => Served.beat(url, "60", { timestamp: end }))
      assert.strictEqual(armed.code, "00000")
      yield* clock.set("auto")
      assert.strictEqual(yield* clock.advance(1_000_000_000_000), end)
      const page = yield* Effect.promise(() => fetch(`${url}/_sim/journal`))
      assert.strictEqual(page.status, 200)
      const entries = Journal.fromNdjson(
        yield* Effect.promise(async () => (await fetch(`${url}/_sim/journal.ndjson`)).text())
      )
      assert(Either.isRight(entries))
      assert(Either.isRight(Journal.replay(entries.right)))
    }).pipe(served({ clock: { mode: "manual", start: Date.UTC(9899, 0, 1) } }))
  )

  it.live("answers to a supervisor that adds a query", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const { status } = yield* Effect.promise(() => fetch(`${url}/health?from=supervisor`))
      assert.strictEqual(status, 200)
    }).pipe(served())
  )
})
