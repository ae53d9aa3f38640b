/**
 * The verdict on the time between the last write of one owner of an account and the first write of the next, by the
 * exchange's own clock alone. No clock of a runner takes part, because runners are different machines.
 *
 * @since 0.2.0
 */
import type * as FireWindow from "@effect-deadman/core/FireWindow"
import type * as AccountStore from "./AccountStore.js"

/**
 * What the store knows of the owner before.
 *
 * - `None`: the switch never ran, or was turned off with proof
 * - `Unproven`: it may run, and no stamps of it are known
 * - `Write`: the stamps of an acknowledged write, and the shortest countdown of that owner, all in ms. `last` says that
 *   the owner has signed off with it, and that nothing was sent between it and the acknowledgement that is judged
 *
 * @since 0.2.0
 * @category models
 */
export type Predecessor =
  | { readonly _tag: "None" }
  | { readonly _tag: "Unproven" }
  | {
      readonly _tag: "Write"
      readonly acceptedAt: number
      readonly completedAt: number
      readonly countdown: number
      readonly last: boolean
    }

/**
 * - `First`: nothing ran that could have fired
 * - `Held`: proven that the switch did not fire
 * - `Fired`: proven that it did
 * - `MayHaveFired`: neither is proven
 *
 * @since 0.2.0
 * @category models
 */
export type Verdict = "First" | "Held" | "Fired" | "MayHaveFired"

/**
 * Assumptions about the exchange, in ms, as in `FireWindow`.
 *
 * @since 0.2.0
 * @category models
 */
export type Assumptions = FireWindow.Assumptions

/**
 * The predecessor of the owner that has just taken over, by the new row.
 *
 * @since 0.2.0
 * @category constructors
 */
export const predecessorOf = (
  row: Pick<AccountStore.Row, "epoch" | "acceptedAt" | "completedAt" | "shortestBefore" | "signedOff" | "isLast">
): Predecessor => {
  const { acceptedAt, completedAt, shortestBefore } = row
  // Nothing was armed since the switch was off with proof.
  if (shortestBefore === null) return { _tag: "None" }
  if (acceptedAt === null || completedAt === null) return { _tag: "Unproven" }
  const last = row.isLast && row.signedOff === row.epoch - 1
  return { _tag: "Write", acceptedAt, completedAt, countdown: shortestBefore, last }
}

/**
 * Judges the first acknowledgement of an owner.
 *
 * A record that is behind is no danger: an older write makes `Held` harder to prove. That nothing else was sent but the
 * same countdown is for the fence.
 *
 * @since 0.2.0
 * @category verdicts
 */
export const judge = (
  predecessor: Predecessor,
  stamps: FireWindow.Stamps | undefined,
  { stampTolerance, triggerLatency }: Assumptions
): Verdict => {
  if (predecessor._tag === "None") return "First"
  if (predecessor._tag === "Unproven" || stamps === undefined || !inOrder(stamps) || !inOrder(predecessor)) {
    return "MayHaveFired"
  }
  const most = stamps.completedAt - predecessor.acceptedAt + stampTolerance
  const least = stamps.acceptedAt - predecessor.completedAt - stampTolerance
  // Stamps that go back in time are no evidence.
  if (most < 0) return "MayHaveFired"
  if (most < predecessor.countdown) return "Held"
  return predecessor.last && least > predecessor.countdown + triggerLatency ? "Fired" : "MayHaveFired"
}

const inOrder = ({ acceptedAt, completedAt }: FireWindow.Stamps): boolean => 0 < acceptedAt && acceptedAt <= completedAt

/** A record of no time at all: nothing is held for shorter than that. */
const unproven: FireWindow.Continuity = { acceptedAt: 1, completedAt: 1, shortestCountdown: 1 }

/**
 * Whether a record is one for the store. A heartbeat that began without proof gives on the record that it was given.
 *
 * @since 0.2.0
 * @category conversions
 */
export const isEvidence = ({ acceptedAt }: FireWindow.Stamps): boolean => acceptedAt > unproven.acceptedAt

/**
 * The record for the option `predecessor` of a heartbeat. With a record that proves nothing the heartbeat begins as
 * `MayHaveFired`.
 *
 * @since 0.2.0
 * @category conversions
 */
export const toRecord = (predecessor: Predecessor): FireWindow.Continuity | undefined => {
  switch (predecessor._tag) {
    case "None":
      return undefined
    case "Unproven":
      return unproven
    case "Write":
      return inOrder(predecessor)
        ? {
            acceptedAt: predecessor.acceptedAt,
            completedAt: predecessor.completedAt,
            shortestCountdown: predecessor.countdown
          }
        : toRecord({ _tag: "Unproven" })
  }
}
