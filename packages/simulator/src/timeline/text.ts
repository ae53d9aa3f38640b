/**
 * The run as text, in fixed columns: the rows of requests, switch and orders, for terminals and failing tests.
 */
import * as History from "../journal/History.js"
import type * as Journal from "../journal/Journal.js"
import type { Options } from "./picture.js"

/**
 * A remark at the end of the row of an instant.
 *
 * @since 0.1.0
 * @category models
 */
export interface Note {
  readonly at: number
  readonly text: string
}

/**
 * The part of a run to print.
 *
 * @since 0.1.0
 * @category models
 */
export interface TextOptions extends Options {
  readonly notes?: ReadonlyArray<Note> | undefined
  /** The most rows. Rows in the middle are left out, and counted. Default 200. */
  readonly maxRows?: number | undefined
  /** Whether to collapse uneventful beats, and the cancels of one firing. Default true. */
  readonly collapse?: boolean | undefined
}

type Quiet = "beats, all ok" | "cancels"

interface Row {
  readonly at: number
  readonly account: string
  readonly order: number
  readonly bot: Array<string>
  readonly network: Array<string>
  readonly exchange: Array<string>
  /** Nothing but a beat that was applied and answered, or a cancel after the firing. */
  quiet: Quiet | undefined
  /** The last instant of the exchange in this row. */
  until: number
}

/** A request that takes less than this, in ms, is one row. */
const shortWay = 1_000

/** The rows of one account's requests, switch and orders. */
const laneRows = (
  history: History.History,
  lane: History.Lane,
  entries: ReadonlyArray<Journal.Entry>,
  orderOf: ReadonlyMap<Journal.Entry, number>
): Array<Row> => {
  const { evidence } = history
  const effects = new Map<number, Array<Journal.Entry & { readonly at: number }>>()
  const rows: Array<Row> = []
  const own: Array<Journal.Entry & { readonly at: number }> = []
  const ids = new Set(lane.requests.map((record) => record.id))

  for (const entry of entries) {
    if (entry._tag === "Request" || !("at" in entry)) continue
    const by = "by" in entry ? entry.by : undefined
    if (by === undefined || !ids.has(by)) own.push(entry)
    else {
      const known = effects.get(by)
      if (known === undefined) effects.set(by, [entry])
      else known.push(entry)
    }
  }

  const rowAt = (local: Map<number, Row>, at: number, order: number): Row => {
    const known = local.get(at)
    if (known !== undefined) return known
    const row: Row = {
      at,
      account: lane.account,
      order,
      bot: [],
      network: [],
      exchange: [],
      quiet: undefined,
      until: at
    }
    local.set(at, row)
    rows.push(row)
    return row
  }

  for (const record of lane.requests) {
    const local = new Map<number, Row>()
    const order = orderOf.get(record) ?? 0
    const { receivedAt, sentAt } = record
    const smooth = record.faults.length === 0 && receivedAt !== undefined && receivedAt - sentAt < shortWay
    // A fast request without faults is one row, at its start.
    const at = (instant: number) => rowAt(local, smooth ? sentAt : instant, order)
    const name = History.nameOf(record)
    const fate = History.fateOf(record)
    const heard = History.heardOf(record)
    // The row of the fault's start has its whole text.
    const kinds = record.faults.map((text) => text.split(";")[0])
    const faults = kinds.length === 0 ? "" : ` (${kinds.join(", ")})`
    const done = effects.get(record.id) ?? []
    const handled = record.appliedAt ?? record.arrivedAt
    const answered = record.answeredAt ?? handled
    if (record.copyOf === undefined) at(record.sentAt).bot.push(`${name} ->`)
    if (smooth && handled !== undefined && receivedAt !== sentAt) {
      at(sentAt).network.push(`${handled - sentAt} ms out, ${receivedAt - handled} ms back`)
    } else if (record.arrivedAt !== undefined && (record.copyOf !== undefined || record.arrivedAt !== sentAt)) {
      const what = record.copyOf === undefined ? name : `copy of ${name}`
      at(record.arrivedAt).network.push(`${what} arrives after ${record.arrivedAt - sentAt} ms`)
    }
    for (const effect of done) {
      const row = at(effect.at)
      row.exchange.push(...describe(evidence, effect))
      row.until = Math.max(row.until, effect.at)
    }
    if (handled !== undefined && record.code !== undefined && record.code !== "00000") {
      at(handled).exchange.push(`refuses: ${record.code}`)
    }
    switch (fate) {
      case "refused":
      case "request lost":
      case "not handled":
        at(record.sentAt).network.push(`x ${fate}${faults}`)
        break
      case "reset":
      case "answer lost":
        at(answered ?? record.sentAt).network.push(`x ${fate}${faults}`)
        break
      case "answered":
        if (record.arrivedAt === undefined) at(answered ?? record.sentAt).network.push(`answered on the way${faults}`)
        else if (heard !== (record.code === "00000" ? "ok" : record.code)) {
          at(answered ?? record.sentAt).network.push(`answer replaced${faults}`)
        }
        break
    }
    if (heard !== undefined && receivedAt !== undefined) {
      const row = at(receivedAt)
      if (smooth || receivedAt === sentAt) row.bot[row.bot.length - 1] = `${name} -> ${heard}`
      else row.bot.push(`<- ${heard} (${name})`)
      if (!smooth && answered !== undefined && receivedAt !== answered) {
        row.network.push(`answer took ${receivedAt - answered} ms`)
      }
    }
    if (record.abortedAt !== undefined) at(record.abortedAt).bot.push(`gave up on ${name}`)
    const only = local.size === 1 ? local.get(record.sentAt) : undefined
    if (only !== undefined && History.isBeat(record) && heard === "ok" && record.faults.length === 0) {
      const refreshes = done.every((effect) => effect._tag === "Switch" && effect.transition === "refreshed")
      if (refreshes) only.quiet = "beats, all ok"
    }
  }

  let state: string | undefined
  for (const entry of own) {
    const order = orderOf.get(entry) ?? 0
    if (entry._tag === "Window") {
      if (entry.state === state) continue
      state = entry.state
      rowAt(new Map(), entry.at, order).bot.push(`= ${entry.state}`)
    } else if (entry._tag === "Cancelled" && entry.cause === "countdown") {
      // The row of the firing counts the cancels of its instant.
      const last = rows.findLast((row) => row.exchange[0]?.startsWith("FIRED") === true)
      if (last?.at !== entry.at) {
        const row = rowAt(new Map(), entry.at, order)
        row.exchange.push(`cancels order ${short(entry.orderId)}`)
        row.quiet = "cancels"
      }
    } else if (entry._tag !== "Mark") {
      const text =
        entry._tag === "Switch" && entry.transition === "fired"
          ? fired(lane, entry)
          : describe(evidence, entry).join(", ")
      rowAt(new Map(), entry.at, order).exchange.push(text)
    }
  }
  return rows
}

