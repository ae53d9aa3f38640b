/**
 * The errors of a heartbeat: it could not be armed, it was lost, or it is not safe right now.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { LivenessFailed } from "./Liveness.js"
import type { OpenGap } from "./Sighting.js"
import type * as VenueError from "./VenueError.js"

const seconds = (millis: number): string => `${(Math.max(0, millis) / 1_000).toFixed(1)} s`

/**
 * The client of an exchange other than Bitget failed. `reason` is the tag of its own error, which is the `cause`.
 *
 * @since 0.1.0
 * @category errors
 */
export class CountdownFailed extends Schema.TaggedError<CountdownFailed>("@effect-deadman/core/CountdownFailed")(
  "CountdownFailed",
  {
    reason: Schema.String,
    detail: Schema.String,
    /** With `"no"` the earlier countdown runs on untouched, with `"unknown"` it may have been restarted or closed. */
    applied: Schema.Literal("no", "unknown"),
    /** Whether sending the same call again can help. */
    retryable: Schema.Boolean,
    code: Schema.optional(Schema.String),
    httpStatus: Schema.optional(Schema.Number),
    finalAfter: Schema.optional(Schema.Number),
    cause: Schema.Unknown
  }
) {
  override get message(): string {
    return `${this.reason}: ${this.detail}`
  }
}

/**
 * A countdown call that failed: by a class of `VenueError` on Bitget, by `CountdownFailed` on another exchange. A call
 * that exceeds `requestTimeout` is a `RequestTimeout` on every exchange.
 *
 * @since 0.1.0
 * @category models
 */
export type BeatError = VenueError.VenueError | CountdownFailed

/**
 * The reason why a heartbeat ended before its scope closed.
 *
 * - `Refused`: the exchange refused a beat for good (credentials, permission, account); `cause` is the refusal
 * - `MayHaveFired`: the early edge of the window passed without proof either way
 * - `Fired`: the exchange's own stamps, or the late edge, prove that it fired
 * - `NotAlive`: the liveness check stayed negative to the end of the window; `cause` names the checks
 * - `Defect`: a bug in a provided service or in this library
 * - `Released`: its scope closed while an effect outside of it was still guarded; nothing protects that effect any more
 *
 * @since 0.1.0
 * @category models
 */
export type LossReason = "Refused" | "MayHaveFired" | "Fired" | "NotAlive" | "Defect" | "Released"

/**
 * The heartbeat has ended and sends no more beats. `timeLeft` (ms) is the time from the loss until the exchange may
 * cancel everything. When it is not 0 the program can still wind down in order.
 *
 * @since 0.1.0
 * @category errors
 */
export class SwitchLost extends Schema.TaggedError<SwitchLost>("@effect-deadman/core/SwitchLost")("SwitchLost", {
  account: Schema.String,
  reason: Schema.Literal("Refused", "MayHaveFired", "Fired", "NotAlive", "Defect", "Released"),
  timeLeft: Schema.Number,
  /** The failure behind it: the exchange's refusal, the liveness report, or the last failed beat. */
  cause: Schema.optional(Schema.Unknown as Schema.Schema<BeatError | LivenessFailed>),
  /**
   * The time in which the switch may have fired, or may still fire. Give it to `Sighting.survival` with an open order to
   * learn until when the orders are not safe. Absent with `Released`.
   */
  gap: Schema.optional(Schema.Unknown as Schema.Schema<OpenGap>)
}) {
  override get message(): string {
    const because = this.cause === undefined ? "" : ` ${this.cause.message}`
    const left =
      this.timeLeft > 0 ? `The exchange cancels all orders in ${seconds(this.timeLeft)} at the earliest.` : ""
    const later =
      this.gap !== undefined && this.gap.latest > 0 ? ` It may fire for another ${seconds(this.gap.latest)}.` : ""
    const what = {
      Refused: `The exchange refused the heartbeat of account ${this.account} for good. ${left}`,
      MayHaveFired:
        `The switch of account ${this.account} may have fired: its orders may be gone. ` +
        `Reconcile with the exchange before placing new ones.${later}`,
      Fired: `The switch of account ${this.account} has fired: the exchange has cancelled its orders. Reconcile.`,
      NotAlive: `The heartbeat of account ${this.account} was withheld to the end: the program was not alive. ${left}`,
      Defect: `The heartbeat of account ${this.account} stopped by a defect. ${left}`,
      Released: `The heartbeat of account ${this.account} was released while this still ran: keep it within the scope.`
    }[this.reason]
    return (what.trim() + because).trim()
  }
}

