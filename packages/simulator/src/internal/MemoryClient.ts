/**
 * An `HttpClient` without a wire: it hands each request to the world and waits for what comes of it. The response is a
 * small object of its own, because building a web `Response` costs more than everything else in a call.
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
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Outcome, World } from "./World.js"

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
      // As platform's own clients do, so that an empty body is no error here that it would not be elsewhere.
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
    const headers = Headers.unsafeFromRecord(outcome.headers)
    return Effect.succeed(new MemoryResponse(request, outcome.status, headers, outcome.body))
  }
  // As the system says it: clients read the code of the cause to tell whether anything can have been sent.
  const [call, code] = outcome._tag === "Refused" ? ["connect", "ECONNREFUSED"] : ["read", "ECONNRESET"]
  const description = `${call} ${code} (simulated)`
  const cause = Object.assign(new Error(description), { code })
  return Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", description, cause }))
}

/** The client of this world. */
export const make = (world: World): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    Effect.suspend(() => {
      const body = readBody(request)
      if (body === undefined) {
        const description = `the simulator reads bodies that are text or bytes, not ${request.body._tag}`
        return Effect.fail(new HttpClientError.RequestError({ request, reason: "Encode", description }))
      }
      const headers: Record<string, string | undefined> = request.headers
      const contentType = request.body.contentType
      const pending = world.send({
        method: request.method,
        path: url.pathname + url.search,
        headers:
          headers["content-type"] === undefined && contentType !== undefined
            ? { ...headers, "content-type": contentType }
            : headers,
        body
      })
      if (pending.outcome !== undefined) return settle(request, pending.outcome)
      return Effect.async<MemoryResponse, HttpClientError.HttpClientError>((resume) => {
        pending.listener = (outcome) => resume(settle(request, outcome))
        return Effect.sync(() => world.abort(pending))
      })
    })
  )
