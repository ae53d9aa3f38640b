/**
 * The pure part of the server clock: estimates the offset from one answer, and compares two estimates.
 */

/**
 * An upper bound of the rate at which two quartz clocks drift apart, with room to spare.
 *
 * @internal
 */
export const drift = 200e-6

/**
 * The stamps of one call in ms, the host's by its monotonic clock, the exchange's by its own.
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
 * The exchange's time is `mono + ahead`, plus or minus `half` at the instant `at`. The error grows with the time since.
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
 * The estimate that one answer proves. The exchange accepted the request after the send and completed the answer before
 * its arrival. A stamp is a whole millisecond that may have been almost over. The estimate is for the instant of the
 * answer, so the earlier edge is older by the round trip, and the clocks may have drifted since. Stamps that contradict
 * the round trip prove nothing.
 *
 * @internal
 */
export const estimate = (sample: Sample): Estimate | undefined => {
  const { acceptedAt, completedAt, receivedAt, requestTime, sentAt } = sample
  const between = (accepted: number | undefined, completed: number | undefined): Estimate | undefined => {
    if (accepted === undefined || completed === undefined) return undefined
    const low = completed - receivedAt
    const high = accepted + 1 - sentAt + (receivedAt - sentAt) * drift
    return low < high && accepted <= completed
      ? { ahead: (low + high) / 2, half: (high - low) / 2, at: receivedAt }
      : undefined
  }
  return between(acceptedAt, completedAt) ?? between(requestTime, requestTime)
}

/**
 * Whether both can be true. If not, a clock was set, or one of the samples is absurd.
 *
 * @internal
 */
export const agree = (current: Estimate, next: Estimate): boolean =>
  Math.abs(next.ahead - current.ahead) <= uncertainty(current, next.at) + next.half

/**
 * The surer of two estimates that agree. Age makes an estimate less sure.
 *
 * @internal
 */
export const surer = (current: Estimate, next: Estimate): Estimate =>
  next.half <= uncertainty(current, next.at) ? next : current