/**
 * The switch is not `Armed`, or has less time left than requested. `timeLeft` is ms until the exchange may fire.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotArmed extends Schema.TaggedError<NotArmed>("@effect-deadman/core/NotArmed")("NotArmed", {
  account: Schema.String,
  state: Schema.Literal("Armed", "Jeopardy", "MayHaveFired", "Fired", "Released"),
  timeLeft: Schema.Number,
  margin: Schema.Number
}) {
  override get message(): string {
    return this.state === "Armed"
      ? `The switch of account ${this.account} has ${seconds(this.timeLeft)} left, ${seconds(this.margin)} were requested. Wait for the next beat.`
      : `The switch of account ${this.account} is not armed but ${this.state}. Place no order now.`
  }
}

/**
 * Options that do not fit together. `inequality` is the condition that does not hold, `numbers` has the actual values.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidOptions extends Schema.TaggedError<InvalidOptions>("@effect-deadman/core/InvalidOptions")(
  "InvalidOptions",
  { inequality: Schema.String, numbers: Schema.String, advice: Schema.String }
) {
  override get message(): string {
    return `These heartbeat options cannot work: ${this.inequality} does not hold (${this.numbers}). ${this.advice}`
  }
}

/**
 * The account already has a heartbeat in this process. Two of them would disarm each other. Share one with
 * `Heartbeats`, or give different accounts different labels.
 *
 * @since 0.1.0
 * @category errors
 */
export class AccountInUse extends Schema.TaggedError<AccountInUse>("@effect-deadman/core/AccountInUse")(
  "AccountInUse",
  { account: Schema.String }
) {
  override get message(): string {
    return (
      `Account ${this.account} already has a heartbeat in this process, and the release of one would disarm the ` +
      `other. Share it with Heartbeats, or, if these are different accounts, give each a label of its own.`
    )
  }
}

/**
 * No acknowledgement within `armTimeout` (ms), although every failure allowed another try. The switch was turned off
 * again as far as possible.
 *
 * @since 0.1.0
 * @category errors
 */
export class ArmTimeout extends Schema.TaggedError<ArmTimeout>("@effect-deadman/core/ArmTimeout")("ArmTimeout", {
  account: Schema.String,
  armTimeout: Schema.Number,
  cause: Schema.optional(Schema.Unknown as Schema.Schema<BeatError>)
}) {
  override get message(): string {
    const because = this.cause === undefined ? "" : ` Last: ${this.cause.message}`
    return `The switch of account ${this.account} could not be armed within ${seconds(this.armTimeout)}.${because}`
  }
}

/**
 * `markReconciled` came too late: the switch may have fired again after the acknowledgement that it names.
 *
 * @since 0.1.0
 * @category errors
 */
export class ReconciliationOutdated extends Schema.TaggedError<ReconciliationOutdated>(
  "@effect-deadman/core/ReconciliationOutdated"
)("ReconciliationOutdated", { account: Schema.String }) {
  override get message(): string {
    return (
      `The switch of account ${this.account} may have fired again since the book was compared. Read ` +
      "`status.lastAcknowledged`, compare the book with the exchange once more, and give that acknowledgement."
    )
  }
}

/**
 * Why a heartbeat could not be acquired.
 *
 * @since 0.1.0
 * @category models
 */
export type ArmError = BeatError | InvalidOptions | AccountInUse | ArmTimeout
