/**
 * The options of a heartbeat, their defaults, and the check that they fit together.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Countdown from "./Countdown.js"
import type * as CountdownCancelAll from "./CountdownCancelAll.js"
import type * as FireWindow from "./FireWindow.js"
import { InvalidOptions } from "./HeartbeatError.js"
import type * as HeartbeatStatus from "./HeartbeatStatus.js"
import type { OpenOrders } from "./OpenOrders.js"
import * as Release from "./Release.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The time after the last beat at which the exchange cancels everything. Bitget: whole seconds, 5 to 60. Defaults to
   * 10 seconds.
   */
  readonly countdown?: Duration.DurationInput | undefined
  /**
   * The time from the sending of one beat to that of the next, at least the pace of the exchange (Bitget: 1 second).
   * Defaults to three tenths of the countdown.
   */
  readonly interval?: Duration.DurationInput | undefined
  /** The time after which a request counts as unanswered. Defaults to a fifth of the countdown. */
  readonly requestTimeout?: Duration.DurationInput | undefined
  /** The longest time that the acquisition tries to arm the switch. Defaults to the countdown. */
  readonly armTimeout?: Duration.DurationInput | undefined
  /** The longest time that closing the scope takes for the last write. Defaults to the countdown. */
  readonly releaseTimeout?: Duration.DurationInput | undefined
  /**
   * The time from an acknowledged `0` to a second one, which is sent when an unresolved beat may arrive after the
   * first. Defaults to the request timeout, or to the time that a shorter `releaseTimeout` leaves for it. From 31
   * seconds on (with a `releaseTimeout` that leaves room for it) closing the scope waits until no unresolved beat can
   * be accepted any more, and can then prove that the switch is off.
   */
  readonly settle?: Duration.DurationInput | undefined
  /** Chooses the last write. See the module `Release`. Defaults to `Release.disarm`. */
  readonly release?: Release.Policy | undefined
  /**
   * The last write of an acquisition that fails, or is interrupted, after a write of unknown outcome. `"Disarm"` (the
   * default) sends `0`, so that nothing stays half armed. `"LetExpire"` sends nothing, for a switch that another
   * process may use, and for orders of an earlier run that the exchange should cancel.
   */
  readonly abandon?: "Disarm" | "LetExpire" | undefined
  /**
   * The last record that the previous process received by `onAcknowledged`. The first acknowledgement then proves by
   * the exchange's stamps that the switch held meanwhile. Where it proves nothing, the heartbeat begins as
   * `MayHaveFired`. The heartbeat cannot know of the other process's writes that arrive after that acknowledgement: a
   * late `0` turns the switch off, a late shorter countdown fires early. Give a record only when the other process has
   * ended.
   */
  readonly predecessor?: FireWindow.Continuity | undefined
  /**
   * The reaction once the switch may have fired. `"lose"` ends the heartbeat: it never re-arms over a book that may be
   * empty. `"verify"` keeps beating and lets the exchange's stamps and the `evidence` decide; what they cannot decide stays
   * `MayHaveFired` until `markReconciled`. Defaults to `"lose"`.
   */
  readonly onUncertain?: "lose" | "verify" | undefined
  /**
   * With `onUncertain: "verify"`: the open orders of the same account. An order that was open before the switch could
   * fire, and still is, proves that it held, where the stamps prove nothing. The list is requested after a beat that
   * leaves the question open, beside the beats, until the question is settled. A list that fails or hangs costs nothing
   * but itself. Defaults to none.
   */
  readonly evidence?: OpenOrders["Type"] | undefined
  /** Runs before each beat. A beat is withheld while it fails. See the module `Liveness`. Defaults to none. */
  readonly liveness?: Effect.Effect<unknown, unknown> | undefined
  /**
   * The time after which `liveness` counts as failed. Defaults to a third of the time that the other options leave for
   * it, from 150 to 500 ms. That is longer than the bound of one named check, so that the report names the check that
   * hung.
   */
  readonly livenessTimeout?: Duration.DurationInput | undefined
  /**
   * The longest time that `guard` waits for the clean-up of the effect that it interrupted. After that it fails with
   * `SwitchLost`, logs a warning, and the clean-up goes on in the background. Defaults to the countdown.
   */
  readonly guardGrace?: Duration.DurationInput | undefined
  /** Runs for each change of state, in order; the heartbeat never waits for it while it beats. Failures are logged. */
  readonly onTransition?: ((transition: HeartbeatStatus.Transition) => Effect.Effect<unknown, unknown>) | undefined
  /**
   * Runs after each acknowledgement with the record for the next process on this account (see `predecessor`). The
   * heartbeat never waits for it; while it runs only the newest record is kept. Failures are logged.
   */
  readonly onAcknowledged?: ((record: FireWindow.Continuity) => Effect.Effect<unknown, unknown>) | undefined
  /**
   * The longest time after the deadline until the exchange cancels. It widens the late edge. Defaults to 1 second.
   * Bitget documents none; sibling exchanges check every 10 ms to every second.
   */
  readonly triggerLatency?: Duration.DurationInput | undefined
  /**
   * The largest difference between the clocks of two of the exchange's machines. The stamps of an answer prove that
   * much less. Defaults to 1 second.
   */
  readonly stampTolerance?: Duration.DurationInput | undefined
  /**
   * The longest time that a firing takes to cancel all orders, one by one. An order that is listed sooner after a
   * possible firing proves nothing. Defaults to 5 seconds. Bitget documents none.
   */
  readonly cancelLatency?: Duration.DurationInput | undefined
  /**
   * The longest time from the creation of an order until it is in the book. An order that was created later than this
   * before a possible firing proves nothing. Defaults to 1 second.
   */
  readonly placingLatency?: Duration.DurationInput | undefined
  /** The largest age of a list of open orders. An older list cannot be detected. Defaults to 0. */
  readonly maxStaleness?: Duration.DurationInput | undefined
}

