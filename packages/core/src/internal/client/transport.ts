/**
 * One request on the way and its answer back: sends, reads the body within a bound, finds the envelope whatever the
 * status and content type say, and turns everything that can go wrong into a failure that holds no secret.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Headers from "@effect/platform/Headers"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as VenueError from "../../VenueError.js"
import { reading } from "../clock.js"
import { decompress } from "./decompress.js"
import * as Direct from "../direct.js"
import type { Sample } from "./offset.js"

/**
 * What becomes known of one call while it is under way, for whoever has to say how it ended when time runs out.
 *
 * @internal
 */
export interface Call {
  /** Whether a byte of the request may have left. */
  sent: boolean
  httpStatus: number | undefined
  /** The answer, when one came and only clean-up is under way. */
  failure: VenueError.VenueError | undefined
}

/** @internal */
export const newCall = (): Call => ({ sent: false, httpStatus: undefined, failure: undefined })

/** @internal */
export const timedOut = (call: Call, timeoutMillis: number): VenueError.VenueError =>
  call.failure ??
  new VenueError.RequestTimeout({
    venueMessage: "",
    httpStatus: call.httpStatus,
    applied: call.sent ? "unknown" : "no",
    retryable: true,
    timeoutMillis
  })

/** @internal */
export interface Envelope extends Sample {
  readonly httpStatus: number
  readonly code: string
  readonly venueMessage: string
  readonly data: unknown
}

/** @internal */
export type Scrub = (text: string) => string

/**
 * Removes every occurrence of the given values, so that what a peer echoes does not reach an error.
 *
 * @internal
 */
export const scrubber =
  (secrets: ReadonlyArray<string>): Scrub =>
  (text) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, "<redacted>"), text)

/**
 * The code of a success.
 *
 * @internal
 */
export const success = "00000"

const always = () => true

/** @internal */
export const noSecrets: Scrub = (text) => text

const secretNames = ["access-key", "access-sign", "access-passphrase"]

let lastNames: ReadonlyArray<string | RegExp> = []
let lastWithSecretNames: ReadonlyArray<string | RegExp> = secretNames

/** The names of headers to hide, and ours; they are the same from call to call. */
const withSecretNames = (names: ReadonlyArray<string | RegExp>): ReadonlyArray<string | RegExp> => {
  if (names !== lastNames) {
    lastNames = names
    lastWithSecretNames = [...names, ...secretNames]
  }
  return lastWithSecretNames
}

/** @internal */
export const excerpt = (text: string, scrub: Scrub): string => scrub(text).replace(/\s+/g, " ").trim().slice(0, 200)

/**
 * An instant on the venue's clock in ms since the epoch, given as a number or as a string of digits.
 *
 * @internal
 */
export const instant = (value: unknown): number | undefined => {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** A stamp of the venue, from a header or from the body. Zero stands for an absent one: live answers have it. */
const stamp = (value: unknown): number | undefined => instant(value) || undefined

interface SystemError {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly cause?: unknown
  readonly errors?: unknown
  readonly message?: unknown
}

/** The system's errors below a failure of some HTTP library: they hide as causes, and in lists of tried addresses. */
const systemErrors = (error: unknown, depth = 0): ReadonlyArray<SystemError> => {
  if (typeof error !== "object" || error === null || depth > 5) return []
  const { cause, code, errors }: SystemError = error
  if (Array.isArray(errors) && errors.length > 0) return errors.flatMap((each) => systemErrors(each, depth + 1))
  const below = systemErrors(cause, depth + 1)
  return below.length > 0 || typeof code !== "string" ? below : [error]
}

const isUnresolved = ({ code }: SystemError) => code === "ENOTFOUND" || code === "EAI_AGAIN"

// An unreachable host can also end a connection that has carried the request; only when connecting it proves something.
const isRefused = ({ code, syscall }: SystemError) =>
  code === "ECONNREFUSED" ||
  code === "ConnectionRefused" ||
  ((code === "EHOSTUNREACH" || code === "ENETUNREACH") && syscall === "connect")

const transportFailure = (cause: unknown, scrub: Scrub): VenueError.TransportFailure => {
  const errors = systemErrors(cause)
  const all = (is: (error: SystemError) => boolean) => errors.length > 0 && errors.every(is)
  const reason = all(isRefused) ? "refused" : all(isUnresolved) ? "unresolved" : "lost"
  const message = cause instanceof Error ? cause.message : ""
  return new VenueError.TransportFailure({
    venueMessage: "",
    applied: reason === "lost" ? "unknown" : "no",
    retryable: true,
    reason,
    detail: errors.length > 0 ? excerpt(String(errors[0]?.code), scrub) : excerpt(message, scrub)
  })
}

/** @internal */
export const unreadable = (
  reason: VenueError.UnreadableAnswer["reason"],
  answer: { readonly httpStatus: number; readonly venueMessage?: string; readonly detail?: string } & Partial<
    Pick<Envelope, "code" | "requestTime">
  >
) =>
  new VenueError.UnreadableAnswer({
    venueMessage: "",
    detail: "",
    ...answer,
    reason,
    applied: "unknown",
    retryable: true
  })

/** @internal */
export const refusal = ({ code, httpStatus, requestTime, venueMessage }: Envelope): VenueError.CodeError =>
  VenueError.fromCode({ code, httpStatus, requestTime, venueMessage })

const decoder = new TextDecoder()

/** The text of a whole body, or `undefined` when it is longer than the bound, as it came or without its compression. */
const decode = (bytes: Uint8Array, encoding: unknown, maxBytes: number): string | undefined => {
  if (bytes.length > maxBytes) return undefined
  const plain = typeof encoding === "string" ? decompress(bytes, encoding, maxBytes) : bytes
  return plain === undefined ? undefined : decoder.decode(plain)
}

/** The body as text, or `undefined` when it is longer than the bound; then no more of it is read. */
const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  headers: Headers.Headers,
  maxBytes: number
): Effect.Effect<string | undefined, HttpClientError.ResponseError> => {
  const announced = headers["content-length"]
  if (announced !== undefined && headers["content-encoding"] === undefined) {
    // The HTTP layer holds the peer to the length that it announced; this spares a stream for each good answer.
    return Number(announced) <= maxBytes ? response.text : Effect.succeed(undefined)
  }
  return Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    const take = (chunk: Uint8Array) => {
      size += chunk.length
      chunks.push(chunk)
      return Effect.succeed(size <= maxBytes)
    }
    const join = () => {
      const whole = new Uint8Array(size)
      let at = 0
      for (const chunk of chunks) {
        whole.set(chunk, at)
        at += chunk.length
      }
      return decode(whole, headers["content-encoding"], maxBytes)
    }
    return Effect.map(Stream.runForEachWhile(response.stream, take), () => (size > maxBytes ? undefined : join()))
  })
}

