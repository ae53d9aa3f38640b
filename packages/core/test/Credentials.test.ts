import { assert, describe, it } from "@effect/vitest"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"
import { inspect } from "node:util"
import * as Credentials from "@effect-deadman/core/Credentials"

const values = { BITGET_API_KEY: "bg_0123456789", BITGET_PASSPHRASE: "passphrase", BITGET_SECRET_KEY: "secret" }
const rsa = Crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey
const pem = rsa.export({ type: "pkcs8", format: "pem" }).toString()

const fromEnv = (env: Record<string, string>) =>
  Credentials.Credentials.pipe(
    Effect.provide(Credentials.layerConfig),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env))))
  )

/** The failure as a line of text, as a user sees it. */
const refusal = (env: Record<string, string>) =>
  Effect.map(Effect.flip(fromEnv(env)), (error) => {
    assert.isTrue(ConfigError.isConfigError(error))
    return String(error)
  })

const without = (name: keyof typeof values): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([key]) => key !== name))

describe("Credentials", () => {
  it.effect("come from the environment and sign with the secret key", () =>
    Effect.gen(function* () {
      const credentials = yield* fromEnv({ ...values, BITGET_ACCOUNT_LABEL: "desk-1" })
      assert.strictEqual(credentials.account, "desk-1")
      assert.strictEqual(Redacted.value(credentials.apiKey), "bg_0123456789")
      assert.strictEqual(Redacted.value(credentials.passphrase), "passphrase")
      assert.strictEqual(
        yield* credentials.sign("1GET/"),
        Crypto.createHmac("sha256", "secret").update("1GET/").digest("base64")
      )
      assert.strictEqual((yield* fromEnv(values)).account, "default")
    })
  )

  it.effect("sign with an RSA key when one is given instead", () =>
    Effect.gen(function* () {
      const env = { ...without("BITGET_SECRET_KEY"), BITGET_RSA_PRIVATE_KEY: pem.replaceAll("\n", "\\n") }
      const { sign } = yield* fromEnv(env)
      assert.strictEqual(yield* sign("1GET/"), Crypto.createSign("RSA-SHA256").update("1GET/").sign(rsa, "base64"))
    })
  )

  for (const name of ["BITGET_API_KEY", "BITGET_PASSPHRASE", "BITGET_SECRET_KEY"] as const) {
    it.effect(`a missing, empty or blank ${name} is refused by its name`, () =>
      Effect.gen(function* () {
        assert.include(yield* refusal(without(name)), name)
        for (const value of ["", " ", "\n"]) {
          const message = yield* refusal({ ...values, [name]: value })
          assert.include(message, name)
          assert.include(message, "empty")
        }
      })
    )

    it.effect(`a ${name} that no header can carry is refused by its name, without its value`, () =>
      Effect.gen(function* () {
        for (const value of ["canary\n", "canary canary", "canäry", " canary"]) {
          const message = yield* refusal({ ...values, [name]: value })
          assert.include(message, name)
          assert.notInclude(message, value.trim())
        }
      })
    )
  }

  it.effect("every missing variable is named, with the way to get a key and access", () =>
    Effect.gen(function* () {
      const secret = "BITGET_SECRET_KEY (or BITGET_RSA_PRIVATE_KEY, a PKCS#8 PEM)"
      const cases: ReadonlyArray<readonly [env: Record<string, string>, missing: string]> = [
        [{}, `BITGET_API_KEY, BITGET_PASSPHRASE, ${secret}`],
        [{ BITGET_API_KEY: "", BITGET_PASSPHRASE: " " }, `BITGET_API_KEY, BITGET_PASSPHRASE, ${secret}`],
        [{ BITGET_PASSPHRASE: "p", BITGET_RSA_PRIVATE_KEY: pem }, "BITGET_API_KEY"],
        [without("BITGET_SECRET_KEY"), secret],
        [{ ...without("BITGET_PASSPHRASE"), BITGET_SECRET_KEY: "" }, `BITGET_PASSPHRASE, ${secret}`]
      ]
      for (const [env, missing] of cases) {
        const message = yield* refusal(env)
        assert.include(message, `Not set, or empty: ${missing}. A key of`)
        assert.include(message, "API Management")
        assert.include(message, "business development")
        assert.notInclude(message, "redacted")
      }
    })
  )

  it.effect("quotes kept by an env file are named as the cause, with the variable and without its value", () =>
    Effect.gen(function* () {
      const all: Record<string, string> = { ...values, BITGET_ACCOUNT_LABEL: "desk", BITGET_RSA_PRIVATE_KEY: pem }
      for (const [name, value] of Object.entries(all)) {
        for (const quoted of [`"${value}"`, `'${value}'`, `"${value}"\r`]) {
          const kind = name === "BITGET_RSA_PRIVATE_KEY" ? without("BITGET_SECRET_KEY") : values
          const message = yield* refusal({ ...kind, [name]: quoted })
          assert.include(message, `${name} cannot be used: it is enclosed in quotes`)
          assert.notInclude(message, value)
        }
      }
    })
  )

  it.effect("both kinds of key, an empty second kind, and a bad RSA key are refused by name", () =>
    Effect.gen(function* () {
      const both = yield* refusal({ ...values, BITGET_RSA_PRIVATE_KEY: pem })
      assert.include(both, "BITGET_SECRET_KEY or BITGET_RSA_PRIVATE_KEY")
      assert.notInclude(both, pem.slice(40, 60))
      assert.include(yield* refusal({ ...values, BITGET_RSA_PRIVATE_KEY: "" }), "BITGET_RSA_PRIVATE_KEY")
      const bad = yield* refusal({ ...without("BITGET_SECRET_KEY"), BITGET_RSA_PRIVATE_KEY: "canary" })
      assert.include(bad, "BITGET_RSA_PRIVATE_KEY")
      assert.include(bad, "BEGIN PRIVATE KEY")
      assert.notInclude(bad, "canary")
    })
  )

  it.effect("a label that is empty or equals the key is refused", () =>
    Effect.gen(function* () {
      assert.include(yield* refusal({ ...values, BITGET_ACCOUNT_LABEL: " " }), "BITGET_ACCOUNT_LABEL")
      const message = yield* refusal({ ...values, BITGET_ACCOUNT_LABEL: values.BITGET_API_KEY })
      assert.include(message, "BITGET_ACCOUNT_LABEL")
      assert.notInclude(message, values.BITGET_API_KEY)
    })
  )

  it.effect("values given in code are checked, too, and refused by the name of the field", () =>
    Effect.gen(function* () {
      const options = { apiKey: Redacted.make("key"), passphrase: Redacted.make(""), secretKey: Redacted.make("s") }
      const error = yield* Effect.flip(Effect.provide(Credentials.Credentials, Credentials.layer(options)))
      assert.strictEqual(error._tag, "InvalidCredentials")
      assert.strictEqual(error.field, "passphrase")
      assert.include(error.message, "passphrase")
    })
  )

  it.effect("show no secret when printed", () =>
    Effect.gen(function* () {
      const credentials = yield* fromEnv({ ...values, BITGET_SECRET_KEY: "canary-secret" })
      const shown = inspect(credentials, { depth: 9, showHidden: true }) + JSON.stringify(credentials)
      for (const secret of ["bg_0123456789", "passphrase:", "canary-secret"]) {
        assert.notInclude(shown.replaceAll("passphrase: <redacted>", ""), secret)
      }
    })
  )
})
