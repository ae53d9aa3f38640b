/**
 * The options of a cluster with their defaults, and the proof that a take-over fits into the countdown.
 *
 * @internal
 */
import * as HeartbeatError from "@effect-deadman/core/HeartbeatError"
import * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import * as Release from "@effect-deadman/core/Release"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { AccountOptions, Common } from "../ClusterOptions.js"

/** The period of the one statement that reports and reads, ms. */
export const reportEvery = 1_000

/** The bound of one statement, ms. */
export const storeTimeout = 1_000

/** The period in which the engine is asked, ms. */
export const tickEvery = 250

/** A pause of this process after which the store is asked before the next beat, ms. */
export const longPause = 2 * reportEvery

/**
 * The time without a confirmation after which nothing trades. The next owner lets its work begin one second later than
 * that after its take-over, unless the one before has signed off and no other can still beat.
 */
export const doubtAfter = 4_000

/** The longest time that an owner waits for the clean-up of its work before it lets the account go, ms. */
export const workBound = 2_000

/** The longest time for which a process with the same name counts as living, ms. */
export const livingFor = 4_000

/** @internal */
export interface Timing extends Pick<
  Common<unknown, unknown>,
  "countdown" | "interval" | "requestTimeout" | "grace" | "arming" | "heartbeat"
> {
  readonly kickWithin?: Duration.DurationInput | undefined
}

/** In ms. */
export interface Settings {
  readonly countdown: number
  readonly interval: number
  readonly requestTimeout: number
  readonly grace: number
  readonly kickWithin: number | undefined
  readonly atOnce: number
}

const seconds = (millis: number): string => `${millis / 1_000} s`

/**
 * A duration in ms, or nothing if it is none, negative or infinite.
 *
 * @internal
 */
export const finite = (input: Duration.DurationInput): number | undefined => {
  const millis = Either.getOrElse(
    Either.try(() => Duration.toMillis(Duration.decode(input))),
    () => NaN
  )
  return Number.isFinite(millis) && millis >= 0 ? millis : undefined
}

/** @internal */
export const resolve = (
  options: Timing,
  takeOverWithin: Duration.Duration
): Either.Either<Settings, HeartbeatError.InvalidOptions> =>
  Either.gen(function* () {
    const millis = (name: "countdown" | "interval" | "requestTimeout" | "grace" | "kickWithin", byDefault: number) =>
      Either.fromNullable(finite(options[name] ?? byDefault), () =>
        invalid(`${name} is a finite duration`, `${name} is ${String(options[name])}`, `Give it as "30 seconds".`)
      )
    const countdown = yield* millis("countdown", 30_000)
    const interval = yield* millis("interval", 3_000)
    const requestTimeout = yield* millis("requestTimeout", 2_000)
    const grace = yield* millis("grace", 2 * countdown)
    const kickWithin = options.kickWithin === undefined ? undefined : yield* millis("kickWithin", 0)
    const { atOnce = 16, inherits = 100, perSecond = 25 } = options.arming ?? {}
    for (const [name, value] of Object.entries({ atOnce, inherits, perSecond })) {
      if (!(Number.isFinite(value) && value > 0)) {
        return yield* Either.left(invalid(`arming.${name} > 0`, `arming.${name} is ${value}`, "Give a number above 0."))
      }
    }
    const arming = Math.ceil((1_000 * inherits) / perSecond)
    const takeOver = Duration.toMillis(takeOverWithin)
    const needed = takeOver + arming + requestTimeout + interval + reportEvery
    if (needed > countdown) {
      return yield* Either.left(
        invalid(
          "takeOverWithin + arming.inherits / arming.perSecond + requestTimeout + interval + 1 s <= countdown " +
            "(the next owner arms before the switch fires)",
          `${[takeOver, arming, requestTimeout, interval, reportEvery].map(seconds).join(" + ")} = ` +
            `${seconds(needed)} > ${seconds(countdown)}`,
          "Lengthen the countdown, or give each runner fewer accounts."
        )
      )
    }
    if (kickWithin !== undefined && kickWithin < 2 * reportEvery) {
      return yield* Either.left(
        invalid("kickWithin >= 2 s", `kickWithin is ${seconds(kickWithin)}`, "The store is read once a second.")
      )
    }
    const settings = { countdown, interval, requestTimeout, grace, kickWithin, atOnce }
    const { heartbeat = {} } = options
    yield* HeartbeatOptions.resolve(
      {
        // What differs from account to account is known only at its start.
        ...timed(typeof heartbeat === "function" ? {} : heartbeat, settings),
        ...(typeof heartbeat === "function" ? { release: Release.letExpire } : {}),
        ...(kickWithin === undefined ? {} : { liveness: Effect.void })
      },
      // The exchange of the account may take more countdowns than Bitget.
      { range: { min: 1, max: Number.MAX_SAFE_INTEGER } }
    )
    return settings
  })

/**
 * The options of the heartbeat of one account.
 *
 * @internal
 */
export const timed = (
  options: AccountOptions,
  { countdown, interval, requestTimeout }: Pick<Settings, "countdown" | "interval" | "requestTimeout">
): HeartbeatOptions.Options => ({ ...options, countdown, interval, requestTimeout, onUncertain: "verify" })

/** @internal */
export const invalid = (inequality: string, numbers: string, advice: string): HeartbeatError.InvalidOptions =>
  new HeartbeatError.InvalidOptions({ inequality, numbers, advice })
