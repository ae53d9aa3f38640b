/**
 * What nobody outside the exchange knows, as named options, each with the default that is most likely.
 *
 * The venue documents the countdown in one page and leaves much open. A bot must hold under every answer, so each open
 * question is a field here: run the same test under several venues.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Numbers from "./numbers.js"

/**
 * A check of a private call, in the part of the chain whose order nobody has published.
 *
 * @since 0.1.0
 * @category models
 */
export type Check = "timestamp" | "passphrase" | "ip" | "permission" | "rate" | "body"

/**
 * What can be wrong with the `countdown` of a request.
 *
 * @since 0.1.0
 * @category models
 */
export type CountdownFlaw =
  | "missing"
  | "null"
  | "number"
  | "empty"
  | "fraction"
  | "leadingZero"
  | "negative"
  | "tooShort"
  | "tooLong"
  | "notANumber"
  | "otherType"

/**
 * A span of the venue's clock, in ms since the epoch: `from` belongs to it, `to` does not.
 *
 * @since 0.1.0
 * @category models
 */
export interface Window {
  readonly from: number
  readonly to: number
}

/**
 * How the simulated venue behaves where its documentation is silent. Every length is in ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface Venue {
  /** HTTP status of a business failure. 400 in every live sighting; several write-ups say 200. Default 400. */
  readonly failureStatus: 200 | 400
  /** HTTP status of an unknown URL (code 40404). Default 404. */
  readonly notFoundStatus: 200 | 400 | 404

  /** Who wins when a beat is applied in the very millisecond of the expiry. Default `"fire"`. */
  readonly boundary: "fire" | "beat"
  /** Order of accounts that are due at one and the same deadline: as declared, or the reverse. Default `"declared"`. */
  readonly tieOrder: "declared" | "reverse"
  /**
   * How often the venue looks at its timers, at the multiples of this length of its own clock; a switch fires at the
   * first look that is not before its deadline. 0 (default) is a timer of its own for each switch.
   */
  readonly sweepPeriod: number
  /** From the firing to the first cancel. The switch itself closes at the firing. Default 0. */
  readonly triggerLatency: number
  /** From one cancel to the next; 0 (default) cancels all in one instant. */
  readonly cancelPace: number
  /** Which order is cancelled first. Default `"oldest"`. */
  readonly cancelOrder: "oldest" | "newest"
  /** `cancelReason` of an order that the countdown has cancelled; the venue documents none. Default `"normal_cancel"`. */
  readonly cancelReason: string
  /** Whether the `updatedTime` of such an order is the instant of the firing or of its own cancel. Default `"cancel"`. */
  readonly cancelUpdatedTime: "trigger" | "cancel"

  /** From the acceptance of a request to the moment at which it takes effect. Default 0. */
  readonly timeToApply: number
  /** From the moment at which a request takes effect to the end of its answer. Default 0. */
  readonly timeToComplete: number
  /** What the countdown is counted from: the request's acceptance, its effect (default), or the end of its answer. */
  readonly clockStart: "accept" | "apply" | "complete"
  /** Which of the venue's own readings `requestTime` is. Default `"accept"`. */
  readonly requestTime: "accept" | "complete"

  /**
   * The code for each flaw of `countdown`: missing, `null`, a number (`40`), empty (`""`), a fraction (`"5.0"`), a leading
   * zero (`"05"`), negative (`"-1"`), too short (`"4"`), too long (`"61"`), not a number (`"x"`), or an object, a list or a
   * boolean. A number, a fraction and a leading zero may also be `"accept"`.
   */
  readonly badCountdown: Readonly<Record<CountdownFlaw, string>>
  /** The code for a body that is no JSON object. Default 40017. */
  readonly badBodyCode: string
  /** The code for a parameter that is missing anywhere else. Default 400172, seen live on v3. */
  readonly missingParameterCode: string
  /** The code for a parameter that is wrong anywhere else. Default 40017. */
  readonly badParameterCode: string
  /** The code for access to the countdown that the venue has not opened. Default 40301. */
  readonly noAccessCode: string
  /** The code for a read-only key on a call that writes. Default 40014. */
  readonly readOnlyCode: string
  /** The code for a wrong passphrase: 40012 (default) or 40036. */
  readonly passphraseCode: string
  /** The code for an address that the key does not allow: 40018 (default) or 40038. */
  readonly ipCode: string
  /** The code for an account that is not unified: 40084 (default, seen live) or 25245 (documented). */
  readonly notUnifiedCode: string
  /** The code for a demo key without `paptrading: 1`, or the reverse. Default 40110. */
  readonly demoCode: string
  /** Order of the checks that follow the signature. */
  readonly checks: ReadonlyArray<Check>

  /** How far a signed timestamp may lie from the venue's clock. Default 30,000. */
  readonly timestampWindow: number
  /** Whether a timestamp ahead of the venue's clock is held to the same length (default) or always taken. */
  readonly timestampSymmetric: boolean
  /** Whether a timestamp at the very edge is taken. Default true. */
  readonly timestampInclusive: boolean

  /** Calls are counted in each second of the venue's clock (default), or over the second before each call. */
  readonly rateWindow: "fixed" | "sliding"
  /** Whether a call that was refused for its rate counts. Default false. */
  readonly refusedCallsCount: boolean
  /** Calls an address may make in a minute, all endpoints together. Default 6,000. */
  readonly ipLimit: number
  /** How long an address that exceeded it is refused. Default 300,000. */
  readonly ipPenalty: number

  /** Open orders an account may have, once for all futures and once for spot and margin. Default 400. */
  readonly openOrderCap: number
  /** The code beyond it. Default 25209. */
  readonly openOrderCapCode: string

  /** Release windows that are known from the start. Default none; see `releaseWindows`. */
  readonly maintenance: ReadonlyArray<Window>
  /** What countdowns do in such a window. Default `"runs"`. */
  readonly maintenanceTimer: "runs" | "pauses" | "fires-at-end"
  /** The code that requests get in it: 45001 (default), 40725, 40808 or 40015. */
  readonly maintenanceCode: string
  /** Whether a request that got that code has taken effect all the same. Default false. */
  readonly maintenanceApplies: boolean
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const defaults: Venue = {
  failureStatus: 400,
  notFoundStatus: 404,
  boundary: "fire",
  tieOrder: "declared",
  sweepPeriod: 0,
  triggerLatency: 0,
  cancelPace: 0,
  cancelOrder: "oldest",
  cancelReason: "normal_cancel",
  cancelUpdatedTime: "cancel",
  timeToApply: 0,
  timeToComplete: 0,
  clockStart: "apply",
  requestTime: "accept",
  badCountdown: {
    missing: "400172",
    null: "40017",
    number: "40017",
    empty: "40017",
    fraction: "40017",
    leadingZero: "40017",
    negative: "40017",
    tooShort: "40017",
    tooLong: "40017",
    notANumber: "40017",
    otherType: "40017"
  },
  badBodyCode: "40017",
  missingParameterCode: "400172",
  badParameterCode: "40017",
  noAccessCode: "40301",
  readOnlyCode: "40014",
  passphraseCode: "40012",
  ipCode: "40018",
  notUnifiedCode: "40084",
  demoCode: "40110",
  checks: ["timestamp", "passphrase", "ip", "permission", "rate", "body"],
  timestampWindow: 30_000,
  timestampSymmetric: true,
  timestampInclusive: true,
  rateWindow: "fixed",
  refusedCallsCount: false,
  ipLimit: 6_000,
  ipPenalty: 300_000,
  openOrderCap: 400,
  openOrderCapCode: "25209",
  maintenance: [],
  maintenanceTimer: "runs",
  maintenanceCode: "45001",
  maintenanceApplies: false
}

