/** Effect's metrics in the text format of Prometheus, version 0.0.4. Pure. */
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"
import * as Option from "effect/Option"

type Labels = ReadonlyArray<readonly [name: string, value: string]>

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const number = (value: number | bigint): string =>
  value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value)

const sample = (name: string, labels: Labels, value: number | bigint): string => {
  const inner = labels.map(([label, text]) => `${label}="${escaped(text).replaceAll('"', '\\"')}"`).join(",")
  return `${name}${inner === "" ? "" : `{${inner}}`} ${number(value)}`
}

/** The type and the samples of one metric, `undefined` for a kind that this package does not have. */
const samples = (
  name: string,
  labels: Labels,
  state: MetricState.MetricState.Untyped
): readonly [type: string, lines: ReadonlyArray<string>] | undefined => {
  if (MetricState.isCounterState(state)) return ["counter", [sample(name, labels, state.count as number)]]
  if (MetricState.isGaugeState(state)) return ["gauge", [sample(name, labels, state.value as number)]]
  if (!MetricState.isHistogramState(state)) return undefined
  const bounds = state.buckets.filter(([bound]) => Number.isFinite(bound))
  return [
    "histogram",
    [
      ...[...bounds, [Infinity, state.count] as const].map(([bound, count]) =>
        sample(`${name}_bucket`, [...labels, ["le", number(bound)]], count)
      ),
      sample(`${name}_sum`, labels, state.sum),
      sample(`${name}_count`, labels, state.count)
    ]
  ]
}

/** The metrics of the heartbeat, each name with its help, its type and its samples. */
export const text = (pairs: ReadonlyArray<MetricPair.MetricPair.Untyped>): string => {
  const families = new Map<string, Array<string>>()
  for (const { metricKey, metricState } of pairs) {
    const { name } = metricKey
    // Effect counts fibers, too.
    if (!name.startsWith("deadman_")) continue
    const labels = metricKey.tags.map(({ key, value }) => [key, value] as const)
    const found = samples(name, labels, metricState)
    if (found === undefined) continue
    const [type, lines] = found
    let family = families.get(name)
    if (family === undefined) {
      const help = Option.match(metricKey.description, {
        onNone: () => [],
        onSome: (description) => [`# HELP ${name} ${escaped(description)}`]
      })
      families.set(name, (family = [...help, `# TYPE ${name} ${type}`]))
    }
    family.push(...lines)
  }
  return [...families.values()].map((lines) => `${lines.join("\n")}\n`).join("")
}
