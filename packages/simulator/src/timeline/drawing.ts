/**
 * The parts that all pictures of a run share: time axis, countdown, firings, faults and maintenance windows, as SVG text.
 * Has no imports at run time, because the live page loads this module in the browser.
 */
import type * as History from "../journal/History.js"

export const escape = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;")

/** The largest of any number of values. `Math.max` takes only some 100,000 arguments. */
export const largest = (least: number, values: ReadonlyArray<number>): number =>
  values.reduce((most, value) => Math.max(most, value), least)

/** A coordinate with one decimal. */
export const n = (value: number): string => String(Math.round(value * 10) / 10)

export const titled = (title: string, body: string, name = ""): string =>
  `<g${name === "" ? "" : ` class="${name}"`}><title>${escape(title)}</title>${body}</g>`

export const cross = (x: number, y: number, name: "lost" | "deaf" = "lost"): string =>
  `<path class="${name}" stroke-width="2" d="M${n(x - 4)} ${n(y - 4)}l8 8m0 -8l-8 8"/>`

/**
 * Colours by role, light and dark, the same as in the live page's stylesheet. Contrast is at least 4.5 : 1 for text and
 * 3 : 1 for signs.
 */
export const colours = {
  ground: ["#f6f5f2", "#0e131b"],
  paper: ["#ffffff", "#171e29"],
  ink: ["#1d2430", "#e8ecf2"],
  soft: ["#5f6b7c", "#94a1b3"],
  line: ["#dfe2e6", "#2a3444"],
  calm: ["#12805c", "#3fcf9a"],
  soon: ["#b06a00", "#f0b04a"],
  urgent: ["#c2302b", "#ff7b72"],
  fired: ["#a3231f", "#ff7b72"],
  fault: ["#b3321b", "#ff9a7d"],
  believed: ["#8a5cd6", "#b794f6"],
  orders: ["#2456c9", "#7aa5ff"]
} as const

const variables = (index: 0 | 1): string =>
  Object.entries(colours)
    .map(([name, values]) => `--${name}:${values[index]};`)
    .join("")

/** The colours as custom properties. */
export const palette = { light: variables(0), dark: variables(1) }

/** The rules of a picture, without the palette. */
export const style =
  `.dm{font:11px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}` +
  `.dm text{fill:var(--soft)}.dm .name{fill:var(--ink);font-size:14px;font-weight:650}` +
  `.dm .strong{fill:var(--ink);font-weight:600}.dm .firet{fill:var(--fired);font-weight:700}` +
  `.dm .soont{fill:var(--soon);font-weight:600}.dm .faultt{fill:var(--fault)}` +
  `.dm .halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}` +
  `.dm .grid{stroke:var(--line);stroke-width:1}.dm .rail{stroke:var(--soft);stroke-width:1;stroke-opacity:.6}` +
  `.dm .out{stroke:var(--ink);stroke-width:1.2;fill:none;opacity:.75}` +
  `.dm .back{stroke:var(--soft);stroke-width:1.1;fill:none;stroke-dasharray:3 2}` +
  `.dm .lost{stroke:var(--urgent);stroke-width:1.4;fill:none}.dm .deaf{stroke:var(--soon);stroke-width:1.4;fill:none}` +
  `.dm .segment{fill:var(--calm);fill-opacity:.16;stroke:none}` +
  `.dm .edge{stroke:var(--calm);stroke-width:1.7;fill:none;stroke-linejoin:round}` +
  `.dm .believed{fill:var(--believed);fill-opacity:.2;stroke:var(--believed);stroke-opacity:.6;stroke-width:.8}` +
  `.dm .orders{fill:var(--orders);fill-opacity:.2;stroke:none}` +
  `.dm .ordersEdge{stroke:var(--orders);stroke-width:1.5;fill:none}.dm .ordert{fill:var(--orders);font-weight:600}` +
  `.dm .fault{fill:var(--fault);fill-opacity:.16;stroke:var(--fault);stroke-opacity:.7}` +
  `.dm .maintenance{fill:var(--soon);fill-opacity:.09}`

/** What part of a run is drawn, and where. Instants are ms, coordinates are pixels. */
export interface Frame {
  readonly from: number
  readonly to: number
  /** The columns of the first and the last instant. */
  readonly left: number
  readonly right: number
  readonly x: (at: number) => number
  /** An instant as the titles print it. */
  readonly time: (at: number) => string
}

