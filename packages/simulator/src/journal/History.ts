/**
 * The journal by account: beats, countdown segments, fires, the lives of orders, and the bot's own view. Assertions and
 * pictures both start from it. A pure function of the journal.
 *
 * @since 0.1.0
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Fault from "../network/Fault.js"
import type * as Journal from "./records.js"

/**
 * A run so far, to be judged or drawn. Instants are ms of the exchange's clock. `start` is the zero of every printed
 * time, and `now` is the end of the run so far.
 *
 * @since 0.1.0
 * @category models
 */
export interface Evidence {
  readonly seed: number
  readonly start: number
  readonly now: number
  /** How many older entries the journal has dropped. */
  readonly dropped: number
  readonly entries: ReadonlyArray<Journal.Entry>
}

/**
 * A request that sets the countdown.
 *
 * @since 0.1.0
 * @category models
 */
export interface Beat {
  readonly record: Journal.RequestRecord
  /** The countdown in the body, `"0"` for off; `undefined` for a body without one. */
  readonly countdown: string | undefined
}

/**
 * A countdown segment: the switch was armed from `from` until `to`, and would have fired at `deadline`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Segment {
  readonly from: number
  /** Absent while it runs. */
  readonly to: number | undefined
  readonly deadline: number
  readonly seconds: number
  readonly end: "refreshed" | "closed" | "fired" | "running"
  /** The request that set it. */
  readonly by: number | undefined
}

/**
 * A firing of the switch, and the cancels of the orders that it was the first to find in the book.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fire {
  readonly at: number
  readonly deadline: number
  readonly cancelled: ReadonlyArray<Journal.CancelRecord>
}

/**
 * An order from its placement to its end. It is open from its entry into the book on.
 *
 * @since 0.1.0
 * @category models
 */
export interface OrderLife {
  readonly orderId: string
  readonly placed: Journal.PlacedRecord
  /** When it entered the book, or will do so. */
  readonly openedAt: number
  /** Absent while it is open. */
  readonly closedAt: number | undefined
  readonly how: Journal.CancelRecord["cause"] | "filled" | undefined
}

/**
 * The history of one account.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lane {
  readonly account: string
  readonly beats: ReadonlyArray<Beat>
  /** All its requests, beats included. */
  readonly requests: ReadonlyArray<Journal.RequestRecord>
  readonly segments: ReadonlyArray<Segment>
  readonly fires: ReadonlyArray<Fire>
  readonly orders: ReadonlyArray<OrderLife>
  readonly windows: ReadonlyArray<Journal.WindowRecord>
}

/**
 * A span of time; `to` is absent while it lasts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Span {
  readonly label: string
  readonly from: number
  readonly to: number | undefined
}

/**
 * The history of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface History {
  readonly evidence: Evidence
  /** All accounts of the exchange, with or without requests. */
  readonly accounts: ReadonlyArray<string>
  /** In the order of first appearance. */
  readonly lanes: ReadonlyArray<Lane>
  readonly marks: ReadonlyArray<Journal.MarkRecord>
  readonly faults: ReadonlyArray<Span>
  readonly maintenance: ReadonlyArray<Span>
}

/**
 * Whether a request is one that sets the countdown.
 *
 * @since 0.1.0
 * @category getters
 */
export const isBeat = (record: Journal.RequestRecord): boolean => record.endpoint === "countdown-cancel-all"

const countdownOf = (body: string): string | undefined => {
  try {
    const value: unknown = (JSON.parse(body) as { readonly countdown?: unknown } | null)?.countdown
    return value === undefined || value === null ? undefined : String(value)
  } catch {
    return undefined
  }
}

interface Draft {
  readonly account: string
  readonly beats: Array<Beat>
  readonly requests: Array<Journal.RequestRecord>
  readonly segments: Array<Segment>
  readonly fires: Array<{
    readonly at: number
    readonly deadline: number
    readonly cancelled: Array<Journal.CancelRecord>
  }>
  readonly orders: Map<string, OrderLife>
  /** How many firings there had been when the order was placed. */
  readonly firedBefore: Map<string, number>
  readonly filled: Map<string, BigDecimal.BigDecimal>
  readonly windows: Array<Journal.WindowRecord>
}

const decimal = (text: string): BigDecimal.BigDecimal =>
  Option.getOrElse(BigDecimal.fromString(text), () => BigDecimal.fromBigInt(0n))

const endSegment = (draft: Draft, to: number, end: Segment["end"]): void => {
  const last = draft.segments.at(-1)
  if (last?.end === "running") draft.segments[draft.segments.length - 1] = { ...last, to, end }
}

const closeOrder = (draft: Draft, orderId: string, closedAt: number, how: OrderLife["how"]): void => {
  const life = draft.orders.get(orderId)
  if (life !== undefined && life.closedAt === undefined) draft.orders.set(orderId, { ...life, closedAt, how })
}

