/**
 * Which periods and latencies of the exchange's timer explain the firings. Pure.
 *
 * The model: a countdown counts from the acceptance, the effect or the completion of its call. The exchange looks at its
 * timers at the multiples of a period on its own clock (0: always), and begins to cancel a fixed latency after the look
 * that finds the deadline passed. Every period up to the longest is tried with every meaning of the stamps. What
 * explains every firing is kept. So the result is no guess: it is the set of all answers that the observations allow.
 */
import * as Interval from "./interval.js"
import type { Firing } from "./observed.js"

/** The longest period that is tried, in ms. */
const longestPeriod = 10_000

/** Periods as programmers choose them divide a minute. */
export const isRound = (period: number): boolean => period === 0 || 60_000 % period === 0

const roundPeriods = Array.from({ length: longestPeriod + 1 }, (_, period) => period).filter(isRound)

const width = ({ max, min }: Interval.Interval): number => max - min

const median = (values: ReadonlyArray<number>): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

export const clockStarts = ["apply", "accept", "complete"] as const
export type ClockStart = (typeof clockStarts)[number]

/** The instant that `updatedTime` is: the firing, or the order's own cancel. `"unknown"` leaves it out. */
export const updatedTimes = ["cancel", "trigger"] as const
export type UpdatedTime = (typeof updatedTimes)[number] | "unknown"

export interface Hypothesis {
  readonly clockStart: ClockStart
  readonly updatedTime: UpdatedTime
}

/** A period (ms), and the latencies (ms) that explain every firing with it. */
export interface Fit extends Hypothesis {
  readonly period: number
  readonly latency: Interval.Interval
  /** How unsure the instants are that the period rests on, in ms: half of the firings are surer. */
  readonly blur: number
}

/** The deadlines and the first cancels of the firings under a hypothesis; nothing when it contradicts them itself. */
interface Case {
  readonly deadline: Interval.Interval
  readonly cancel: Interval.Interval
  /** The firing itself, where it is known. */
  readonly fired: Interval.Interval | undefined
}

const first = (all: ReadonlyArray<Interval.Interval>): Interval.Interval =>
  Interval.make(Math.min(...all.map(({ min }) => min)), Math.min(...all.map(({ max }) => max)))

/** When each order of a firing was cancelled under a meaning of `updatedTime`; nothing when it contradicts that. */
export const cancels = (firing: Firing, updatedTime: UpdatedTime): ReadonlyArray<Interval.Interval> | undefined => {
  if (updatedTime === "unknown") return firing.orders.map(({ gone }) => gone)
  const times = firing.orders.map(({ closed }) => closed?.updatedTime)
  const result: Array<Interval.Interval> = []
  for (const [index, { gone }] of firing.orders.entries()) {
    const time = times[index]
    if (time === undefined) return undefined
    const stamp = Interval.widen(Interval.stamp(time), firing.skew)
    if (updatedTime === "trigger") {
      if (time !== times[0] || stamp.min > gone.max) return undefined
      result.push(gone)
    } else {
      const cancel = Interval.meet(stamp, gone)
      if (cancel === undefined) return undefined
      result.push(cancel)
    }
  }
  return result
}

const caseOf = (
  firing: Firing,
  { clockStart, updatedTime }: Hypothesis,
  processing: Interval.Interval
): Case | undefined => {
  const all = cancels(firing, updatedTime)
  if (all === undefined) return undefined
  const from =
    clockStart === "accept"
      ? firing.accepted
      : clockStart === "complete"
        ? firing.completed
        : Interval.meet(Interval.plus(firing.accepted, processing), firing.acted)
  if (from === undefined) return undefined
  const time = updatedTime === "trigger" ? firing.orders[0]?.closed?.updatedTime : undefined
  return {
    deadline: Interval.shift(from, firing.millis),
    cancel: first(all),
    fired: time === undefined ? undefined : Interval.widen(Interval.stamp(time), firing.skew)
  }
}

/** The most looks that are kept apart. More become one span. */
const mostLooks = 4

/** The instants at which the exchange can have found this deadline passed. */
const looks = (deadline: Interval.Interval, period: number): ReadonlyArray<Interval.Interval> => {
  if (period === 0) return [deadline]
  const begin = Math.ceil(deadline.min / period)
  const end = Math.ceil(deadline.max / period)
  if (end - begin >= mostLooks) return [Interval.make(begin * period, end * period)]
  return Array.from({ length: end - begin + 1 }, (_, index) => {
    const at = (begin + index) * period
    return Interval.make(at, at)
  })
}

