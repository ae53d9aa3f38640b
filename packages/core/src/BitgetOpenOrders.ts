/**
 * The open orders of a Bitget account, by `GET /api/v3/trade/unfilled-orders` (page "Get Open Orders" of the exchange's
 * UTA API).
 *
 * @example
 * ```ts
 * import * as BitgetOpenOrders from "@effect-deadman/core/BitgetOpenOrders"
 * import * as Heartbeat from "@effect-deadman/core/Heartbeat"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const evidence = yield* BitgetOpenOrders.make({ categories: ["USDT-FUTURES"], clientOidPrefix: "mm-" })
 *   const heartbeat = yield* Heartbeat.make({ onUncertain: "verify", evidence })
 *   yield* heartbeat.guard(Effect.never)
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.2.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as BitgetClient from "./BitgetClient.js"
import { stampsOf } from "./HeartbeatStatus.js"
import { bounded } from "./internal/bounded.js"
import { reading } from "./internal/clock.js"
import { OpenOrders } from "./OpenOrders.js"
import type { Sighting } from "./Sighting.js"
import * as VenueError from "./VenueError.js"

/**
 * The categories of orders on a unified trading account.
 *
 * @since 0.2.0
 * @category constants
 */
export const categories = ["SPOT", "MARGIN", "USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES"] as const

/**
 * @since 0.2.0
 * @category models
 */
export type Category = (typeof categories)[number]

const text = /* @__PURE__ */ Schema.optionalWith(Schema.String, { nullable: true })

/**
 * An open order as the exchange lists it. `createdTime` is ms since the epoch on the exchange's clock.
 *
 * @since 0.2.0
 * @category models
 */
export class OpenOrder extends Schema.Class<OpenOrder>("@effect-deadman/core/OpenOrder")({
  orderId: Schema.String,
  clientOid: text,
  category: text,
  symbol: text,
  orderType: text,
  createdTime: Schema.NumberFromString
}) {}

/**
 * @since 0.2.0
 * @category models
 */
export interface Options {
  /**
   * The categories to list. Each costs a request per 100 orders. Assumption: the countdown cancels every order that is
   * listed in them. The exchange documents it for "all orders under the account", and nothing more. Defaults to all.
   */
  readonly categories?: ReadonlyArray<Category> | undefined
  /** Only orders whose `clientOid` begins with it count. Defaults to every order. */
  readonly clientOidPrefix?: string | undefined
  /** Only orders for which it holds count: those that the countdown is known to cancel. Defaults to every order. */
  readonly only?: ((order: OpenOrder) => boolean) | undefined
  /** The longest time for all pages together. Defaults to 5 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
}

/**
 * The port as Bitget implements it: its failures are the classes of `VenueError`.
 *
 * @since 0.2.0
 * @category models
 */
export type BitgetOpenOrders = Omit<OpenOrders["Type"], "survivor"> & {
  readonly survivor: (before: number) => Effect.Effect<Sighting | undefined, VenueError.VenueError>
}

/** The most orders of one page. */
const pageSize = 100

/** Half of the 20 requests per second that the exchange allows, because the program lists its orders, too. */
const spacing = Duration.millis(100)

const Page = /* @__PURE__ */ Schema.Struct({
  list: /* @__PURE__ */ Schema.NullOr(/* @__PURE__ */ Schema.Array(OpenOrder)),
  cursor: text
})

/**
 * The open orders by `GET /api/v3/trade/unfilled-orders`: page after page, until an order proves what is asked.
 *
 * @since 0.2.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<BitgetOpenOrders, never, BitgetClient.BitgetClient> =>
  Effect.map(BitgetClient.BitgetClient, ({ account, execute }) => {
    const { clientOidPrefix = "", only = () => true } = options
    const timeout = Duration.decode(options.timeout ?? "5 seconds")

    const pageOf = Effect.fnUntraced(function* (category: Category, cursor: string | undefined, before: number) {
      const sentAt = yield* reading
      const response = yield* execute({
        method: "GET",
        path: "/api/v3/trade/unfilled-orders",
        query: { category, limit: String(pageSize), cursor },
        response: Page,
        timeout
      })
      const { cursor: next = "", list } = response.data
      const listedAt = stampsOf(response)?.acceptedAt
      const found = list?.find(
        (order) =>
          order.createdTime > 0 &&
          order.createdTime < before &&
          (order.clientOid ?? "").startsWith(clientOidPrefix) &&
          only(order)
      )
      const sighting: Sighting | undefined =
        found === undefined || listedAt === undefined ? undefined : { createdAt: found.createdTime, listedAt, sentAt }
      // A cursor that does not move would list the same page for ever.
      const isLast = (list?.length ?? 0) < pageSize || next === "" || next === cursor
      return { sighting, next: isLast ? undefined : next }
    })

    const survivor = Effect.fnUntraced(function* (before: number) {
      let isFirst = true
      for (const category of options.categories ?? categories) {
        let cursor: string | undefined
        do {
          if (!isFirst) yield* Effect.sleep(spacing)
          isFirst = false
          const page: Effect.Effect.Success<ReturnType<typeof pageOf>> = yield* pageOf(category, cursor, before)
          if (page.sighting !== undefined) return page.sighting
          cursor = page.next
        } while (cursor !== undefined)
      }
      return undefined
    })

    return {
      account,
      survivor: (before) =>
        bounded(survivor(before), timeout, () =>
          Effect.fail(
            new VenueError.RequestTimeout({
              venueMessage: "",
              applied: "no",
              retryable: true,
              timeoutMillis: Duration.toMillis(timeout)
            })
          )
        )
    }
  })

/**
 * The open orders by {@link BitgetClient.BitgetClient}.
 *
 * @since 0.2.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<OpenOrders, never, BitgetClient.BitgetClient> =>
  Layer.effect(OpenOrders, make(options))
