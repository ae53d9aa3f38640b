/**
 * The picture of a run: one SVG with a lane per account. All text is escaped, and nothing is loaded from outside.
 */
import type * as History from "../journal/History.js"
import * as Story from "../journal/History.js"
import type * as Journal from "../journal/Journal.js"
import * as Drawing from "./drawing.js"
import { cross, escape, largest, n, titled } from "./drawing.js"

/**
 * The part of a run to show. Instants are ms of the exchange's clock.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Only this account. Default: all. */
  readonly account?: string | undefined
  /** The first and the last instant. Default: from the first event of the run to its end. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

const left = 92
const margin = 28

/** The width of a page's content, which a picture without a zoom fills. */
const pageWidth = 1_216

/** Pixels between the first and the last instant of a picture that fits a page. */
const plotWidth = pageWidth - left - margin

/** The rules of a picture that stands alone. */
const pictureStyle =
  `.dm{${Drawing.palette.light}}@media (prefers-color-scheme:dark){.dm{${Drawing.palette.dark}}}${Drawing.style}` +
  `.dm .bare{fill:url(#dm-bare)}`

/** The frame of a run that stands alone: its times are counted from the start. */
export interface Frame extends Drawing.Frame {
  readonly history: History.History
}

/** The whole second before the first event, so that a server that waited for an hour does not show the hour. */
const beginning = ({ evidence }: History.History): number => {
  let first = Infinity
  for (const entry of evidence.entries) {
    if (entry._tag === "Start" || entry._tag === "Account") continue
    first = Math.min(first, entry._tag === "Request" ? entry.sentAt : entry.at)
  }
  if (first === Infinity) return evidence.start
  return evidence.start + Math.max(0, Math.floor((first - evidence.start) / 1_000 - 0.5)) * 1_000
}

/** `zoom` is how many times wider than a page the picture is. */
export const frameOf = (history: History.History, options: Options, zoom = 1): Frame => {
  const { evidence } = history
  const from = options.from ?? beginning(history)
  const to = Math.max(from + 1_000, options.to ?? evidence.now)
  const time = (at: number) => `${Story.seconds(evidence, at)} s`
  const right = left + plotWidth + (zoom - 1) * pageWidth
  return { history, ...Drawing.frame({ from, to, left, right, time }) }
}

/**
 * The zooms that a run is worth: up to some 13 pixels a second, and always up to four times the page. A long run gets the
 * first and the last of them, because each is a picture of its own.
 */
export const zoomsOf = (history: History.History, options: Options): ReadonlyArray<number> => {
  const { from, to } = frameOf(history, options)
  const most = Math.min(12, ((to - from) / 1_000) * (13 / plotWidth))
  const zooms = [1, 2, 4, 8].filter((zoom) => zoom <= 4 || zoom < 2 * most)
  return history.evidence.entries.length > 3_000 ? [1, Math.max(...zooms)] : zooms
}

// ---------------------------------------------------------------------------------------------------------------
// The parts of a lane
// ---------------------------------------------------------------------------------------------------------------

const wire = 54
const plotHeight = 116
const ordersHeight = 38
const stateHeight = 16

const requestTitle = (frame: Frame, record: Journal.RequestRecord): string =>
  [
    `${Story.nameOf(record)} (request ${record.id}${record.copyOf === undefined ? "" : `, copy of ${record.copyOf}`})`,
    ...(
      [
        ["sent", record.sentAt],
        ["arrived", record.arrivedAt],
        ["applied", record.appliedAt],
        ["answered", record.answeredAt],
        ["received", record.receivedAt],
        ["given up", record.abortedAt]
      ] as const
    ).flatMap(([what, at]) => (at === undefined ? [] : [`${what} ${frame.time(at)}`])),
    ...(record.code === undefined ? [] : [`code ${record.code}`]),
    ...(record.status === undefined ? [] : [`HTTP ${record.status}`]),
    ...record.faults.map((fault) => `fault: ${fault}`)
  ].join("\n")

