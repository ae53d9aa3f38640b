/**
 * An in-memory `HttpClient`: it gives each request to the world and waits for its outcome. The response is a small
 * object of its own, because a web `Response` costs more than the rest of a call.
 */
import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberRef from "effect/FiberRef"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Party, partyOf } from "@effect-deadman/virtual-time"
import type { Outcome, World } from "./world.js"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

class MemoryResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: Headers.Headers
  private readonly body: string

  constructor(request: HttpClientRequest.HttpClientRequest, status: number, headers: Headers.Headers, body: string) {
    super()
    this.request = request
    this.status = status
    this.headers = headers
    this.body = body
  }

  get cookies(): Cookies.Cookies {
    return Cookies.empty
  }

  get remoteAddress(): Option.Option<string> {
    return Option.none()
  }

  get text(): Effect.Effect<string, HttpClientError.ResponseError> {
    return Effect.succeed(this.body)
  }

  get json(): Effect.Effect<unknown, HttpClientError.ResponseError> {
    return Effect.try({
      // An empty body is null, as in the clients of @effect/platform.
      try: () => (this.body === "" ? null : (JSON.parse(this.body) as unknown)),
      catch: (cause) => this.undecodable(cause)
    })
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.ResponseError> {
    return Effect.sync(() => UrlParams.fromInput(new URLSearchParams(this.body)))
  }

  get formData(): Effect.Effect<FormData, HttpClientError.ResponseError> {
    return Effect.fail(this.undecodable(new Error("the simulator answers no form data")))
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.ResponseError> {
    return Effect.sync(() => encoder.encode(this.body).buffer as ArrayBuffer)
  }

  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return Stream.sync(() => encoder.encode(this.body))
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "@effect/platform/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  private undecodable(cause: unknown): HttpClientError.ResponseError {
    return new HttpClientError.ResponseError({ request: this.request, response: this, reason: "Decode", cause })
  }
}

/** The prototype that platform sets later: an object that begins with it is far cheaper. */
const headersProto = Object.getPrototypeOf(Headers.empty) as object

const readBody = (request: HttpClientRequest.HttpClientRequest): string | undefined => {
  const body = request.body
  switch (body._tag) {
    case "Empty":
      return ""
    case "Uint8Array":
      return decoder.decode(body.body)
    case "Raw":
      return typeof body.body === "string" ? body.body : undefined
    default:
      return undefined
  }
}

const settle = (
  request: HttpClientRequest.HttpClientRequest,
  outcome: Outcome
): Effect.Effect<MemoryResponse, HttpClientError.HttpClientError> => {
  if (outcome._tag === "Answer") {
    const headers: Record<string, string> & Headers.Headers = Object.assign(
      Object.create(headersProto) as Headers.Headers,
      outcome.headers
    )
    // A client that knows the length need not count the bytes of a stream to bound it, which costs more than the rest
    // of a call. A body that was cut short announces no length, as a stream does not.
    if (outcome.whole === undefined) headers["content-length"] = String(Buffer.byteLength(outcome.body))
    return Effect.succeed(new MemoryResponse(request, outcome.status, headers, outcome.body))
  }
  // The system's own codes, because clients read them to decide whether the request can have been sent.
  const [call, code] = outcome._tag === "Refused" ? ["connect", "ECONNREFUSED"] : ["read", "ECONNRESET"]
  const description = `${call} ${code} (simulated)`
  const cause = Object.assign(new Error(description), { code })
  return Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", description, cause }))
}

/** The most URLs whose paths are kept: a bot calls the same few again and again. */
const pathCacheSize = 256

/** The path and query of a request as they would stand on the wire. */
const makePathOf = () => {
  const known = new Map<string, string>()
  return (request: HttpClientRequest.HttpClientRequest): string | undefined => {
    const plain = request.urlParams.length === 0
    const cached = plain ? known.get(request.url) : undefined
    if (cached !== undefined) return cached
    const url = UrlParams.makeUrl(request.url, request.urlParams, request.hash)
    if (Either.isLeft(url)) return undefined
    const path = url.right.pathname + url.right.search
    if (plain) {
      if (known.size >= pathCacheSize) known.clear()
      known.set(request.url, path)
    }
    return path
  }
}

const exchange = (
  world: World,
  request: HttpClientRequest.HttpClientRequest,
  path: string,
  sender: Party | undefined
): Effect.Effect<MemoryResponse, HttpClientError.HttpClientError> => {
  const body = readBody(request)
  if (body === undefined) {
    const description = `the simulator reads bodies that are text or bytes, not ${request.body._tag}`
    return Effect.fail(new HttpClientError.RequestError({ request, reason: "Encode", description }))
  }
  const headers: Record<string, string | undefined> = request.headers
  const contentType = request.body.contentType
  const pending = world.send({
    method: request.method,
    path,
    headers:
      headers["content-type"] === undefined && contentType !== undefined
        ? { ...headers, "content-type": contentType }
        : headers,
    body,
    sender
  })
  if (pending.outcome !== undefined) return settle(request, pending.outcome)
  return Effect.async((resume) => {
    pending.listener = (outcome) => resume(settle(request, outcome))
    return Effect.sync(() => world.abort(pending))
  })
}

/** The client of this world. */
export const make = (world: World): HttpClient.HttpClient => {
  const pathOf = makePathOf()
  // With spans it is an ordinary client of platform's. Without them there is nothing for that client to do here: an
  // abort signal and a registry of unread bodies are of use to a socket, and they cost as much as the call itself.
  const traced = HttpClient.make((request, url, _signal, fiber) =>
    Effect.suspend(() => exchange(world, request, url.pathname + url.search, partyOf(fiber)))
  )
  return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap((request) =>
      Effect.withFiberRuntime<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>((fiber) => {
        const untraced =
          !fiber.getFiberRef(FiberRef.currentTracerEnabled) ||
          fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)(request)
        const path = untraced ? pathOf(request) : undefined
        return path === undefined ? traced.execute(request) : exchange(world, request, path, partyOf(fiber))
      })
    ),
    Effect.succeed
  )
}
