/**
 * Replays a journal: repeats its events on a new exchange and compares every output with the entries.
 */
import * as Either from "effect/Either"
import * as Exchange from "../exchange/Exchange.js"
import type * as Journal from "./records.js"
import { entryOf } from "./entries.js"

/** The event behind an entry. The exchange's own work has none. */
const eventOf = (entry: Journal.Entry): Exchange.Event | undefined => {
  switch (entry._tag) {
    case "Account":
      return { _tag: "AddAccount", account: { ...entry.account, keys: [] } }
    case "Switch": {
      const { account, by, from, seconds, transition } = entry
      if (transition === "fired") return undefined
      return { _tag: "SetCountdown", account, seconds: seconds ?? 0, from, by }
    }
    case "Placed":
      return { _tag: "PlaceOrder", account: entry.account, order: entry.order, by: entry.by }
    case "Cancelled":
      return entry.cause === "request"
        ? { _tag: "CancelOrder", account: entry.account, orderId: entry.orderId, by: entry.by }
        : undefined
    case "Filled": {
      const { account, cause, orderId, price, qty } = entry
      return cause === "control" ? { _tag: "FillOrder", account, orderId, qty, price } : undefined
    }
    case "Maintenance":
      return entry.phase === "scheduled" ? { _tag: "Maintenance", window: entry.window } : undefined
    default:
      return undefined
  }
}

interface Failure {
  readonly entry: number
  readonly problem: string
}

const isOfExchange = (entry: Journal.Entry): boolean =>
  entry._tag === "Switch" ||
  entry._tag === "Placed" ||
  entry._tag === "Cancelled" ||
  entry._tag === "Filled" ||
  entry._tag === "Maintenance"

export const run = (
  entries: ReadonlyArray<Journal.Entry>,
  until: number | undefined
): Either.Either<Exchange.State, Failure> => {
  const fail = (entry: number, problem: string) => Either.left<Failure>({ entry, problem })
  const start = entries[0]
  if (start?._tag !== "Start") {
    return fail(0, "it does not begin with the entry Start. Give the journal a size that holds the whole run.")
  }
  let state = Exchange.make({
    accounts: start.accounts.map((account) => ({ ...account, keys: [] })),
    venue: start.venue,
    now: start.at
  })
  // Outputs of the replayed exchange that no entry has matched yet.
  const done: Array<string> = []
  let now = start.at
  for (const [index, entry] of entries.entries()) {
    if (entry._tag !== "Account" && !isOfExchange(entry)) {
      if (entry._tag !== "Request") now = Math.max(now, entry.at)
      continue
    }
    const recorded = JSON.stringify(entry)
    const at = "at" in entry ? entry.at : now
    if (done.length === 0) {
      const event = eventOf(entry)
      const [next, outputs] =
        event === undefined ? Exchange.advance(state, later(state, at)) : Exchange.step(state, event, at)
      state = next
      for (const output of outputs) if (output._tag !== "Entered") done.push(JSON.stringify(entryOf(output) ?? output))
    }
    if (entry._tag === "Account") continue
    const replayed = done.shift()
    if (replayed !== recorded) {
      return fail(index, `it has ${recorded}, and the replay has ${replayed ?? "nothing"}`)
    }
  }
  if (done.length > 0) return fail(entries.length, `it ends, and the replay continues with ${done[0]}`)
  const [end, outputs] = Exchange.advance(state, until ?? now)
  const first = outputs.find((output) => output._tag !== "Entered")
  return first === undefined
    ? Either.right(end)
    : fail(entries.length, `it ends, and the replay continues with ${JSON.stringify(first)}`)
}

/** Under the boundary "beat", work that is due at one millisecond happens at the next. */
const later = (state: Exchange.State, at: number): number => (state.venue.boundary === "beat" ? at + 1 : at)
