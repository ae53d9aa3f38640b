/** The calls of a measurement over core's signed client, each with its readings and stamps. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as VenueError from "@effect-deadman/core/VenueError"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Call, Category, Closed, Order, Outcome } from "./model.js"

/** The host's monotonic clock, in ms. */
export const monotonic: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.sync(() => Number(clock.unsafeCurrentTimeNanos() / 1_000n) / 1_000)
)

const time = Schema.optional(Schema.NullOr(Schema.Union(Schema.String, Schema.Number)))

const instant = (value: string | number | null | undefined): number | undefined => {
  const number = typeof value === "string" && value !== "" ? Number(value) : value
  return typeof number === "number" && Number.isFinite(number) && number > 0 ? number : undefined
}

const ListedOrder = Schema.Struct({ orderId: Schema.String, clientOid: Schema.optional(Schema.NullOr(Schema.String)) })
const List = Schema.Struct({ list: Schema.NullOr(Schema.Array(ListedOrder)) })
const OrderInfo = Schema.Struct({
  orderId: Schema.String,
  orderStatus: Schema.String,
  cancelReason: Schema.optional(Schema.NullOr(Schema.String)),
  createdTime: time,
  updatedTime: time
})

const closedOf = (info: typeof OrderInfo.Type): Closed => ({
  orderId: info.orderId,
  status: info.orderStatus,
  cancelReason: info.cancelReason ?? "",
  createdTime: instant(info.createdTime),
  updatedTime: instant(info.updatedTime)
})

/** An order in a list. */
export type Listed = typeof ListedOrder.Type

/** The exchange does not know the order. */
export const unknownOrder = "25204"

/** How often a call that only reads is sent, when its answer was lost. */
const reading = Schedule.intersect(Schedule.recurs(3), Schedule.spaced("500 millis"))

const accepted: Outcome = { _tag: "Accepted" }

const outcomeOf = (error: VenueError.VenueError): Outcome => {
  const { code, httpStatus, message } = error
  if (error._tag === "RateLimited") return { _tag: "Limited", code: code ?? "429", httpStatus }
  // A code that core's table does not have is a refusal all the same.
  const isRefused = error.applied === "no" || error._tag === "UnrecognizedCode"
  return isRefused && code !== undefined ? { _tag: "Refused", code, httpStatus } : { _tag: "Unknown", message }
}

export const make = Effect.map(BitgetClient.BitgetClient, (client) => {
  const timed = <A, I>(
    request: BitgetClient.Request<A, I>
  ): Effect.Effect<readonly [A, Call], readonly [VenueError.VenueError, Call]> =>
    Effect.gen(function* () {
      const sentAt = yield* monotonic
      const result = yield* Effect.either(client.execute(request))
      const receivedAt = yield* monotonic
      if (result._tag === "Left") {
        const stamps = { acceptedAt: undefined, completedAt: undefined, requestTime: result.left.requestTime }
        return yield* Effect.fail([result.left, { sentAt, receivedAt, ...stamps }] as const)
      }
      const { acceptedAt, completedAt, data, requestTime } = result.right
      return [data, { sentAt, receivedAt, acceptedAt, completedAt, requestTime }] as const
    })

  const read = <A, I>(path: `/${string}`, query: Readonly<Record<string, string>>, response: Schema.Schema<A, I>) =>
    timed({ method: "GET", path, query, response }).pipe(
      Effect.retry({ schedule: reading, while: ([error]) => error.retryable }),
      Effect.mapError(([error]) => error)
    )

  return {
    client,
    /** Fails when key, signature, address or account are refused. */
    settings: read("/api/v3/account/settings", {}, Schema.Unknown),
    /** The first hundred open orders. */
    open: (category: Category): Effect.Effect<readonly [ReadonlyArray<Listed>, Call], VenueError.VenueError> =>
      timed({
        method: "GET",
        path: "/api/v3/trade/unfilled-orders",
        query: { category, limit: "100" },
        response: List
      }).pipe(
        Effect.map(([{ list }, call]) => [list ?? [], call] as const),
        Effect.mapError(([error]) => error)
      ),
    place: (order: Order, clientOid: string) =>
      timed({
        method: "POST",
        path: "/api/v3/trade/place-order",
        body: { ...order, side: "buy", orderType: "limit", clientOid },
        response: Schema.Struct({ orderId: Schema.String })
      }),
    cancel: (name: { readonly orderId: string } | { readonly clientOid: string }) =>
      timed({
        method: "POST",
        path: "/api/v3/trade/cancel-order",
        body: { ...name },
        response: Schema.Unknown
      }),
    /** The order as it is now, or in the history where it is not found any more. */
    info: (orderId: string, category: Category): Effect.Effect<Closed | undefined, VenueError.VenueError> =>
      Effect.catchIf(
        Effect.map(read("/api/v3/trade/order-info", { orderId }, OrderInfo), ([info]) => closedOf(info)),
        (error) => error.code === unknownOrder,
        () =>
          Effect.map(
            read(
              "/api/v3/trade/history-orders",
              { category, limit: "100" },
              Schema.Struct({ list: Schema.NullOr(Schema.Array(OrderInfo)) })
            ),
            ([{ list }]) => {
              const info = list?.find((one) => one.orderId === orderId)
              return info === undefined ? undefined : closedOf(info)
            }
          )
      ),
    /** Writes the countdown, whatever it is. Refusals are outcomes. Only what nothing can follow fails. */
    write: Effect.fnUntraced(function* (countdown: string) {
      const result = yield* Effect.either(
        timed({
          method: "POST",
          path: "/api/v3/trade/countdown-cancel-all",
          body: { countdown },
          response: Schema.Unknown
        })
      )
      if (result._tag === "Right") return { outcome: accepted, call: result.right[1] }
      const [error, call] = result.left
      if (isFatal(error)) return yield* Effect.fail(error)
      return { outcome: outcomeOf(error), call }
    })
  }
})

export type Exchange = Effect.Effect.Success<typeof make>

/** Nothing that follows can succeed. */
export const isFatal = ({ _tag }: VenueError.VenueError): boolean =>
  [
    "CredentialsRefused",
    "IpRefused",
    "RegionRefused",
    "PermissionRefused",
    "NotUnifiedAccount",
    "AccountBlocked"
  ].includes(_tag)
