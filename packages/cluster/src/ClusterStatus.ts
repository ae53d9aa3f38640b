/**
 * What one runner says of its accounts.
 *
 * @since 0.2.0
 */
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import type * as Continuity from "./Continuity.js"

/**
 * The state of an account on this runner. See the module `Handover`.
 *
 * - `Idle`: this runner does nothing for it
 * - `Waiting`: waits for its turn to arm, takes over, or arms
 * - `Owned`, `Doubtful`, `HandingOver`: this runner beats
 * - `Releasing`: asks for the permit, turns the switch off
 * - `Stopping`: the beats are ending
 * - `Resting`: pauses after its work or its heartbeat has ended, or could not be armed
 * - `Ended`: the schedule gives no further start
 *
 * @since 0.2.0
 * @category models
 */
export type AccountState =
  "Idle" | "Waiting" | "Owned" | "Doubtful" | "HandingOver" | "Releasing" | "Stopping" | "Resting" | "Ended"

/**
 * Instants are ms since the epoch on this runner's wall clock, lengths of time are ms.
 *
 * @since 0.2.0
 * @category models
 */
export interface AccountStatus {
  readonly account: string
  readonly wanted: "protect" | "release"
  readonly state: AccountState
  /** When the state was entered. */
  readonly since: number
  /** Whether the engine says that this runner owns the account. */
  readonly isMine: boolean
  /** The epoch in the store, and the runner that it names. */
  readonly epoch: number
  readonly owner: string | undefined
  /** The verdict on the last take-over of this runner, and the time between the two writes by the exchange's stamps. */
  readonly continuity: Continuity.Verdict | undefined
  readonly gap: number | undefined
  readonly isWorking: boolean
  readonly heartbeat: HeartbeatStatus.Status | undefined
  /** Why the last start, work or heartbeat has ended. */
  readonly failure: string | undefined
}

/**
 * @since 0.2.0
 * @category models
 */
export interface ClusterStatus {
  readonly runner: string
  /** The instant of this status, ms since the epoch. */
  readonly at: number
  /** The time since the question of the last answer of the store, ms. */
  readonly storeAge: number
  /** The age of the store at which the beats end, ms: the setting `grace`, but 4 seconds at least. */
  readonly grace: number
  /** Another process has taken the name of this runner, so that it owns nothing until that one is gone. */
  readonly isOusted: boolean
  /** How many accounts wait for their turn to arm. */
  readonly waiting: number
  readonly accounts: ReadonlyArray<AccountStatus>
}
