/** Wall-clock steps, suspends and stalls of the bot's host, while the exchange's clock goes on. */
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Host from "./support/host.js"
import * as World from "./support/world.js"

const start = 1_700_000_000_000
const hour = 3_600_000

const fault = (text: string) =>
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.network.addUntilRemoved(text))
const beatsAt = Effect.map(World.writes, (records) => records.map((record) => record.sentAt - start))

describe("Heartbeat: clocks", () => {
  for (const [name, step] of [
    ["forward", hour],
    ["back", -hour]
  ] as const) {
    World.virtual(
      `the wall clock jumped an hour ${name} in the middle of a beat: same cadence, same pace, no false Armed (17)`,
      Effect.gen(function* () {
        yield* Simulator.placeOrder()
        const { status, party, seen } = yield* Host.onOwnHost()
        yield* fault("delay-answer;by=500ms;times=1")
        yield* Effect.sleep("3250 millis")
        yield* party.stepWall(step)
        assert.notStrictEqual((yield* status)._tag, "Armed")
        yield* Effect.sleep("1 minute")
        assert.strictEqual((yield* status)._tag, "Armed")
        assert.deepStrictEqual(
          yield* beatsAt,
          Array.from({ length: 22 }, (_, index) => index * 3_000)
        )
        assert.notInclude(seen.tags(), "Fired")
        assert.strictEqual((yield* Simulator.openOrders()).length, 1)
      })
    )

    World.virtual(
      `the wall clock jumped an hour ${name} between two beats: the same (17)`,
      Effect.gen(function* () {
        const { status, party } = yield* Host.onOwnHost()
        yield* Effect.sleep("4 seconds")
        yield* party.stepWall(step)
        assert.notStrictEqual((yield* status)._tag, "Armed")
        yield* Effect.sleep("1 minute")
        assert.strictEqual((yield* status)._tag, "Armed")
        assert.deepStrictEqual(
          yield* beatsAt,
          Array.from({ length: 22 }, (_, index) => index * 3_000)
        )
      })
    )
  }

  World.virtual(
    "a suspend longer than what was left: the first state seen is not Armed, and the exchange's stamps prove the rest (18)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { status, party, reason, seen } = yield* Host.onOwnHost()
      yield* Effect.sleep("4 seconds")
      yield* party.suspend
      yield* Effect.sleep("20 seconds")
      yield* party.resume
      assert.strictEqual((yield* status)._tag, "MayHaveFired")
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(seen.tags(), ["Armed", "MayHaveFired", "Fired"])
      assert.strictEqual(yield* reason, "Fired")
      assert.strictEqual((yield* Simulator.openOrders()).length, 0)
    })
  )

  World.virtual(
    "no caller reads the status after the suspend: the change is still reported within a second (18)",
    Effect.gen(function* () {
      const { party, seen } = yield* Host.onOwnHost()
      yield* Effect.sleep("3100 millis")
      yield* party.suspendFor("20 seconds")
      yield* Effect.sleep("20 seconds")
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(seen.tags().slice(0, 2), ["Armed", "MayHaveFired"])
    })
  )

  for (const moment of ["during the acquisition", "between two beats"] as const) {
    World.virtual(
      `a suspend ${moment} that leaves less than two tries: the next beat comes as soon as the pace allows (11)`,
      Effect.gen(function* () {
        yield* Simulator.placeOrder()
        const acquisition = moment === "during the acquisition"
        if (acquisition) yield* fault("delay-answer;by=500ms;times=1")
        const host = yield* Effect.fork(Host.onOwnHost({ countdown: "60 seconds" }))
        const { time } = { time: yield* VirtualTime.VirtualTime }
        const party = yield* time.party("bot")
        yield* Effect.sleep(acquisition ? "200 millis" : "3 seconds")
        yield* party.suspendFor(acquisition ? "55 seconds" : "53 seconds")
        yield* Effect.sleep("80 seconds")
        const { seen, status } = yield* Fiber.join(host)
        assert.notInclude(seen.tags(), "MayHaveFired")
        assert.strictEqual((yield* status)._tag, "Armed")
        assert.strictEqual((yield* Simulator.openOrders()).length, 1)
      })
    )
  }

  World.virtual(
    "a suspend shorter than what was left: in jeopardy until the next beat, then armed again",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { status, party, seen } = yield* Host.onOwnHost()
      yield* Effect.sleep("4 seconds")
      yield* party.suspend
      yield* Effect.sleep("4 seconds")
      yield* party.resume
      const known = yield* status
      assert.strictEqual(known._tag === "Jeopardy" && known.earliestFire - start, 13_000)
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(seen.tags(), ["Armed", "Jeopardy", "Armed"])
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )

  World.virtual(
    "an event loop blocked for longer than what was left: not Armed afterwards, lost, and nothing is sent (15, 18)",
    Effect.gen(function* () {
      const { party, reason, seen, status } = yield* Host.onOwnHost()
      yield* Effect.sleep("4 seconds")
      yield* party.stall
      yield* Effect.sleep("10 seconds")
      const before = (yield* beatsAt).length
      yield* party.resume
      assert.notStrictEqual((yield* status)._tag, "Armed")
      yield* Effect.sleep("20 seconds")
      assert.strictEqual(yield* reason, "Fired")
      assert.notInclude(seen.tags().slice(1), "Armed")
      assert.strictEqual((yield* beatsAt).length, before)
    })
  )

  World.virtual(
    "an event loop blocked for 5 s: one beat at once, no burst, the plan starts anew",
    Effect.gen(function* () {
      const { party } = yield* Host.onOwnHost()
      yield* Effect.sleep("4 seconds")
      yield* party.stallFor("5 seconds")
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(yield* beatsAt, [0, 3_000, 9_000, 12_000])
    })
  )

  World.virtual(
    "a host clock that is an hour off works, and so does one that drifts",
    Effect.gen(function* () {
      const party = yield* VirtualTime.party("bot")
      yield* party.stepWall(-hour)
      yield* party.setRate(1.0005)
      const { status } = yield* Host.onOwnHost()
      yield* Effect.sleep("10 minutes")
      assert.strictEqual((yield* status)._tag, "Armed")
      assert.isTrue((yield* World.writes).every((write) => write.code === "00000"))
    })
  )

  it("a crash: every order open then is gone within the countdown (10)", () => {
    // Not `virtual`, because a crashed host leaves everything behind.
    World.run(
      Effect.gen(function* () {
        const party = yield* VirtualTime.party("bot")
        yield* Simulator.placeOrder()
        yield* Effect.forkDaemon(
          VirtualTime.withParty(Effect.scoped(Effect.zipRight(Heartbeat.make(), Effect.never)), "bot")
        )
        yield* Effect.sleep("5500 millis")
        yield* party.crash
        yield* Effect.sleep("10 seconds")
        assert.strictEqual((yield* Simulator.openOrders()).length, 0)
        const state = yield* Simulator.countdown()
        assert.strictEqual(state._tag === "Fired" && state.at - start, 13_000)
      })
    )
  })
})
