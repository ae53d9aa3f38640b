/**
 * The pure part of the server clock: what one answer proves about the offset, and which of two answers is worth more.
 */

/**
 * Two quartz clocks drift apart by less than this fraction, with room to spare.
 *
 * @internal
 */
export const drift = 200e-6

/**
 * The stamps of one call: the host's on its monotonic clock, the venue's on its own, all in milliseconds.
 *
 * @internal
 */
export interface Sample {
  readonly sentAt: number
  readonly receivedAt: number
  readonly acceptedAt: number | undefined
  readonly completedAt: number | undefined
  readonly requestTime: number | undefined
}

/**
 * Venue time is `mono + ahead`, give or take `half` at the instant `at`, and more the longer ago that is.
 *
 * @internal
 */
export interface Estimate {
  readonly ahead: number
  readonly half: number
  readonly at: number
}

/** @internal */
export const uncertainty = (self: Estimate, mono: number): number => self.half + Math.abs(mono - self.at) * drift

/**
 * The venue accepted no sooner than the request was sent, and had completed no later than the answer was there. A stamp
 * is a whole millisecond that may have been almost over. The estimate is for the instant of the answer, so the sooner
 * edge is older by the round trip, and the clocks may have drifted meanwhile. Stamps that contradict the round trip
 * prove nothing.
 *
 * @internal
 */
export const estimate = (sample: Sample): Estimate | undefined => {
  const { acceptedAt, completedAt, receivedAt, requestTime, sentAt } = sample
  const between = (accepted: number | undefined, completed: number | undefined): Estimate | undefined => {
    if (accepted === undefined || completed === undefined) return undefined
    const low = completed - receivedAt
    const high = accepted + 1 - sentAt + (receivedAt - sentAt) * drift
    return low <= high && accepted <= completed
      ? { ahead: (low + high) / 2, half: (high - low) / 2, at: receivedAt }
      : undefined
  }
  return between(acceptedAt, completedAt) ?? between(requestTime, requestTime)
}

/**
 * Whether both can be true at once. If not, a clock was set, or one of the samples is absurd.
 *
 * @internal
 */
export const agree = (current: Estimate, next: Estimate): boolean =>
  Math.abs(next.ahead - current.ahead) <= uncertainty(current, next.at) + next.half

/**
 * The surer of two estimates that agree, where age makes less sure.
 *
 * @internal
 */
export const surer = (current: Estimate, next: Estimate): Estimate =>
  next.half <= uncertainty(current, next.at) ? next : current
