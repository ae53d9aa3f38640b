/**
 * An estimate of the exchange's clock, from its answers.
 *
 * The exchange refuses a signed request whose timestamp is more than 30 s from its clock. The host's wall clock may be
 * wrong by more, so the estimate does not use it: it is the exchange's last known time, plus the time that has passed
 * since then on the monotonic clock. A bot signs correctly on a host that is an hour off, or whose clock is set while
 * it runs.
 *
 * Every answer is a sample. Its stamps give the time, and its round trip bounds the error. The clock keeps the surest
 * recent sample. A sample that contradicts it replaces nothing, because one machine of the exchange may have a wrong
 * clock. It makes this clock ask the exchange for its time.
 *
 * @since 0.1.0
 */
import * as Headers from "@effect/platform/Headers"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as BaseUrl from "./BaseUrl.js"
import * as VenueError from "./VenueError.js"
import { bounded } from "./internal/bounded.js"
import { reading } from "./internal/clock.js"
import * as Envelope from "./internal/client/envelope.js"
import { common } from "./internal/client/headers.js"
import * as Offset from "./internal/client/offset.js"
import * as Transport from "./internal/client/transport.js"

/**
 * The stamps of one answered call. The first two are readings of the host's monotonic clock in ms
 * (`Clock.currentTimeNanos` divided by a million). The others are the exchange's, in ms since the epoch.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sample {
  readonly sentAt: number
  readonly receivedAt: number
  readonly acceptedAt: number | undefined
  readonly completedAt: number | undefined
  readonly requestTime: number | undefined
}

/**
 * The exchange's clock. One is enough for all accounts at the same exchange.
 *
 * @since 0.1.0
 * @category tags
 */
export class ServerClock extends Context.Tag("@effect-deadman/core/ServerClock")<
  ServerClock,
  {
    /** The exchange's time in ms since the epoch. Asks the exchange when nothing is known of its clock yet. */
    readonly now: Effect.Effect<number, VenueError.VenueError>
    /** The lead of the exchange's clock over the host's wall clock in ms, `undefined` while unknown. */
    readonly offset: Effect.Effect<number | undefined>
    /**
     * The largest distance of `now` from the exchange's clock in ms, `undefined` while unknown: half a round trip, plus
     * 200 millionths of the time since that trip began.
     */
    readonly uncertainty: Effect.Effect<number | undefined>
    /**
     * Asks the exchange now. An answer that contradicts the estimate replaces it. Concurrent callers share one request.
     */
    readonly sync: Effect.Effect<void, VenueError.VenueError>
    /** As `sync`, unless the exchange has been asked since the given reading of the monotonic clock (ms). */
    readonly syncSince: (mono: number) => Effect.Effect<void, VenueError.VenueError>
    /**
     * Learns from the stamps of an answer. Stamps that contradict the estimate do not change it. They start a sync in
     * the background, at most one per second.
     */
    readonly observe: (sample: Sample) => Effect.Effect<void>
  }
>() {}

/**
 * Options of a server clock.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The address of the exchange: {@link BaseUrl.venue}, a proxy, or a simulator. It has no default, so that a test that
   * leaves it out never reaches the exchange.
   */
  readonly baseUrl: string
  /** Allows plain HTTP to hosts other than the loopback host, by default `false`. */
  readonly allowInsecureHttp?: boolean | undefined
  /** The time bound of one request for the time, by default 5 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Headers for every request, for example for a proxy. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * Options that `FetchHttpClient` passes to `fetch`. They replace the `RequestInit` that was provided to the client's
   * layer. Redirects are never followed.
   */
  readonly fetchOptions?: RequestInit | undefined
}

/** The shortest time between two syncs that contradicting answers start, ms. */
const doubtMillis = 1_000

/**
 * The estimate from an answer to the request for the time: by `data.serverTime`, else by the stamps. Zero counts only
 * when nothing else is there, because under a test's clock it is the time.
 */
const learnt = (envelope: Envelope.Envelope): Offset.Estimate | undefined => {
  const { data, receivedAt, sentAt } = envelope
  const serverTime = Envelope.instant((data as { readonly serverTime?: unknown } | null | undefined)?.serverTime)
  const from = (requestTime: number | undefined) =>
    Offset.estimate({ sentAt, receivedAt, acceptedAt: undefined, completedAt: undefined, requestTime })
  return from(serverTime || undefined) ?? Offset.estimate(envelope) ?? from(serverTime)
}

