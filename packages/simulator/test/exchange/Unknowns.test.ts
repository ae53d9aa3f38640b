/**
 * Answers of the exchange that its documentation leaves open, and that a bot must survive: each is an option, and
 * without it the documented behaviour stays.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Protocol from "@effect-deadman/simulator/Protocol"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Bot from "../support/Bot.js"
import { limit } from "../support/Orders.js"

const start = 1_700_000_000_000
const uid = "1000001"
const path = "/api/v3/trade/countdown-cancel-all"

const begin = (venue?: Venue.Options) => Exchange.make({ accounts: [{ uid }], venue, now: start })

const set = (state: Exchange.State, countdown: string, at: number) => {
  const body = JSON.stringify({ countdown })
  const headers = Bot.signedHeaders(Bot.demoKeys, start + at, "POST", path, body)
  const [next, { applied, code }] = Protocol.handle(state, { method: "POST", path, headers, body }, start + at)
  const now = Exchange.countdown(next, uid)
  return { state: next, applied, code, deadline: now._tag === "Armed" ? now.deadline - start : undefined }
}

describe("Unknowns of the exchange", () => {
  it("a countdown that ends sooner replaces the running one, unless the option says that it is ignored", () => {
    for (const [venue, deadline] of [
      [{}, 7_000],
      [{ shorterCountdown: "ignored" }, 20_000]
    ] as const) {
      const armed = set(begin(venue), "20", 0)
      const shorter = set(armed.state, "5", 2_000)
      assert.deepInclude(shorter, { code: "00000", deadline })
      assert.deepInclude(set(shorter.state, "30", 4_000), { code: "00000", deadline: 34_000 })
    }
  })

  it('"0" on a closed switch succeeds, or is refused with the option\'s code; an armed one closes', () => {
    for (const [venue, code] of [
      [{}, "00000"],
      [{ offWhenClosed: "25204" }, "25204"]
    ] as const) {
      const closed = set(begin(venue), "0", 0)
      assert.deepInclude(closed, { code, deadline: undefined })
      const armed = set(closed.state, "10", 2_000)
      assert.deepInclude(set(armed.state, "0", 4_000), { code: "00000", deadline: undefined })
    }
  })

  it("a call refused for its rate moves nothing, unless the option says that it takes effect", () => {
    for (const [venue, applied, deadline] of [
      [{}, false, 10_000],
      [{ limitedCountdownApplies: true }, true, 30_500]
    ] as const) {
      const armed = set(begin(venue), "10", 0)
      assert.deepInclude(set(armed.state, "30", 500), { code: "429", applied, deadline })
      // A flaw that would refuse the call anyway is no effect.
      assert.deepInclude(set(armed.state, "3", 500), { code: "429", applied: false, deadline: 10_000 })
    }
  })

  it("a call refused for its countdown moves nothing, or restarts or closes the switch as the option says", () => {
    for (const [venue, applied, deadline] of [
      [{}, false, 10_000],
      [{ refusedCountdown: "restarts" }, true, 13_000],
      [{ refusedCountdown: "closes" }, true, undefined]
    ] as const) {
      const armed = set(begin(venue), "10", 0)
      assert.deepInclude(set(armed.state, "4", 3_000), { code: "40017", applied, deadline })
      assert.deepInclude(set(begin(venue), "4", 3_000), { code: "40017", applied: false, deadline: undefined })
    }
  })

  it("a countdown that ends at the same instant as the running one replaces it in any case", () => {
    const armed = set(begin({ shorterCountdown: "ignored" }), "10", 0)
    const same = set(armed.state, "5", 5_000)
    assert.deepInclude(Exchange.countdown(same.state, uid), { armedAt: start + 5_000, seconds: 5 })
  })

  it("accounts with one deadline fire in the order of the option, and their orders are cancelled in that order", () => {
    for (const tieOrder of ["declared", "reverse"] as const) {
      const accounts = ["1", "2", "3"]
      const venue = { tieOrder, triggerLatency: 100 }
      let state = Exchange.make({ accounts: accounts.map((uid) => ({ uid })), venue, now: start })
      for (const account of ["2", "1", "3"]) {
        state = Exchange.step(state, { _tag: "PlaceOrder", account, order: limit }, start)[0]
        state = Exchange.step(state, { _tag: "SetCountdown", account, seconds: 5 }, start)[0]
      }
      const [, outputs] = Exchange.advance(state, start + 6_000)
      const told = (tag: Exchange.Output["_tag"]) =>
        outputs.flatMap((output) => (output._tag === tag && "account" in output ? [output.account] : []))
      const expected = tieOrder === "declared" ? accounts : accounts.toReversed()
      assert.deepStrictEqual(told("Switch"), expected)
      assert.deepStrictEqual(told("Cancelled"), expected)
    }
  })

  it("a firing that finds no order leaves nothing to cancel", () => {
    const fired = Exchange.advance(set(begin({ triggerLatency: 100 }), "5", 0).state, start + 5_000)[0]
    assert.deepInclude(Exchange.countdown(fired, uid), { _tag: "Fired", orders: 0 })
    assert.isEmpty(Exchange.snapshot(fired).cancelling)
    assert.isUndefined(Exchange.nextDue(fired))
  })

  it("a switch whose look falls into a window that pauses the timers fires at its end, and shows that", () => {
    const window = { from: start + 4_600, to: start + 7_100 }
    const venue = { maintenanceTimer: "pauses", maintenance: [window], sweepPeriod: 1_000 } as const
    const event = { _tag: "SetCountdown", account: uid, seconds: 5, from: start - 600 } as const
    const [armed] = Exchange.step(begin(venue), event, start)
    const inside = Exchange.countdown(Exchange.advance(armed, start + 5_000)[0], uid)
    assert.deepInclude(inside, { _tag: "Armed", deadline: start + 6_900, firesAt: window.to })
    assert.deepInclude(Exchange.countdown(Exchange.advance(armed, start + 9_000)[0], uid), { at: window.to })
  })
})
