/**
 * Each expectation at its edges, over hand-written journals. Instants are ms since the start. A judgement is
 * compared by its verdict and by the numbers of its report, not by its words.
 */
import * as Expect from "@effect-deadman/simulator/Expect"
import type * as History from "@effect-deadman/simulator/History"
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"

const start = 1_700_000_000_000
const order = { category: "SPOT", symbol: "BTCUSDT", side: "buy", orderType: "limit", qty: "2" } as const

const run = (now: number, ...entries: ReadonlyArray<Journal.Entry>): History.Evidence => ({
  seed: 7,
  start,
  now: start + now,
  dropped: 0,
  entries: [
    { _tag: "Start", at: start, seed: 7, venue: Venue.defaults, accounts: [{ uid: "1" }, { uid: "2" }] },
    ...entries
  ]
})

const armed = (at: number, seconds = 10, account = "1", by?: number): Journal.Entry => ({
  _tag: "Switch",
  account,
  at: start + at,
  transition: "armed",
  deadline: start + at + seconds * 1_000,
  seconds,
  by
})
const fired = (at: number, account = "1"): Journal.Entry => ({
  _tag: "Switch",
  account,
  at: start + at,
  transition: "fired",
  deadline: start + at
})
const closed = (at: number): Journal.Entry => ({ _tag: "Switch", account: "1", at: start + at, transition: "closed" })
const placed = (orderId: string, at: number, account = "1", entersAt?: number): Journal.Entry => ({
  _tag: "Placed",
  account,
  at: start + at,
  orderId,
  order,
  entersAt: entersAt === undefined ? undefined : start + entersAt
})
const cancelled = (
  orderId: string,
  at: number,
  cause: "countdown" | "request" = "countdown",
  account = "1"
): Journal.Entry => ({ _tag: "Cancelled", account, at: start + at, orderId, cause })
const filled = (orderId: string, at: number): Journal.Entry => ({
  _tag: "Filled",
  account: "1",
  at: start + at,
  orderId,
  qty: "2",
  price: "1",
  cause: "control"
})
const mark = (name: string, at: number, account?: string): Journal.Entry => ({
  _tag: "Mark",
  at: start + at,
  name,
  account
})
const says = (state: string, at: number): Journal.Entry => ({ _tag: "Window", account: "1", at: start + at, state })

let requests = 0
/** A countdown request; it arrives and is applied at `applied`, and never with `null`. */
const beat = (
  sent: number,
  applied: number | null = sent,
  rest: Partial<Journal.RequestRecord> & { readonly countdown?: string } = {}
): Journal.Entry => {
  const { countdown = "10", ...record } = rest
  const at = applied === null ? undefined : start + applied
  return {
    _tag: "Request",
    id: ++requests,
    account: "1",
    endpoint: "countdown-cancel-all",
    method: "POST",
    body: JSON.stringify({ countdown }),
    sentAt: start + sent,
    arrivedAt: at,
    appliedAt: at,
    answeredAt: at,
    receivedAt: at,
    faults: [],
    ...record
  }
}

const failure = (evidence: History.Evidence, expectation: Expect.Expectation) =>
  Option.getOrUndefined(expectation.judge(evidence))

const verdict = (evidence: History.Evidence, expectation: Expect.Expectation): "met" | "unmet" | "unjudged" => {
  const failed = failure(evidence, expectation)
  if (failed === undefined) return "met"
  assert.strictEqual(failed.expectation, expectation.name)
  return failed.judged ? "unmet" : "unjudged"
}

/** The numbers of the report: of what was observed, and of the nearest miss. */
const numbers = (evidence: History.Evidence, expectation: Expect.Expectation) => {
  const failed = failure(evidence, expectation)
  const of = (text = "") => Array.from(text.matchAll(/\d+(?:\.\d+)?/g), ([number]) => Number(number))
  return [of(failed?.observed), of(failed?.nearestMiss)]
}

/** The remarks in the timeline of a report, each with its instant in s. */
const notes = (evidence: History.Evidence, expectation: Expect.Expectation) =>
  (failure(evidence, expectation)?.timeline ?? "").split("\n").flatMap((row) => {
    const [, at] = /^ *(\S+) .*<- \S/.exec(row) ?? []
    return at === undefined ? [] : [Number(at)]
  })

