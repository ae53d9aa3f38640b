/**
 * Accounts and their keys, and the functions that read a state.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import { call } from "../support/Calls.js"
import { limit } from "../support/Orders.js"

const settings = "/api/v3/account/settings"
const start = 1_659_076_670_000
const key = (name: string): Exchange.ApiKey => ({ key: name, secret: `secret ${name}`, passphrase: `pass ${name}` })

const begin = (accounts: ReadonlyArray<Exchange.Account>, venue: Venue.Options = {}) =>
  Exchange.make({ accounts, venue, now: start })

const step = (state: Exchange.State, event: Exchange.Event, at = 0) => Exchange.step(state, event, start + at)

/** The UID that a key acts for, or the code of the refusal. */
const actsFor = (state: Exchange.State, { key, passphrase, secret }: Exchange.ApiKey) => {
  const { json } = call(state, "GET", settings, "", 0, { keys: { key, passphrase, secret: secret! } })
  return json.code === "00000" ? (json.data as { readonly uid: string }).uid : json.code
}

const place = (account: string, order: Partial<Exchange.NewOrder> = {}): Exchange.Event => ({
  _tag: "PlaceOrder",
  account,
  order: { ...limit, ...order }
})

describe("accounts", () => {
  it("an account that is declared without anything is unified, may use the countdown, and has a test key", () => {
    const state = begin([{ uid: "7" }])
    assert.deepStrictEqual(Exchange.account(state, "7")?.declared, {
      uid: "7",
      keys: [{ key: "test-key-7", secret: "test-secret-7", passphrase: "test-passphrase-7" }],
      mode: "unified",
      accountMode: "unified",
      countdownAccess: true
    })
    assert.strictEqual(actsFor(state, Exchange.testKey("7")), "7")
    assert.isUndefined(Exchange.account(state, "8"))
  })

  it("every key of an account acts for it, and a key of another account is refused to a later one", () => {
    const state = begin([{ uid: "1", keys: [key("a"), key("b")] }, { uid: "2" }])
    assert.deepStrictEqual(
      [key("a"), key("b"), Exchange.testKey("2")].map((key) => actsFor(state, key)),
      ["1", "1", "2"]
    )
    for (const account of [
      { uid: "3", keys: [key("c"), key("b")] },
      { uid: "2", keys: [key("a")] }
    ]) {
      const [after, outputs] = step(state, { _tag: "AddAccount", account })
      assert.deepInclude(outputs[0], { _tag: "Refused", account: account.uid, code: "simulator", at: start })
      assert.lengthOf(outputs, 1)
      assert.strictEqual(after, state)
    }
  })

  it("an account that is declared anew keeps its place, switch and orders, and only its new keys act for it", () => {
    let state = begin([{ uid: "1", keys: [key("a"), key("b")] }, { uid: "2" }])
    state = step(state, { _tag: "SetCountdown", account: "1", seconds: 10 })[0]
    state = step(state, place("1"))[0]
    const before = Exchange.snapshot(state).accounts[0]
    const account = { uid: "1", keys: [key("b"), key("c")], accountMode: "hybrid", countdownAccess: false } as const
    const [after, outputs] = step(state, { _tag: "AddAccount", account })
    assert.isEmpty(outputs)
    assert.deepStrictEqual(
      [key("a"), key("b"), key("c")].map((key) => actsFor(after, key)),
      ["40037", "1", "1"]
    )
    assert.deepStrictEqual(Exchange.snapshot(after).accounts[0], {
      ...before,
      accountMode: "hybrid",
      countdownAccess: false
    } as typeof before)
    assert.deepStrictEqual(
      Exchange.accounts(after).map(({ declared }) => declared.uid),
      ["1", "2"]
    )
    // A key that is free again may belong to another account.
    const [last] = step(after, { _tag: "AddAccount", account: { uid: "3", keys: [key("a")] } })
    assert.strictEqual(actsFor(last, key("a")), "3")
    assert.deepStrictEqual(
      Exchange.accounts(last).map(({ declared }) => declared.uid),
      ["1", "2", "3"]
    )
  })

  it("an unknown account is refused every event, and reads as closed and empty", () => {
    const state = begin([{ uid: "1" }], { listStaleness: 1_000 })
    for (const event of [
      { _tag: "SetCountdown", account: "9", seconds: 5 },
      place("9"),
      { _tag: "FillOrder", account: "9", orderId: "1" },
      { _tag: "CancelOrder", account: "9", orderId: "1" },
      { _tag: "CancelOrders", account: "9", category: "SPOT" }
    ] as ReadonlyArray<Exchange.Event>) {
      const [after, outputs] = step(state, event)
      assert.deepInclude(outputs[0], { _tag: "Refused", account: "9", code: "40016", at: start })
      assert.strictEqual(after, state)
    }
    assert.deepStrictEqual(Exchange.countdown(state, "9"), { _tag: "Closed" })
    assert.deepStrictEqual(Exchange.openOrders(state, "9"), [])
    assert.deepStrictEqual(Exchange.closedOrders(state, "9"), [])
    assert.deepStrictEqual(Exchange.listedOrders(state, "9"), { open: [], closed: [] })
  })
})

