/**
 * The documented limits of the exchange, and each possible answer where none is documented.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Protocol from "@effect-deadman/simulator/Protocol"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Bot from "./support/Bot.js"

const start = 1_700_000_000_000
const path = "/api/v3/trade/countdown-cancel-all"

const begin = (venue: Venue.Options = {}, accounts: ReadonlyArray<Exchange.Account> = [{ uid: "1000001" }]) =>
  Exchange.make({ accounts, venue, now: start })

const order = (account = "1000001"): Exchange.Event => ({
  _tag: "PlaceOrder",
  account,
  order: { category: "SPOT", symbol: "BTCUSDT", side: "buy", orderType: "limit", price: "1", qty: "1" }
})

const step = (state: Exchange.State, event: Exchange.Event, now: number) => Exchange.step(state, event, now)[0]
const at = (state: Exchange.State, now: number) => Exchange.advance(state, now)[0]

const send = (state: Exchange.State, body: string, now: number, keys = Bot.demoKeys) =>
  Protocol.handle(state, { method: "POST", path, headers: Bot.signedHeaders(keys, now, "POST", path, body), body }, now)

const beat = (state: Exchange.State, seconds: string, now: number, keys = Bot.demoKeys) => {
  const [next, response] = send(state, JSON.stringify({ countdown: seconds }), now, keys)
  assert.strictEqual(response.code, "00000", response.body)
  return next
}

const tag = (state: Exchange.State, uid = "1000001") => Exchange.countdown(state, uid)._tag

describe("Boundaries", () => {
  for (const seconds of [5, 60]) {
    it(`countdown ${seconds}: armed in the last millisecond before the expiry, fired at it`, () => {
      const armed = beat(step(begin(), order(), start), String(seconds), start)
      const expiry = start + seconds * 1000
      assert.strictEqual(tag(at(armed, expiry - 1)), "Armed")
      assert.lengthOf(Exchange.openOrders(at(armed, expiry - 1), "1000001"), 1)
      assert.deepStrictEqual(Exchange.countdown(at(armed, expiry), "1000001"), {
        _tag: "Fired",
        at: expiry,
        deadline: expiry,
        orders: 1
      })
      assert.lengthOf(Exchange.openOrders(at(armed, expiry), "1000001"), 0)
    })
  }

  for (const seconds of ["1", "2", "3", "4", "61", "62", "600"]) {
    it(`countdown ${seconds} is refused, and the earlier deadline stays`, () => {
      const armed = beat(begin(), "10", start)
      const [next, response] = send(armed, JSON.stringify({ countdown: seconds }), start + 1_000)
      assert.deepInclude(response, { status: 400, code: "40017", applied: false })
      assert.deepInclude(Exchange.countdown(next, "1000001"), { _tag: "Armed", deadline: start + 10_000 })
    })
  }

  it("beat and expiry in one millisecond: by default the switch fires first, and the beat arms anew", () => {
    const armed = beat(step(begin(), order(), start), "10", start)
    const [next, , outputs] = send(armed, `{"countdown":"10"}`, start + 10_000)
    assert.deepStrictEqual(
      outputs.map((output) => (output._tag === "Switch" ? output.transition : output._tag)),
      ["fired", "Cancelled", "armed"]
    )
    assert.lengthOf(Exchange.openOrders(next, "1000001"), 0)
    assert.deepInclude(Exchange.countdown(next, "1000001"), { _tag: "Armed", deadline: start + 20_000 })
  })

  it(`beat and expiry in one millisecond, boundary "beat": the beat saves the orders`, () => {
    const armed = beat(step(begin({ boundary: "beat" }), order(), start), "10", start)
    // Reading the state in that millisecond does not decide it.
    const looked = at(armed, start + 10_000)
    assert.strictEqual(tag(looked), "Armed")
    assert.strictEqual(Exchange.nextDue(looked), start + 10_001)
    const saved = beat(looked, "10", start + 10_000)
    assert.lengthOf(Exchange.openOrders(at(saved, start + 15_000), "1000001"), 1)
    const late = at(looked, start + 10_001)
    assert.deepInclude(Exchange.countdown(late, "1000001"), { _tag: "Fired", at: start + 10_000 })
    assert.lengthOf(Exchange.openOrders(late, "1000001"), 0)
  })

  for (const sweepPeriod of [0, 250, 1_000]) {
    for (const offset of [0, 1, 249, 250, 251, 999]) {
      it(`looks every ${sweepPeriod} ms: a deadline ${offset} ms after a look fires at the first look at or after it`, () => {
        const armed = beat(begin({ sweepPeriod }), "5", start + offset)
        const deadline = start + offset + 5_000
        const fires = sweepPeriod === 0 ? deadline : Math.ceil(deadline / sweepPeriod) * sweepPeriod
        assert.deepInclude(Exchange.countdown(armed, "1000001"), { deadline, firesAt: fires })
        assert.strictEqual(Exchange.nextDeadline(armed), fires)
        assert.strictEqual(tag(at(armed, fires - 1)), "Armed")
        assert.deepInclude(Exchange.countdown(at(armed, fires), "1000001"), { _tag: "Fired", at: fires, deadline })
      })
    }
  }

  it("0 closes; on a closed switch it succeeds and moves nothing", () => {
    const closed = beat(beat(begin(), "10", start), "0", start + 1_000)
    assert.strictEqual(tag(closed), "Closed")
    const again = beat(closed, "0", start + 2_000)
    assert.strictEqual(tag(at(again, start + 120_000)), "Closed")
  })

  const bad: ReadonlyArray<readonly [name: string, body: string, flaw: Venue.CountdownFlaw, code: string]> = [
    ["missing", "{}", "missing", "400172"],
    ["null", `{"countdown":null}`, "null", "40017"],
    ["40 as a number", `{"countdown":40}`, "number", "40017"],
    [`"5.0"`, `{"countdown":"5.0"}`, "fraction", "40017"],
    [`"05"`, `{"countdown":"05"}`, "leadingZero", "40017"],
    [`"4"`, `{"countdown":"4"}`, "tooShort", "40017"],
    [`"61"`, `{"countdown":"61"}`, "tooLong", "40017"],
    [`"-1"`, `{"countdown":"-1"}`, "negative", "40017"],
    [`""`, `{"countdown":""}`, "empty", "40017"],
    [`"ten"`, `{"countdown":"ten"}`, "notANumber", "40017"],
    ["true", `{"countdown":true}`, "otherType", "40017"]
  ]
  for (const [name, body, flaw, code] of bad) {
    it(`countdown ${name}: ${code} by default, any other code on demand, and no deadline moved`, () => {
      for (const expected of [code, "25200"]) {
        const venue = expected === code ? {} : { badCountdown: { [flaw]: expected } }
        const armed = beat(begin(venue), "10", start)
        const [next, response] = send(armed, body, start + 1_000)
        assert.deepInclude(response, { status: 400, code: expected, applied: false })
        assert.deepInclude(JSON.parse(response.body), { code: expected, data: null, requestTime: start + 1_000 })
        assert.deepInclude(Exchange.countdown(next, "1000001"), { _tag: "Armed", deadline: start + 10_000 })
      }
    })
  }

  it("a lenient exchange reads a number, a leading zero and a fraction by their value, within the range", () => {
    const venue = { badCountdown: { number: "accept", leadingZero: "accept", fraction: "accept" } }
    for (const [body, seconds] of [
      [`{"countdown":40}`, 40],
      [`{"countdown":"05"}`, 5],
      [`{"countdown":"5.0"}`, 5]
    ] as const) {
      const [next, response] = send(begin(venue), body, start)
      assert.strictEqual(response.code, "00000")
      assert.deepInclude(Exchange.countdown(next, "1000001"), { deadline: start + seconds * 1000 })
    }
    for (const body of [`{"countdown":61}`, `{"countdown":"5.5"}`, `{"countdown":"04"}`]) {
      assert.strictEqual(send(begin(venue), body, start)[1].code, "40017")
    }
  })

  it("two keys on one UID have one switch: the last write counts, and the 0 of one disarms the other", () => {
    const keys = ["a", "b"].map((name) => Bot.keysOf(name))
    const both: Exchange.Account = {
      uid: "1000001",
      keys: keys.map(({ key, passphrase, secret }) => ({ key, passphrase, secret }))
    }
    const first = beat(begin({}, [both]), "60", start, keys[0])
    const second = beat(first, "5", start + 1_000, keys[1])
    assert.deepInclude(Exchange.countdown(second, "1000001"), { deadline: start + 6_000 })
    assert.strictEqual(tag(beat(second, "0", start + 2_000, keys[0])), "Closed")
    // One limit for the UID, not one for each key.
    assert.strictEqual(send(first, `{"countdown":"5"}`, start + 999, keys[1])[1].code, "429")
  })

  for (const [tieOrder, expected] of [
    ["declared", ["7", "3"]],
    ["reverse", ["3", "7"]]
  ] as const) {
    it(`two UIDs due at one instant fire in the order "${tieOrder}", each with its own orders`, () => {
      let state = begin({ tieOrder }, [{ uid: "7" }, { uid: "3" }, { uid: "9" }])
      for (const uid of ["3", "7", "9"]) state = step(state, order(uid), start)
      for (const uid of ["3", "7"]) state = step(state, { _tag: "SetCountdown", account: uid, seconds: 5 }, start)
      const [fired, outputs] = Exchange.advance(state, start + 5_000)
      const firings = outputs.flatMap((output) => (output._tag === "Switch" ? [output.account] : []))
      assert.deepStrictEqual(firings, [...expected])
      assert.lengthOf(Exchange.openOrders(fired, "9"), 1)
      assert.lengthOf(Exchange.openOrders(fired, "7"), 0)
    })
  }

  it("with a latency and a pace the cancels follow one by one; orders that the user cancels meanwhile are skipped", () => {
    let state = begin({ triggerLatency: 100, cancelPace: 10 })
    for (let n = 0; n < 4; n++) state = step(state, order(), start)
    const ids = Exchange.openOrders(state, "1000001").map((order) => order.orderId)
    state = beat(state, "5", start)
    const [fired, first] = Exchange.advance(state, start + 5_105)
    assert.strictEqual(tag(fired), "Fired")
    assert.deepStrictEqual(
      first.map((output) => [output._tag, "at" in output ? output.at - start : 0]),
      [
        ["Switch", 5_000],
        ["Cancelled", 5_100]
      ]
    )
    // The user cancels one order. Another is placed after the firing, and stays.
    const byHand = step(fired, { _tag: "CancelOrder", account: "1000001", orderId: ids[1]! }, start + 5_106)
    const placed = step(byHand, order(), start + 5_107)
    const [end, rest] = Exchange.advance(placed, start + 6_000)
    assert.deepStrictEqual(
      rest.flatMap((output) => (output._tag === "Cancelled" ? [[output.order.orderId, output.at - start]] : [])),
      [
        [ids[2], 5_120],
        [ids[3], 5_130]
      ]
    )
    assert.lengthOf(Exchange.openOrders(end, "1000001"), 1)
  })

  it("with a latency alone, an order that is gone meanwhile does not keep the others open", () => {
    let state = begin({ triggerLatency: 100 })
    for (let n = 0; n < 3; n++) state = step(state, order(), start)
    const ids = Exchange.openOrders(state, "1000001").map((order) => order.orderId)
    const fired = at(beat(state, "5", start), start + 5_050)
    assert.lengthOf(Exchange.openOrders(fired, "1000001"), 3)
    const byHand = step(fired, { _tag: "CancelOrder", account: "1000001", orderId: ids[0]! }, start + 5_050)
    assert.lengthOf(Exchange.openOrders(at(byHand, start + 5_099), "1000001"), 2)
    assert.lengthOf(Exchange.openOrders(at(byHand, start + 5_100), "1000001"), 0)
  })

  it("the cancels have the reason of the option, and the time of the firing or of the cancel", () => {
    for (const cancelUpdatedTime of ["trigger", "cancel"] as const) {
      const venue = { triggerLatency: 300, cancelUpdatedTime, cancelReason: "countdown_cancel" }
      const armed = beat(step(begin(venue), order(), start), "5", start)
      const closed = Exchange.closedOrders(at(armed, start + 6_000), "1000001")[0]
      const updatedTime = start + (cancelUpdatedTime === "trigger" ? 5_000 : 5_300)
      assert.deepInclude(closed, { orderStatus: "cancelled", cancelReason: "countdown_cancel", updatedTime })
    }
  })

  it("the countdown is counted from the acceptance, the effect or the end of a slow request", () => {
    for (const [clockStart, from] of [
      ["accept", 0],
      ["apply", 200],
      ["complete", 500]
    ] as const) {
      const state = begin({ clockStart, timeToApply: 200, timeToComplete: 300 })
      const body = `{"countdown":"5"}`
      const headers = Bot.signedHeaders(Bot.demoKeys, start, "POST", path, body)
      const request = { method: "POST", path, headers, body, acceptedAt: start }
      const [next, response] = Protocol.handle(state, request, start + 200)
      assert.deepInclude(Exchange.countdown(next, "1000001"), { deadline: start + from + 5_000 })
      assert.strictEqual(response.headers["x-bg-request-accept-time"], String(start))
      assert.strictEqual(response.headers["x-bg-response-complete-time"], String(start + 500))
    }
  })

  describe("a release window from 3 s to 8 s, and a deadline at 5 s", () => {
    const window = { from: start + 3_000, to: start + 8_000 }
    for (const [maintenanceTimer, fires] of [
      ["runs", 5_000],
      ["pauses", 10_000],
      ["fires-at-end", 8_000]
    ] as const) {
      it(`timers that "${maintenanceTimer}" fire at ${fires} ms`, () => {
        for (const known of [true, false]) {
          let state = begin({ maintenanceTimer, maintenance: known ? [window] : [] })
          state = beat(step(state, order(), start), "5", start)
          if (!known) state = step(state, { _tag: "Maintenance", window }, start + 1_000)
          const inside = at(state, start + 4_000)
          assert.isTrue(Exchange.inMaintenance(inside))
          assert.deepInclude(Exchange.countdown(inside, "1000001"), { firesAt: start + fires })
          assert.strictEqual(tag(at(state, start + fires - 1)), "Armed")
          assert.deepInclude(Exchange.countdown(at(state, start + 60_000), "1000001"), {
            _tag: "Fired",
            at: start + fires
          })
          assert.isFalse(Exchange.inMaintenance(at(state, start + 8_000)))
        }
      })
    }

    for (const code of ["45001", "40725", "40808", "40015"]) {
      it(`requests in it get ${code}, and take effect only with maintenanceApplies`, () => {
        for (const maintenanceApplies of [false, true]) {
          const venue = { maintenance: [window], codes: { maintenance: code }, maintenanceApplies }
          const armed = beat(begin(venue), "10", start)
          const [next, response] = send(armed, `{"countdown":"10"}`, start + 4_000)
          assert.deepInclude(response, { status: 400, code, applied: maintenanceApplies })
          assert.deepInclude(Exchange.countdown(next, "1000001"), {
            deadline: start + (maintenanceApplies ? 14_000 : 10_000)
          })
        }
      })
    }

    it("a countdown that is set while timers are paused starts to run at the window's end", () => {
      const state = begin({ maintenance: [window], maintenanceTimer: "pauses", maintenanceApplies: true })
      const [armed] = send(state, `{"countdown":"5"}`, start + 4_000)
      assert.deepInclude(Exchange.countdown(armed, "1000001"), { deadline: start + 13_000 })
      assert.deepInclude(Exchange.countdown(at(armed, start + 20_000), "1000001"), { at: start + 13_000 })
    })
  })

  it("four hundred open orders across futures, and as many across spot and margin", () => {
    let state = begin()
    const place = (category: Exchange.Category): Exchange.Event => ({
      _tag: "PlaceOrder",
      account: "1000001",
      order: { category, symbol: "BTCUSDT", side: "buy", orderType: "limit", price: "1", qty: "1" }
    })
    for (let n = 0; n < 400; n++) {
      state = step(state, place(n % 2 === 0 ? "USDT-FUTURES" : "COIN-FUTURES"), start)
      state = step(state, place(n % 2 === 0 ? "SPOT" : "MARGIN"), start)
    }
    assert.lengthOf(Exchange.openOrders(state, "1000001"), 800)
    for (const category of ["USDC-FUTURES", "SPOT"] as const) {
      const [, outputs] = Exchange.step(state, place(category), start)
      assert.deepInclude(outputs[0], { _tag: "Refused", code: "25209" })
    }
    const armed = beat(state, "5", start)
    assert.lengthOf(Exchange.openOrders(at(armed, start + 5_000), "1000001"), 0)
    assert.deepInclude(Exchange.countdown(at(armed, start + 5_000), "1000001"), { orders: 800 })
  })
})
