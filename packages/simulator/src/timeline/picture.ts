/**
 * The picture of a run: one SVG with a lane for each account. Text only goes in escaped; nothing points outside; the
 * reader's preference chooses light or dark.
 */
import type * as History from "../journal/History.js"
import * as Story from "../journal/History.js"
import type * as Journal from "../journal/Journal.js"

/**
 * What is drawn. Instants are ms of the venue's clock.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Only this account; by default all. */
  readonly account?: string | undefined
  /** The first and the last instant; by default everything. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export const escape = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;")

/** The largest of any number of values: a call takes some 100,000 arguments at most. */
export const largest = (least: number, values: ReadonlyArray<number>): number =>
  values.reduce((most, value) => Math.max(most, value), least)

const n = (value: number): string => String(Math.round(value * 10) / 10)

const left = 92
const right = 28

// Colours by role, each with a light and a dark value; contrast is at least 4.5 : 1 for text and 3 : 1 for signs.
export const palette = {
  light:
    "--bg:#fcfcfb;--panel:#ffffff;--ink:#1b1d21;--muted:#63686f;--line:#e2e4e8;--rail:#b9bec6;--count:#2f6fde;" +
    "--believed:#8a5cd6;--orders:#0c8577;--ok:#1d8348;--warn:#b25e09;--bad:#cf2435;--quiet:#8b9098",
  dark:
    "--bg:#14161a;--panel:#1b1e24;--ink:#e8eaee;--muted:#9aa1ab;--line:#2b3038;--rail:#4b525d;--count:#6ea2ff;" +
    "--believed:#b794f6;--orders:#3fc1ae;--ok:#54c784;--warn:#f0a44b;--bad:#ff6b76;--quiet:#7d848f"
}

const pictureStyle =
  `.dm{${palette.light};font:11px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;` +
  `font-variant-numeric:tabular-nums}` +
  `@media (prefers-color-scheme:dark){.dm{${palette.dark}}}` +
  `.dm text{fill:var(--muted)}.dm .name{fill:var(--ink);font-size:14px;font-weight:650}` +
  `.dm .strong{fill:var(--ink);font-weight:600}.dm .badt{fill:var(--bad);font-weight:700}` +
  `.dm .warnt{fill:var(--warn);font-weight:600}.dm .faultt{fill:var(--warn)}` +
  `.dm .halo{paint-order:stroke;stroke:var(--panel);stroke-width:4px;stroke-linejoin:round}` +
  `.dm .grid{stroke:var(--line);stroke-width:1}.dm .rail{stroke:var(--rail);stroke-width:1}` +
  `.dm .out{stroke:var(--ink);stroke-width:1.2;fill:none;opacity:.75}` +
  `.dm .back{stroke:var(--quiet);stroke-width:1.1;fill:none;stroke-dasharray:3 2}` +
  `.dm .lost{stroke:var(--bad);stroke-width:1.4;fill:none}` +
  `.dm .tooth{fill:var(--count);fill-opacity:.16;stroke:none}` +
  `.dm .edge{stroke:var(--count);stroke-width:1.7;fill:none;stroke-linejoin:round}` +
  `.dm .believed{fill:var(--believed);fill-opacity:.2;stroke:var(--believed);stroke-opacity:.6;stroke-width:.8}` +
  `.dm .orders{fill:var(--orders);fill-opacity:.2;stroke:none}` +
  `.dm .ordersEdge{stroke:var(--orders);stroke-width:1.5;fill:none}.dm .ordert{fill:var(--orders);font-weight:600}` +
  `.dm .bare{fill:url(#dm-bare)}.dm .fault{fill:var(--warn);fill-opacity:.16;stroke:var(--warn);stroke-opacity:.7}` +
  `.dm .maintenance{fill:var(--warn);fill-opacity:.07}`

export interface Frame {
  readonly history: History.History
  readonly from: number
  readonly to: number
  readonly width: number
  readonly x: (at: number) => number
}

export const frameOf = (history: History.History, options: Options): Frame => {
  const { evidence } = history
  const from = options.from ?? evidence.start
  const to = Math.max(from + 1_000, options.to ?? evidence.now)
  const length = (to - from) / 1000
  const plot = Math.min(12_000, Math.max(1_040, length * 13))
  return {
    history,
    from,
    to,
    width: left + plot + right,
    x: (at) => left + (Math.min(Math.max(at, from), to) - from) * (plot / (to - from))
  }
}

const time = (frame: Frame, at: number): string => `${Story.seconds(frame.history.evidence, at)} s`

