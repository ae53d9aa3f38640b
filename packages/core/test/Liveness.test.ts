import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Liveness from "@effect-deadman/core/Liveness"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Port from "./support/port.js"
import { acknowledged, inWorld, unsent } from "./support/port.js"
import * as World from "./support/world.js"

const start = 1_700_000_000_000

describe("Liveness", () => {
  World.virtual(
    "watchdog: positive while it is kicked, negative when the last kick is too long ago",
    Effect.gen(function* () {
      const watchdog = yield* Liveness.watchdog("2 seconds", { name: "strategy" })
      yield* Effect.sleep("2 seconds")
      yield* watchdog.check
      yield* Effect.sleep("1 millis")
      const error = yield* Effect.flip(watchdog.check)
      assert.deepStrictEqual(error.checks, [{ name: "strategy", reason: "last kick 2001 ms ago, 2000 ms allowed" }])
      yield* watchdog.kick
      yield* watchdog.check
    })
  )

  World.virtual(
    "watchdog: a suspend counts, although the monotonic clock stood still (18)",
    Effect.gen(function* () {
      const party = yield* VirtualTime.party("bot")
      const onHost = VirtualTime.withParty("bot")
      const watchdog = yield* onHost(Liveness.watchdog("2 seconds"))
      yield* party.suspend
      yield* Effect.sleep("3 seconds")
      yield* party.resume
      const error = yield* Effect.flip(onHost(watchdog.check))
      assert.deepStrictEqual(error.checks, [{ name: "watchdog", reason: "last kick 3000 ms ago, 2000 ms allowed" }])
    })
  )

  World.virtual(
    "all: names every negative check, however it fails, within its own bound",
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Liveness.all([
          { name: "fine", check: Effect.void },
          { name: "fails", check: Effect.fail(new Error("no market data")) },
          { name: "dies", check: Effect.die("broken") },
          { name: "hangs", check: Effect.never, timeout: "100 millis" },
          { name: "hangs for good", check: Effect.uninterruptible(Effect.sleep("1 hour")), timeout: "100 millis" }
        ])
      )
      assert.deepStrictEqual(error.checks, [
        { name: "fails", reason: "no market data" },
        { name: "dies", reason: "broken" },
        { name: "hangs", reason: "no result within 100 ms" },
        { name: "hangs for good", reason: "no result within 100 ms" }
      ])
      assert.include(error.message, "fails (no market data)")
      yield* Effect.sleep("2 hours")
    })
  )

  World.virtual(
    "withheld for 2 s: in jeopardy, then armed again",
    Effect.gen(function* () {
      let alive = true
      const liveness = Effect.suspend(() => (alive ? Effect.void : Effect.fail("stuck")))
      const heartbeat = yield* Heartbeat.make({ liveness })
      const seen = yield* World.collect(heartbeat)
      yield* Effect.sleep("2500 millis")
      alive = false
      yield* Effect.sleep("2 seconds")
      const status = yield* heartbeat.status
      assert.strictEqual(status._tag === "Jeopardy" && status.cause?._tag, "LivenessFailed")
      alive = true
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(seen.tags(), ["Armed", "Jeopardy", "Armed"])
      assert.deepStrictEqual(
        (yield* World.writes).map((write) => write.sentAt - start),
        [0, 5_000, 8_000, 11_000, 14_000]
      )
    })
  )

  World.virtual(
    "withheld for the whole window: the exchange cancels, and the loss carries the reason",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const watchdog = yield* Liveness.watchdog("1 second", { name: "quotes" })
      const heartbeat = yield* Heartbeat.make({ liveness: Liveness.all([{ name: "quotes", check: watchdog.check }]) })
      const lost = yield* Effect.fork(heartbeat.awaitLost)
      yield* Effect.sleep("30 seconds")
      const exit = yield* Fiber.await(lost)
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.strictEqual((error as { reason: string }).reason, "NotAlive")
      assert.match((error as Error).message, /withheld to the end.*quotes \(last kick/)
      assert.strictEqual((yield* Simulator.openOrders()).length, 0)
      assert.strictEqual((yield* World.writes).length, 1)
    })
  )

  World.virtual(
    "a check that hangs delays the beat by its bound and no more",
    Effect.gen(function* () {
      yield* Heartbeat.make({ liveness: Effect.never, livenessTimeout: "300 millis" })
      yield* Effect.sleep("3300 millis")
      const state = yield* Simulator.countdown()
      assert.strictEqual(state._tag, "Armed")
      assert.strictEqual((yield* World.writes).length, 1)
    })
  )
})

