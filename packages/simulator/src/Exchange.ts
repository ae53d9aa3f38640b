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
import * as Heap from "./internal/Heap.js"
import type * as RateLimit from "./internal/RateLimit.js"
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
  readonly posSide: string
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
    }
  | { readonly _tag: "Maintenance"; readonly at: number; readonly on: boolean }
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
      /** When it will fire, and how long that is from now: ms of the venue's clock. */
      readonly deadline: number
      readonly remaining: number
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
  readonly queued: { readonly at: number; readonly token: number } | undefined
}

interface DueEntry extends Heap.Ranked {
  readonly uid: string
  readonly token: number
}

interface CancelEntry extends Heap.Ranked {
  readonly uid: string
  readonly firedAt: number
  readonly orders: ReadonlyArray<string>
  readonly next: number
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
  readonly accounts: HashMap.HashMap<string, AccountState>
  readonly keys: HashMap.HashMap<string, { readonly uid: string; readonly key: ApiKey }>
  readonly due: Heap.Heap<DueEntry>
  readonly cancels: Heap.Heap<CancelEntry>
  readonly counter: number
  /** Calls by account and endpoint, and by address: what the rate limits count. */
  readonly calls: HashMap.HashMap<string, Readonly<Record<string, RateLimit.Calls>>>
  readonly addresses: HashMap.HashMap<string, RateLimit.Address>
  readonly windows: ReadonlyArray<Venue.Window>
  readonly maintenanceSince: number | undefined
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
    accounts: HashMap.empty(),
    keys: HashMap.empty(),
    due: undefined,
    cancels: undefined,
    counter: 0,
    calls: HashMap.empty(),
    addresses: HashMap.empty(),
    windows: joined(venue.maintenance, options.now),
    maintenanceSince: undefined,
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
  const before = run(state, now, outputs)
  return [apply(before, event, outputs), outputs]
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
  return [run(state, now, outputs), outputs]
}

/**
 * The instant at which the next switch fires if nobody refreshes it: venue ms. Absent when none is armed, or when the
 * venue has stopped its timers.
 *
 * @since 0.1.0
 * @category getters
 */
export const nextDeadline = (state: State): number | undefined => {
  const entry = state.due?.item
  if (entry === undefined) return undefined
  if (state.maintenanceSince !== undefined && state.venue.maintenanceTimer !== "runs") return undefined
  return fireTime(state, entry.at)
}

/**
 * The soonest `now` at which `advance` does anything: a firing, one of its cancels, or an edge of a release window.
 *
 * @since 0.1.0
 * @category getters
 */
export const nextDue = (state: State): number | undefined => {
  const at = Math.min(nextDeadline(state) ?? Infinity, state.cancels?.item.at ?? Infinity, nextEdge(state) ?? Infinity)
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
  const account = get(state, uid)
  if (account?.armed !== undefined) {
    const deadline = fireTime(state, account.armed.due)
    return {
      _tag: "Armed",
      seconds: account.armed.seconds,
      deadline,
      remaining: Math.max(0, deadline - state.now),
      armedAt: account.armed.armedAt
    }
  }
  return account?.fired === undefined ? { _tag: "Closed" } : { _tag: "Fired", ...account.fired }
}

/**
 * The open orders of an account, oldest first.
 *
 * @since 0.1.0
 * @category getters
 */
export const openOrders = (state: State, uid: string): ReadonlyArray<Order> => {
  const account = get(state, uid)
  return account === undefined ? [] : sorted(account.open)
}

/**
 * The filled and cancelled orders of an account that are still known, in the order of their end.
 *
 * @since 0.1.0
 * @category getters
 */
export const closedOrders = (state: State, uid: string): ReadonlyArray<Order> => get(state, uid)?.closed ?? []

/**
 * @since 0.1.0
 * @category getters
 */
export const account = (state: State, uid: string): AccountState | undefined => get(state, uid)

/**
 * The accounts in the order in which they were declared.
 *
 * @since 0.1.0
 * @category getters
 */
