/**
 * The port to the exchange: set one account's countdown, or switch it off. It knows no exchange. `BitgetCountdown` is
 * Bitget's; a test, or another exchange, provides its own.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Countdown from "./Countdown.js"

/**
 * The venue's acknowledgement, with its own readings of its clock around the moment at which it acted, all in
 * milliseconds since the epoch. They are on the venue's clock and compare only with each other.
 *
 * @since 0.1.0
 * @category models
 */
export interface Acknowledgement {
  /** When the venue took the request in (header `X-BG-REQUEST-ACCEPT-TIME`). */
  readonly acceptedAt: number | undefined
  /** When it had its answer ready (header `X-BG-RESPONSE-COMPLETE-TIME`). */
  readonly completedAt: number | undefined
  /** The `requestTime` of the answer's body. */
  readonly requestTime: number | undefined
}

/**
 * A failed call, whatever the exchange: any error with these fields will do, so that the client of another exchange
 * brings errors of its own. Every class of `VenueError` is one. A heartbeat passes those on as they are, and wraps any
 * other in `CountdownFailed`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CountdownError {
  /** The kind of failure: a label in the metrics. */
  readonly _tag: string
  /** What happened and what to do. */
  readonly message: string
  /** `"no"` only where the earlier countdown surely runs on untouched. */
  readonly applied: "no" | "unknown"
  /** Whether sending the same call again can help. */
  readonly retryable: boolean
  /** The exchange's own code: the same code again is the same refusal again. */
  readonly code?: string | undefined
  /** The HTTP status, absent when no answer came. After an answer the pace counts from it, without one from the sending. */
  readonly httpStatus?: number | undefined
  /**
   * A refusal that exchanges are known to take back: it is final only when it came so many times in a row. Absent: as
   * `retryable` says.
   */
  readonly finalAfter?: number | undefined
}

/**
 * Whether something thrown or failed with is such an error.
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
 * The countdown of one account: everything that the heartbeat knows of an exchange.
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
     * Restarts the countdown with the given length, or switches it off: one request, no retry. It does not keep to
     * the venue's limit of one call a second by itself.
     */
    readonly set: (setting: Setting) => Effect.Effect<Acknowledgement, CountdownError>

    /**
     * For how long from now a request that is sent now can still be accepted by the venue, whatever delays it: the
     * timestamp that it is signed with is good for 30 s, and the venue's clock is known only so well.
     */
    readonly horizon: Effect.Effect<Duration.Duration>

    /** The countdowns that `set` takes. Bitget: 5 to 60 seconds. */
    readonly range: Range

    /** The shortest time between two writes of the account. Bitget: 1 second. */
    readonly pace: Duration.Duration
  }
>() {}
