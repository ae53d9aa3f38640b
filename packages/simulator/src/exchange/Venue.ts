/**
 * Assumptions about the exchange, as named options, each with the most likely default.
 *
 * The exchange documents the countdown in one page and leaves much open. A bot must hold under every answer, so each
 * open question is an option here. Run the same test under several.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Numbers from "./numbers.js"

const checks = ["timestamp", "passphrase", "ip", "permission", "rate", "body"] as const
const spared = ["SPOT", "MARGIN", "USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES", "reduceOnly"] as const

/**
 * A check of a private call, in the part of the chain whose order is not published.
 *
 * @since 0.1.0
 * @category models
 */
export type Check = (typeof checks)[number]

/**
 * A flaw of the `countdown` in a request.
 *
 * @since 0.1.0
 * @category models
 */
export type CountdownFlaw = keyof typeof badCountdown

/**
 * A refusal whose code is an assumption.
 *
 * @since 0.1.0
 * @category models
 */
export type Refusal = keyof typeof codes

/**
 * A kind of order that a firing can spare: a category, or the orders whose `reduceOnly` is `"yes"`.
 *
 * @since 0.2.0
 * @category models
 */
export type Spared = (typeof spared)[number]

/**
 * A span of the exchange's clock, in ms since the epoch: `from` belongs to it, `to` does not.
 *
 * @since 0.1.0
 * @category models
 */
export interface Window {
  readonly from: number
  readonly to: number
}

/**
 * The behaviour of the simulated exchange where the documentation is silent. Every length is in ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface Venue {
  /** HTTP status of a business failure: 400 in every live sighting, 200 in several write-ups. Default 400. */
  readonly failureStatus: 200 | 400

  /** Whether the firing or the beat comes first when both fall in one millisecond. Default `"fire"`. */
  readonly boundary: "fire" | "beat"
  /** Order of accounts with the same deadline: as declared, or the reverse. Default `"declared"`. */
  readonly tieOrder: "declared" | "reverse"
  /**
   * How often the exchange looks at its timers: at the multiples of this length on its own clock. A switch fires at the
   * first look that is not before its deadline. 0 (default) means one timer per switch.
   */
  readonly sweepPeriod: number
  /** From the firing to the first cancel. The switch itself closes at the firing. Default 0. */
  readonly triggerLatency: number
  /** From one cancel to the next; 0 (default) cancels all in one instant. */
  readonly cancelPace: number
  /** Which order is cancelled first. Default `"oldest"`. */
  readonly cancelOrder: "oldest" | "newest"
  /**
   * `cancelReason` of an order that the countdown has cancelled; the exchange documents none. Default
   * `"normal_cancel"`.
   */
  readonly cancelReason: string
  /**
   * Whether the `updatedTime` of such an order is the instant of the firing or of its own cancel. Default `"cancel"`.
   */
  readonly cancelUpdatedTime: "trigger" | "cancel"
  /** The orders that no firing cancels: those of a category, and those that only reduce a position. Default none. */
  readonly sparedOrders: ReadonlyArray<Spared>

  /** From the acceptance of a request to the moment at which it takes effect. Default 0. */
  readonly timeToApply: number
  /** From the moment at which a request takes effect to the end of its response. Default 0. */
  readonly timeToComplete: number
  /**
   * The instant that the countdown counts from: the request's acceptance, its effect (default), or its response's end.
   */
  readonly clockStart: "accept" | "apply" | "complete"
  /** The reading that `requestTime` is: at the acceptance (default) or at the end of the response. */
  readonly requestTime: "accept" | "complete"

  /**
   * A countdown that would end sooner than the one that runs replaces it (default), or is answered with success and
   * ignored.
   */
  readonly shorterCountdown: "replaces" | "ignored"
  /** The response to `"0"` when nothing is armed: success (`"accept"`, default), or a code. */
  readonly offWhenClosed: string
  /** Whether a countdown call that was refused for its rate takes effect in spite of it. Default false. */
  readonly limitedCountdownApplies: boolean
  /**
   * Whether a call that was refused for its `countdown` leaves the running one as it is (default), restarts it with its
   * own length, or closes the switch.
   */
  readonly refusedCountdown: "ignored" | "restarts" | "closes"

  /**
   * The code for each flaw of `countdown`: missing, `null`, a number (`40`), empty (`""`), a fraction (`"5.0"`), a leading
   * zero (`"05"`), negative (`"-1"`), too short (`"4"`), too long (`"61"`), not a number (`"x"`), or an object, a list or a
   * boolean. A number, a fraction and a leading zero may also be `"accept"`.
   */
  readonly badCountdown: Readonly<Record<CountdownFlaw, string>>
  /** The code of each other refusal. */
  readonly codes: Readonly<Record<Refusal, string>>
  /** Order of the checks that follow the signature. */
  readonly checks: ReadonlyArray<Check>

  /** How far a signed timestamp may lie from the exchange's clock. Default 30,000. */
  readonly timestampWindow: number
  /** Whether a timestamp ahead of the exchange's clock is held to the same length (default) or always taken. */
  readonly timestampSymmetric: boolean
  /** Whether a timestamp at the very edge is taken. Default true. */
  readonly timestampInclusive: boolean

  /** Calls are counted in each second of the exchange's clock (default), or over the second before each call. */
  readonly rateWindow: "fixed" | "sliding"
  /** Whether a call that was refused for its rate counts. Default false. */
  readonly refusedCallsCount: boolean
  /** Calls per minute from one address, over all endpoints. Default 6,000. */
  readonly ipLimit: number

  /** Most open orders of an account, in futures, and in spot and margin. Default 400. */
  readonly openOrderCap: number
  /**
   * From the acceptance of an order, its `createdTime`, to its entry into the book. Until then no request finds it and no
   * firing cancels it. Default 0.
   */
  readonly placingLatency: number
  /**
   * How far `unfilled-orders`, `order-info` and `history-orders` are behind, as those of a read replica are, although their
   * stamps are those of now. A client that takes a listed order for an open one needs an allowance of at least this length,
   * and no single answer shows how long that is. Default 0.
   */
  readonly listStaleness: number

  /** The release windows that are scheduled from the start. Default none; see `releaseWindows`. */
  readonly maintenance: ReadonlyArray<Window>
  /** Whether countdowns run in such a window, pause, or fire at its end. Default `"runs"`. */
  readonly maintenanceTimer: "runs" | "pauses" | "fires-at-end"
  /** Whether a request in such a window takes effect in spite of its code. Default false. */
  readonly maintenanceApplies: boolean
}

