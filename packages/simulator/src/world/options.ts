/**
 * The options of a simulator, checked once. A bad one is a typed error that names it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Exchange from "../exchange/Exchange.js"
import * as Fault from "../network/Fault.js"
import * as Numbers from "../exchange/numbers.js"
import * as Latency from "../network/Latency.js"
import type * as Network from "../network/Network.js"
import type * as Random from "../network/Random.js"
import * as Venue from "../exchange/Venue.js"

/**
 * The UID of the only account when none is declared.
 *
 * @since 0.1.0
 * @category constants
 */
export const demoUid = "1000001"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Default: one account with the UID `demoUid` and obvious test values for its key. */
  readonly accounts?: ReadonlyArray<Exchange.Account> | undefined
  /** Assumptions about the exchange; all have defaults. */
  readonly venue?: Venue.Options | undefined
  /**
   * How far the exchange's clock is ahead of Effect's clock, in whole milliseconds. Default 0. A negative number or
   * text (`"-5 seconds"`) means that it is behind.
   */
  readonly venueOffset?: Duration.DurationInput | undefined
  /** The faults from the start, as values or as text. Default none. */
  readonly faults?: ReadonlyArray<Fault.Fault | string> | undefined
  /** How long requests and responses take without faults. Default 0. */
  readonly link?: LinkOptions | undefined
  /** The source of all randomness: a whole number. Default 0. */
  readonly seed?: Random.Seed | undefined
  /** How many entries the journal keeps, 1 or more. Default 10,000. */
  readonly journalSize?: number | undefined
}

/**
 * A latency each way, as a value or as text: `"20ms"`, `"uniform(20ms,50ms)"`, `"exp(30ms,1s)"`. What is left out takes
 * no time.
 *
 * @since 0.1.0
 * @category models
 */
export interface LinkOptions {
  readonly request?: Latency.Latency | string | undefined
  readonly answer?: Latency.Latency | string | undefined
}

/**
 * Accounts that cannot be at one exchange.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidAccounts extends Schema.TaggedError<InvalidAccounts>("@effect-deadman/simulator/InvalidAccounts")(
  "InvalidAccounts",
  { problem: Schema.String }
) {
  override get message(): string {
    return `The option \`accounts\` does not describe the accounts of an exchange: ${this.problem}.`
  }
}

/**
 * A value that an option cannot have.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidOption extends Schema.TaggedError<InvalidOption>("@effect-deadman/simulator/InvalidOption")(
  "InvalidOption",
  {
    /** The option's name: `venueOffset`, `link.request`, `link.answer`, `seed` or `journalSize`. */
    option: Schema.String,
    /** What it was given. */
    given: Schema.String,
    expected: Schema.String
  }
) {
  override get message(): string {
    return `The option \`${this.option}\` of the simulator is ${this.given}; it must be ${this.expected}.`
  }
}

/**
 * Options from which no simulator can be made.
 *
 * @since 0.1.0
 * @category errors
 */
export type InvalidOptions =
  Fault.FaultSyntaxError | Network.TooManyFaults | Venue.InvalidVenue | InvalidAccounts | InvalidOption

/**
 * Options with every default in its place, checked.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  /** At least one. */
  readonly accounts: ReadonlyArray<Exchange.Account>
  readonly venue: Venue.Venue
  /** Whole milliseconds. */
  readonly venueOffset: number
  readonly faults: ReadonlyArray<Fault.Fault>
  readonly link: Network.Link
  readonly seed: Random.Seed
  readonly journalSize: number
}

/**
 * The settings of these options, or an error for the first bad one.
 *
 * @since 0.1.0
 * @category constructors
 */
export const decode = (options: Options = {}): Either.Either<Settings, InvalidOptions> =>
  Either.gen(function* () {
    const accounts = options.accounts ?? [{ uid: demoUid }]
    const problem = problemOf(accounts)
    if (problem !== undefined) return yield* Either.left(new InvalidAccounts({ problem }))
    return {
      accounts,
      venue: yield* Venue.decode(options.venue ?? {}),
      venueOffset: yield* checked(
        "venueOffset",
        options.venueOffset,
        offsetOf(options.venueOffset ?? 0),
        (offset) => Numbers.isMillis(Math.abs(offset)),
        'a length of whole milliseconds, at most 31 years: "1 hour", "-5 seconds" or 250'
      ),
      faults: yield* Either.all((options.faults ?? []).map(Fault.decode)),
      link: {
        request: yield* latencyOf("link.request", options.link?.request),
        answer: yield* latencyOf("link.answer", options.link?.answer)
      },
      seed: yield* checked("seed", options.seed, options.seed ?? 0, Number.isSafeInteger, "a whole number"),
      journalSize: yield* checked(
        "journalSize",
        options.journalSize,
        options.journalSize ?? 10_000,
        (size) => Number.isSafeInteger(size) && size >= 1,
        "a whole number of entries, 1 or more"
      )
    }
  })

const checked = (
  option: string,
  given: unknown,
  value: number,
  holds: (value: number) => boolean,
  expected: string
): Either.Either<number, InvalidOption> =>
  holds(value) ? Either.right(value) : Either.left(new InvalidOption({ option, given: show(given), expected }))

const show = (given: unknown): string =>
  typeof given === "string" ? `"${given}"` : typeof given === "object" ? JSON.stringify(given) : String(given)

/** NaN for no length. A `Duration` is never negative, so the sign is read here. */
const offsetOf = (input: Duration.DurationInput): number => {
  if (typeof input === "number") return input
  const isBehind = typeof input === "string" && input.startsWith("-")
  const length = Duration.decodeUnknown(isBehind ? input.slice(1) : input)
  if (length._tag === "None") return Number.NaN
  return isBehind ? -Duration.toMillis(length.value) : Duration.toMillis(length.value)
}

const latencyOf = (
  option: string,
  input: Latency.Latency | string | undefined
): Either.Either<Latency.Latency, InvalidOption> =>
  input === undefined
    ? Either.right(Latency.none)
    : Either.mapLeft(
        // A value is read as its text, so that the same rules hold for both.
        Latency.parse(typeof input === "string" ? input : String(Latency.print(input))),
        ({ expected }) => new InvalidOption({ option, given: show(input), expected })
      )

const problemOf = (accounts: ReadonlyArray<Exchange.Account>): string | undefined => {
  if (accounts.length === 0) return "there is none; leave the option out to get one with test values"
  const uids = new Set<string>()
  const keys = new Set<string>()
  for (const account of accounts) {
    if (account.uid === "") return "a UID is empty"
    if (uids.has(account.uid)) return `the UID ${account.uid} is there twice; give one account several \`keys\` instead`
    uids.add(account.uid)
    for (const { key } of account.keys ?? [Exchange.testKey(account.uid)]) {
      if (key === "") return `a key of account ${account.uid} is empty`
      // No message contains a key, not even a test value.
      if (keys.has(key))
        return `a key of account ${account.uid} is there twice; give each account its own keys, because the key selects the account`
      keys.add(key)
    }
  }
  return undefined
}
