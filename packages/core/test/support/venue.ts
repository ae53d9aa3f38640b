import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"

/** Values that do not occur by chance, so that a search for them finds leaks. */
export const canary = {
  apiKey: "bg_canary_key_4be1a7",
  passphrase: "canaryPassphrase93f2",
  secretKey: "canarySecret7c5d0e"
}

export const credentials = Credentials.layer({
  account: "desk-1",
  apiKey: Redacted.make(canary.apiKey),
  passphrase: Redacted.make(canary.passphrase),
  secretKey: Redacted.make(canary.secretKey)
})

/** A request that arrived, as text. */
export interface Arrived {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The exchange's time, far from the test clock's. It never advances. */
export const venueTime = 3_600_000

export const envelope = (code: string, data: unknown = null, requestTime = venueTime) => ({
  code,
  msg: code === "00000" ? "success" : "words",
  requestTime,
  data
})

/** An in-memory HTTP client; a function gives the answers. */
export const inMemory = (
  answer: (request: Arrived, signal: AbortSignal) => Effect.Effect<Response> | Response
): Layer.Layer<HttpClient.HttpClient> =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request, url, signal) =>
      Effect.suspend(() => {
        const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
        const answered = answer({ method: request.method, url, headers: request.headers, body }, signal)
        return Effect.map(Effect.isEffect(answered) ? answered : Effect.succeed(answered), (response) =>
          HttpClientResponse.fromWeb(request, response)
        )
      })
    )
  )

/** Everything between the account's countdown and the HTTP client, which the caller provides. */
export const stack = (options?: Partial<BitgetClient.Options>) =>
  BitgetCountdown.layer.pipe(
    Layer.provideMerge(BitgetClient.layer({ baseUrl: "http://127.0.0.1:9", ...options })),
    Layer.provideMerge(credentials)
  )
