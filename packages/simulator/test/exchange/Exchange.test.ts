/**
 * The seven promises of the exchange, over random sequences of events and random options, against an oracle that is
 * only a table of deadlines.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"

const uids = ["1", "2", "3"] as const
type Uid = (typeof uids)[number]

type Action =
  | { readonly kind: "beat"; readonly uid: Uid; readonly seconds: number }
  | { readonly kind: "place" | "cancel" | "fill"; readonly uid: Uid; readonly spot: boolean }
  | { readonly kind: "look"; readonly uid: Uid }

interface Timed {
  readonly wait: number
  readonly action: Action
}

const uid = FastCheck.constantFrom(...uids)
const action: FastCheck.Arbitrary<Action> = FastCheck.oneof(
  {
    weight: 4,
    arbitrary: FastCheck.record({
      kind: FastCheck.constant("beat" as const),
      uid,
      seconds: FastCheck.constantFrom(0, 5, 6, 10, 60)
    })
  },
  {
    weight: 3,
    arbitrary: FastCheck.record({
      kind: FastCheck.constantFrom("place" as const, "place" as const, "cancel" as const, "fill" as const),
      uid,
      spot: FastCheck.boolean()
    })
  },
  { weight: 1, arbitrary: FastCheck.record({ kind: FastCheck.constant("look" as const), uid }) }
)

// Whole seconds and their neighbours, so that beats fall on the exact expiry.
const wait = FastCheck.oneof(
  FastCheck.constantFrom(0, 1, 999, 1_000, 3_000, 4_999, 5_000, 5_001, 10_000, 60_000),
  FastCheck.integer({ min: 0, max: 12_000 })
)
const script = FastCheck.array(FastCheck.record({ wait, action }), { minLength: 1, maxLength: 60 })

const venue: FastCheck.Arbitrary<Venue.Options> = FastCheck.record({
  boundary: FastCheck.constantFrom("fire" as const, "beat" as const),
  sweepPeriod: FastCheck.constantFrom(0, 250, 1_000),
  tieOrder: FastCheck.constantFrom("declared" as const, "reverse" as const),
  cancelOrder: FastCheck.constantFrom("oldest" as const, "newest" as const)
})

/** Orders enter the book late and leave it one by one. */
const slow = FastCheck.tuple(
  venue,
  FastCheck.record({
    triggerLatency: FastCheck.constantFrom(0, 300),
    cancelPace: FastCheck.constantFrom(0, 5, 2_000),
    placingLatency: FastCheck.constantFrom(0, 700)
  })
).map(([quick, latencies]): Venue.Options => ({ ...quick, ...latencies }))

interface Ran {
  readonly outputs: ReadonlyArray<Exchange.Output>
  readonly states: ReadonlyArray<readonly [state: Exchange.State, action: Action]>
  readonly end: Exchange.State
}

const start = 1_700_000_000_123

const play = (script: ReadonlyArray<Timed>, venue: Venue.Options): Ran => {
  let state = Exchange.make({ accounts: uids.map((uid) => ({ uid })), venue, now: start })
  let now = start
  const outputs: Array<Exchange.Output> = []
  const states: Array<readonly [Exchange.State, Action]> = []
  for (const { action, wait } of script) {
    now += wait
    const [next, happened] = Exchange.step(state, eventOf(state, action), now)
    state = next
    outputs.push(...happened)
    states.push([state, action])
  }
  const [end, rest] = Exchange.advance(state, now + 120_000)
  outputs.push(...rest)
  return { outputs, states, end }
}

const eventOf = (state: Exchange.State, action: Action): Exchange.Event => {
  const account = action.uid
  const order = Exchange.openOrders(state, account)[0]?.orderId ?? "none"
  switch (action.kind) {
    case "beat":
      return { _tag: "SetCountdown", account, seconds: action.seconds }
    case "place":
      return {
        _tag: "PlaceOrder",
        account,
        order: {
          category: action.spot ? "SPOT" : "USDT-FUTURES",
          symbol: "BTCUSDT",
          side: "buy",
          orderType: "limit",
          price: "1",
          qty: "1"
        }
      }
    case "cancel":
      return { _tag: "CancelOrder", account, orderId: order }
    case "fill":
      return { _tag: "FillOrder", account, orderId: order }
    case "look":
      return { _tag: "Tick" }
  }
}

