/**
 * The state of a heartbeat at one instant, derived from the window and from earlier events.
 *
 * @since 0.1.0
 */
import type * as CountdownCancelAll from "./CountdownCancelAll.js"
import * as FireWindow from "./FireWindow.js"
import type { BeatError, SwitchLost } from "./HeartbeatError.js"
import type { LivenessFailed } from "./Liveness.js"
import type * as Release from "./Release.js"

/**
 * The last write that the exchange acknowledged. `sentAt` and `answeredAt` are ms since the epoch on the host's wall
 * clock, `countdown` is ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface LastAcknowledged {
  /** Names this acknowledgement for `markReconciled`. Counts up within one heartbeat. */
  readonly id: number
  readonly sentAt: number
  readonly answeredAt: number
  readonly countdown: number
}

/**
 * The reason why the last beat was not sent or not acknowledged.
 *
 * @since 0.1.0
 * @category models
 */
export type BeatFailure = BeatError | LivenessFailed

/**
 * The fields of every state but `Released`. Instants are ms since the epoch on the host's wall clock as it is now.
 *
 * @since 0.1.0
 * @category models
 */
export interface Known {
  readonly account: string
  /** The instant of this status. */
  readonly at: number
  /** The soonest instant at which the exchange may cancel everything. */
  readonly earliestFire: number
  /** The instant after which the switch has surely fired, unless it was refreshed or turned off. */
  readonly latestFire: number
  readonly lastAcknowledged: LastAcknowledged | undefined
  /** Failures in a row since the last acknowledgement. */
  readonly failures: number
  readonly cause: BeatFailure | undefined
  /** Set once the heartbeat has ended before its scope. */
  readonly lost: SwitchLost | undefined
}

/**
 * Every write so far is accounted for, and the early edge is ahead.
 *
 * @since 0.1.0
 * @category models
 */
export interface Armed extends Known {
  readonly _tag: "Armed"
}

/**
 * Still surely before the early edge, but the last beat failed or was withheld, the two clocks disagree, or the
 * heartbeat was lost.
 *
 * @since 0.1.0
 * @category models
 */
export interface Jeopardy extends Known {
  readonly _tag: "Jeopardy"
}

/**
 * The early edge has passed without proof either way.
 *
 * @since 0.1.0
 * @category models
 */
export interface MayHaveFired extends Known {
  readonly _tag: "MayHaveFired"
}

/**
 * It has fired: proven by the exchange's stamps or by the late edge.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fired extends Known {
  readonly _tag: "Fired"
}

/**
 * The scope has closed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Released {
  readonly _tag: "Released"
  readonly account: string
  readonly at: number
  readonly outcome: Release.Outcome
}

/**
 * @since 0.1.0
 * @category models
 */
export type Status = Armed | Jeopardy | MayHaveFired | Fired | Released

/**
 * A change of state.
 *
 * @since 0.1.0
 * @category models
 */
export interface Transition {
  readonly from: Status["_tag"]
  readonly to: Status
  /**
   * The end of a doubt, from `MayHaveFired` to `Armed` or `Jeopardy`: an acknowledgement, by its stamps or in time; a
   * sighting of an open order; or `markReconciled`.
   */
  readonly provenBy?: "acknowledgement" | "sighting" | "owner" | undefined
}

/**
 * The facts from which the state is derived.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ledger {
  readonly account: string
  readonly window: FireWindow.FireWindow
  readonly failures: number
  readonly cause: BeatFailure | undefined
  /** The exchange's stamps prove that it fired. */
  readonly fired: boolean
  readonly lost: SwitchLost | undefined
  readonly outcome: Release.Outcome | undefined
}

/**
 * The divergence of wall and monotonic time between two beats, in ms, above which it counts as disagreement. Larger
 * than any slewing of the clock and the rounding of both readings, smaller than any suspend that matters.
 *
 * @since 0.1.0
 * @category constants
 */
export const clockTolerance = 100

/**
 * The state at a reading.
 *
 * @since 0.1.0
 * @category constructors
 */
export const derive = (ledger: Ledger, now: FireWindow.Reading): Status => {
  if (ledger.outcome !== undefined) {
    return { _tag: "Released", account: ledger.account, at: now.wall, outcome: ledger.outcome }
  }
  const { earliest, latest } = FireWindow.edges(ledger.window, now)
  const last = ledger.window.acknowledged
  return {
    _tag: tagOf(ledger, now, earliest, latest),
    account: ledger.account,
    at: now.wall,
    earliestFire: now.wall + earliest,
    latestFire: now.wall + latest,
    lastAcknowledged:
      last === undefined
        ? undefined
        : { id: last.id, sentAt: last.sent.wall, answeredAt: last.answered.wall, countdown: last.countdown },
    failures: ledger.failures,
    cause: ledger.cause,
    lost: ledger.lost
  }
}

const tagOf = (
  ledger: Ledger,
  now: FireWindow.Reading,
  earliest: number,
  latest: number
): Exclude<Status["_tag"], "Released"> => {
  const last = ledger.window.acknowledged
  // No switch surely runs: not armed yet, or a `0` has turned it off (or may have).
  if (last === undefined || last.countdown === 0 || FireWindow.mayBeOff(ledger.window)) return "MayHaveFired"
  if (ledger.fired || latest <= 0) return "Fired"
  if (ledger.window.gap !== undefined || earliest <= 0) return "MayHaveFired"
  const steady =
    ledger.failures === 0 && ledger.lost === undefined && FireWindow.disagreement(last.sent, now) <= clockTolerance
  return steady ? "Armed" : "Jeopardy"
}

/**
 * The stamps of an acknowledgement. Where a header is missing, `requestTime` takes its place with a tolerance of one
 * second, because it is stamped somewhere between accepting and answering. A stamp of 0 is no stamp: live answers with
 * `requestTime: 0` exist.
 *
 * @since 0.1.0
 * @category constructors
 */
export const stampsOf = (ack: CountdownCancelAll.Acknowledgement): FireWindow.Stamps | undefined => {
  const tolerance = 1_000
  const requestTime = stamp(ack.requestTime)
  const acceptedAt = stamp(ack.acceptedAt) ?? (requestTime === undefined ? undefined : requestTime - tolerance)
  const completedAt = stamp(ack.completedAt) ?? (requestTime === undefined ? undefined : requestTime + tolerance)
  return acceptedAt === undefined || completedAt === undefined ? undefined : { acceptedAt, completedAt }
}

const stamp = (millis: number | undefined): number | undefined =>
  millis !== undefined && Number.isFinite(millis) && millis > 0 ? millis : undefined
