/**
 * A way past the platform's `HttpClient` for the calls of this library: an `HttpClient` may carry one, and whatever is
 * wrapped around that client makes a new one, which does not.
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Effect from "effect/Effect"
import * as GlobalValue from "effect/GlobalValue"

/** @internal */
export interface Outgoing {
  readonly method: "GET" | "POST"
  /** Scheme, host and port. */
  readonly origin: string
  /** With the query. */
  readonly path: string
  /** Their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** @internal */
export interface Incoming {
  readonly status: number
  /** Their names in lower case. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** As it came, compressed perhaps. Absent when it is longer than the bound. */
  readonly body: Uint8Array | undefined
}

/**
 * Sends the request as it is, once, follows nothing, makes no span, and reads the whole answer. Interruption gives the
 * connection back, and a request that has not left then never does. It fails with what went wrong, whatever that is;
 * `onStatus` tells that an answer has begun.
 *
 * @internal
 */
export type Direct = (
  request: Outgoing,
  maxBodyBytes: number,
  onStatus: (status: number) => void
) => Effect.Effect<Incoming, unknown>

// Not a property: a copy of the client with something else in it must not carry it along.
const known = /* @__PURE__ */ GlobalValue.globalValue(
  "@effect-deadman/core/internal/direct",
  () => new WeakMap<HttpClient.HttpClient, Direct>()
)

/** @internal */
export const carry = (client: HttpClient.HttpClient, direct: Direct): HttpClient.HttpClient => {
  known.set(client, direct)
  return client
}

/** @internal */
export const find = (client: HttpClient.HttpClient): Direct | undefined => known.get(client)
