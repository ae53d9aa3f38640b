/**
 * The exchange itself: a pure machine over accounts, open orders and one countdown an account.
 *
 * `step(state, event, now)` gives the next state and what happened; what is due by `now` has happened before the event.
 * Deadlines are data in a heap, so a hundred thousand armed accounts are a hundred thousand entries, no fibers. Times are
 * ms of the venue's clock; a state never goes back in time. Every state stays valid when a later one is made from it.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Book from "./internal/Book.js"
import type * as Heap from "./internal/Heap.js"
import type * as RateLimit from "./internal/RateLimit.js"
import * as Table from "./internal/Table.js"
import * as Timers from "./internal/Timers.js"
import * as Venue from "./Venue.js"

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
  readonly queued: Timers.DueEntry | undefined
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
  readonly due: Heap.Heap<Timers.DueEntry>
  readonly cancels: Heap.Heap<Timers.CancelEntry>
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

type Step = readonly [state: State, outputs: ReadonlyArray<Output>]

/**
 * The key of an account that was declared without one: values that nobody can take for real ones.
 *
 * @since 0.1.0
 * @category constructors
 */
export const testKey = (uid: string): ApiKey => ({
  key: `test-key-${uid}`,
  secret: `test-secret-${uid}`,
  passphrase: `test-passphrase-${uid}`
})

/**
 * An exchange with these accounts at the instant `now` (ms of its clock).
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: {
  readonly accounts?: ReadonlyArray<Account> | undefined
  readonly venue?: Venue.Options | undefined
  readonly now: number
}): State => {
  const venue = Venue.make(options.venue)
  let state: State = {
    venue,
    now: options.now,
    accounts: Table.empty(),
    keys: HashMap.empty(),
    due: undefined,
    cancels: undefined,
    orders: 0,
    tokens: 0,
    calls: HashMap.empty(),
    addresses: HashMap.empty(),
    windows: Timers.joined(venue.maintenance, options.now),
    inWindow: false,
    resumedAt: -Infinity,
    paused: 0
  }
  for (const account of options.accounts ?? []) state = addAccount(state, account)
  return state
}

/**
 * What happens next: everything that is due by `now`, then the event. An event for an account that does not exist, or
 * one that the exchange's own rules forbid, is `Refused`.
 *
 * @since 0.1.0
 * @category transitions
 */
export const step = (state: State, event: Event, now: number): Step => {
  const outputs: Array<Output> = []
  return [apply(Timers.run(state, now, outputs), event, outputs), outputs]
}

/**
 * Everything that is due by `now`. Under the boundary `"beat"` what is due at `now` itself has to wait, so that a
 * request of the same millisecond comes first.
 *
 * @since 0.1.0
 * @category transitions
 */
export const advance = (state: State, now: number): Step => {
  const outputs: Array<Output> = []
  return [Timers.run(state, now, outputs), outputs]
}

const apply = (state: State, event: Event, outputs: Array<Output>): State => {
  switch (event._tag) {
    case "Tick":
      return state
    case "AddAccount":
      return addAccount(state, event.account)
    case "Maintenance": {
      const window = { from: Math.max(event.window.from, state.now), to: event.window.to }
      outputs.push({ _tag: "Maintenance", at: state.now, phase: "scheduled", window })
      const windows = Timers.joined([...state.windows, window], state.now)
      return Timers.run({ ...state, windows }, state.now, outputs)
    }
    default: {
      const account = Book.get(state, event.account)
      return account === undefined
        ? Book.refuse(state, event.account, "40016", "The user ID is invalid", outputs)
        : applyTo(state, account, event, outputs)
    }
  }
}

const applyTo = (
  state: State,
  account: AccountState,
  event: Extract<Event, { readonly account: string }>,
  outputs: Array<Output>
): State => {
  const byRequest = { cause: "request", reason: "normal_cancel", time: state.now } as const
  switch (event._tag) {
    case "SetCountdown":
      return Timers.setCountdown(state, account, event, outputs)
    case "PlaceOrder":
      return Book.placeOrder(state, account, event, outputs)
    case "FillOrder":
      return Book.fillOrder(state, account, { ...event, cause: "control" }, outputs)
    case "CancelOrder": {
      const orderId =
        event.orderId ?? Option.getOrUndefined(HashMap.get(account.pendingClientOids, event.clientOid ?? ""))
      return orderId === undefined || !HashMap.has(account.open, orderId)
        ? Book.refuse(state, event.account, "25204", "Order does not exist", outputs)
        : Book.cancelOrders(state, event.account, [orderId], { ...byRequest, by: event.by }, outputs)
    }
    case "CancelOrders": {
      const { category, symbol } = event
      const wanted = Book.sorted(account.open)
        .filter((order) => order.category === category && (symbol ?? order.symbol) === order.symbol)
        .map((order) => order.orderId)
      return Book.cancelOrders(state, event.account, wanted, { ...byRequest, by: event.by }, outputs)
    }
  }
}