describe("orders", () => {
  const within = (within: number, after: Expect.Event = 1_000, account?: string) =>
    Expect.ordersCancelled({ within, after, account })

  it("gone within a duration: at its last millisecond it holds, one later it does not", () => {
    const gone = run(
      9_000,
      armed(0, 5),
      placed("a", 0),
      placed("b", 1_000),
      fired(5_000),
      cancelled("a", 5_000),
      cancelled("b", 5_200)
    )
    assert.strictEqual(verdict(gone, within(4_200)), "met")
    assert.strictEqual(verdict(gone, within(4_199)), "unmet")
    assert.deepStrictEqual(numbers(gone, within(4_199)), [
      [1, 2, 5.2, 4.2, 0.001],
      [5, 4]
    ])
    assert.deepStrictEqual(numbers(gone, within(3_000)), [
      [2, 2, 5.2, 4.2, 1.2],
      [5, 4]
    ])
    assert.deepStrictEqual(notes(gone, within(3_000)), [4, 5.2])
    // The firing at the event itself is the one that matters, and one before it is not.
    assert.deepStrictEqual(numbers(gone, within(100, 5_000))[1], [5, 0])
    assert.match(failure(gone, within(100, 5_001))?.nearestMiss ?? "", /had fired at 5\.000/)
    // An order that came after the event is not at stake, and neither is one that had ended at it.
    const others = run(
      9_000,
      placed("a", 0),
      placed("b", 1_001),
      placed("c", 0),
      cancelled("c", 1_000, "request"),
      filled("a", 2_000)
    )
    assert.strictEqual(verdict(others, within(1_000)), "met")
  })

  it("what is still open is judged when the time has come, and not before", () => {
    const stuck = (now: number) =>
      run(now, armed(0, 60), placed("a", 0), placed("b", 0), cancelled("b", 2_000, "request"))
    assert.strictEqual(verdict(stuck(2_999), within(2_000)), "unjudged")
    assert.deepStrictEqual(numbers(stuck(2_999), within(2_000)), [[2.999, 0.001], []])
    assert.strictEqual(verdict(stuck(3_000), within(2_000)), "unmet")
    assert.deepStrictEqual(numbers(stuck(3_000), within(2_000)), [[1, 2, 3], [60]])
    assert.deepStrictEqual(notes(stuck(3_000), within(2_000)), [3])
    const late = run(
      9_000,
      placed("a", 0),
      placed("b", 0),
      placed("c", 0),
      cancelled("b", 5_000, "request"),
      cancelled("c", 2_000, "request")
    )
    assert.deepStrictEqual(numbers(late, within(2_000)), [[1, 3, 9], []])
    assert.deepStrictEqual(notes(late, within(2_000)), [3])
  })

  it("where no order was open nothing was at stake, and the report names the end of the last one", () => {
    const none = run(
      9_000,
      placed("a", 0),
      placed("b", 0),
      cancelled("b", 900, "request"),
      cancelled("a", 500, "request"),
      placed("c", 8_000)
    )
    assert.strictEqual(verdict(none, within(2_000)), "unjudged")
    assert.deepStrictEqual(numbers(none, within(2_000)), [[1], [0.9]])
    assert.isUndefined(failure(run(9_000, armed(0)), within(2_000))?.nearestMiss)
    // One account with an order is enough.
    const one = run(
      9_000,
      placed("a", 0, "1"),
      placed("b", 0, "2"),
      cancelled("a", 500, "request"),
      cancelled("b", 2_000, "request", "2")
    )
    assert.strictEqual(verdict(one, within(2_000)), "met")
    assert.strictEqual(verdict(one, within(2_000, 1_000, "1")), "unjudged")
    assert.strictEqual(verdict(one, within(500)), "unmet")
  })

  it("still open: every order that was placed by the instant, and not ended by it", () => {
    const evidence = run(
      9_000,
      placed("a", 0),
      placed("b", 1_000),
      placed("c", 5_000),
      filled("a", 3_000),
      cancelled("b", 4_000, "request"),
      cancelled("c", 8_000)
    )
    const at = (at: number) => Expect.ordersStillOpen({ at })
    assert.strictEqual(verdict(evidence, at(2_999)), "met")
    assert.strictEqual(verdict(evidence, at(3_000)), "unmet")
    assert.deepStrictEqual(numbers(evidence, at(3_500)), [[1, 3], [0.5]])
    assert.deepStrictEqual(numbers(evidence, at(4_000)), [[2, 3], [1]])
    assert.deepStrictEqual(notes(evidence, at(4_000)), [3])
    assert.strictEqual(verdict(evidence, at(9_001)), "unjudged")
    const late = run(9_000, placed("a", 1_000))
    assert.deepStrictEqual(
      [0, 999, 1_000].map((instant) => verdict(late, at(instant))),
      ["unjudged", "unjudged", "met"]
    )
    const how = (entry: Journal.Entry) => failure(run(9_000, placed("a", 0), entry), at(5_000))?.observed
    const [fill, request, countdown] = [filled("a", 1), cancelled("a", 1, "request"), cancelled("a", 1)].map(how)
    assert.match(fill ?? "", / filled /)
    assert.match(request ?? "", / cancelled at/)
    assert.match(countdown ?? "", / cancelled by the countdown /)
    // An account without orders does not hide the orders of another.
    const two = run(9_000, armed(0, 60, "2"), placed("a", 0))
    assert.strictEqual(verdict(two, at(1_000)), "met")
    assert.strictEqual(verdict(two, Expect.ordersStillOpen({ at: 1_000, account: "2" })), "unjudged")
  })
})

