/**
 * Updates the metrics of a runner, synchronously.
 *
 * @internal
 */
import * as MetricLabel from "effect/MetricLabel"
import * as ClusterMetrics from "../ClusterMetrics.js"
import type { AccountState } from "../ClusterStatus.js"
import type * as Continuity from "../Continuity.js"

/** @internal */
export interface Telemetry {
  readonly tookOver: (continuity: Continuity.Verdict, gap: number | undefined) => void
  readonly ran: (late: number) => void
  readonly seen: (states: Iterable<AccountState>, storeAge: number, waiting: number) => void
}

const states: ReadonlyArray<AccountState> = [
  "Idle",
  "Waiting",
  "Owned",
  "Doubtful",
  "HandingOver",
  "Releasing",
  "Stopping",
  "Resting",
  "Ended"
]

/** @internal */
export const make = (runner: string): Telemetry => {
  const label = MetricLabel.make("runner", runner)
  const labels = [label]
  const byState = states.map((state) => [state, [label, MetricLabel.make("state", state)]] as const)
  return {
    tookOver: (continuity, gap) => {
      ClusterMetrics.takeOvers.unsafeUpdate(1, [label, MetricLabel.make("continuity", continuity)])
      if (gap !== undefined) ClusterMetrics.gap.unsafeUpdate(gap, labels)
    },
    ran: (late) => ClusterMetrics.lateness.unsafeUpdate(Math.max(0, late), labels),
    seen: (seen, storeAge, waiting) => {
      const counts = new Map<AccountState, number>()
      for (const state of seen) counts.set(state, (counts.get(state) ?? 0) + 1)
      for (const [state, tags] of byState) ClusterMetrics.accounts.unsafeUpdate(counts.get(state) ?? 0, tags)
      ClusterMetrics.storeAge.unsafeUpdate(storeAge, labels)
      ClusterMetrics.waiting.unsafeUpdate(waiting, labels)
    }
  }
}
