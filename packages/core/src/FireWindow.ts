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

/**
 * Monotonic and wall time of the host, read together, in ms. `mono` never jumps but stands still while the host is
 * suspended; `wall` is the time of day and jumps when it is set.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reading {
  readonly mono: number
  readonly wall: number
  /**
   * The sum of all forward jumps of the wall clock against the monotonic one so far, ms. Backward jumps are not
   * subtracted, so a suspend shows even when the wall clock was set back before it. Defaults to 0.
   */
  readonly jumped?: number | undefined
}

/**
 * The exchange's own clock around the moment at which it acted on a write, in ms: it accepted the request at
 * `acceptedAt` and completed its answer at `completedAt`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stamps {
  readonly acceptedAt: number
  readonly completedAt: number
}

/**
 * A write whose outcome is not known (yet): the exchange may still apply it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pending {
  /** Counts up from one write to the next. Negative for what was sent before this window began. */
  readonly id: number
  /** When it was sent: it was not applied before. */
  readonly sent: Reading
  /** Whether an answer is still awaited. An answer that arrives after the write was given up is ignored. */
  readonly inFlight: boolean
  /** Milliseconds; 0 is off. */
  readonly countdown: number
  /** The time after sending during which the exchange may still accept it, ms. */
  readonly horizon: number
}

/**
 * The last write that the exchange acknowledged.
 *
 * @since 0.1.0
 * @category models
 */
export interface Acknowledged {
  /** Counts up from one acknowledgement to the next. */
  readonly id: number
  readonly sent: Reading
  readonly answered: Reading
  /** Milliseconds; 0 is off. */
  readonly countdown: number
  /** `undefined` also where they are impossible, out of order or refuted by the host's clocks. */
  readonly stamps: Stamps | undefined
}

/**
 * The stamps of an acknowledged write of another process on the same account, and the shortest countdown that process
 * may have sent afterwards, all in ms. Plain JSON: keep it where the next process finds it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Continuity extends Stamps {
  readonly shortestCountdown: number
}

/**
 * A stretch of time in which the switch may have fired. It begins at an acknowledged write (the base) and ends with the
 * last acknowledgement. It stays open until stamps prove that the switch held for all of it, or until the owner has
 * compared the book. A later acknowledgement extends it and does not begin another.
 *
 * @since 0.1.0
 * @category models
 */
export interface Gap {
  readonly base: {
    readonly stamps: Stamps | undefined
    /** When the base was sent and answered; unknown for a write of another process. */
    readonly sent: Reading | undefined
    readonly answered: Reading | undefined
  }
  /** The shortest countdown that may have applied between the base and the last acknowledgement, ms. */
  readonly shortest: number
  /** The id of the acknowledgement before which the switch may have fired last. */
  readonly upTo: number
  /**
   * False while the stamps of one answer are the only reason for doubt, because they claim more time than the host's
   * clocks measured. Either the host stood still together with its clocks, or one machine of the exchange has a wrong
   * clock. The next acknowledgement decides.
   */
  readonly confirmed: boolean
}

/**
 * Assumptions about the exchange, in ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface Assumptions {
  /** The longest time after the deadline until the exchange cancels. */
  readonly triggerLatency: number
  /** The largest difference between the clocks of two machines of the exchange. */
  readonly stampTolerance: number
}

/**
 * Everything known about the switch: the last acknowledged write, the writes that may still be applied, and the open
 * gap.
 *
 * @since 0.1.0
 * @category models
 */
export interface FireWindow {
  readonly assumptions: Assumptions
  readonly acknowledged: Acknowledged | undefined
  readonly pending: ReadonlyArray<Pending>
  readonly gap: Gap | undefined
  /** The record of the process before this one, until the first acknowledgement has been compared with it. */
  readonly predecessor: Continuity | undefined
}

/**
 * The bounds as seen at one reading, in ms from then on. Negative: that long ago.
 *
 * @since 0.1.0
 * @category models
 */
export interface Edges {
  /** Time until the exchange may cancel everything; `Infinity` when no write could make it. */
  readonly earliest: number
  /** Time until it has surely fired, unless refreshed or turned off; `-Infinity` when no write could make it. */
  readonly latest: number
}

/**
 * The conclusion from an acknowledgement about the time before it.
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
 * The least time that has surely passed at the exchange from one reading to another.
 *
 * @since 0.1.0
 * @category time
 */
export const elapsedAtLeast = (from: Reading, to: Reading): number => Math.max(0, to.mono - from.mono)

/**
 * The most time that can have passed at the exchange from one reading to another. After a suspend only the wall clock
 * shows it.
 *
 * @since 0.1.0
 * @category time
 */
export const elapsedAtMost = (from: Reading, to: Reading): number =>
  Math.max(0, to.mono - from.mono + Math.max(0, (to.jumped ?? 0) - (from.jumped ?? 0)), to.wall - from.wall)

