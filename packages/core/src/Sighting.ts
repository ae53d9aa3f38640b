/**
 * Sightings: the order book as the read-back that the exchange does not offer.
 *
 * An order that is still open, and that was in the book before the switch could have fired, has survived. So the switch
 * did not fire in between. A missing order proves nothing, because it may have been filled, or cancelled by its owner.
 *
 * Two conditions make it a proof for a gap:
 *
 * - The order was in the book before the earliest firing in the gap: it was created, with the placing latency and the
 *   tolerance for the exchange's clocks, before the base of the gap plus the shortest countdown that may have applied.
 * - The exchange was asked for the order after every firing in the gap must have cancelled it: trigger latency, cancel
 *   latency and the staleness of the list after the last acknowledgement. Both the host's monotonic clock and the
 *   exchange's stamps must show that.
 *
 * It rests on the assumption that the switch cancels each order that is listed. Restrict the list to orders that you know
 * it for (see `OpenOrders`).
 *
 * Everything here is a total function over plain data: no clock, no effects.
 *
 * @since 0.2.0
 */
import * as FireWindow from "./FireWindow.js"
import { shortestOf } from "./internal/window/gap.js"

/**
 * An order that the exchange has listed as open. `createdAt` and `listedAt` are ms on the exchange's clock: when the
 * order was created, and when the exchange accepted the request for the page that lists it. `sentAt` is the host's
 * reading from before that page was requested.
 *
 * @since 0.2.0
 * @category models
 */
export interface Sighting {
  readonly createdAt: number
  readonly listedAt: number
  readonly sentAt: FireWindow.Reading
}

/**
 * Assumptions about the exchange, in ms.
 *
 * @since 0.2.0
 * @category models
 */
export interface Assumptions extends FireWindow.Assumptions {
  /** The longest time that a firing takes to cancel all orders, one by one. */
  readonly cancelLatency: number
  /** The longest time from the creation of an order until it is in the book. */
  readonly placingLatency: number
  /** The largest age of a list of open orders. An older list cannot be detected. */
  readonly maxStaleness: number
}

/**
 * The time since the base in which the switch may have fired, or may still fire, as known at one reading. Plain data.
 *
 * @since 0.2.0
 * @category models
 */
export interface OpenGap extends Pick<FireWindow.Gap, "base" | "shortest"> {
  /** The reading of this knowledge. */
  readonly at: FireWindow.Reading
  /** The time from `at` until no write so far can make the switch fire any more, ms. */
  readonly latest: number
  readonly assumptions: Assumptions
}

/**
 * The conclusion from a sighting about a switch that receives no more writes. Instants are ms since the epoch on the
 * host's wall clock as it was at `sentAt`, or at the reading of the gap without a sighting.
 *
 * @since 0.2.0
 * @category models
 */
export interface Survival {
  /** `held` only when the switch has not fired and cannot fire any more. */
  readonly verdict: "held" | "open"
  /** Until then it had not fired. `undefined` when the sighting proves nothing. */
  readonly survivedUntil: number | undefined
  /** Until then it may fire. Not before the reading of the gap. */
  readonly mayFireUntil: number
  /** From then on a list shows the final state of the book, and a sighting can prove `held`. */
  readonly lookAgainAt: number
}

/**
 * The gap since the base of the next proof, as known at a reading. `undefined` before the first acknowledgement.
 *
 * @since 0.2.0
 * @category constructors
 */
export const openGap = (
  window: FireWindow.FireWindow,
  at: FireWindow.Reading,
  assumptions: Assumptions
): OpenGap | undefined => {
  const { acknowledged, gap, pending } = window
  if (acknowledged === undefined) return undefined
  const { answered, sent, stamps } = gap?.base ?? acknowledged
  const { cancelLatency, maxStaleness, placingLatency, stampTolerance, triggerLatency } = assumptions
  const shortest = Math.min(gap?.shortest ?? Infinity, shortestOf([acknowledged, ...pending]))
  // The doubt includes the past: the window forgets writes that have surely fired.
  const latest = Math.max(0, FireWindow.edges(window, at).latest)
  return {
    base: { stamps, sent, answered },
    shortest,
    at,
    latest,
    assumptions: { cancelLatency, maxStaleness, placingLatency, stampTolerance, triggerLatency }
  }
}

/**
 * The orders that were created before this instant of the exchange's clock (ms) were in the book before the switch could
 * fire. `undefined` without stamps of the base.
 *
 * @since 0.2.0
 * @category knowledge
 */
