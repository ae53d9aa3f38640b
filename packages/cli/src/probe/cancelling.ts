/** How a firing cancels several orders: at once or one by one, how fast, and which first. Pure. */
import * as Fit from "./fit.js"
import * as Interval from "./interval.js"
import type { Finding } from "./model.js"
import type { Firing } from "./observed.js"
import { about, middle, notIdentified, only } from "./timer.js"

const cancelOrders = ["oldest", "newest"] as const
type CancelOrder = (typeof cancelOrders)[number]

/**
 * The paces at which orders are cancelled one after the other, when the order in place `k` goes at `start + k * pace`.
 * Each pair of orders bounds the pace, and what all pairs allow is exactly what is possible.
 */
export const paces = (cancels: ReadonlyArray<Interval.Interval>): Interval.Interval | undefined => {
  let pace: Interval.Interval | undefined = Interval.make(0, Infinity)
  for (const [later, one] of cancels.entries()) {
    for (let earlier = 0; earlier < later && pace !== undefined; earlier++) {
      const apart = Interval.minus(one, cancels[earlier]!)
      pace = Interval.meet(pace, Interval.make(apart.min / (later - earlier), apart.max / (later - earlier)))
    }
  }
  return pace
}

/** The orders of a firing with the instants of their cancels, in the order of placing. */
interface Cancels {
  readonly ids: ReadonlyArray<string>
  readonly at: ReadonlyArray<Interval.Interval>
  readonly partial: Firing["partial"]
}

const cancelsOf = (firing: Firing, updatedTime: Fit.UpdatedTime): Cancels | undefined => {
  const known = Fit.cancels(firing, updatedTime)
  return known === undefined
    ? undefined
    : {
        ids: firing.orders.map(({ orderId }) => orderId),
        // The lists are behind by the same time for all orders, and only differences count here.
        at: updatedTime === "cancel" ? known : firing.orders.map(({ vanished }) => vanished),
        partial: firing.partial
      }
}

/** The paces of a firing that cancels in this order; nothing when a list contradicts the order. */
const paceOf = ({ at, ids, partial }: Cancels, order: CancelOrder): Interval.Interval | undefined => {
  const reversed = order === "newest"
  const sequence = reversed ? [...ids].reverse() : ids
  // A list has the orders that are cancelled last.
  const isContradicted = partial.some((list) => !sequence.slice(-list.length).every((id) => list.includes(id)))
  return isContradicted ? undefined : paces(reversed ? [...at].reverse() : at)
}

export interface Cancelling {
  readonly findings: ReadonlyArray<Finding>
  /** From the first cancel of a firing to its last one. */
  readonly lasts: Interval.Interval | undefined
  /** Whether a list had some orders of a firing and not the others. */
  readonly partialPage: boolean
}

/** The firings are of several orders each, all of them cancelled. */
export const cancelling = (
  firings: ReadonlyArray<Firing>,
  updatedTimes: ReadonlyArray<Fit.UpdatedTime>
): Cancelling => {
  const partialPage = firings.some(({ partial }) => partial.length > 0)
  if (firings.length === 0) {
    const result = notIdentified("no firing of several orders was seen")
    const findings = ["cancelPace", "cancelOrder"].map((option) => ({ option, result }))
    return { findings, lasts: undefined, partialPage }
  }
  const possible: Array<{ readonly order: CancelOrder; readonly pace: Interval.Interval }> = []
  for (const updatedTime of updatedTimes) {
    for (const order of cancelOrders) {
      let pace: Interval.Interval | undefined = Interval.make(0, Infinity)
      for (const firing of firings) {
        const cancels = cancelsOf(firing, updatedTime)
        const one = cancels === undefined ? undefined : paceOf(cancels, order)
        pace = pace === undefined || one === undefined ? undefined : Interval.meet(pace, one)
      }
      if (pace !== undefined) possible.push({ order, pace })
    }
  }
  const all = firings.map(({ orders }) => orders.map(({ vanished }) => vanished))
  const lasts = Interval.hull(all.map(lasting))!
  const steps = Math.max(...all.map((cancels) => cancels.length)) - 1
  const pace = Interval.hull(possible.map((one) => one.pace)) ?? Interval.make(lasts.min / steps, lasts.max / steps)
  const isAtOnce = pace.min <= 0 && !partialPage
  return {
    findings: [
      { option: "cancelPace", result: about(isAtOnce ? 0 : middle(pace), pace) },
      {
        option: "cancelOrder",
        result:
          possible.length === 0
            ? notIdentified("the cancels keep neither order at a steady pace")
            : only(
                possible.map(({ order }) => order),
                "the cancels are too close to each other"
              )
      }
    ],
    lasts,
    partialPage
  }
}

/** From the first to the last of these cancels. */
const lasting = (cancels: ReadonlyArray<Interval.Interval>): Interval.Interval => {
  const last = Interval.make(Math.max(...cancels.map(({ min }) => min)), Math.max(...cancels.map(({ max }) => max)))
  const first = Interval.make(Math.min(...cancels.map(({ min }) => min)), Math.min(...cancels.map(({ max }) => max)))
  const apart = Interval.minus(last, first)
  return Interval.make(Math.max(0, apart.min), Math.max(0, apart.max))
}
