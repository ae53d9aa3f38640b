/**
 * The exchange's own work, in the order of time: beginning and ending release windows, letting orders into the book,
 * cancelling orders one by one, firing switches. Work of one instant comes in this order. Pure.
 *
 * Deadlines are instants of the running clock, which stands still while the exchange pauses its timers. `paused` is how
 * far it is behind the exchange's clock. So a release window costs the same with one armed account and with a hundred
 * thousand.
 */
import * as Option from "effect/Option"
import * as RedBlackTree from "effect/RedBlackTree"
import { cancelOrders, copyOf, enter, get, put, refuse, sorted } from "./book.js"
import type { AccountState, Due, Event, Order, Output, State } from "./model.js"
import * as Replica from "./replica.js"
import type * as Venue from "./Venue.js"

/** A tree in the order of time. */
export const nothingDue: RedBlackTree.RedBlackTree<Due, never> = RedBlackTree.empty((a, b) =>
  a.at < b.at ? -1 : a.at > b.at ? 1 : a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0
)

const first = <A>(tree: RedBlackTree.RedBlackTree<Due, A>): readonly [Due, A] | undefined =>
  Option.getOrUndefined(RedBlackTree.first(tree))

/** The next beginning or end of a release window. */
export const nextEdge = (state: State): number | undefined => {
  const window = state.windows[0]
  if (window === undefined) return undefined
  return state.inWindow ? window.to : window.from
}

const swept = (at: number, period: number): number => (period > 0 ? Math.ceil(at / period) * period : at)

/** A deadline on the exchange's clock, given the release windows that have begun. */
export const deadlineOf = (state: State, due: number): number => {
  const window = state.inWindow && state.venue.maintenanceTimer === "pauses" ? state.windows[0] : undefined
  return due + state.paused + (window === undefined ? 0 : window.to - window.from)
}

/** When the exchange acts on a deadline: at its next look, and not in a window that holds firings back. */
export const fireTime = (state: State, due: number): number => {
  const window = state.inWindow && state.venue.maintenanceTimer !== "runs" ? state.windows[0] : undefined
  return Math.max(swept(deadlineOf(state, due), state.venue.sweepPeriod), window?.to ?? state.resumedAt)
}

/** When the next switch fires, unless the exchange has stopped its timers. */
export const nextFire = (state: State): number | undefined => {
  const soonest = first(state.due)
  if (soonest === undefined || (state.inWindow && state.venue.maintenanceTimer !== "runs")) return undefined
  return fireTime(state, soonest[0].at)
}

/** When the next order enters the book. */
export const nextEntry = (state: State): number | undefined =>
  state.venue.placingLatency > 0 ? first(state.entering)?.[0].at : undefined

/** When the next order of a fired switch is cancelled. */
export const nextCancel = (state: State): number | undefined => first(state.cancels)?.[0].at

/**
 * Does everything that is due by `target`, in order. Under the boundary `"beat"`, work due at `target` itself waits.
 */
export const run = (from: State, target: number, outputs: Array<Output>): State => {
  let state = from
  const now = Math.max(target, state.now)
  const isDue = state.venue.boundary === "fire" ? (at: number) => at <= now : (at: number) => at < now
  for (;;) {
    const edge = nextEdge(state) ?? Infinity
    const entry = nextEntry(state) ?? Infinity
    const cancel = nextCancel(state) ?? Infinity
    const fire = nextFire(state) ?? Infinity
    const at = Math.min(edge, entry, cancel, fire)
    if (!isDue(at)) break
    // A countdown that counts from the acceptance of a slow request can be overdue; it fires now.
    if (at > state.now) state = movedTo(state, at)
    if (edge === at) state = crossEdge(state, outputs)
    else if (entry === at) state = enterNext(state, outputs)
    else if (cancel === at) state = cancelNext(state, outputs)
    else state = fireNext(state, outputs)
  }
  return state.now === now ? state : movedTo(state, now)
}

const movedTo = (state: State, now: number): State => {
  const next = copyOf(state)
  next.now = now
  if (state.venue.listStaleness > 0) next.past = Replica.kept(state, now)
  return next
}

const crossEdge = (state: State, outputs: Array<Output>): State => {
  const window = state.windows[0]!
  outputs.push({ _tag: "Maintenance", at: state.now, phase: state.inWindow ? "ended" : "begun", window })
  if (!state.inWindow) {
    // A window that was declared after its beginning begins now.
    return { ...state, inWindow: true, windows: [{ ...window, from: state.now }, ...state.windows.slice(1)] }
  }
  return {
    ...state,
    inWindow: false,
    windows: state.windows.slice(1),
    resumedAt: state.now,
    paused: state.paused + (state.venue.maintenanceTimer === "pauses" ? state.now - window.from : 0)
  }
}

const enterNext = (state: State, outputs: Array<Output>): State => {
  const [due, entering] = first(state.entering)!
  return enter({ ...state, entering: RedBlackTree.removeFirst(state.entering, due) }, entering, outputs)
}

