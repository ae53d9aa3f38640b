/**
 * The requests, newest first, each with its five instants, its result and the faults that acted on it.
 */
import type * as Journal from "../../journal/Journal.js"
import type { Entry } from "./control.js"
import { h, keyed, set, setText } from "./dom.js"
import * as Time from "./time.js"

const shown = 60

/** The instants after the sending, which has a column of its own. */
const steps = ["arrivedAt", "appliedAt", "answeredAt", "receivedAt"] as const

const callOf = (entry: Journal.RequestRecord): string => {
  const countdown = /"countdown"\s*:\s*"([^"]*)"/.exec(entry.body)?.[1]
  if (entry.endpoint !== "countdown-cancel-all") return entry.endpoint
  return countdown === "0" ? "disarm" : `countdown ${countdown ?? "?"}`
}

const resultOf = (entry: Journal.RequestRecord): readonly [kind: string, text: string] => {
  if (entry.receivedAt !== undefined) {
    if (entry.code === "00000") return ["good", "ok"]
    return ["refused", entry.code === undefined ? `HTTP ${entry.status ?? "?"}` : entry.code]
  }
  if (entry.abortedAt !== undefined) {
    return ["lost", entry.appliedAt === undefined ? "no answer" : "no answer, but applied"]
  }
  return ["waits", "waiting"]
}

const make = (entry: Journal.RequestRecord): HTMLElement =>
  h(
    "tr",
    {},
    h("td", { class: "when" }, Time.instant(entry.sentAt)),
    h("td", { class: "whose" }, entry.account ?? "–"),
    h("td", { class: "call" }, callOf(entry)),
    ...steps.map((name) => h("td", { class: "step", "data-step": name })),
    h("td", { class: "result" }, h("span", {})),
    h("td", { class: "faults" })
  )

const update = (row: Element, entry: Journal.RequestRecord): void => {
  for (const name of steps) {
    const cell = row.querySelector(`[data-step=${name}]`)
    if (cell === null) continue
    const at = entry[name]
    setText(cell, at === undefined ? "" : `+${Time.length(at - entry.sentAt)}`)
    set(cell, { class: at === undefined ? "step never" : "step" })
  }
  const [kind, text] = resultOf(entry)
  set(row, { "data-kind": kind })
  const result = row.querySelector(".result span")
  if (result !== null) {
    set(result, { class: `pill ${kind}` })
    setText(result, text)
  }
  const faults = row.querySelector(".faults")
  if (faults !== null) setText(faults, entry.faults.join(", "))
}

export const show = (body: Element, entries: ReadonlyArray<Entry>): void => {
  const requests: Array<Journal.RequestRecord> = []
  for (let index = entries.length - 1; index >= 0 && requests.length < shown; index--) {
    const entry = entries[index]
    if (entry?._tag === "Request") requests.push(entry)
  }
  keyed(body, requests, (entry) => String(entry.id), make, update)
}