const requests = (frame: Frame, lane: History.Lane, bot: number): string => {
  const exchange = bot + wire
  const offs = new Set(lane.beats.filter((beat) => beat.countdown === "0").map((beat) => beat.record.id))
  return lane.requests
    .filter(
      (record) => record.sentAt <= frame.to && (record.receivedAt ?? record.arrivedAt ?? record.sentAt) >= frame.from
    )
    .map((record) => {
      const beat = Story.isBeat(record)
      const fate = Story.fateOf(record)
      const off = offs.has(record.id)
      const sent = frame.x(record.sentAt)
      const parts: Array<string> = []
      const heard = Story.heardOf(record)
      const good = heard === "ok"
      const copied = record.copyOf !== undefined
      const middle = bot + wire / 2
      if (record.arrivedAt !== undefined) {
        const dash = copied ? ' stroke-dasharray="5 3"' : ""
        parts.push(
          `<path class="out"${dash} d="M${n(sent)} ${n(bot)}L${n(frame.x(record.arrivedAt))} ${n(exchange)}"/>`
        )
      }
      const answeredAt = record.answeredAt ?? record.appliedAt ?? record.arrivedAt
      const answered = answeredAt === undefined ? sent : frame.x(answeredAt)
      switch (fate) {
        case "answered": {
          // An answer in the same instant would hide the request's line.
          const aside = record.receivedAt === record.sentAt ? 4 : 0
          const received = frame.x(record.receivedAt ?? record.sentAt)
          const from = record.arrivedAt === undefined ? middle : exchange
          if (record.arrivedAt === undefined) {
            parts.push(`<path class="out" d="M${n(sent)} ${n(bot)}L${n(answered)} ${n(middle)}"/>`)
          }
          parts.push(`<path class="back" d="M${n(answered + aside)} ${n(from)}L${n(received + aside)} ${n(bot)}"/>`)
          break
        }
        case "refused":
        case "request lost":
        case "not handled": {
          const end = fate === "refused" ? bot + 12 : fate === "not handled" ? exchange - 6 : middle
          parts.push(`<path class="lost" d="M${n(sent)} ${n(bot)}V${n(end)}"/>`, cross(sent, end))
          break
        }
        case "reset":
        case "answer lost": {
          const from = record.arrivedAt === undefined ? bot : exchange
          const name = record.appliedAt === undefined ? "lost" : "deaf"
          parts.push(
            `<path class="${name}" d="M${n(answered + 4)} ${n(from)}V${n(middle)}"/>`,
            cross(answered + 4, middle, name)
          )
          break
        }
        case "under way":
          if (record.arrivedAt === undefined) {
            parts.push(`<path class="out" stroke-dasharray="1 3" d="M${n(sent)} ${n(bot)}V${n(exchange - 6)}"/>`)
          }
          break
        case "copy":
          break
      }
      const isDeaf = fate === "answer lost" && record.appliedAt !== undefined
      const colour = good
        ? "--calm"
        : heard !== undefined || isDeaf
          ? "--soon"
          : fate === "under way"
            ? "--soft"
            : "--urgent"
      if (!copied) {
        const fill = beat ? `fill="var(${colour})"` : `fill="var(--paper)" stroke="var(${colour})" stroke-width="1.5"`
        parts.push(
          off
            ? `<rect x="${n(sent - 4.5)}" y="${n(bot - 4.5)}" width="9" height="9" ${fill}/>`
            : `<circle cx="${n(sent)}" cy="${n(bot)}" r="${beat ? 4.5 : 3.5}" ${fill}/>`
        )
      }
      if (heard !== undefined && !good) {
        const y = record.arrivedAt === undefined ? middle + 4 : exchange - 5
        const flip = answered + 9 + Drawing.widthOf(heard) > frame.right + margin
        parts.push(
          `<text class="soont halo" x="${n(flip ? answered - 6 : answered + 9)}" y="${n(y)}"${flip ? ' text-anchor="end"' : ""}>${escape(heard)}</text>`
        )
      }
      return titled(requestTitle(frame, record), parts.join(""))
    })
    .join("")
}

