import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"
import * as Crypto from "node:crypto"
import * as Signature from "@effect-deadman/core/Signature"

const secret = "22582BD0CFF14C41EDBF1AB98506286D"
const timestamp = 1659076670000
const countdown = { timestamp, method: "POST", path: "/api/v3/trade/countdown-cancel-all" }
const on = { ...countdown, body: '{"countdown":"40"}' }

const vectors: ReadonlyArray<readonly [secret: string, parts: Signature.Parts, base64: string]> = [
  [secret, on, "FWrSpg5ZfWNsJm6TFjDTtxa4epvUcM1f0ICemHcpQXI="],
  [secret, { ...countdown, body: '{"countdown":"0"}' }, "XBktX04vSyRKQ57GqgNnujEzSFZPK1gOe3pXVNJwYLc="],
  [
    secret,
    {
      timestamp,
      method: "GET",
      path: "/api/v3/trade/unfilled-orders",
      query: "category=USDT-FUTURES&symbol=BTCUSDT"
    },
    "2A575idMcVIw0E3IzxuLeuKB9ltsdeNPJrjFRiUiPfg="
  ],
  [
    secret,
    { timestamp, method: "GET", path: "/api/v3/account/settings" },
    "U/S59SanfeortNuZYuCZjgMu5P1KrEBF4dh6f5LUOU4="
  ],
  ["secret", on, "pGFP5wmH+OtgoTwt+KEAJHqp0yjaMp9DMK3nXS6i/BM="]
]

const rsa = Crypto.generateKeyPairSync("rsa", { modulusLength: 2048 })
const pkcs8 = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString()

describe("Signature", () => {
  for (const [key, parts, base64] of vectors) {
    it(`signs ${Signature.payload(parts)} as two other implementations do`, () => {
      assert.strictEqual(Signature.hmacSha256(Redacted.make(key))(Signature.payload(parts)), base64)
    })
  }

  it("the payload is timestamp, method, path, question mark and query if any, body", () => {
    assert.strictEqual(
      Signature.payload({ timestamp: "1", method: "get", path: "/a", query: "b=c", body: "{}" }),
      "1GET/a?b=c{}"
    )
    assert.strictEqual(Signature.payload({ timestamp: 1, method: "GET", path: "/a", query: "" }), "1GET/a")
  })

  it("one signer agrees with node:crypto for any key and any messages", () => {
    const text = fc.oneof(fc.fullUnicodeString({ maxLength: 300 }), fc.base64String({ maxLength: 300 }))
    fc.assert(
      fc.property(text, fc.array(text, { minLength: 1, maxLength: 5 }), (key, messages) => {
        const sign = Signature.hmacSha256(Redacted.make(key))
        for (const message of messages) {
          assert.strictEqual(sign(message), Crypto.createHmac("sha256", key).update(message).digest("base64"))
        }
      }),
      { numRuns: 500 }
    )
  })

  it.effect("RSA signatures equal those of node:crypto, with real and with escaped line breaks", () =>
    Effect.gen(function* () {
      for (const pem of [pkcs8, pkcs8.replaceAll("\n", "\\n"), pkcs8.replaceAll("\n", "\r\n"), `  ${pkcs8}\n\n`]) {
        const sign = yield* Signature.rsaSha256(Redacted.make(pem))
        for (const message of ["", Signature.payload(on), "ü€𝄞".repeat(100)]) {
          const expected = Crypto.createSign("RSA-SHA256").update(message).sign(rsa.privateKey, "base64")
          assert.strictEqual(yield* sign(message), expected)
        }
      }
    })
  )

  it.effect("a private key of another kind is refused with advice, and without any part of the key", () =>
    Effect.gen(function* () {
      const ec = Crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
      const bundle = `${pkcs8}\n${rsa.publicKey.export({ type: "spki", format: "pem" }).toString()}`
      const cases: ReadonlyArray<readonly [Signature.InvalidPrivateKey["reason"], pem: string, advice: RegExp]> = [
        ["pkcs1", rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString(), /convert it with: openssl/],
        [
          "encrypted",
          rsa.privateKey
            .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "passphrase" })
            .toString(),
          /decrypt it with: openssl/
        ],
        ["unusable", ec.export({ type: "pkcs8", format: "pem" }).toString(), /WebCrypto cannot import/],
        ["notPkcs8", rsa.publicKey.export({ type: "spki", format: "pem" }).toString(), /does not start with/],
        ["notPkcs8", "22582BD0CFF14C41EDBF1AB98506286D", /does not start with/],
        ["notPkcs8", "", /does not start with/],
        ["notPkcs8", pkcs8.replace(/[A-Za-z0-9]{9}/, "========"), /is not base64/],
        ["notPkcs8", bundle, /does not start with/],
        ["notPkcs8", `Bag Attributes: <No Attributes>\n${pkcs8}`, /does not start with/],
        ["unusable", pkcs8.replace(/\n[^\n]{40}/, "\n"), /WebCrypto cannot import/]
      ]
      for (const [reason, pem, advice] of cases) {
        const error = yield* Effect.flip(Signature.rsaSha256(Redacted.make(pem)))
        assert.deepInclude(error, { _tag: "InvalidPrivateKey", reason })
        assert.match(error.message, advice)
        assert.notInclude(JSON.stringify(error) + error.message, pem.slice(60, 90) || "no key")
      }
    })
  )

  it.effect("a runtime without WebCrypto, as a browser has on plain http, refuses a private key", () =>
    Effect.gen(function* () {
      for (const crypto of [undefined, {}]) {
        const error = yield* Effect.acquireUseRelease(
          Effect.sync(() => vi.stubGlobal("crypto", crypto)),
          () => Effect.flip(Signature.rsaSha256(Redacted.make(pkcs8))),
          () => Effect.sync(() => vi.unstubAllGlobals())
        )
        assert.strictEqual(error.reason, "noWebCrypto")
      }
    })
  )
})
