/**
 * Rate limits: calls are counted in each second of the exchange's clock, or over the second before each call. Pure.
 */
import type * as Venue from "./Venue.js"

/** The calls that count: of one second (`slot` is its number), or of the last 1,000 ms (`times`). */
export type Calls =
  | { readonly _tag: "Fixed"; readonly slot: number; readonly used: number }
  | { readonly _tag: "Sliding"; readonly times: ReadonlyArray<number> }

/** Counts a call at `now`: the calls, and how many more fit after it, or -1 when it did not fit. */
export const take = (
  venue: Venue.Venue,
  calls: Calls | undefined,
  limit: number,
  now: number
): readonly [calls: Calls, remaining: number] => {
  if (venue.rateWindow === "fixed") {
    const slot = Math.floor(now / 1000)
    const used = calls?._tag === "Fixed" && calls.slot === slot ? calls.used : 0
    const fits = used < limit
    return [
      { _tag: "Fixed", slot, used: fits || venue.refusedCallsCount ? used + 1 : used },
      fits ? limit - used - 1 : -1
    ]
  }
  const times = calls?._tag === "Sliding" ? calls.times.filter((time) => time > now - 1000) : []
  const fits = times.length < limit
  // Only the newest `limit` calls can still matter.
  return [
    { _tag: "Sliding", times: fits || venue.refusedCallsCount ? [...times, now].slice(-limit) : times },
    fits ? limit - times.length - 1 : -1
  ]
}

/** How long the exchange refuses an address that exceeded its limit: the documented five minutes, in ms. */
const ipPenalty = 300_000

/** The calls of one address in one minute, and until when it is locked out. */
export interface Address {
  readonly minute: number
  readonly used: number
  readonly lockedUntil: number
  readonly calls: Calls | undefined
}

/** Counts a call of the address at `now`: the address, and whether the call is admitted. */
export const enter = (
  venue: Venue.Venue,
  address: Address | undefined,
  now: number
): readonly [address: Address, admitted: boolean] => {
  const minute = Math.floor(now / 60_000)
  const known = address ?? { minute, used: 0, lockedUntil: -Infinity, calls: undefined }
  if (now < known.lockedUntil) return [known, false]
  const used = (known.minute === minute ? known.used : 0) + 1
  return used > venue.ipLimit
    ? [{ minute, used: 0, lockedUntil: now + ipPenalty, calls: known.calls }, false]
    : [{ minute, used, lockedUntil: known.lockedUntil, calls: known.calls }, true]
}
