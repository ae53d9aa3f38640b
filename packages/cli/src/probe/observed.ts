/**
 * Observations as intervals of the exchange's clock: when it acted on a call, and when each order left the book. Pure.
 *
 * An answer's two stamps enclose the instant at which the exchange acted, and are whole ms. Stamps of machines whose
 * clocks differ contradict the host's monotonic clock. By as much as they do, all of them are counted as less sure.
 */
import * as Interval from "./interval.js"
import type { Call, Closed, Observation, Order, Placed } from "./model.js"

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
  /** By how much the clocks of the exchange's machines may differ, in ms; 0 where no stamps contradict each other. */
  readonly skew: number
  /** When the exchange acted on the call, on its own clock. */
  readonly acted: (call: Call) => Interval.Interval
}

const timing = (calls: ReadonlyArray<Call>): Timing => {
  const samples = calls.flatMap(sampleOf)
  let contradiction = 0
  for (const one of samples) {
    for (const other of samples) {
      contradiction = Math.max(contradiction, one.ahead.min - other.ahead.max - Math.abs(one.at - other.at) * drift)
    }
  }
  // Clocks can differ by more than what shows: by as much as the surest calls leave open.
  const surest = samples.map(({ ahead }) => ahead.max - ahead.min).sort((a, b) => a - b)
  const skew = contradiction > 0 ? contradiction + (surest[0] ?? 0) + (surest[1] ?? 0) : 0
  const aheadAt = (at: number): Interval.Interval => {
    let ahead = Interval.everything
    for (const sample of samples) {
      const then = Interval.widen(sample.ahead, Math.abs(at - sample.at) * drift + skew)
      ahead = Interval.meet(ahead, then) ?? ahead
    }
    return ahead
  }
  // Every order of an experiment asks for every page, and without stamps each answer compares all calls.
  const known = new Map<Call, Interval.Interval>()
  const acted = (call: Call): Interval.Interval =>
    hasStamps(call)
      ? Interval.widen(Interval.make(call.acceptedAt, call.completedAt + 1), skew)
      : Interval.plus(Interval.make(call.sentAt, call.receivedAt), aheadAt(call.receivedAt))
  return {
    skew,
    acted: (call) => {
      const at = known.get(call) ?? acted(call)
      known.set(call, at)
      return at
    }
  }
}

const callsOf = ({ cancelled, pages, placed, written }: Observation): ReadonlyArray<Call> =>
  [...placed, ...written, ...pages, ...cancelled].map(({ call }) => call)

export const timingOf = (observations: ReadonlyArray<Observation>): Timing => timing(observations.flatMap(callsOf))

/** An order in the lists, by the exchange's clock. */
interface Listed {
  /** When it appeared. Its `min` is that of its placing when every list has it. */
  readonly appeared: Interval.Interval
  /** When it vanished: after the last list that has it, and before the first later one without it. */
  readonly vanished: Interval.Interval
}

const listed = (observation: Observation, { call, order, orderId }: Placed, { acted }: Timing): Listed => {
  const pages = observation.pages
    .filter(({ category }) => category === order.category)
    .map(({ call, listed }) => ({ at: acted(call), has: listed.includes(orderId) }))
  const placed = acted(call)
  const withIt = pages.filter(({ has }) => has).map(({ at }) => at)
  const without = pages.filter(({ has }) => !has).map(({ at }) => at)
  const seen = Math.min(Infinity, ...withIt.map(({ max }) => max))
  const last = Math.max(placed.min, ...withIt.map(({ min }) => min))
  // A list that may have been read before the order appeared says nothing of its end.
  const later = without.filter(({ max, min }) => max >= last && min >= seen)
  return {
    appeared: Interval.make(
      Math.max(placed.min, ...without.filter(({ max }) => max <= seen).map(({ min }) => min)),
      seen
    ),
    vanished: Interval.make(last, Math.min(Infinity, ...later.map(({ max }) => max)))
  }
}

/** What all of them allow, or, where they contradict each other, all that one of them allows. */
const agreed = (all: ReadonlyArray<Interval.Interval>): Interval.Interval | undefined => {
  let common: Interval.Interval | undefined = all[0]
  for (const one of all) common = common === undefined ? undefined : Interval.meet(common, one)
  const chosen = common ?? Interval.hull(all)
  return chosen === undefined || chosen.max < 0 ? undefined : Interval.make(Math.max(0, chosen.min), chosen.max)
}

