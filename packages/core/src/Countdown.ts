/**
 * Bitget's countdown: whole seconds from 5 to 60, or `off`.
 *
 * The exchange accepts `"5"` to `"60"`, and `"0"`, which turns the switch off (page "CountDown Cancel All" of the UTA
 * API). Nothing here rounds, because a wrongly rounded value would disarm the switch. Anything but a whole number of
 * seconds in the range is an {@link InvalidCountdown}.
 *
 * @since 0.1.0
 */
import type * as Brand from "effect/Brand"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/**
 * A countdown in whole seconds, 5 to 60.
 *
 * @since 0.1.0
 * @category models
 */
export type Countdown = number & Brand.Brand<"@effect-deadman/core/Countdown">

/**
 * The switch turned off, the exchange's `"0"`.
 *
 * @since 0.1.0
 * @category models
 */
export type Off = "off"

/**
 * The setting of one call: a countdown, or off.
 *
 * @since 0.1.0
 * @category models
 */
export type Setting = Countdown | Off

/**
 * The setting that turns the switch off.
 *
 * @since 0.1.0
 * @category constructors
 */
export const off: Off = "off"

/**
 * The shortest countdown that the exchange accepts, in seconds.
 *
 * @since 0.1.0
 * @category constants
 */
export const minSeconds = 5

/**
 * The longest countdown that the exchange accepts, in seconds.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxSeconds = 60

/**
 * The countdowns that the exchange accepts, in seconds.
 *
 * @since 0.1.0
 * @category constants
 */
export const range = { min: minSeconds, max: maxSeconds } as const

/**
 * A duration that the exchange does not accept as a countdown.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidCountdown extends Schema.TaggedError<InvalidCountdown>("@effect-deadman/core/InvalidCountdown")(
  "InvalidCountdown",
  { input: Schema.String }
) {
  override get message(): string {
    return (
      `The countdown ${this.input} is not a whole number of seconds from ${minSeconds} to ${maxSeconds}. ` +
      `Give for example "10 seconds". To turn the switch off use Countdown.off, never a duration of zero.`
    )
  }
}

/**
 * The countdown of a duration. A bare number is ms, as everywhere in Effect. Anything but a whole number of seconds
 * from 5 to 60 is an {@link InvalidCountdown}, zero included, because only {@link off} turns the switch off.
 *
 * @example
 * ```ts
 * import * as Countdown from "@effect-deadman/core/Countdown"
 *
 * console.log(Countdown.fromDuration("10 seconds")) // right(10)
 * console.log(Countdown.fromDuration("2500 millis")) // left(InvalidCountdown)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromDuration = (input: Duration.DurationInput): Either.Either<Countdown, InvalidCountdown> =>
  Either.flatMap(
    Either.try({
      try: () => Duration.toMillis(Duration.decode(input)),
      catch: () => new InvalidCountdown({ input: String(input) })
    }),
    (millis) => {
      const seconds = millis / 1000
      return isCountdown(seconds) ? Either.right(seconds) : Either.left(new InvalidCountdown({ input: `${millis} ms` }))
    }
  )

/**
 * Whether the exchange accepts the setting.
 *
 * @since 0.1.0
 * @category conversions
 */
export const isSetting = (setting: number | Off): setting is Setting => setting === off || isCountdown(setting)

const isCountdown = (seconds: number): seconds is Countdown =>
  Number.isInteger(seconds) && seconds >= minSeconds && seconds <= maxSeconds

/**
 * The schema of a countdown in whole seconds.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Countdown: Schema.Schema<Countdown, number> = /* @__PURE__ */ Schema.Number.pipe(
  Schema.filter(isCountdown, {
    identifier: "Countdown",
    message: (issue) => new InvalidCountdown({ input: String(issue.actual) }).message
  })
)

const wire = /^(0|[1-9]\d?)$/

/**
 * The schema of the wire format: the strings `"5"` to `"60"` and `"0"`. It rejects strings that only resemble one of
 * them (`"05"`, `"5.0"`, `" 5"`).
 *
 * @example
 * ```ts
 * import * as Countdown from "@effect-deadman/core/Countdown"
 * import * as Schema from "effect/Schema"
 *
 * console.log(Schema.decodeUnknownSync(Countdown.SettingFromWire)("0")) // off
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const SettingFromWire: Schema.Schema<Setting, string> = /* @__PURE__ */ Schema.transformOrFail(
  Schema.String,
  /* @__PURE__ */ Schema.typeSchema(/* @__PURE__ */ Schema.Union(/* @__PURE__ */ Schema.Literal("off"), Countdown)),
  {
    strict: true,
    decode: (text, _, ast) => {
      const seconds = wire.test(text) ? Number(text) : NaN
      if (seconds === 0) return ParseResult.succeed(off)
      return isCountdown(seconds)
        ? ParseResult.succeed(seconds)
        : ParseResult.fail(
            new ParseResult.Type(ast, text, new InvalidCountdown({ input: JSON.stringify(text) }).message)
          )
    },
    encode: (setting) => ParseResult.succeed(toWire(setting))
  }
)

/**
 * The string that the exchange accepts: `"5"` to `"60"`, or `"0"` for off.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toWire = (setting: Setting): string => (setting === off ? "0" : String(setting))

/**
 * The length of a setting in ms, for the range of any exchange. Off is 0.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toMillis = (setting: number | Off): number => (setting === off ? 0 : setting * 1000)
