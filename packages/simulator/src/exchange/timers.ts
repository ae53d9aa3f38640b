/**
 * What happens at the exchange by itself, in the order of time: switches that fire, cancels that follow one by one, and
 * the edges of release windows. Pure.
 *
 * A switch's deadline is kept on the running clock, which stands still while the venue pauses its timers; `paused` is
 * what it has lost against the venue's clock so far. So a release window costs the same with one armed account and with
 * a hundred thousand.
 */
import type * as Venue from "./Venue.js"
import { cancelOrders, copyOf, get, put, sorted } from "./book.js"
import * as Heap from "./heap.js"
import type { AccountState, CancelEntry, DueEntry, Event, Output, State } from "./model.js"
import * as Table from "./table.js"

/** The next beginning or end of a release window. */
export const nextEdge = (state: State): number | undefined => {
  const window = state.windows[0]
  if (window === undefined) return undefined
  return state.inWindow ? window.to : window.from
}

const swept = (at: number, period: number): number => (period > 0 ? Math.ceil(at / period) * period : at)

/** The venue's time of a deadline of the running clock, as far as the release windows that have begun are known. */
export const deadlineOf = (state: State, due: number): number => {
  const window = state.inWindow && state.venue.maintenanceTimer === "pauses" ? state.windows[0] : undefined
  return due + state.paused + (window === undefined ? 0 : window.to - window.from)
}

/** When the venue acts on it: at its next look, and not in a window that holds firings back. */
export const fireTime = (state: State, due: number): number => {
  const window = state.inWindow && state.venue.maintenanceTimer === "fires-at-end" ? state.windows[0] : undefined
  return Math.max(swept(deadlineOf(state, due), state.venue.sweepPeriod), window?.to ?? state.resumedAt)
}

/** When the next switch fires, if the venue's timers are not stopped. */
export const nextFire = (state: State): number | undefined => {
  const entry = state.due?.item
  if (entry === undefined || (state.inWindow && state.venue.maintenanceTimer !== "runs")) return undefined
  return fireTime(state, entry.at)
}

/** Everything that is due by `target`, in order; under the boundary `"beat"` what is due at `target` itself waits. */
export const run = (from: State, target: number, outputs: Array<Output>): State => {
  let state = from
  const now = Math.max(target, state.now)
  const isDue = state.venue.boundary === "fire" ? (at: number) => at <= now : (at: number) => at < now
  for (;;) {
    const edge = nextEdge(state) ?? Infinity
    const cancel = state.cancels?.item.at ?? Infinity
    const fire = nextFire(state) ?? Infinity
    const at = Math.min(edge, cancel, fire)
    if (!isDue(at)) break
    // What should have happened before (a clock that started at the acceptance of a slow request) happens now.
    if (at > state.now) state = movedTo(state, at)
    if (edge === at) state = crossEdge(state, outputs)
    else if (cancel === at) state = cancelNext(state, outputs)
    else state = fireNext(state, outputs)
  }
  return state.now === now ? state : movedTo(state, now)
}

const movedTo = (state: State, now: number): State => {
  const next = copyOf(state)
  next.now = now
  return next
}

const crossEdge = (state: State, outputs: Array<Output>): State => {
  const window = state.windows[0]!
  outputs.push({ _tag: "Maintenance", at: state.now, phase: state.inWindow ? "ended" : "begun", window })
  if (!state.inWindow) {
    // A window that was declared late begins when it is heard of.
    return { ...state, inWindow: true, windows: [{ ...window, from: state.now }, ...state.windows.slice(1)] }
  }
  const { maintenanceTimer } = state.venue
  return {
    ...state,
    inWindow: false,
    windows: state.windows.slice(1),
    resumedAt: maintenanceTimer === "fires-at-end" ? state.now : state.resumedAt,
    paused: state.paused + (maintenanceTimer === "pauses" ? state.now - window.from : 0)
  }
}

