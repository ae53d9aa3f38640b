/**
 * The table of events, newest first: requests with their result and the faults that acted on them, firings, cancels,
 * and changes of the network.
 */
import type * as Journal from "../../journal/Journal.js"
import type { Entry } from "./control.js"
import { h, keyed, set, setText } from "./dom.js"
import type { JournalCopy, Named } from "./journalCopy.js"
import * as Time from "./time.js"

const shown = 60

/** The instants between the sending and the receiving, which are shown on demand. */
const steps = ["arrivedAt", "appliedAt", "answeredAt"] as const

/** A row. `kind` decides its colour. */
interface Row {
  readonly key: string
  readonly at: number
  readonly account: string
  readonly event: string
  readonly kind: "good" | "refused" | "lost" | "waits" | "fired" | "plain"
  readonly result: string
  readonly faults: string
  readonly request: Journal.RequestRecord | undefined
}

const beatOf = (entry: Journal.RequestRecord): string => {
  const countdown = /"countdown"\s*:\s*"([^"]*)"/.exec(entry.body)?.[1]
  return countdown === "0" ? "switch off" : `beat ${countdown ?? "?"} s`
}

const resultOf = (entry: Journal.RequestRecord): readonly [kind: Row["kind"], text: string] => {
  if (entry.receivedAt !== undefined) {
    if (entry.code === "00000") return ["good", "ok"]
    return ["refused", entry.code === undefined ? `HTTP ${entry.status ?? "?"}` : entry.code]
  }
  if (entry.abortedAt !== undefined) {
    return entry.appliedAt === undefined ? ["lost", "no answer"] : ["refused", "no answer, but applied"]
  }
  return ["waits", "waiting"]
}

const orderText = (order: Named | undefined): string =>
  order === undefined
    ? "an order"
    : `${order.side} ${order.qty} ${order.symbol} ${order.price ? `@ ${order.price}` : "market"}`

/** How an order has ended. */
export const endings = {
  countdown: "by the switch",
  request: "by request",
  time_in_force: "by its time in force",
  filled: "filled"
} as const

const faultChanges = { added: "fault begins", removed: "fault removed", over: "fault over" } as const

const rowOf = (journal: JournalCopy, entry: Entry, index: number): Row | undefined => {
  const plain = (event: string, result = "", more: Partial<Row> = {}): Row => ({
    key: `${entry._tag} ${"at" in entry ? entry.at : ""} ${event} ${"orderId" in entry ? entry.orderId : ""}`,
    at: "at" in entry ? entry.at : 0,
    account: "account" in entry && typeof entry.account === "string" ? entry.account : "",
    event,
    kind: "plain",
    result,
    faults: "",
    request: undefined,
    ...more
  })
  switch (entry._tag) {
    case "Request": {
      const [kind, result] = resultOf(entry)
      const event = entry.endpoint === "countdown-cancel-all" ? beatOf(entry) : entry.endpoint
      return {
        ...plain(event, result, { key: `request ${entry.id}`, kind }),
        at: entry.sentAt,
        faults: entry.faults.join(", "),
        request: entry
      }
    }
    case "Switch": {
      if (entry.transition !== "fired") return undefined
      const orders = cancelledBy(journal.entries, index)
      return plain("the switch fires", orders === 0 ? "no open orders" : `−${orders}`, { kind: "fired" })
    }
    case "Placed":
      // A bot's order has a request of its own.
      return entry.by === undefined ? plain(`order ${orderText(entry.order)}`, "by the control API") : undefined
    case "Cancelled":
      return plain(`cancelled: ${orderText(journal.order(entry.orderId))}`, endings[entry.cause], {
        kind: entry.cause === "countdown" ? "fired" : "plain"
      })
    case "Filled":
      return plain(`filled: ${orderText(journal.order(entry.orderId))}`)
    case "Fault":
      return plain(`${faultChanges[entry.change]}: ${entry.fault}`)
    case "Maintenance":
      return entry.phase === "scheduled" ? undefined : plain(`maintenance has ${entry.phase}`)
    case "Mark":
      return plain(`mark "${entry.name}"`)
    default:
      return undefined
  }
}

/** How many orders the firing at this place of the journal has cancelled. */
const cancelledBy = (entries: ReadonlyArray<Entry>, firing: number): number => {
  const fired = entries[firing]
  if (fired?._tag !== "Switch") return 0
  let count = 0
  for (let index = firing + 1; index < entries.length; index++) {
    const entry = entries[index]
    if (entry?._tag === "Switch" && entry.account === fired.account) break
    if (entry?._tag === "Cancelled" && entry.account === fired.account && entry.cause === "countdown") count++
  }
  return count
}

const make = ({ account, at, event }: Row): HTMLElement =>
  h(
    "tr",
    {},
    h("td", { class: "when" }, Time.instant(at)),
    h("td", { class: "whose" }, account),
    h("td", { class: "event" }, event),
    h("td", { class: "result" }, h("span", {})),
    h("td", { class: "after" }),
    ...steps.map((name) => h("td", { class: "step", "data-step": name })),
    h("td", { class: "faults" })
  )

const cell = (row: Element, selector: string, text: string): void => {
  const found = row.querySelector(selector)
  if (found !== null) setText(found, text)
}

const update = (element: Element, { faults, kind, request, result }: Row): void => {
  set(element, { "data-kind": kind })
  const pill = element.querySelector(".result span")
  if (pill !== null) {
    set(pill, { class: kind === "plain" ? "" : `pill ${kind}` })
    setText(pill, result)
  }
  const length = (at: number | undefined) =>
    request === undefined ? "" : at === undefined ? (kind === "waits" ? "…" : "–") : Time.length(at - request.sentAt)
  cell(element, ".after", length(request?.receivedAt))
  for (const name of steps) cell(element, `[data-step=${name}]`, length(request?.[name]))
  cell(element, ".faults", faults)
}

export const show = (body: Element, journal: JournalCopy): void => {
  const rows: Array<Row> = []
  const twins = new Map<string, number>()
  const { entries } = journal
  for (let index = entries.length - 1; index >= 0 && rows.length < shown; index--) {
    const entry = entries[index]
    const row = entry === undefined ? undefined : rowOf(journal, entry, index)
    if (row === undefined) continue
    // The same fault can be added twice in one instant.
    const twin = twins.get(row.key) ?? 0
    twins.set(row.key, twin + 1)
    rows.push(twin === 0 ? row : { ...row, key: `${row.key} ${twin}` })
  }
  keyed(body, rows, (row) => row.key, make, update)
}