const fired = (lane: History.Lane, entry: Journal.SwitchRecord): string => {
  const fire = lane.fires.find((candidate) => candidate.at === entry.at)
  const count = fire?.cancelled.length ?? 0
  const late =
    entry.deadline === undefined || entry.deadline === entry.at ? "" : `, ${entry.at - entry.deadline} ms late`
  return `FIRED, cancels ${count}${late}`
}

// Order ids have 19 digits, of which the last four are enough within a run.
const short = (orderId: string): string => (orderId.length > 6 ? `..${orderId.slice(-4)}` : orderId)

const describe = (evidence: History.Evidence, entry: Journal.Entry): ReadonlyArray<string> => {
  switch (entry._tag) {
    case "Switch": {
      const deadline = entry.deadline === undefined ? "?" : History.seconds(evidence, entry.deadline)
      switch (entry.transition) {
        case "armed":
          return [`armed until ${deadline}`]
        case "refreshed":
          return [`refreshed to ${deadline}`]
        case "closed":
          return ["switched off"]
        case "fired":
          return ["FIRED"]
      }
      return []
    }
    case "Placed":
      return [
        entry.entersAt === undefined
          ? `order ${short(entry.orderId)} placed`
          : `order ${short(entry.orderId)} placed, in the book at ${History.seconds(evidence, entry.entersAt)}`
      ]
    case "Cancelled":
      return [`order ${short(entry.orderId)} cancelled`]
    case "Filled":
      return [`order ${short(entry.orderId)} filled ${entry.qty}`]
    default:
      return []
  }
}

const faultChanges: Readonly<Record<Journal.FaultRecord["change"], (fault: string) => string>> = {
  added: (fault) => `+ ${fault}`,
  removed: (fault) => `- ${fault}`,
  over: (fault) => `- ${fault} (over)`
}

/** The rows that belong to no account. */
const sharedRows = (history: History.History, account: string | undefined): Array<Row> =>
  history.evidence.entries.flatMap((entry, order): ReadonlyArray<Row> => {
    const row = { account: "", order, bot: [], network: [], exchange: [], quiet: undefined, until: 0 }
    switch (entry._tag) {
      case "Mark":
        return account !== undefined && entry.account !== undefined && entry.account !== account
          ? []
          : [{ ...row, at: entry.at, account: entry.account ?? "", bot: [`** ${entry.name} **`] }]
      case "Fault":
        return [{ ...row, at: entry.at, network: [faultChanges[entry.change](entry.fault)] }]
      case "Maintenance":
        return [{ ...row, at: entry.at, exchange: [`maintenance ${entry.phase}`] }]
      default:
        return []
    }
  })

