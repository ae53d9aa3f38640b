import * as Prometheus from "@effect-deadman/core/Prometheus"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"

describe("the metrics", () => {
  it.effect("are in the format of Prometheus", () =>
    Effect.gen(function* () {
      const counter = Metric.counter("deadman_test_total", { description: "Tests\nby kind", incremental: true })
      const histogram = Metric.histogram("deadman_test_ms", MetricBoundaries.fromIterable([1, 10]), "Times")
      yield* Metric.increment(Metric.tagged(counter, "kind", 'a"b\\'))
      yield* Effect.forEach([0.5, 5, 50], (value) => Metric.update(histogram, value))
      yield* Metric.set(Metric.tagged(Metric.gauge("deadman_test_gauge"), "two-words", "a"), -Infinity)
      yield* Metric.update(Metric.frequency("deadman_test_kinds"), "b")
      const summary = { name: "deadman_test_summary", maxAge: 60_000, maxSize: 9, error: 0, quantiles: [0.5] }
      yield* Metric.update(Metric.summary(summary), 7)
      yield* Metric.increment(Metric.counter("other_total"))
      const text = Prometheus.text(Metric.unsafeSnapshot(), (name) => name.startsWith("deadman_test"))
      assert.deepStrictEqual(text.split("\n").sort(), [
        "",
        "# HELP deadman_test_ms Times",
        "# HELP deadman_test_total Tests\\nby kind",
        "# TYPE deadman_test_gauge gauge",
        "# TYPE deadman_test_kinds counter",
        "# TYPE deadman_test_ms histogram",
        "# TYPE deadman_test_summary summary",
        "# TYPE deadman_test_total counter",
        'deadman_test_gauge{two_words="a"} -Inf',
        'deadman_test_kinds{key="b"} 1',
        'deadman_test_ms_bucket{le="+Inf"} 3',
        'deadman_test_ms_bucket{le="1"} 1',
        'deadman_test_ms_bucket{le="10"} 2',
        "deadman_test_ms_count 3",
        "deadman_test_ms_sum 55.5",
        "deadman_test_summary_count 1",
        "deadman_test_summary_sum 7",
        'deadman_test_summary{quantile="0.5"} 7',
        'deadman_test_total{kind="a\\"b\\\\"} 1'
      ])
      assert.isTrue(text.endsWith("\n"))
    })
  )
})