/**
 * Options of a venue: any of its fields, and any of its codes for a bad `countdown`.
 *
 * @since 0.1.0
 * @category models
 */
export type Options = Partial<Omit<Venue, "badCountdown">> & {
  readonly badCountdown?: Partial<Venue["badCountdown"]> | undefined
}

/**
 * Options that are those of no venue.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidVenue extends Schema.TaggedError<InvalidVenue>("@effect-deadman/simulator/InvalidVenue")(
  "InvalidVenue",
  { problem: Schema.String }
) {
  override get message(): string {
    return `These options describe no venue, see the fields of Venue.defaults for what there is:\n${this.problem}`
  }
}

const code = Schema.String.pipe(Schema.pattern(/^\d+$/, { message: () => "expected a code of the venue, digits only" }))
const codeOrAccept = Schema.Union(code, Schema.Literal("accept"))

const Window: Schema.Schema<Window> = Schema.Struct({ from: Numbers.instant, to: Numbers.instant }).pipe(
  Schema.filter(({ from, to }) => from < to || "a window ends after it begins: from < to")
)

const checkNames = ["timestamp", "passphrase", "ip", "permission", "rate", "body"] as const

const fields = {
  failureStatus: Schema.Literal(200, 400),
  notFoundStatus: Schema.Literal(200, 400, 404),
  boundary: Schema.Literal("fire", "beat"),
  tieOrder: Schema.Literal("declared", "reverse"),
  sweepPeriod: Numbers.millis,
  triggerLatency: Numbers.millis,
  cancelPace: Numbers.millis,
  cancelOrder: Schema.Literal("oldest", "newest"),
  cancelReason: Schema.String,
  cancelUpdatedTime: Schema.Literal("trigger", "cancel"),
  timeToApply: Numbers.millis,
  timeToComplete: Numbers.millis,
  clockStart: Schema.Literal("accept", "apply", "complete"),
  requestTime: Schema.Literal("accept", "complete"),
  badCountdown: Schema.Struct({
    missing: code,
    null: code,
    number: codeOrAccept,
    empty: code,
    fraction: codeOrAccept,
    leadingZero: codeOrAccept,
    negative: code,
    tooShort: code,
    tooLong: code,
    notANumber: code,
    otherType: code
  }),
  badBodyCode: code,
  missingParameterCode: code,
  badParameterCode: code,
  noAccessCode: code,
  readOnlyCode: code,
  passphraseCode: code,
  ipCode: code,
  notUnifiedCode: code,
  demoCode: code,
  checks: Schema.Array(Schema.Literal(...checkNames)).pipe(
    Schema.filter(
      (checks) =>
        (checks.length === checkNames.length && new Set(checks).size === checkNames.length) ||
        `each of these once: ${checkNames.join(", ")}`
    )
  ),
  timestampWindow: Numbers.millis,
  timestampSymmetric: Schema.Boolean,
  timestampInclusive: Schema.Boolean,
  rateWindow: Schema.Literal("fixed", "sliding"),
  refusedCallsCount: Schema.Boolean,
  ipLimit: Numbers.count,
  ipPenalty: Numbers.millis,
  openOrderCap: Numbers.count,
  openOrderCapCode: code,
  maintenance: Schema.Array(Window),
  maintenanceTimer: Schema.Literal("runs", "pauses", "fires-at-end"),
  maintenanceCode: code,
  maintenanceApplies: Schema.Boolean
}

/**
 * A complete venue.
 *
 * @since 0.1.0
 * @category schemas
 */