/** A table of deadlines, asked in the order of time; independent of trees, states and orders. */
const oracle = (script: ReadonlyArray<Timed>, options: Venue.Options): ReadonlyArray<string> => {
  const deadlines = new Map<Uid, number>()
  const told: Array<string> = []
  const period = options.sweepPeriod ?? 0
  const look = (deadline: number) => (period === 0 ? deadline : deadline + ((period - (deadline % period)) % period))
  const fireUntil = (now: number, inclusive: boolean) => {
    const due = [...deadlines].filter(([, at]) => look(at) < now || (inclusive && look(at) === now))
    const order = options.tieOrder === "reverse" ? -1 : 1
    due.sort(([a, at], [b, bt]) => at - bt || order * (Number(a) - Number(b)))
    for (const [uid, deadline] of due) {
      told.push(`${uid} fired ${look(deadline)} ${deadline}`)
      deadlines.delete(uid)
    }
  }
  let now = start
  for (const { action, wait } of script) {
    now += wait
    fireUntil(now, options.boundary !== "beat")
    if (action.kind !== "beat") continue
    if (action.seconds > 0) {
      told.push(
        `${action.uid} ${deadlines.has(action.uid) ? "refreshed" : "armed"} ${now} ${now + action.seconds * 1000}`
      )
      deadlines.set(action.uid, now + action.seconds * 1000)
    } else if (deadlines.delete(action.uid)) told.push(`${action.uid} closed ${now} -`)
  }
  fireUntil(now + 120_000, true)
  return told
}

const told = (outputs: ReadonlyArray<Exchange.Output>): ReadonlyArray<string> =>
  outputs.flatMap((output) =>
    output._tag === "Switch" ? [`${output.account} ${output.transition} ${output.at} ${output.deadline ?? "-"}`] : []
  )

const forAll = (check: (script: ReadonlyArray<Timed>, venue: Venue.Options) => void, given = venue) => {
  FastCheck.assert(FastCheck.property(script, given, check), { numRuns: 400 })
}

