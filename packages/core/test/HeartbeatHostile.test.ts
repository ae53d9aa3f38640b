/** Hostile hosts, hostile schedulers and careless scopes. */
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Scope from "effect/Scope"
import * as Host from "./support/host.js"
import { size } from "./support/size.js"
import * as World from "./support/world.js"

const fault = (text: string) => Effect.flatMap(Simulator.Simulator, ({ network }) => network.addUntilRemoved(text))
const codes = Effect.map(World.writes, (writes) => writes.map((write) => write.code))

const interruptedAt = <A, E, R>(n: number, effect: Effect.Effect<A, E, R>) =>
  Effect.map(
    Host.yieldingAt(n, effect, (fiber) => fiber.unsafeInterruptAsFork(FiberId.none)),
    ({ reached }) => reached
  )

describe("hostile hosts", () => {
  World.virtual(
    "the wall clock set back, and then a suspend that it hides: still not claimed to be armed (8, 15, 18)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { party, reason, seen, status } = yield* Host.onOwnHost()
      yield* Effect.sleep("3200 millis")
      yield* party.stepWall(-3_600_000)
      yield* Effect.sleep("1500 millis")
      yield* party.suspendFor("20 seconds")
      yield* Effect.sleep("20 seconds")
      assert.strictEqual(yield* World.switchState, "Fired")
      assert.strictEqual((yield* status)._tag, "MayHaveFired")
      yield* Effect.sleep("10 seconds")
      assert.notInclude(seen.tags().slice(2), "Armed")
      assert.strictEqual(yield* reason, "Fired")
    })
  )

  World.virtual(
    "a host frozen together with both of its clocks: the stamps of two answers show it, and the state is not Armed again (15)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { party, reason, seen } = yield* Host.onOwnHost()
      yield* Effect.sleep("4 seconds")
      yield* party.suspend
      yield* Effect.sleep("20 seconds")
      yield* party.stepWall(-20_000)
      yield* party.resume
      yield* Effect.sleep("3 seconds")
      assert.notInclude(seen.tags().slice(1), "Armed")
      // By the host's clocks the switch cannot have fired, so nothing is proven.
      assert.strictEqual(yield* reason, "MayHaveFired")
    })
  )

  World.virtual(
    "frozen for no longer than the countdown allows: nothing is amiss",
    Effect.gen(function* () {
      const { party, seen } = yield* Host.onOwnHost()
      yield* Effect.sleep("4 seconds")
      yield* party.suspend
      yield* Effect.sleep("5 seconds")
      yield* party.stepWall(-5_000)
      yield* party.resume
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(seen.tags(), ["Armed"])
    })
  )
})

describe("a host that stood still", () => {
  World.virtual(
    "reads the answer that arrived meanwhile before it gives up the request",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const { party, seen } = yield* Host.onOwnHost()
      // The answer comes at 4.5 s, after a timer of 4 s and before the request is overdue at 5 s: none of them runs.
      yield* network.addUntilRemoved("delay-answer;by=1500ms;times=1")
      yield* Effect.sleep("3100 millis")
      yield* party.stallFor("2500 millis")
      yield* Effect.sleep("5 seconds")
      assert.deepStrictEqual(seen.tags(), ["Armed"])
      assert.lengthOf(yield* World.writes, 3)
    })
  )
})