it("an exchange without accounts, at rest, and after a window that ended as it began, does nothing", () => {
  const venue = { maintenance: [{ from: start - 5, to: start }] }
  const state = Exchange.make({ venue, now: start })
  assert.isEmpty(Exchange.accounts(state))
  assert.isUndefined(Exchange.nextDue(state))
  assert.deepStrictEqual(step(state, { _tag: "Tick" }, 9_000)[1], [])
  const [one] = step(state, { _tag: "AddAccount", account: { uid: "1" } })
  assert.isEmpty(Exchange.closedOrders(one, "1"))
})

describe("cancels", () => {
  const codes = (outputs: ReadonlyArray<Exchange.Output>) =>
    outputs.map((output) => (output._tag === "Refused" ? output.code : output._tag))

  it("an order is named by its id, or by its clientOid while it is pending; without either none is cancelled", () => {
    let state = begin([{ uid: "1" }])
    const [first] = ["a", "b"].map((clientOid) => {
      const [next, [placed]] = step(state, place("1", { clientOid }))
      state = next
      assert(placed?._tag === "Placed")
      return placed.order.orderId
    })
    const cancel = (name: { readonly orderId?: string; readonly clientOid?: string }) => {
      const [next, outputs] = step(state, { _tag: "CancelOrder", account: "1", ...name })
      state = next
      return codes(outputs)
    }
    assert.deepStrictEqual(cancel({}), ["25204"])
    assert.deepStrictEqual(cancel({ clientOid: "c" }), ["25204"])
    assert.deepStrictEqual(cancel({ orderId: "c", clientOid: "b" }), ["25204"])
    assert.deepStrictEqual(cancel({ clientOid: "b" }), ["Cancelled"])
    assert.deepStrictEqual(cancel({ clientOid: "b" }), ["25204"])
    assert.deepStrictEqual(
      Exchange.openOrders(state, "1").map((order) => order.orderId),
      [first]
    )
  })

  it("a cancel of a market takes the orders of that category and symbol, oldest first, and may find none", () => {
    let state = begin([{ uid: "1" }])
    const orders = [
      ["SPOT", "BTCUSDT"],
      ["MARGIN", "BTCUSDT"],
      ["SPOT", "ETHUSDT"],
      ["SPOT", "BTCUSDT"]
    ] as const
    for (const [category, symbol] of orders) state = step(state, place("1", { category, symbol }))[0]
    const cancelled = (category: Exchange.Category, symbol?: string) =>
      step(state, { _tag: "CancelOrders", account: "1", category, symbol, by: 4 }, 9)[1].map((output) => {
        assert.deepInclude(output, { _tag: "Cancelled", account: "1", at: start + 9, cause: "request", by: 4 })
        return output._tag === "Cancelled" ? Number(output.order.orderId.slice(1)) : 0
      })
    assert.deepStrictEqual(cancelled("SPOT", "BTCUSDT"), [1, 4])
    assert.deepStrictEqual(cancelled("SPOT"), [1, 3, 4])
    assert.deepStrictEqual(cancelled("MARGIN"), [2])
    assert.deepStrictEqual(cancelled("USDT-FUTURES"), [])
    assert.deepStrictEqual(cancelled("MARGIN", "ETHUSDT"), [])
  })
})

