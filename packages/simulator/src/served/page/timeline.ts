/**
 * The last minute as a picture: for each account the time that its countdown had left, as a sawtooth that every beat
 * lifts, with the beats above it, and behind it the spans in which the network was broken or the venue in a release.
 */
import type { Account, Entry } from "./control.js"
import { h } from "./dom.js"

const span = 60_000
const laneHeight = 128
const top = 22
const left = 78
const right = 14
/** A countdown is at most a minute; the scale grows to what is there. */
const leastScale = 10_000

interface Tooth {
  readonly from: number
  to: number
  readonly deadline: number
  readonly armedAt: number
}

const teethOf = (entries: ReadonlyArray<Entry>, uid: string, now: number) => {
  const teeth: Array<Tooth> = []
  const fires: Array<number> = []
  for (const entry of entries) {
    if (entry._tag !== "Switch" || entry.account !== uid || entry.at === undefined) continue
    const last = teeth.at(-1)
    if (last !== undefined && last.to === Infinity) last.to = entry.at
    if (entry.transition === "fired") fires.push(entry.at)
    if (entry.deadline !== undefined && (entry.transition === "armed" || entry.transition === "refreshed")) {
      teeth.push({ from: entry.at, to: Infinity, deadline: entry.deadline, armedAt: entry.at })
    }
  }
  for (const tooth of teeth) tooth.to = Math.min(tooth.to, now, tooth.deadline)
  return { teeth, fires }
}

/** Spans in which something was in force, from its addition to its removal or its end. */
const spansOf = (entries: ReadonlyArray<Entry>, now: number) => {
  const spans: Array<{ readonly from: number; to: number; readonly label: string; readonly kind: string }> = []
  for (const entry of entries) {
    if (entry._tag === "Fault" && entry.at !== undefined && entry.fault !== undefined) {
      if (entry.change === "added") spans.push({ from: entry.at, to: Infinity, label: entry.fault, kind: "fault" })
      else {
        const open = spans.find((span) => span.to === Infinity && span.label === entry.fault)
        if (open !== undefined) open.to = entry.at
      }
    }
    if (entry._tag === "Maintenance" && entry.phase === "begun" && entry.window !== undefined) {
      spans.push({ from: entry.window.from, to: entry.window.to, label: "maintenance", kind: "maintenance" })
    }
  }
  for (const span of spans) span.to = Math.min(span.to, now)
  return spans
}

const beatKind = (entry: Entry): string =>
  entry.receivedAt !== undefined
    ? entry.code === "00000"
      ? "good"
      : "refused"
    : entry.appliedAt !== undefined
      ? "deaf"
      : "lost"

export const draw = (
  svg: SVGElement,
  options: { readonly entries: ReadonlyArray<Entry>; readonly accounts: ReadonlyArray<Account>; readonly now: number }
): void => {
  const { accounts, entries, now } = options
  const width = Math.max(320, svg.clientWidth)
  const height = top + Math.max(1, accounts.length) * laneHeight + 18
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  svg.setAttribute("height", String(height))
  const start = now - span
  const x = (at: number) => left + ((at - start) / span) * (width - left - right)
  const within = (at: number) => Math.min(now, Math.max(start, at))
  const children: Array<SVGElement> = []

  for (const { from, kind, label, to } of spansOf(entries, now)) {
    if (to < start) continue
    const [a, b] = [x(within(from)), x(within(to))]
    children.push(
      h(
        "g",
        {},
        h("title", {}, label),
        h("rect", {
          class: `span ${kind}`,
          x: a.toFixed(1),
          y: String(top),
          width: Math.max(1.5, b - a).toFixed(1),
          height: String(height - top - 18)
        })
      )
    )
    if (b - a > 40) {
      const text = h(
        "text",
        { class: `span-label ${kind}`, x: (a + 5).toFixed(1), y: String(top - 7) },
        label.slice(0, Math.floor((b - a) / 6.2))
      )
      children.push(text)
    }
  }

  for (let before = span - 10_000; before >= 0; before -= 10_000) {
    const at = x(now - before).toFixed(1)
    children.push(h("line", { class: "grid", x1: at, x2: at, y1: String(top), y2: String(height - 18) }))
    const label = before === 0 ? "now" : `-${before / 1_000} s`
    children.push(h("text", { class: "axis", x: at, y: String(height - 4), "text-anchor": "middle" }, label))
  }

  accounts.forEach((account, index) => {
    const base = top + (index + 1) * laneHeight - 14
    const { fires, teeth } = teethOf(entries, account.uid, now)
    const scale = Math.max(leastScale, ...teeth.map((tooth) => tooth.deadline - tooth.armedAt))
    const y = (remaining: number) => base - (Math.max(0, remaining) / scale) * (laneHeight - 40)
    children.push(
      h("line", { class: "base", x1: String(left), x2: String(width - right), y1: String(base), y2: String(base) })
    )
    children.push(h("text", { class: "lane", x: "0", y: String(base - 20) }, account.uid))
    children.push(h("text", { class: "axis", x: "0", y: String(base - 5) }, `${account.openOrders} open`))
    for (const tooth of teeth) {
      if (tooth.to < start) continue
      const [from, to] = [within(tooth.from), within(tooth.to)]
      const points = [
        [x(from), base],
        [x(from), y(tooth.deadline - from)],
        [x(to), y(tooth.deadline - to)],
        [x(to), base]
      ]
      const text = points.map(([a, b]) => `${a!.toFixed(1)},${b!.toFixed(1)}`).join(" ")
      children.push(h("polygon", { class: "tooth", points: text }))
    }
    for (const entry of entries) {
      if (entry._tag !== "Request" || entry.endpoint !== "countdown-cancel-all" || entry.account !== account.uid)
        continue
      if (entry.sentAt === undefined || entry.sentAt < start) continue
      const at = x(entry.sentAt)
      const kind = beatKind(entry)
      const waits = entry.receivedAt === undefined && entry.abortedAt === undefined && now - entry.sentAt < 2_000
      const beatTop = base - laneHeight + 32
      children.push(
        h(
          "g",
          { class: `beat ${waits ? "waits" : kind}` },
          h("title", {}, `${entry.body ?? ""} ${entry.code ?? "no answer"}`),
          kind === "good" || waits
            ? h("circle", { cx: at.toFixed(1), cy: String(beatTop), r: "3.5" })
            : h("path", { d: `M${(at - 4).toFixed(1)} ${beatTop - 4}l8 8m0 -8l-8 8` })
        )
      )
    }
    for (const at of fires) {
      if (at < start) continue
      children.push(
        h(
          "g",
          { class: "fire" },
          h("line", {
            x1: x(at).toFixed(1),
            x2: x(at).toFixed(1),
            y1: String(base - laneHeight + 40),
            y2: String(base)
          }),
          h(
            "text",
            {
              x: (x(at) + (x(at) > width - 60 ? -5 : 5)).toFixed(1),
              y: String(base - laneHeight + 50),
              "text-anchor": x(at) > width - 60 ? "end" : "start"
            },
            "fired"
          )
        )
      )
    }
  })
  svg.replaceChildren(...children)
}