describe("the switch", () => {
  it("armed throughout: segments that touch are one, and a gap of one millisecond is a gap", () => {
    const span = (from?: number, to?: number) => Expect.armedThroughout({ from, to })
    const touching = run(30_000, armed(1_000, 5), fired(6_000), armed(6_000, 10), armed(9_000, 50))
    assert.strictEqual(verdict(touching, span()), "met")
    assert.strictEqual(verdict(touching, span(1_000, 30_000)), "met")
    assert.strictEqual(verdict(touching, span(999)), "unmet")
    assert.deepStrictEqual(numbers(touching, span(0)), [[0, 1, 1], []])
    const gap = run(30_000, armed(1_000, 5), fired(6_000), armed(6_001, 50))
    assert.strictEqual(verdict(gap, span()), "unmet")
    assert.deepStrictEqual(numbers(gap, span()), [[6, 6.001, 0.001, 6], []])
    assert.deepStrictEqual(notes(gap, span()), [6])
    assert.strictEqual(verdict(gap, span(undefined, 6_000)), "met")
    assert.strictEqual(verdict(gap, span(6_000, 6_000)), "unmet")
    assert.strictEqual(verdict(gap, span(5_999, 5_999)), "met")
    assert.strictEqual(verdict(gap, span(6_001)), "met")
    assert.strictEqual(verdict(gap, span(6_000)), "unmet")
    const over = run(30_000, armed(1_000, 5), closed(4_000))
    assert.deepStrictEqual(numbers(over, span()), [[4, 30, 26, 4], []])
    assert.deepStrictEqual(numbers(over, span(undefined, 9_000)), [[4, 9, 5, 4], []])
    assert.match(failure(over, span())?.observed ?? "", /switched off at 4\.000/)
    assert.strictEqual(verdict(over, span(undefined, 4_000)), "met")
    assert.match(failure(run(9_000, armed(5_000)), span(1_000))?.observed ?? "", /never been armed/)
    // A countdown that ends in the millisecond of its arming covers nothing.
    const moment = run(30_000, armed(0, 5), fired(5_000), armed(5_000), closed(5_000), armed(8_000, 60))
    assert.deepStrictEqual(numbers(moment, span())[0], [5, 8, 3, 5])
    assert.match(failure(moment, span())?.observed ?? "", /switched off at 5\.000/)
    assert.match(failure(gap, span())?.observed ?? "", /fired at 6\.000/)
  })

  it("armed throughout, by default from the first arming: one after the end is no basis", () => {
    const late = run(9_000, armed(5_000))
    assert.strictEqual(verdict(late, Expect.armedThroughout({ to: 4_999 })), "unjudged")
    assert.deepStrictEqual(numbers(late, Expect.armedThroughout({ to: 4_999 })), [[5], []])
    assert.strictEqual(verdict(late, Expect.armedThroughout({ to: 5_000 })), "met")
    assert.strictEqual(verdict(late, Expect.armedThroughout({ from: 1_000, to: 4_999 })), "unmet")
    assert.deepStrictEqual(numbers(late, Expect.armedThroughout({ from: 1_000, to: 4_000 }))[0], [1, 4, 3])
    assert.strictEqual(verdict(run(9_000, placed("a", 0)), Expect.armedThroughout()), "unmet")
    assert.deepStrictEqual(numbers(run(9_000, placed("a", 0)), Expect.armedThroughout()), [[], []])
    assert.strictEqual(verdict(run(9_000, placed("a", 0)), Expect.armedThroughout({ from: 1_000 })), "unmet")
  })

  it("the report of a gap names the beat that came too late, or the last one that was lost", () => {
    const nearest = (...beats: ReadonlyArray<Journal.Entry>) =>
      numbers(run(30_000, armed(0, 5), ...beats, fired(5_000)), Expect.armedThroughout())[1]
    assert.deepStrictEqual(nearest(beat(0), beat(4_000, 5_000)), [5, 0, 4])
    assert.deepStrictEqual(nearest(beat(0), beat(4_000, 5_250), beat(6_000)), [5.25, 0.25, 4])
    // Switching off is no beat that keeps it armed, and neither is one that was in time.
    assert.deepStrictEqual(nearest(beat(0), beat(4_000, 6_000, { countdown: "0" }), beat(4_500, 7_000)), [7, 2, 4.5])
    assert.deepStrictEqual(nearest(beat(0), beat(4_999, null), beat(5_000, null)), [4.999])
    assert.deepStrictEqual(nearest(beat(5_000, null)), [])
    // Where nothing was armed no beat was late.
    const first = run(30_000, beat(1_000), armed(1_000, 60))
    assert.isUndefined(failure(first, Expect.armedThroughout({ from: 0 }))?.nearestMiss)
  })

  it("fired once: from an event on, and within a duration of it", () => {
    const one = run(20_000, armed(0, 5), fired(5_000))
    const two = run(20_000, armed(0, 5), fired(5_000), armed(6_000, 5), fired(11_000))
    const once = (after?: number, within?: number) => Expect.firedOnce({ after, within })
    assert.deepStrictEqual(
      [once(), once(5_000), once(5_001), once(1_000, 4_000), once(1_000, 3_999)].map((which) => verdict(one, which)),
      ["met", "met", "unmet", "met", "unmet"]
    )
    assert.deepStrictEqual(numbers(one, once(1_000, 3_000)), [
      [5, 1],
      [4, 1]
    ])
    assert.deepStrictEqual(notes(one, once(1_000, 3_000)), [5])
    assert.deepStrictEqual(
      [once(), once(5_000), once(5_001)].map((which) => verdict(two, which)),
      ["unmet", "unmet", "met"]
    )
    assert.deepStrictEqual(numbers(two, once()), [[2, 5, 11], []])
    assert.match(failure(two, once())?.expected ?? "", / on$/)
    assert.include(failure(one, once(1_000, 3_000))?.expected, "within 3 s, by 4.000 s")
    assert.strictEqual(verdict(run(20_000, placed("a", 0)), once()), "unjudged")
  })

  it("fired never: judged when the time has come; the report has the closest call", () => {
    const calm = (now: number) => run(now, armed(0, 10), armed(3_000, 10), armed(9_000, 10), armed(12_000, 60))
    const once = (after?: number, within?: number) => Expect.firedOnce({ after, within })
    assert.strictEqual(verdict(calm(14_999), once(5_000, 10_000)), "unjudged")
    assert.strictEqual(verdict(calm(15_000), once(5_000, 10_000)), "unmet")
    assert.strictEqual(verdict(calm(15_000), once()), "unmet")
    // At 9 s 4 s were left.
    assert.deepStrictEqual(numbers(calm(15_000), once()), [[], [9, 4]])
    // From 9.5 s on the closest was 7 s at 12 s.
    assert.deepStrictEqual(numbers(calm(15_000), once(9_500))[1], [12, 7])
    assert.deepStrictEqual(numbers(calm(15_000), once(13_000))[1], [15, 57])
    // What ended at the event, or has fired before it, counts no more than it should.
    assert.deepStrictEqual(numbers(calm(15_000), once(9_000))[1], [9, 4])
    const before = run(20_000, armed(0, 5), fired(5_000))
    assert.match(failure(before, once(6_000))?.nearestMiss ?? "", /fired at 5\.000/)
    const after = run(20_000, armed(0, 20), closed(1_000))
    assert.match(failure(after, once(2_000))?.nearestMiss ?? "", /off at 1\.000/)
    assert.deepStrictEqual(numbers(after, once(500))[1], [1, 19])
    // Of equal ones it names the first.
    const equal = run(20_000, armed(0, 10), armed(3_000, 10), armed(6_000, 60))
    assert.deepStrictEqual(numbers(equal, once())[1], [3, 7])
  })

  it("never fired: both ends of the span belong to it", () => {
    const evidence = run(20_000, armed(2_000, 5), placed("a", 2_500), fired(7_000), cancelled("a", 7_000))
    const never = (from?: number, to?: number) => Expect.neverFired({ from, to })
    assert.deepStrictEqual(
      [never(), never(7_000, 7_000), never(undefined, 6_999), never(7_001), never(undefined, 7_000), never(7_000)].map(
        (which) => verdict(evidence, which)
      ),
      ["unmet", "unmet", "met", "met", "unmet", "unmet"]
    )
    assert.deepStrictEqual(numbers(evidence, never())[0], [7, 1])
    assert.deepStrictEqual(notes(evidence, never()), [7])
    assert.strictEqual(verdict(evidence, never(undefined, 1_999)), "unjudged")
    assert.strictEqual(verdict(evidence, never(undefined, 2_000)), "met")
    // One account that was armed is enough, and one arming of it.
    assert.strictEqual(verdict(run(9_000, placed("a", 0, "2"), armed(0)), never()), "met")
    assert.strictEqual(verdict(run(9_000, armed(0), armed(5_000)), never(undefined, 4_000)), "met")
    assert.strictEqual(verdict(run(9_000, placed("a", 0)), never()), "unjudged")
  })

  it("closed after the firing: nothing may arm it again, not in the same millisecond either", () => {
    const closedAfter = Expect.closedAfterFire()
    assert.strictEqual(verdict(run(9_000, armed(0, 5), fired(5_000)), closedAfter), "met")
    const again = run(9_000, armed(0, 5), fired(5_000), armed(5_000, 5, "1", 31))
    assert.strictEqual(verdict(again, closedAfter), "unmet")
    assert.deepStrictEqual(numbers(again, closedAfter), [[5, 5, 0], [31]])
    const unknown = run(9_000, armed(0, 5), fired(5_000), armed(6_500))
    assert.deepStrictEqual(numbers(unknown, closedAfter), [[5, 6.5, 1.5], []])
    assert.deepStrictEqual(notes(unknown, closedAfter), [6.5])
    assert.isUndefined(failure(unknown, closedAfter)?.nearestMiss)
    assert.strictEqual(verdict(run(9_000, armed(0, 60), placed("a", 0, "2")), closedAfter), "unjudged")
    assert.strictEqual(verdict(run(9_000, armed(0, 60, "2"), armed(0, 5), fired(5_000)), closedAfter), "met")
    const other = run(9_000, armed(0, 60, "2"), armed(0, 5), fired(5_000), armed(6_000))
    assert.strictEqual(failure(other, closedAfter)?.observed.includes("account 1"), true)
  })
})