describe("Exchange", () => {
  it("(1) (2) (4) sets, fires once and in time, and closes exactly as a table of deadlines says", () => {
    forAll((script, venue) => {
      assert.deepStrictEqual(told(play(script, venue).outputs), oracle(script, venue))
    })
  })

  it("(1) a good write at t sets the deadline to t + countdown, whatever it was", () => {
    forAll((script, venue) => {
      for (const [state, action] of play(script, venue).states) {
        if (action.kind !== "beat" || action.seconds === 0) continue
        const armed = Exchange.countdown(state, action.uid)
        assert.deepInclude(armed, { _tag: "Armed", deadline: state.now + action.seconds * 1000, armedAt: state.now })
      }
    })
  })

  it("(2) fires once for each arming, not before the deadline and not later than the exchange's next look", () => {
    forAll((script, venue) => {
      const armed = new Map<string, number>()
      for (const output of play(script, venue).outputs) {
        if (output._tag !== "Switch") continue
        if (output.transition === "fired") {
          const deadline = armed.get(output.account)
          assert.strictEqual(output.deadline, deadline)
          assert.isAtLeast(output.at, deadline!)
          assert.isBelow(output.at, deadline! + Math.max(1, venue.sweepPeriod ?? 0))
          armed.delete(output.account)
        } else if (output.transition === "closed") armed.delete(output.account)
        else armed.set(output.account, output.deadline!)
      }
      assert.strictEqual(armed.size, 0)
    })
  })

  it("(3) (6) after firing the switch is closed, what was open then is cancelled, and later orders stay", () => {
    forAll((script, venue) => {
      const { end, outputs } = play(script, venue)
      const open = new Map<string, Set<string>>(uids.map((uid) => [uid, new Set()]))
      for (const [index, output] of outputs.entries()) {
        if (output._tag === "Placed") open.get(output.account)!.add(output.order.orderId)
        if (output._tag === "Cancelled" || output._tag === "Filled")
          open.get(output.account)!.delete(output.order.orderId)
        if (output._tag !== "Switch" || output.transition !== "fired") continue
        const expected = [...open.get(output.account)!].sort()
        if (venue.cancelOrder === "newest") expected.reverse()
        // Several switches may fire before the cancels of the first.
        const cancels = outputs
          .slice(index)
          .filter((later) => later._tag === "Cancelled" && later.account === output.account && later.at === output.at)
        assert.deepStrictEqual(
          cancels
            .flatMap((cancel) => (cancel._tag === "Cancelled" ? [cancel.order.orderId] : []))
            .slice(0, expected.length),
          expected
        )
      }
      for (const uid of uids) {
        assert.deepStrictEqual(
          Exchange.openOrders(end, uid).map((order) => order.orderId),
          [...open.get(uid)!].sort()
        )
        assert.notStrictEqual(Exchange.countdown(end, uid)._tag, "Armed")
      }
    })
  })

  it("(4) 0 closes, also when closed; what is refused moves nothing", () => {
    forAll((script, venue) => {
      let state = play(script, venue).states.at(-1)![0]
      const before = Exchange.snapshot(state)
      for (const event of [
        { _tag: "SetCountdown", account: "nobody", seconds: 5 },
        { _tag: "CancelOrder", account: "1", orderId: "none" },
        { _tag: "FillOrder", account: "1", orderId: "none" }
      ] as const) {
        const [next, outputs] = Exchange.step(state, event, state.now)
        assert.deepStrictEqual(
          outputs.map((output) => output._tag),
          ["Refused"]
        )
        state = next
      }
      assert.deepStrictEqual(Exchange.snapshot(state), before)
      for (let time = 0; time < 2; time++) {
        const [next, outputs] = Exchange.step(state, { _tag: "SetCountdown", account: "1", seconds: 0 }, state.now)
        assert.isFalse(outputs.some((output) => output._tag === "Refused"))
        assert.notStrictEqual(Exchange.countdown(next, "1")._tag, "Armed")
        if (time === 1) assert.deepStrictEqual(Exchange.snapshot(next), Exchange.snapshot(state))
        state = next
      }
    })
  })

  it("(5) what happens to one account is the same with and without the others", () => {
    const only = (outputs: ReadonlyArray<Exchange.Output>, uid: string) =>
      outputs
        .filter((output) => output._tag !== "Maintenance" && output.account === uid)
        .map((output) => `${output._tag} ${"at" in output ? output.at : ""} ${told([output]).join("")}`)
    forAll((script, venue) => {
      const all = play(script, venue).outputs
      for (const uid of uids) {
        // Without the others' events, but with their waits.
        const alone = script.map((timed): Timed =>
          timed.action.uid === uid ? timed : { wait: timed.wait, action: { kind: "look", uid } }
        )
        assert.deepStrictEqual(only(all, uid), only(play(alone, venue).outputs, uid))
      }
    }, slow)
  })

  it("an advance in steps from one due instant to the next equals one in a single jump", () => {
    forAll((script, venue) => {
      const state = play(script, venue).states.at(-1)![0]
      const end = state.now + 61_000
      const [jumped, once] = Exchange.advance(state, end)
      let stepped = state
      const outputs: Array<Exchange.Output> = []
      for (let next = Exchange.nextDue(stepped); next !== undefined; next = Exchange.nextDue(stepped)) {
        if (next > end) break
        const [after, happened] = Exchange.advance(stepped, next)
        assert.isNotEmpty(happened, "nextDue names an instant at which something happens")
        stepped = after
        outputs.push(...happened)
      }
      assert.deepStrictEqual(outputs, once)
      assert.deepStrictEqual(Exchange.snapshot(Exchange.advance(stepped, end)[0]), Exchange.snapshot(jumped))
    })
  })

  it("a state stays what it was when a later one is made from it", () => {
    forAll((script, venue) => {
      const { states } = play(script, venue)
      const middle = states[Math.floor(states.length / 2)]![0]
      const before = JSON.stringify(Exchange.snapshot(middle))
      const once = told(Exchange.advance(middle, middle.now + 60_000)[1])
      const twice = told(Exchange.advance(middle, middle.now + 60_000)[1])
      assert.deepStrictEqual(twice, once)
      assert.strictEqual(JSON.stringify(Exchange.snapshot(middle)), before)
    })
  })

  it("(2) a hundred switches fire in the order of their deadlines, in every version of the state", () => {
    const many = Array.from({ length: 100 }, (_, n) => `${n}`)
    const beat = FastCheck.record({ uid: FastCheck.nat(99), seconds: FastCheck.constantFrom(0, 5, 6, 7, 60) })
    FastCheck.assert(
      FastCheck.property(FastCheck.array(beat, { minLength: 100, maxLength: 300 }), (beats) => {
        let state = Exchange.make({ accounts: many.map((uid) => ({ uid })), now: 0 })
        const deadlines = new Map<string, number>()
        const versions: Array<readonly [Exchange.State, ReadonlyArray<string>]> = []
        for (const [index, { seconds, uid }] of beats.entries()) {
          // Several beats in one millisecond make ties; none is due before the last beat.
          const now = Math.floor(index / 4)
          state = Exchange.step(state, { _tag: "SetCountdown", account: `${uid}`, seconds }, now)[0]
          if (seconds === 0) deadlines.delete(`${uid}`)
          else deadlines.set(`${uid}`, now + seconds * 1000)
          const due = [...deadlines].sort(([a, at], [b, bt]) => at - bt || Number(a) - Number(b))
          if (index % 20 === 0) versions.push([state, due.map(([uid, at]) => `${uid} fired ${at} ${at}`)])
        }
        for (const [version, expected] of versions) {
          assert.deepStrictEqual(told(Exchange.advance(version, 100_000)[1]), expected)
        }
      }),
      { numRuns: 60 }
    )
  })

  it("fills are exact decimals: any parts that add up to an order fill it, and not one unit more", () => {
    const parts = FastCheck.array(FastCheck.bigInt({ min: 1n, max: 10n ** 18n }), { minLength: 1, maxLength: 6 })
    FastCheck.assert(
      FastCheck.property(parts, FastCheck.integer({ min: 0, max: 18 }), (parts, scale) => {
        const text = (value: bigint) => {
          const digits = String(value).padStart(scale + 1, "0")
          return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
        }
        const total = parts.reduce((sum, part) => sum + part, 0n)
        let state = Exchange.make({ accounts: [{ uid: "1" }], now: 0 })
        const step = (event: Exchange.Event) => {
          const [next, outputs] = Exchange.step(state, event, 0)
          state = next
          return outputs[0]
        }
        const limit = { category: "SPOT", symbol: "BTCUSDT", side: "buy", orderType: "limit", price: "0.1" } as const
        const placed = step({ _tag: "PlaceOrder", account: "1", order: { ...limit, qty: text(total) } })
        const orderId = placed?._tag === "Placed" ? placed.order.orderId : ""
        const fill = (qty: string) => step({ _tag: "FillOrder", account: "1", orderId, qty })
        let left = total
        for (const part of parts) {
          assert.strictEqual(fill(text(left + 1n))?._tag, "Refused")
          const filled = fill(text(part))
          left -= part
          assert(filled?._tag === "Filled")
          assert.strictEqual(filled.order.orderStatus, left === 0n ? "filled" : "partially_filled")
          assert.match(filled.order.cumExecValue, /^\d+(\.\d+)?$/)
          assert.strictEqual(filled.order.avgPrice, "0.1")
        }
        assert.isEmpty(Exchange.openOrders(state, "1"))
      })
    )
  })

  it("three fills of 0.1 fill 0.3", () => {
    const limit = {
      category: "SPOT",
      symbol: "BTCUSDT",
      side: "buy",
      orderType: "limit",
      price: "3",
      qty: "0.3"
    } as const
    let [state, [placed]] = Exchange.step(
      Exchange.make({ accounts: [{ uid: "1" }], now: 0 }),
      { _tag: "PlaceOrder", account: "1", order: limit },
      0
    )
    const orderId = placed?._tag === "Placed" ? placed.order.orderId : ""
    const done = ["0.1", "0.1", "0.1"].map((qty) => {
      const [next, [output]] = Exchange.step(state, { _tag: "FillOrder", account: "1", orderId, qty }, 0)
      state = next
      return output?._tag === "Filled" ? [output.order.cumExecQty, output.order.cumExecValue] : output
    })
    assert.deepStrictEqual(done, [
      ["0.1", "0.3"],
      ["0.2", "0.6"],
      ["0.3", "0.9"]
    ])
  })
})
