/**
 * What a heartbeat knows of its switch at one instant, derived from the window and from what happened so far.
 *
 * @since 0.1.0
 */
import type * as CountdownCancelAll from "./CountdownCancelAll.js"
import * as FireWindow from "./FireWindow.js"
import type { SwitchLost } from "./HeartbeatError.js"
import type { LivenessFailed } from "./Liveness.js"
import type * as Release from "./Release.js"
import type * as VenueError from "./VenueError.js"

/**
 * The last write that the venue acknowledged. `sentAt` and `answeredAt` are ms since the epoch on the host's wall
 * clock, `countdown` is ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface LastAcknowledged {
  readonly sentAt: number
  readonly answeredAt: number
  readonly countdown: number
}

/**
 * Why the last beat did not happen or was not acknowledged.
 *
 * @since 0.1.0
 * @category models
 */
export type BeatFailure = VenueError.VenueError | LivenessFailed

/**
 * What every state but the last carries. Instants are ms since the epoch on the host's wall clock as it is now.
 *
 * @since 0.1.0
 * @category models
 */
export interface Known {
  readonly account: string
  /** When this was true. */
  readonly at: number
  /** The soonest instant at which the venue may cancel everything. */
  readonly earliestFire: number
  /** The instant after which it has fired, unless the switch was refreshed or turned off. */
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
 * Still surely before the early edge, but the last beat failed or was withheld, the hands of the clock disagree, or
 * the heartbeat was lost.
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
 * It has fired: proven by the venue's stamps or by the late edge.
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
}

/**
 * Everything that the state is derived from.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ledger {
  readonly account: string
  readonly window: FireWindow.FireWindow
  readonly failures: number
  readonly cause: BeatFailure | undefined
  /** The window closed once and what happened then is not known. */
  readonly doubt: boolean
  /** The venue's stamps prove that it fired. */
  readonly fired: boolean
  readonly lost: SwitchLost | undefined
  readonly outcome: Release.Outcome | undefined
}

/**
 * How far the two hands may drift apart between two beats before it counts as disagreement, ms: more than any slewing
 * of the clock and the rounding of both hands, less than any suspend that matters.
 *
 * @since 0.1.0
 * @category constants
 */
export const handTolerance = 100

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
        : { sentAt: last.sent.wall, answeredAt: last.answered.wall, countdown: last.countdown },
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
  // Nothing runs that could be claimed: not armed yet, or a `0` has turned it off (or may have).
  if (last === undefined || last.countdown === 0 || FireWindow.mayBeOff(ledger.window)) return "MayHaveFired"
  if (ledger.fired || latest <= 0) return "Fired"
  if (ledger.doubt || earliest <= 0) return "MayHaveFired"
  const steady =
    ledger.failures === 0 && ledger.lost === undefined && FireWindow.disagreement(last.sent, now) <= handTolerance
  return steady ? "Armed" : "Jeopardy"
}

/**
 * The stamps of an acknowledgement. Where the headers are missing, `requestTime` stands for both with a tolerance of
 * one second, since it is stamped somewhere between accepting and answering.
 *
 * @since 0.1.0
 * @category constructors
 */
export const stampsOf = (ack: CountdownCancelAll.Acknowledgement): FireWindow.Stamps | undefined => {
  const tolerance = 1_000
  const acceptedAt = ack.acceptedAt ?? (ack.requestTime === undefined ? undefined : ack.requestTime - tolerance)
  const completedAt = ack.completedAt ?? (ack.requestTime === undefined ? undefined : ack.requestTime + tolerance)
  return acceptedAt === undefined || completedAt === undefined ? undefined : { acceptedAt, completedAt }
}