/**
 * Makes a clock that knows nothing yet. Its first use asks the exchange (`GET /api/v2/public/time`). Requests in the
 * background end with the scope.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<ServerClock["Type"], BaseUrl.InvalidBaseUrl, HttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const base = yield* BaseUrl.make(options.baseUrl, options)
    const timeout = Duration.decode(options.timeout ?? "5 seconds")
    const send = yield* Transport.make({ maxBodyBytes: 65_536, fetchOptions: options.fetchOptions })
    const request = HttpClientRequest.get(`${base.origin}${base.prefix}/api/v2/public/time`, {
      headers: { ...common, ...Headers.fromInput(options.headers) }
    })

    let current: Offset.Estimate | undefined
    let askedAt = -Infinity
    let doubtedAt = -Infinity
    let asking:
      { readonly fiber: Fiber.RuntimeFiber<Offset.Estimate, VenueError.VenueError>; waiting: number } | undefined

    const ask = Effect.fnUntraced(function* (call: Transport.Call) {
      const envelope = yield* send(request, call, identity)
      if (envelope.code !== Envelope.success) return yield* Envelope.refusal(envelope)
      const estimate = learnt(envelope)
      if (estimate === undefined) {
        return yield* Envelope.unreadable("unexpectedData", {
          httpStatus: envelope.httpStatus,
          venueMessage: envelope.venueMessage,
          detail: "the answer to the request for the time has neither data.serverTime nor requestTime"
        })
      }
      current = current !== undefined && Offset.agree(current, estimate) ? Offset.surer(current, estimate) : estimate
      askedAt = envelope.sentAt
      return estimate
    })

    // The request runs in its own fiber, so that its callers do not depend on the first of them. It ends with the last.
    const learn = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        if (asking === undefined) {
          const call = Transport.newCall()
          const late = () => Transport.timedOut(call, Duration.toMillis(timeout))
          asking = {
            fiber: yield* Effect.forkDaemon(Effect.interruptible(bounded(ask(call), timeout, late))),
            waiting: 0
          }
        }
        const mine = asking
        mine.waiting += 1
        mine.fiber.addObserver(() => {
          if (asking === mine) asking = undefined
        })
        return yield* Effect.ensuring(
          restore(Effect.flatten(Fiber.await(mine.fiber))),
          Effect.sync(() => {
            mine.waiting -= 1
            if (mine.waiting > 0) return
            if (asking === mine) asking = undefined
            mine.fiber.unsafeInterruptAsFork(mine.fiber.id())
          })
        )
      })
    )

    const syncSince = (mono: number) => Effect.suspend(() => (askedAt > mono ? Effect.void : Effect.asVoid(learn)))

    return ServerClock.of({
      now: Effect.suspend(() =>
        Effect.flatMap(current === undefined ? learn : Effect.succeed(current), ({ ahead }) =>
          Effect.map(reading, ({ mono }) => mono + ahead)
        )
      ),
      offset: Effect.map(reading, ({ mono, wall }) =>
        current === undefined ? undefined : mono + current.ahead - wall
      ),
      uncertainty: Effect.map(reading, ({ mono }) =>
        current === undefined ? undefined : Offset.uncertainty(current, mono)
      ),
      sync: Effect.asVoid(learn),
      syncSince,
      observe: (sample) =>
        Effect.suspend(() => {
          const next = Offset.estimate(sample)
          if (next === undefined) return Effect.void
          if (current !== undefined && !Offset.agree(current, next)) {
            if (next.at - doubtedAt < doubtMillis) return Effect.void
            doubtedAt = next.at
            return Effect.asVoid(Effect.forkIn(Effect.interruptible(Effect.ignore(syncSince(next.at))), scope))
          }
          current = current === undefined ? next : Offset.surer(current, next)
          return Effect.void
        })
    })
  })

/**
 * The clock for all clients of one exchange.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<ServerClock, BaseUrl.InvalidBaseUrl, HttpClient.HttpClient> =>
  Layer.scoped(ServerClock, make(options))
