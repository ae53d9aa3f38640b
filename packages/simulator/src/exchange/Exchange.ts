/**
 * The exchange as a pure machine over accounts, open orders and one countdown per account.
 *
 * `step(state, event, now)` returns the next state and the outputs. Everything that is due by `now` happens before the
 * event. Deadlines are data in a tree: a hundred thousand armed accounts are a hundred thousand entries, and no fibers.
 * Times are ms of the exchange's clock. A state never goes back in time, and stays valid when a later one is made from
 * it.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { ApiKey, Account, Order, Event, Output, Switch, AccountState, State } from "./model.js"
import * as Book from "./book.js"
import * as Replica from "./replica.js"
import * as Timers from "./timers.js"
import * as Venue from "./Venue.js"

/**
 * @since 0.1.0
 */
export type * from "./model.js"

type Step = readonly [state: State, outputs: ReadonlyArray<Output>]

/**
 * The key of an account that is declared without keys. Its values are obvious test values.
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
    due: Timers.nothingDue,
    cancels: Timers.nothingDue,
    entering: Timers.nothingDue,
    past: [],
    orders: 0,
    firings: 0,
    calls: HashMap.empty(),
    addresses: HashMap.empty(),
    windows: Timers.joined(venue.maintenance.filter(({ to }) => to > options.now)),
    inWindow: false,
    resumedAt: -Infinity,
    paused: 0
  }
  for (const account of options.accounts ?? []) state = addAccount(state, account)
  return { ...state, past: Replica.begun(state) }
}

/**
 * The next state: everything that is due by `now` happens, then the event. The exchange refuses an event for an account
 * that does not exist, and one that its own rules forbid: the output is `Refused`.
 *
 * @since 0.1.0
 * @category transitions
 */
export const step = (state: State, event: Event, now: number): Step => {
  const outputs: Array<Output> = []
  return [apply(Timers.run(state, now, outputs), event, outputs), outputs]
}

/**
 * The state after everything that is due by `now`. Under the boundary `"beat"`, work that is due at `now` itself waits,
 * so that a request of the same millisecond comes first.
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
      return keysOf(event.account).some(({ key }) => (owner(state, key) ?? event.account.uid) !== event.account.uid)
        ? Book.refuse(
            state,
            event.account.uid,
            "simulator",
            "A key of this account belongs to another account already: give it a key of its own",
            outputs
          )
        : addAccount(state, event.account)
    case "Maintenance": {
      const window = { from: Math.max(event.window.from, state.now), to: event.window.to }
      outputs.push({ _tag: "Maintenance", at: state.now, phase: "scheduled", window })
      // A window that is over already changes nothing. One that ends now may not have ended yet, so it stays.
      const windows = window.from < window.to ? Timers.joined([...state.windows, window]) : state.windows
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
 * The instant at which the next switch fires unless it is refreshed, in ms of the exchange's clock. Absent when no
 * switch is armed, or while the exchange has stopped its timers.
 *
 * @since 0.1.0
 * @category getters
 */
export const nextDeadline = (state: State): number | undefined => Timers.nextFire(state)

/**
 * The earliest `now` at which `advance` changes anything: a firing, one of its cancels, an order's entry into the book,
 * or an edge of a release window.
 *
 * @since 0.1.0
 * @category getters
 */
export const nextDue = (state: State): number | undefined => {
  const at = Math.min(
    Timers.nextFire(state) ?? Infinity,
    Timers.nextCancel(state) ?? Infinity,
    Timers.nextEntry(state) ?? Infinity,
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
  const deadline = Timers.deadlineOf(state, due.at)
  return {
    _tag: "Armed",
    seconds,
    deadline,
    remaining: Math.max(0, deadline - state.now),
    firesAt: Timers.fireTime(state, due.at),
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
 * The newest 1,000 filled and cancelled orders of an account, in the order of their end.
 *
 * @since 0.1.0
 * @category getters
 */
export const closedOrders = (state: State, uid: string): ReadonlyArray<Order> => Book.get(state, uid)?.closed ?? []

/**
 * The open and the closed orders of an account as the exchange's lists show them: those of `listStaleness` ms ago.
 *
 * @since 0.2.0
 * @category getters
 */
export const listedOrders = (
  state: State,
  uid: string
): { readonly open: ReadonlyArray<Order>; readonly closed: ReadonlyArray<Order> } => {
  const account = Option.getOrUndefined(HashMap.get(Replica.shown(state), uid))
  return account === undefined ? { open: [], closed: [] } : { open: Book.sorted(account.open), closed: account.closed }
}

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
export const accounts = (state: State): ReadonlyArray<AccountState> => {
  const ranked: Array<AccountState> = []
  HashMap.forEach(state.accounts, (account) => (ranked[account.rank] = account))
  return ranked
}

/**
 * Whether the exchange is in a release window.
 *
 * @since 0.1.0
 * @category getters
 */
export const inMaintenance = (state: State): boolean => state.inWindow

/**
 * The exchange without its keys, its rate limits and the past that stale lists show, as plain values. Two states are the
 * same exchange exactly when their snapshots are deeply equal.
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
    accountMode: account.declared.accountMode,
    countdownAccess: account.declared.countdownAccess,
    switch: countdown(state, account.declared.uid),
    open: Book.sorted(account.open),
    closed: account.closed
  })),
  entering: Array.from(state.entering, ([{ at }, { order, uid }]) => ({ at, uid, order })),
  cancelling: Array.from(state.cancels, ([{ at }, { next, orders, uid }]) => ({ at, uid, orders: orders.slice(next) }))
})

const keysOf = (declared: Account): ReadonlyArray<ApiKey> => declared.keys ?? [testKey(declared.uid)]

const owner = (state: State, key: string): string | undefined =>
  Option.getOrUndefined(HashMap.get(state.keys, key))?.uid

const addAccount = (state: State, declared: Account): State => {
  const keys = keysOf(declared)
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
    rank: HashMap.size(state.accounts),
    armed: undefined,
    fired: undefined,
    open: HashMap.empty(),
    pendingClientOids: HashMap.empty(),
    openFutures: 0,
    openSpot: 0,
    closed: []
  })
}