/**
 * The difference between the two clocks' measurements of the time between two readings, ms.
 *
 * @since 0.1.0
 * @category time
 */
export const disagreement = (from: Reading, to: Reading): number =>
  Math.abs(to.wall - from.wall - (to.mono - from.mono))

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
  const { verdict, gap } = judge(before, answer)
  // Of two stamps that contradict each other either may be wrong. The later one is the base of no proof.
  const comparable = before.acknowledged?.stamps !== undefined && answer.stamps !== undefined
  const refuted = comparable && !agree(before.acknowledged, answer, before.assumptions)
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

/** The acknowledgement under judgement. */
interface Answer {
  readonly write: Pending
  readonly at: Reading
  readonly stamps: Stamps | undefined
}

const judge = (before: FireWindow, answer: Answer): { readonly verdict: Verdict; readonly gap: Gap | undefined } => {
  const { acknowledged: last, assumptions, gap, predecessor } = before
  const recent = shortestOf(last === undefined ? before.pending : [last, ...before.pending])
  const earlier = gap?.shortest ?? (last === undefined ? predecessor?.shortestCountdown : undefined) ?? Infinity
  const shortest = Math.min(earlier, recent)
  const base: Gap["base"] | undefined =
    gap?.base ?? last ?? (predecessor && { stamps: inOrder(predecessor), sent: undefined, answered: undefined })
  // Nothing was armed before that could have fired.
  if (base === undefined || heldFor(base, answer, assumptions, shortest)) return { verdict: "held", gap: undefined }
  const step = last === undefined ? "open" : stepVerdict(before, last, answer, recent)
  // The only reason for doubt was one answer, and the next one agrees with the host's clocks.
  const settled = gap === undefined || (!gap.confirmed && agree(base, answer, assumptions))
  if (step === "held" && settled) return { verdict: "held", gap: undefined }
  const extended: Gap = {
    // The other process had its answer before this window's first write left.
    base: base.answered === undefined ? { ...base, answered: answer.write.sent } : base,
    shortest,
    upTo: step === "held" && gap !== undefined ? gap.upTo : answer.write.id,
    confirmed: gap !== undefined || step !== "contradicted"
  }
  return { verdict: step === "fired" ? "fired" : "open", gap: extended }
}

/** The shortest countdown among the writes that start one, ms. */
const shortestOf = (writes: ReadonlyArray<{ readonly countdown: number }>): number =>
  writes.reduce((least, { countdown }) => (countdown === 0 ? least : Math.min(least, countdown)), Infinity)

/** The verdict between two consecutive acknowledgements. Here the host's clocks are evidence, too. */
const stepVerdict = (
  before: FireWindow,
  last: Acknowledged,
  answer: Answer,
  shortest: number
): Verdict | "contradicted" => {
  const { assumptions } = before
  if (heldFor(last, answer, assumptions, shortest)) return "held"
  const passed = atTheVenue(last, answer, assumptions)
  const impossible = passed !== undefined && !agree(last, answer, assumptions)
  if (edges(before, answer.at).earliest > 0) return impossible ? "contradicted" : "held"
  const fired =
    passed !== undefined &&
    !impossible &&
    before.pending.length === 0 &&
    passed.least > last.countdown + assumptions.triggerLatency
  return fired ? "fired" : "open"
}

/** Whether the stamps prove that less time than the shortest countdown has passed since the base. */
const heldFor = (from: Gap["base"], answer: Answer, assumptions: Assumptions, shortest: number): boolean => {
  const passed = atTheVenue(from, answer, assumptions)
  return passed !== undefined && passed.most < shortest
}

/** Whether the time between two writes by the exchange's stamps can be the time by the host's clocks. */
const agree = (from: Gap["base"], answer: Answer, assumptions: Assumptions): boolean => {
  const passed = atTheVenue(from, answer, assumptions)
  return passed !== undefined && (from.sent === undefined || passed.least <= elapsedAtMost(from.sent, answer.at))
}

/**
 * The time at the exchange between its actions on two writes, by its own stamps, in ms. `undefined` where the stamps
 * are no evidence: one is missing, or they claim less time than the host's monotonic clock measured.
 */
const atTheVenue = (
  from: Gap["base"],
  { stamps: to, write }: Answer,
  { stampTolerance }: Assumptions
): { readonly least: number; readonly most: number } | undefined => {
  if (from.stamps === undefined || to === undefined) return undefined
  const most = to.completedAt - from.stamps.acceptedAt + stampTolerance
  const surely = from.answered === undefined ? 0 : elapsedAtLeast(from.answered, write.sent)
  return most < surely ? undefined : { least: to.acceptedAt - from.stamps.completedAt - stampTolerance, most }
}

/** Drops stamps that completed before they were accepted. */
const inOrder = (stamps: Stamps | undefined): Stamps | undefined =>
  stamps !== undefined && stamps.acceptedAt <= stamps.completedAt ? stamps : undefined

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