export const frame = ({ from, left, right, time, to }: Omit<Frame, "x">): Frame => ({
  from,
  to,
  left,
  right,
  time,
  x: (at) => left + ((Math.min(Math.max(at, from), to) - from) * (right - left)) / (to - from)
})

interface Box {
  readonly top: number
  readonly height: number
}

const shows = ({ from, to }: Frame, span: { readonly from: number; readonly to: number | undefined }): boolean =>
  span.from <= to && (span.to ?? to) >= from

/** Vertical lines with labels in seconds from `origin`, in steps of 1, 2, 5 or 10, at least 80 pixels apart. */
export const axis = (frame: Frame, box: Box, origin: number, label: (seconds: string) => string): string => {
  const wanted = ((frame.to - frame.from) * 80) / (frame.right - frame.left) / 1_000
  const power = 10 ** Math.floor(Math.log10(Math.max(wanted, 0.001)))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= wanted) ?? 10) * power
  const [first, last] = [(frame.from - origin) / 1_000 / step, (frame.to - origin) / 1_000 / step]
  let lines = ""
  for (let index = Math.ceil(first - 1e-9); index <= last + 1e-9; index++) {
    const x = n(frame.x(origin + Math.round(index * step * 1_000)))
    const seconds = (index * step || 0).toLocaleString("en-US", { maximumFractionDigits: 3, useGrouping: false })
    lines +=
      `<path class="grid" d="M${x} ${n(box.top)}V${n(box.top + box.height)}"/>` +
      `<text x="${x}" y="${n(box.top - 6)}" text-anchor="middle">${label(seconds)}</text>`
  }
  return lines
}

/** The seconds at the top of a countdown's plot. */
export const ceilingOf = (remaining: ReadonlyArray<number>): number =>
  Math.min(75, Math.ceil(largest(5_000, remaining) / 5_000) * 5)

/** The row of a time that is left, in ms. */
export const rowOf =
  ({ height, top }: Box, ceiling: number) =>
  (remaining: number): number =>
    top + height * (1 - Math.min(Math.max(remaining / 1_000, 0), ceiling) / ceiling)

/** The horizontal lines of a countdown's plot, labelled in seconds. */
export const scale = (frame: Frame, box: Box, ceiling: number): string =>
  [0, ceiling / 2, ceiling]
    .map((seconds) => {
      const y = rowOf(box, ceiling)(seconds * 1_000)
      return (
        `<path class="grid" d="M${n(frame.left)} ${n(y)}H${n(frame.right)}"/>` +
        `<text x="${n(frame.left - 8)}" y="${n(y + 4)}" text-anchor="end">${seconds} s</text>`
      )
    })
    .join("")

/** The segments of a countdown: each refresh lifts the line, which then falls by a second per second. */
export const countdown = (
  frame: Frame,
  box: Box,
  ceiling: number,
  segments: ReadonlyArray<History.Segment>
): string => {
  const bottom = n(box.top + box.height)
  const y = rowOf(box, ceiling)
  return segments
    .filter((segment) => shows(frame, segment))
    .map((segment) => {
      const to = segment.to ?? Math.min(frame.to, segment.deadline)
      const [x1, x2] = [n(frame.x(segment.from)), n(frame.x(to))]
      const y1 = n(y(segment.deadline - Math.max(segment.from, frame.from)))
      const y2 = n(y(segment.deadline - Math.min(to, frame.to)))
      const title =
        `armed ${frame.time(segment.from)} for ${segment.seconds} s\nwould fire ${frame.time(segment.deadline)}\n` +
        `${segment.end}${segment.to === undefined ? "" : ` ${frame.time(segment.to)}`}`
      return titled(
        title,
        `<polygon class="segment" points="${x1},${bottom} ${x1},${y1} ${x2},${y2} ${x2},${bottom}"/>` +
          `<path class="edge" d="M${x1} ${bottom}V${y1}L${x2} ${y2}${segment.end === "closed" ? `V${bottom}` : ""}"/>`
      )
    })
    .join("")
}

