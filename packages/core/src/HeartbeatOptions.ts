/**
 * The options of a heartbeat, their defaults, and the proof that they fit together.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Countdown from "./Countdown.js"
import type * as HeartbeatStatus from "./HeartbeatStatus.js"
import * as Release from "./Release.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long after the last beat the venue cancels everything: whole seconds, 5 to 60. Defaults to 10 seconds. */
  readonly countdown?: Duration.DurationInput | undefined
  /** From the sending of one beat to the next, at least 1 second. Defaults to three tenths of the countdown. */
  readonly interval?: Duration.DurationInput | undefined
  /** How long one request may take before it counts as unanswered. Defaults to a fifth of the countdown. */
  readonly requestTimeout?: Duration.DurationInput | undefined
  /** How long the acquisition tries to arm the switch. Defaults to the countdown. */
  readonly armTimeout?: Duration.DurationInput | undefined
  /** The bound on closing the scope. Defaults to the countdown. */
  readonly releaseTimeout?: Duration.DurationInput | undefined
  /**
   * How long after an acknowledged `0` a second one is sent, when a beat that was never answered might land after the
   * first. Defaults to the request timeout. From 31 seconds on (with a `releaseTimeout` that leaves room for it)
   * closing the scope waits until the stray can no longer be accepted, and can then prove that the switch is off.
   */
  readonly settle?: Duration.DurationInput | undefined
  /** What the last write is, by the `Exit` of the scope. Defaults to `Disarm`, always. */
  readonly release?: Release.Policy | undefined
  /**
   * What happens once the switch may have fired. `"stop"` ends the heartbeat: it never re-arms over a book that may be
   * empty. `"ask"` keeps beating and lets the venue's stamps decide; what they cannot decide stays `MayHaveFired`
   * until `reconciled` of the heartbeat is run. Defaults to `"stop"`.
   */
  readonly whenInDoubt?: "stop" | "ask" | undefined
  /** A beat is withheld while this fails. See the module `Liveness`. Defaults to none. */
  readonly liveness?: Effect.Effect<unknown, unknown> | undefined
  /** How long `liveness` may take before it counts as failed. Defaults to a twentieth of the countdown. */
  readonly livenessTimeout?: Duration.DurationInput | undefined
  /**
   * Run for each change of state, in order and beside the heartbeat, which never waits for it while it beats. Its
   * failures are logged.
   */
  readonly onTransition?: ((transition: HeartbeatStatus.Transition) => Effect.Effect<unknown, unknown>) | undefined
  /**
   * How long after its deadline the venue may take to cancel: it widens the late edge. Defaults to 1 second. The venue
   * documents none; siblings check every 10 ms to every second.
   */
  readonly triggerLatency?: Duration.DurationInput | undefined
  /**
   * Set this where something between bot and venue may deliver an *answered* request once more, later. The late edge
   * and the proof of a disarm then wait for the horizon of every write. Defaults to false: TCP and TLS do not replay.
   */
  readonly assumeReplays?: boolean | undefined
}

/**
 * The options decoded: durations in ms, every default filled in, the inequalities proven.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  readonly countdown: Countdown.Countdown
  readonly interval: number
  readonly requestTimeout: number
  readonly armTimeout: number
  readonly releaseTimeout: number
  readonly settle: number
  readonly release: Release.Policy
  readonly whenInDoubt: "stop" | "ask"
  readonly liveness: Effect.Effect<unknown, unknown> | undefined
  readonly livenessTimeout: number
  readonly onTransition: ((transition: HeartbeatStatus.Transition) => Effect.Effect<unknown, unknown>) | undefined
  readonly triggerLatency: number
  readonly assumeReplays: boolean
}

/**
 * The venue takes one write a second for an account.
 *
 * @since 0.1.0
 * @category constants
 */
export const pace = 1_000

