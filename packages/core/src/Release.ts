/**
 * The last write of a heartbeat, sent when its scope closes, and the outcome.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Exit from "effect/Exit"
import type { SwitchLost } from "./HeartbeatError.js"

/**
 * The last write of a heartbeat.
 *
 * - `Disarm`: turns the switch off; open orders stay.
 * - `LetExpire`: sends nothing; the exchange cancels all orders when the countdown has run out.
 * - `CancelSoon`: sets the shortest countdown (Bitget: 5 s), so the exchange cancels all orders soon. Never postpones a
 *   nearer deadline.
 *
 * @since 0.1.0
 * @category models
 */
export type Release = "Disarm" | "LetExpire" | "CancelSoon"

/**
 * Chooses the last write by the `Exit` of the scope and, when the heartbeat was lost before, by the reason.
 *
 * @since 0.1.0
 * @category models
 */
export type Policy = (exit: Exit.Exit<unknown, unknown>, lost: SwitchLost | undefined) => Release

/**
 * The default: disarms, however the scope ended, and logs a warning after a failure, because open orders then stay
 * without protection. A lost heartbeat expires, because a `0` would remove the only protection that may be left.
 *
 * @since 0.1.0
 * @category policies
 */
export const disarm: Policy = (_, lost) => (lost === undefined ? "Disarm" : "LetExpire")

/**
 * Disarms after success and interruption (Ctrl-C, SIGTERM), and lets the exchange cancel all orders after a failure or
 * a defect. After a loss it also cancels, because an order that was under way while the switch fired would stay for
 * ever. Only after a final refusal, or a defect in the heartbeat itself, it sends nothing and lets the countdown
 * expire.
 *
 * @since 0.1.0
 * @category policies
 */
export const cancelOnFailure: Policy = (exit, lost) =>
  lost !== undefined
    ? afterLoss(lost)
    : Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)
      ? "Disarm"
      : "CancelSoon"

/**
 * Like `cancelOnFailure`, but also cancels after an interruption. For scopes that a failing sibling may interrupt.
 *
 * @since 0.1.0
 * @category policies
 */
export const cancelUnlessDone: Policy = (exit, lost) =>
  lost !== undefined ? afterLoss(lost) : Exit.isSuccess(exit) ? "Disarm" : "CancelSoon"

/**
 * Never sends anything: the countdown expires and the exchange cancels all orders, unless another process arms it
 * again.
 *
 * @since 0.1.0
 * @category policies
 */
export const letExpire: Policy = () => "LetExpire"

const afterLoss = ({ reason }: SwitchLost): Release =>
  reason === "Refused" || reason === "Defect" ? "LetExpire" : "CancelSoon"

/**
 * The outcome of a release. All instants are ms since the epoch on the host's wall clock.
 *
 * - `Disarmed`: proven off; no write of this heartbeat can make it fire.
 * - `DisarmUnconfirmed`: the `0` was not acknowledged, or an unresolved beat may still arrive after it. Nothing fires
 *   after `until`.
 * - `Expiring`: the countdown runs out. It fires between the two edges, unless it already has.
 * - `CancellingSoon`: set to the shortest countdown. It fires between the two edges.
 *
 * With `mayBeOff` an unresolved `0` may have closed the switch, or may still close it; then nothing fires.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Data.TaggedEnum<{
  Disarmed: {}
  DisarmUnconfirmed: { readonly until: number }
  Expiring: { readonly earliestFire: number; readonly latestFire: number; readonly mayBeOff: boolean }
  CancellingSoon: { readonly earliestFire: number; readonly latestFire: number; readonly mayBeOff: boolean }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const Outcome = Data.taggedEnum<Outcome>()