/** Steps of 1, 2, 5 or 10, so that two labels are at least 80 units apart. */
const ticks = (frame: Frame): ReadonlyArray<number> => {
  const span = (frame.to - frame.from) / 1000
  const wanted = (span * 80) / (frame.width - left - right)
  const power = 10 ** Math.floor(Math.log10(Math.max(wanted, 0.001)))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= wanted) ?? 10) * power
  const origin = (frame.from - frame.history.evidence.start) / 1000
  const out: Array<number> = []
  for (let index = Math.ceil(origin / step - 1e-9); index * step <= origin + span + 1e-9; index++) {
    out.push(Math.round((index * step - origin) * 1000) + frame.from)
  }
  return out
}

const titled = (title: string, body: string): string => `<g><title>${escape(title)}</title>${body}</g>`

export const cross = (x: number, y: number): string =>
  `<path class="lost" stroke-width="2" d="M${n(x - 4)} ${n(y - 4)}l8 8m0 -8l-8 8"/>`

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
    ).flatMap(([what, at]) => (at === undefined ? [] : [`${what} ${time(frame, at)}`])),
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
          parts.push(
            `<path class="lost" d="M${n(answered + 4)} ${n(from)}V${n(middle)}"/>`,
            cross(answered + 4, middle)
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
      const colour = good ? "--ok" : heard !== undefined ? "--warn" : fate === "under way" ? "--quiet" : "--bad"
      if (!copied) {
        const fill = beat ? `fill="var(${colour})"` : `fill="var(--panel)" stroke="var(${colour})" stroke-width="1.5"`
        parts.push(
          off
            ? `<rect x="${n(sent - 4.5)}" y="${n(bot - 4.5)}" width="9" height="9" ${fill}/>`
            : `<circle cx="${n(sent)}" cy="${n(bot)}" r="${beat ? 4.5 : 3.5}" ${fill}/>`
        )
      }
      if (heard !== undefined && !good) {
        const y = record.arrivedAt === undefined ? middle + 4 : exchange - 5
        parts.push(`<text class="warnt halo" x="${n(answered + 9)}" y="${n(y)}">${escape(heard)}</text>`)
      }
      return titled(requestTitle(frame, record), parts.join(""))
    })
    .join("")
}

/** The seconds at the top of the countdown's plot. */
const ceilingOf = (lane: History.Lane): number => {
  const most = largest(5, [
    ...lane.segments.map((tooth) => (tooth.deadline - tooth.from) / 1000),
    ...lane.windows.map((window) => ((window.latestFire ?? window.at) - window.at) / 1000)
  ])
  return Math.min(75, Math.ceil(most / 5) * 5)
}

const countdown = (frame: Frame, lane: History.Lane, top: number): string => {
  const ceiling = ceilingOf(lane)
  const bottom = top + plotHeight
  const y = (left: number) => bottom - (Math.min(Math.max(left / 1000, 0), ceiling) / ceiling) * plotHeight
  const end = frame.x(frame.to)
  const grid = [0, ceiling / 2, ceiling]
    .map(
      (value) =>
        `<path class="grid" d="M${left} ${n(y(value * 1000))}H${n(end)}"/>` +
        `<text x="${left - 8}" y="${n(y(value * 1000) + 4)}" text-anchor="end">${value} s</text>`
    )
    .join("")

  const believed = lane.windows
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
      const title = `the bot's view: ${window.state}\nearliest fire ${time(frame, earliestFire)}\nlatest fire ${time(frame, latestFire)}`
      return titled(title, `<polygon class="believed" points="${points.join(" ")}"/>`)
    })
    .join("")

  const teeth = lane.segments
    .filter((tooth) => tooth.from <= frame.to && (tooth.to ?? frame.to) >= frame.from)
    .map((tooth) => {
      const to = tooth.to ?? Math.min(frame.to, tooth.deadline)
      const [x1, x2] = [frame.x(tooth.from), frame.x(to)]
      const from = Math.max(tooth.from, frame.from)
      const [y1, y2] = [y(tooth.deadline - from), y(tooth.deadline - Math.min(to, frame.to))]
      const title = `armed ${time(frame, tooth.from)} for ${tooth.seconds} s\nwould fire ${time(frame, tooth.deadline)}\n${tooth.end}${tooth.to === undefined ? "" : ` ${time(frame, tooth.to)}`}`
      return titled(
        title,
        `<polygon class="tooth" points="${n(x1)},${n(bottom)} ${n(x1)},${n(y1)} ${n(x2)},${n(y2)} ${n(x2)},${n(bottom)}"/>` +
          `<path class="edge" d="M${n(x1)} ${n(bottom)}V${n(y1)}L${n(x2)} ${n(y2)}${tooth.end === "closed" ? `V${n(bottom)}` : ""}"/>`
      )
    })
    .join("")

  const fires = lane.fires
    .filter((fire) => fire.at >= frame.from && fire.at <= frame.to)
    .map((fire) => {
      const x = frame.x(fire.at)
      const late = fire.at - fire.deadline
      const rays = Array.from({ length: 8 }, (_, ray) => {
        const angle = (ray * Math.PI) / 4
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
        return `M${n(x + 6 * cos)} ${n(bottom + 6 * sin)}L${n(x + 10 * cos)} ${n(bottom + 10 * sin)}`
      }).join("")
      const flip = x > frame.width - right - 110
      const label = `fired ${time(frame, fire.at)}`
      return titled(
        `${label}${late > 0 ? `, ${late} ms after its deadline` : ""}\ncancelled ${fire.cancelled.length} orders`,
        `<path d="M${n(x)} ${n(top - 22)}V${n(bottom + ordersHeight + 14)}" stroke="var(--bad)" stroke-width="1.2" stroke-dasharray="2 3"/>` +
          `<circle cx="${n(x)}" cy="${n(bottom)}" r="4.5" fill="var(--bad)"/>` +
          `<path d="${rays}" stroke="var(--bad)" stroke-width="1.6"/>` +
          `<text class="badt halo" x="${n(flip ? x - 14 : x + 14)}" y="${n(bottom - 8)}"${flip ? ' text-anchor="end"' : ""}>${label}</text>`
      )
    })
    .join("")
  return bare(frame, lane, top) + grid + believed + teeth + fires
}

