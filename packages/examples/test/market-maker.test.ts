/** The market maker, minutes of its life in a moment: in virtual time, against the exchange in memory. */
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

const settings = { category: "USDT-FUTURES", symbol: "BTCUSDT", qty: "0.01", halfSpread: 50 }

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
  it.virtual("cancels what an earlier life has left, and quotes on two sides", () =>
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

  it.virtual("places nothing while the switch is in jeopardy, and goes on when it is not", () =>
    Effect.gen(function* () {
      yield* start()
      yield* Effect.sleep("10 seconds")
      const simulator = yield* Simulator.Simulator
      const began = yield* simulator.time.now
      // Only beats are lost: the strategy itself could go on as if nothing were.
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
      assert.isAbove((recovered?.sentAt ?? 0) - doubt, 2_000, "there was a jeopardy to speak of")
      yield* Expect.neverFired()
    }).pipe(Effect.provide(world))
  )

  it.virtual("cut off for long, its quotes are cancelled; back again, it reconciles before it arms", () =>
    Effect.gen(function* () {
      yield* start()
      yield* Effect.sleep("10 seconds")
      yield* Simulator.mark("cut off")
      yield* Faults.during(Effect.sleep("1 minutes"), "partition")
      assert.deepStrictEqual(yield* quotes, [])
      yield* Expect.ordersCancelled({ within: "10 seconds", after: "cut off" })
      yield* Expect.firedOnce()
      const simulator = yield* Simulator.Simulator
      const healed = yield* simulator.time.now
      yield* Effect.sleep("20 seconds")
      assert.deepStrictEqual(yield* quotes, both)
      const after = (records: ReadonlyArray<Journal.RequestRecord>) =>
        records.find((record) => (record.arrivedAt ?? 0) >= healed && record.code === "00000")?.arrivedAt ?? Infinity
      const looked = after(yield* requests("unfilled-orders"))
      const armed = after((yield* requests("countdown-cancel-all")).filter(({ body }) => !body.includes(`"0"`)))
      const placed = after(yield* requests("place-order"))
      assert.isBelow(looked, Infinity)
      assert.isAtMost(looked, armed)
      assert.isAtMost(armed, placed)
      yield* Expect.firedOnce()
    }).pipe(Effect.provide(world))
  )

  it.virtual("when its model hangs, the venue cancels its quotes although it lives", () =>
    Effect.gen(function* () {
      let hangs = false
      yield* start(Effect.suspend(() => (hangs ? Effect.never : Effect.succeed(50_000))))
      yield* Effect.sleep("9 seconds")
      yield* Simulator.mark("hang")
      hangs = true
      yield* Effect.sleep("30 seconds")
      // What the watchdog allows, a beat at the end of that, and the countdown.
      yield* Expect.ordersCancelled({ within: "19 seconds", after: "hang" })
      assert.deepStrictEqual(yield* quotes, [])
    }).pipe(Effect.provide(world))
  )

  it.virtual("stopped, it takes its quotes along and turns the switch off", () =>
    Effect.gen(function* () {
      const maker = yield* start()
      yield* Effect.sleep("5 seconds")
      yield* Fiber.interrupt(maker)
      assert.deepStrictEqual(yield* quotes, [])
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      yield* Expect.neverFired()
    }).pipe(Effect.provide(world))
  )

  it.virtual("stopped while its quotes cannot be cancelled, it leaves that to the venue, which does it in 5 s", () =>
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

  /** Interrupts the maker while a placing is on its way, and waits until that has landed. */
  const stoppedWhilePlacing = (fault: string) =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved(fault)
      const maker = yield* start()
      const placings = requests("place-order")
      yield* Effect.repeat(Effect.delay(placings, "10 millis"), { until: (sent) => sent.length > 0 })
      assert.isUndefined((yield* placings)[0]?.arrivedAt, "it is on its way")
      yield* Fiber.interrupt(maker)
      const state = (yield* Simulator.countdown())._tag
      yield* Effect.repeat(Effect.delay(placings, "10 millis"), { until: ([sent]) => sent?.appliedAt !== undefined })
      return state
    })

  it.virtual("stopped while a quote is on its way, it lets it settle, cancels it and turns the switch off", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* stoppedWhilePlacing("delay-request;by=300ms;endpoint=place-order;times=1"), "Closed")
      assert.deepStrictEqual(yield* quotes, [])
      yield* Expect.neverFired()
    }).pipe(Effect.provide(world))
  )

  it.virtual("stopped while nothing is known of a quote, it leaves the switch to fire over it", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* stoppedWhilePlacing("delay-request;by=4s;endpoint=place-order;times=1"), "Armed")
      assert.lengthOf(yield* quotes, 1)
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(yield* quotes, [])
      yield* Expect.firedOnce()
    }).pipe(Effect.provide(world))
  )

  it.virtual("a quote without an answer is doubted only for as long as its signature is good", () =>
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

  it.virtual("ends when the venue refuses for good", () =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("code;code=40014;after=3;endpoint=countdown-cancel-all")
      const error = yield* Effect.flip(marketMaker(settings, Effect.succeed(50_000)))
      assert.isTrue(error._tag === "SwitchLost" && error.reason === "Refused")
    }).pipe(Effect.provide(world))
  )
})
