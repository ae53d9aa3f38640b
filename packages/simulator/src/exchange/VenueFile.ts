/**
 * The file of a measured exchange: `deadman probe` writes it, `serve --venue-file` and {@link parse} read it.
 *
 * ```json
 * {
 *   "measured": { "at": "2026-11-26T13:00:00.000Z", "exchange": "https://api.bitget.com", "demo": true },
 *   "venue": { "triggerLatency": 180, "sweepPeriod": 1000 },
 *   "bounds": { "triggerLatency": { "min": 172, "max": 190 } },
 *   "notIdentified": { "tieOrder": "it takes two accounts" }
 * }
 * ```
 *
 * Only `venue` changes the simulator. An option that is not in it keeps its default.
 *
 * @since 0.2.0
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Venue from "./Venue.js"

/**
 * The schema of the file. Lengths of time are in ms.
 *
 * @since 0.2.0
 * @category schemas
 */
export const VenueFile = Schema.Struct({
  /** When the exchange was measured, where, and whether it was its demo trading. */
  measured: Schema.optional(Schema.Struct({ at: Schema.String, exchange: Schema.String, demo: Schema.Boolean })),
  /** The options that were measured. */
  venue: Venue.options,
  /** The values that each measured number could also have. */
  bounds: Schema.optional(
    Schema.Record({ key: Schema.String, value: Schema.Struct({ min: Schema.Number, max: Schema.Number }) })
  ),
  /** The options that could not be identified, and why. */
  notIdentified: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }))
})

/**
 * @since 0.2.0
 * @category models
 */
export type VenueFile = typeof VenueFile.Type

/**
 * A file that is no venue file.
 *
 * @since 0.2.0
 * @category errors
 */
export class InvalidVenueFile extends Schema.TaggedError<InvalidVenueFile>(
  "@effect-deadman/simulator/InvalidVenueFile"
)("InvalidVenueFile", { path: Schema.String, problem: Schema.String }) {
  override get message(): string {
    return `${this.path} is no venue file: ${this.problem}. Write one with \`deadman probe\`, or correct the field.`
  }
}

const decode = Schema.decodeUnknownEither(VenueFile, { errors: "all", onExcessProperty: "error" })

/** Where each mistake is. For an optional field the schema reports a second one, which adds nothing. */
const problemsOf = (error: ParseResult.ParseError): string =>
  ParseResult.ArrayFormatter.formatErrorSync(error)
    .filter(({ message }) => !message.startsWith("Expected undefined"))
    .map(({ message, path }) => {
      const place = path.length === 0 ? "the file" : path.map(String).join(".")
      return `${place}: ${message.includes("readonly") ? "has a wrong form" : message}`
    })
    .join("; ")

/**
 * The content of a venue file, or an error that names the file and each wrong field.
 *
 * @example
 * ```ts
 * import * as Simulator from "@effect-deadman/simulator/Simulator"
 * import * as VenueFile from "@effect-deadman/simulator/VenueFile"
 * import * as Either from "effect/Either"
 * import * as Fs from "node:fs"
 *
 * // The exchange that was measured, in memory.
 * export const exchange = (path: string) => {
 *   const { venue } = Either.getOrThrow(VenueFile.parse(path, Fs.readFileSync(path, "utf8")))
 *   return Simulator.layer({ venue })
 * }
 * ```
 *
 * @since 0.2.0
 * @category constructors
 */
export const parse = (path: string, text: string): Either.Either<VenueFile, InvalidVenueFile> => {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    return Either.left(new InvalidVenueFile({ path, problem: `it is no JSON (${String(error)})` }))
  }
  return Either.mapLeft(decode(content), (error) => new InvalidVenueFile({ path, problem: problemsOf(error) }))
}