describe("the next instants", () => {
  it("the next deadline is that of the soonest switch, at the exchange's look", () => {
    let state = begin([{ uid: "1" }, { uid: "2" }], { sweepPeriod: 1_000 })
    assert.isUndefined(Exchange.nextDeadline(state))
    assert.isUndefined(Exchange.nextDue(state))
    state = step(state, { _tag: "SetCountdown", account: "1", seconds: 10 }, 100)[0]
    state = step(state, { _tag: "SetCountdown", account: "2", seconds: 5 }, 200)[0]
    assert.strictEqual(Exchange.nextDeadline(state), start + 6_000)
    assert.strictEqual(Exchange.nextDue(state), start + 6_000)
    assert.deepStrictEqual(Exchange.countdown(state, "1"), {
      _tag: "Armed",
      seconds: 10,
      deadline: start + 10_100,
      remaining: 9_900,
      firesAt: start + 11_000,
      armedAt: start + 100
    })
    // Past the deadline, and before the look.
    const [late] = Exchange.advance(state, start + 5_900)
    assert.deepInclude(Exchange.countdown(late, "2"), { _tag: "Armed", remaining: 0, firesAt: start + 6_000 })
  })

  it('under the boundary "beat" an instant is over one millisecond later', () => {
    const state = step(begin([{ uid: "1" }], { boundary: "beat" }), {
      _tag: "SetCountdown",
      account: "1",
      seconds: 5
    })[0]
    assert.strictEqual(Exchange.nextDue(state), start + 5_001)
    const [waits] = Exchange.advance(state, start + 5_000)
    assert.strictEqual(Exchange.countdown(waits, "1")._tag, "Armed")
    assert.strictEqual(Exchange.nextDue(waits), start + 5_001)
    assert.deepInclude(Exchange.countdown(Exchange.advance(state, start + 5_001)[0], "1"), { at: start + 5_000 })
  })

  it("two states are the same exchange when their snapshots are equal: what is under way belongs to it", () => {
    const venue = { placingLatency: 2_000, cancelPace: 500, triggerLatency: 100 }
    let state = begin([{ uid: "1" }], venue)
    for (const at of [0, 1, 2]) state = step(state, place("1"), at)[0]
    state = step(state, { _tag: "SetCountdown", account: "1", seconds: 5 }, 3)[0]
    state = step(state, place("1"), 4_000)[0]
    const ids = [1, 2, 3, 4].map((number) => `1${String(number).padStart(18, "0")}`)
    const [middle] = Exchange.advance(state, start + 5_700)
    const { cancelling, entering, inMaintenance, now, windows } = Exchange.snapshot(middle)
    assert.deepStrictEqual(
      {
        cancelling,
        entering: entering.map(({ at, order, uid }) => [at, order.orderId, uid]),
        inMaintenance,
        now,
        windows
      },
      {
        cancelling: [{ at: start + 6_103, uid: "1", orders: [ids[2]!] }],
        entering: [[start + 6_000, ids[3]!, "1"]],
        inMaintenance: false,
        now: start + 5_700,
        windows: []
      }
    )
    assert.strictEqual(Exchange.nextDue(middle), start + 6_000)
  })
})
