/**
 * Bounds for every number from outside: control API, journal files, command line, fault grammar and options. A
 * fractional instant would stop a manual clock, and sums of unbounded ones would lose precision.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** The longest length of time: 10^12 ms, 31 years. A sum of several is still an exact integer. */
export const longestMillis = 1_000_000_000_000

/** The years 1 to 9999, in ms since the epoch. */
const earliest = -62_135_596_800_000
const latest = 253_402_300_799_999

/** A number from `min` to `max`; `jsonSchema` shows both in the OpenAPI document. */
const within = (
  type: "integer" | "number",
  min: number,
  max: number,
  holds: (value: number) => boolean,
  what: string
) =>
  Schema.Number.pipe(
    Schema.filter((value) => holds(value) && value >= min && value <= max, {
      message: () => `expected ${what}`,
      jsonSchema: { type, minimum: min, maximum: max }
    })
  )

const whole = (min: number, max: number, what: string) => within("integer", min, max, Number.isSafeInteger, what)

/** A length of time in whole ms. */
export const millis = whole(0, longestMillis, `a whole number of milliseconds, 0 or more and at most ${longestMillis}`)

/** An instant in whole ms since the epoch. */
export const instant = whole(earliest, latest, "whole milliseconds since the epoch, in the years 1 to 9999")

/** An instant that a bot computed: ms since the epoch, fractions allowed. */
export const edge = within(
  "number",
  earliest,
  latest,
  Number.isFinite,
  "milliseconds since the epoch, in the years 1 to 9999"
)

/**
 * The last instant of a served clock, the year 9900. What is scheduled from there is still an instant that a journal
 * holds.
 */
export const lastInstant = 250_246_627_200_000

/** An instant at which a clock can start. */
const start = whole(0, lastInstant, "whole milliseconds since the epoch, up to the year 9900")

/** Milliseconds of the exchange's clock per millisecond of the host's. */
export const speed = within("number", 0.001, 100_000, Number.isFinite, "a number from 0.001 to 100000")

/** A countdown in whole seconds. */
export const seconds = whole(0, longestMillis / 1_000, "a whole number of seconds, 0 or more")

/** A whole number that counts or names something. */
export const count = whole(0, Number.MAX_SAFE_INTEGER, "a whole number, 0 or more")

/** A whole number. */
export const integer = whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, "a whole number")

export const isMillis = Schema.is(millis)

const isLength = (value: number | string): boolean => {
  if (typeof value === "number") return isMillis(value)
  const read = value.startsWith("-") ? undefined : Duration.decodeUnknown(value)
  return read?._tag === "Some" && isMillis(Duration.toMillis(read.value))
}

/** A length of time as Effect writes it: whole ms as a number, or a text such as `"10 seconds"`. */
export const length = Schema.Union(Schema.Number, Schema.String).pipe(
  Schema.filter((value): value is number | Extract<Duration.DurationInput, string> => isLength(value), {
    message: () =>
      `expected whole milliseconds from 0 to ${longestMillis}, as a number or as a text such as "10 seconds"`,
    jsonSchema: { anyOf: [{ type: "integer", minimum: 0, maximum: longestMillis }, { type: "string" }] }
  })
)
export const isStart = Schema.is(start)
export const isSpeed = Schema.is(speed)
