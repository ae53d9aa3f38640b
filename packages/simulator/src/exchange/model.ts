/**
 * What the exchange is made of, as plain values: keys, accounts, orders, what can happen and what has happened. Users
 * know these types as those of `Exchange`.
 *
 * @since 0.1.0
 */
import type * as HashMap from "effect/HashMap"
import type * as Heap from "./heap.js"
import type * as RateLimit from "./rateLimit.js"
import type * as Table from "./table.js"
import type * as Venue from "./Venue.js"

/**
 * A key of an account. It signs with its `secret` (HMAC-SHA256), or with the private half of `rsaPublicKey` (PEM).
 *
 * @since 0.1.0
 * @category models
 */
export interface ApiKey {
  readonly key: string
  readonly secret?: string | undefined
  readonly rsaPublicKey?: string | undefined
  readonly passphrase: string
  /** `"trade"` (default) reads and writes, `"read"` only reads. */
  readonly permission?: "trade" | "read" | undefined
  /** Addresses that may use the key; none given means all. */
  readonly ipWhitelist?: ReadonlyArray<string> | undefined
  /** A key for demo trading, which wants the header `paptrading: 1`. */
  readonly demo?: boolean | undefined
}

/**
 * An account as it is declared.
 *
 * @since 0.1.0
 * @category models
 */
export interface Account {
  readonly uid: string
  /** The keys; without any the account gets one with obvious test values, see `testKey`. */
  readonly keys?: ReadonlyArray<ApiKey> | undefined
  /** A classic account is refused at every v3 endpoint. Default `"unified"`. */
  readonly mode?: "unified" | "classic" | undefined
  /** What account settings answer as `accountMode`. Default `"unified"`. */
  readonly accountMode?: "unified" | "hybrid" | "upgrading" | "switching" | undefined
  /** Whether the venue has opened the countdown for this account. Default true. */
  readonly countdownAccess?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export type Category = "SPOT" | "MARGIN" | "USDT-FUTURES" | "COIN-FUTURES" | "USDC-FUTURES"

/**
 * An order as it is placed; what is left out gets the venue's default. All numbers are strings.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewOrder {
  readonly category: Category
  readonly symbol: string
  readonly side: "buy" | "sell"
  readonly orderType: "limit" | "market"
  readonly qty: string
  readonly price?: string | undefined
  readonly timeInForce?: "gtc" | "post_only" | "ioc" | "fok" | undefined
  readonly clientOid?: string | undefined
  readonly posSide?: "long" | "short" | undefined
  readonly reduceOnly?: "yes" | "no" | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Order {
  readonly orderId: string
  readonly clientOid: string
  readonly category: Category
  readonly symbol: string
  readonly side: "buy" | "sell"
  readonly orderType: "limit" | "market"
  readonly price: string
  readonly qty: string
  readonly timeInForce: "gtc" | "post_only" | "ioc" | "fok"
  readonly posSide: "long" | "short"
  readonly reduceOnly: "yes" | "no"
  readonly orderStatus: "live" | "partially_filled" | "filled" | "cancelled"
  readonly cumExecQty: string
  readonly cumExecValue: string
  readonly avgPrice: string
  readonly cancelReason: string
  readonly createdTime: number
  readonly updatedTime: number
}

/**
 * What can happen to the exchange. `by` is the number of the request that asked for it.
 *
 * @since 0.1.0
 * @category models
 */
export type Event =
  | { readonly _tag: "AddAccount"; readonly account: Account }
  /** 0 seconds closes the switch; anything else counts from `from` (ms), or from the event itself. */
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
  /** All that is left of the order, or `qty` of it. */
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
 * Why an order was cancelled.
 *
 * @since 0.1.0
 * @category models
 */
export type CancelCause = "countdown" | "request" | "time_in_force"

/**
 * What has happened, in order. A refused event has exactly the output `Refused`, and changed nothing.
 *
 * @since 0.1.0
 * @category models
 */
export type Output =
  | {
      readonly _tag: "Switch"
      readonly account: string
      readonly at: number
      readonly transition: "armed" | "refreshed" | "closed" | "fired"
      /** The deadline that was set, or that has expired; absent when closed. */
      readonly deadline?: number | undefined
      readonly seconds?: number | undefined
      /** What the countdown was counted from. */
      readonly from?: number | undefined
      readonly by?: number | undefined
    }
  | {
      readonly _tag: "Placed"
      readonly account: string
      readonly at: number
      readonly order: Order
      readonly by?: number | undefined
    }
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
      /** A market order fills by itself; anything else is filled by whoever holds the simulator. */
      readonly cause: "market" | "control"
    }
  | {
      readonly _tag: "Maintenance"
      readonly at: number
      readonly phase: "scheduled" | "begun" | "ended"
      readonly window: Venue.Window
    }
  | {
      readonly _tag: "Refused"
      readonly account: string
      readonly at: number
      readonly code: string
      readonly msg: string
    }

