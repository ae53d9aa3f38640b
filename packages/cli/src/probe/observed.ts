/**
 * Observations as intervals of the exchange's clock: when it acted on a call, and when each order left the book. Pure.
 *
 * An answer's two stamps enclose the instant at which the exchange acted, and are whole ms. Stamps of machines whose
 * clocks differ contradict the host's monotonic clock. By as much as they do, all of them are counted as less sure.
 */
import * as Interval from "./interval.js"
import type { Call, Closed, Observation, Order } from "./model.js"

/** Two quartz clocks drift apart by less than this fraction. */
const drift = 200e-6

interface Sample {
  readonly at: number
  /** By how much the exchange's clock is ahead of the monotonic one. */
  readonly ahead: Interval.Interval
}

const hasStamps = (call: Call): call is Call & { readonly acceptedAt: number; readonly completedAt: number } =>
  call.acceptedAt !== undefined && call.completedAt !== undefined && call.acceptedAt <= call.completedAt

/** The reading `requestTime` is one of the two, where they are missing. */
const sampleOf = (call: Call): ReadonlyArray<Sample> => {
  const { acceptedAt, completedAt } = hasStamps(call)
    ? call
    : { acceptedAt: call.requestTime, completedAt: call.requestTime }
  if (acceptedAt === undefined || completedAt === undefined) return []
  const late = (call.receivedAt - call.sentAt) * drift
  const ahead = Interval.make(completedAt - call.receivedAt, acceptedAt + 1 - call.sentAt + late)
  return [{ at: call.receivedAt, ahead }]
}

/** The two clocks, from all calls. */
export interface Timing {
  /** By how much stamps contradict each other, in ms. */
  readonly skew: number
  /** When the exchange acted on the call, on its own clock. */
  readonly acted: (call: Call) => Interval.Interval
}

export const timing = (calls: ReadonlyArray<Call>): Timing => {
  const samples = calls.flatMap(sampleOf)
  let skew = 0
  for (const one of samples) {
    for (const other of samples) {
      skew = Math.max(skew, one.ahead.min - other.ahead.max - Math.abs(one.at - other.at) * drift)
    }
  }
  const aheadAt = (at: number): Interval.Interval => {
    let ahead = Interval.everything
    for (const sample of samples) {
      const then = Interval.widen(sample.ahead, Math.abs(at - sample.at) * drift + skew)
      ahead = Interval.meet(ahead, then) ?? ahead
    }
    return ahead
  }
  return {
    skew,
    acted: (call) => {
      if (hasStamps(call)) return Interval.widen(Interval.make(call.acceptedAt, call.completedAt + 1), skew)
      const ahead = aheadAt(call.receivedAt)
      return Interval.plus(Interval.make(call.sentAt, call.receivedAt), ahead)
    }
  }
}

export const callsOf = (observation: Observation): ReadonlyArray<Call> =>
  [...observation.placed, ...observation.written, ...observation.pages].map(({ call }) => call)

export const timingOf = (observations: ReadonlyArray<Observation>): Timing =>
  timing(observations.flatMap((observation) => callsOf(observation)))

/** An order, and when it left the book: `max` is infinite while it is still listed. */
export interface Watched {
  readonly orderId: string
  readonly order: Order
  /** The place in the order of placing. */
  readonly rank: number
  readonly gone: Interval.Interval
  readonly closed: Closed | undefined
  /** For how long after its placing it was not listed, at most. */
  readonly placing: number
  /** By how much a list without the order was older than one with it. */
  readonly stale: number
}

/**
 * The orders of an experiment. The order left the book after the last list that has it, and before the first list
 * without it that was read later. A list without it that was read before one with it is stale.
 */
export const watched = (observation: Observation, { acted }: Timing): ReadonlyArray<Watched> =>
  observation.placed.map(({ call, order, orderId }, rank) => {
    const pages = observation.pages
      .filter(({ category }) => category === order.category)
      .map(({ call, listed }) => ({ at: acted(call), has: listed.includes(orderId) }))
    const placed = acted(call)
    const withIt = pages.filter(({ has }) => has).map(({ at }) => at)
    const firstSeen = Math.min(...withIt.map(({ max }) => max))
    const lastSeen = Math.max(placed.min, ...withIt.map(({ min }) => min))
    const without = pages.filter(({ has }) => !has).map(({ at }) => at)
    const later = without.filter(({ max }) => max >= lastSeen)
    // Surely read between two that have it.
    const stale = without.filter(({ max, min }) => max < lastSeen && min > firstSeen)
    return {
      orderId,
      order,
      rank,
      gone: Interval.make(lastSeen, Math.min(Infinity, ...later.map(({ max }) => max))),
      closed: observation.closed.find((closed) => closed.orderId === orderId),
      placing: Math.max(0, ...withIt.slice(0, 1).map(({ max }) => max - placed.min)),
      stale: Math.max(0, ...stale.map(({ max }) => lastSeen - max))
    }
  })

/** One countdown that ran out, and the orders that it cancelled, in the order of their placing. */
export interface Firing {
  /** When the exchange accepted the countdown, acted on it, and had answered it. */
  readonly accepted: Interval.Interval
  readonly acted: Interval.Interval
  readonly completed: Interval.Interval
  readonly millis: number
  /** The deadline, counted from the instant at which the exchange acted. */
  readonly deadline: Interval.Interval
  readonly orders: ReadonlyArray<Watched>
}

const isCancelled = ({ closed, gone }: Watched): boolean => gone.max < Infinity && closed?.status === "cancelled"

/** The firings of countdowns to which nothing else happened. */
export const firings = (observations: ReadonlyArray<Observation>, timing = timingOf(observations)): ReadonlyArray<Firing> =>
  observations.flatMap((observation) => {
    const [write, ...more] = observation.written
    if (write === undefined || more.length > 0 || write.outcome._tag !== "Accepted") return []
    const orders = watched(observation, timing).filter(isCancelled)
    if (orders.length === 0) return []
    const acted = timing.acted(write.call)
    const millis = Number(write.countdown) * 1_000
    const edge = (at: number | undefined) =>
      at === undefined ? acted : Interval.widen(Interval.stamp(at), timing.skew)
    return [
      {
        accepted: hasStamps(write.call) ? edge(write.call.acceptedAt) : acted,
        acted,
        completed: hasStamps(write.call) ? edge(write.call.completedAt) : acted,
        millis,
        deadline: Interval.shift(acted, millis),
        orders
      }
    ]
  })