/** The first firing that found the order in the book: while it still cancels one by one, the next may come. */
const firingOf = (draft: Draft, orderId: string): Draft["fires"][number] | undefined => {
  const openedAt = draft.orders.get(orderId)?.openedAt ?? -Infinity
  const later = draft.fires.slice(draft.firedBefore.get(orderId) ?? -1)
  return later.find((fire) => fire.at >= openedAt)
}

const openSpan = (spans: Array<Span>, label: string, from: number): void => {
  spans.push({ label, from, to: undefined })
}

const closeSpan = (spans: Array<Span>, label: string, to: number): void => {
  const index = spans.findIndex((span) => span.label === label && span.to === undefined)
  const span = spans[index]
  if (span !== undefined) spans[index] = { ...span, to }
}

/**
 * The history of a run.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (evidence: Evidence): History => {
  const drafts = new Map<string, Draft>()
  const of = (account: string): Draft => {
    const known = drafts.get(account)
    if (known !== undefined) return known
    const draft: Draft = {
      account,
      beats: [],
      requests: [],
      segments: [],
      fires: [],
      orders: new Map(),
      firedBefore: new Map(),
      filled: new Map(),
      windows: []
    }
    drafts.set(account, draft)
    return draft
  }
  const accounts = new Set<string>()
  const marks: Array<Journal.MarkRecord> = []
  const faults: Array<Span> = []
  const maintenance: Array<Span> = []

  for (const entry of evidence.entries) {
    switch (entry._tag) {
      case "Start":
        for (const account of entry.accounts) accounts.add(account.uid)
        break
      case "Account":
        accounts.add(entry.account.uid)
        break
      case "Request": {
        if (entry.account === undefined) break
        const draft = of(entry.account)
        draft.requests.push(entry)
        if (isBeat(entry)) draft.beats.push({ record: entry, countdown: countdownOf(entry.body) })
        break
      }
      case "Switch": {
        const draft = of(entry.account)
        switch (entry.transition) {
          case "armed":
          case "refreshed":
            endSegment(draft, entry.at, "refreshed")
            draft.segments.push({
              from: entry.at,
              to: undefined,
              deadline: entry.deadline ?? entry.at,
              seconds: entry.seconds ?? 0,
              end: "running",
              by: entry.by
            })
            break
          case "closed":
            endSegment(draft, entry.at, "closed")
            break
          case "fired":
            endSegment(draft, entry.at, "fired")
            draft.fires.push({ at: entry.at, deadline: entry.deadline ?? entry.at, cancelled: [] })
            break
        }
        break
      }
      case "Placed": {
        const draft = of(entry.account)
        draft.firedBefore.set(entry.orderId, draft.fires.length)
        draft.orders.set(entry.orderId, {
          orderId: entry.orderId,
          placed: entry,
          openedAt: entry.entersAt ?? entry.at,
          closedAt: undefined,
          how: undefined
        })
        break
      }
      case "Cancelled": {
        const draft = of(entry.account)
        closeOrder(draft, entry.orderId, entry.at, entry.cause)
        if (entry.cause === "countdown") firingOf(draft, entry.orderId)?.cancelled.push(entry)
        break
      }
      case "Filled": {
        const draft = of(entry.account)
        const before = draft.filled.get(entry.orderId) ?? BigDecimal.fromBigInt(0n)
        const sum = BigDecimal.sum(before, decimal(entry.qty))
        draft.filled.set(entry.orderId, sum)
        const life = draft.orders.get(entry.orderId)
        if (life !== undefined && BigDecimal.greaterThanOrEqualTo(sum, decimal(life.placed.order.qty))) {
          closeOrder(draft, entry.orderId, entry.at, "filled")
        }
        break
      }
      case "Fault":
        if (entry.change === "added") openSpan(faults, entry.fault, entry.at)
        else closeSpan(faults, entry.fault, entry.at)
        break
      case "Maintenance":
        if (entry.phase === "begun") openSpan(maintenance, "maintenance", entry.at)
        else if (entry.phase === "ended") closeSpan(maintenance, "maintenance", entry.at)
        break
      case "Mark":
        marks.push(entry)
        break
      case "Window":
        of(entry.account).windows.push(entry)
        break
    }
  }
  return {
    evidence,
    accounts: [...accounts],
    lanes: [...drafts.values()].map(({ account, beats, fires, orders, requests, segments, windows }) => ({
      account,
      beats,
      requests,
      segments,
      fires,
      orders: [...orders.values()],
      windows
    })),
    marks,
    faults,
    maintenance
  }
}

/**
 * The history of one account; an empty one for an account that never appears.
 *
 * @since 0.1.0
 * @category getters
 */
export const laneOf = (history: History, account: string): Lane =>
  history.lanes.find((lane) => lane.account === account) ?? {
    account,
    beats: [],
    requests: [],
    segments: [],
    fires: [],
    orders: [],
    windows: []
  }

/**
 * The orders that are open at an instant: in the book by then, and not yet closed. Events at the instant itself count as
 * past.
 *
 * @since 0.1.0
 * @category getters
 */
