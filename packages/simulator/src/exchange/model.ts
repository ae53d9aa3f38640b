/**
 * The model of the exchange as plain values: keys, accounts, orders, events, outputs and the state. `Exchange` exports
 * these types.
 *
 * @since 0.1.0
 */
import type * as HashMap from "effect/HashMap"
import type * as RedBlackTree from "effect/RedBlackTree"
import * as Schema from "effect/Schema"
import * as Numbers from "./numbers.js"
import type * as RateLimit from "./rateLimit.js"
import type * as Venue from "./Venue.js"

/** @internal */
export const Instant = Schema.Number.annotations({ description: "ms since the epoch, on the exchange's clock" })

/**
 * A key of an account. It signs with its `secret` (HMAC-SHA256), or with the private half of `rsaPublicKey` (PEM).
 *
 * @since 0.1.0
 * @category models
 */
export const ApiKey = Schema.Struct({
  key: Schema.NonEmptyString,
  secret: Schema.optional(Schema.NonEmptyString),
  rsaPublicKey: Schema.optional(Schema.NonEmptyString),
  passphrase: Schema.NonEmptyString,
  /** `"trade"` (default) reads and writes, `"read"` only reads. */
  permission: Schema.optional(Schema.Literal("trade", "read")),
  /** Addresses that may use the key; without any, all may. */
  ipWhitelist: Schema.optional(Schema.Array(Schema.String)),
  /** A key for demo trading, which needs the header `paptrading: 1`. */
  demo: Schema.optional(Schema.Boolean)
})

/**
 * @since 0.1.0
 * @category models
 */
export type ApiKey = typeof ApiKey.Type

/**
 * An account as it is declared.
 *
 * @since 0.1.0
 * @category models
 */