describe("beats", () => {
  it("never faster than: a gap of exactly the pace holds, and the report has the count and the tightest", () => {
    const evidence = run(20_000, beat(0), beat(1_000), beat(1_900), beat(2_800), beat(3_600), beat(9_000))
    const faster = (pace: number, span: Expect.Span = {}) => Expect.beatsNeverFasterThan(pace, span)
    assert.strictEqual(verdict(evidence, faster(800)), "met")
    assert.strictEqual(verdict(evidence, faster(801)), "unmet")
    assert.deepStrictEqual(numbers(evidence, faster(1_000)), [[3], [0.8, 3.6]])
    assert.deepStrictEqual(numbers(evidence, faster(850)), [[1], [0.8, 3.6]])
    assert.deepStrictEqual(notes(evidence, faster(1_000)), [3.6])
    // One account with two beats is enough.
    assert.strictEqual(verdict(run(9_000, beat(0, 0, { account: "2" }), beat(0), beat(1_000)), faster(1_000)), "met")
    // Of equal gaps it names the first.
    assert.deepStrictEqual(numbers(evidence, faster(1_000, { to: 2_800 })), [[2], [0.9, 1.9]])
    assert.deepStrictEqual(
      [{ from: 3_600 }, { from: 3_601 }, { to: 1_000 }, { to: 999 }, { from: 1_000, to: 1_900 }].map((span) =>
        verdict(evidence, faster(1_000, span))
      ),
      ["met", "unjudged", "met", "unjudged", "unmet"]
    )
  })

  it("as they arrive: lost ones do not, and a late one may overtake", () => {
    const evidence = run(20_000, beat(0, 2_500), beat(1_000, null), beat(2_000, 2_100), beat(5_000, 5_000))
    const faster = (pace: number) => Expect.beatsNeverFasterThan(pace, { seen: "arrived" })
    assert.strictEqual(verdict(evidence, faster(400)), "met")
    assert.deepStrictEqual(numbers(evidence, faster(401)), [[1], [0.4, 2.5]])
    assert.strictEqual(verdict(evidence, Expect.beatsNeverFasterThan(1_000)), "met")
    assert.strictEqual(verdict(run(9_000, beat(0), beat(1, null)), faster(1_000)), "unjudged")
    // Copies of the network and other requests are no beats.
    const others = run(9_000, beat(0), beat(1, 1, { copyOf: 1 }), beat(2, 2, { endpoint: "place-order" }), beat(3_000))
    assert.strictEqual(verdict(others, Expect.beatsNeverFasterThan(3_000)), "met")
  })

  it("never slower than: from the first beat or the given instant, to the end", () => {
    const evidence = run(10_000, beat(1_000), beat(4_000), beat(6_000))
    const slower = (pace: number, span: Expect.Span = {}) => Expect.beatsNeverSlowerThan(pace, span)
    assert.strictEqual(verdict(evidence, slower(4_000)), "met")
    assert.strictEqual(verdict(evidence, slower(3_999)), "unmet")
    assert.deepStrictEqual(numbers(evidence, slower(3_000)), [[6, 10, 4], [1]])
    assert.deepStrictEqual(notes(evidence, slower(3_000)), [10])
    assert.strictEqual(verdict(evidence, slower(3_000, { to: 9_000 })), "met")
    assert.deepStrictEqual(numbers(evidence, slower(2_500, { to: 8_500 })), [[1, 4, 3], [0.5]])
    assert.deepStrictEqual(numbers(evidence, slower(2_999, { from: 1_000, to: 6_000 })), [[1, 4, 3], [0.001]])
    assert.strictEqual(verdict(evidence, slower(1_000, { from: 0, to: 1_000 })), "met")
    assert.strictEqual(verdict(evidence, slower(999, { from: 0, to: 1_000 })), "unmet")
    // Without a beat before the end there is no pace.
    assert.strictEqual(verdict(evidence, slower(1_000, { to: 1_000 })), "unjudged")
    assert.strictEqual(verdict(evidence, slower(1_000, { to: 1_001 })), "met")
    assert.strictEqual(verdict(run(9_000, armed(0)), slower(1_000)), "unjudged")
    assert.strictEqual(verdict(run(9_000, armed(0)), slower(1_000, { from: 0 })), "unjudged")
    assert.strictEqual(verdict(run(10_000, armed(0, 60, "2"), beat(1_000), beat(5_000)), slower(5_000)), "met")
    assert.strictEqual(verdict(evidence, slower(9_000, { from: 10_000, to: 10_000 })), "unjudged")
    // Of equal gaps it names the first.
    assert.deepStrictEqual(numbers(run(9_000, beat(0), beat(3_000), beat(6_000)), slower(2_000)), [[0, 3, 3], [1]])
  })

  it("their number: both ends of the span and of the range belong to it", () => {
    const evidence = run(10_000, beat(1_000), beat(4_000), beat(6_000))
    const count = (range: { readonly atLeast?: number; readonly atMost?: number }, span: Expect.Span = {}) =>
      verdict(evidence, Expect.beats({ ...range, ...span } as { readonly atLeast: number }))
    assert.deepStrictEqual(
      [{ atLeast: 3 }, { atLeast: 4 }, { atMost: 3 }, { atMost: 2 }, { atLeast: 3, atMost: 3 }, { atMost: 0 }].map(
        (range) => count(range)
      ),
      ["met", "unmet", "met", "unmet", "met", "unmet"]
    )
    assert.strictEqual(count({ atLeast: 3 }, { from: 1_000, to: 6_000 }), "met")
    assert.strictEqual(count({ atLeast: 3 }, { from: 1_001 }), "unmet")
    assert.strictEqual(count({ atLeast: 3 }, { to: 5_999 }), "unmet")
    assert.strictEqual(count({ atMost: 0 }, { from: 6_001 }), "met")
    assert.strictEqual(count({ atLeast: -1, atMost: 3 }), "unjudged")
    assert.strictEqual(count({ atLeast: 0, atMost: 3 }), "met")
    assert.deepStrictEqual(numbers(evidence, Expect.beats({ atLeast: 4 })), [[3], []])
    const expected = (expectation: Expect.Expectation) => failure(evidence, expectation)?.expected ?? ""
    assert.match(expected(Expect.beats({ atLeast: 4 })), /^at least 4 /)
    assert.match(expected(Expect.beats({ atMost: 2 })), /^at most 2 /)
    assert.match(expected(Expect.beats({ atLeast: 4, atMost: 5 })), /^4 to 5 /)
  })
})

