/**
 * The metrics of a runner, in Effect's registry. `StatusApi` serves them as Prometheus text, and every exporter of
 * Effect's metrics has them, beside those of the heartbeats.
 *
 * @since 0.2.0
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"

const millis = MetricBoundaries.fromIterable([
  10, 20, 50, 100, 200, 500, 1_000, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000, 30_000, 60_000
])

/**
 * The accounts by `state`, see `ClusterStatus.AccountState`.
 *
 * @since 0.2.0
 * @category metrics
 */
export const accounts = Metric.gauge("deadman_cluster_accounts", { description: "Accounts by state on this runner" })

/**
 * Take-overs by this runner, by `continuity`: `First`, `Held`, `MayHaveFired` or `Fired`. Alert on the last two.
 *
 * @since 0.2.0
 * @category metrics
 */
export const takeOvers = Metric.counter("deadman_cluster_take_overs_total", {
  description: "Take-overs by this runner, by what they prove of the switch",
  incremental: true
})

/**
 * From the last reported write of the owner before to the first of this one, by the exchange's stamps, ms. Alert when it
 * comes near the countdown.
 *
 * @since 0.2.0
 * @category metrics
 */
export const gap = Metric.histogram(
  "deadman_cluster_take_over_gap_ms",
  millis,
  "Time between the last write of the owner before and the first of this one"
)

/**
 * How late the loop of the runner runs against its plan, ms: the stalls of the process. The engine gives all accounts
 * away when it stalls for a third of the lease.
 *
 * @since 0.2.0
 * @category metrics
 */
export const lateness = Metric.histogram(
  "deadman_cluster_lateness_ms",
  millis,
  "How late the loop of the runner runs against its plan"
)

/**
 * The time since the question of the last answer of the store, ms. Beats end when it reaches `grace`.
 *
 * @since 0.2.0
 * @category metrics
 */
export const storeAge = Metric.gauge("deadman_cluster_store_age_ms", {
  description: "Time since the question of the last answer of the store"
})

/**
 * The accounts that wait for their turn to arm.
 *
 * @since 0.2.0
 * @category metrics
 */
export const waiting = Metric.gauge("deadman_cluster_waiting", {
  description: "Accounts that wait for their turn to arm"
})
