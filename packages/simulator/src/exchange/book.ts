/**
 * The orders of one account: placing, filling and cancelling. Pure; each function pushes its outputs to `outputs`.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as RedBlackTree from "effect/RedBlackTree"
import type { AccountState, CancelCause, Category, Entering, Event, NewOrder, Order, Output, State } from "./model.js"

/** The most filled and cancelled orders that are kept per account. */
const historyLimit = 1_000

export const get = (state: State, uid: string): AccountState | undefined =>
  Option.getOrUndefined(HashMap.get(state.accounts, uid))

/**
 * A copy to be changed before it is handed on. It names all fields, because a spread of this many costs a microsecond,
 * and each request makes several copies: `pnpm bench:simulator` would be a tenth slower.
 */
export const copyOf = (state: State): { -readonly [K in keyof State]: State[K] } => ({
  venue: state.venue,
  now: state.now,
  accounts: state.accounts,
  keys: state.keys,
  due: state.due,
  cancels: state.cancels,
  entering: state.entering,
  past: state.past,
  orders: state.orders,
  firings: state.firings,
  calls: state.calls,
  addresses: state.addresses,
  windows: state.windows,
  inWindow: state.inWindow,
  resumedAt: state.resumedAt,
  paused: state.paused
})

export const put = (state: State, account: AccountState, due = state.due): State => {
  const next = copyOf(state)
  next.accounts = HashMap.set(state.accounts, account.declared.uid, account)
  next.due = due
  return next
}

export const refuse = (state: State, uid: string, code: string, msg: string, outputs: Array<Output>): State => {
  outputs.push({ _tag: "Refused", account: uid, at: state.now, code, msg })
  return state
}

/** Oldest first: the ids of orders count up. */
export const sorted = (orders: HashMap.HashMap<string, Order>): Array<Order> =>
  Array.from(HashMap.values(orders)).sort((a, b) => (a.orderId < b.orderId ? -1 : 1))

const isFutures = (category: Category): boolean => category !== "SPOT" && category !== "MARGIN"

/** Whether the order can wait in the book. Any other trades at once, or is cancelled at once. */
const rests = (order: Pick<NewOrder, "orderType" | "timeInForce">): boolean =>
  order.orderType === "limit" && order.timeInForce !== "ioc" && order.timeInForce !== "fok"

