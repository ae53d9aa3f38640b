/**
 * The exchange's signature over timestamp, method, path, query and body: HMAC-SHA256 with a secret key, or
 * SHA256withRSA with a private key, in base64 (page "Signature" of the exchange's API introduction).
 *
 * @since 0.1.0
 */
import { hmac } from "@noble/hashes/hmac.js"
import { sha256 } from "@noble/hashes/sha2.js"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * The signed parts of a request, as they are sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parts {
  /** Milliseconds since the epoch, as in the header `ACCESS-TIMESTAMP`. */
  readonly timestamp: number | string
  readonly method: string
  /** With the leading slash, without the query. */
  readonly path: string
  /** Without the question mark, absent or empty when there is none. */
  readonly query?: string | undefined
  readonly body?: string | undefined
}

/**
 * The string that is signed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const payload = (parts: Parts): string =>
  `${parts.timestamp}${parts.method.toUpperCase()}${parts.path}${parts.query ? `?${parts.query}` : ""}${parts.body ?? ""}`

const utf8 = new TextEncoder()

/**
 * Signs with a secret key. Pure and synchronous. Prepares the key once for all messages.
 *
 * @example
 * ```ts
 * import * as Signature from "@effect-deadman/core/Signature"
 * import * as Redacted from "effect/Redacted"
 *
 * const sign = Signature.hmacSha256(Redacted.make("22582BD0CFF14C41EDBF1AB98506286D"))
 * const text = Signature.payload({ timestamp: 1659076670000, method: "GET", path: "/api/v3/account/settings" })
 * console.log(sign(text)) // U/S59SanfeortNuZYuCZjgMu5P1KrEBF4dh6f5LUOU4=
 * ```
 *
 * @since 0.1.0
 * @category signing
 */
export const hmacSha256 = (secretKey: Redacted.Redacted): ((message: string) => string) => {
  const keyed = hmac.create(sha256, utf8.encode(Redacted.value(secretKey)))
  return (message) => Encoding.encodeBase64(keyed.clone().update(utf8.encode(message)).digest())
}

/**
 * A private key that cannot sign. The error holds no part of the key.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidPrivateKey extends Schema.TaggedError<InvalidPrivateKey>("@effect-deadman/core/InvalidPrivateKey")(
  "InvalidPrivateKey",
  { reason: Schema.Literal("notPkcs8", "pkcs1", "encrypted", "unusable", "noWebCrypto") }
) {
  override get message(): string {
    const why = {
      notPkcs8: 'it does not start with "-----BEGIN PRIVATE KEY-----" or is not base64 inside',
      pkcs1: "it is PKCS#1; convert it with: openssl pkcs8 -topk8 -nocrypt -in key.pem",
      encrypted: "it is encrypted; decrypt it with: openssl pkcs8 -in key.pem",
      unusable: "WebCrypto cannot import it as an RSA private key",
      noWebCrypto: "this runtime has no WebCrypto; a browser has it on https pages only"
    }[this.reason]
    return `The private key must be RSA, as PKCS#8 PEM: ${why}.`
  }
}

const pem = /^-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----$/

/**
 * Signs with an RSA private key (PKCS#8 PEM, PKCS#1 v1.5 signatures) by WebCrypto. Accepts line breaks written as `\n`,
 * because many environment files have them.
 *
 * @since 0.1.0
 * @category signing
 */
export const rsaSha256 = (
  privateKey: Redacted.Redacted
): Effect.Effect<(message: string) => Effect.Effect<string>, InvalidPrivateKey> =>
  Effect.gen(function* () {
    const text = Redacted.value(privateKey).replaceAll("\\n", "\n").trim()
    const refuse = (reason: InvalidPrivateKey["reason"]) => new InvalidPrivateKey({ reason })
    if (text.startsWith("-----BEGIN RSA PRIVATE KEY-----")) return yield* refuse("pkcs1")
    if (text.startsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----")) return yield* refuse("encrypted")
    const base64 = pem.exec(text)?.[1]
    if (base64 === undefined) return yield* refuse("notPkcs8")
    const der = Encoding.decodeBase64(base64.replace(/\s/g, ""))
    if (Either.isLeft(der)) return yield* refuse("notPkcs8")
    const subtle = globalThis.crypto?.subtle
    if (subtle === undefined) return yield* refuse("noWebCrypto")
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
    const key = yield* Effect.tryPromise({
      try: () => subtle.importKey("pkcs8", new Uint8Array(der.right), algorithm, false, ["sign"]),
      catch: () => refuse("unusable")
    })
    return (message: string) =>
      Effect.map(
        Effect.promise(() => subtle.sign(algorithm.name, key, utf8.encode(message))),
        (signature) => Encoding.encodeBase64(new Uint8Array(signature))
      )
  })