/** Runs of four or more quiet rows of one kind keep their first and last row, and say how many are between. */
const collapsed = (rows: ReadonlyArray<Row>): ReadonlyArray<Row | string> => {
  const out: Array<Row | string> = []
  for (let index = 0; index < rows.length;) {
    let end = index
    const { account, quiet } = rows[index]!
    while (quiet !== undefined && rows[end]?.quiet === quiet && rows[end]?.account === account) end++
    const [first, last] = [rows[index], rows[end - 1]]
    if (end - index >= 4 && first !== undefined && last !== undefined) {
      out.push(first, `... ${end - index - 2} more ${quiet}`, last)
      index = end
    } else if (first !== undefined) {
      out.push(first)
      index++
    }
  }
  return out
}

/**
 * The run as text, in fixed columns: time in seconds, bot, network, exchange, open orders after the row.
 *
 * @since 0.1.0
 * @category text
 */
export const text = (evidence: History.Evidence, options: TextOptions = {}): string => {
  const history = History.make(evidence)
  const lanes = history.lanes.filter((lane) => options.account === undefined || lane.account === options.account)
  const several = lanes.length > 1
  const from = options.from ?? -Infinity
  const to = options.to ?? Infinity
  const orderOf = new Map(evidence.entries.map((entry, index) => [entry, index]))
  const entriesOf = new Map(lanes.map((lane) => [lane.account, [] as Array<Journal.Entry>]))
  for (const entry of evidence.entries) {
    if ("account" in entry && typeof entry.account === "string") entriesOf.get(entry.account)?.push(entry)
  }
  const rows = [
    ...lanes.flatMap((lane) => laneRows(history, lane, entriesOf.get(lane.account) ?? [], orderOf)),
    ...sharedRows(history, options.account)
  ]
    .filter((row) => row.at >= from && row.at <= to)
    .sort((a, b) => a.at - b.at || a.order - b.order)
  const noted = new Set((options.notes ?? []).map((note) => note.at))
  for (const row of rows) if (noted.has(row.at)) row.quiet = undefined
  for (const note of options.notes ?? []) {
    if (!rows.some((row) => row.at === note.at)) {
      const before = rows.findIndex((row) => row.at > note.at)
      const row: Row = {
        at: note.at,
        account: "",
        order: 0,
        bot: [],
        network: [],
        exchange: [],
        quiet: undefined,
        until: note.at
      }
      rows.splice(before < 0 ? rows.length : before, 0, row)
    }
  }

  const openIn = new Map(lanes.map((lane) => [lane.account, History.openCount(lane)]))
  const openAt = (account: string, at: number): number =>
    account === "" ? [...openIn.values()].reduce((sum, count) => sum + count(at), 0) : (openIn.get(account)?.(at) ?? 0)
  const lastAt = new Map(rows.map((row) => [row.at, row]))
  const cells = (options.collapse === false ? rows : collapsed(rows)).map((row): ReadonlyArray<string> => {
    if (typeof row === "string") return ["", "", row, "", "", "", ""]
    const open = openAt(row.account, Math.max(row.at, row.until))
    const last = lastAt.get(row.at) === row
    const notes = last ? (options.notes ?? []).filter((note) => note.at === row.at) : []
    return [
      History.seconds(evidence, row.at),
      row.account,
      row.bot.join(", "),
      row.network.join(", "),
      row.exchange.join(", "),
      String(open),
      notes.map((note) => `<- ${note.text}`).join(" ")
    ]
  })

  const head = ["t/s", "account", "bot", "network", "exchange", "open", ""]
  const limit = options.maxRows ?? 200
  const left = cells.length - limit
  const kept =
    left <= 0
      ? cells
      : [
          ...cells.slice(0, Math.ceil(limit / 2)),
          ["", "", `... ${left} rows left out`, "", "", "", ""],
          ...cells.slice(cells.length - Math.floor(limit / 2))
        ]
  const table = [head, ...kept]
  const width = (column: number) => table.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0)
  const widths = head.map((_, column) => width(column))
  const lines = table.map((row) =>
    row
      .flatMap((cell, column) => {
        if (column === 1 && !several) return []
        return [column === 0 || column === 5 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)]
      })
      .join("  ")
      .trimEnd()
  )
  const account = lanes.length === 1 ? `, account ${lanes[0]?.account}` : ""
  const missing = evidence.dropped === 0 ? "" : `, ${evidence.dropped} older entries are no longer in the journal`
  return [`seed ${evidence.seed}${account}${missing}`, ...lines].join("\n")
}