/** The bot's view of when the switch fires, between its earliest and its latest instant. */
const believed = (frame: Frame, lane: History.Lane, y: (remaining: number) => number): string =>
  lane.windows
    .map((window, index) => {
      const until = Math.min(lane.windows[index + 1]?.at ?? frame.to, frame.to)
      const { earliestFire, latestFire } = window
      if (earliestFire === undefined || latestFire === undefined || until <= window.at || until < frame.from) return ""
      const upper = [window.at, ...(latestFire > window.at && latestFire < until ? [latestFire] : []), until]
      const lower = [window.at, ...(earliestFire > window.at && earliestFire < until ? [earliestFire] : []), until]
      const points = [
        ...upper.map((at) => `${n(frame.x(at))},${n(y(latestFire - at))}`),
        ...lower.toReversed().map((at) => `${n(frame.x(at))},${n(y(earliestFire - at))}`)
      ]
      const title = `the bot's view: ${window.state}\nearliest fire ${frame.time(earliestFire)}\nlatest fire ${frame.time(latestFire)}`
      return titled(title, `<polygon class="believed" points="${points.join(" ")}"/>`)
    })
    .join("")

const countdown = (frame: Frame, lane: History.Lane, top: number): string => {
  const box = { top, height: plotHeight }
  const ceiling = Drawing.ceilingOf([
    ...lane.segments.map((segment) => segment.deadline - segment.from),
    ...lane.windows.map((window) => (window.latestFire ?? window.at) - window.at)
  ])
  return (
    bare(frame, lane, top) +
    Drawing.scale(frame, box, ceiling) +
    believed(frame, lane, Drawing.rowOf(box, ceiling)) +
    Drawing.countdown(frame, box, ceiling, lane.segments) +
    Drawing.firings(frame, box, lane.fires)
  )
}

/** Where orders are open and nothing would cancel them. */
const bare = (frame: Frame, lane: History.Lane, top: number): string => {
  const instants = [
    ...new Set([
      frame.from,
      ...lane.orders.flatMap((life) => [life.openedAt, ...(life.closedAt === undefined ? [] : [life.closedAt])]),
      ...lane.segments.flatMap((segment) => [segment.from, ...(segment.to === undefined ? [] : [segment.to])])
    ])
  ]
    .filter((at) => at >= frame.from && at < frame.to)
    .sort((a, b) => a - b)
  const open = Story.openCount(lane)
  return instants
    .map((at, index) => {
      const until = instants[index + 1] ?? frame.to
      if (open(at) === 0 || Story.segmentAt(lane, at) !== undefined) return ""
      const [x1, x2] = [frame.x(at), frame.x(until)]
      return titled(
        `orders open, switch not armed\n${frame.time(at)} to ${frame.time(until)}`,
        `<rect class="bare" x="${n(x1)}" y="${n(top)}" width="${n(x2 - x1)}" height="${plotHeight}"/>`
      )
    })
    .join("")
}

