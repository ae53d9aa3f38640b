/**
 * What can be proven about a switch that cannot be read: the two bounds between which the venue may fire.
 *
 * The venue offers no read-back, so all knowledge comes from the writes. A write is one countdown request, sent at
 * `s`, answered (perhaps) at `r`, with a countdown `c`. The venue acted on an answered write at some instant in
 * `[s, r]`; on an unanswered one at some instant from `s` until it can no longer be accepted (the horizon: the
 * timestamp it was signed with is good for 30 seconds), or never.
 *
 * - The early edge counts from **send** times: the soonest instant at which the venue may cancel everything.
 * - The late edge counts from **answer** times, and for unanswered writes from the end of their horizon, plus the
 *   venue's trigger latency: after it, unless it was refreshed or turned off, the switch has fired.
 *
 * Elapsed time is judged with two hands. A suspended host stops its monotonic clock but not the venue, so the early
 * edge takes the larger of monotonic and wall time, and the late edge the monotonic time.
 *
 * Everything here is a total function over plain data: no clock, no effects.
 *
 * @since 0.1.0
 */

/**
 * Both hands of the host's clock at one instant, in milliseconds: `mono` never jumps but stands still while the host
 * is suspended, `wall` is the time of day and jumps when it is set.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reading {
  readonly mono: number
  readonly wall: number
  /**
   * By how much the wall clock has leapt ahead of the monotonic one so far, each leap counted and none taken back:
   * so a suspend shows also when the clock was set back before it. Where nobody counts, 0.
   */
  readonly leapt?: number | undefined
}

/**
 * The venue's own clock around the moment at which it acted on a write, in ms: it accepted the request at
 * `acceptedAt` and had completed its answer at `completedAt`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stamps {
  readonly acceptedAt: number
  readonly completedAt: number
}

/**
 * A write whose outcome is not known (yet): it may still be applied.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pending {
  /** Negative for what was sent before this window began. */
  readonly id: number
  /** When it was sent: it was not applied before. */
  readonly sent: Reading
  /** Whether an answer is still waited for. One that comes after it was given up is not heard. */
  readonly inFlight: boolean
  /** Milliseconds; 0 is off. */
  readonly countdown: number
  /** How long after it was sent the venue may still accept it, ms. */
  readonly horizon: number
}

/**
 * The last write that the venue acknowledged.
 *
 * @since 0.1.0
 * @category models
 */
export interface Acknowledged {
  readonly id: number
  readonly sent: Reading
  readonly answered: Reading
  /** Milliseconds; 0 is off. */
  readonly countdown: number
  readonly stamps: Stamps | undefined
}

/**
 * What is assumed of the venue.
 *
 * @since 0.1.0
 * @category models
 */
export interface Assumptions {
  /** How long after the deadline the venue may take to cancel, ms. */
  readonly triggerLatency: number
  /**
   * Whether a write that was answered may be delivered once more, later, by something on the way that replays
   * requests. TCP and TLS do not; then the window would stay wide for the whole horizon of every write.
   */
  readonly replays: boolean
}

/**
 * All that is known: the last acknowledged write and those that may still be applied.
 *
 * @since 0.1.0
 * @category models
 */
export interface FireWindow {
  readonly assumptions: Assumptions
  readonly acknowledged: Acknowledged | undefined
  readonly pending: ReadonlyArray<Pending>
}

/**
 * The bounds as seen at one reading, in ms from then on. Negative: that long ago.
 *
 * @since 0.1.0
 * @category models
 */
export interface Edges {
  /** Time until the venue may cancel everything; `Infinity` when no write could make it. */
  readonly earliest: number
  /** Time until it has surely fired, unless refreshed or turned off; `-Infinity` when no write could make it. */
  readonly latest: number
}

/**
 * What an acknowledgement proves about the time before it.
 *
 * - `held`: the switch did not fire between the acknowledged write before and this one
 * - `fired`: it did
 * - `open`: neither can be proven
 *
 * @since 0.1.0
 * @category models
 */
export type Verdict = "held" | "fired" | "open"

/**
 * Nothing was ever acknowledged, and nothing was sent but what an earlier window has left (`strays`).
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty = (assumptions: Assumptions, left: ReadonlyArray<Pending> = []): FireWindow => ({
  assumptions,
  acknowledged: undefined,
  pending: left
})

/**
 * The least time that has surely passed at the venue from one reading to another.
 *
 * @since 0.1.0
 * @category time
 */
export const elapsedAtLeast = (from: Reading, to: Reading): number => Math.max(0, to.mono - from.mono)

/**
 * The most time that can have passed at the venue: after a suspend only the wall clock knows of it.
 *
 * @since 0.1.0
 * @category time
 */
export const elapsedAtMost = (from: Reading, to: Reading): number =>
  Math.max(0, to.mono - from.mono + Math.max(0, (to.leapt ?? 0) - (from.leapt ?? 0)), to.wall - from.wall)

/**
 * How far the two hands disagree about the time between two readings, ms.
 *
 * @since 0.1.0
 * @category time
 */
export const disagreement = (from: Reading, to: Reading): number =>
  Math.abs(to.wall - from.wall - (to.mono - from.mono))