const readEnvelope = (
  httpStatus: number,
  headers: Direct.Incoming["headers"],
  text: string | undefined,
  scrub: Scrub,
  sentAt: number,
  receivedAt: number
): Effect.Effect<Envelope, VenueError.VenueError> => {
  const contentType = () => excerpt(String(headers["content-type"] ?? ""), scrub)
  if (text === undefined) return unreadable("tooLong", { httpStatus, detail: contentType() })
  // A status of 0 is what a browser shows of a redirect that it was told not to follow.
  if (httpStatus === 0 || (httpStatus >= 300 && httpStatus < 400)) return unreadable("redirect", { httpStatus })
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {}
  const code = typeof fields.code === "number" ? String(fields.code) : fields.code
  if (typeof code !== "string") {
    const venueMessage = excerpt(body === undefined ? text : JSON.stringify(body), scrub)
    if (httpStatus === 429) {
      return new VenueError.RateLimited({ venueMessage, httpStatus, applied: "unknown", retryable: true })
    }
    return text === ""
      ? unreadable("empty", { httpStatus })
      : unreadable(body === undefined ? "notJson" : "notAnEnvelope", {
          httpStatus,
          venueMessage,
          detail: contentType()
        })
  }
  return Effect.succeed({
    sentAt,
    receivedAt,
    httpStatus,
    code: code === success ? code : scrub(code).slice(0, 100),
    venueMessage: typeof fields.msg === "string" && fields.msg !== "success" ? scrub(fields.msg).slice(0, 1000) : "",
    data: fields.data,
    requestTime: stamp(fields.requestTime),
    acceptedAt: stamp(headers["x-bg-request-accept-time"]),
    completedAt: stamp(headers["x-bg-response-complete-time"])
  })
}

/** @internal */
export type Send = (
  request: Direct.Outgoing,
  call: Call,
  scrub: Scrub
) => Effect.Effect<Envelope, VenueError.VenueError>

// Told apart from a failure of the connection: here an answer had begun.
const truncated = (httpStatus: number, cause: unknown, scrub: Scrub) =>
  unreadable("truncated", { httpStatus, detail: excerpt(String(systemErrors(cause)[0]?.code ?? ""), scrub) })

/** The request by a way of its own, which keeps to the rules of {@link throughPlatform} by itself. */
const past =
  (direct: Direct.Direct, maxBodyBytes: number): Send =>
  (request, call, scrub) =>
    Effect.flatMap(reading, ({ mono: sentAt }) => {
      call.sent = true
      const incoming = direct(request, maxBodyBytes, (status) => {
        call.httpStatus = status
      })
      return Effect.matchCauseEffect(incoming, {
        onSuccess: ({ body, headers, status }) =>
          Effect.flatMap(reading, ({ mono }) => {
            const text = body === undefined ? undefined : decode(body, headers["content-encoding"], maxBodyBytes)
            return readEnvelope(status, headers, text, scrub, sentAt, mono)
          }),
        onFailure: (cause): Effect.Effect<never, VenueError.VenueError> => {
          const error = Cause.squash(cause)
          return call.httpStatus === undefined
            ? transportFailure(error, scrub)
            : truncated(call.httpStatus, error, scrub)
        }
      })
    })