const orders = (frame: Frame, lane: History.Lane, top: number): string => {
  const bottom = top + ordersHeight
  const instants = [
    ...new Set([
      frame.from,
      ...lane.orders.flatMap((life) => [life.openedAt, ...(life.closedAt === undefined ? [] : [life.closedAt])])
    ])
  ]
    .filter((at) => at >= frame.from && at <= frame.to)
    .sort((a, b) => a - b)
  const counts = instants.map(Story.openCount(lane))
  const most = largest(1, counts)
  const y = (count: number) => bottom - (count / most) * (ordersHeight - 8)
  let path = `M${n(frame.x(frame.from))} ${n(bottom)}`
  let edge = ""
  const labels: Array<string> = []
  let labelled = -Infinity
  for (const [index, at] of instants.entries()) {
    const count = counts[index] ?? 0
    const x = frame.x(at)
    const until = frame.x(instants[index + 1] ?? frame.to)
    path += `V${n(y(count))}H${n(until)}`
    edge += `${index === 0 ? `M${n(x)} ${n(y(count))}` : `V${n(y(count))}`}H${n(until)}`
    // A count that is too short for its number gets none.
    if (until - x >= 24 && x - labelled >= 24) {
      labels.push(
        `<text class="ordert halo" x="${n(x + 5)}" y="${n(Math.min(bottom - 3, y(count) + 12))}">${count}</text>`
      )
      labelled = x
    }
  }
  path += `V${n(bottom)}Z`
  return (
    `<path class="grid" d="M${left} ${n(bottom)}H${n(frame.x(frame.to))}"/>` +
    `<text x="${left - 8}" y="${n(bottom - 6)}" text-anchor="end">open orders</text>` +
    titled("open orders", `<path class="orders" d="${path}"/><path class="ordersEdge" d="${edge}"/>`) +
    labels.join("")
  )
}

const stateColours: Readonly<Record<string, string>> = {
  Armed: "--calm",
  Jeopardy: "--soon",
  MayHaveFired: "--fired",
  Fired: "--fired",
  Released: "--soft"
}

const states = (frame: Frame, lane: History.Lane, top: number): string => {
  const changes = lane.windows.filter((window, index) => index === 0 || window.state !== lane.windows[index - 1]?.state)
  return (
    `<text x="${left - 8}" y="${n(top + 11)}" text-anchor="end">bot says</text>` +
    changes
      .map((window, index) => {
        const until = changes[index + 1]?.at ?? frame.to
        if (until < frame.from || window.at > frame.to) return ""
        const [x1, x2] = [frame.x(window.at), frame.x(until)]
        const colour = stateColours[window.state] ?? "--soft"
        const label = x2 - x1 > window.state.length * 6.5 + 10
        return titled(
          `${window.state}\n${frame.time(window.at)} to ${frame.time(until)}`,
          `<rect x="${n(x1)}" y="${n(top)}" width="${n(Math.max(1, x2 - x1 - 1))}" height="${stateHeight - 1}" rx="2" fill="var(${colour})" fill-opacity=".22"/>` +
            `<rect x="${n(x1)}" y="${n(top)}" width="3" height="${stateHeight - 1}" fill="var(${colour})"/>` +
            (label ? `<text class="strong" x="${n(x1 + 8)}" y="${n(top + 11)}">${escape(window.state)}</text>` : "")
        )
      })
      .join("")
  )
}

/** Marks as flags with a line down. Of marks too close to each other only the first has a name. */
const signs = (frame: Frame, marks: ReadonlyArray<Journal.MarkRecord>, top: number, bottom: number): string => {
  let printed = -Infinity
  return marks
    .filter((mark) => mark.at >= frame.from && mark.at <= frame.to)
    .map((mark) => {
      const x = frame.x(mark.at)
      const flip = x > frame.right - 90
      const room = x - printed > mark.name.length * 6.5 + 16
      if (room) printed = x
      const text = room
        ? `<text class="strong halo" x="${n(flip ? x - 9 : x + 9)}" y="${n(top + 9)}"${flip ? ' text-anchor="end"' : ""}>${escape(mark.name)}</text>`
        : ""
      return titled(
        `${mark.name}${mark.account === undefined ? "" : ` (${mark.account})`}\n${frame.time(mark.at)}`,
        `<path d="M${n(x)} ${n(top)}V${n(bottom)}" stroke="var(--ink)" stroke-width="1.3"/>` +
          `<path d="M${n(x - 5)} ${n(top)}h10l-5 7z" fill="var(--ink)"/>${text}`
      )
    })
    .join("")
}

interface Drawn {
  readonly height: number
  readonly panel: string
  readonly body: string
}