export const schema: Schema.Schema<Venue> = Schema.Struct(fields)

const decodeComplete = Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: "error" })

/** Whether a value may stand in the field of that name. */
const fits = new Map<string, (value: unknown) => boolean>(
  Object.entries(fields).map(([name, field]) => [
    name,
    Schema.is(field as Schema.Schema<unknown>, { onExcessProperty: "error" })
  ])
)

/**
 * The venue with these answers, and the defaults for all the others; what is no venue says so, whatever it is.
 *
 * @since 0.1.0
 * @category constructors
 */
export const decode = (options: Options): Either.Either<Venue, InvalidVenue> => {
  const venue: Record<string, unknown> = { ...defaults }
  let known = true
  for (const [name, given] of Object.entries(options)) {
    if (given === undefined) continue
    const value = name === "badCountdown" ? { ...defaults.badCountdown, ...options.badCountdown } : given
    // No rule joins two fields, so only what differs from the default has to be looked at.
    if (value !== venue[name]) known &&= fits.get(name)?.(value) === true
    venue[name] = value
  }
  if (known) return Either.right(venue as unknown as Venue)
  return Either.mapLeft(
    decodeComplete(venue),
    (error) => new InvalidVenue({ problem: ParseResult.TreeFormatter.formatErrorSync(error) })
  )
}

/**
 * As `decode`, but throws the `InvalidVenue`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Venue => Either.getOrThrowWith(decode(options), (error) => error)

const hour = 3_600_000
const day = 24 * hour

/**
 * The venue's documented release windows that touch a span of time: Tuesdays and Thursdays, 14:00 to 18:00 UTC+8 (with
 * `wednesdays`, as an older copy of its page says, those too). Times are ms since the epoch.
 *
 * @since 0.1.0
 * @category constructors
 */
export const releaseWindows = (
  span: Window,
  options?: { readonly wednesdays?: boolean | undefined }
): ReadonlyArray<Window> => {
  const windows: Array<Window> = []
  for (let midnight = Math.floor(span.from / day) * day; midnight < span.to; midnight += day) {
    // The epoch was a Thursday; 14:00 to 18:00 UTC+8 is 06:00 to 10:00 UTC of the same day.
    const weekday = (midnight / day + 4) % 7
    const window = { from: midnight + 6 * hour, to: midnight + 10 * hour }
    const listed = weekday === 2 || weekday === 4 || (weekday === 3 && options?.wednesdays === true)
    if (listed && window.to > span.from && window.from < span.to) windows.push(window)
  }
  return windows
}
