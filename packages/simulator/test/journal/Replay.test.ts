/**
 * A replay of hand-written journals: to which instant it comes, and what it does not accept.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Journal from "@effect-deadman/simulator/Journal"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import { entryOf } from "../../src/journal/entries.js"
import { limit } from "../support/Orders.js"

const start = 1_700_000_000_000

/** An exchange whose outputs become entries. */
const recorded = (
  venue: Venue.Options,
  ...events: ReadonlyArray<readonly [event: Exchange.Event, at: number]>
): { readonly state: Exchange.State; readonly entries: ReadonlyArray<Journal.Entry> } => {
  let state = Exchange.make({ accounts: [{ uid: "1" }], venue, now: start })
  const entries: Array<Journal.Entry> = [
    { _tag: "Start", at: start, seed: 1, venue: state.venue, accounts: [{ uid: "1" }] }
  ]
  for (const [event, at] of events) {
    const [next, outputs] = Exchange.step(state, event, start + at)
    state = next
    entries.push(...outputs.flatMap((output) => entryOf(output) ?? []))
  }
  return { state, entries }
}

const set = (seconds: number, from?: number): Exchange.Event => ({
  _tag: "SetCountdown",
  account: "1",
  seconds,
  from: from === undefined ? undefined : start + from,
  by: 9
})
const place: Exchange.Event = { _tag: "PlaceOrder", account: "1", order: limit, by: 4 }
const tick: Exchange.Event = { _tag: "Tick" }
const mark = (at: number): Journal.Entry => ({ _tag: "Mark", at: start + at, name: "x" })
const request = (at: number): Journal.Entry => ({
  _tag: "Request",
  id: 1,
  endpoint: "countdown-cancel-all",
  method: "POST",
  body: "",
  sentAt: start + at,
  faults: []
})

const replay = (entries: ReadonlyArray<Journal.Entry>, now?: number) =>
  Journal.replay(entries, now === undefined ? {} : { now: start + now })
const rebuilt = (entries: ReadonlyArray<Journal.Entry>, now?: number) =>
  Either.getOrThrowWith(replay(entries, now), (error) => error)
/** The entry at which a replay diverges. */
const diverges = (entries: ReadonlyArray<Journal.Entry>, now?: number) =>
  Either.match(replay(entries, now), { onLeft: ({ entry }) => entry, onRight: () => undefined })

describe("a replay", () => {
  it("(7) comes to the last entry that has an instant, or to the given one", () => {
    const { entries } = recorded({}, [set(10), 1_000])
    const at = (entries: ReadonlyArray<Journal.Entry>, now?: number) => rebuilt(entries, now).now - start
    assert.strictEqual(at(entries.slice(0, 1)), 0)
    assert.strictEqual(at(entries), 1_000)
    assert.strictEqual(at(entries, 4_000), 4_000)
    assert.strictEqual(at([...entries, mark(3_000)]), 3_000)
    assert.strictEqual(at([...entries, mark(3_000), mark(2_000)]), 3_000)
    assert.strictEqual(at([entries[0]!, mark(500), ...entries.slice(1)]), 1_000)
    // A request is recorded when it was sent, and may be answered long after.
    assert.strictEqual(at([...entries, request(9_000)]), 1_000)
    const account: Journal.Entry = { _tag: "Account", at: start + 2_000, account: { uid: "2", mode: "classic" } }
    const later = rebuilt([...entries, account])
    assert.strictEqual(later.now, start + 2_000)
    assert.strictEqual(Exchange.account(later, "2")?.declared.mode, "classic")
  })

  it("(7) a countdown counts from the instant that it counted from, and keeps its request", () => {
    const { entries, state } = recorded({}, [set(5, -700), 0], [set(6, 900), 1_000], [set(0), 2_000])
    for (const length of [2, 3, 4]) {
      const end = rebuilt(entries.slice(0, length))
      const last = entries[length - 1]
      const now = Exchange.countdown(end, "1")
      if (last?._tag === "Switch" && now._tag === "Armed") assert.strictEqual(now.deadline, last.deadline)
      else assert.strictEqual(now._tag, "Closed")
    }
    assert.deepStrictEqual(Exchange.snapshot(rebuilt(entries)), Exchange.snapshot(state))
    assert.strictEqual(diverges(entries.with(1, { ...entries[1], by: 8, from: start } as Journal.Entry)), 1)
  })

  it("(7) does not come past work of the exchange that the journal lacks", () => {
    const { entries } = recorded({}, [place, 0], [set(5), 0], [tick, 9_000])
    assert.lengthOf(entries, 5)
    assert.isUndefined(diverges(entries))
    // The firing, its cancel, or both.
    assert.strictEqual(diverges([...entries.slice(0, 3), mark(5_000)]), 4)
    assert.isUndefined(diverges([...entries.slice(0, 3), mark(4_999)]))
    assert.strictEqual(diverges(entries.slice(0, 3), 5_000), 3)
    assert.strictEqual(diverges(entries.slice(0, 4)), 4)
    assert.strictEqual(diverges([...entries, entries[4]!]), 5)
    assert.strictEqual(diverges([]), 0)
    assert.strictEqual(diverges([mark(0)]), 0)
  })

  it("(7) an order's entry into the book has no entry, and is no divergence", () => {
    const { entries, state } = recorded({ placingLatency: 300 }, [place, 0], [set(5), 100], [tick, 4_000])
    const end = rebuilt(entries, 4_000)
    assert.deepStrictEqual(Exchange.snapshot(end), Exchange.snapshot(state))
    assert.lengthOf(Exchange.openOrders(end, "1"), 1)
    // One that enters with the last entry, and one after it.
    assert.lengthOf(Exchange.openOrders(rebuilt(entries.slice(0, 2), 299), "1"), 0)
    assert.lengthOf(Exchange.openOrders(rebuilt(entries.slice(0, 2), 300), "1"), 1)
    assert.strictEqual(diverges(entries.slice(0, 3), 5_100), 3)
  })

  it("(7) repeats what came from outside, and nothing that the exchange did by itself", () => {
    const orderId = (number: number) => `1${String(number).padStart(18, "0")}`
    const { entries, state } = recorded(
      { cancelPace: 100, boundary: "beat" },
      [{ _tag: "PlaceOrder", account: "1", order: { ...limit, orderType: "market", price: undefined } }, 0],
      [{ _tag: "PlaceOrder", account: "1", order: { ...limit, timeInForce: "ioc" } }, 1],
      [place, 2],
      [place, 3],
      [place, 4],
      [{ _tag: "FillOrder", account: "1", orderId: orderId(3), qty: "0.5", price: "7" }, 10],
      [{ _tag: "CancelOrder", account: "1", orderId: orderId(4), by: 12 }, 11],
      [{ _tag: "Maintenance", window: { from: start + 20, to: start + 30 } }, 12],
      [set(5), 100],
      [tick, 9_000]
    )
    assert.strictEqual(
      entries.map((entry) => entry._tag).join(" "),
      "Start Placed Filled Placed Cancelled Placed Placed Placed Filled Cancelled " +
        "Maintenance Maintenance Maintenance Switch Switch Cancelled Cancelled"
    )
    assert.deepStrictEqual(Exchange.snapshot(rebuilt(entries, 9_000)), Exchange.snapshot(state))
    // Without any one of them it is another exchange.
    for (let left = 1; left < entries.length - 1; left++) {
      const other = replay(entries.toSpliced(left, 1), 9_000)
      if (Either.isLeft(other)) continue
      assert.notDeepEqual(Exchange.snapshot(other.right), Exchange.snapshot(state), `without entry ${left}`)
    }
  })
})
