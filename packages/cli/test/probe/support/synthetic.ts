/**
 * Observations of an exchange that exists only as arithmetic. It can do what the simulated one cannot: its latency varies,
 * its machines' clocks differ, and its answers have no stamps.
 */
import * as Random from "@effect-deadman/simulator/Random"
import type { Call, Experiment, Observation, Order } from "../../../src/probe/model.js"

export interface Exchange {
  readonly seed: number
  readonly period: number
  readonly latency: number
  /** How much longer a firing may take. */
  readonly jitter: number
  readonly pace: number
  readonly order: "oldest" | "newest"
  readonly updatedTime: "trigger" | "cancel" | "nothing"
  readonly clockStart: "accept" | "apply" | "complete"
  /** From the acceptance to the effect and on to the completion of a call, at most. */
  readonly processing: number
  readonly staleness: number
  /** How far the clock of the second of its two machines is ahead. */
  readonly skew: number
  readonly stamps: boolean
}

const order: Order = { category: "SPOT", symbol: "BTCUSDT", price: "1", qty: "1", timeInForce: "post_only" }
const epoch = 1_700_000_000_000
/** The host's monotonic clock at the exchange's epoch. */
const monotonic = 5_000_000

/** The exchange's true clock at a reading of the host's monotonic one. */
export const exchangeTime = (local: number): number => local - monotonic + epoch

export const observe = (exchange: Exchange, firings: number, orders: number): ReadonlyArray<Observation> => {
  let draws = 0
  const upTo = (max: number) => Random.integer(exchange.seed, "synthetic", draws++, 0, max)
  let now = epoch + upTo(10_000)

  /** A call that the exchange accepts at this instant of its true clock. */
  const call = (at: number): { readonly call: Call; readonly applied: number; readonly completed: number } => {
    const applied = at + upTo(exchange.processing)
    const completed = applied + upTo(exchange.processing)
    const ahead = upTo(1) * exchange.skew
    const local = (instant: number) => instant - epoch + monotonic
    const stamps = exchange.stamps
      ? { acceptedAt: at + ahead, completedAt: completed + ahead, requestTime: at + ahead }
      : { acceptedAt: undefined, completedAt: undefined, requestTime: at + ahead }
    return {
      applied,
      completed,
      call: { sentAt: local(at) - 1 - upTo(40), receivedAt: local(completed) + 1 + upTo(40), ...stamps }
    }
  }

  const one = (purpose: "listing" | "firing" | "cancels", count: number): Observation => {
    now += 2_000 + upTo(1_000)
    const placed = Array.from({ length: count }, () => {
      now += 250
      const { applied, call: placing } = call(now)
      return { orderId: String(now), order, call: placing, created: applied }
    })
    now += 100
    const begin = now
    now += 500 + upTo(1_000)
    const write = call(now)
    let cancels: ReadonlyArray<number>
    let fired = 0
    if (purpose === "listing") cancels = [write.applied]
    else {
      const from = { accept: now, apply: write.applied, complete: write.completed }[exchange.clockStart]
      const { period } = exchange
      fired = period === 0 ? from + 5_000 : Math.ceil((from + 5_000) / period) * period
      const first = fired + exchange.latency + upTo(exchange.jitter)
      cancels = placed.map(
        (_, place) => first + exchange.pace * (exchange.order === "oldest" ? place : count - 1 - place)
      )
    }
    const end = Math.max(...cancels)
    const pages: Array<Observation["pages"][number]> = []
    for (let at = begin; at < end + exchange.staleness + 400; at += at < end - 500 ? 500 + upTo(100) : 60 + upTo(20)) {
      const { applied, call: look } = call(at)
      const read = applied - exchange.staleness
      const listed = placed.filter(({ created }, place) => created <= read && read < cancels[place]!)
      pages.push({ call: look, category: "SPOT", listed: listed.map(({ orderId }) => orderId) })
    }
    now = end + exchange.staleness + 500
    const experiment: Experiment = { purpose, orders: placed.map(() => order), writes: [] }
    const updated = (place: number) =>
      ({ trigger: fired, cancel: cancels[place], nothing: undefined })[exchange.updatedTime]
    return {
      experiment,
      placed: placed.map(({ call, order, orderId }) => ({ call, order, orderId })),
      notPlaced: [],
      written:
        purpose === "listing" ? [] : [{ countdown: "5", call: write.call, outcome: { _tag: "Accepted" } as const }],
      pages,
      closed: placed.map(({ created, orderId }, place) => ({
        orderId,
        status: "cancelled",
        cancelReason: "normal_cancel",
        createdTime: created,
        updatedTime: updated(place)
      })),
      cancelled: purpose === "listing" ? [{ orderId: placed[0]!.orderId, call: write.call }] : []
    }
  }
  return [
    ...Array.from({ length: 6 }, () => one("listing", 1)),
    ...Array.from({ length: firings }, () => one("firing", 1)),
    one("cancels", orders),
    one("cancels", orders)
  ]
}
