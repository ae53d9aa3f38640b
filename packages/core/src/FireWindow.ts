/**
 * The fire window: the two bounds between which the exchange may fire, computed from the writes because the switch
 * cannot be read.
 *
 * The exchange has no status endpoint, so all knowledge comes from the writes. A write is one countdown request, sent
 * at `s`, answered (perhaps) at `r`, with a countdown `c`. The exchange acted on an answered write at some instant in
 * `[s, r]`; on an unanswered one at some instant from `s` until it can no longer be accepted (the horizon: the
 * timestamp it was signed with is good for 30 seconds), or never.
 *
 * - The early edge counts from **send** times: the soonest instant at which the exchange may cancel everything.
 * - The late edge counts from **answer** times, and for unanswered writes from the end of their horizon, plus the
 *   exchange's trigger latency: after it, unless it was refreshed or turned off, the switch has fired.
 *
 * Two clocks give the elapsed time. A suspended host stops its monotonic clock but not the exchange. Therefore the
 * early edge takes the larger of monotonic and wall time, and the late edge the monotonic time.
 *
 * When the early edge has passed before the next acknowledgement, only the exchange's own stamps can say what happened.
 * Until they do, the gap stays open and grows with each acknowledgement.
 *
 * Everything here is a total function over plain data: no clock, no effects.
 *
 * @since 0.1.0
 */
import { agree, type Answer, inOrder, judge, shortestOf } from "./internal/window/gap.js"
import {
  type Assumptions,
  type Continuity,
  type Edges,
  elapsedAtLeast,
  elapsedAtMost,
  type FireWindow,
  type Pending,
  type Reading,
  type Stamps,
  type Verdict
} from "./internal/window/models.js"

export * from "./internal/window/models.js"

/**
 * A window without an acknowledgement. `left` holds unresolved writes of an earlier window on the same clock
 * (`unresolvedWrites`); `predecessor` is the record of another process.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty = (
  assumptions: Assumptions,
  left: ReadonlyArray<Pending> = [],
  predecessor?: Continuity
): FireWindow => ({ assumptions, acknowledged: undefined, pending: left, gap: undefined, predecessor })

/**
 * Records that a write is sent. From now on it may be applied.
 *
 * @since 0.1.0
 * @category writes
 */
export const sent = (
  self: FireWindow,
  write: { readonly id: number; readonly at: Reading; readonly countdown: number; readonly horizon: number }
): FireWindow => ({
  ...self,
  pending: [
    ...expire(self, write.at).pending,
    { id: write.id, sent: write.at, inFlight: true, countdown: write.countdown, horizon: write.horizon }
  ]
})

/**
 * Forgets a write that the exchange surely did not act on.
 *
 * @since 0.1.0
 * @category writes
 */
export const refused = (self: FireWindow, id: number): FireWindow => ({
  ...self,
  pending: self.pending.filter((write) => write.id !== id)
})

/**
 * Records that the outcome of a write is unknown. It may be applied until its horizon has passed.
 *
 * @since 0.1.0
 * @category writes
 */
export const unresolved = (self: FireWindow, id: number): FireWindow => ({
  ...self,
  pending: self.pending.map((write) => (write.id === id ? { ...write, inFlight: false } : write))
})

/**
 * Records an acknowledgement. Gives the new window and the verdict on the time since the base: the acknowledged write
 * before it or, while a gap is open, the one before that gap.
 *
 * - `held`: the acknowledgement arrived before the early edge by the host's clocks, or the exchange's stamps prove it.
 * - `fired`: proven by the stamps alone, and possible by the host's clocks.
 * - `open`: neither; the window keeps the gap.
 *
 * An acknowledgement of a write that is not pending changes nothing, so a late answer never lengthens the window.
 *
 * @since 0.1.0
 * @category writes
 */
export const acknowledged = (
  self: FireWindow,
  id: number,
  at: Reading,
  stamps: Stamps | undefined
): { readonly window: FireWindow; readonly verdict: Verdict } => {
  const write = self.pending.find((write) => write.id === id && write.inFlight)
  if (write === undefined) return { window: self, verdict: "open" }
  const before = refused(self, id)
  const answer: Answer = { write, at, stamps: inOrder(stamps) }
  const { verdict, gap } = judge(before, answer, edges(before, at).earliest)
  // Of two stamps that contradict each other either may be wrong. The later one is the base of no proof.
  const last = before.acknowledged
  const refuted = last?.stamps !== undefined && !agree(last, answer, before.assumptions)
  return {
    verdict,
    window: {
      ...self,
      acknowledged: {
        id,
        sent: write.sent,
        answered: at,
        countdown: write.countdown,
        stamps: refuted ? undefined : answer.stamps
      },
      pending: before.pending.filter((other) => !expiredBy(other, write.sent)),
      gap,
      predecessor: undefined
    }
  }
}

/**
 * Closes the gap before the acknowledgement `upTo`, because the owner has compared the book with the exchange since
 * then. Gives `undefined` when the switch may have fired after that acknowledgement, because the comparison is outdated
 * then.
 *
 * @since 0.1.0
 * @category writes
 */
