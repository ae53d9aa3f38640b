// A template for tests of your own bot, against the exchange in memory and in virtual time, with real signatures.
// A minute takes milliseconds, the same seed gives the same run, and a failure prints the timeline of the run.
// Copy the layer and one test per accident that you want to survive. The module `Fault` lists further accidents.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Expect from "@effect-deadman/simulator/Expect"
import * as Faults from "@effect-deadman/simulator/Faults"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { it } from "@effect-deadman/simulator/VirtualTimeVitest"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { bot } from "../src/testing-your-bot.js"

/**
 * The bot's own layers, over the simulator's `HttpClient` and with a key of its first account. Each test has its own set
 * of accounts in use, because a bot that crashes does not free its account.
 */
const exchange = BitgetCountdown.layer.pipe(
  Layer.provideMerge(BitgetClient.layerConfig),
  Layer.provide(Credentials.layerConfig),
  Layer.provide(Simulator.layerCredentials),
  Layer.provideMerge(Simulator.layer({ seed: 1 })),
  Layer.provideMerge(Layer.sync(Heartbeat.AccountsInUse, () => new Set<string>()))
)

/** Starts the bot as its own party, which a test can stall, suspend or crash, and lets it trade for a while. */
const trading = Effect.gen(function* () {
  const fiber = yield* Effect.fork(VirtualTime.withParty(bot, "bot"))
  yield* Effect.sleep("10 seconds")
  assert.lengthOf(yield* Simulator.openOrders(), 3)
  return fiber
})

describe("my bot", () => {
  it.virtual("runs: its orders stay, and the switch stays armed", () =>
    Effect.gen(function* () {
      yield* trading
      yield* Effect.sleep("10 minutes")
      yield* Expect.neverFired()
      yield* Expect.beatsNeverFasterThan("3 seconds")
    }).pipe(Effect.provide(exchange))
  )

  it.virtual("crashes: everything is cancelled within the countdown", () =>
    Effect.gen(function* () {
      yield* trading
      yield* Faults.crash()
      yield* Effect.sleep("20 seconds")
      yield* Expect.armedThroughout({ from: "1 seconds", to: "crash" })
      yield* Expect.ordersCancelled({ within: "10 seconds", after: "crash" })
      yield* Expect.firedOnce({ after: "crash" })
    }).pipe(Effect.provide(exchange))
  )

  it.virtual("hangs: everything is cancelled, and when it resumes it fails with SwitchLost and places nothing", () =>
    Effect.gen(function* () {
      const fiber = yield* trading
      const party = yield* VirtualTime.party("bot")
      yield* Simulator.mark("hang")
      yield* party.stallFor("30 seconds")
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.strictEqual(error._tag, "SwitchLost")
      yield* Expect.ordersCancelled({ within: "10 seconds", after: "hang" })
      assert.lengthOf(yield* Simulator.openOrders(), 0)
    }).pipe(Effect.provide(exchange))
  )

  it.virtual("is cut off: everything is cancelled, and it stops when the switch may have fired", () =>
    Effect.gen(function* () {
      const fiber = yield* trading
      yield* Simulator.mark("cut")
      const error = yield* Faults.during(Effect.flip(Fiber.join(fiber)), "partition")
      assert.isTrue(error._tag === "SwitchLost" && error.reason === "MayHaveFired")
      yield* Effect.sleep("2 seconds")
      yield* Expect.ordersCancelled({ within: "10 seconds", after: "cut" })
    }).pipe(Effect.provide(exchange))
  )

  it.virtual("is stopped: its orders stay, and the switch is off", () =>
    Effect.gen(function* () {
      yield* Fiber.interrupt(yield* trading)
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      assert.lengthOf(yield* Simulator.openOrders(), 3)
    }).pipe(Effect.provide(exchange))
  )

  it.virtual("is stopped after an order without a clear answer: the switch stays armed and cancels it", () =>
    Effect.gen(function* () {
      const fiber = yield* trading
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("drop-answer;endpoint=place-order;times=1")
      yield* Effect.sleep("3 seconds")
      yield* Fiber.interrupt(fiber)
      assert.lengthOf(yield* Simulator.openOrders(), 4)
      yield* Effect.sleep("12 seconds")
      assert.lengthOf(yield* Simulator.openOrders(), 0)
      yield* Expect.firedOnce()
    }).pipe(Effect.provide(exchange))
  )

  it.virtual("gets late responses: it goes on, because its requests have arrived", () =>
    Effect.gen(function* () {
      const fiber = yield* trading
      yield* Faults.during(Effect.sleep("5 seconds"), "delay-answer;by=1500ms")
      yield* Effect.sleep("1 minutes")
      assert.isNull(fiber.unsafePoll(), "the bot runs")
      yield* Expect.neverFired()
    }).pipe(Effect.provide(exchange))
  )
})