/** Where orders are open and nothing would cancel them. */
const bare = (frame: Frame, lane: History.Lane, top: number): string => {
  const instants = [
    ...new Set([
      frame.from,
      ...lane.orders.flatMap((life) => [life.placed.at, ...(life.closedAt === undefined ? [] : [life.closedAt])]),
      ...lane.segments.flatMap((tooth) => [tooth.from, ...(tooth.to === undefined ? [] : [tooth.to])])
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
        `orders open, switch not armed\n${time(frame, at)} to ${time(frame, until)}`,
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
      ...lane.orders.flatMap((life) => [life.placed.at, ...(life.closedAt === undefined ? [] : [life.closedAt])])
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
    // A count that lasts too short for its number is told by the tooltip of the next.
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
  Armed: "--ok",
  Jeopardy: "--warn",
  MayHaveFired: "--bad",
  Fired: "--bad",
  Released: "--quiet"
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
        const colour = stateColours[window.state] ?? "--quiet"
        const label = x2 - x1 > window.state.length * 6.5 + 10
        return titled(
          `${window.state}\n${time(frame, window.at)} to ${time(frame, until)}`,
          `<rect x="${n(x1)}" y="${n(top)}" width="${n(Math.max(1, x2 - x1 - 1))}" height="${stateHeight - 1}" rx="2" fill="var(${colour})" fill-opacity=".22"/>` +
            `<rect x="${n(x1)}" y="${n(top)}" width="3" height="${stateHeight - 1}" fill="var(${colour})"/>` +
            (label ? `<text class="strong" x="${n(x1 + 8)}" y="${n(top + 11)}">${escape(window.state)}</text>` : "")
        )
      })
      .join("")
  )
}