export const placeOrder = (
  state: State,
  account: AccountState,
  event: Extract<Event, { _tag: "PlaceOrder" }>,
  outputs: Array<Output>
): State => {
  const { by, order } = event
  const uid = account.declared.uid
  const at = state.now
  if (order.clientOid !== undefined && HashMap.has(account.pendingClientOids, order.clientOid)) {
    return refuse(state, uid, "25212", "Duplicate clientOid", outputs)
  }
  const futures = isFutures(order.category)
  if (rests(order) && (futures ? account.openFutures : account.openSpot) >= state.venue.openOrderCap) {
    return refuse(
      state,
      uid,
      state.venue.codes.openOrderCap,
      "The number of open orders has reached its limit",
      outputs
    )
  }
  const number = state.orders + 1
  const orderId = `1${String(number).padStart(18, "0")}`
  const placed: Order = {
    orderId,
    clientOid: order.clientOid ?? orderId,
    category: order.category,
    symbol: order.symbol,
    side: order.side,
    orderType: order.orderType,
    price: order.price ?? "0",
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
  const latency = state.venue.placingLatency
  const entersAt = latency > 0 ? at + latency : undefined
  outputs.push({ _tag: "Placed", account: uid, at, order: placed, entersAt, by })
  const known: AccountState = {
    ...account,
    open: entersAt === undefined ? HashMap.set(account.open, orderId, placed) : account.open,
    pendingClientOids: HashMap.set(account.pendingClientOids, placed.clientOid, orderId),
    openFutures: account.openFutures + (futures ? 1 : 0),
    openSpot: account.openSpot + (futures ? 0 : 1)
  }
  if (entersAt === undefined) return match(put({ ...state, orders: number }, known), uid, placed, by, outputs)
  const entering = RedBlackTree.insert(state.entering, { at: entersAt, rank: number }, { uid, order: placed, by })
  return put({ ...state, orders: number, entering }, known)
}

/** Puts an order that was placed earlier into the book. */
export const enter = (state: State, { by, order, uid }: Entering, outputs: Array<Output>): State => {
  const account = get(state, uid)!
  outputs.push({ _tag: "Entered", account: uid, at: state.now, order })
  const open = HashMap.set(account.open, order.orderId, order)
  return match(put(state, { ...account, open }), uid, order, by, outputs)
}

/** Ends an order of the book that may not rest there. */
const match = (state: State, uid: string, order: Order, by: number | undefined, outputs: Array<Output>): State => {
  if (rests(order)) return state
  const { orderId } = order
  // There is no market. A market order fills at once, and an order that must trade at once finds no counterpart.
  return order.orderType === "market"
    ? fillOrder(state, get(state, uid)!, { orderId, cause: "market" }, outputs)
    : cancelOrders(
        state,
        uid,
        [orderId],
        { cause: "time_in_force", reason: "normal_cancel", time: state.now, by },
        outputs
      )
}

/** Reads a number as the exchange writes it: exact, without sign and exponent. */
const decimal = (text: string): BigDecimal.BigDecimal | undefined =>
  /^\d{1,40}(\.\d{1,60})?$/.test(text) ? BigDecimal.unsafeFromString(text) : undefined

/** Writes a number as the exchange does, because `BigDecimal.format` uses exponents beyond 16 digits. */
const written = (number: BigDecimal.BigDecimal): string => {
  const { scale, value } = BigDecimal.normalize(number)
  if (scale <= 0) return String(value * 10n ** BigInt(-scale))
  const digits = String(value).padStart(scale + 1, "0")
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

export const fillOrder = (
  state: State,
  account: AccountState,
  fill: {
    readonly orderId: string
    readonly qty?: string | undefined
    readonly price?: string | undefined
    readonly cause: "market" | "control"
  },
  outputs: Array<Output>
): State => {
  const uid = account.declared.uid
  const order = Option.getOrUndefined(HashMap.get(account.open, fill.orderId))
  if (order === undefined) return refuse(state, uid, "25204", "Order does not exist", outputs)
  const invalid = () =>
    refuse(state, uid, "40017", "The quantity is not what is left to fill, or the price is none", outputs)
  const whole = decimal(order.qty)
  const before = decimal(order.cumExecQty)
  const valueBefore = decimal(order.cumExecValue)
  const price = decimal(fill.price ?? order.price)
  if (whole === undefined || before === undefined || valueBefore === undefined || price === undefined) return invalid()
  const left = BigDecimal.subtract(whole, before)
  const qty = fill.qty === undefined ? left : decimal(fill.qty)
  if (qty === undefined || !BigDecimal.isPositive(qty) || BigDecimal.greaterThan(qty, left)) return invalid()
  const isWhole = BigDecimal.equals(qty, left)
  const executed = BigDecimal.sum(before, qty)
  const value = BigDecimal.sum(valueBefore, BigDecimal.multiply(qty, price))
  const filled: Order = {
    ...order,
    cumExecQty: written(executed),
    cumExecValue: written(value),
    avgPrice: written(BigDecimal.round(BigDecimal.unsafeDivide(value, executed), { scale: 12 })),
    orderStatus: isWhole ? "filled" : "partially_filled",
    updatedTime: state.now
  }
  outputs.push({
    _tag: "Filled",
    account: uid,
    at: state.now,
    order: filled,
    qty: written(qty),
    price: written(price),
    cause: fill.cause
  })
  return isWhole
    ? closeOrders(state, uid, [filled])
    : put(state, { ...account, open: HashMap.set(account.open, order.orderId, filled) })
}

/** Cancels the orders that are still open. */
export const cancelOrders = (
  state: State,
  uid: string,
  orderIds: ReadonlyArray<string>,
  how: {
    readonly cause: CancelCause
    readonly reason: string
    readonly time: number
    readonly by?: number | undefined
  },
  outputs: Array<Output>
): State => {
  const account = get(state, uid)!
  const cancelled: Array<Order> = []
  for (const orderId of orderIds) {
    const open = Option.getOrUndefined(HashMap.get(account.open, orderId))
    if (open === undefined) continue
    const order: Order = { ...open, orderStatus: "cancelled", cancelReason: how.reason, updatedTime: how.time }
    cancelled.push(order)
    outputs.push({ _tag: "Cancelled", account: uid, at: state.now, order, cause: how.cause, by: how.by })
  }
  return closeOrders(state, uid, cancelled)
}

/** Moves open orders to the history. */
const closeOrders = (state: State, uid: string, orders: ReadonlyArray<Order>): State => {
  const account = get(state, uid)!
  let { open, openFutures, openSpot, pendingClientOids } = account
  for (const order of orders) {
    open = HashMap.remove(open, order.orderId)
    pendingClientOids = HashMap.remove(pendingClientOids, order.clientOid)
    if (isFutures(order.category)) openFutures--
    else openSpot--
  }
  const history = [...account.closed, ...orders]
  return put(state, {
    ...account,
    open,
    openFutures,
    openSpot,
    pendingClientOids,
    closed: history.length > historyLimit ? history.slice(-historyLimit) : history
  })
}
