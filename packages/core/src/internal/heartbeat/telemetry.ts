/**
 * The metrics of a heartbeat. Updated synchronously, with one array of labels per account, which the registry caches,
 * so that a beat costs no fiber and no allocation here. The package's README lists names and meanings.
 *
 * @internal
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"
import type * as HeartbeatStatus from "../../HeartbeatStatus.js"

const millis = MetricBoundaries.fromIterable([
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 3_000, 5_000, 7_000, 10_000, 20_000, 60_000
])

const latency = Metric.histogram("deadman_beat_latency_ms", millis, "From sending a write to its answer")
const slack = Metric.histogram(
  "deadman_slack_ms",
  millis,
  "Time left before the earliest fire when an acknowledgement arrived"
)
const lateness = Metric.histogram(
  "deadman_beat_lateness_ms",
  millis,
  "How late a beat was sent against its plan, waiting for liveness and pace included"
)
const beats = Metric.counter("deadman_beats_total", { description: "Writes by outcome", incremental: true })
const transitions = Metric.counter("deadman_transitions_total", { description: "Changes of state", incremental: true })
const sightings = Metric.counter("deadman_sightings_total", {
  description: "Lists of open orders that were requested as evidence, by outcome",
  incremental: true
})
const state = Metric.gauge("deadman_state", {
  description: "0 armed, 1 jeopardy, 2 may have fired, 3 fired, 4 released"
})
const earliestFire = Metric.gauge("deadman_earliest_fire_seconds", {
  description:
    "Seconds to the earliest fire, as of the last write or change of state; 0 once it has passed or after the release"
})

const states = { Armed: 0, Jeopardy: 1, MayHaveFired: 2, Fired: 3, Released: 4 } as const

/** @internal */
export interface Telemetry {
  /** `outcome` is `acknowledged`, `withheld` or the tag of the failure as the client gave it. */
  readonly beat: (outcome: string) => void
  readonly sighting: (outcome: "held" | "open" | "none" | "failed" | "refuted") => void
  readonly latency: (ms: number) => void
  readonly slack: (ms: number) => void
  readonly lateness: (ms: number) => void
  readonly earliestFire: (ms: number) => void
  readonly armed: () => void
  readonly transition: (from: HeartbeatStatus.Status["_tag"], to: HeartbeatStatus.Status["_tag"]) => void
}

/** @internal */
export const make = (account: string): Telemetry => {
  const label = MetricLabel.make("account", account)
  const labels = [label]
  const outcomes = new Map<string, ReadonlyArray<MetricLabel.MetricLabel>>()
  const labelsOf = (outcome: string) => {
    let found = outcomes.get(outcome)
    if (found === undefined) outcomes.set(outcome, (found = [label, MetricLabel.make("outcome", outcome)]))
    return found
  }
  return {
    beat: (outcome) => beats.unsafeUpdate(1, labelsOf(outcome)),
    sighting: (outcome) => sightings.unsafeUpdate(1, labelsOf(outcome)),
    latency: (ms) => latency.unsafeUpdate(ms, labels),
    slack: (ms) => slack.unsafeUpdate(Math.max(0, ms), labels),
    lateness: (ms) => lateness.unsafeUpdate(ms, labels),
    earliestFire: (ms) => earliestFire.unsafeUpdate(Math.max(0, ms) / 1_000, labels),
    armed: () => state.unsafeUpdate(states.Armed, labels),
    transition: (from, to) => {
      state.unsafeUpdate(states[to], labels)
      transitions.unsafeUpdate(1, [label, MetricLabel.make("from", from), MetricLabel.make("to", to)])
    }
  }
}