/**
 * Options that do not fit together. `inequality` names what has to hold, `numbers` says what it came to.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidOptions extends Schema.TaggedError<InvalidOptions>("@effect-deadman/core/InvalidOptions")(
  "InvalidOptions",
  { inequality: Schema.String, numbers: Schema.String, advice: Schema.String }
) {
  override get message(): string {
    return `These heartbeat options cannot work: ${this.inequality} does not hold (${this.numbers}). ${this.advice}`
  }
}

const seconds = (millis: number): string => `${millis / 1_000} s`

/**
 * Fills in the defaults and proves what must hold.
 *
 * @since 0.1.0
 * @category constructors
 */
export const resolve = (options: Options = {}): Either.Either<Settings, InvalidOptions> =>
  Either.gen(function* () {
    const countdown = yield* Either.mapLeft(
      Countdown.fromDuration(options.countdown ?? "10 seconds"),
      (error) =>
        new InvalidOptions({
          inequality: `${Countdown.minSeconds} s <= countdown <= ${Countdown.maxSeconds} s, in whole seconds`,
          numbers: `countdown is ${error.input}`,
          advice: "The venue takes nothing else; it recommends 10 seconds."
        })
    )
    const total = Countdown.toMillis(countdown)
    const millis = (name: keyof Options, byDefault: number): Either.Either<number, InvalidOptions> => {
      const input = options[name]
      if (input === undefined) return Either.right(byDefault)
      const decoded = Either.try(() => Duration.toMillis(Duration.decode(input as Duration.DurationInput)))
      return Either.filterOrLeft(
        Either.mapLeft(decoded, () => NaN),
        (value) => Number.isFinite(value) && value >= 0,
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
    const interval = yield* millis("interval", Math.round(total * 0.3))
    const requestTimeout = yield* millis("requestTimeout", total / 5)
    const settings: Settings = {
      countdown,
      interval,
      requestTimeout,
      armTimeout: yield* millis("armTimeout", total),
      releaseTimeout: yield* millis("releaseTimeout", total),
      settle: yield* millis("settle", requestTimeout),
      release: options.release ?? Release.disarm,
      whenInDoubt: options.whenInDoubt ?? "stop",
      liveness: options.liveness,
      livenessTimeout: options.liveness === undefined ? 0 : yield* millis("livenessTimeout", total / 20),
      onTransition: options.onTransition,
      triggerLatency: yield* millis("triggerLatency", 1_000),
      assumeReplays: options.assumeReplays ?? false
    }
    yield* demand(interval >= pace, {
      inequality: `interval >= ${seconds(pace)}`,
      numbers: `interval is ${seconds(interval)}`,
      advice: "The venue takes one write a second for an account."
    })
    for (const name of ["requestTimeout", "armTimeout", "releaseTimeout"] as const) {
      yield* demand(settings[name] > 0, {
        inequality: `${name} > 0`,
        numbers: `${name} is ${seconds(settings[name])}`,
        advice: "Without time nothing can be acknowledged."
      })
    }
    // A beat that fails by its timeout leaves room for two further whole tries before the early edge.
    const spacing = Math.max(requestTimeout, pace)
    const needed = interval + settings.livenessTimeout + 2 * spacing + requestTimeout
    yield* demand(needed <= total, {
      inequality:
        "interval + livenessTimeout + 2 * max(requestTimeout, 1 s) + requestTimeout <= countdown " +
        "(two further tries fit between a failed beat and the earliest fire)",
      numbers:
        `${seconds(interval)} + ${seconds(settings.livenessTimeout)} + 2 * ${seconds(spacing)} + ` +
        `${seconds(requestTimeout)} = ${seconds(needed)} > ${seconds(total)}`,
      advice: "Lengthen the countdown, or shorten the interval or the request timeout."
    })
    yield* demand(requestTimeout <= settings.releaseTimeout, {
      inequality: "requestTimeout <= releaseTimeout",
      numbers: `${seconds(requestTimeout)} > ${seconds(settings.releaseTimeout)}`,
      advice: "Closing the scope needs time for at least one request."
    })
    return settings
  })

const demand = (
  holds: boolean,
  otherwise: { readonly inequality: string; readonly numbers: string; readonly advice: string }
): Either.Either<void, InvalidOptions> => (holds ? Either.void : Either.left(new InvalidOptions(otherwise)))