/**
 * The decoded options: durations in ms, with every default, and checked.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  /** Whole seconds. */
  readonly countdown: number
  /** The shortest countdown of the exchange, in whole seconds. */
  readonly shortest: number
  readonly pace: number
  readonly interval: number
  readonly requestTimeout: number
  readonly armTimeout: number
  readonly releaseTimeout: number
  readonly settle: number
  readonly release: Release.Policy
  readonly abandon: "Disarm" | "LetExpire"
  readonly predecessor: FireWindow.Continuity | undefined
  readonly onUncertain: "lose" | "verify"
  readonly evidence: OpenOrders["Type"] | undefined
  readonly liveness: Effect.Effect<unknown, unknown> | undefined
  readonly livenessTimeout: number
  readonly guardGrace: number
  readonly onTransition: ((transition: HeartbeatStatus.Transition) => Effect.Effect<unknown, unknown>) | undefined
  readonly onAcknowledged: ((record: FireWindow.Continuity) => Effect.Effect<unknown, unknown>) | undefined
  readonly triggerLatency: number
  readonly stampTolerance: number
  readonly cancelLatency: number
  readonly placingLatency: number
  readonly maxStaleness: number
}

/**
 * The limits of the exchange: a part of the port `CountdownCancelAll`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  readonly account?: string | undefined
  readonly range?: CountdownCancelAll.Range | undefined
  readonly pace?: Duration.DurationInput | undefined
}

const seconds = (millis: number): string => `${millis / 1_000} s`

/**
 * Fills in the defaults and checks that the options fit together. Without `limits` those of Bitget apply.
 *
 * @since 0.1.0
 * @category constructors
 */