export const openOrders = (lane: Lane, at: number): ReadonlyArray<OrderLife> =>
  lane.orders.filter((life) => life.openedAt <= at && (life.closedAt === undefined || life.closedAt > at))

/** How many of the items, sorted by instant, are not after `at`. */
const countUpTo = <A>(items: ReadonlyArray<A>, instantOf: (item: A) => number, at: number): number => {
  let from = 0
  let to = items.length
  while (from < to) {
    const middle = (from + to) >> 1
    const item = items[middle]
    if (item !== undefined && instantOf(item) <= at) from = middle + 1
    else to = middle
  }
  return from
}

/**
 * Counts the open orders at any instant, with an index that is built once.
 *
 * @since 0.1.0
 * @category getters
 */
export const openCount = (lane: Lane): ((at: number) => number) => {
  const opened = lane.orders.map((life) => life.openedAt).sort((a, b) => a - b)
  const closed = lane.orders
    .flatMap((life) => (life.closedAt === undefined ? [] : [life.closedAt]))
    .sort((a, b) => a - b)
  return (at) => countUpTo(opened, Number, at) - countUpTo(closed, Number, at)
}

/**
 * The segment that runs at an instant; `undefined` when the switch is not armed then. At the instant of a refresh it is
 * the new segment; at the instant of the firing there is none.
 *
 * @since 0.1.0
 * @category getters
 */
export const segmentAt = (lane: Lane, at: number): Segment | undefined => {
  // Each segment ends before the next begins.
  const segment = lane.segments[countUpTo(lane.segments, (segment) => segment.from, at) - 1]
  return segment === undefined || (segment.to !== undefined && segment.to <= at) ? undefined : segment
}

/**
 * An instant as it is printed: seconds since the start with three decimals.
 *
 * @since 0.1.0
 * @category conversions
 */
export const seconds = (evidence: Evidence, at: number): string => ((at - evidence.start) / 1000).toFixed(3)

/**
 * A short name of a request: `beat 10 s`, `switch off`, or the end of its path.
 *
 * @since 0.1.0
 * @category conversions
 */
export const nameOf = (record: Journal.RequestRecord): string => {
  if (!isBeat(record)) return record.endpoint.slice(record.endpoint.lastIndexOf("/") + 1)
  const countdown = countdownOf(record.body)
  return countdown === "0" ? "switch off" : `beat ${countdown ?? "without a countdown"} s`
}

const actsOf = (record: Journal.RequestRecord): ReadonlyArray<Fault.Act> =>
  record.faults.flatMap((text) =>
    Either.match(Fault.parse(text), { onLeft: () => [], onRight: (fault) => [fault.act] })
  )

/**
 * The fate of a request. `"refused"` and `"reset"`: the client sees that the connection failed. `"not handled"`:
 * accepted, and neither applied nor answered. `"under way"`: a response may still come.
 *
 * @since 0.1.0
 * @category models
 */
export type Fate =
  "answered" | "refused" | "reset" | "request lost" | "not handled" | "answer lost" | "copy" | "under way"

/**
 * The fate of a request. Its instants say how far it came.
 *
 * @since 0.1.0
 * @category getters
 */
export const fateOf = (record: Journal.RequestRecord): Fate => {
  if (record.receivedAt !== undefined) return "answered"
  if (record.copyOf !== undefined) return "copy"
  const acts = actsOf(record)
  const met = (direction: Fault.Direction, ...kinds: ReadonlyArray<Fault.Kind>) =>
    acts.some((act) => kinds.includes(act.kind) && (!("direction" in act) || act.direction === direction))
  if (record.answeredAt === undefined && record.arrivedAt === undefined) {
    if (met("request", "refuse-connection")) return "refused"
    if (met("request", "reset")) return "reset"
    if (met("request", "drop-request", "partition", "partition-request")) return "request lost"
    return met("request", "hang") ? "not handled" : "under way"
  }
  if (record.answeredAt === undefined) return "under way"
  if (met("answer", "drop-answer", "partition", "partition-answer", "hang")) return "answer lost"
  return met("answer", "reset") ? "reset" : "under way"
}

/**
 * The response that the client received, in a word or two: `"ok"`, a code, or what came in place of an envelope.
 * `undefined` when it received none.
 *
 * @since 0.1.0
 * @category getters
 */
export const heardOf = (record: Journal.RequestRecord): string | undefined => {
  if (record.receivedAt === undefined) return undefined
  const acts = actsOf(record)
  for (const act of acts) {
    switch (act.kind) {
      case "error-after-apply":
        return "code" in act ? act.code : `HTTP ${act.status}`
      case "status":
        return `HTTP ${act.status}`
      case "empty-body":
        return "an empty body"
      case "garbage-body":
        return "garbage"
      case "maintenance":
        return act.code
    }
  }
  if (acts.some((act) => act.kind === "truncated-body")) return "a piece of it"
  return record.code === "00000" ? "ok" : (record.code ?? `HTTP ${record.status ?? "?"}`)
}
