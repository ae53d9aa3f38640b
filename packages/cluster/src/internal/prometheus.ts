/**
 * Effect's metrics in the text format of Prometheus, version 0.0.4.
 *
 * @internal
 */
import type * as MetricKeyType from "effect/MetricKeyType"
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"
import * as Option from "effect/Option"

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')

const named = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_:]/g, "_")

const number = (value: number | bigint): string =>
  value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value)

type Labels = ReadonlyArray<readonly [key: string, value: string]>

const sample = (name: string, labels: Labels, value: number | bigint): string => {
  const inner = labels.map(([key, value]) => `${named(key)}="${escaped(value)}"`).join(",")
  return `${name}${inner === "" ? "" : `{${inner}}`} ${number(value)}`
}

interface Samples {
  readonly type: "counter" | "gauge" | "histogram" | "summary"
  readonly lines: ReadonlyArray<string>
}

const samples = (name: string, labels: Labels, state: MetricState.MetricState<unknown>): Samples | undefined => {
  if (MetricState.isCounterState(state)) return { type: "counter", lines: [sample(name, labels, state.count)] }
  if (MetricState.isGaugeState(state)) return { type: "gauge", lines: [sample(name, labels, state.value)] }
  if (MetricState.isFrequencyState(state)) {
    return {
      type: "counter",
      lines: [...state.occurrences].map(([key, count]) => sample(name, [...labels, ["key", key]], count))
    }
  }
  if (MetricState.isHistogramState(state)) {
    const buckets = [...state.buckets].filter(([boundary]) => boundary < Number.MAX_VALUE)
    return {
      type: "histogram",
      lines: [
        ...buckets.map(([boundary, count]) => sample(`${name}_bucket`, [...labels, ["le", number(boundary)]], count)),
        sample(`${name}_bucket`, [...labels, ["le", "+Inf"]], state.count),
        sample(`${name}_sum`, labels, state.sum),
        sample(`${name}_count`, labels, state.count)
      ]
    }
  }
  if (MetricState.isSummaryState(state)) {
    const known = state.quantiles.flatMap(([quantile, value]) =>
      Option.isSome(value) ? [sample(name, [...labels, ["quantile", number(quantile)]], value.value)] : []
    )
    return {
      type: "summary",
      lines: [...known, sample(`${name}_sum`, labels, state.sum), sample(`${name}_count`, labels, state.count)]
    }
  }
  return undefined
}

/** @internal */
export const text = (pairs: ReadonlyArray<MetricPair.MetricPair.Untyped>): string => {
  const families = new Map<string, { readonly help: string | undefined; readonly found: Array<Samples> }>()
  for (const { metricKey, metricState } of pairs) {
    const key = metricKey as { readonly name: string } & typeof metricKey & {
        readonly keyType: MetricKeyType.MetricKeyType.Untyped
      }
    const name = named(key.name)
    const labels = metricKey.tags.map(({ key, value }) => [key, value] as const)
    const given = samples(name, labels, metricState as MetricState.MetricState<unknown>)
    if (given === undefined) continue
    const family = families.get(name) ?? { help: Option.getOrUndefined(metricKey.description), found: [] }
    family.found.push(given)
    families.set(name, family)
  }
  const lines = [...families].flatMap(([name, { found, help }]) => [
    ...(help === undefined ? [] : [`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`]),
    `# TYPE ${name} ${found[0]!.type}`,
    ...found.flatMap(({ lines }) => lines)
  ])
  return `${lines.join("\n")}\n`
}
