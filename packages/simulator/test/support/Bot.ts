/**
 * The protocol without any library, as a simple bot sends it. It shares no code with the simulator.
 */
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import { createHmac } from "node:crypto"

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly code: string | undefined
  readonly json: unknown
}

export interface Keys {
  readonly key: string
  readonly secret: string
  readonly passphrase: string
}

export const keysOf = (uid: string): Keys => ({
  key: `test-key-${uid}`,
  secret: `test-secret-${uid}`,
  passphrase: `test-passphrase-${uid}`
})

export const demoKeys = keysOf("1000001")

export const signature = (secret: string, payload: string): string =>
  createHmac("sha256", secret).update(payload).digest("base64")

export const signedHeaders = (
  keys: Keys,
  timestamp: number | string,
  method: "GET" | "POST",
  path: string,
  body: string
): Record<string, string> => ({
  "access-key": keys.key,
  "access-sign": signature(keys.secret, `${timestamp}${method}${path}${body}`),
  "access-timestamp": String(timestamp),
  "access-passphrase": keys.passphrase,
  "content-type": "application/json",
  locale: "en-US"
})

export const call = (
  method: "GET" | "POST",
  path: string,
  body: string,
  options?: { readonly keys?: Keys | undefined; readonly clockAhead?: number | undefined }
): Effect.Effect<Answer, HttpClientError.HttpClientError, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    const timestamp = now + (options?.clockAhead ?? 0)
    const headers = signedHeaders(options?.keys ?? demoKeys, timestamp, method, path, body)
    const request = HttpClientRequest.make(method)(`http://bitget.test${path}`, { headers })
    const response = yield* HttpClient.execute(
      method === "GET" ? request : HttpClientRequest.bodyText(request, body, "application/json")
    )
    const text = yield* response.text
    const json = yield* Effect.try(() => JSON.parse(text) as { code?: string }).pipe(
      Effect.orElseSucceed((): { code?: string } => ({}))
    )
    return { status: response.status, headers: response.headers, text, code: json.code, json }
  })

export const setCountdown = (
  seconds: string,
  options?: { readonly keys?: Keys | undefined; readonly clockAhead?: number | undefined }
) => call("POST", "/api/v3/trade/countdown-cancel-all", JSON.stringify({ countdown: seconds }), options)
