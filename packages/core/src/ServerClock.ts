/**
 * The venue's clock, as well as it can be known from here.
 *
 * A signed request is refused when its timestamp is more than 30 s from the venue's clock, so the host's own wall clock
 * is not used for it at all: venue time is what the venue said last, plus what has passed on the monotonic clock since.
 * A host that is an hour off, or whose clock is set while a bot runs, signs as well as any other.
 *
 * Every answer is a sample: its stamps, and the round trip as the bound of the error. The surest recent one counts. A
 * sample that contradicts it (the venue's clock was set, or one of its machines stamps nonsense) replaces nothing: it
 * only makes the clock ask the venue for its time.
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
 * The stamps of one answered call. The first two are readings of the host's monotonic clock in milliseconds
 * (`Clock.currentTimeNanos` divided by a million), the others the venue's, in milliseconds since the epoch.
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
 * The venue's clock. One is enough for all accounts at the same venue.
 *
 * @since 0.1.0
 * @category tags
 */
export class ServerClock extends Context.Tag("@effect-deadman/core/ServerClock")<
  ServerClock,
  {
    /** Venue time in milliseconds since the epoch; asks the venue when nothing is known of its clock yet. */
    readonly now: Effect.Effect<number, VenueError.VenueError>
    /** By how many milliseconds the venue's clock is ahead of the host's wall clock; `undefined` while not known. */
    readonly offset: Effect.Effect<number | undefined>
    /**
     * How far `now` can be from the venue's clock, in milliseconds: half a round trip, and 200 millionths of the time
     * since that trip began. `undefined` while nothing is known.
     */
    readonly uncertainty: Effect.Effect<number | undefined>
    /**
     * Asks the venue now. The answer replaces what was known before where it contradicts that. Callers at the same time
     * share one request.
     */
    readonly sync: Effect.Effect<void, VenueError.VenueError>
    /** As `sync`, unless the venue has been asked since the given reading of the monotonic clock (ms). */
    readonly syncSince: (mono: number) => Effect.Effect<void, VenueError.VenueError>
    /**
     * Learns from the stamps of an answer. Stamps that contradict what is known start a sync in the background, at most
     * one per second, and change nothing themselves.
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
   * Where the venue is: {@link BaseUrl.venue}, a proxy, or a simulator. It has no default, so that a test never reaches
   * the venue because it left something out.
   */
  readonly baseUrl: string
  /** Allows plain HTTP to a host other than the loopback one, by default `false`. */
  readonly allowInsecureHttp?: boolean | undefined
  /** The bound of one request for the time, by default 5 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
  /** Headers for every request, for a proxy for instance. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * What `FetchHttpClient` hands to `fetch` besides the request. Redirects are never followed. It takes the place of the
   * `RequestInit` that was provided to the client's layer.
   */
  readonly fetchOptions?: RequestInit | undefined
}

/** How often answers that contradict the estimate may make the clock ask the venue, in ms. */
const doubtMillis = 1_000

/**
 * The `data.serverTime` of the answer to the question for the time, or the stamps around it where that is missing. Zero
 * is taken only where nothing else is said: under a test's clock it is the time.
 */
const learnt = (envelope: Envelope.Envelope): Offset.Estimate | undefined => {
  const { data, receivedAt, sentAt } = envelope
  const serverTime = Envelope.instant((data as { readonly serverTime?: unknown } | null | undefined)?.serverTime)
  const from = (requestTime: number | undefined) =>
    Offset.estimate({ sentAt, receivedAt, acceptedAt: undefined, completedAt: undefined, requestTime })
  return from(serverTime || undefined) ?? Offset.estimate(envelope) ?? from(serverTime)
}

/**
 * Makes a clock that knows nothing yet; the first use asks the venue (`GET /api/v2/public/time`). What it asks in the
 * background ends with the scope.
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
          detail: "an answer to the question for the time has neither data.serverTime nor requestTime"
        })
      }
      current = current !== undefined && Offset.agree(current, estimate) ? Offset.surer(current, estimate) : estimate
      askedAt = envelope.sentAt
      return estimate
    })

    // The request runs on a fiber of its own, so that those who share it do not depend on who came first; it ends with
    // the last of them.
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
 * A clock for all clients of one venue.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<ServerClock, BaseUrl.InvalidBaseUrl, HttpClient.HttpClient> =>
  Layer.scoped(ServerClock, make(options))