describe("anything", () => {
  const evidence = run(
    12_000,
    armed(1_000, 5),
    placed("a", 2_000, "1", 3_000),
    says("Armed", 4_000),
    fired(6_000),
    cancelled("a", 6_500),
    says("Fired", 7_000)
  )

  it("sees the account at both ends of a span and at every change in between, each once and in order", () => {
    const seen = (span: Expect.Span): ReadonlyArray<unknown> => {
      const views: Array<unknown> = []
      const watch = (view: Expect.View) => {
        views.push([view.at, view.remaining, view.openOrders, view.fired, view.state])
        return true
      }
      assert.strictEqual(verdict(evidence, Expect.always("anything", watch, span)), "met")
      return views
    }
    assert.deepStrictEqual(seen({}), [
      [0, undefined, 0, 0, undefined],
      [1_000, 5_000, 0, 0, undefined],
      [3_000, 3_000, 1, 0, undefined],
      [4_000, 2_000, 1, 0, "Armed"],
      [6_000, undefined, 1, 1, "Armed"],
      [6_500, undefined, 0, 1, "Armed"],
      [7_000, undefined, 0, 1, "Fired"],
      [12_000, undefined, 0, 1, "Fired"]
    ])
    assert.deepStrictEqual(
      seen({ from: 4_000, to: 6_000 }).map((view) => (view as [number])[0]),
      [4_000, 6_000]
    )
    assert.deepStrictEqual(seen({ from: 5_000, to: 5_000 }), [[5_000, 1_000, 1, 0, "Armed"]])
  })

  it("always and never are opposites, and the report has the first instant that breaks them", () => {
    const open = (view: Expect.View) => view.openOrders > 0
    const of = (holds: (view: Expect.View) => boolean, from: number, to: number) => [
      verdict(evidence, Expect.always("it", holds, { from, to })),
      verdict(evidence, Expect.never("it", holds, { from, to }))
    ]
    assert.deepStrictEqual(of(open, 3_000, 6_499), ["met", "unmet"])
    assert.deepStrictEqual(of(open, 2_999, 6_000), ["unmet", "unmet"])
    assert.deepStrictEqual(of(open, 6_500, 12_000), ["unmet", "met"])
    assert.deepStrictEqual(numbers(evidence, Expect.never("it", open))[0]?.[0], 3)
    assert.deepStrictEqual(numbers(evidence, Expect.always("it", open, { from: 3_000 }))[0]?.[0], 6.5)
    assert.deepStrictEqual(notes(evidence, Expect.always("it", open, { from: 3_000 })), [6.5])
    assert.match(
      failure(evidence, Expect.never("it", open))?.observed ?? "",
      /: 3 s before firing, 1 open order, fired 0/
    )
    const told = failure(evidence, Expect.always("it", open, { from: 3_000 }))?.observed ?? ""
    assert.match(told, /not armed, no open orders, fired 1 .*Armed$/)
    const expected = (expectation: Expect.Expectation) => failure(evidence, expectation)?.expected ?? ""
    assert.match(expected(Expect.always("it", open)), /^always it from 0\.000 s to 12\.000 s$/)
    assert.match(expected(Expect.never("it", open, { to: 6_000 })), /^never it from 0\.000 s to 6\.000 s$/)
    const account = (view: Expect.View) => view.account === "1"
    assert.strictEqual(verdict(evidence, Expect.always("account 1", account)), "met")
  })

  it("eventually: from the event to the last millisecond of the duration; later is a near miss", () => {
    const gone = (view: Expect.View) => view.fired > 0 && view.openOrders === 0
    const within = (within: number, after?: number) => Expect.eventually("gone", gone, { within, after })
    assert.strictEqual(verdict(evidence, within(6_500)), "met")
    assert.strictEqual(verdict(evidence, within(6_499)), "unmet")
    assert.deepStrictEqual(numbers(evidence, within(5_500))[1], [6.5, 1])
    assert.strictEqual(failure(evidence, within(500, 1_000))?.expected, "gone within 0.5 s after 1.000 s, by 1.500 s")
    assert.strictEqual(verdict(evidence, within(0, 6_500)), "met")
    assert.strictEqual(verdict(evidence, within(500, 12_000)), "met")
    const later = (now: number) => Expect.eventually("late", () => false, { within: now, after: 1_000 })
    assert.strictEqual(verdict(evidence, later(11_000)), "unmet")
    assert.isUndefined(failure(evidence, later(11_000))?.nearestMiss)
    assert.strictEqual(verdict(evidence, later(11_001)), "unjudged")
    assert.deepStrictEqual(numbers(evidence, later(11_500))[0], [12, 0.5])
  })

  it("sometimes: one entry is enough", () => {
    const tagged = (tag: Journal.Entry["_tag"]) => Expect.sometimes(tag, (entry) => entry._tag === tag)
    assert.strictEqual(verdict(evidence, tagged("Cancelled")), "met")
    assert.strictEqual(verdict(evidence, tagged("Filled")), "unmet")
    assert.deepStrictEqual(numbers(evidence, tagged("Filled"))[0], [evidence.entries.length])
  })
})