/** How far the lists are behind: for how long they show an order that was cancelled by request. */
export const staleness = (observations: ReadonlyArray<Observation>, timing: Timing): Interval.Interval | undefined =>
  agreed(
    observations.flatMap((observation) =>
      observation.cancelled.flatMap(({ call, orderId }) => {
        const placed = observation.placed.find((placed) => placed.orderId === orderId)
        if (placed === undefined) return []
        const { vanished } = listed(observation, placed, timing)
        return vanished.max === Infinity ? [] : [Interval.minus(vanished, timing.acted(call))]
      })
    )
  )

/** How long after its creation an order enters the book. */
export const placing = (
  observations: ReadonlyArray<Observation>,
  timing: Timing,
  stale: Interval.Interval
): Interval.Interval | undefined =>
  agreed(
    observations.flatMap((observation) =>
      observation.placed.flatMap((placed) => {
        const { appeared } = listed(observation, placed, timing)
        if (appeared.max === Infinity) return []
        const created = closedOf(observation, placed.orderId)?.createdTime
        const from = created === undefined ? timing.acted(placed.call) : Interval.stamp(created)
        return [Interval.minus(Interval.minus(appeared, stale), from)]
      })
    )
  )

const closedOf = (observation: Observation, id: string): Closed | undefined =>
  observation.closed.find(({ orderId }) => orderId === id)

/** An order, and when it left the book: `max` is infinite while it is still listed. */
export interface Watched {
  readonly orderId: string
  readonly order: Order
  readonly gone: Interval.Interval
  /** When it vanished from the lists, which are behind by the same time for all orders. */
  readonly vanished: Interval.Interval
  readonly closed: Closed | undefined
}

/** The orders of an experiment, in the order of their placing, when the lists are that far behind. */
export const watched = (observation: Observation, timing: Timing, stale: Interval.Interval): ReadonlyArray<Watched> =>
  observation.placed.map((placed) => {
    const { vanished } = listed(observation, placed, timing)
    const { order, orderId } = placed
    const gone = Interval.minus(vanished, stale)
    return { orderId, order, gone, vanished, closed: closedOf(observation, orderId) }
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
  /** How much less sure every stamp is, in ms. */
  readonly skew: number
  /** The lists that have some of these orders and not the others, after they had all of them. */
  readonly partial: ReadonlyArray<ReadonlyArray<string>>
}

const isCancelled = ({ closed, gone }: Watched): boolean => gone.max < Infinity && closed?.status === "cancelled"

const partialPages = ({ pages }: Observation, orders: ReadonlyArray<Watched>): Firing["partial"] => {
  const lists = pages.map(({ listed }) => orders.map(({ orderId }) => orderId).filter((id) => listed.includes(id)))
  // Before the first whole list an order is perhaps not there yet.
  const whole = lists.findIndex((ids) => ids.length === orders.length)
  const last = pages[whole]?.call.receivedAt ?? Infinity
  return lists.filter(
    (ids, index) => ids.length > 0 && ids.length < orders.length && (pages[index]?.call.sentAt ?? 0) > last
  )
}

/** The firings of countdowns to which nothing else happened. */
export const firings = (
  observations: ReadonlyArray<Observation>,
  timing: Timing,
  stale: Interval.Interval
): ReadonlyArray<Firing> =>
  observations.flatMap((observation) => {
    const [write, ...more] = observation.written
    if (write === undefined || more.length > 0 || write.outcome._tag !== "Accepted") return []
    const orders = watched(observation, timing, stale).filter(isCancelled)
    if (orders.length === 0) return []
    const { call } = write
    const acted = timing.acted(call)
    const millis = Number(write.countdown) * 1_000
    const edge = (at: number) => Interval.widen(Interval.stamp(at), timing.skew)
    return [
      {
        accepted: hasStamps(call) ? edge(call.acceptedAt) : acted,
        acted,
        completed: hasStamps(call) ? edge(call.completedAt) : acted,
        millis,
        deadline: Interval.shift(acted, millis),
        orders,
        skew: timing.skew,
        partial: partialPages(observation, orders)
      }
    ]
  })
