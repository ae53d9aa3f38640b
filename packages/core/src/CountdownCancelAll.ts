/**
 * The port to the exchange: sets one account's countdown, or turns it off. It depends on no particular exchange.
 * `BitgetCountdown` implements it for Bitget; a test, or the client of another exchange, provides its own.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Countdown from "./Countdown.js"

/**
 * The exchange's acknowledgement, with readings of its clock around the moment at which it acted, in ms since the
 * epoch. They compare only with each other.
 *
 * @since 0.1.0
 * @category models
 */
export interface Acknowledgement {
  /** When the exchange accepted the request (header `X-BG-REQUEST-ACCEPT-TIME`). */
  readonly acceptedAt: number | undefined
  /** When it completed its answer (header `X-BG-RESPONSE-COMPLETE-TIME`). */
  readonly completedAt: number | undefined
  /** The `requestTime` of the answer's body. */
  readonly requestTime: number | undefined
}

/**
 * A failed call. Any error with these fields fits, so that the client of another exchange can have its own errors.
 * Every class of `VenueError` fits. A heartbeat passes those on unchanged and wraps any other in `CountdownFailed`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CountdownError {
  /** The kind of failure: a label in the metrics. */
  readonly _tag: string
  /** The event, and the advice. */
  readonly message: string
  /** `"no"` only where the earlier countdown certainly runs on unchanged. */
  readonly applied: "no" | "unknown"
  /** Whether sending the same call again can help. */
  readonly retryable: boolean
  /** The exchange's own code. The same code again counts as the same refusal. */
  readonly code?: string | undefined
  /** The HTTP status, absent when no answer came. The pace counts from the answer, or from the send when none came. */
  readonly httpStatus?: number | undefined
  /**
   * The number of times in a row after which this refusal is final, for refusals that exchanges are known to withdraw.
   * When absent, `retryable` decides.
   */
  readonly finalAfter?: number | undefined
}

/**
 * Whether a value is such an error.
 *
 * @since 0.1.0
 * @category refinements
 */
export const isCountdownError = (u: unknown): u is CountdownError =>
  Predicate.hasProperty(u, "_tag") &&
  Predicate.isString(u._tag) &&
  Predicate.hasProperty(u, "message") &&
  Predicate.hasProperty(u, "applied") &&
  (u.applied === "no" || u.applied === "unknown") &&
  Predicate.hasProperty(u, "retryable") &&
  Predicate.isBoolean(u.retryable)

/**
 * The countdowns that an exchange accepts, in whole seconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Range {
  readonly min: number
  readonly max: number
}

/**
 * A countdown in whole seconds within the range of the port, or off.
 *
 * @since 0.1.0
 * @category models
 */
export type Setting = number | Countdown.Off

/**
 * The countdown of one account. The heartbeat knows nothing else about an exchange.
 *
 * @since 0.1.0
 * @category tags
 */
export class CountdownCancelAll extends Context.Tag("@effect-deadman/core/CountdownCancelAll")<
  CountdownCancelAll,
  {
    /** The account's label for logs, metrics and the registry of accounts in use. Never the key. */
    readonly account: string

    /** The address of the exchange, for the log. */
    readonly endpoint?: string | undefined

    /**
     * Restarts the countdown with the given length, or turns it off: one request, no retry. The caller keeps the
     * exchange's limit of one call per second.
     */
    readonly set: (setting: Setting) => Effect.Effect<Acknowledgement, CountdownError>

    /**
     * The time during which the exchange can still accept a request that is sent now, however long it is delayed.
     * Bitget: the timestamp of the signature is valid for 30 s, plus the uncertainty about the exchange's clock.
     */
    readonly horizon: Effect.Effect<Duration.Duration>

    /** The countdowns that `set` accepts. Bitget: 5 to 60 seconds. */
    readonly range: Range

    /** The shortest time between two writes of the account. Bitget: 1 second. */
    readonly pace: Duration.Duration
  }
>() {}
