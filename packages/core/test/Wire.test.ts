import type * as HttpClient from "@effect/platform/HttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import Undici from "@effect/platform-node/Undici"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Fs from "node:fs"
import * as Http from "node:http"
import type * as Net from "node:net"
import * as Zlib from "node:zlib"
import * as Countdown from "@effect-deadman/core/Countdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import { envelope, stack } from "./support/venue.js"

const clients: Record<string, Layer.Layer<HttpClient.HttpClient>> = {
  "node:http": NodeHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  fetch: FetchHttpClient.layer
}

const serve = (answer: Http.RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<Http.Server>((resume) => {
        const server = Http.createServer((request, response) => {
          request.resume().on("end", () => answer(request, response))
        }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as Net.AddressInfo).port}`
  )

/** A gateway that answers every request with the given bytes and records its headers. */
const gateway = (answer: () => { readonly encoding?: string; readonly bytes: Buffer }) => {
  const heard: Array<Http.IncomingHttpHeaders> = []
  const served = serve((request, response) => {
    heard.push(request.headers)
    const { bytes, encoding } = answer()
    const headers = { "content-length": bytes.length, "content-type": "application/json" }
    response.writeHead(200, encoding === undefined ? headers : { ...headers, "content-encoding": encoding }).end(bytes)
  })
  return Effect.map(served, (baseUrl) => ({ heard, baseUrl }))
}

/** An exchange that answers requests for the time by itself, and writes with the given listener. */
const venue = (write: Http.RequestListener) =>
  serve((request, response) => {
    if (request.method === "GET") response.end(success())
    else write(request, response)
  })

const success = () => Buffer.from(JSON.stringify(envelope("00000", "success", Date.now())))

const set = Effect.flatMap(CountdownCancelAll.CountdownCancelAll, (countdown) => countdown.set(Countdown.off))

const version: string = JSON.parse(Fs.readFileSync(new URL("../package.json", import.meta.url), "utf8")).version

describe("on the wire", () => {
  for (const [name, client] of Object.entries(clients)) {
    it.live(`${name}: every request names the package and its version, and asks for an uncompressed answer`, () =>
      Effect.gen(function* () {
        const { baseUrl, heard } = yield* gateway(() => ({ bytes: success() }))
        yield* set.pipe(Effect.provide(stack({ baseUrl })), Effect.provide(client))
        assert.lengthOf(heard, 2, "the time, and the write")
        for (const headers of heard) {
          assert.strictEqual(headers["user-agent"], `effect-deadman-core/${version}`)
          assert.strictEqual(headers["accept-encoding"], "identity")
        }
      }).pipe(Effect.scoped)
    )

    it.live(`${name}: a User-Agent of the caller replaces the package's`, () =>
      Effect.gen(function* () {
        const { baseUrl, heard } = yield* gateway(() => ({ bytes: success() }))
        const headers = { "User-Agent": "desk/7" }
        yield* set.pipe(Effect.provide(stack({ baseUrl, headers })), Effect.provide(client))
        assert.deepStrictEqual(
          heard.map((each) => each["user-agent"]),
          ["desk/7", "desk/7"]
        )
      }).pipe(Effect.scoped)
    )

    it.live(`${name}: a compressed answer is read all the same`, () =>
      Effect.gen(function* () {
        const ways: ReadonlyArray<readonly [encoding: string, compress: (bytes: Buffer) => Buffer]> = [
          ["gzip", Zlib.gzipSync],
          ["GZIP", Zlib.gzipSync],
          ["deflate", Zlib.deflateSync],
          ["br", Zlib.brotliCompressSync],
          ["identity", (bytes) => bytes]
        ]
        for (const [encoding, compress] of ways) {
          const { baseUrl } = yield* gateway(() => ({ encoding, bytes: compress(success()) }))
          const { requestTime } = yield* set.pipe(Effect.provide(stack({ baseUrl })), Effect.provide(client))
          assert.isDefined(requestTime, encoding)
        }
      }).pipe(Effect.scoped)
    )

    it.live(`${name}: an answer that is not compressed as it claims, or too long decompressed, is unreadable`, () =>
      Effect.gen(function* () {
        const bomb = Buffer.alloc(50_000_000, " ")
        const cases: ReadonlyArray<readonly [encoding: string, bytes: Buffer, reason: string | undefined]> = [
          ["gzip", Zlib.gzipSync(bomb), "tooLong"],
          ["br", Zlib.brotliCompressSync(bomb, { params: { [Zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }), "tooLong"],
          ["gzip", Zlib.gzipSync(success()).subarray(0, 40), undefined],
          ["br", Buffer.from("no brotli at all"), undefined],
          ["toString", Zlib.gzipSync(success()), "notJson"]
        ]
        for (const [encoding, bytes, reason] of cases) {
          let calls = 0
          const { baseUrl } = yield* gateway(() => (calls++ === 0 ? { bytes: success() } : { encoding, bytes }))
          const error = yield* set.pipe(Effect.provide(stack({ baseUrl })), Effect.provide(client), Effect.flip)
          assert.strictEqual(error._tag, "UnreadableAnswer", `${encoding}: ${error.message}`)
          assert.propertyVal(error, "applied", "unknown")
          if (reason !== undefined) assert.propertyVal(error, "reason", reason)
        }
      }).pipe(Effect.scoped)
    )

    it.live(`${name}: an answer in pieces, cut within a character, after early hints, is read`, () =>
      Effect.gen(function* () {
        const words = "Kein Zugriff für Schlüssel"
        const bytes = Buffer.from(JSON.stringify({ ...envelope("40014"), msg: words }))
        const cut = bytes.indexOf(Buffer.from("ü")) + 1
        const baseUrl = yield* venue((_, response) => {
          response.writeEarlyHints({ link: "</a>; rel=preload" })
          response.writeHead(400, { "content-type": "application/json" }).write(bytes.subarray(0, cut))
          setTimeout(() => response.end(bytes.subarray(cut)), 20)
        })
        const error = yield* Effect.flip(set).pipe(Effect.provide(stack({ baseUrl })), Effect.provide(client))
        assert.deepInclude({ ...error } as object, { code: "40014", venueMessage: words, httpStatus: 400 })
      }).pipe(Effect.scoped)
    )
  }

  it.live("a call that is interrupted while it waits for a connection is never sent", () =>
    Effect.gen(function* () {
      const held = yield* Deferred.make<Http.ServerResponse>()
      let writes = 0
      const baseUrl = yield* venue((_, response) => {
        writes += 1
        if (writes === 1) Deferred.unsafeDone(held, Effect.succeed(response))
        else response.end(success())
      })
      const oneConnection = Layer.scoped(
        NodeHttpClient.Dispatcher,
        Effect.acquireRelease(
          Effect.sync(() => new Undici.Agent({ connections: 1 })),
          (agent) => Effect.promise(() => agent.destroy())
        )
      )
      yield* Effect.gen(function* () {
        const first = yield* Effect.fork(set)
        const response = yield* Deferred.await(held)
        const second = yield* Effect.fork(set)
        // So that it waits in the dispatcher.
        yield* Effect.repeatN(Effect.yieldNow(), 100)
        yield* Fiber.interrupt(second)
        response.end(success())
        yield* Fiber.join(first)
        yield* set
        assert.strictEqual(writes, 2)
      }).pipe(
        Effect.provide(stack({ baseUrl })),
        Effect.provide(NodeHttpClient.layerUndiciWithoutDispatcher),
        Effect.provide(oneConnection)
      )
    }).pipe(Effect.scoped)
  )
})