export const accounts = (state: State): ReadonlyArray<AccountState> =>
  Array.from(HashMap.values(state.accounts)).sort((a, b) => a.rank - b.rank)

/**
 * Whether the venue is in a release window.
 *
 * @since 0.1.0
 * @category getters
 */
export const inMaintenance = (state: State): boolean => state.maintenanceSince !== undefined

// ---------------------------------------------------------------------------------------------------------------------
// What is due
// ---------------------------------------------------------------------------------------------------------------------

const nextEdge = (state: State): number | undefined => {
  const window = state.windows[0]
  if (window === undefined) return undefined
  return state.maintenanceSince === undefined ? window.from : window.to
}

const swept = (at: number, period: number): number => (period > 0 ? Math.ceil(at / period) * period : at)

const fireTime = (state: State, due: number): number =>
  Math.max(swept(due + state.paused, state.venue.sweepPeriod), state.resumedAt)

const run = (from: State, target: number, outputs: Array<Output>): State => {
  let state = from
  const now = Math.max(target, state.now)
  const isDue = state.venue.boundary === "fire" ? (at: number) => at <= now : (at: number) => at < now
  for (;;) {
    const edge = nextEdge(state) ?? Infinity
    const cancel = state.cancels?.item.at ?? Infinity
    const fire = nextDeadline(state) ?? Infinity
    const at = Math.min(edge, cancel, fire)
    if (!isDue(at)) break
    // An instant that lies behind (a clock that started at the acceptance, before a slow request took effect) is now.
    state = at > state.now ? { ...state, now: at } : state
    if (edge === at) state = crossEdge(state, outputs)
    else if (cancel === at) state = cancelNext(state, outputs)
    else state = fireNext(state, outputs)
  }
  return state.now === now ? state : { ...state, now }
}

const crossEdge = (state: State, outputs: Array<Output>): State => {
  const since = state.maintenanceSince
  outputs.push({ _tag: "Maintenance", at: state.now, on: since === undefined })
  if (since === undefined) return { ...state, maintenanceSince: state.now }
  return {
    ...state,
    windows: state.windows.slice(1),
    maintenanceSince: undefined,
    resumedAt: state.venue.maintenanceTimer === "fires-at-end" ? state.now : state.resumedAt,
    paused: state.paused + (state.venue.maintenanceTimer === "pauses" ? state.now - since : 0)
  }
}

const fireNext = (state: State, outputs: Array<Output>): State => {
  const entry = state.due!.item
  const account = get(state, entry.uid)!
  const at = state.now
  const deadline = entry.at + state.paused
  const victims = sorted(account.open).map((order) => order.orderId)
  if (state.venue.cancelOrder === "newest") victims.reverse()
  outputs.push({
    _tag: "Switch",
    account: entry.uid,
    at,
    transition: "fired",
    deadline,
    seconds: account.armed!.seconds
  })
  const fired = clean({
    ...put(state, {
      ...account,
      armed: undefined,
      fired: { at, deadline, orders: victims.length },
      queued: undefined
    }),
    due: Heap.pop(state.due)
  })
  if (victims.length === 0) return fired
  const rank = fired.counter
  return {
    ...fired,
    counter: rank + 1,
    cancels: Heap.insert(fired.cancels, {
      at: at + state.venue.triggerLatency,
      rank,
      uid: entry.uid,
      firedAt: at,
      orders: victims,
      next: 0
    })
  }
}

const cancelNext = (state: State, outputs: Array<Output>): State => {
  const entry = state.cancels!.item
  const pace = state.venue.cancelPace
  const last = pace > 0 ? entry.next + 1 : entry.orders.length
  const rest = Heap.pop(state.cancels)
  const reason = {
    cancelReason: state.venue.cancelReason,
    updatedTime: state.venue.cancelUpdatedTime === "trigger" ? entry.firedAt : state.now
  }
  const cancelled = closeOrders(
    { ...state, cancels: rest },
    entry.uid,
    entry.orders.slice(entry.next, last),
    (order) => ({ ...order, ...reason, orderStatus: "cancelled" }),
    (order) => outputs.push({ _tag: "Cancelled", account: entry.uid, at: state.now, order, cause: "countdown" })
  )
  return last === entry.orders.length
    ? cancelled
    : { ...cancelled, cancels: Heap.insert(rest, { ...entry, at: entry.at + pace, next: last }) }
}