/**
 * One account's switch, as nobody can read it at the real venue.
 *
 * @since 0.1.0
 * @category models
 */
export type Switch =
  | {
      readonly _tag: "Armed"
      readonly seconds: number
      /** When it expires, and how long that is from now (ms of the venue's clock). */
      readonly deadline: number
      readonly remaining: number
      /** When the venue will act on that: at its next look, and not in a window that holds firings back. */
      readonly firesAt: number
      readonly armedAt: number
    }
  | { readonly _tag: "Closed" }
  | { readonly _tag: "Fired"; readonly at: number; readonly deadline: number; readonly orders: number }

interface Armed {
  readonly seconds: number
  readonly armedAt: number
  /** The deadline on the running clock, which stands still while the venue pauses its timers. */
  readonly due: number
}

interface Fired {
  readonly at: number
  readonly deadline: number
  readonly orders: number
}

/** An account's place in the heap of deadlines. It counts only while the account knows its `token`. */
export interface DueEntry extends Heap.Ranked {
  readonly uid: string
  readonly token: number
}

/** Orders that a fired switch still has to cancel. */
export interface CancelEntry extends Heap.Ranked {
  readonly uid: string
  readonly firedAt: number
  readonly orders: ReadonlyArray<string>
  readonly next: number
}

/**
 * One account's part of a state.
 *
 * @since 0.1.0
 * @category models
 */
export interface AccountState {
  readonly declared: Required<Account>
  readonly rank: number
  readonly armed: Armed | undefined
  readonly fired: Fired | undefined
  readonly open: HashMap.HashMap<string, Order>
  readonly pendingClientOids: HashMap.HashMap<string, string>
  readonly openFutures: number
  readonly openSpot: number
  /** Filled and cancelled orders, oldest first, the newest 1,000 of them. */
  readonly closed: ReadonlyArray<Order>
  /** The one entry of the heap that counts for this account. */
  readonly queued: DueEntry | undefined
}

/**
 * The whole exchange at one instant. Read it with the functions of this module.
 *
 * @since 0.1.0
 * @category models
 */
export interface State {
  readonly venue: Venue.Venue
  readonly now: number
  readonly accounts: Table.Table<AccountState>
  readonly keys: HashMap.HashMap<string, { readonly uid: string; readonly key: ApiKey }>
  readonly due: Heap.Heap<DueEntry>
  readonly cancels: Heap.Heap<CancelEntry>
  /** How many orders there have been, and how many entries of the heaps. */
  readonly orders: number
  readonly tokens: number
  /** Calls by account (in the order of the protocol's endpoints), and by address: what the rate limits count. */
  readonly calls: HashMap.HashMap<string, ReadonlyArray<RateLimit.Calls | undefined>>
  readonly addresses: HashMap.HashMap<string, RateLimit.Address>
  /** The release windows that are not over; the first has begun when `inWindow` is true. */
  readonly windows: ReadonlyArray<Venue.Window>
  readonly inWindow: boolean
  /** The end of the last window that held firings back, and how long windows have paused the timers in all. */
  readonly resumedAt: number
  readonly paused: number
}
