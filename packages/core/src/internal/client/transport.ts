/**
 * Sends one request over any `HttpClient`, once, and reads the whole answer up to a number of bytes. Turns everything
 * that can go wrong into a failure that holds no secret.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { constTrue } from "effect/Function"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as VenueError from "../../VenueError.js"
import { reading } from "../clock.js"
import { readText } from "./body.js"
import * as Envelope from "./envelope.js"
import * as Failure from "./failure.js"

/**
 * The progress of a call, for the failure when its time runs out.
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
export type Send = (
  request: HttpClientRequest.HttpClientRequest,
  call: Call,
  scrub: Envelope.Scrub
) => Effect.Effect<Envelope.Envelope, VenueError.VenueError>

const secretNames = ["access-key", "access-sign", "access-passphrase"]

/** @internal */
export const make = (options: {
  readonly maxBodyBytes: number
  readonly fetchOptions: RequestInit | undefined
}): Effect.Effect<Send, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (httpClient) => {
    const client = HttpClient.withScope(httpClient)
    // `fetch` would follow redirects with the signed headers.
    const context = Context.make(FetchHttpClient.RequestInit, { ...options.fetchOptions, redirect: "manual" })

    const exchange = Effect.fnUntraced(function* (
      request: HttpClientRequest.HttpClientRequest,
      call: Call,
      scrub: Envelope.Scrub
    ) {
      const { mono: sentAt } = yield* reading
      call.sent = true
      const response = yield* Effect.catchAll(client.execute(request), (error) =>
        // A client that fails on a status keeps the answer, and the code in that counts.
        error._tag === "ResponseError" ? Effect.succeed(error.response) : Failure.unanswered(error.cause, scrub)
      )
      // Read once, because some clients build them at each access.
      const { headers, status: httpStatus } = response
      call.httpStatus = httpStatus
      const text = yield* Effect.catchAll(readText(response, headers, options.maxBodyBytes), (error) =>
        error.reason === "EmptyBody" ? Effect.succeed("") : Failure.truncated(httpStatus, error.cause, scrub)
      )
      const { mono: receivedAt } = yield* reading
      return yield* Envelope.read({ httpStatus, headers, text, sentAt, receivedAt }, scrub)
    })

    return (request, call, scrub) =>
      Effect.flatMap(Scope.make(), (scope) =>
        exchange(request, call, scrub).pipe(
          Effect.provide(Context.add(context, Scope.Scope, scope)),
          // The platform's span would hold headers.
          Effect.locally(HttpClient.currentTracerDisabledWhen, constTrue),
          Effect.locallyWith(Headers.currentRedactedNames, (names) => [...names, ...secretNames]),
          // Closing the scope aborts the request. After a whole answer it does nothing and costs as much as the call.
          Effect.onError(() => Scope.close(scope, Exit.void)),
          // A defect of an HTTP library may quote a header.
          Effect.catchAllDefect((defect) => Failure.unanswered(defect, scrub))
        )
      )
  })
