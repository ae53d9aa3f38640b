/** The market maker in virtual time, against the exchange in memory. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Expect from "@effect-deadman/simulator/Expect"
import * as Faults from "@effect-deadman/simulator/Faults"
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { it } from "@effect-deadman/simulator/VirtualTimeVitest"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { marketMaker } from "../src/market-maker/strategy.js"

const world = BitgetCountdown.layer.pipe(
  Layer.provideMerge(BitgetClient.layerConfig),
  Layer.provide(Credentials.layerConfig),
  Layer.provide(Simulator.layerCredentials),
  Layer.provideMerge(Simulator.layer())
)

const settings = { category: "USDT-FUTURES" as const, symbol: "BTCUSDT", qty: "0.01", halfSpread: 50 }

const start = (fair: Effect.Effect<number> = Effect.succeed(50_000)) => Effect.fork(marketMaker(settings, fair))

const quotes = Effect.map(Simulator.openOrders(), (orders) => orders.map(({ price, side }) => ({ side, price })))

const both = [
  { side: "buy", price: "49950.0" },
  { side: "sell", price: "50050.0" }
]

const requests = (endpoint: string) =>
  Effect.map(
    Effect.flatMap(Simulator.Simulator, ({ journal }) => journal.entries),
    (entries) =>
      entries.filter(
        (entry): entry is Journal.RequestRecord => entry._tag === "Request" && entry.endpoint.endsWith(endpoint)
      )
  )

describe("market-maker", () => {
  it.virtual("cancels the orders of an earlier run, and quotes on both sides", () =>
    Effect.gen(function* () {
      yield* Simulator.placeOrder({ price: "12345" })
      yield* start()
      yield* Effect.sleep("5 seconds")
      assert.deepStrictEqual(yield* quotes, both)
      yield* Effect.sleep("10 minutes")
      assert.deepStrictEqual(yield* quotes, both)
      yield* Expect.neverFired()
    }).pipe(Effect.provide(world))
  )

  it.virtual("places nothing while the switch is in jeopardy, and goes on afterwards", () =>
    Effect.gen(function* () {
      yield* start()
      yield* Effect.sleep("10 seconds")
      const simulator = yield* Simulator.Simulator
      const began = yield* simulator.time.now
      // Only beats are lost, so the calls of the strategy itself still succeed.
      yield* Faults.during(Effect.sleep("7 seconds"), "drop-request;endpoint=countdown-cancel-all")
      const healed = yield* simulator.time.now
      yield* Effect.sleep("10 seconds")
      const beats = yield* requests("countdown-cancel-all")
      const lost = beats.find((beat) => beat.sentAt >= began)
      const recovered = beats.find((beat) => beat.sentAt >= healed && beat.code === "00000")
      const doubt = (lost?.sentAt ?? 0) + 2_000
      const placed = yield* requests("place-order")
      assert.deepStrictEqual(
        placed.filter((order) => order.sentAt > doubt && order.sentAt < (recovered?.receivedAt ?? 0)),
        []
      )
      assert.isAbove(placed.filter((order) => order.sentAt > (recovered?.receivedAt ?? Infinity)).length, 0)
      assert.isAbove((recovered?.sentAt ?? 0) - doubt, 2_000, "the jeopardy lasted")
      yield* Expect.neverFired()
    }).pipe(Effect.provide(world))
  )

  it.virtual("after a long partition its quotes are cancelled, and it quotes again once the book is known", () =>
    Effect.gen(function* () {
      yield* start()
      yield* Effect.sleep("10 seconds")
      yield* Simulator.mark("cut off")
      yield* Faults.during(Effect.sleep("30 seconds"), "partition")
      assert.deepStrictEqual(yield* quotes, [])
      yield* Expect.ordersCancelled({ within: "10 seconds", after: "cut off" })
      yield* Expect.firedOnce()
      const simulator = yield* Simulator.Simulator
      const healed = yield* simulator.time.now
      yield* Effect.sleep("30 seconds")
      assert.deepStrictEqual(yield* quotes, both)
      const after = (records: ReadonlyArray<Journal.RequestRecord>) =>
        records.find((record) => (record.arrivedAt ?? 0) >= healed && record.code === "00000")?.arrivedAt ?? Infinity
      const armed = after(yield* requests("countdown-cancel-all"))
      const looked = after(yield* requests("unfilled-orders"))
      const cancelled = after(yield* requests("cancel-symbol-order"))
      const placed = after(yield* requests("place-order"))
      assert.isBelow(placed, Infinity)
      assert.isAtMost(armed, looked)
      assert.isAtMost(looked, cancelled)
      assert.isAtMost(cancelled, placed)
      yield* Expect.firedOnce()
    }).pipe(Effect.provide(world))
  )

  it.virtual("keeps its quotes over a gap that held, because the order book proves it", () =>
    Effect.gen(function* () {
      yield* start()
      yield* Effect.sleep("10 seconds")
      const simulator = yield* Simulator.Simulator
      const began = yield* simulator.time.now
      // Each beat is applied, and no answer arrives.
      yield* Faults.during(Effect.sleep("15 seconds"), "drop-answer;endpoint=countdown-cancel-all")
      const healed = yield* simulator.time.now
      assert.deepStrictEqual(yield* quotes, both)
      yield* Effect.sleep("20 seconds")
      yield* Expect.neverFired()
      const looked = (yield* requests("unfilled-orders")).find((list) => list.sentAt >= healed)
      const doubt = began + 5_000
      for (const endpoint of ["cancel-symbol-order", "place-order"]) {
        const sent = (yield* requests(endpoint)).map(({ sentAt }) => sentAt)
        assert.isEmpty(sent.filter((at) => at > doubt && at <= (looked?.receivedAt ?? 0)))
        assert.isAbove(sent.filter((at) => at > (looked?.receivedAt ?? Infinity)).length, 0, `${endpoint} goes on`)
      }
    }).pipe(Effect.provide(world))
  )

  it.virtual("when its model hangs, the exchange cancels its quotes although the process runs", () =>
    Effect.gen(function* () {
      let hangs = false
      yield* start(Effect.suspend(() => (hangs ? Effect.never : Effect.succeed(50_000))))
      yield* Effect.sleep("9 seconds")
      yield* Simulator.mark("hang")
      hangs = true
      yield* Effect.sleep("30 seconds")
      // The watchdog's timeout, a beat at its end, and the countdown.
      yield* Expect.ordersCancelled({ within: "19 seconds", after: "hang" })
      assert.deepStrictEqual(yield* quotes, [])
    }).pipe(Effect.provide(world))
  )

  it.virtual("when stopped, it cancels its quotes and turns the switch off", () =>
    Effect.gen(function* () {
      const maker = yield* start()
      yield* Effect.sleep("5 seconds")
      yield* Fiber.interrupt(maker)
      assert.deepStrictEqual(yield* quotes, [])
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      yield* Expect.neverFired()
    }).pipe(Effect.provide(world))
  )

  it.virtual("when stopped without being able to cancel, it lets the exchange cancel its quotes in 5 s", () =>
    Effect.gen(function* () {
      const maker = yield* start()
      yield* Effect.sleep("5 seconds")
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("drop-request;endpoint=cancel-symbol-order")
      yield* Fiber.interrupt(maker)
      yield* Simulator.mark("stopped")
      assert.deepStrictEqual(yield* quotes, both)
      yield* Effect.sleep("7 seconds")
      yield* Expect.ordersCancelled({ within: "6 seconds", after: "stopped" })
    }).pipe(Effect.provide(world))
  )

  /** Interrupts the maker while an order is in flight, and waits until the order has arrived. */
  const stoppedWhilePlacing = (fault: string) =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved(fault)
      const maker = yield* start()
      const placings = requests("place-order")
      yield* Effect.repeat(Effect.delay(placings, "10 millis"), { until: (sent) => sent.length > 0 })
      assert.isUndefined((yield* placings)[0]?.arrivedAt, "the order is in flight")
      yield* Fiber.interrupt(maker)
      const state = (yield* Simulator.countdown())._tag
      yield* Effect.repeat(Effect.delay(placings, "10 millis"), { until: ([sent]) => sent?.appliedAt !== undefined })
      return state
    })

  it.virtual("when stopped with a quote in flight, it lets the quote settle, cancels it and turns the switch off", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* stoppedWhilePlacing("delay-request;by=300ms;endpoint=place-order;times=1"), "Closed")
      assert.deepStrictEqual(yield* quotes, [])
      yield* Expect.neverFired()
    }).pipe(Effect.provide(world))
  )

  it.virtual("when stopped after a quote without a clear answer, it leaves the switch armed to cancel it", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* stoppedWhilePlacing("delay-request;by=4s;endpoint=place-order;times=1"), "Armed")
      assert.lengthOf(yield* quotes, 1)
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(yield* quotes, [])
      yield* Expect.firedOnce()
    }).pipe(Effect.provide(world))
  )

  it.virtual("a quote without a response counts as possible only while its signature is valid", () =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("drop-request;endpoint=place-order;times=1")
      const maker = yield* start()
      yield* Effect.sleep("40 seconds")
      yield* Fiber.interrupt(maker)
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      yield* Expect.neverFired()
    }).pipe(Effect.provide(world))
  )

  it.virtual("ends when the exchange refuses permanently", () =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("code;code=40014;after=3;endpoint=countdown-cancel-all")
      const error = yield* Effect.flip(marketMaker(settings, Effect.succeed(50_000)))
      assert.isTrue(error._tag === "SwitchLost" && error.reason === "Refused")
    }).pipe(Effect.provide(world))
  )
})