/** Marks as flags with a line down; of those too close to each other only the first is named. */
const signs = (frame: Frame, marks: ReadonlyArray<Journal.MarkRecord>, top: number, bottom: number): string => {
  let printed = -Infinity
  return marks
    .filter((mark) => mark.at >= frame.from && mark.at <= frame.to)
    .map((mark) => {
      const x = frame.x(mark.at)
      const flip = x > frame.width - right - 90
      const room = x - printed > mark.name.length * 6.5 + 16
      if (room) printed = x
      const text = room
        ? `<text class="strong halo" x="${n(flip ? x - 9 : x + 9)}" y="${n(top + 9)}"${flip ? ' text-anchor="end"' : ""}>${escape(mark.name)}</text>`
        : ""
      return titled(
        `${mark.name}${mark.account === undefined ? "" : ` (${mark.account})`}\n${time(frame, mark.at)}`,
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
  const panel = `<rect x="0.5" y="${n(top + 0.5)}" width="${n(frame.width - 1)}" height="${n(height - 1)}" rx="8" fill="var(--panel)" stroke="var(--line)"/>`
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
// What runs across the lanes
// ---------------------------------------------------------------------------------------------------------------

const faultHeight = 18

/** Spans in as few rows as leave none covering another, with room for its label. */
const packed = (frame: Frame, spans: ReadonlyArray<History.Span>) => {
  const ends: Array<number> = []
  return spans
    .filter((span) => span.from <= frame.to && (span.to ?? frame.to) >= frame.from)
    .map((span) => {
      const x1 = frame.x(span.from)
      const x2 = Math.max(frame.x(span.to ?? frame.to), x1 + 3)
      const label = span.label.length * 6.2 + 16
      const needed = (x2 - x1 >= label ? x2 : x2 + label) + 6
      const free = ends.findIndex((end) => end <= x1)
      const row = free < 0 ? ends.length : free
      ends[row] = needed
      return { span, x1, x2, row }
    })
}

/** The whole picture. */
export const svg = (history: History.History, options: Options): string => {
  const frame = frameOf(history, options)
  const lanes = history.lanes.filter((lane) => options.account === undefined || lane.account === options.account)
  const marks = history.marks.filter((mark) => mark.account === undefined)
  const faults = packed(frame, history.faults)
  const faultRows = largest(
    0,
    faults.map(({ row }) => row + 1)
  )

  const axis = 34
  const markTop = axis + 4
  const markHeight = marks.length === 0 ? 0 : 20
  const faultTop = markTop + markHeight
  let y = faultTop + faultRows * faultHeight + (faultRows > 0 ? 8 : 4)
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

  const scale = ticks(frame)
    .map((at) => {
      const x = frame.x(at)
      const label = ((at - history.evidence.start) / 1000).toLocaleString("en-US", {
        maximumFractionDigits: 3,
        useGrouping: false
      })
      return (
        `<path class="grid" d="M${n(x)} ${axis - 8}V${n(height - 8)}"/>` +
        `<text x="${n(x)}" y="${axis - 14}" text-anchor="middle">${label} s</text>`
      )
    })
    .join("")

  const upkeep = history.maintenance
    .filter((span) => span.from <= frame.to && (span.to ?? frame.to) >= frame.from)
    .map((span) => {
      const [x1, x2] = [frame.x(span.from), frame.x(span.to ?? frame.to)]
      return titled(
        `maintenance\n${time(frame, span.from)} to ${span.to === undefined ? "now" : time(frame, span.to)}`,
        `<rect class="maintenance" x="${n(x1)}" y="${axis}" width="${n(x2 - x1)}" height="${n(height - axis - 8)}"/>` +
          `<text class="warnt halo" x="${n(x1 + 6)}" y="${n(first + 14)}">maintenance</text>`
      )
    })
    .join("")

  const met = new Map<string, Array<number>>(faults.map(({ span }) => [span.label, []]))
  for (const record of history.evidence.entries) {
    if (record._tag !== "Request" || record.copyOf !== undefined) continue
    for (const text of record.faults) met.get(text)?.push(record.sentAt)
  }
  const bars = faults
    .map(({ row, span, x1, x2 }) => {
      const top = faultTop + row * faultHeight
      const acted = (met.get(span.label) ?? []).filter((at) => at >= span.from && at <= (span.to ?? frame.to))
      const inside = x2 - x1 >= span.label.length * 6.2 + 10 + acted.length
      return titled(
        `${span.label}\n${time(frame, span.from)} to ${span.to === undefined ? "now" : time(frame, span.to)}\nmet ${acted.length} requests`,
        `<rect class="fault" x="${n(x1)}" y="${n(top + 1)}" width="${n(x2 - x1)}" height="${faultHeight - 4}" rx="3"/>` +
          acted
            .map(
              (at) =>
                `<path d="M${n(frame.x(at))} ${n(top + faultHeight - 8)}v5" stroke="var(--bad)" stroke-width="2"/>`
            )
            .join("") +
          `<text class="faultt" x="${n(inside ? x1 + 6 : x2 + 6)}" y="${n(top + 12)}">${escape(span.label)}</text>`
      )
    })
    .join("")
  const faultLabel =
    faultRows === 0 ? "" : `<text x="${left - 8}" y="${n(faultTop + 12)}" text-anchor="end">faults</text>`

  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="dm" role="img" aria-label="Timeline of seed ${history.evidence.seed}" ` +
    `width="${n(frame.width)}" height="${n(height)}" viewBox="0 0 ${n(frame.width)} ${n(height)}">` +
    `<style>${pictureStyle}</style>` +
    `<defs><pattern id="dm-bare" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
    `<path d="M0 0V7" stroke="var(--bad)" stroke-width="1.6" stroke-opacity=".38"/></pattern></defs>` +
    `<rect width="100%" height="100%" fill="var(--bg)"/>` +
    `${panels.join("")}${scale}${upkeep}${bodies.join("")}${faultLabel}${bars}` +
    `${signs(frame, marks, markTop, height - 10)}</svg>`
  )
}