/**
 * A write leaves. From here on it may be applied.
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
 * The venue surely did not act on the write: everything is as if it had not been sent.
 *
 * @since 0.1.0
 * @category writes
 */
export const refused = (self: FireWindow, id: number): FireWindow => ({
  ...self,
  pending: self.pending.filter((write) => write.id !== id)
})

/**
 * No answer came, or one that leaves the outcome unknown: the write may be applied until its horizon has passed.
 *
 * @since 0.1.0
 * @category writes
 */
export const unresolved = (self: FireWindow, id: number): FireWindow => ({
  ...self,
  pending: self.pending.map((write) => (write.id === id ? { ...write, inFlight: false } : write))
})

/**
 * The venue acknowledged the write. Gives the new knowledge and what the acknowledgement proves about the time before
 * it: that the switch held is proven when the acknowledgement arrived before the early edge, or by the venue's own
 * stamps, which need no clock of ours; that it fired, by the stamps alone.
 *
 * An acknowledgement of a write that is not pending changes nothing: a late answer never lengthens the window.
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
  const { countdown, sent } = write
  const strays = before.pending.filter((other) => !expiredBy(other, sent))
  return {
    verdict: verdict(before, at, stamps),
    window: {
      ...self,
      acknowledged: { id, sent, answered: at, countdown, stamps },
      pending: self.assumptions.replays ? [...strays, { ...write, inFlight: false }] : strays
    }
  }
}

const verdict = (before: FireWindow, at: Reading, stamps: Stamps | undefined): Verdict => {
  const last = before.acknowledged
  // A host that was frozen with both hands of its clock does not know of it, but the venue's clock went on.
  const missed =
    last?.stamps !== undefined &&
    stamps !== undefined &&
    last.countdown > 0 &&
    stamps.acceptedAt - last.stamps.completedAt >= last.countdown
  if (edges(before, at).earliest > 0 && !missed) return "held"
  if (last === undefined || last.countdown === 0 || last.stamps === undefined || stamps === undefined) return "open"
  const shortest = before.pending.reduce(
    (least, write) => (write.countdown === 0 ? least : Math.min(least, write.countdown)),
    last.countdown
  )
  if (stamps.completedAt - last.stamps.acceptedAt < shortest) return "held"
  const untouched = before.pending.length === 0
  return untouched && stamps.acceptedAt - last.stamps.completedAt > last.countdown + before.assumptions.triggerLatency
    ? "fired"
    : "open"
}

/** Whether the write can no longer have been accepted at or after a reading. */
const expiredBy = (write: Pending, at: Reading): boolean => elapsedAtLeast(write.sent, at) > write.horizon

/**
 * Forgets the unresolved beats that can do nothing any more: they could no longer be accepted, and had they been,
 * their countdown would have run out.
 *
 * @since 0.1.0
 * @category writes
 */
export const expire = (self: FireWindow, now: Reading): FireWindow => {
  const last = self.acknowledged?.countdown ?? 0
  // Only a countdown that was acknowledged keeps the early edge in the past once it is there; and of a shorter
  // countdown or an unanswered `0` the next verdict must still know.
  if (last === 0 || self.pending.length === 0) return self
  const pending = self.pending.filter(
    (write) => write.countdown < last || latestOfPending(self.assumptions, write, now) > 0
  )
  return pending.length === self.pending.length ? self : { ...self, pending }
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
    // To matter at all it is applied after the acknowledged write, and so after that one was sent.
    const from = last !== undefined && last.sent.mono > write.sent.mono ? last.sent : write.sent
    earliest = Math.min(earliest, write.countdown - elapsedAtMost(from, now))
    latest = Math.max(latest, latestOfPending(self.assumptions, write, now))
  }
  return { earliest, latest }
}

/**
 * How long from a reading on a write that was never answered may still be accepted, in ms: 0 when none may.
 * `"countdown"` asks for those that would start the countdown, `"off"` for those that would close the switch.
 *
 * @since 0.1.0
 * @category knowledge
 */
export const strayFor = (self: FireWindow, now: Reading, kind: "countdown" | "off"): number =>
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
 * The writes that may still be accepted after a reading, for the next window on the same hands of the clock: a late `0`
 * among them would turn off what that one has armed.
 *
 * @since 0.1.0
 * @category knowledge
 */
export const strays = (self: FireWindow, now: Reading): ReadonlyArray<Pending> =>
  self.pending
    .filter((write) => !expiredBy(write, now))
    .map((write, index) => ({
      ...write,
      id: -1 - index,
      inFlight: false,
      // Leaps are counted anew.
      sent: { ...write.sent, leapt: (write.sent.leapt ?? 0) - (now.leapt ?? 0) }
    }))

/**
 * Whether the switch surely does not run and will not run by any write of ours: the last acknowledged write turned it
 * off (or there never was one) and nothing that could start it is still on its way.
 *
 * @since 0.1.0
 * @category knowledge
 */
export const surelyOff = (self: FireWindow, now: Reading): boolean =>
  (self.acknowledged === undefined || self.acknowledged.countdown === 0) && !(edges(self, now).latest > 0)