describe("hostile schedulers", () => {
  it("beat: interrupted before any of its steps, it costs the other callers no beat (11, 19)", () => {
    // Each step of the caller, and those of every part of what it starts.
    for (let step = 0, reached = true; reached; step += step < 50 ? size(3, 1) : 25) {
      const outcome = World.run(
        Effect.gen(function* () {
          const heartbeat = yield* Heartbeat.make()
          yield* Effect.sleep("1500 millis")
          reached = yield* interruptedAt(step, heartbeat.beat)
          yield* Effect.sleep("12 seconds")
          assert.strictEqual((yield* heartbeat.status)._tag, "Armed", `interrupted before step ${step}`)
          yield* heartbeat.beat
        })
      )
      assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 }, `interrupted before step ${step}`)
    }
  })

  it("acquire: interrupted before any of its steps, it leaves nothing armed, and soon (13, 19)", () => {
    let steps = 0
    // Each step that sends the first write, and then those of every part.
    for (let reached = true; reached; steps += steps < 300 ? size(5, 1) : 25) {
      const outcome = World.run(
        Effect.gen(function* () {
          yield* fault("delay-answer;by=100ms")
          reached = yield* interruptedAt(steps, Effect.scoped(Heartbeat.make()))
          const simulator = yield* Simulator.Simulator
          const took = (yield* simulator.time.now) - simulator.time.start
          assert.isAtMost(took, 1_500, `interrupted before step ${steps}`)
          assert.notStrictEqual(yield* World.switchState, "Armed", `interrupted before step ${steps}`)
          // Effect 3 registers a timer one step before the finalizer that takes it back: interrupted in between, a
          // fiber ends and its timer fires into nothing, within the second that the reporter has. Anything that beats
          // or reads the clock would still do so after that.
          yield* Effect.sleep("3 seconds")
        })
      )
      assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 }, `interrupted before step ${steps}`)
    }
    assert.isAbove(steps, 20)
  })

  it("changes: two readers that start at once both get every change", () => {
    // The steps that set up the streams.
    let steps = 150
    for (let reached = true; reached && steps < 350; steps += size(5, 1)) {
      World.run(
        Effect.gen(function* () {
          const { close, heartbeat } = yield* World.open()
          const both = Effect.all([World.collect(heartbeat), World.collect(heartbeat)], { concurrency: "unbounded" })
          const reading = yield* Effect.fork(Host.yieldingAt(steps, Effect.zipLeft(both, Effect.sleep("10 seconds"))))
          yield* Effect.sleep("1 second")
          yield* close
          const read = yield* Fiber.join(reading)
          reached = read.reached
          for (const { tags } of yield* read.exit) {
            assert.deepStrictEqual(tags(), ["Armed", "Released"], `yielding before step ${steps}`)
          }
        })
      )
    }
    assert.isAbove(steps, 200)
  })
})

describe("careless scopes", () => {
  World.virtual(
    "a scope that closes while the switch is being armed: it ends disarmed, and nothing beats (19)",
    Effect.gen(function* () {
      yield* fault("delay-answer;by=500ms;times=1")
      const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
      const making = yield* Effect.fork(Scope.extend(Heartbeat.make(), scope))
      yield* Effect.sleep("100 millis")
      yield* Scope.close(scope, Exit.void)
      const heartbeat = yield* Fiber.join(making)
      assert.strictEqual((yield* heartbeat.status)._tag, "Released")
      yield* Effect.sleep("30 seconds")
      assert.strictEqual(yield* World.switchState, "Closed")
      assert.deepStrictEqual(
        (yield* World.applied).map(({ countdown }) => countdown),
        ["10", "0"]
      )
    })
  )

  World.virtual(
    "armed again as soon as it was released: the exchange's pace holds across the two (14)",
    Effect.gen(function* () {
      for (let round = 0; round < 3; round++) {
        yield* Effect.scoped(Heartbeat.make())
      }
      assert.deepStrictEqual(yield* codes, ["00000", "00000", "00000", "00000", "00000", "00000"])
    })
  )

  World.virtual(
    "armed again while a `0` of the previous heartbeat may still arrive: not Armed until it cannot (8)",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const slow = yield* network.addUntilRemoved("delay-request;by=20s;countdown=0")
      const first = yield* World.open()
      yield* Effect.sleep("1500 millis")
      // No `0` is answered any more; they are under way when the scope is closed.
      yield* first.close
      const ended = yield* first.heartbeat.status
      assert.strictEqual(ended._tag === "Released" && ended.outcome._tag, "DisarmUnconfirmed")
      yield* network.remove(slow.id)
      const second = yield* World.open()
      const seen = yield* World.collect(second.heartbeat)
      const unarmed: Array<string> = []
      let arrived = 0
      for (let i = 0; i < 350; i++) {
        const [status, venue] = [yield* second.heartbeat.status, yield* World.switchState]
        if (venue === "Closed") arrived++
        if (venue !== "Armed" && (status._tag === "Armed" || status._tag === "Jeopardy")) unarmed.push(status._tag)
        yield* Effect.sleep("100 millis")
      }
      assert.isAbove(arrived, 0)
      assert.deepStrictEqual(unarmed, [])
      assert.deepStrictEqual(seen.tags(), ["MayHaveFired", "Armed"])
      yield* second.heartbeat.ensureArmed({ margin: "3 seconds" })
      yield* second.close
      const closed = yield* second.heartbeat.status
      assert.strictEqual(closed._tag === "Released" && closed.outcome._tag, "Disarmed")
    })
  )
})
