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
import { once } from "node:events"
import * as Http from "node:http"
import * as Net from "node:net"
import { vi } from "vitest"
import { demoKeys, type Keys, signature } from "../support/Bot.js"

/** A connection to the private WebSocket by hand: what is sent, and what comes back in order. */
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

/** A WebSocket of the platform's, once it is open. */
const open = (url: string) =>
  Effect.gen(function* () {
    const socket = (yield* Socket.WebSocketConstructor)(url)
    yield* heard(socket, "open")
    return socket
  })

/** The bytes with which a client asks for the WebSocket. */
const handshake =
  "GET /v3/ws/private HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
  "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

const orders = { instType: "UTA", topic: "order" }
const start = Date.UTC(2026, 0, 1)
const served = (options?: Server.Options) =>
  Effect.provide(
    Layer.mergeAll(Server.layer({ ...options, clock: { mode: "manual", start } }), NodeSocket.layerWebSocketConstructor)
  )

describe("Server's private WebSocket", () => {
  it.live("answers ping, logs in with ms and with seconds, and confirms what is subscribed", () =>
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
      assert.deepStrictEqual(yield* code("no json"), ["error", 30002])
      assert.deepStrictEqual(yield* code({ op: "dance" }), ["error", 30003])
      assert.deepStrictEqual(yield* code({ op: "subscribe", args: [orders] }), ["error", 30004])
      assert.deepStrictEqual(yield* code(login(start, { key: "nobody" })), ["error", 30011])
      assert.deepStrictEqual(yield* code(login(start, { passphrase: "wrong" })), ["error", 30012])
      assert.deepStrictEqual(yield* code(login(start, { timestamp: "soon" })), ["error", 30013])
      assert.deepStrictEqual(yield* code(login(start - 30_001)), ["error", 30014])
      assert.deepStrictEqual(yield* code(login(start, { secret: "wrong" })), ["error", 30015])
    }).pipe(Effect.scoped, served())
  )

  it.live("more than ten messages a second end the connection", () =>
    Effect.gen(function* () {
      const { heard, say } = yield* connect
      // Twenty-two in a row put more than ten into at least one of the seconds that they can fall into.
      yield* Effect.ignore(Effect.forEach(Array.from({ length: 22 }), () => say("ping")))
      const last = yield* Effect.iterate("", {
        while: (text) => !text.includes("30006"),
        body: () => Queue.take(heard)
      })
      assert.include(last, "Requests too frequent")
    }).pipe(Effect.scoped, served())
  )

  it.live("a partition loses pushes, and another account's orders are never among them", () =>
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
          // A peer that reads nothing more, and so never answers a close.
          const dead = Net.connect(Number(new URL(url).port), "127.0.0.1")
          dead.write(handshake)
          yield* Effect.promise(() => once(dead, "data"))
          dead.pause()
          const closed = yield* Effect.forkDaemon(
            Effect.forEach([silent, idle, subscribed], (socket) => heard(socket, "close"), { concurrency: "unbounded" })
          )
          yield* Effect.yieldNow()
          return { url, closed, dead }
        }).pipe(served())
      )
      const codes = (yield* Fiber.join(ended.closed)).map((event) => (event as CloseEvent).code)
      assert.deepStrictEqual(codes, [1001, 1001, 1001])
      const again = Http.createServer()
      yield* Effect.promise(() => once(again.listen(Number(new URL(ended.url).port), "127.0.0.1"), "listening"))
      again.close()
      ended.dead.destroy()
    })
  )

  it.live("an object where a name belongs gets the error frame, and the connection goes on", () =>
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

  it.live("one that never speaks is closed after two minutes", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.useRealTimers()))
      const peer = Net.connect(Number(new URL(url).port), "127.0.0.1")
      peer.write(handshake)
      yield* Effect.promise(() => once(peer, "data"))
      const frame = Effect.promise(() => once(peer, "data") as Promise<[Buffer]>)
      vi.advanceTimersByTime(119_999)
      const early = yield* Effect.fork(frame)
      yield* Effect.yieldNow()
      assert.isNull(yield* early.poll.pipe(Effect.map(Option.getOrNull)))
      vi.advanceTimersByTime(1)
      const [close] = yield* Fiber.join(early)
      // The frame that closes, with its code.
      assert.strictEqual(close[0], 0x88)
      assert.strictEqual(close.readUInt16BE(2), 1001)
      peer.destroy()
    }).pipe(Effect.scoped, served())
  )

  it.live("a message that is too long ends its connection before it is there as a whole", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const peer = Net.connect(Number(new URL(url).port), "127.0.0.1")
      peer.write(handshake)
      yield* Effect.promise(() => once(peer, "data"))
      peer.on("error", () => {})
      // The head of a masked text frame of 64 MB, and a little more of it than the venue takes.
      const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0])
      peer.write(Buffer.concat([head, Buffer.alloc(70_000, "a")]))
      yield* Effect.promise(() => once(peer, "close"))
    }).pipe(served())
  )

  it.live("a page of another site cannot open it from this machine's browser", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const asked = (origin: string) =>
        Effect.promise(async () => {
          const peer = Net.connect(Number(new URL(url).port), "127.0.0.1")
          const { host } = new URL(url)
          peer.write(
            handshake.replace("host: 127.0.0.1", `host: ${host}`).replace("\r\n\r\n", `\r\norigin: ${origin}\r\n\r\n`)
          )
          const [answer] = (await once(peer, "data")) as [Buffer]
          peer.destroy()
          return String(answer).split(" ")[1]
        })
      assert.strictEqual(yield* asked("http://elsewhere.example"), "403")
      assert.strictEqual(yield* asked("null"), "403")
      assert.strictEqual(yield* asked(url), "101")
    }).pipe(served())
  )
})