describe("Liveness: no beat without a check of its own", () => {
  /** Records when it is checked. */
  const noting = (isAlive = () => true) => {
    const at: Array<number> = []
    const liveness = Effect.flatMap(Effect.clock, (clock) => {
      at.push(clock.unsafeCurrentTimeMillis())
      return isAlive() ? Effect.void : Effect.fail("stuck")
    })
    return { at, liveness }
  }
  const times = (writes: ReadonlyArray<string>) => writes.map((write) => Number(write.split(" ")[0]))

  it("scheduled beats, retries and manual beats are each checked in the same step in which they are sent", () => {
    const { at, liveness } = noting()
    const { service, writes } = Port.port((n) => (n === 2 ? unsent : acknowledged))
    inWorld(
      service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({ countdown: "60 seconds", release: () => "LetExpire", liveness })
        yield* Effect.sleep("18 seconds")
        // Two at a time: the second waits for the pace of the first, and for its own check after that.
        yield* heartbeat.beat
        yield* Effect.exit(heartbeat.beat)
        yield* Effect.sleep("40 seconds")
      })
    )
    assert.deepStrictEqual(times(writes), [0, 18_000, 19_050, 20_050, 38_050, 56_050])
    assert.deepStrictEqual(at, times(writes).slice(1))
  })

  it("a manual beat over a program that died a moment ago is withheld, and the caller learns why", () => {
    let isAlive = true
    const { at, liveness } = noting(() => isAlive)
    const { service, writes } = Port.port(() => acknowledged)
    inWorld(
      service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({ countdown: "60 seconds", release: () => "LetExpire", liveness })
        yield* Effect.sleep("18010 millis")
        // The beat of 18 s was checked 60 ms ago, and this one waits for the pace.
        isAlive = false
        const error = yield* Effect.flip(heartbeat.beat)
        assert.strictEqual(error._tag, "LivenessFailed")
        yield* Effect.sleep("500 millis")
        isAlive = true
        yield* Effect.sleep("2 seconds")
        assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
      })
    )
    assert.deepStrictEqual(times(writes), [0, 18_000, 20_050])
    assert.deepStrictEqual(at, [18_000, 19_050, 20_050], "checked again a second after it was negative")
  })

  it("no beat is sent for a program that dies while the beat waits for the pace", () => {
    let isAlive = true
    const { liveness } = noting(() => isAlive)
    const { service, writes } = Port.port(() => acknowledged)
    inWorld(
      service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open({ release: () => "LetExpire", liveness })
        const beating = yield* Effect.fork(Effect.flip(heartbeat.beat))
        yield* Effect.sleep("500 millis")
        isAlive = false
        assert.strictEqual((yield* Fiber.join(beating))._tag, "LivenessFailed")
        assert.lengthOf(writes, 1)
      })
    )
  })

  for (const countdown of ["5 seconds", "10 seconds", "60 seconds"] as const) {
    it(`the check that hung is named, with the default timeouts and countdown ${countdown}`, () => {
      const { service } = Port.port(() => acknowledged)
      inWorld(
        service,
        Effect.gen(function* () {
          const { heartbeat } = yield* World.open({
            countdown,
            release: () => "LetExpire",
            liveness: Liveness.all([
              { name: "quotes", check: Effect.void },
              { name: "market data", check: Effect.never }
            ])
          })
          const error = yield* Effect.flip(heartbeat.beat)
          assert.deepStrictEqual(error._tag === "LivenessFailed" && error.checks, [
            { name: "market data", reason: "no result within 100 ms" }
          ])
        })
      )
    })
  }
})