/** Each firing, with the number of orders that it cancelled. */
export const firings = (
  frame: Frame,
  box: Box,
  fires: ReadonlyArray<Omit<History.Fire, "cancelled"> & { readonly cancelled: ReadonlyArray<unknown> }>
): string =>
  fires
    .filter((fire) => fire.at >= frame.from && fire.at <= frame.to)
    .map((fire) => {
      const x = frame.x(fire.at)
      const bottom = box.top + box.height
      const late = fire.at - fire.deadline
      const label = `fired, \u2212${fire.cancelled.length}`
      // The countdown has run out here, so that there is room at the top on both sides.
      const flip = x + 14 + widthOf(label) > frame.right
      return titled(
        `fired ${frame.time(fire.at)}${late > 0 ? `\n${late} ms after its deadline` : ""}\ncancelled ${fire.cancelled.length} orders`,
        `<path d="M${n(x)} ${n(box.top)}V${n(bottom)}" stroke="var(--fired)" stroke-width="1.6" stroke-dasharray="2 3"/>` +
          `<circle cx="${n(x)}" cy="${n(bottom)}" r="5" fill="var(--fired)"/>` +
          `<text class="firet halo" x="${n(flip ? x - 7 : x + 7)}" y="${n(box.top + 14)}"${flip ? ' text-anchor="end"' : ""}>${label}</text>`,
        "fire"
      )
    })
    .join("")

/** The width of a label, about. */
export const widthOf = (text: string): number => text.length * 6.2 + 16

/** A fault over the time that it was in force, and the instants of the requests on which it acted. */
export interface Fault extends History.Span {
  readonly acted: ReadonlyArray<number>
}

const barHeight = 22

/** Faults as bars in as few rows as keep bars and labels apart. Returns the drawing and its height. */
export const faults = (frame: Frame, top: number, all: ReadonlyArray<Fault>) => {
  const ends: Array<number> = []
  const placed = all
    .filter((fault) => shows(frame, fault))
    .map((fault) => {
      const x1 = frame.x(fault.from)
      const x2 = Math.max(frame.x(fault.to ?? frame.to), x1 + 3)
      const width = widthOf(fault.label)
      // A label stands in its bar, or else right of it, or else left of it, or else over it in a row of its own.
      const [start, end, x, anchor] =
        x2 - x1 >= width
          ? [x1, x2, x1 + 6, "start"]
          : x2 + width <= frame.right
            ? [x1, x2 + width, x2 + 6, "start"]
            : x1 - width >= 0
              ? [x1 - width, x2, x1 - 6, "end"]
              : [0, frame.right, frame.right, "end"]
      return { fault, x1, x2, start, end, x, anchor }
    })
    .sort((a, b) => a.start - b.start)
  const body = placed
    .map(({ anchor, end, fault, start, x, x1, x2 }) => {
      const free = ends.findIndex((end) => end <= start)
      const row = free < 0 ? ends.length : free
      ends[row] = end + 6
      const y = top + row * barHeight
      return titled(
        `${fault.label}\n${frame.time(fault.from)} to ${fault.to === undefined ? "now" : frame.time(fault.to)}\nacted on ${fault.acted.length} requests`,
        `<rect class="fault" x="${n(x1)}" y="${n(y + 1)}" width="${n(x2 - x1)}" height="${barHeight - 4}" rx="3"/>` +
          fault.acted
            .filter((at) => at >= frame.from && at <= frame.to)
            .map((at) => `<path d="M${n(frame.x(at))} ${n(y + 15)}v4" stroke="var(--urgent)" stroke-width="2"/>`)
            .join("") +
          `<text class="faultt" x="${n(x)}" y="${n(y + 13)}" text-anchor="${anchor}">${escape(fault.label)}</text>`
      )
    })
    .join("")
  const label =
    ends.length === 0 ? "" : `<text x="${n(frame.left - 8)}" y="${n(top + 12)}" text-anchor="end">faults</text>`
  return { height: ends.length * barHeight, body: label + body }
}

/** Maintenance windows, behind everything else. */
export const maintenance = (frame: Frame, box: Box, spans: ReadonlyArray<History.Span>): string =>
  spans
    .filter((span) => shows(frame, span))
    .map((span) => {
      const [x1, x2] = [frame.x(span.from), frame.x(span.to ?? frame.to)]
      const flip = x1 + widthOf("maintenance") > frame.right
      return titled(
        `maintenance\n${frame.time(span.from)} to ${span.to === undefined ? "now" : frame.time(span.to)}`,
        `<rect class="maintenance" x="${n(x1)}" y="${n(box.top)}" width="${n(x2 - x1)}" height="${n(box.height)}"/>` +
          `<text class="soont halo" x="${n(flip ? x1 - 6 : x1 + 6)}" y="${n(box.top + 14)}"${flip ? ' text-anchor="end"' : ""}>maintenance</text>`
      )
    })
    .join("")
