/**
 * Signed, bounded requests to any private or public endpoint of the exchange.
 *
 * `execute` signs each attempt with the exchange's time. One time bound covers connection, headers and body, in
 * uninterruptible regions, too. It reads the `code` under any HTTP status and fails with a {@link VenueError} that
 * states what is known of the outcome. It never repeats a write, because only the caller knows how long that write is
 * still wanted.
 *
 * Works over any `HttpClient`. A client that keeps connections saves the handshake of each call:
 * `FetchHttpClient.layer` and `NodeHttpClient.layerUndici` keep them, `NodeHttpClient.layer` only with an agent made
 * with `keepAlive`. The client must not repeat requests by itself, because a repeated request carries the old timestamp
 * and signature.
 *
 * @example
 * ```ts
 * import * as BitgetClient from "@effect-deadman/core/BitgetClient"
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 *
 * // Checks, before a switch is armed, whether the key reaches a unified account.
 * const probe = Effect.gen(function* () {
 *   const client = yield* BitgetClient.BitgetClient
 *   const { data } = yield* client.execute({
 *     method: "GET",
 *     path: "/api/v3/account/settings",
 *     response: Schema.Struct({ uid: Schema.String, accountMode: Schema.String })
 *   })
 *   return data.accountMode === "unified"
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpBody from "@effect/platform/HttpBody"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as BaseUrl from "./BaseUrl.js"
import * as Credentials from "./Credentials.js"
import * as ServerClock from "./ServerClock.js"
import * as Signature from "./Signature.js"
import * as VenueError from "./VenueError.js"
import { bounded } from "./internal/bounded.js"
import * as Envelope from "./internal/client/envelope.js"
import { common } from "./internal/client/headers.js"
import { unquoted } from "./internal/quotes.js"
import * as Transport from "./internal/client/transport.js"

/**
 * A JSON value.
 *
 * @since 0.1.0
 * @category models
 */
export type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json | undefined }

/**
 * One call. The exchange takes numbers as strings, in queries and in bodies.
 *
 * @since 0.1.0
 * @category models
 */
export interface Request<A, I> {
  readonly method: "GET" | "POST"
  /** The path of the endpoint, without the query. */
  readonly path: `/${string}`
  /** Fields that are `undefined` are left out. */
  readonly query?: Readonly<Record<string, string | undefined>> | undefined
  readonly body?: Json | undefined
  /** The schema of the answer's `data`. `Schema.Unknown` accepts everything. */
  readonly response: Schema.Schema<A, I>
  /** Whether the call is signed, by default `true`. */
  readonly signed?: boolean | undefined
  /** The time bound of this call, by default the client's. */
  readonly timeout?: Duration.DurationInput | undefined
}

/**
 * A successful answer, with the exchange's readings of its own clock in ms since the epoch.
 *
 * @since 0.1.0
 * @category models
 */
export interface Response<A> {
  readonly data: A
  readonly httpStatus: number
  /** The `requestTime` of the body. */
  readonly requestTime: number | undefined
  /** The header `X-BG-REQUEST-ACCEPT-TIME`. */
  readonly acceptedAt: number | undefined
  /** The header `X-BG-RESPONSE-COMPLETE-TIME`. */
  readonly completedAt: number | undefined
}

/**
 * The client of one account.
 *
 * @since 0.1.0
 * @category tags
 */
export class BitgetClient extends Context.Tag("@effect-deadman/core/BitgetClient")<
  BitgetClient,
  {
    /** The account's label. */
    readonly account: string
    /** The address that the calls go to. */
    readonly baseUrl: string
    /** The time bound of a call without its own. */
    readonly timeout: Duration.Duration
    /** The exchange's clock. Every answer is a sample for it. */
    readonly clock: ServerClock.ServerClock["Type"]
    /**
     * Sends the call and decodes its data. After a refused timestamp it syncs the clock within the same bound. Then it
     * sends a GET once more. A POST fails with `TimestampRefused` and can be sent again.
     */
    readonly execute: <A, I>(request: Request<A, I>) => Effect.Effect<Response<A>, VenueError.VenueError>
  }
>() {}

/**
 * Options of a client.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends ServerClock.Options {
  /** The time bound of a call over connection, headers and body, by default 5 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Uses demo trading, by default `false`. The key must be a demo key. */
  readonly demoTrading?: boolean | undefined
  /** The language of the exchange's messages, by default `"en-US"`. */
  readonly locale?: string | undefined
  /** The longest body of an answer that is read, in bytes, by default 1 MiB (1048576). */
  readonly maxBodyBytes?: number | undefined
}

const notSent = (error: VenueError.VenueError): VenueError.VenueError =>
  new (error.constructor as new (fields: object) => VenueError.VenueError)({ ...error, applied: "no" })

