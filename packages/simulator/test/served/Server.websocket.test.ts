import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as Socket from "@effect/platform/Socket"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import { once } from "node:events"
import * as Http from "node:http"
import * as Net from "node:net"
import { vi } from "vitest"
import { demoKeys, type Keys, signature } from "../support/Bot.js"

/** A plain connection to the private WebSocket, with the answers in order. */
const connect = Effect.gen(function* () {
  const { websocketUrl } = yield* Server.Server
  const socket = yield* Socket.makeWebSocket(websocketUrl)
  const write = yield* socket.writer
  const heard = yield* Queue.unbounded<string>()
  yield* Effect.forkScoped(Effect.interruptible(socket.runRaw((message) => void heard.unsafeOffer(String(message)))))
  const next = Effect.map(Queue.take(heard), (text) =>
    text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : { text }
  )
  const say = (message: unknown) => write(typeof message === "string" ? message : JSON.stringify(message))
  const ask = (message: unknown) => Effect.zipRight(say(message), next)
  return { say, ask, next, heard }
})

const login = (now: number, changed: Partial<Keys> & { readonly sign?: string; readonly timestamp?: string } = {}) => {
  const { key, passphrase, secret } = { ...demoKeys, ...changed }
  const timestamp = changed.timestamp ?? String(now)
  const sign = changed.sign ?? signature(secret, `${timestamp}GET/user/verify`)
  return { op: "login", args: [{ apiKey: key, passphrase, timestamp, sign }] }
}

const heard = (socket: WebSocket, name: "open" | "message" | "close") =>
  Effect.async<Event>((resume) =>
    socket.addEventListener(name, (event) => resume(Effect.succeed(event)), { once: true })
  )

/** An open WebSocket of the platform. */
const open = (url: string) =>
  Effect.gen(function* () {
    const socket = (yield* Socket.WebSocketConstructor)(url)
    yield* heard(socket, "open")
    return socket
  })

/** The opening handshake of a client. */
const handshake =
  "GET /v3/ws/private HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
  "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/** A raw connection, destroyed with the scope. */
const peerOf = (url: string) =>
  Effect.acquireRelease(
    Effect.sync(() => Net.connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {})),
    (peer) => Effect.sync(() => void peer.destroy())
  )

const orders = { instType: "UTA", topic: "order" }
const start = Date.UTC(2026, 0, 1)
const served = (options?: Server.Options) =>
  Effect.provide(
    Layer.mergeAll(Server.layer({ ...options, clock: { mode: "manual", start } }), NodeSocket.layerWebSocketConstructor)
  )