/** The latencies that explain one firing. */
const latencies = ({ cancel, deadline, fired }: Case, period: number): ReadonlyArray<Interval.Interval> =>
  looks(deadline, period).flatMap((look) => {
    const at = fired === undefined ? look : Interval.meet(look, Interval.widen(fired, 1))
    if (at === undefined) return []
    const latency = Interval.minus(cancel, at)
    return latency.max < 0 ? [] : [Interval.make(Math.max(0, latency.min), latency.max)]
  })

/**
 * Whether one latency can be left when each firing has all of its looks at once. Almost no period passes, and this looks at
 * ten thousand of them, so it makes no intervals.
 */
const mayFit = (cases: ReadonlyArray<Case>, period: number): boolean => {
  let least = 0
  let most = Infinity
  for (const { cancel, deadline, fired } of cases) {
    let first = period === 0 ? deadline.min : Math.ceil(deadline.min / period) * period
    let last = period === 0 ? deadline.max : Math.ceil(deadline.max / period) * period
    if (fired !== undefined) {
      first = Math.max(first, fired.min - 1)
      last = Math.min(last, fired.max + 1)
    }
    least = Math.max(least, cancel.min - last)
    most = Math.min(most, cancel.max - first)
    if (first > last || least > most) return false
  }
  return true
}

/** The smallest and the largest value that is in one interval of each list; nothing when no value is. */
export const common = (lists: ReadonlyArray<ReadonlyArray<Interval.Interval>>): Interval.Interval | undefined => {
  // Nearly always each list has one, and there may be ten thousand periods.
  if (lists.every(({ length }) => length === 1)) {
    const one = lists.flat()
    const min = Math.max(...one.map(({ min }) => min))
    const max = Math.min(...one.map(({ max }) => max))
    return min > max ? undefined : Interval.make(min, max)
  }
  const isCommon = (value: number) => lists.every((list) => list.some((one) => Interval.contains(one, value)))
  const ends = lists.flat()
  const least = ends.map(({ min }) => min).filter(isCommon)
  const most = ends.map(({ max }) => max).filter(isCommon)
  return least.length === 0 ? undefined : Interval.make(Math.min(...least), Math.max(...most))
}

/** The shortest span that touches an interval of each list; nothing when a list is empty. */
export const span = (lists: ReadonlyArray<ReadonlyArray<Interval.Interval>>): Interval.Interval | undefined => {
  let best: Interval.Interval | undefined
  for (const { max: low } of lists.flat()) {
    let high = low
    for (const list of lists) {
      const least = Math.min(...list.filter(({ max }) => max >= low).map(({ min }) => min))
      high = Math.max(high, least)
    }
    if (high < Infinity && (best === undefined || high - low < best.max - best.min)) best = Interval.make(low, high)
  }
  return best
}

export interface Fits {
  /** What explains every firing with one latency. */
  readonly exact: ReadonlyArray<Fit>
  /** Where nothing does: for each round period, the shortest span of latencies that explains them all. */
  readonly varying: ReadonlyArray<{ readonly period: number; readonly latency: Interval.Interval }>
}

/**
 * All that explains the firings. `processing` is what is known of the time from the acceptance of a call to its effect.
 */
export const fit = (firings: ReadonlyArray<Firing>, processing: Interval.Interval): Fits => {
  const exact: Array<Fit> = []
  const known = firings.every(({ orders }) => orders.every(({ closed }) => closed?.updatedTime !== undefined))
  const tried = (meanings: ReadonlyArray<UpdatedTime>) => {
    for (const updatedTime of meanings) {
      for (const clockStart of clockStarts) {
        const cases: Array<Case> = []
        for (const firing of firings) {
          const one = caseOf(firing, { clockStart, updatedTime }, processing)
          if (one === undefined) break
          cases.push(one)
        }
        if (cases.length < firings.length) continue
        const blur = median(cases.map(({ cancel, deadline, fired }) => width(deadline) + width(fired ?? cancel)))
        for (let period = 0; period <= longestPeriod; period++) {
          if (!mayFit(cases, period)) continue
          const latency = common(cases.map((one) => latencies(one, period)))
          if (latency !== undefined) exact.push({ clockStart, updatedTime, period, latency, blur })
        }
      }
    }
  }
  tried(known ? updatedTimes : ["unknown"])
  // `updatedTime` is something else, then.
  if (exact.length === 0 && known) tried(["unknown"])
  if (exact.length > 0 || firings.length === 0) return { exact, varying: [] }
  const cases = firings.map(({ deadline, orders }) => ({
    deadline,
    cancel: first(orders.map(({ gone }) => gone)),
    fired: undefined
  }))
  const varying = roundPeriods.flatMap((period) => {
    const latency = span(cases.map((one) => latencies(one, period)))
    return latency === undefined ? [] : [{ period, latency }]
  })
  return { exact, varying }
}