const isSpared = (spared: ReadonlyArray<Venue.Spared>, order: Order): boolean =>
  spared.includes(order.category) || (order.reduceOnly === "yes" && spared.includes("reduceOnly"))

const fireNext = (state: State, outputs: Array<Output>): State => {
  const [key, uid] = first(state.due)!
  const account = get(state, uid)!
  const at = state.now
  const deadline = deadlineOf(state, key.at)
  const { cancelOrder, sparedOrders } = state.venue
  const open = sorted(account.open)
  const hit = sparedOrders.length === 0 ? open : open.filter((order) => !isSpared(sparedOrders, order))
  const orders = hit.map((order) => order.orderId)
  if (cancelOrder === "newest") orders.reverse()
  outputs.push({ _tag: "Switch", account: uid, at, transition: "fired", deadline, seconds: account.armed!.seconds })
  const fired = disarmed(state, account, { at, deadline, orders: orders.length })
  if (orders.length === 0) return fired
  const due = { at: at + state.venue.triggerLatency, rank: fired.firings }
  const cancels = RedBlackTree.insert(fired.cancels, due, { uid, firedAt: at, orders, next: 0 })
  return { ...fired, firings: fired.firings + 1, cancels }
}

const cancelNext = (state: State, outputs: Array<Output>): State => {
  const [due, { firedAt, next, orders, uid }] = first(state.cancels)!
  const pace = state.venue.cancelPace
  const end = pace > 0 ? next + 1 : orders.length
  const how = {
    cause: "countdown",
    reason: state.venue.cancelReason,
    time: state.venue.cancelUpdatedTime === "trigger" ? firedAt : state.now
  } as const
  const rest = RedBlackTree.removeFirst(state.cancels, due)
  const cancels =
    end < orders.length
      ? RedBlackTree.insert(rest, { at: due.at + pace, rank: due.rank }, { uid, firedAt, orders, next: end })
      : rest
  return cancelOrders({ ...state, cancels }, uid, orders.slice(next, end), how, outputs)
}

/** Sets or closes the switch of an account. */
export const setCountdown = (
  state: State,
  account: AccountState,
  event: Extract<Event, { _tag: "SetCountdown" }>,
  outputs: Array<Output>
): State => {
  const { by, seconds } = event
  const uid = account.declared.uid
  const at = state.now
  if (seconds === 0) {
    if (account.armed === undefined) {
      const { offWhenClosed } = state.venue
      return offWhenClosed === "accept" ? state : refuse(state, uid, offWhenClosed, "No countdown is running", outputs)
    }
    outputs.push({ _tag: "Switch", account: uid, at, transition: "closed", by })
    return disarmed(state, account, undefined)
  }
  const from = event.from ?? at
  // The running clock has stood still since the window began, so a countdown that is set in it starts at its end.
  const still = state.inWindow && state.venue.maintenanceTimer === "pauses" ? state.windows[0]!.from : Infinity
  const due: Due = {
    at: Math.min(from, still) + seconds * 1000 - state.paused,
    rank: state.venue.tieOrder === "declared" ? account.rank : -account.rank
  }
  const isShorter = account.armed !== undefined && due.at < account.armed.due.at
  if (isShorter && state.venue.shorterCountdown === "ignored") return state
  const transition = account.armed === undefined ? "armed" : "refreshed"
  const deadline = deadlineOf(state, due.at)
  outputs.push({ _tag: "Switch", account: uid, at, transition, deadline, seconds, from, by })
  const queue = RedBlackTree.insert(withoutDeadline(state, account), due, uid)
  return put(state, withTimer(account, { seconds, armedAt: at, due }, undefined), queue)
}

/** Closes the switch of an account; `fired` says how it fired, if it did. */
const disarmed = (state: State, account: AccountState, fired: AccountState["fired"]): State =>
  put(state, withTimer(account, undefined, fired), withoutDeadline(state, account))

/** Names all fields for the same reason as `copyOf`. */
const withTimer = (
  account: AccountState,
  armed: AccountState["armed"],
  fired: AccountState["fired"]
): AccountState => ({
  declared: account.declared,
  rank: account.rank,
  armed,
  fired,
  open: account.open,
  pendingClientOids: account.pendingClientOids,
  openFutures: account.openFutures,
  openSpot: account.openSpot,
  closed: account.closed
})

/** The tree finds an entry by the identity of its key, which the account keeps. */
const withoutDeadline = (state: State, account: AccountState): State["due"] =>
  account.armed === undefined ? state.due : RedBlackTree.removeFirst(state.due, account.armed.due)

/** Windows in order; windows that touch are one. */
export const joined = (windows: ReadonlyArray<Venue.Window>): ReadonlyArray<Venue.Window> => {
  const result: Array<Venue.Window> = []
  for (const window of [...windows].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last !== undefined && window.from <= last.to) {
      result[result.length - 1] = { from: last.from, to: Math.max(last.to, window.to) }
    } else result.push(window)
  }
  return result
}
