/**
 * The countdown of a Bitget account, by `POST /api/v3/trade/countdown-cancel-all` (page "CountDown Cancel All" of the
 * exchange's UTA API).
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as BaseUrl from "./BaseUrl.js"
import * as BitgetClient from "./BitgetClient.js"
import * as Countdown from "./Countdown.js"
import { CountdownCancelAll } from "./CountdownCancelAll.js"
import type { Acknowledgement, Setting } from "./CountdownCancelAll.js"
import * as Credentials from "./Credentials.js"
import * as Offset from "./internal/client/offset.js"
import type * as ServerClock from "./ServerClock.js"
import * as VenueError from "./VenueError.js"

/**
 * The time after its timestamp during which the exchange accepts a signed request, ms (page "Signature" of the
 * exchange's API introduction).
 */
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
              // Code and status state the success; the data adds nothing.
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
      // While the clock is unknown, a call asks for it first, within a bound of its own. The exchange counts by its own
      // clock, which may be slower.
      Duration.millis((timestampMillis + (uncertainty ?? 2 * Duration.toMillis(timeout))) * (1 + Offset.drift))
    )
  })
)

/**
 * The countdown of one account among many, with its own client, over a clock and an `HttpClient` that all share.
 *
 * Does the same as `layer`, `BitgetClient.layerSharedClock` and `Credentials.layer` together. It needs a fraction of
 * their memory, because layers hold many times the memory of the services while their scope is open.
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