// ---------------------------------------------------------------------------------------------------------------------
// Events
// ---------------------------------------------------------------------------------------------------------------------

const apply = (state: State, event: Event, outputs: Array<Output>): State => {
  switch (event._tag) {
    case "Tick":
      return state
    case "AddAccount":
      return addAccount(state, event.account)
    case "Maintenance":
      return run({ ...state, windows: addWindow(state, event.window) }, state.now, outputs)
    default: {
      const account = get(state, event.account)
      if (account === undefined) return refuse(state, event.account, "40016", "The user ID is invalid", outputs)
      switch (event._tag) {
        case "SetCountdown":
          return setCountdown(state, account, event, outputs)
        case "PlaceOrder":
          return placeOrder(state, account, event.order, event.by, outputs)
        case "CancelOrder": {
          const orderId =
            event.orderId ?? Option.getOrUndefined(HashMap.get(account.pendingClientOids, event.clientOid ?? ""))
          return orderId === undefined || !HashMap.has(account.open, orderId)
            ? refuse(state, event.account, "25204", "Order does not exist", outputs)
            : cancelByRequest(state, event.account, [orderId], event.by, outputs)
        }
        case "CancelOrders": {
          const wanted = sorted(account.open).filter(
            (order) => order.category === event.category && (event.symbol ?? order.symbol) === order.symbol
          )
          return cancelByRequest(
            state,
            event.account,
            wanted.map((order) => order.orderId),
            event.by,
            outputs
          )
        }
        case "FillOrder":
          return fillOrder(state, account, event, outputs)
      }
    }
  }
}

const refuse = (state: State, uid: string, code: string, msg: string, outputs: Array<Output>): State => {
  outputs.push({ _tag: "Refused", account: uid, at: state.now, code, msg })
  return state
}

const setCountdown = (
  state: State,
  account: AccountState,
  event: Extract<Event, { _tag: "SetCountdown" }>,
  outputs: Array<Output>
): State => {
  const uid = account.declared.uid
  const by = event.by
  const at = state.now
  if (event.seconds === 0) {
    if (account.armed === undefined) return state
    outputs.push({ _tag: "Switch", account: uid, at, transition: "closed", by })
    return clean(put(state, { ...account, armed: undefined, fired: undefined }))
  }
  // The running clock stands still in a paused window: what is armed in it starts to run at its end.
  const pausing = state.maintenanceSince !== undefined && state.venue.maintenanceTimer === "pauses"
  const from = event.from ?? at
  const due = (pausing ? Math.min(from, state.maintenanceSince!) : from) + event.seconds * 1000 - state.paused
  outputs.push({
    _tag: "Switch",
    account: uid,
    at,
    transition: account.armed === undefined ? "armed" : "refreshed",
    deadline: due + state.paused,
    seconds: event.seconds,
    from,
    by
  })
  const armed: AccountState = { ...account, armed: { seconds: event.seconds, armedAt: at, due }, fired: undefined }
  // A later deadline leaves the account's entry where it is, and `clean` moves it when it gets to the top: most beats
  // then cost no work in the heap.
  return clean(
    account.queued !== undefined && account.queued.at <= due
      ? put(state, armed)
      : enqueue(put(state, armed), armed, due)
  )
}

const enqueue = (state: State, account: AccountState, due: number): State => {
  const token = state.counter
  const rank = state.venue.tieOrder === "declared" ? account.rank : -account.rank
  return {
    ...put(state, { ...account, queued: { at: due, token } }),
    counter: token + 1,
    due: Heap.insert(state.due, { at: due, rank, uid: account.declared.uid, token })
  }
}

const withoutFirst = (state: State): State => ({ ...state, due: Heap.pop(state.due) })

