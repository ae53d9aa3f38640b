/**
 * The platform's `HttpClient` over undici, with a shorter way for the calls of this library: to everybody else it is the
 * client of `NodeHttpClient.layerUndici`, whose place it takes. It needs `@effect/platform-node`, and is the only module
 * that does.
 *
 * For one account it makes no difference. A fleet that sends thousands of beats a second spends less than half of the
 * processor on each call (`docs/benchmarks.md`), which is the whole reason for it. A client that is wrapped around this
 * one, by `HttpClient.mapRequest` for example, takes the platform's way again.
 *
 * @example
 * ```ts
 * import * as UndiciHttpClient from "@effect-deadman/core/UndiciHttpClient"
 * import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
 * import * as Undici from "@effect/platform-node/Undici"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * // A thousand accounts that beat at once wait for one of so many connections, instead of opening one each.
 * const agent = Effect.acquireRelease(
 *   Effect.sync(() => new Undici.Agent({ connections: 128 })),
 *   (agent) => Effect.promise(() => agent.destroy())
 * )
 * const client = UndiciHttpClient.layerWithoutDispatcher.pipe(
 *   Layer.provide(Layer.scoped(NodeHttpClient.Dispatcher, agent))
 * )
 * ```
 *
 * @since 0.1.0
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type * as Undici from "@effect/platform-node/Undici"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Direct from "./internal/client/direct.js"

type Controller = Undici.Dispatcher.DispatchController

/** What undici tells of one request. */
class Exchange implements Undici.Dispatcher.DispatchHandler {
  private readonly resume: (result: Effect.Effect<Direct.Incoming, unknown>) => void
  private readonly onStatus: (status: number) => void
  private readonly maxBodyBytes: number
  private controller: Controller | undefined = undefined
  private aborted = false
  private status = 0
  private headers: Direct.Incoming["headers"] = {}
  private readonly chunks: Array<Uint8Array> = []
  private size = 0

  constructor(
    resume: (result: Effect.Effect<Direct.Incoming, unknown>) => void,
    maxBodyBytes: number,
    onStatus: (status: number) => void
  ) {
    this.resume = resume
    this.maxBodyBytes = maxBodyBytes
    this.onStatus = onStatus
  }

  // It can have waited for a connection until nobody wanted it any more: then it must not leave.
  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.aborted) this.abort()
  }

  onResponseStart(_: Controller, status: number, headers: Direct.Incoming["headers"]): void {
    // What comes before the answer: "continue", "early hints".
    if (status < 200) return
    this.status = status
    this.headers = headers
    this.onStatus(status)
    if (Number(headers["content-length"]) > this.maxBodyBytes) this.tooLong()
  }

  onResponseData(_: Controller, chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.size += chunk.length
    if (this.size > this.maxBodyBytes) this.tooLong()
  }

  onResponseEnd(): void {
    const [first = new Uint8Array(), ...more] = this.chunks
    this.end(more.length === 0 ? first : Buffer.concat(this.chunks))
  }

  onResponseError(_: Controller, error: Error): void {
    this.resume(Effect.fail(error))
  }

  abort(): void {
    this.aborted = true
    this.controller?.abort(new Error("aborted"))
  }

  private tooLong(): void {
    this.end(undefined)
    this.abort()
  }

  private end(body: Uint8Array | undefined): void {
    this.resume(Effect.succeed({ status: this.status, headers: this.headers, body }))
  }
}

const direct =
  (dispatcher: Undici.Dispatcher): Direct.Direct =>
  ({ body = null, headers, method, origin, path }, maxBodyBytes, onStatus) =>
    Effect.async((resume) => {
      const exchange = new Exchange(resume, maxBodyBytes, onStatus)
      // How long is waited is for the caller to say: undici's own timeouts are off, as the platform has them.
      dispatcher.dispatch({ origin, path, method, headers, body, headersTimeout: 0, bodyTimeout: 0 }, exchange)
      return Effect.sync(() => exchange.abort())
    })

/**
 * A client over a dispatcher of undici: an agent, a pool, a proxy.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (dispatcher: Undici.Dispatcher): HttpClient.HttpClient =>
  Direct.carry(NodeHttpClient.makeUndici(dispatcher), direct(dispatcher))

/**
 * A client over a dispatcher that is provided, with a bound on its connections for example.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWithoutDispatcher: Layer.Layer<HttpClient.HttpClient, never, NodeHttpClient.Dispatcher> =
  /* @__PURE__ */ Layer.effect(HttpClient.HttpClient, /* @__PURE__ */ Effect.map(NodeHttpClient.Dispatcher, make))

/**
 * A client over an agent of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = /* @__PURE__ */ Layer.provide(
  layerWithoutDispatcher,
  NodeHttpClient.dispatcherLayer
)
