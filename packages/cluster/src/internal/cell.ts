/**
 * What a runner keeps of one account.
 *
 * @internal
 */
import type * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as Queue from "effect/Queue"
import type * as Schedule from "effect/Schedule"
import type { Row } from "../AccountStore.js"
import type { AccountState } from "../ClusterStatus.js"
import type * as Continuity from "../Continuity.js"
import type * as Fence from "../Fence.js"
import * as Handover from "../Handover.js"
import { within } from "./bounded.js"

/** @internal */
export type Command = "Stop" | "Release"

/**
 * One heartbeat of an account, from its acknowledged arming to its end.
 *
 * @internal
 */
export interface Life {
  readonly epoch: number
  readonly heartbeat: Heartbeat.Heartbeat
  readonly fence: Fence.Fence
  readonly commands: Queue.Queue<Command>
  readonly limits: { readonly releaseTimeout: number; readonly triggerLatency: number }
  /** The stamps of the last record of the heartbeat. */
  readonly record: { readonly acceptedAt: number; readonly completedAt: number } | undefined
}

/** @internal */
export interface Cell {
  readonly account: string
  state: Handover.State
  /** When the state was entered, on the wall clock. */
  since: number
  isMine: boolean
  row: Row
  /** When the store had answered the last take-over of this runner. */
  takenAt: number
  life: Life | undefined
  /** Whether the heartbeat has a record that the store does not have yet. */
  unreported: boolean
  /** The permit to send `0`, and the end of its validity on the clock of this runner. */
  permit: { readonly epoch: number; readonly until: number } | undefined
  working: Fiber.RuntimeFiber<unknown, unknown> | undefined
  /** All work that was interrupted and still cleans up: the next begins after it. */
  readonly leaving: Set<Fiber.RuntimeFiber<unknown, unknown>>
  /** Whether the work itself runs. It waits while the switch is not surely armed. */
  isWorking: boolean
  resting: Fiber.RuntimeFiber<unknown, unknown> | undefined
  restart: Schedule.ScheduleDriver<unknown> | undefined
  continuity: Continuity.Verdict | undefined
  gap: number | undefined
  failure: string | undefined
}

/** @internal */
export const make = (row: Row, since: number): Cell => ({
  account: row.account,
  state: Handover.idle,
  since,
  isMine: false,
  row,
  takenAt: -Infinity,
  life: undefined,
  unreported: false,
  permit: undefined,
  working: undefined,
  leaving: new Set(),
  isWorking: false,
  resting: undefined,
  restart: undefined,
  continuity: undefined,
  gap: undefined,
  failure: undefined
})

/**
 * Interrupts the work.
 *
 * @internal
 */
export const stopWork = (cell: Cell): void => {
  const { leaving, working } = cell
  if (working === undefined) return
  cell.working = undefined
  leaving.add(working)
  working.addObserver(() => leaving.delete(working))
  working.unsafeInterruptAsFork(FiberId.none)
}

/**
 * Waits for the clean-up of the work, `bound` ms at most.
 *
 * @internal
 */
export const workEnded = (cell: Cell, bound: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const leaving = [...cell.leaving]
    return leaving.length === 0 ? Effect.void : within(Effect.asVoid(Fiber.awaitAll(leaving)), bound, () => Exit.void)
  })

/** @internal */
export const stateOf = ({ state }: Cell): AccountState =>
  state._tag === "Beating" ? state.phase : state._tag === "Starting" ? "Waiting" : state._tag
