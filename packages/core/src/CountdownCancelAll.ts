/**
 * The one call that everything else is built on: set the account's countdown, or switch it off.
 *
 * {@link CountdownCancelAll} is a tag, so that a test or another venue can provide it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Countdown from "./Countdown.js"
import type * as VenueError from "./VenueError.js"

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
 * The countdown of one account.
 *
 * @since 0.1.0
 * @category tags
 */
export class CountdownCancelAll extends Context.Tag("@effect-deadman/core/CountdownCancelAll")<
  CountdownCancelAll,
  {
    /** The account's label for logs, metrics and the registry of accounts in use. Never the key. */
    readonly account: string

    /**
     * Restarts the countdown with the given length, or switches it off: one request, no retry. It does not keep to
     * the venue's limit of one call a second by itself.
     */
    readonly set: (setting: Countdown.Setting) => Effect.Effect<Acknowledgement, VenueError.VenueError>

    /**
     * For how long from now a request that is sent now can still be accepted by the venue, whatever delays it: the
     * timestamp that it is signed with is good for 30 s, and the venue's clock is known only so well.
     */
    readonly horizon: Effect.Effect<Duration.Duration>
  }
>() {}