/** Makes the top of the heap true again: an entry that its account has outlived is moved or dropped. */
const clean = (from: State): State => {
  let state = from
  for (;;) {
    const entry = state.due?.item
    if (entry === undefined) return state
    const account = get(state, entry.uid)!
    const current = account.queued?.token === entry.token
    if (current && account.armed?.due === entry.at) return state
    state = withoutFirst(state)
    if (!current) continue
    state =
      account.armed === undefined
        ? put(state, { ...account, queued: undefined })
        : enqueue(state, account, account.armed.due)
  }
}

const isFutures = (category: Category): boolean => category !== "SPOT" && category !== "MARGIN"

const placeOrder = (
  state: State,
  account: AccountState,
  order: NewOrder,
  by: number | undefined,
  outputs: Array<Output>
): State => {
  const uid = account.declared.uid
  const at = state.now
  if (order.clientOid !== undefined && HashMap.has(account.pendingClientOids, order.clientOid)) {
    return refuse(state, uid, "25212", "Duplicate clientOid", outputs)
  }
  const open = isFutures(order.category) ? account.openFutures : account.openSpot
  const rests = order.orderType === "limit" && order.timeInForce !== "ioc" && order.timeInForce !== "fok"
  if (rests && open >= state.venue.openOrderCap) {
    return refuse(state, uid, state.venue.openOrderCapCode, "The number of open orders has reached its limit", outputs)
  }
  const number = state.counter + 1
  const orderId = `1${String(number).padStart(18, "0")}`
  const placed: Order = {
    orderId,
    clientOid: order.clientOid ?? orderId,
    category: order.category,
    symbol: order.symbol,
    side: order.side,
    orderType: order.orderType,
    price: order.orderType === "market" ? "0" : (order.price ?? "0"),
    qty: order.qty,
    timeInForce: order.timeInForce ?? "gtc",
    posSide: order.posSide ?? (order.side === "buy" ? "long" : "short"),
    reduceOnly: order.reduceOnly ?? "no",
    orderStatus: "live",
    cumExecQty: "0",
    cumExecValue: "0",
    avgPrice: "0",
    cancelReason: "",
    createdTime: at,
    updatedTime: at
  }
  outputs.push({ _tag: "Placed", account: uid, at, order: placed, by })
  const futures = isFutures(order.category) ? 1 : 0
  const next = put(
    { ...state, counter: number },
    {
      ...account,
      open: HashMap.set(account.open, orderId, placed),
      pendingClientOids: HashMap.set(account.pendingClientOids, placed.clientOid, orderId),
      openFutures: account.openFutures + futures,
      openSpot: account.openSpot + 1 - futures
    }
  )
  if (rests) return next
  // There is no book: a market order fills at once, and an order that may not rest finds nothing to trade with.
  return order.orderType === "market"
    ? fillOrder(next, get(next, uid)!, { _tag: "FillOrder", account: uid, orderId }, outputs)
    : closeOrders(
        next,
        uid,
        [orderId],
        (order) => ({ ...order, orderStatus: "cancelled", cancelReason: "normal_cancel", updatedTime: at }),
        (order) => outputs.push({ _tag: "Cancelled", account: uid, at, order, cause: "time_in_force", by })
      )
}

const cancelByRequest = (
  state: State,
  uid: string,
  orderIds: ReadonlyArray<string>,
  by: number | undefined,
  outputs: Array<Output>
): State =>
  closeOrders(
    state,
    uid,
    orderIds,
    (order) => ({ ...order, orderStatus: "cancelled", cancelReason: "normal_cancel", updatedTime: state.now }),
    (order) => outputs.push({ _tag: "Cancelled", account: uid, at: state.now, order, cause: "request", by })
  )

const decimal = (value: number): string => String(Number(value.toFixed(12)))