const laneOf = (frame: Frame, lane: History.Lane, top: number): Drawn => {
  const bot = top + 44
  const plot = bot + wire + 22
  const book = plot + plotHeight + 14
  const believes = lane.windows.length > 0
  const height = book + ordersHeight + (believes ? stateHeight + 8 : 0) + 14 - top
  const end = frame.x(frame.to)
  const panel = `<rect x="0.5" y="${n(top + 0.5)}" width="${n(frame.right + margin - 1)}" height="${n(height - 1)}" rx="8" fill="var(--paper)" stroke="var(--line)"/>`
  const body =
    `<text class="name" x="16" y="${n(top + 23)}">${escape(lane.account)}</text>` +
    `<text x="${left - 8}" y="${n(bot + 4)}" text-anchor="end">bot</text>` +
    `<text x="${left - 8}" y="${n(bot + wire + 4)}" text-anchor="end">exchange</text>` +
    `<path class="rail" d="M${left} ${bot}H${n(end)}M${left} ${bot + wire}H${n(end)}"/>` +
    countdown(frame, lane, plot) +
    requests(frame, lane, bot) +
    orders(frame, lane, book) +
    (believes ? states(frame, lane, book + ordersHeight + 8) : "") +
    signs(
      frame,
      frame.history.marks.filter((mark) => mark.account === lane.account),
      top + 12,
      top + height - 6
    )
  return { height, panel, body }
}

// ---------------------------------------------------------------------------------------------------------------
// The whole picture
// ---------------------------------------------------------------------------------------------------------------

/** The whole picture. */
export const svg = (history: History.History, options: Options, zoom = 1): string => {
  const frame = frameOf(history, options, zoom)
  const lanes = history.lanes.filter((lane) => options.account === undefined || lane.account === options.account)
  const marks = history.marks.filter((mark) => mark.account === undefined)
  const axisTop = 26
  const markTop = axisTop + 12
  const markHeight = marks.length === 0 ? 0 : 20
  const faultTop = markTop + markHeight
  const acted = new Map<string, Array<number>>(history.faults.map(({ label }) => [label, []]))
  for (const record of history.evidence.entries) {
    if (record._tag !== "Request" || record.copyOf !== undefined) continue
    for (const text of record.faults) acted.get(text)?.push(record.sentAt)
  }
  const faults = Drawing.faults(
    frame,
    faultTop,
    history.faults.map((span) => ({
      ...span,
      acted: (acted.get(span.label) ?? []).filter((at) => at >= span.from && at <= (span.to ?? frame.to))
    }))
  )
  let y = faultTop + faults.height + (faults.height > 0 ? 8 : 4)
  const first = y
  const panels: Array<string> = []
  const bodies: Array<string> = []
  for (const lane of lanes) {
    const drawn = laneOf(frame, lane, y)
    panels.push(drawn.panel)
    bodies.push(drawn.body)
    y += drawn.height + 14
  }
  const height = Math.max(y, first + 30)

  const width = frame.right + margin
  const box = { top: axisTop, height: height - axisTop - 8 }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="dm" role="img" aria-label="Timeline of seed ${history.evidence.seed}" ` +
    `width="${n(width)}" height="${n(height)}" viewBox="0 0 ${n(width)} ${n(height)}">` +
    `<style>${pictureStyle}</style>` +
    `<defs><pattern id="dm-bare" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
    // Visible for the pictures after it also where this one is hidden.
    `<path visibility="visible" d="M0 0V7" stroke="var(--urgent)" stroke-width="1.6" stroke-opacity=".38"/></pattern></defs>` +
    `<rect width="100%" height="100%" fill="var(--ground)"/>` +
    `${panels.join("")}${Drawing.axis(frame, box, history.evidence.start, (seconds) => `${seconds} s`)}` +
    `${Drawing.maintenance(frame, { top: first, height: height - first - 8 }, history.maintenance)}` +
    `${bodies.join("")}${faults.body}` +
    `${signs(frame, marks, markTop, height - 10)}</svg>`
  )
}
