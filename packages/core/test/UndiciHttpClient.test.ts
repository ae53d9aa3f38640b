import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import Undici from "@effect/platform-node/Undici"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Http from "node:http"
import type * as Net from "node:net"
import * as Countdown from "@effect-deadman/core/Countdown"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as UndiciHttpClient from "@effect-deadman/core/UndiciHttpClient"
import { envelope, stack } from "./support/venue.js"

type Write = (request: Http.IncomingMessage, response: Http.ServerResponse) => void

/** A venue that knows the time and answers a write as it is told to. */
const venue = (write: Write) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<Http.Server>((resume) => {
        const server = Http.createServer((request, response) => {
          request.resume().on("end", () => {
            if (request.method === "GET") response.end(JSON.stringify(envelope("00000", "", Date.now())))
            else write(request, response)
          })
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as Net.AddressInfo).port}`
  )

const one = Layer.scoped(
  NodeHttpClient.Dispatcher,
  Effect.acquireRelease(
    Effect.sync(() => new Undici.Agent({ connections: 1 })),
    (agent) => Effect.promise(() => agent.destroy())
  )
)

const good: Write = (_, response) => response.end(JSON.stringify(envelope("00000", "success")))

const set = (setting: Countdown.Setting) => Effect.flatMap(BitgetCountdown.make, (countdown) => countdown.set(setting))

describe("UndiciHttpClient", () => {
  it.live("a call that was given up while it waited for a connection never leaves", () =>
    Effect.gen(function* () {
      const held = yield* Deferred.make<Http.ServerResponse>()
      let writes = 0
      const baseUrl = yield* venue((request, response) => {
        writes += 1
        if (writes === 1) Deferred.unsafeDone(held, Effect.succeed(response))
        else good(request, response)
      })
      yield* Effect.gen(function* () {
        const first = yield* Effect.fork(set(Countdown.off))
        const response = yield* Deferred.await(held)
        const second = yield* Effect.fork(set(Countdown.off))
        // So that it waits in the dispatcher.
        yield* Effect.repeatN(Effect.yieldNow(), 100)
        yield* Fiber.interrupt(second)
        response.end(JSON.stringify(envelope("00000", "success")))
        yield* Fiber.join(first)
        yield* set(Countdown.off)
        assert.strictEqual(writes, 2)
      }).pipe(
        Effect.provide(stack({ baseUrl })),
        Effect.provide(UndiciHttpClient.layerWithoutDispatcher),
        Effect.provide(one)
      )
    }).pipe(Effect.scoped)
  )

  it.live("what is wrapped around it is not passed over", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const baseUrl = yield* venue((request, response) => {
        seen.push(request.headers["x-wrapped"])
        good(request, response)
      })
      const wrapped = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, HttpClient.mapRequest(HttpClientRequest.setHeader("x-wrapped", "1")))
      ).pipe(Layer.provide(UndiciHttpClient.layer))
      for (const client of [UndiciHttpClient.layer, wrapped]) {
        yield* set(Countdown.off).pipe(Effect.provide(stack({ baseUrl })), Effect.provide(client))
      }
      assert.deepStrictEqual(seen, [undefined, "1"])
    }).pipe(Effect.scoped)
  )

  it.live("reads an answer that comes in pieces, cut within a character, after early hints", () =>
    Effect.gen(function* () {
      const words = "Kein Zugriff für Schlüssel"
      const bytes = Buffer.from(JSON.stringify({ ...envelope("40014"), msg: words }))
      const cut = bytes.indexOf(Buffer.from("ü")) + 1
      const baseUrl = yield* venue((_, response) => {
        response.writeEarlyHints({ link: "</a>; rel=preload" })
        response.writeHead(400, { "content-type": "application/json" }).write(bytes.subarray(0, cut))
        setTimeout(() => response.end(bytes.subarray(cut)), 20)
      })
      const error = yield* Effect.flip(set(Countdown.off)).pipe(
        Effect.provide(stack({ baseUrl })),
        Effect.provide(UndiciHttpClient.layer)
      )
      assert.deepInclude({ ...error }, { code: "40014", venueMessage: words, httpStatus: 400 })
    }).pipe(Effect.scoped)
  )
})
