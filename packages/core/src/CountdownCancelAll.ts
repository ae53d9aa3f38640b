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
import * as Schema from "effect/Schema"
import type * as BaseUrl from "./BaseUrl.js"
import * as BitgetClient from "./BitgetClient.js"
import * as Countdown from "./Countdown.js"
import * as Credentials from "./Credentials.js"
import type * as ServerClock from "./ServerClock.js"
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

/** How long after its timestamp the venue takes a signed request (page "Signature" of the venue's API introduction). */
const timestampMillis = 30_000

/**
 * The countdown by `POST /api/v3/trade/countdown-cancel-all`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<CountdownCancelAll["Type"], never, BitgetClient.BitgetClient> =
  /* @__PURE__ */ Effect.map(BitgetClient.BitgetClient, ({ account, clock, execute, timeout }) =>
    CountdownCancelAll.of({
      account,
      set: (setting) =>
        Effect.map(
          execute({
            method: "POST",
            path: "/api/v3/trade/countdown-cancel-all",
            body: { countdown: Countdown.toWire(setting) },
            // Code and status have said that it worked; what the data reads is no reason to doubt it.
            response: Schema.Unknown
          }),
          ({ acceptedAt, completedAt, requestTime }) => ({ acceptedAt, completedAt, requestTime })
        ),
      horizon: Effect.map(clock.uncertainty, (uncertainty) =>
        // While the clock is not known, a call first asks for it: within its bound, by a round trip no longer than that.
        Duration.millis(timestampMillis + (uncertainty ?? 2 * Duration.toMillis(timeout)))
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
  options?: BitgetClient.Options
): Effect.Effect<
  CountdownCancelAll["Type"],
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