export const reconciled = (self: FireWindow, upTo: number): FireWindow | undefined =>
  self.gap === undefined ? self : upTo >= self.gap.upTo ? { ...self, gap: undefined } : undefined

/**
 * The record for the next process on this account: the base from which it can prove that the switch held. `undefined`
 * before the first acknowledgement with stamps.
 *
 * @since 0.1.0
 * @category knowledge
 */
export const continuity = (self: FireWindow, shortestToCome: number): Continuity | undefined => {
  const last = self.acknowledged
  const stamps = self.gap === undefined ? last?.stamps : self.gap.base.stamps
  if (last === undefined || last.countdown === 0 || stamps === undefined) return undefined
  const { acceptedAt, completedAt } = stamps
  const ours = shortestOf([last, ...self.pending])
  return { acceptedAt, completedAt, shortestCountdown: Math.min(shortestToCome, ours, self.gap?.shortest ?? Infinity) }
}

/** Whether the write can no longer have been accepted at or after a reading. */
const expiredBy = (write: Pending, at: Reading): boolean => elapsedAtLeast(write.sent, at) > write.horizon

/**
 * Forgets the unresolved beats that can no longer have an effect. The exchange does not accept them any more, and if it
 * has accepted one, its countdown has run out.
 *
 * @since 0.1.0
 * @category writes
 */
export const expire = (self: FireWindow, now: Reading): FireWindow => {
  const last = self.acknowledged?.countdown ?? 0
  // Only an acknowledged countdown keeps the early edge in the past once it is there. The next verdict also needs the
  // shorter countdowns and the unanswered `0`s.
  if (last === 0) return self
  const matters = (write: Pending) => write.countdown < last || latestOfPending(self.assumptions, write, now) > 0
  return { ...self, pending: self.pending.filter(matters) }
}

const latestOfPending = (assumptions: Assumptions, write: Pending, now: Reading): number =>
  write.horizon + write.countdown + assumptions.triggerLatency - elapsedAtLeast(write.sent, now)

/**
 * The bounds as seen at a reading.
 *
 * @since 0.1.0
 * @category knowledge
 */
export const edges = (self: FireWindow, now: Reading): Edges => {
  const last = self.acknowledged
  let earliest = Infinity
  let latest = -Infinity
  if (last !== undefined && last.countdown > 0) {
    earliest = last.countdown - elapsedAtMost(last.sent, now)
    latest = last.countdown + self.assumptions.triggerLatency - elapsedAtLeast(last.answered, now)
  }
  for (const write of self.pending) {
    if (write.countdown === 0) continue
    // It matters only when it is applied after the acknowledged write, and so after that one was sent.
    const from = last !== undefined && last.id > write.id ? last.sent : write.sent
    earliest = Math.min(earliest, write.countdown - elapsedAtMost(from, now))
    latest = Math.max(latest, latestOfPending(self.assumptions, write, now))
  }
  return { earliest, latest }
}

/**
 * The time from a reading on during which an unresolved write may still be accepted, in ms; 0 when none may.
 * `"countdown"` selects the writes that would start the countdown, `"off"` those that would close the switch.
 *
 * @since 0.1.0
 * @category knowledge
 */
export const unresolvedFor = (self: FireWindow, now: Reading, kind: "countdown" | "off"): number =>
  self.pending.reduce(
    (longest, write) =>
      (write.countdown === 0) === (kind === "off")
        ? Math.max(longest, write.horizon - elapsedAtLeast(write.sent, now))
        : longest,
    0
  )

/**
 * Whether a `0` that was never answered may have closed the switch after the last acknowledged write was sent. Only the
 * acknowledgement of a write that was sent when that `0` could no longer be accepted ends the doubt.
 *
 * @since 0.1.0
 * @category knowledge
 */
export const mayBeOff = (self: FireWindow): boolean => self.pending.some((write) => write.countdown === 0)

/**
 * The writes that may still be accepted after a reading, for the next window on the same clock: a late `0` among them
 * would turn off the switch that the next window has armed.
 *
 * @since 0.1.0
 * @category knowledge
 */
export const unresolvedWrites = (self: FireWindow, now: Reading): ReadonlyArray<Pending> =>
  self.pending
    .filter((write) => !expiredBy(write, now))
    .map((write, index) => ({
      ...write,
      id: -1 - index,
      inFlight: false,
      // The next window counts jumps from 0.
      sent: { ...write.sent, jumped: (write.sent.jumped ?? 0) - (now.jumped ?? 0) }
    }))

/**
 * Whether the switch is surely off and no write of this window can start it. The last acknowledged write turned it off
 * (or there was none), and no unresolved write can still start it.
 *
 * @since 0.1.0
 * @category knowledge
 */
export const surelyOff = (self: FireWindow, now: Reading): boolean =>
  (self.acknowledged === undefined || self.acknowledged.countdown === 0) && !(edges(self, now).latest > 0)