const fireNext = (state: State, outputs: Array<Output>): State => {
  const { at: due, uid } = state.due!.item
  const account = get(state, uid)!
  const at = state.now
  const deadline = deadlineOf(state, due)
  const victims = sorted(account.open).map((order) => order.orderId)
  if (state.venue.cancelOrder === "newest") victims.reverse()
  outputs.push({ _tag: "Switch", account: uid, at, transition: "fired", deadline, seconds: account.armed!.seconds })
  const fired = clean({
    ...put(state, withTimer(account, undefined, { at, deadline, orders: victims.length }, undefined)),
    due: Heap.pop(state.due)
  })
  if (victims.length === 0) return fired
  const entry: CancelEntry = {
    at: at + state.venue.triggerLatency,
    rank: fired.tokens,
    uid,
    firedAt: at,
    orders: victims,
    next: 0
  }
  return { ...fired, tokens: fired.tokens + 1, cancels: Heap.insert(fired.cancels, entry) }
}

const cancelNext = (state: State, outputs: Array<Output>): State => {
  const entry = state.cancels!.item
  const pace = state.venue.cancelPace
  const next = pace > 0 ? entry.next + 1 : entry.orders.length
  const how = {
    cause: "countdown",
    reason: state.venue.cancelReason,
    time: state.venue.cancelUpdatedTime === "trigger" ? entry.firedAt : state.now
  } as const
  const rest = Heap.pop(state.cancels)
  const cancels = next < entry.orders.length ? Heap.insert(rest, { ...entry, at: entry.at + pace, next }) : rest
  return cancelOrders({ ...state, cancels }, entry.uid, entry.orders.slice(entry.next, next), how, outputs)
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
    if (account.armed === undefined) return state
    outputs.push({ _tag: "Switch", account: uid, at, transition: "closed", by })
    return clean(put(state, withTimer(account, undefined, undefined, account.queued)))
  }
  const from = event.from ?? at
  // The running clock has stood still since the beginning of the window: what is armed in it starts to run at its end.
  const still = state.inWindow && state.venue.maintenanceTimer === "pauses" ? state.windows[0]!.from : Infinity
  const due = Math.min(from, still) + seconds * 1000 - state.paused
  const transition = account.armed === undefined ? "armed" : "refreshed"
  const armed = { seconds, armedAt: at, due }
  const isFirst = account.queued !== undefined && state.due?.item.token === account.queued.token
  // A later deadline leaves the account's entry where it is until it gets to the top: most beats then cost no work in
  // the heap. At the top it is moved at once, so that the top is always true.
  const next = isFirst
    ? clean(enqueue(state, account, armed, Heap.pop(state.due)))
    : account.queued !== undefined && account.queued.at <= due
      ? put(state, withTimer(account, armed, undefined, account.queued))
      : enqueue(state, account, armed, state.due)
  outputs.push({
    _tag: "Switch",
    account: uid,
    at,
    transition,
    deadline: deadlineOf(next, due),
    seconds,
    from,
    by
  })
  return next
}

/** Field by field, for the same reason as `copyOf`. */
const withTimer = (
  account: AccountState,
  armed: AccountState["armed"],
  fired: AccountState["fired"],
  queued: AccountState["queued"]
): AccountState => ({
  declared: account.declared,
  rank: account.rank,
  armed,
  fired,
  open: account.open,
  pendingClientOids: account.pendingClientOids,
  openFutures: account.openFutures,
  openSpot: account.openSpot,
  closed: account.closed,
  queued
})

/** Arms the account, with an entry of its own in the heap. */
const enqueue = (
  state: State,
  account: AccountState,
  armed: NonNullable<AccountState["armed"]>,
  heap: Heap.Heap<DueEntry>
): State => {
  const token = state.tokens
  const rank = state.venue.tieOrder === "declared" ? account.rank : -account.rank
  // The account refers to its entry in the heap: one object for both.
  const entry: DueEntry = { at: armed.due, rank, uid: account.declared.uid, token }
  const next = copyOf(state)
  next.accounts = Table.set(state.accounts, account.declared.uid, withTimer(account, armed, undefined, entry))
  next.tokens = token + 1
  next.due = Heap.insert(heap, entry)
  return next
}

const withoutFirst = (state: State): State => {
  const next = copyOf(state)
  next.due = Heap.pop(state.due)
  return next
}

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
        ? put(state, withTimer(account, undefined, account.fired, undefined))
        : enqueue(state, account, account.armed, state.due)
  }
}

/** Windows in order, without those that have passed; windows that touch are one. */
export const joined = (windows: ReadonlyArray<Venue.Window>, now: number): ReadonlyArray<Venue.Window> => {
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