/**
 * Redirects are not followed (`fetch` would carry the signed headers along), the platform's span is not made (it would
 * hold headers), and the headers with secrets are hidden from whatever prints the request. These settings are put on
 * the fiber all at once, and what was there is put back as a whole: by one `locally` each they would cost as much as
 * all the rest of a call.
 */
const throughPlatform = (
  httpClient: HttpClient.HttpClient,
  options: { readonly maxBodyBytes: number; readonly fetchOptions: RequestInit | undefined }
): Send => {
  const client = HttpClient.withScope(httpClient)
  const fetchOptions = Context.make(FetchHttpClient.RequestInit, { ...options.fetchOptions, redirect: "manual" })
  // From call to call the surroundings are the same ones.
  let lastContext: Context.Context<never> | undefined
  let lastMerged: Context.Context<never> = fetchOptions
  const settings = (fiber: Fiber.RuntimeFiber<unknown, unknown>, scope: Scope.Scope): FiberRefs.FiberRefs => {
    const context = fiber.getFiberRef(FiberRef.currentContext)
    if (context !== lastContext) {
      lastContext = context
      lastMerged = Context.merge(context, fetchOptions)
    }
    const names = withSecretNames(fiber.getFiberRef(Headers.currentRedactedNames))
    const id = fiber.id()
    return FiberRefs.updateManyAs(fiber.getFiberRefs(), {
      entries: [
        [FiberRef.currentContext, [[id, Context.add(lastMerged, Scope.Scope, scope)]]],
        [HttpClient.currentTracerDisabledWhen, [[id, always]]],
        [Headers.currentRedactedNames, [[id, names]]]
      ]
    })
  }
  return ({ body, headers, method, origin, path }, call, scrub) => {
    const execute = Effect.suspend(() => {
      call.sent = true
      return client.execute(
        HttpClientRequest.make(method as "POST")(origin + path, {
          headers,
          body: body === undefined ? undefined : HttpBody.text(body, "application/json")
        })
      )
    }).pipe(
      Effect.catchAll((error) =>
        // A client that fails for a status has kept the answer, and the code in it is what counts.
        error._tag === "ResponseError" ? Effect.succeed(error.response) : transportFailure(error.cause, scrub)
      )
    )
    const exchange = Effect.gen(function* () {
      const { mono: sentAt } = yield* reading
      const response = yield* execute
      const httpStatus = response.status
      // Some clients make them anew each time they are asked for.
      const headers = response.headers
      call.httpStatus = httpStatus
      const text = yield* Effect.catchAll(readBody(response, headers, options.maxBodyBytes), (error) =>
        error.reason === "EmptyBody" ? Effect.succeed("") : truncated(httpStatus, error.cause, scrub)
      )
      const { mono: receivedAt } = yield* reading
      return yield* readEnvelope(httpStatus, headers, text, scrub, sentAt, receivedAt)
      // Its scope is on the fiber.
    }) as Effect.Effect<Envelope, VenueError.VenueError>
    return Effect.flatMap(Scope.make(), (scope) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.withFiberRuntime<Envelope, VenueError.VenueError>((fiber) => {
          const putBack = Effect.setFiberRefs(fiber.getFiberRefs())
          const settle = Effect.setFiberRefs(settings(fiber, scope))
          return Effect.matchCauseEffect(Effect.zipRight(settle, restore(exchange)), {
            // The scope aborts the request. Once the whole answer is there it has nothing to do, and to close it would
            // double the cost of a good call.
            onSuccess: (envelope) => Effect.as(putBack, envelope),
            onFailure: (cause) =>
              Scope.close(scope, Exit.void).pipe(
                Effect.zipRight(putBack),
                Effect.zipRight(
                  Option.match(Cause.dieOption(cause), {
                    onNone: () => Effect.failCause(cause),
                    // A defect of an HTTP library may quote a header.
                    onSome: (defect) => transportFailure(defect, scrub)
                  })
                )
              )
          })
        })
      )
    )
  }
}

/** @internal */
export const make = (options: {
  readonly maxBodyBytes: number
  readonly fetchOptions: RequestInit | undefined
}): Effect.Effect<Send, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (httpClient) => {
    const direct = Direct.find(httpClient)
    return direct === undefined ? throughPlatform(httpClient, options) : past(direct, options.maxBodyBytes)
  })
