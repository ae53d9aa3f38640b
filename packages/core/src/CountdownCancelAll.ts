/**
 * The one call that everything else is built on: set the account's countdown, or switch it off.
 *
 * {@link CountdownCancelAll} is a tag, so that a test or another venue can provide it; {@link layer} is the venue's own
 * (page "CountDown Cancel All" of the UTA API).
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as BaseUrl from "./BaseUrl.js"
import * as BitgetClient from "./BitgetClient.js"
import * as Countdown from "./Countdown.js"
import * as Credentials from "./Credentials.js"
import type * as ServerClock from "./ServerClock.js"
import * as VenueError from "./VenueError.js"
import * as Offset from "./internal/client/offset.js"

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

/** How long after its timestamp the venue takes a signed request (page "Signature" of the venue's API introduction). */
const timestampMillis = 30_000

/**
 * The port as Bitget implements it: its failures are the classes of `VenueError`.
 *
 * @since 0.1.0
 * @category models
 */
export type BitgetCountdown = Omit<CountdownCancelAll["Type"], "set"> & {
  readonly set: (setting: Setting) => Effect.Effect<Acknowledgement, VenueError.VenueError>
}

/**
 * The countdown by `POST /api/v3/trade/countdown-cancel-all`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<BitgetCountdown, never, BitgetClient.BitgetClient> = /* @__PURE__ */ Effect.map(
  BitgetClient.BitgetClient,
  ({ account, baseUrl, clock, execute, timeout }) => ({
    account,
    endpoint: baseUrl,
    range: Countdown.range,
    pace: Duration.seconds(1),
    set: (setting) =>
      Countdown.isSetting(setting)
        ? Effect.map(
            execute({
              method: "POST",
              path: "/api/v3/trade/countdown-cancel-all",
              body: { countdown: Countdown.toWire(setting) },
              // Code and status have said that it worked; what the data reads is no reason to doubt it.
              response: Schema.Unknown
            }),
            ({ acceptedAt, completedAt, requestTime }) => ({ acceptedAt, completedAt, requestTime })
          )
        : Effect.fail(
            new VenueError.RequestRefused({
              venueMessage: new Countdown.InvalidCountdown({ input: `${setting} s` }).message,
              applied: "no",
              retryable: false
            })
          ),
    horizon: Effect.map(clock.uncertainty, (uncertainty) =>
      // While the clock is not known, a call first asks for it: within its bound, by a round trip no longer than that.
      // The venue counts by its own clock, which may be slower.
      Duration.millis((timestampMillis + (uncertainty ?? 2 * Duration.toMillis(timeout))) * (1 + Offset.drift))
    )
  })
)

/**
 * The countdown of one account among many, with a client of its own and a clock and an `HttpClient` that all share.
 *
 * It does what `layer`, `BitgetClient.layerSharedClock` and `Credentials.layer` do together, without the memory that
 * layers hold for as long as their scope is open, many times that of what they make here.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeAccount = (
  credentials: Credentials.Options,
  options: BitgetClient.Options
): Effect.Effect<
  BitgetCountdown,
  Credentials.InvalidCredentials | BaseUrl.InvalidBaseUrl,
  ServerClock.ServerClock | HttpClient.HttpClient
> =>
  make.pipe(
    Effect.provideServiceEffect(BitgetClient.BitgetClient, BitgetClient.make(options)),
    Effect.provideServiceEffect(Credentials.Credentials, Credentials.make(credentials))
  )

/**
 * The countdown by {@link BitgetClient.BitgetClient}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<CountdownCancelAll, never, BitgetClient.BitgetClient> = /* @__PURE__ */ Layer.effect(
  CountdownCancelAll,
  make
)