/**
 * Makes the client of one account, over a clock that it may share with others.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<
  BitgetClient["Type"],
  BaseUrl.InvalidBaseUrl,
  Credentials.Credentials | ServerClock.ServerClock | HttpClient.HttpClient
> =>
  Effect.gen(function* () {
    const credentials = yield* Credentials.Credentials
    const clock = yield* ServerClock.ServerClock
    const base = yield* BaseUrl.make(options.baseUrl, options)
    const timeout = Duration.decode(options.timeout ?? "5 seconds")
    const send = yield* Transport.make({
      maxBodyBytes: options.maxBodyBytes ?? 1_048_576,
      fetchOptions: options.fetchOptions
    })
    const apiKey = Redacted.value(credentials.apiKey)
    const passphrase = Redacted.value(credentials.passphrase)
    const publicHeaders = {
      ...common,
      ...Headers.fromInput(options.headers),
      "content-type": "application/json",
      locale: options.locale ?? "en-US",
      ...(options.demoTrading === true ? { paptrading: "1" } : undefined)
    }

    const addressOf = <A, I>({ path, query }: Request<A, I>): URL => {
      const url = new URL(base.origin + base.prefix + path)
      for (const [name, value] of Object.entries(query ?? {})) {
        if (value !== undefined) url.searchParams.append(name, value)
      }
      return url
    }

    const attempt = Effect.fnUntraced(function* <A, I>(request: Request<A, I>, call: Transport.Call) {
      // From the parsed URL, so that it signs the bytes that it sends, however the caller wrote them.
      const { pathname, search } = addressOf(request)
      const body = request.body === undefined ? "" : JSON.stringify(request.body)
      let headers: Readonly<Record<string, string>> = publicHeaders
      let scrub: Envelope.Scrub = identity
      if (request.signed !== false) {
        const timestamp = String(Math.floor(yield* Effect.mapError(clock.now, notSent)))
        const path = pathname.slice(base.prefix.length)
        const signature = yield* credentials.sign(
          Signature.payload({ timestamp, method: request.method, path, query: search.slice(1), body })
        )
        headers = {
          ...publicHeaders,
          "access-key": apiKey,
          "access-passphrase": passphrase,
          "access-timestamp": timestamp,
          "access-sign": signature
        }
        scrub = Envelope.scrubber([signature, apiKey, passphrase])
      }
      const envelope = yield* send(
        HttpClientRequest.make(request.method as "POST")(base.origin + pathname + search, {
          headers,
          body: body === "" ? undefined : HttpBody.text(body, "application/json")
        }),
        call,
        scrub
      )
      yield* clock.observe(envelope)
      const { acceptedAt, code, completedAt, httpStatus, requestTime, venueMessage } = envelope
      if (code !== Envelope.success) {
        const error = Envelope.refusal(envelope)
        if (error._tag === "TimestampRefused") {
          call.failure = error
          yield* Effect.ignore(clock.syncSince(envelope.receivedAt))
        }
        return yield* error
      }
      const answer = { code, httpStatus, requestTime, venueMessage }
      if (httpStatus < 200 || httpStatus > 299) return yield* Envelope.unreadable("contradictory", answer)
      const data = yield* Effect.mapError(Schema.decodeUnknown(request.response)(envelope.data), (error) =>
        Envelope.unreadable("unexpectedData", { ...answer, detail: Envelope.excerpt(error.message, scrub) })
      )
      return { data, httpStatus, requestTime, acceptedAt, completedAt }
    })

    const execute = <A, I>(request: Request<A, I>): Effect.Effect<Response<A>, VenueError.VenueError> =>
      Effect.suspend(() => {
        const call = Transport.newCall()
        const bound = request.timeout === undefined ? timeout : Duration.decode(request.timeout)
        const once = attempt(request, call)
        const work =
          request.method === "GET"
            ? Effect.catchTag(once, "TimestampRefused", () => {
                call.failure = undefined
                call.sent = false
                return attempt(request, call)
              })
            : once
        return bounded(work, bound, () => Transport.timedOut(call, Duration.toMillis(bound)))
      })

    return BitgetClient.of({
      account: credentials.account,
      baseUrl: base.origin + base.prefix,
      timeout,
      clock,
      execute
    })
  })

/**
 * The client of one account, with its own clock.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<
  BitgetClient | ServerClock.ServerClock,
  BaseUrl.InvalidBaseUrl,
  Credentials.Credentials | HttpClient.HttpClient
> => Layer.provideMerge(layerSharedClock(options), ServerClock.layer(options))

/**
 * The client of one account, over a clock that it shares with other accounts at the same exchange.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSharedClock = (
  options: Options
): Layer.Layer<
  BitgetClient,
  BaseUrl.InvalidBaseUrl,
  Credentials.Credentials | ServerClock.ServerClock | HttpClient.HttpClient
> => Layer.effect(BitgetClient, make(options))

/**
 * The options from `BITGET_BASE_URL` (by default {@link BaseUrl.venue}), `BITGET_ALLOW_INSECURE_HTTP` (`false`),
 * `BITGET_DEMO_TRADING` (`false`), `BITGET_LOCALE` (`en-US`) and `BITGET_TIMEOUT` (`5 seconds`).
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Options> = /* @__PURE__ */ Config.all({
  baseUrl: /* @__PURE__ */ Config.withDefault(/* @__PURE__ */ Config.string("BITGET_BASE_URL"), BaseUrl.venue),
  allowInsecureHttp: /* @__PURE__ */ Config.withDefault(
    /* @__PURE__ */ unquoted("BITGET_ALLOW_INSECURE_HTTP", Config.boolean),
    false
  ),
  demoTrading: /* @__PURE__ */ Config.withDefault(
    /* @__PURE__ */ unquoted("BITGET_DEMO_TRADING", Config.boolean),
    false
  ),
  locale: /* @__PURE__ */ Config.withDefault(/* @__PURE__ */ unquoted("BITGET_LOCALE", Config.string), "en-US"),
  timeout: /* @__PURE__ */ Config.withDefault(
    /* @__PURE__ */ unquoted("BITGET_TIMEOUT", Config.duration),
    /* @__PURE__ */ Duration.seconds(5)
  )
})

/**
 * The client of one account from {@link config}, with its own clock.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<
  BitgetClient | ServerClock.ServerClock,
  ConfigError.ConfigError,
  Credentials.Credentials | HttpClient.HttpClient
> = /* @__PURE__ */ Layer.unwrapEffect(
  /* @__PURE__ */ Effect.map(config, (options) =>
    Layer.mapError(layer(options), (error) => ConfigError.InvalidData(["BITGET_BASE_URL"], error.message))
  )
)