describe("the parts of a judgement", () => {
  it("a failure has the name of the expectation, as a test writes it", () => {
    const yes = () => true
    const made: Readonly<Record<string, Expect.Expectation>> = {
      ordersCancelled: Expect.ordersCancelled({ within: 1, after: 0 }),
      ordersStillOpen: Expect.ordersStillOpen({ at: 0 }),
      armedThroughout: Expect.armedThroughout(),
      firedOnce: Expect.firedOnce(),
      neverFired: Expect.neverFired(),
      closedAfterFire: Expect.closedAfterFire(),
      beatsNeverFasterThan: Expect.beatsNeverFasterThan(1),
      beatsNeverSlowerThan: Expect.beatsNeverSlowerThan(1),
      beats: Expect.beats({ atLeast: 1 }),
      always: Expect.always("it", yes),
      never: Expect.never("it", yes),
      eventually: Expect.eventually("it", yes, { within: 1 }),
      sometimes: Expect.sometimes("it", () => false)
    }
    for (const [name, expectation] of Object.entries(made)) {
      assert.strictEqual(failure(run(9_000), expectation)?.expectation, name)
    }
  })

  it("an event is the last mark of its name, before it is a time since the start", () => {
    const evidence = run(
      20_000,
      armed(0, 5),
      mark("go", 1_000),
      mark("3 seconds", 9_000),
      mark("go", 6_000),
      fired(5_000)
    )
    const never = (from: Expect.Event) => verdict(evidence, Expect.neverFired({ from }))
    assert.strictEqual(never("go"), "met")
    assert.strictEqual(never("3 seconds"), "met")
    assert.strictEqual(never("4 seconds"), "unmet")
    assert.strictEqual(never(5_001), "met")
    assert.strictEqual(never("gone"), "unjudged")
    const told = (event: string, of = evidence) => failure(of, Expect.neverFired({ from: event }))?.observed ?? ""
    assert.strictEqual(told("gone"), 'only these were marked: "go", "3 seconds"')
    assert.strictEqual(told("3 secnds"), 'only these were marked: "go", "3 seconds"; did you mean `3 seconds`?')
    assert.include(told("gone", run(20_000, armed(0))), 'Simulator.mark("gone")')
  })

  it("an account comes from the option, else from the mark, the beginning's before the end's", () => {
    const evidence = run(
      20_000,
      armed(0, 5, "1"),
      armed(0, 60, "2"),
      mark("one", 1_000, "1"),
      mark("two", 1_000, "2"),
      mark("last one", 9_000, "1"),
      mark("last two", 9_000, "2"),
      fired(5_000, "1")
    )
    const spans: ReadonlyArray<(span: Expect.Span) => Expect.Expectation> = [
      (span) => Expect.neverFired(span),
      (span) => Expect.armedThroughout(span),
      (span) => Expect.always("not fired", (view) => view.fired === 0, span)
    ]
    for (const expectation of spans) {
      const judged = (span: Expect.Span) => verdict(evidence, expectation(span))
      assert.strictEqual(judged({ from: "one" }), "unmet")
      assert.strictEqual(judged({ from: "two" }), "met")
      assert.strictEqual(judged({ to: "last one" }), "unmet")
      assert.strictEqual(judged({ to: "last two" }), "met")
      assert.strictEqual(judged({ from: "one", to: "last two", account: "2" }), "met")
      assert.strictEqual(judged({ from: "two", to: "last one", account: "1" }), "unmet")
      assert.strictEqual(judged({ from: "two", to: "last one" }), "met")
    }
    const beats = run(
      20_000,
      ...[0, 1_000, 9_000].map((at) => beat(at)),
      ...[0, 5_000, 9_500, 14_000, 18_000].map((at) => beat(at, at, { account: "2" })),
      mark("one", 0, "1"),
      mark("two", 0, "2"),
      mark("last one", 20_000, "1"),
      mark("last two", 20_000, "2")
    )
    for (const [expectation, one, two] of [
      [(span: Expect.Span) => Expect.beatsNeverFasterThan(4_000, span), "unmet", "met"],
      [(span: Expect.Span) => Expect.beatsNeverSlowerThan(5_000, span), "unmet", "met"],
      [(span: Expect.Span) => Expect.beats({ atMost: 3, ...span }), "met", "unmet"]
    ] as const) {
      assert.strictEqual(verdict(beats, expectation({ from: "one" })), one)
      assert.strictEqual(verdict(beats, expectation({ from: "two" })), two)
      assert.strictEqual(verdict(beats, expectation({ to: "last one" })), one)
      assert.strictEqual(verdict(beats, expectation({ to: "last two" })), two)
      assert.strictEqual(verdict(beats, expectation({ account: "1" })), one)
      assert.strictEqual(verdict(beats, expectation({ account: "2" })), two)
      assert.strictEqual(verdict(beats, expectation({})), "unmet")
    }
    const after: ReadonlyArray<readonly [(of: Expect.Of & { readonly after: Expect.Event }) => Expect.Expectation]> = [
      [(of) => Expect.firedOnce(of)],
      [(of) => Expect.eventually("fired", (view) => view.fired > 0, { within: 10_000, ...of })]
    ]
    for (const [expectation] of after) {
      assert.strictEqual(verdict(evidence, expectation({ after: "one" })), "met")
      assert.strictEqual(verdict(evidence, expectation({ after: "two" })), "unmet")
      assert.strictEqual(verdict(evidence, expectation({ after: "two", account: "1" })), "met")
    }
    const still = run(
      9_000,
      placed("a", 0, "1"),
      placed("b", 0, "2"),
      cancelled("a", 1, "request"),
      mark("two", 8_000, "2")
    )
    assert.strictEqual(verdict(still, Expect.ordersStillOpen({ at: "two" })), "met")
    assert.strictEqual(verdict(still, Expect.ordersStillOpen({ at: "two", account: "1" })), "unmet")
    assert.strictEqual(verdict(still, Expect.ordersStillOpen({ at: 8_000 })), "unmet")
  })

  it("reports name the account where there are several, and show the slice around the problem", () => {
    const long = run(
      60_000,
      armed(0, 5),
      fired(5_000),
      armed(14_999, 60),
      armed(15_001, 60),
      armed(25_000, 60),
      armed(55_000, 60)
    )
    const timeline = failure(long, Expect.neverFired({ from: 5_000 }))?.timeline ?? ""
    assert.include(timeline, "5.000")
    assert.notInclude(timeline, "15.001")
    assert.notInclude(failure(long, Expect.neverFired())?.observed, "account")
    const two = run(60_000, armed(0, 60, "2"), armed(0, 5), fired(5_000))
    assert.include(failure(two, Expect.neverFired())?.observed, "of account 1")
    assert.match(failure(two, Expect.neverFired())?.timeline ?? "", /account 1$/m)
  })

  it("the slice of a report goes from five seconds before the problem to five seconds after it", () => {
    /** The first and the last row of the report, in s, of a run of 60 s with a mark every second. */
    const slice = (expectation: Expect.Expectation, ...entries: ReadonlyArray<Journal.Entry>) => {
      const seconds = Array.from({ length: 61 }, (_, second) => mark("m", second * 1_000))
      const { timeline = "" } = failure(run(60_000, ...entries, ...seconds), expectation) ?? {}
      const rows = Array.from(timeline.matchAll(/^ *(\d+\.\d{3}) /gm), ([, at]) => Number(at))
      return [rows[0], rows.at(-1)]
    }
    const at = (from: number, to: number) => ({ from, to })
    const order = placed("a", 0)
    const cancelledAt30 = [order, armed(0, 30), fired(30_000), cancelled("a", 30_000)]
    const twice = [armed(0, 20), fired(20_000), armed(24_000, 10), fired(34_000)]
    const slow = [beat(0), beat(20_000), beat(30_000), beat(60_000)]
    const no = () => false
    const cancelledWithin = (within: number, after: number) => Expect.ordersCancelled({ within, after })
    for (const [found, ...expected] of [
      [slice(cancelledWithin(3_000, 20_000), ...cancelledAt30), 15, 35],
      [slice(cancelledWithin(3_000, 20_000), order), 15, 28],
      [slice(cancelledWithin(3_000, 20_000), order, placed("b", 0), cancelled("b", 40_000, "request")), 15, 28],
      [slice(cancelledWithin(3_000, 40_000), ...cancelledAt30), 35, 45],
      [slice(cancelledWithin(3_000, 58_000), order), 55, 60],
      [slice(Expect.ordersStillOpen({ at: 40_000 }), ...cancelledAt30), 25, 45],
      [slice(Expect.ordersStillOpen({ at: 40_000 }), placed("a", 50_000)), 0, 45],
      [slice(Expect.armedThroughout({ to: 50_000 }), ...twice), 15, 29],
      [slice(Expect.armedThroughout(at(10_000, 22_000)), ...twice), 15, 27],
      [slice(Expect.armedThroughout({ to: 20_000 }), armed(30_000)), 0, 60],
      [slice(Expect.firedOnce(), ...twice, armed(40_000, 10), fired(50_000)), 15, 55],
      [slice(Expect.firedOnce({ after: 10_000, within: 20_000 }), armed(0, 40), fired(40_000)), 5, 45],
      [slice(Expect.firedOnce({ after: 50_000 }), ...twice), 45, 60],
      [slice(Expect.neverFired(), ...twice), 5, 25],
      [slice(Expect.neverFired({ to: 20_000 }), armed(30_000)), 0, 25],
      [slice(Expect.closedAfterFire(), ...twice), 15, 29],
      [slice(Expect.beatsNeverFasterThan(15_000), ...slow), 15, 35],
      [slice(Expect.beatsNeverFasterThan(1, at(21_000, 40_000)), ...slow), 16, 45],
      [slice(Expect.beatsNeverSlowerThan(15_000, { to: 28_000 }), ...slow), 0, 25],
      [slice(Expect.beatsNeverSlowerThan(15_000, { from: 10_000 }), ...slow), 25, 60],
      [slice(Expect.beatsNeverSlowerThan(15_000, { to: 28_000 }), beat(30_000)), 0, 33],
      [slice(Expect.beats({ atLeast: 5, ...at(10_000, 40_000) }), ...slow), 5, 45],
      [slice(Expect.always("it", no, at(10_000, 40_000)), order), 5, 15],
      [slice(Expect.eventually("it", no, { after: 10_000, within: 20_000 }), order), 5, 35]
    ] as const) {
      assert.deepStrictEqual(found, expected)
    }
  })

  it("no journal is a basis that is not whole: with its beginning, and with every entry", () => {
    const whole = run(9_000, armed(0, 60))
    const never = Expect.neverFired()
    assert.strictEqual(verdict(whole, never), "met")
    assert.strictEqual(verdict({ ...whole, dropped: 1 }, never), "unjudged")
    assert.strictEqual(verdict({ ...whole, entries: whole.entries.slice(1) }, never), "unjudged")
    assert.strictEqual(verdict({ ...whole, entries: [] }, never), "unjudged")
  })

  it("an account that did nothing is no basis, nor is one that the exchange does not have", () => {
    const evidence = run(9_000, armed(0, 60))
    assert.strictEqual(verdict(evidence, Expect.neverFired({ account: "1" })), "met")
    assert.strictEqual(verdict(evidence, Expect.neverFired({ account: "2" })), "unjudged")
    assert.strictEqual(verdict(evidence, Expect.neverFired({ account: "3" })), "unjudged")
    assert.strictEqual(verdict(run(9_000), Expect.neverFired()), "unjudged")
    assert.notInclude(failure(run(9_000), Expect.neverFired())?.observed, "undefined")
    // Of several accounts that cannot be judged the report names the first.
    const unarmed = run(9_000, placed("a", 0, "2"), placed("b", 0, "1"))
    assert.include(failure(unarmed, Expect.firedOnce())?.observed, "of account 2")
  })
})