/** The default code of each flaw. */
const badCountdown = {
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
}

/** The default code of each refusal. */
const codes = {
  /** The body is no JSON object. */
  badBody: "40017",
  /** A parameter other than `countdown` is missing; 400172 was seen live on v3. */
  missingParameter: "400172",
  /** A parameter other than `countdown` is wrong. */
  badParameter: "40017",
  /** The exchange has not opened the countdown to the account. */
  noAccess: "40301",
  /** A read-only key on a call that writes. */
  readOnly: "40014",
  /** A wrong passphrase: 40012 or 40036. */
  passphrase: "40012",
  /** An address that the key does not allow: 40018 or 40038. */
  ip: "40018",
  /** The account is not unified: 40084 (seen live) or 25245 (documented). */
  notUnified: "40084",
  /** A demo key without `paptrading: 1`, or the reverse. */
  demo: "40110",
  /** More open orders than `openOrderCap`. */
  openOrderCap: "25209",
  /** A request in a release window: 45001, 40725, 40808 or 40015. */
  maintenance: "45001"
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const defaults: Venue = {
  failureStatus: 400,
  boundary: "fire",
  tieOrder: "declared",
  sweepPeriod: 0,
  triggerLatency: 0,
  cancelPace: 0,
  cancelOrder: "oldest",
  cancelReason: "normal_cancel",
  cancelUpdatedTime: "cancel",
  sparedOrders: [],
  timeToApply: 0,
  timeToComplete: 0,
  clockStart: "apply",
  requestTime: "accept",
  shorterCountdown: "replaces",
  offWhenClosed: "accept",
  limitedCountdownApplies: false,
  refusedCountdown: "ignored",
  badCountdown,
  codes,
  checks,
  timestampWindow: 30_000,
  timestampSymmetric: true,
  timestampInclusive: true,
  rateWindow: "fixed",
  refusedCallsCount: false,
  ipLimit: 6_000,
  openOrderCap: 400,
  placingLatency: 0,
  listStaleness: 0,
  maintenance: [],
  maintenanceTimer: "runs",
  maintenanceApplies: false
}

/**
 * Options of a venue: any of its fields, and any of its codes.
 *
 * @since 0.1.0
 * @category models
 */
export type Options = Partial<Omit<Venue, "badCountdown" | "codes">> & {
  readonly badCountdown?: Partial<Venue["badCountdown"]> | undefined
  readonly codes?: Partial<Venue["codes"]> | undefined
}

/**
 * Options of no possible exchange.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidVenue extends Schema.TaggedError<InvalidVenue>("@effect-deadman/simulator/InvalidVenue")(
  "InvalidVenue",
  { problem: Schema.String }
) {
  override get message(): string {
    return `No exchange has these options. Venue.defaults lists the fields:\n${this.problem}`
  }
}

const code = Schema.String.pipe(
  Schema.pattern(/^\d+$/, { message: () => "expected a code of the exchange, digits only" })
)
const codeOrAccept = Schema.Union(code, Schema.Literal("accept"))

const Window: Schema.Schema<Window> = Schema.Struct({ from: Numbers.instant, to: Numbers.instant }).pipe(
  Schema.filter(({ from, to }) => from < to || "a window ends after it begins: from < to")
)

const badCountdownFields = {
  ...Record.map(badCountdown, () => code),
  number: codeOrAccept,
  fraction: codeOrAccept,
  leadingZero: codeOrAccept
}
const codeFields = Record.map(codes, () => code)

const otherFields = {
  failureStatus: Schema.Literal(200, 400),
  boundary: Schema.Literal("fire", "beat"),
  tieOrder: Schema.Literal("declared", "reverse"),
  sweepPeriod: Numbers.millis,
  triggerLatency: Numbers.millis,
  cancelPace: Numbers.millis,
  cancelOrder: Schema.Literal("oldest", "newest"),
  cancelReason: Schema.String,
  cancelUpdatedTime: Schema.Literal("trigger", "cancel"),
  sparedOrders: Schema.Array(Schema.Literal(...spared)),
  timeToApply: Numbers.millis,
  timeToComplete: Numbers.millis,
  clockStart: Schema.Literal("accept", "apply", "complete"),
  requestTime: Schema.Literal("accept", "complete"),
  shorterCountdown: Schema.Literal("replaces", "ignored"),
  offWhenClosed: codeOrAccept,
  limitedCountdownApplies: Schema.Boolean,
  refusedCountdown: Schema.Literal("ignored", "restarts", "closes"),
  checks: Schema.Array(Schema.Literal(...checks)).pipe(
    Schema.filter(
      (given) =>
        (given.length === checks.length && new Set(given).size === checks.length) ||
        `each of these once: ${checks.join(", ")}`
    )
  ),
  timestampWindow: Numbers.millis,
  timestampSymmetric: Schema.Boolean,
  timestampInclusive: Schema.Boolean,
  rateWindow: Schema.Literal("fixed", "sliding"),
  refusedCallsCount: Schema.Boolean,
  ipLimit: Numbers.count,
  openOrderCap: Numbers.count,
  placingLatency: Numbers.millis,
  listStaleness: Numbers.millis,
  maintenance: Schema.Array(Window),
  maintenanceTimer: Schema.Literal("runs", "pauses", "fires-at-end"),
  maintenanceApplies: Schema.Boolean
}

/**
 * A complete venue.
 *
 * @since 0.1.0
 * @category schemas
 */
export const schema: Schema.Schema<Venue> = Schema.Struct({
  ...otherFields,
  badCountdown: Schema.Struct(badCountdownFields),
  codes: Schema.Struct(codeFields)
})

/**
 * Some of the options of a venue, as a venue file has them.
 *
 * @since 0.2.0
 * @category schemas
 */
export const options = Schema.partialWith(
  Schema.Struct({
    ...otherFields,
    badCountdown: Schema.partialWith(Schema.Struct(badCountdownFields), { exact: true }),
    codes: Schema.partialWith(Schema.Struct(codeFields), { exact: true })
  }),
  { exact: true }
)

const decodeComplete = Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: "error" })

/**
 * These options with others in their place where both have a value; codes are replaced one by one.
 *
 * @since 0.2.0
 * @category constructors
 */
export const override = (self: Options, that: Options): Options => ({
  ...self,
  ...that,
  badCountdown: { ...self.badCountdown, ...that.badCountdown },
  codes: { ...self.codes, ...that.codes }
})

/**
 * The complete options, with defaults, or an error that names every bad one.
 *
 * @since 0.1.0
 * @category constructors
 */
export const decode = (options: Options): Either.Either<Venue, InvalidVenue> => {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const venue = {
    ...defaults,
    ...given,
    badCountdown: { ...defaults.badCountdown, ...options.badCountdown },
    codes: { ...defaults.codes, ...options.codes }
  }
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
 * The exchange's documented release windows that touch a span of time: Tuesdays and Thursdays, 14:00 to 18:00 UTC+8
 * (with `wednesdays`, as an older copy of its page says, those too). Times are ms since the epoch.
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