const fillOrder = (
  state: State,
  account: AccountState,
  event: Extract<Event, { _tag: "FillOrder" }>,
  outputs: Array<Output>
): State => {
  const uid = account.declared.uid
  const order = Option.getOrUndefined(HashMap.get(account.open, event.orderId))
  if (order === undefined) return refuse(state, uid, "25204", "Order does not exist", outputs)
  const left = Number(order.qty) - Number(order.cumExecQty)
  const qty = event.qty === undefined ? left : Number(event.qty)
  if (!(qty > 0 && qty <= left)) return refuse(state, uid, "40017", "The quantity is not what is left to fill", outputs)
  const price = Number(event.price ?? order.price)
  const executed = Number(order.cumExecQty) + qty
  const value = Number(order.cumExecValue) + qty * price
  const filled: Order = {
    ...order,
    cumExecQty: decimal(executed),
    cumExecValue: decimal(value),
    avgPrice: decimal(value / executed),
    orderStatus: qty === left ? "filled" : "partially_filled",
    updatedTime: state.now
  }
  const output = { _tag: "Filled", account: uid, at: state.now, qty: decimal(qty), price: decimal(price) } as const
  if (qty === left) {
    return closeOrders(
      state,
      uid,
      [order.orderId],
      () => filled,
      (order) => outputs.push({ ...output, order })
    )
  }
  outputs.push({ ...output, order: filled })
  return put(state, { ...account, open: HashMap.set(account.open, order.orderId, filled) })
}

const historyLimit = 1_000

/** Takes orders off the book; those that are no longer open are passed over. */
const closeOrders = (
  state: State,
  uid: string,
  orderIds: ReadonlyArray<string>,
  change: (order: Order) => Order,
  each: (order: Order) => void
): State => {
  const account = get(state, uid)!
  const closed: Array<Order> = []
  let { open, openFutures, openSpot, pendingClientOids } = account
  for (const orderId of orderIds) {
    const order = Option.getOrUndefined(HashMap.get(open, orderId))
    if (order === undefined) continue
    const after = change(order)
    closed.push(after)
    each(after)
    open = HashMap.remove(open, orderId)
    pendingClientOids = HashMap.remove(pendingClientOids, order.clientOid)
    if (isFutures(order.category)) openFutures--
    else openSpot--
  }
  if (closed.length === 0) return state
  const history = [...account.closed, ...closed]
  return put(state, {
    ...account,
    open,
    openFutures,
    openSpot,
    pendingClientOids,
    closed: history.length > historyLimit ? history.slice(-historyLimit) : history
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// Parts
// ---------------------------------------------------------------------------------------------------------------------

const get = (state: State, uid: string): AccountState | undefined =>
  Option.getOrUndefined(HashMap.get(state.accounts, uid))

const put = (state: State, account: AccountState): State => ({
  ...state,
  accounts: HashMap.set(state.accounts, account.declared.uid, account)
})

const sorted = (orders: HashMap.HashMap<string, Order>): ReadonlyArray<Order> & Array<Order> =>
  Array.from(HashMap.values(orders)).sort((a, b) => (a.orderId < b.orderId ? -1 : 1))

const addAccount = (state: State, declared: Account): State => {
  const keys = declared.keys ?? [testKey(declared.uid)]
  const known = get(state, declared.uid)
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
  return put(
    { ...state, keys: index },
    known === undefined
      ? {
          declared: complete,
          rank: HashMap.size(state.accounts),
          armed: undefined,
          fired: undefined,
          open: HashMap.empty(),
          pendingClientOids: HashMap.empty(),
          openFutures: 0,
          openSpot: 0,
          closed: [],
          queued: undefined
        }
      : { ...known, declared: complete }
  )
}

/** Windows in order, without those that have passed, and those that touch made one. */
const joined = (windows: ReadonlyArray<Venue.Window>, now: number): ReadonlyArray<Venue.Window> => {
  const result: Array<Venue.Window> = []
  for (const window of [...windows].sort((a, b) => a.from - b.from)) {
    if (window.to <= Math.max(now, window.from)) continue
    const last = result.at(-1)
    if (last !== undefined && window.from <= last.to) {
      result[result.length - 1] = { from: last.from, to: Math.max(last.to, window.to) }
    } else result.push(window)
  }
  return result
}

const addWindow = (state: State, window: Venue.Window): ReadonlyArray<Venue.Window> =>
  joined([...state.windows, window], state.now)
