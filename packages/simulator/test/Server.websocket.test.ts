import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as Socket from "@effect/platform/Socket"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { demoKeys, type Keys, signature } from "./support/Bot.js"

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
})