export const resolve = (
  options: Options = {},
  { account, pace: paceInput = "1 second", range = Countdown.range }: Limits = {}
): Either.Either<Settings, InvalidOptions> =>
  Either.gen(function* () {
    const pace = Duration.toMillis(paceInput)
    yield* demand(
      Number.isInteger(range.min) && Number.isInteger(range.max) && 1 <= range.min && range.min <= range.max,
      {
        inequality: "1 s <= range.min <= range.max, in whole seconds",
        numbers: `range is ${range.min} s to ${range.max} s`,
        advice: "This is a member of CountdownCancelAll: give the countdowns that the exchange takes."
      }
    )
    yield* demand(Number.isFinite(pace) && pace > 0, {
      inequality: "pace is a finite duration > 0",
      numbers: `pace is ${pace} ms`,
      advice: "This is a member of CountdownCancelAll: give the shortest time between two writes of one account."
    })
    const millis = (name: keyof Options, byDefault: number): Either.Either<number, InvalidOptions> => {
      const input = options[name]
      if (input === undefined) return Either.right(byDefault)
      const decoded = Either.try(() => Duration.toMillis(Duration.decode(input as Duration.DurationInput)))
      return Either.filterOrLeft(
        Either.mapLeft(decoded, () => NaN),
        // Effect has no negative durations: it reads them as zero.
        Number.isFinite,
        (value) => value
      ).pipe(
        Either.mapLeft(
          (value) =>
            new InvalidOptions({
              inequality: `${name} is a finite duration`,
              numbers: `${name} is ${Number.isNaN(value) ? String(input) : `${value} ms`}`,
              advice: `Give it as a duration such as "2 seconds".`
            })
        )
      )
    }
    const total = yield* millis("countdown", 1_000 * Math.min(Math.max(10, range.min), range.max))
    const countdown = total / 1_000
    yield* demand(Number.isInteger(countdown) && range.min <= countdown && countdown <= range.max, {
      inequality: `${range.min} s <= countdown <= ${range.max} s, in whole seconds`,
      numbers: `countdown is ${total} ms`,
      advice: "The exchange takes nothing else."
    })
    const interval = yield* millis("interval", Math.round(total * 0.3))
    const requestTimeout = yield* millis("requestTimeout", total / 5)
    // A beat that fails by its timeout leaves room for two further whole tries before the early edge, each of them
    // behind a liveness check.
    const spacing = Math.max(requestTimeout, pace)
    const tries = interval + furtherTries({ pace, requestTimeout, livenessTimeout: 0 })
    const releaseTimeout = yield* millis("releaseTimeout", total)
    const settings: Settings = {
      countdown,
      shortest: range.min,
      pace,
      interval,
      requestTimeout,
      armTimeout: yield* millis("armTimeout", total),
      releaseTimeout,
      settle: yield* millis(
        "settle",
        Math.max(0, Math.min(requestTimeout, releaseTimeout - 3 * requestTimeout - pace))
      ),
      release: options.release ?? Release.disarm,
      abandon: options.abandon ?? "Disarm",
      predecessor: options.predecessor,
      onUncertain: options.onUncertain ?? "lose",
      evidence: options.evidence,
      liveness: options.liveness,
      livenessTimeout:
        options.liveness === undefined
          ? 0
          : yield* millis("livenessTimeout", Math.min(500, Math.max(150, Math.floor((total - tries) / 3)))),
      guardGrace: yield* millis("guardGrace", total),
      onTransition: options.onTransition,
      onAcknowledged: options.onAcknowledged,
      triggerLatency: yield* millis("triggerLatency", 1_000),
      stampTolerance: yield* millis("stampTolerance", 1_000),
      cancelLatency: yield* millis("cancelLatency", 5_000),
      placingLatency: yield* millis("placingLatency", 1_000),
      maxStaleness: yield* millis("maxStaleness", 0)
    }
    for (const [name, words] of Object.entries(choices)) {
      const given = options[name as keyof typeof choices]
      yield* demand(given === undefined || (words as ReadonlyArray<string>).includes(given), {
        inequality: `${name} is ${words.map((word) => `"${word}"`).join(" or ")}`,
        numbers: `${name} is ${JSON.stringify(given)}`,
        advice: "Give one of these words, or leave the option out."
      })
    }
    yield* demand(interval >= pace, {
      inequality: `interval >= ${seconds(pace)}`,
      numbers: `interval is ${seconds(interval)}`,
      advice: `The exchange takes one write of an account per ${seconds(pace)}.`
    })
    for (const name of ["requestTimeout", "armTimeout", "releaseTimeout", "livenessTimeout"] as const) {
      yield* demand(settings[name] > 0 || (name === "livenessTimeout" && settings.liveness === undefined), {
        inequality: `${name} > 0`,
        numbers: `${name} is ${seconds(settings[name])}`,
        advice: "Without time nothing can be acknowledged or checked."
      })
    }
    const needed = tries + 3 * settings.livenessTimeout
    yield* demand(needed <= total, {
      inequality:
        `interval + 3 * livenessTimeout + 2 * max(requestTimeout, ${seconds(pace)}) + requestTimeout <= countdown ` +
        "(two further tries fit between a failed beat and the earliest fire)",
      numbers:
        `${seconds(interval)} + 3 * ${seconds(settings.livenessTimeout)} + 2 * ${seconds(spacing)} + ` +
        `${seconds(requestTimeout)} = ${seconds(needed)} > ${seconds(total)}`,
      advice: "Lengthen the countdown, or shorten the interval, the request timeout or the liveness timeout."
    })
    yield* demand(requestTimeout <= settings.releaseTimeout, {
      inequality: "requestTimeout <= releaseTimeout",
      numbers: `${seconds(requestTimeout)} > ${seconds(settings.releaseTimeout)}`,
      advice: "Closing the scope needs time for at least one request."
    })
    const { evidence, predecessor } = settings
    yield* demand(evidence === undefined || settings.onUncertain === "verify", {
      inequality: 'evidence needs onUncertain: "verify"',
      numbers: `onUncertain is "${settings.onUncertain}"`,
      advice: "A heartbeat that is lost at the first doubt asks for no proof. Use the gap of SwitchLost there."
    })
    yield* demand(evidence === undefined || account === undefined || evidence.account === account, {
      inequality: "evidence lists the orders of the heartbeat's account",
      numbers: `evidence is of account ${evidence?.account}, the heartbeat of ${account}`,
      advice: "Make both from the same client."
    })
    yield* demand(
      predecessor === undefined ||
        (isPositive(predecessor?.acceptedAt) &&
          isPositive(predecessor.completedAt) &&
          isPositive(predecessor.shortestCountdown) &&
          predecessor.acceptedAt <= predecessor.completedAt),
      {
        inequality: "0 < predecessor.acceptedAt <= predecessor.completedAt and 0 < predecessor.shortestCountdown",
        numbers: `predecessor is ${JSON.stringify(predecessor)}`,
        advice: "Give the last record of onAcknowledged unchanged, or leave the option out."
      }
    )
    const second = Math.max(settings.settle, pace)
    const closing = requestTimeout + pace + requestTimeout + second + requestTimeout
    yield* demand(settings.release === Release.letExpire || closing <= settings.releaseTimeout, {
      inequality:
        `3 * requestTimeout + ${seconds(pace)} + max(settle, ${seconds(pace)}) <= releaseTimeout ` +
        '(a beat in flight, a "0", and a second "0" after settle fit into the release)',
      numbers:
        `3 * ${seconds(requestTimeout)} + ${seconds(pace)} + ${seconds(second)} = ` +
        `${seconds(closing)} > ${seconds(settings.releaseTimeout)}`,
      advice: "Lengthen the release timeout, or shorten settle or the request timeout."
    })
    return settings
  })

/**
 * The time for two further whole tries after a beat that fails, each of the three behind a liveness check, in ms.
 *
 * @since 0.2.0
 * @category knowledge
 */
export const furtherTries = ({
  livenessTimeout,
  pace,
  requestTimeout
}: Pick<Settings, "livenessTimeout" | "pace" | "requestTimeout">): number =>
  2 * Math.max(requestTimeout, pace) + requestTimeout + 3 * livenessTimeout

/** Checks a field of a record that may come from a file. */
const isPositive = (u: unknown): boolean => Number.isFinite(u) && (u as number) > 0

/** Words that untyped code or a configuration may get wrong. */
const choices = { abandon: ["Disarm", "LetExpire"], onUncertain: ["lose", "verify"] } as const

const demand = (
  holds: boolean,
  otherwise: { readonly inequality: string; readonly numbers: string; readonly advice: string }
): Either.Either<void, InvalidOptions> => (holds ? Either.void : Either.left(new InvalidOptions(otherwise)))
