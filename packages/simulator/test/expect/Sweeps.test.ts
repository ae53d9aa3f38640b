/**
 * Expectations and histories of an exchange that cancels one by one, and that places with a latency.
 */
import * as Expect from "@effect-deadman/simulator/Expect"
import * as History from "@effect-deadman/simulator/History"
import * as Journal from "@effect-deadman/simulator/Journal"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Timeline from "@effect-deadman/simulator/Timeline"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"

const account = "1000001"

const at = (action: Effect.Effect<unknown, unknown, Simulator.Simulator>, millis: number) =>
  Effect.flatMap(Simulator.Simulator, ({ time }) =>
    Effect.flatMap(time.now, (now) => Effect.zipRight(TestClock.adjust(time.start + millis - now), action))
  )

const beat = Effect.flatMap(Simulator.Simulator, ({ exchange }) =>
  exchange.step({ _tag: "SetCountdown", account, seconds: 5 })
)
const place = Simulator.placeOrder({ category: "SPOT" })
const times = (count: number) => Effect.replicateEffect(place, count, { discard: true })

const run = (
  venue: Venue.Options,
  until: number,
  ...script: ReadonlyArray<readonly [action: Effect.Effect<unknown, unknown, Simulator.Simulator>, millis: number]>
) =>
  Effect.gen(function* () {
    for (const [action, millis] of script) yield* at(action, millis)
    yield* at(Effect.void, until)
    const { exchange } = yield* Simulator.Simulator
    return { evidence: yield* Simulator.record, state: yield* exchange.state }
  }).pipe(Effect.provide(Simulator.layer({ venue })))

const isMet = (evidence: History.Evidence, expectation: Expect.Expectation) =>
  Option.isNone(expectation.judge(evidence))

describe("an exchange that cancels one by one", () => {
  const slow = { triggerLatency: 20, cancelPace: 50 }
  /** 40 orders, and the firing at 5 s: the sweep lasts from 5,020 to 6,970 ms. */
  const swept = (until: number) => run(slow, until, [times(40), 0], [beat, 0])

  it.effect("(3) every order is gone once the sweep has ended, and not a millisecond before", () =>
    Effect.gen(function* () {
      const { evidence, state } = yield* swept(8_000)
      const instants = evidence.entries.flatMap((entry) => (entry._tag === "Cancelled" ? [entry.at] : []))
      assert.deepStrictEqual(
        instants.map((instant) => instant - evidence.start),
        Array.from({ length: 40 }, (_, place) => 5_020 + 50 * place)
      )
      assert.isTrue(isMet(evidence, Expect.ordersCancelled({ within: "1970 millis", after: 5_000 })))
      assert.isFalse(isMet(evidence, Expect.ordersCancelled({ within: "1969 millis", after: 5_000 })))
      assert.lengthOf(Exchange.openOrders(state, account), 0)
      assert.match(Timeline.text(evidence), /5\.020 .* 39\n .*\.\.\. 38 more cancels\n *6\.970 .* 0$/)
      const rebuilt = Either.getOrThrow(Journal.replay(evidence.entries, { now: state.now }))
      assert.deepStrictEqual(Exchange.snapshot(rebuilt), Exchange.snapshot(state))
    })
  )

  it.effect(
    "(7) a journal that ends in the middle of the sweep rebuilds what is cancelled, and what is still to cancel",
    () =>
      Effect.gen(function* () {
        const { evidence, state } = yield* swept(6_000)
        assert.lengthOf(Exchange.openOrders(state, account), 20)
        assert.lengthOf(History.openOrders(History.laneOf(History.make(evidence), account), state.now), 20)
        const rebuilt = Either.getOrThrow(Journal.replay(evidence.entries, { now: state.now }))
        assert.deepStrictEqual(Exchange.snapshot(rebuilt), Exchange.snapshot(state))
        const later = (from: Exchange.State) => Exchange.advance(from, state.now + 5_000)[1]
        assert.lengthOf(later(rebuilt), 20)
        assert.deepStrictEqual(later(rebuilt), later(state))
      })
  )

  it.effect("a cancel belongs to the first firing that found its order, also when the next one comes in between", () =>
    Effect.gen(function* () {
      const venue = { cancelPace: 2_500 }
      const { evidence } = yield* run(venue, 30_000, [times(4), 0], [beat, 0], [beat, 5_001], [place, 6_000])
      const { fires } = History.laneOf(History.make(evidence), account)
      assert.deepStrictEqual(
        fires.map((fire) => [fire.at, ...fire.cancelled.map(({ at }) => at)].map((at) => at - evidence.start)),
        [
          [5_000, 5_000, 7_500, 10_000, 10_001],
          [10_001, 12_501]
        ]
      )
    })
  )
})

describe("an exchange that places with a latency", () => {
  it.effect("an order is open from its entry into the book on, and one that entered after the firing stays", () =>
    Effect.gen(function* () {
      const venue = { placingLatency: 400 }
      const { evidence, state } = yield* run(venue, 9_000, [place, 0], [beat, 0], [place, 4_601])
      const lane = History.laneOf(History.make(evidence), account)
      const open = (millis: number) => History.openOrders(lane, evidence.start + millis).length
      assert.deepStrictEqual([399, 400, 4_999, 5_000, 5_001].map(open), [0, 1, 1, 0, 1])
      const count = History.openCount(lane)
      assert.deepStrictEqual(
        [399, 400, 5_000, 5_001].map((millis) => count(evidence.start + millis)),
        [0, 1, 0, 1]
      )
      assert.isTrue(isMet(evidence, Expect.ordersCancelled({ within: "1 second", after: 4_900 })))
      assert.isFalse(isMet(evidence, Expect.ordersCancelled({ within: "1 second", after: 5_001 })))
      const read = Either.getOrThrow(Journal.fromNdjson(Journal.toNdjson(evidence.entries)))
      const rebuilt = Either.getOrThrow(Journal.replay(read, { now: state.now }))
      assert.deepStrictEqual(Exchange.snapshot(rebuilt), Exchange.snapshot(state))
      assert.include(JSON.stringify(read), `"entersAt":${evidence.start + 5_001}`)
    })
  )
})
