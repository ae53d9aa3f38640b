/** Closed intervals of real numbers. Pure. */

export interface Interval {
  readonly min: number
  readonly max: number
}

export const everything: Interval = { min: -Infinity, max: Infinity }

export const make = (min: number, max: number): Interval => ({ min, max })

export const plus = (a: Interval, b: Interval): Interval => make(a.min + b.min, a.max + b.max)

export const minus = (a: Interval, b: Interval): Interval => make(a.min - b.max, a.max - b.min)

export const shift = (a: Interval, by: number): Interval => make(a.min + by, a.max + by)

export const widen = (a: Interval, by: number): Interval => make(a.min - by, a.max + by)

export const overlaps = (a: Interval, b: Interval): boolean => a.min <= b.max && b.min <= a.max

export const contains = (a: Interval, value: number): boolean => a.min <= value && value <= a.max

/** The part that both have, or nothing. */
export const meet = (a: Interval, b: Interval): Interval | undefined =>
  overlaps(a, b) ? make(Math.max(a.min, b.min), Math.min(a.max, b.max)) : undefined

/** The smallest interval around all of them; nothing around none. */
export const hull = (all: Iterable<Interval>): Interval | undefined => {
  let result: Interval | undefined
  for (const one of all) {
    result = result === undefined ? one : make(Math.min(result.min, one.min), Math.max(result.max, one.max))
  }
  return result
}

/** An instant of which the whole ms is known. */
export const stamp = (millis: number): Interval => make(millis, millis + 1)