describe("Server's private WebSocket", () => {
  it.live("answers ping, logs in with ms and with seconds, and confirms subscriptions", () =>
    Effect.gen(function* () {
      const { ask } = yield* connect
      assert.deepStrictEqual(yield* ask("ping"), { text: "pong" })
      assert.deepStrictEqual(yield* ask(login(start)), { event: "login", code: 0, msg: "" })
      assert.deepInclude(yield* ask(login(start, { timestamp: String(start / 1_000) })), { event: "login", code: 0 })
      assert.deepStrictEqual(yield* ask({ op: "subscribe", args: [orders] }), { event: "subscribe", arg: orders })
      assert.deepStrictEqual(yield* ask({ op: "unsubscribe", args: [orders] }), { event: "unsubscribe", arg: orders })
    }).pipe(Effect.scoped, served())
  )

  it.live("refuses with the documented codes", () =>
    Effect.gen(function* () {
      const { ask } = yield* connect
      const code = (message: unknown) => Effect.map(ask(message), (answer) => [answer["event"], answer["code"]])
      assert.deepStrictEqual(yield* code("not json"), ["error", 30002])
      assert.deepStrictEqual(yield* code({ op: "dance" }), ["error", 30003])
      assert.deepStrictEqual(yield* code({ op: "subscribe", args: [orders] }), ["error", 30004])
      assert.deepStrictEqual(yield* code(login(start, { key: "unknown" })), ["error", 30011])
      assert.deepStrictEqual(yield* code(login(start, { passphrase: "wrong" })), ["error", 30012])
      assert.deepStrictEqual(yield* code(login(start, { timestamp: "soon" })), ["error", 30013])
      assert.deepStrictEqual(yield* code(login(start - 30_001)), ["error", 30014])
      assert.deepStrictEqual(yield* code(login(start, { secret: "wrong" })), ["error", 30015])
    }).pipe(Effect.scoped, served())
  )

  it.live("closes the connection after more than ten messages per second", () =>
    Effect.gen(function* () {
      const { heard, say } = yield* connect
      // Of 22 messages in a row, more than ten fall into one second.
      yield* Effect.ignore(Effect.forEach(Array.from({ length: 22 }), () => say("ping")))
      const last = yield* Effect.iterate("", {
        while: (text) => !text.includes("30006"),
        body: () => Queue.take(heard)
      })
      assert.include(last, "Requests too frequent")
    }).pipe(Effect.scoped, served())
  )

  it.live("loses pushes during a partition, and never pushes another account's orders", () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.Simulator
      const { ask, next } = yield* connect
      yield* ask(login(start))
      yield* ask({ op: "subscribe", args: [orders] })
      yield* Simulator.placeOrder({ account: "other" })
      yield* simulator.network
        .add("partition-answer")
        .pipe(Effect.zipRight(Simulator.placeOrder({ clientOid: "lost" })), Effect.scoped)
      yield* Simulator.placeOrder({ clientOid: "heard" })
      const push = yield* next
      assert.deepInclude(push, { action: "snapshot", arg: orders, ts: start })
      const [order] = push["data"] as ReadonlyArray<Record<string, unknown>>
      assert.deepInclude(order, { clientOid: "heard", orderStatus: "live", createdTime: String(start) })
    }).pipe(Effect.scoped, served({ accounts: [{ uid: Simulator.demoUid }, { uid: "other" }] }))
  )

  it.live("closing the scope closes every WebSocket with 1001, cuts a dead peer, and frees the port", () =>
    Effect.gen(function* () {
      const outer = yield* Effect.scope
      const ended = yield* Effect.scoped(
        Effect.gen(function* () {
          const { url, websocketUrl } = yield* Server.Server
          const silent = yield* open(websocketUrl)
          const idle = yield* open(websocketUrl)
          idle.send("ping")
          yield* heard(idle, "message")
          const subscribed = yield* open(websocketUrl)
          subscribed.send(JSON.stringify(login(start)))
          yield* heard(subscribed, "message")
          subscribed.send(JSON.stringify({ op: "subscribe", args: [orders] }))
          yield* heard(subscribed, "message")
          // A peer that stops reading, so that it never answers a close.
          const dead = yield* Scope.extend(peerOf(url), outer)
          dead.write(handshake)
          yield* Effect.promise(() => once(dead, "data"))
          dead.pause()
          const closed = yield* Effect.forkDaemon(
            Effect.forEach([silent, idle, subscribed], (socket) => heard(socket, "close"), { concurrency: "unbounded" })
          )
          yield* Effect.yieldNow()
          return { url, closed }
        }).pipe(served())
      )
      const codes = (yield* Fiber.join(ended.closed)).map((event) => (event as CloseEvent).code)
      assert.deepStrictEqual(codes, [1001, 1001, 1001])
      const again = yield* Effect.acquireRelease(Effect.sync(Http.createServer), (server) =>
        Effect.sync(() => void server.close())
      )
      yield* Effect.promise(() => once(again.listen(Number(new URL(ended.url).port), "127.0.0.1"), "listening"))
    }).pipe(Effect.scoped)
  )

  it.live("answers an object in place of a name with an error frame, and keeps the connection", () =>
    Effect.gen(function* () {
      const { ask } = yield* connect
      yield* ask(login(start))
      const hostile = { toString: 1 }
      assert.deepInclude(yield* ask({ op: hostile }), { event: "error", code: 30003 })
      assert.deepInclude(yield* ask({ op: "subscribe", args: [{ instType: hostile, topic: hostile }] }), {
        code: 30001
      })
      assert.deepStrictEqual(yield* ask("ping"), { text: "pong" })
    }).pipe(Effect.scoped, served())
  )

  it.live("closes a silent connection after two minutes", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.useRealTimers()))
      const peer = yield* peerOf(url)
      peer.write(handshake)
      yield* Effect.promise(() => once(peer, "data"))
      const frame = Effect.promise(() => once(peer, "data") as Promise<[Buffer]>)
      vi.advanceTimersByTime(119_999)
      const early = yield* Effect.fork(frame)
      yield* Effect.yieldNow()
      assert.isNull(yield* early.poll.pipe(Effect.map(Option.getOrNull)))
      vi.advanceTimersByTime(1)
      const [close] = yield* Fiber.join(early)
      // A close frame with its code.
      assert.strictEqual(close[0], 0x88)
      assert.strictEqual(close.readUInt16BE(2), 1001)
    }).pipe(Effect.scoped, served())
  )

  it.live("closes the connection of a too long message before the whole message has arrived", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const peer = yield* peerOf(url)
      peer.write(handshake)
      yield* Effect.promise(() => once(peer, "data"))
      // The header of a masked text frame of 64 MB, and slightly more of its body than the limit.
      const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0])
      peer.write(Buffer.concat([head, Buffer.alloc(70_000, "a")]))
      yield* Effect.promise(() => once(peer, "close"))
    }).pipe(Effect.scoped, served())
  )

  it.live("refuses connections from another site's page in a browser on this machine", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const { host } = new URL(url)
      const asked = (origin: string) =>
        Effect.gen(function* () {
          const peer = yield* peerOf(url)
          peer.write(
            handshake.replace("host: 127.0.0.1", `host: ${host}`).replace("\r\n\r\n", `\r\norigin: ${origin}\r\n\r\n`)
          )
          const [answer] = yield* Effect.promise(() => once(peer, "data") as Promise<[Buffer]>)
          return String(answer).split(" ")[1]
        })
      assert.strictEqual(yield* asked("http://elsewhere.example"), "403")
      assert.strictEqual(yield* asked("null"), "403")
      for (const end of [`evil.${host}`, `evil${host}`, `${host}.evil.example`]) {
        assert.strictEqual(yield* asked(`http://${end}`), "403", end)
      }
      assert.strictEqual(yield* asked(url), "101")
    }).pipe(Effect.scoped, served())
  )
})
