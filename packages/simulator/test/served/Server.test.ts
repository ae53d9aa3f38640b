import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Served from "../support/Served.js"

const serve = (options?: Server.Options) => Effect.provide(Server.layer(options))

describe("Server", () => {
  it.live("a switch that is armed over HTTP and not refreshed fires by itself", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      yield* Simulator.placeOrder()
      const fired = yield* Effect.fork(Stream.runHead(Simulator.fired))
      yield* Effect.yieldNow()
      const armed = yield* Effect.promise(() => Served.beat(url, "5"))
      assert.strictEqual(armed.status, 200)
      assert.strictEqual(armed.code, "00000")
      assert.strictEqual(armed.data, "success")
      assert.match(armed.headers.get("x-sim-now") ?? "", /^\d{13}$/)
      yield* fired
      const simulator = yield* Simulator.Simulator
      assert.deepStrictEqual(yield* Simulator.openOrders(), [])
      const record = (yield* simulator.journal.entries).find(
        (entry) => entry._tag === "Switch" && entry.transition === "fired"
      )
      assert(record?._tag === "Switch" && record.deadline !== undefined)
      assert.isAtLeast(record.at, record.deadline)
    }).pipe(serve())
  )

  it.live("answers to a supervisor without the token of the control API", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const health = yield* Effect.promise(() => fetch(`${url}/health`))
      const body = yield* Effect.promise(() => health.json() as Promise<Record<string, unknown>>)
      assert.deepStrictEqual([health.status, body["status"]], [200, "ok"])
      const state = yield* Effect.promise(() => fetch(`${url}/_sim/state`))
      assert.strictEqual(state.status, 401)
    }).pipe(serve({ token: "not-for-supervisors" }))
  )

  it.live("refuses on the wire the requests that it refuses in memory", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const stale = yield* Effect.promise(() => Served.beat(url, "10", { timestamp: Date.now() - 31_000 }))
      assert.deepStrictEqual([stale.status, stale.code], [400, "40008"])
      const unknown = yield* Effect.promise(() => Served.call(url, "GET", "/api/v3/nowhere"))
      assert.deepStrictEqual([unknown.status, unknown.code], [404, "40404"])
      const bad = yield* Effect.promise(() => Served.beat(url, "4"))
      assert.strictEqual(bad.code, "40017")
    }).pipe(serve())
  )

  it.live("keeps the connection of a lost answer open until the client gives up, after applying the request", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const simulator = yield* Simulator.Simulator
      const seen = (instant: "abortedAt" | "answeredAt") =>
        Stream.runHead(
          Stream.filter(Simulator.events, (entry) => entry._tag === "Request" && entry[instant] !== undefined)
        )
      const aborted = yield* Effect.fork(seen("abortedAt"))
      const answered = yield* Effect.fork(seen("answeredAt"))
      yield* Effect.yieldNow()
      const client = new AbortController()
      const beat = yield* Effect.fork(
        Effect.either(Effect.tryPromise(() => Served.beat(url, "60", { signal: client.signal })))
      )
      yield* answered
      client.abort()
      const answer = yield* beat
      assert.strictEqual(answer._tag, "Left")
      yield* aborted
      assert.strictEqual((yield* Simulator.countdown())._tag, "Armed")
      const record = (yield* simulator.journal.entries).find((entry) => entry._tag === "Request")
      assert(record?._tag === "Request")
      assert.isDefined(record.answeredAt)
      assert.isUndefined(record.receivedAt)
    }).pipe(serve({ faults: ["drop-answer"] }))
  )

  it.live("breaks the connection for a reset, and ends a truncated body before its announced length", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const simulator = yield* Simulator.Simulator
      const broken = yield* Effect.flip(Effect.tryPromise({ try: () => Served.beat(url, "10"), catch: String }))
      assert.include(broken, "fetch failed")
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      yield* simulator.network.heal
      yield* simulator.network.addUntilRemoved("truncated-body;keep=10")
      const cut = yield* Effect.flip(Effect.tryPromise({ try: () => Served.beat(url, "10"), catch: String }))
      assert.include(cut, "terminated")
      assert.strictEqual((yield* Simulator.countdown())._tag, "Armed")
    }).pipe(serve({ faults: ["reset;direction=request"] }))
  )

  it.live("closing the scope ends a connection that a fault holds, and frees the port", () =>
    Effect.gen(function* () {
      const held = yield* Effect.scoped(
        Effect.gen(function* () {
          const { url } = yield* Server.Server
          const sent = yield* Effect.fork(Stream.runHead(Simulator.events))
          yield* Effect.yieldNow()
          const beat = yield* Effect.forkDaemon(Effect.flip(Effect.tryPromise(() => Served.beat(url, "10"))))
          yield* sent
          return { beat, url }
        }).pipe(serve({ faults: ["hang"] }))
      )
      yield* held.beat
      const after = yield* Effect.either(Effect.tryPromise(() => fetch(held.url)))
      assert.strictEqual(after._tag, "Left")
    })
  )
})
