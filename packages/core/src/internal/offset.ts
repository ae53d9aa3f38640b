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
 * The estimate to go on with: the surer of the two, where age makes less sure; the newer one if they exclude each other,
 * since then a clock was set.
 *
 * @internal
 */
export const better = (current: Estimate, next: Estimate): Estimate => {
  const aged = uncertainty(current, next.at)
  return next.half <= aged || Math.abs(next.ahead - current.ahead) > aged + next.half ? next : current
}
