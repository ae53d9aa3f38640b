/** Whatever ends a measurement, nothing of it is left on the account. */
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import { infer } from "../../src/probe/infer.js"
import * as Plan from "../../src/probe/plan.js"
import { run } from "../../src/probe/run.js"
import * as Draws from "./support/draws.js"
import * as World from "./support/world.js"

/** What of a measurement is on the account once everything that was under way has arrived. */
const left = Effect.gen(function* () {
  yield* Effect.sleep("1 minute")
  const countdown = yield* Simulator.countdown()
  const open = yield* Simulator.openOrders()
  return { isArmed: countdown._tag === "Armed", orders: open.map(({ clientOid }) => clientOid) }
})
const nothing = { isArmed: false, orders: [] }

/** Whether the switch is off and the book is empty when a measurement has ended, without any time that could do it. */
const atOnce = Effect.gen(function* () {
  const countdown = yield* Simulator.countdown()
  return { isArmed: countdown._tag === "Armed", orders: yield* Simulator.openOrders() }
})

describe("deadman probe leaves nothing", () => {
  it("when it is interrupted, at any instant, at any exchange", () => {
    for (let seed = 1; seed <= 4; seed++) {
      const simulator = Draws.draw(seed)
      const { tell } = World.listen()
      const state = World.run(
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(run(Plan.defaults, tell))
          yield* Effect.sleep(100 + ((seed * 17_919) % 120_000))
          yield* Fiber.interrupt(fiber)
          return [yield* atOnce, yield* left]
        }),
        { simulator, seed }
      )
      assert.deepStrictEqual(state, [nothing, nothing], `seed ${seed}: ${JSON.stringify(simulator)}`)
    }
  })

  it("when it is interrupted while an order is on its way into the book, where no request finds it yet", () => {
    const { heard, tell } = World.listen()
    const state = World.run(
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(run(Plan.defaults, tell))
        while (heard.length < 2) yield* Effect.sleep(10)
        yield* Effect.sleep(500)
        yield* Fiber.interrupt(fiber)
        return [yield* atOnce, yield* left]
      }),
      { simulator: { venue: { placingLatency: 3_000 } } }
    )
    assert.deepStrictEqual(state, [nothing, nothing])
  })

  it("when answers are lost: it waits until those calls cannot be accepted any more, and still finds everything", () => {
    const simulator = Draws.draw(2)
    const faults = [
      "drop-answer;endpoint=countdown-cancel-all;after=3;times=1",
      "drop-answer;endpoint=place-order;after=9;times=1",
      "drop-request;endpoint=place-order;after=12;times=1",
      "delay-request;by=20s;endpoint=countdown-cancel-all;after=6;times=1",
      "drop-answer;endpoint=unfilled-orders;probability=0.02"
    ]
    const { heard, tell } = World.listen()
    const [observations, state] = World.run(Effect.all([run(Plan.defaults, tell), left]), {
      simulator: { ...simulator, faults }
    })
    assert.deepStrictEqual(Draws.differences(simulator.venue, infer(observations)), [])
    assert.deepStrictEqual(state, nothing)
    assert.isAtLeast(heard.filter(({ _tag }) => _tag === "Waits").length, 4)
    assert.isTrue(heard.some((progress) => progress._tag === "Experiment" && progress.attempt === 2))
    assert.isFalse(heard.some(({ _tag }) => _tag === "Left"))
  })

  it("when its order is filled: it ends, and says that the account holds something", () => {
    const { tell } = World.listen()
    const [result, state] = World.run(
      Effect.gen(function* () {
        const simulator = yield* Simulator.Simulator
        const fiber = yield* Effect.fork(Effect.either(run(Plan.defaults, tell)))
        const isArmed = Effect.map(Effect.orDie(Simulator.countdown()), ({ _tag }) => _tag === "Armed")
        while (!(yield* isArmed)) yield* Effect.sleep(50)
        const [order] = yield* Effect.orDie(Simulator.openOrders())
        yield* simulator.exchange.step({ _tag: "FillOrder", account: simulator.account, orderId: order!.orderId })
        return [yield* Fiber.join(fiber), yield* left] as const
      }),
      {}
    )
    assert.isTrue(Either.isLeft(result))
    if (Either.isLeft(result))
      assert.include(result.left.message, "it was filled, and the account holds what it bought")
    assert.deepStrictEqual(state, nothing)
  })

  it("when the exchange stays away it says what may be left", () => {
    const { heard, tell } = World.listen()
    const result = World.run(
      Effect.gen(function* () {
        const simulator = yield* Simulator.Simulator
        const fiber = yield* Effect.fork(Effect.either(run(Plan.defaults, tell)))
        while (!heard.some((progress) => progress._tag === "Experiment" && progress.purpose === "firing")) {
          yield* Effect.sleep(100)
        }
        yield* Effect.sleep(3_000)
        yield* Effect.orDie(simulator.network.addUntilRemoved("partition"))
        return yield* Fiber.join(fiber)
      }),
      {}
    )
    assert.isTrue(Either.isLeft(result))
    const words = heard.flatMap((progress) => (progress._tag === "Left" ? [progress.what] : []))
    assert.lengthOf(words, 2)
    assert.include(words[0], "USDT-FUTURES BTCUSDT")
    assert.include(words[1], "the switch may still run")
  })

  it("and touches nothing where other orders are open, in whatever category", () => {
    for (const category of ["USDT-FUTURES", "SPOT"] as const) {
      const { heard, tell } = World.listen()
      const [result, entries] = World.run(
        Effect.gen(function* () {
          yield* Effect.orDie(Simulator.placeOrder({ category, clientOid: "by-hand" }))
          const result = yield* Effect.either(run({ ...Plan.defaults, others: [] }, tell))
          const { journal } = yield* Simulator.Simulator
          return [result, yield* journal.entries] as const
        }),
        {}
      )
      assert.isTrue(Either.isLeft(result))
      if (Either.isLeft(result)) {
        assert.deepInclude(result.left, { _tag: "ForeignOrders", category })
        assert.include(result.left.message, "by-hand")
      }
      assert.deepStrictEqual(heard, [])
      const writes = entries.filter((entry) => entry._tag === "Request" && entry.method === "POST")
      assert.deepStrictEqual(writes, [])
    }
  })

  it("and spares another program's order that appears meanwhile, when a list shows it in time", () => {
    const { heard, tell } = World.listen()
    const isArmed = Effect.map(Simulator.countdown(), ({ _tag }) => _tag === "Armed")
    const appear = (
      category: "USDC-FUTURES" | "USDT-FUTURES",
      once: Effect.Effect<boolean, unknown, Simulator.Simulator>
    ) =>
      World.run(
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(Effect.either(run(Plan.defaults, tell)))
          while (!(yield* Effect.orDie(once))) yield* Effect.sleep(50)
          yield* Effect.orDie(Simulator.placeOrder({ category, clientOid: "by-hand" }))
          const result = yield* Fiber.join(fiber)
          return [result, yield* left] as const
        }),
        {}
      )
    // In any category before the switch is armed, and in the category that is watched also while it is.
    const before = appear(
      "USDC-FUTURES",
      Effect.sync(() => heard.length > 3)
    )
    const during = appear("USDT-FUTURES", isArmed)
    for (const [result, state] of [before, during]) {
      assert.isTrue(Either.isLeft(result))
      if (Either.isLeft(result)) assert.strictEqual(result.left._tag, "ForeignOrders")
      assert.deepStrictEqual(state, { isArmed: false, orders: ["by-hand"] })
    }
  })
})