export const createdBefore = (
  { base, shortest }: Pick<FireWindow.Gap, "base" | "shortest">,
  { placingLatency, stampTolerance }: Assumptions
): number | undefined =>
  base.stamps === undefined ? undefined : base.stamps.acceptedAt + shortest - placingLatency - stampTolerance

/** The time after an instant until a list shows the book without the orders that a firing at that instant cancels, ms. */
const settling = ({ cancelLatency, maxStaleness, triggerLatency }: Assumptions): number =>
  triggerLatency + cancelLatency + maxStaleness

/**
 * The time from a reading until a list that is requested then can prove that the switch held over a gap, in ms. 0 or
 * less means now.
 *
 * @since 0.2.0
 * @category knowledge
 */
export const dueIn = (
  { end }: Pick<FireWindow.Gap, "end">,
  now: FireWindow.Reading,
  assumptions: Assumptions
): number => settling(assumptions) - FireWindow.elapsedAtLeast(end.answered, now)

/**
 * Judges the open gap of a window by a sighting. Gives the window, without the gap where the sighting proves that the
 * switch held for all of it, and the verdict. A sighting never proves a firing.
 *
 * @since 0.2.0
 * @category writes
 */
export const sighted = (
  window: FireWindow.FireWindow,
  sighting: Sighting,
  assumptions: Assumptions
): { readonly window: FireWindow.FireWindow; readonly verdict: "held" | "open" } => {
  const { gap } = window
  return gap !== undefined && survives(gap, sighting, assumptions) && outlasts(gap, sighting, assumptions)
    ? { window: { ...window, gap: undefined }, verdict: "held" }
    : { window, verdict: "open" }
}

/**
 * How long a switch that receives no more writes has surely not fired, and until when it may fire. For the
 * reconciliation after `SwitchLost`, which carries the gap. Without a sighting, because nothing was listed, it gives only
 * the instants.
 *
 * @since 0.2.0
 * @category knowledge
 */
export const survival = (gap: OpenGap, sighting?: Sighting): Survival => {
  const { assumptions, at, latest } = gap
  const from = sighting?.sentAt ?? at
  const mayFireUntil = from.wall + latest - FireWindow.elapsedAtLeast(at, from)
  const survived = sighting !== undefined && survives(gap, sighting, assumptions)
  const survivedUntil = survived ? from.wall - settling(assumptions) : undefined
  return {
    verdict: survivedUntil !== undefined && survivedUntil >= mayFireUntil ? "held" : "open",
    survivedUntil,
    mayFireUntil,
    lookAgainAt: mayFireUntil + settling(assumptions)
  }
}

/** Whether the order was in the book before the switch could fire, by stamps that are possible. */
const survives = (
  gap: Pick<FireWindow.Gap, "base" | "shortest">,
  { createdAt, listedAt, sentAt }: Sighting,
  assumptions: Assumptions
): boolean => {
  const before = createdBefore(gap, assumptions)
  // A stamp of 0 is no stamp.
  if (before === undefined || !(createdAt > 0 && createdAt < before)) return false
  return isPossible(gap.base, listedAt, sentAt, assumptions)
}

/** Whether every firing in the gap had cancelled its orders before the list was requested. */
const outlasts = (
  { base, end }: Pick<FireWindow.Gap, "base" | "end">,
  { listedAt, sentAt }: Sighting,
  assumptions: Assumptions
): boolean =>
  end.stamps !== undefined &&
  isPossible(base, end.stamps.completedAt, end.sent, assumptions) &&
  FireWindow.elapsedAtLeast(end.answered, sentAt) >= settling(assumptions) &&
  listedAt + assumptions.stampTolerance >= end.stamps.completedAt + settling(assumptions)

/**
 * Whether a stamp of a request that was sent at a reading is late enough by the host's monotonic clock. If not, the base
 * was stamped by a machine whose clock is ahead, and orders from after the firing would look older than it.
 */
const isPossible = (
  base: FireWindow.Gap["base"],
  stamp: number,
  sentAt: FireWindow.Reading,
  { stampTolerance }: Assumptions
): boolean =>
  base.stamps !== undefined &&
  stamp - base.stamps.acceptedAt + stampTolerance >=
    (base.answered === undefined ? 0 : FireWindow.elapsedAtLeast(base.answered, sentAt))