export const Account = Schema.Struct({
  uid: Schema.String,
  /** Without keys the account gets one with obvious test values, see `testKey`. */
  keys: Schema.optional(Schema.Array(ApiKey)),
  /** Every v3 endpoint refuses a classic account. Default `"unified"`. */
  mode: Schema.optional(Schema.Literal("unified", "classic")),
  /** The `accountMode` in the response of account settings. Default `"unified"`. */
  accountMode: Schema.optional(Schema.Literal("unified", "hybrid", "upgrading", "switching")),
  /** Whether the exchange has opened the countdown for this account. Default true. */
  countdownAccess: Schema.optional(Schema.Boolean)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Account = typeof Account.Type

/** @internal */
export const Category = Schema.Literal("SPOT", "MARGIN", "USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES")

/**
 * @since 0.1.0
 * @category models
 */
export type Category = typeof Category.Type

/** @internal */
export const Side = Schema.Literal("buy", "sell")
/** @internal */
export const OrderType = Schema.Literal("limit", "market")
/** @internal */
export const TimeInForce = Schema.Literal("gtc", "post_only", "ioc", "fok")
/** @internal */
export const PosSide = Schema.Literal("long", "short")
/** @internal */
export const ReduceOnly = Schema.Literal("yes", "no")

/**
 * An order as it is placed; what is left out gets the exchange's default. All numbers are strings.
 *
 * @since 0.1.0
 * @category models
 */
export const NewOrder = Schema.Struct({
  category: Category,
  symbol: Schema.String,
  side: Side,
  orderType: OrderType,
  qty: Schema.String,
  price: Schema.optional(Schema.String),
  timeInForce: Schema.optional(TimeInForce),
  clientOid: Schema.optional(Schema.String),
  posSide: Schema.optional(PosSide),
  reduceOnly: Schema.optional(ReduceOnly)
})

/**
 * @since 0.1.0
 * @category models
 */
export type NewOrder = typeof NewOrder.Type

/**
 * An order that the exchange has taken. All numbers but the times are strings.
 *
 * @since 0.1.0
 * @category models
 */
export const Order = Schema.Struct({
  orderId: Schema.String,
  clientOid: Schema.String,
  category: Category,
  symbol: Schema.String,
  side: Side,
  orderType: OrderType,
  price: Schema.String,
  qty: Schema.String,
  timeInForce: TimeInForce,
  posSide: PosSide,
  reduceOnly: ReduceOnly,
  orderStatus: Schema.Literal("live", "partially_filled", "filled", "cancelled"),
  cumExecQty: Schema.String,
  cumExecValue: Schema.String,
  avgPrice: Schema.String,
  cancelReason: Schema.String,
  createdTime: Instant,
  updatedTime: Instant
}).annotations({ identifier: "Order" })

/**
 * @since 0.1.0
 * @category models
 */
export type Order = typeof Order.Type

/** A positive number, as the exchange writes numbers. @internal */
export const decimal = /^(?!0*(\.0*)?$)\d{1,20}(\.\d{1,20})?$/

/** The name of a market: any of this form is traded. @internal */
export const symbolName = /^[A-Z0-9]{1,40}$/

/** The client's own name for an order. @internal */
export const clientOid = /^[.A-Z:/a-z0-9_-]{1,32}$/

/**
 * An event of the exchange. `by` is the number of the request that asked for it.
 *
 * @since 0.1.0
 * @category models
 */
export type Event =
  | { readonly _tag: "AddAccount"; readonly account: Account }
  /** 0 seconds closes the switch. Any other countdown counts from `from` (ms), by default from the event itself. */
  | {
      readonly _tag: "SetCountdown"
      readonly account: string
      readonly seconds: number
      readonly from?: number | undefined
      readonly by?: number | undefined
    }
  | {
      readonly _tag: "PlaceOrder"
      readonly account: string
      readonly order: NewOrder
      readonly by?: number | undefined
    }
  /** By `orderId`, else by the `clientOid` of a pending order. */
  | {
      readonly _tag: "CancelOrder"
      readonly account: string
      readonly orderId?: string | undefined
      readonly clientOid?: string | undefined
      readonly by?: number | undefined
    }
  | {
      readonly _tag: "CancelOrders"
      readonly account: string
      readonly category: Category
      readonly symbol?: string | undefined
      readonly by?: number | undefined
    }
  /** Fills `qty` of the order, by default all that is left of it. */
  | {
      readonly _tag: "FillOrder"
      readonly account: string
      readonly orderId: string
      readonly qty?: string | undefined
      readonly price?: string | undefined
    }
  | { readonly _tag: "Maintenance"; readonly window: Venue.Window }
  | { readonly _tag: "Tick" }

/**
 * The cause of a cancel.
 *
 * @since 0.1.0
 * @category models
 */
export const CancelCause = Schema.Literal("countdown", "request", "time_in_force")

/**
 * @since 0.1.0
 * @category models
 */
export type CancelCause = typeof CancelCause.Type

/** A market order fills by itself (`"market"`); a test or the control API fills any other (`"control"`). @internal */
export const FillCause = Schema.Literal("market", "control")

/** @internal */
export type FillCause = typeof FillCause.Type

/**
 * A switch was armed, refreshed or closed, or it fired.
 *
 * @since 0.1.0
 * @category models
 */
export const SwitchChange = Schema.TaggedStruct("Switch", {
  account: Schema.String,
  at: Numbers.instant,
  transition: Schema.Literal("armed", "refreshed", "closed", "fired"),
  /** The deadline that was set, or that has expired; absent when closed. */
  deadline: Schema.optional(Numbers.instant),
  seconds: Schema.optional(Numbers.seconds),
  /** The instant that the countdown was counted from. */
  from: Schema.optional(Numbers.instant),
  /** The request that caused it. */
  by: Schema.optional(Numbers.count)
}).annotations({ identifier: "SwitchRecord" })

/**
 * @since 0.1.0
 * @category models
 */
export type SwitchChange = typeof SwitchChange.Type

/**
 * A release window was scheduled, or it has begun or ended.
 *
 * @since 0.1.0
 * @category models
 */
export const MaintenanceChange = Schema.TaggedStruct("Maintenance", {
  at: Numbers.instant,
  phase: Schema.Literal("scheduled", "begun", "ended"),
  window: Schema.Struct({ from: Numbers.instant, to: Numbers.instant })
}).annotations({ identifier: "MaintenanceRecord" })

/**
 * @since 0.1.0
 * @category models
 */
export type MaintenanceChange = typeof MaintenanceChange.Type

/**
 * An output of the exchange. A refused event has exactly one output, `Refused`, and changes nothing.
 *
 * @since 0.1.0
 * @category models
 */
export type Output =
  | SwitchChange
  | MaintenanceChange
  | {
      readonly _tag: "Placed"
      readonly account: string
      readonly at: number
      readonly order: Order
      /** When it enters the book; absent when it did so at once. */
      readonly entersAt?: number | undefined
      readonly by?: number | undefined
    }
  /** An order that was placed earlier has entered the book. */
  | { readonly _tag: "Entered"; readonly account: string; readonly at: number; readonly order: Order }
  | {
      readonly _tag: "Cancelled"
      readonly account: string
      readonly at: number
      readonly order: Order
      readonly cause: CancelCause
      readonly by?: number | undefined
    }
  | {
      readonly _tag: "Filled"
      readonly account: string
      readonly at: number
      readonly order: Order
      readonly qty: string
      readonly price: string
      readonly cause: FillCause
    }
  | {
      readonly _tag: "Refused"
      readonly account: string
      readonly at: number
      readonly code: string
      readonly msg: string
    }

/**
 * The state of one account's switch. The real exchange has no endpoint that reads it.
 *
 * @since 0.1.0
 * @category models
 */
export const Switch = Schema.Union(
  Schema.TaggedStruct("Armed", {
    seconds: Schema.Number,
    deadline: Instant,
    /** From now to the deadline, in ms. */
    remaining: Numbers.millis.annotations({ description: "ms on the exchange's clock" }),
    /** When the exchange acts on the deadline: at its next look, and not in a window that holds firings back. */
    firesAt: Instant,
    armedAt: Instant
  }),
  Schema.TaggedStruct("Closed", {}),
  Schema.TaggedStruct("Fired", {
    at: Instant,
    deadline: Instant,
    /** How many orders it cancels. */
    orders: Schema.Number
  })
).annotations({ identifier: "Switch" })

/**
 * @since 0.1.0
 * @category models
 */
export type Switch = typeof Switch.Type

/** A place in the order of time: at one instant, the lower rank comes first. @internal */
export interface Due {
  readonly at: number
  readonly rank: number
}

interface Armed {
  readonly seconds: number
  readonly armedAt: number
  /** The deadline on the running clock, which stands still while the exchange pauses its timers. */
  readonly due: Due
}

interface Fired {
  readonly at: number
  readonly deadline: number
  readonly orders: number
}

/** The orders that a fired switch still has to cancel, from the place `next` on. @internal */
export interface Cancels {
  readonly uid: string
  readonly firedAt: number
  readonly orders: ReadonlyArray<string>
  readonly next: number
}

/** An order on its way into the book. @internal */
export interface Entering {
  readonly uid: string
  readonly order: Order
  readonly by: number | undefined
}

/** The accounts as they were from an instant on. @internal */
export interface Version {
  readonly from: number
  readonly accounts: State["accounts"]
}

/**
 * One account's part of a state.
 *
 * @since 0.1.0
 * @category models
 */
export interface AccountState {
  readonly declared: Required<Account>
  /** The place among the accounts, in the order of their declaration. */
  readonly rank: number
  readonly armed: Armed | undefined
  readonly fired: Fired | undefined
  readonly open: HashMap.HashMap<string, Order>
  readonly pendingClientOids: HashMap.HashMap<string, string>
  readonly openFutures: number
  readonly openSpot: number
  /** Filled and cancelled orders, oldest first, the newest 1,000 of them. */
  readonly closed: ReadonlyArray<Order>
}

/**
 * The whole exchange at one instant. Read it with the functions of `Exchange`.
 *
 * @since 0.1.0
 * @category models
 */
export interface State {
  readonly venue: Venue.Venue
  readonly now: number
  readonly accounts: HashMap.HashMap<string, AccountState>
  readonly keys: HashMap.HashMap<string, { readonly uid: string; readonly key: ApiKey }>
  /** The UIDs of the armed accounts by deadline on the running clock, and what fired switches still have to cancel. */
  readonly due: RedBlackTree.RedBlackTree<Due, string>
  readonly cancels: RedBlackTree.RedBlackTree<Due, Cancels>
  /** The orders that enter the book later, by the instant of their entry. */
  readonly entering: RedBlackTree.RedBlackTree<Due, Entering>
  /** The versions that the stale lists can still show, oldest first; none when the lists are up to date. */
  readonly past: ReadonlyArray<Version>
  /** How many orders and how many firings there have been. */
  readonly orders: number
  readonly firings: number
  /** The calls that the rate limits count: by account, in the order of the endpoints, and by address. */
  readonly calls: HashMap.HashMap<string, ReadonlyArray<RateLimit.Calls | undefined>>
  readonly addresses: HashMap.HashMap<string, RateLimit.Address>
  /** The release windows that are not over; the first has begun when `inWindow` is true. */
  readonly windows: ReadonlyArray<Venue.Window>
  readonly inWindow: boolean
  /**
   * The end of the last window, and for how long windows have paused the timers so far, in ms.
   */
  readonly resumedAt: number
  readonly paused: number
}
