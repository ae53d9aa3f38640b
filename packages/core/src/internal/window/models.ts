/**
 * The models of the fire window and the arithmetic of its two clocks. `FireWindow` exports all of it.
 *
 * @internal
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
 * last acknowledgement. It stays open until stamps or a sighting prove that the switch held for all of it, or until the
 * owner has compared the book. A later acknowledgement extends it and does not begin another.
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
  /** When that acknowledgement was sent and answered, and its stamps, also those that the host's clocks refute. */
  readonly end: { readonly sent: Reading; readonly answered: Reading; readonly stamps: Stamps | undefined }
  /**
   * False while the stamps of one answer are the only reason for doubt, because they contradict the host's clocks. They
   * claim more time than both clocks: the host stood still together with them, or one machine of the exchange has a wrong
   * clock. Or they claim less than the wall clock: it was set forward, or the host was suspended and one machine has a
   * wrong clock. The next acknowledgement decides.
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
