/**
 * Effect's metrics in the text format of Prometheus, version 0.0.4, for a program that serves `/metrics` itself. A
 * program that already exports telemetry, for example with `@effect/opentelemetry`, does not need it.
 *
 * ```ts
 * import * as Prometheus from "@effect-deadman/core/Prometheus"
 * import * as Metric from "effect/Metric"
 *
 * const body = Prometheus.text(Metric.unsafeSnapshot(), (name) => name.startsWith("deadman_"))
 * ```
 *
 * @since 0.2.0
 */
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"
import * as Option from "effect/Option"

type Labels = ReadonlyArray<readonly [name: string, value: string]>
type Samples = readonly [type: "counter" | "gauge" | "histogram" | "summary", lines: ReadonlyArray<string>]

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const named = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_:]/g, "_")

const number = (value: number | bigint): string =>
  value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value)

const sample = (name: string, labels: Labels, value: number | bigint): string => {
  const inner = labels.map(([label, text]) => `${named(label)}="${escaped(text).replaceAll('"', '\\"')}"`).join(",")
  return `${name}${inner === "" ? "" : `{${inner}}`} ${number(value)}`
}

const samples = (name: string, labels: Labels, state: MetricState.MetricState<unknown>): Samples | undefined => {
  const total = ({ count, sum }: { readonly count: number; readonly sum: number }) => [
    sample(`${name}_sum`, labels, sum),
    sample(`${name}_count`, labels, count)
  ]
  if (MetricState.isCounterState(state)) return ["counter", [sample(name, labels, state.count)]]
  if (MetricState.isGaugeState(state)) return ["gauge", [sample(name, labels, state.value)]]
  if (MetricState.isFrequencyState(state)) {
    return ["counter", [...state.occurrences].map(([key, count]) => sample(name, [...labels, ["key", key]], count))]
  }
  if (MetricState.isHistogramState(state)) {
    const bounds = state.buckets.filter(([bound]) => Number.isFinite(bound))
    const buckets = [...bounds, [Infinity, state.count] as const].map(([bound, count]) =>
      sample(`${name}_bucket`, [...labels, ["le", number(bound)]], count)
    )
    return ["histogram", [...buckets, ...total(state)]]
  }
  if (MetricState.isSummaryState(state)) {
    const known = state.quantiles.flatMap(([quantile, value]) =>
      Option.isSome(value) ? [sample(name, [...labels, ["quantile", number(quantile)]], value.value)] : []
    )
    return ["summary", [...known, ...total(state)]]
  }
  return undefined
}

/**
 * The metrics as text: each name once, with its help and its type, then its samples. `isWanted` chooses by name. Signs
 * that Prometheus does not allow in a name become `_`.
 *
 * @since 0.2.0
 * @category conversions
 */
export const text = (
  pairs: ReadonlyArray<MetricPair.MetricPair.Untyped>,
  isWanted: (name: string) => boolean = () => true
): string => {
  const families = new Map<string, Array<string>>()
  for (const { metricKey, metricState } of pairs) {
    if (!isWanted(metricKey.name)) continue
    const name = named(metricKey.name)
    const labels = metricKey.tags.map(({ key, value }) => [key, value] as const)
    const found = samples(name, labels, metricState as MetricState.MetricState<unknown>)
    if (found === undefined) continue
    const [type, lines] = found
    const help = Option.match(metricKey.description, {
      onNone: () => [],
      onSome: (description) => [`# HELP ${name} ${escaped(description)}`]
    })
    const family = families.get(name) ?? [...help, `# TYPE ${name} ${type}`]
    families.set(name, family)
    family.push(...lines)
  }
  return [...families.values()].map((lines) => `${lines.join("\n")}\n`).join("")
}
