/**
 * The credentials of an account: key, passphrase, and the function that signs. No printable value holds the secret or
 * private key, because it is enclosed in that function when the credentials are made.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Signature from "./Signature.js"
import * as Quotes from "./internal/quotes.js"

/**
 * The credentials of one account.
 *
 * @since 0.1.0
 * @category tags
 */
export class Credentials extends Context.Tag("@effect-deadman/core/Credentials")<
  Credentials,
  {
    /** The account's label for logs and metrics. Never the key. */
    readonly account: string
    readonly apiKey: Redacted.Redacted
    readonly passphrase: Redacted.Redacted
    /** The signature of a payload, in base64. */
    readonly sign: (payload: string) => Effect.Effect<string>
  }
>() {}

/**
 * The parts of credentials. The exchange either issues a secret key or accepts the public half of an RSA key.
 *
 * @since 0.1.0
 * @category models
 */
export type Options = {
  /** The account's label for logs and metrics, by default `"default"`. Give each account its own label. */
  readonly account?: string | undefined
  readonly apiKey: Redacted.Redacted
  readonly passphrase: Redacted.Redacted
} & (
  | { readonly secretKey: Redacted.Redacted; readonly privateKey?: undefined }
  /** RSA, as PKCS#8 PEM. */
  | { readonly privateKey: Redacted.Redacted; readonly secretKey?: undefined }
)

/**
 * A credential that cannot be valid. The error names the field and holds no part of its value.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>(
  "@effect-deadman/core/InvalidCredentials"
)("InvalidCredentials", {
  field: Schema.Literal("account", "apiKey", "passphrase", "secretKey", "privateKey"),
  why: Schema.String
}) {
  override get message(): string {
    return `The credential ${this.field} cannot be used: ${this.why}`
  }
}

// A header value must be visible ASCII. HTTP libraries report a violation with an error that quotes the value.
const flaw = (value: string, inHeader: boolean): string | undefined =>
  value.trim() === ""
    ? "it is empty."
    : Quotes.isQuoted(value)
      ? Quotes.advice
      : inHeader && !/^[\x21-\x7e]+$/.test(value)
        ? "it holds a space, a line break or a character outside of ASCII."
        : undefined

/**
 * Checks the values and prepares the signing function.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Credentials["Type"], InvalidCredentials> =>
  Effect.gen(function* () {
    const { account = "default", apiKey, passphrase, privateKey, secretKey } = options
    const check = (field: InvalidCredentials["field"], value: string, inHeader: boolean) => {
      const why = flaw(value, inHeader)
      return why === undefined ? Effect.void : Effect.fail(new InvalidCredentials({ field, why }))
    }
    yield* check("account", account, false)
    if (account === Redacted.value(apiKey)) {
      return yield* new InvalidCredentials({ field: "account", why: "it is the key, which must not be logged." })
    }
    yield* check("apiKey", Redacted.value(apiKey), true)
    yield* check("passphrase", Redacted.value(passphrase), true)
    if (privateKey === undefined) {
      yield* check("secretKey", Redacted.value(secretKey), true)
      const sign = Signature.hmacSha256(secretKey)
      return Credentials.of({ account, apiKey, passphrase, sign: (payload) => Effect.sync(() => sign(payload)) })
    }
    yield* check("privateKey", Redacted.value(privateKey), false)
    const sign = yield* Effect.mapError(
      Signature.rsaSha256(privateKey),
      (error) => new InvalidCredentials({ field: "privateKey", why: error.message })
    )
    return Credentials.of({ account, apiKey, passphrase, sign })
  })

/**
 * The credentials from given values.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Credentials, InvalidCredentials> =>
  Layer.effect(Credentials, make(options))

const variables = {
  account: "BITGET_ACCOUNT_LABEL",
  apiKey: "BITGET_API_KEY",
  passphrase: "BITGET_PASSPHRASE",
  secretKey: "BITGET_SECRET_KEY",
  privateKey: "BITGET_RSA_PRIVATE_KEY"
} as const

const invalid = (name: string, why: string) => ConfigError.InvalidData([name], `${name} cannot be used: ${why}`)

const access =
  'A key of a unified trading account, with UTA trade read and write, is made at bitget.com under "API Management". ' +
  "The exchange opens the countdown (CountDown Cancel All) to an account on request: ask its business development."

// Not `Config.redacted`, whose error for a missing variable prints as "<redacted>".
const variable = (name: string) => Config.option(Config.map(Config.string(name), Redacted.make))

const isFilled = (value: Option.Option<Redacted.Redacted>): value is Option.Some<Redacted.Redacted> =>
  Option.isSome(value) && Redacted.value(value.value).trim() !== ""

/**
 * The credentials from `BITGET_API_KEY`, `BITGET_PASSPHRASE` and either `BITGET_SECRET_KEY` or `BITGET_RSA_PRIVATE_KEY`
 * (PKCS#8 PEM), with the account's label from `BITGET_ACCOUNT_LABEL` (by default `"default"`). The error names every
 * variable that is missing or empty, or the one whose value cannot be valid.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<Credentials, ConfigError.ConfigError> = /* @__PURE__ */ Layer.effect(
  Credentials,
  /* @__PURE__ */ Effect.gen(function* () {
    const { account, apiKey, passphrase, privateKey, secretKey } = yield* Config.all({
      account: Config.withDefault(Config.string(variables.account), "default"),
      apiKey: variable(variables.apiKey),
      passphrase: variable(variables.passphrase),
      secretKey: variable(variables.secretKey),
      privateKey: variable(variables.privateKey)
    })
    const key = isFilled(secretKey)
      ? { secretKey: secretKey.value }
      : isFilled(privateKey)
        ? { privateKey: privateKey.value }
        : undefined
    if (!isFilled(apiKey) || !isFilled(passphrase) || key === undefined) {
      const missing = [
        ...(isFilled(apiKey) ? [] : [variables.apiKey]),
        ...(isFilled(passphrase) ? [] : [variables.passphrase]),
        ...(key === undefined ? [`${variables.secretKey} (or ${variables.privateKey}, a PKCS#8 PEM)`] : [])
      ]
      const path = missing[0]?.split(" ", 1) ?? []
      return yield* Effect.fail(ConfigError.MissingData(path, `Not set, or empty: ${missing.join(", ")}. ${access}`))
    }
    if (isFilled(secretKey) && isFilled(privateKey)) {
      const both = `${variables.secretKey} or ${variables.privateKey}`
      return yield* Effect.fail(invalid(variables.privateKey, `set either ${both}, not both.`))
    }
    // To ignore an empty one would hide that the other kind of key is in use.
    if (Option.isSome(secretKey) && Option.isSome(privateKey)) {
      const empty = isFilled(secretKey) ? variables.privateKey : variables.secretKey
      return yield* Effect.fail(invalid(empty, "it is set to an empty value; remove it or fill it in."))
    }
    const options = { account, apiKey: apiKey.value, passphrase: passphrase.value, ...key }
    return yield* Effect.mapError(make(options), (error) => invalid(variables[error.field], error.why))
  })
)