/**
 * The instant at which the next switch fires if nobody refreshes it: venue ms. Absent when none is armed, or while the
 * venue has stopped its timers.
 *
 * @since 0.1.0
 * @category getters
 */
export const nextDeadline = (state: State): number | undefined => Timers.nextFire(state)

/**
 * The soonest `now` at which `advance` does anything: a firing, one of its cancels, or an edge of a release window.
 *
 * @since 0.1.0
 * @category getters
 */
export const nextDue = (state: State): number | undefined => {
  const at = Math.min(
    Timers.nextFire(state) ?? Infinity,
    state.cancels?.item.at ?? Infinity,
    Timers.nextEdge(state) ?? Infinity
  )
  if (at === Infinity) return undefined
  return state.venue.boundary === "beat" ? Math.max(at, state.now) + 1 : at
}

/**
 * The state of one account's switch; `Closed` for an account that does not exist.
 *
 * @since 0.1.0
 * @category getters
 */
export const countdown = (state: State, uid: string): Switch => {
  const account = Book.get(state, uid)
  if (account?.armed === undefined) {
    return account?.fired === undefined ? { _tag: "Closed" } : { _tag: "Fired", ...account.fired }
  }
  const { armedAt, due, seconds } = account.armed
  const deadline = Timers.deadlineOf(state, due)
  return {
    _tag: "Armed",
    seconds,
    deadline,
    remaining: Math.max(0, deadline - state.now),
    firesAt: Timers.fireTime(state, due),
    armedAt
  }
}

/**
 * The open orders of an account, oldest first.
 *
 * @since 0.1.0
 * @category getters
 */
export const openOrders = (state: State, uid: string): ReadonlyArray<Order> => {
  const account = Book.get(state, uid)
  return account === undefined ? [] : Book.sorted(account.open)
}

/**
 * The filled and cancelled orders of an account that are still known, in the order of their end.
 *
 * @since 0.1.0
 * @category getters
 */
export const closedOrders = (state: State, uid: string): ReadonlyArray<Order> => Book.get(state, uid)?.closed ?? []

/**
 * @since 0.1.0
 * @category getters
 */
export const account = (state: State, uid: string): AccountState | undefined => Book.get(state, uid)

/**
 * The accounts in the order in which they were declared.
 *
 * @since 0.1.0
 * @category getters
 */
export const accounts = (state: State): ReadonlyArray<AccountState> => Table.values(state.accounts)

/**
 * Whether the venue is in a release window.
 *
 * @since 0.1.0
 * @category getters
 */
export const inMaintenance = (state: State): boolean => state.inWindow

/**
 * All that the exchange holds but keys and rate limits, as plain values: two states are the same exchange exactly when
 * their snapshots are deeply equal.
 *
 * @since 0.1.0
 * @category getters
 */
export const snapshot = (state: State) => ({
  now: state.now,
  inMaintenance: state.inWindow,
  windows: state.windows,
  accounts: accounts(state).map((account) => ({
    uid: account.declared.uid,
    mode: account.declared.mode,
    switch: countdown(state, account.declared.uid),
    open: Book.sorted(account.open),
    closed: account.closed
  }))
})

const addAccount = (state: State, declared: Account): State => {
  const keys = declared.keys ?? [testKey(declared.uid)]
  const known = Book.get(state, declared.uid)
  const complete: Required<Account> = {
    uid: declared.uid,
    keys,
    mode: declared.mode ?? "unified",
    accountMode: declared.accountMode ?? "unified",
    countdownAccess: declared.countdownAccess ?? true
  }
  let index = state.keys
  for (const key of known?.declared.keys ?? []) index = HashMap.remove(index, key.key)
  for (const key of keys) index = HashMap.set(index, key.key, { uid: declared.uid, key })
  const next = { ...state, keys: index }
  if (known !== undefined) return Book.put(next, { ...known, declared: complete })
  return Book.put(next, {
    declared: complete,
    rank: state.accounts.size,
    armed: undefined,
    fired: undefined,
    open: HashMap.empty(),
    pendingClientOids: HashMap.empty(),
    openFutures: 0,
    openSpot: 0,
    closed: [],
    queued: undefined
  })
}
