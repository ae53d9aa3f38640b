/**
 * Shared state of the heartbeats of one process: accounts, pace, unresolved writes and the timer, also with two copies
 * of the package.
 */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Logger from "effect/Logger"
import type * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Port from "./support/port.js"
import { acknowledged, inWorld, lost } from "./support/port.js"
import * as World from "./support/world.js"

/** The same module once more, as a second copy of the package in `node_modules` would be. */
const secondCopy = async (): Promise<typeof Heartbeat> => {
  vi.resetModules()
  return import("@effect-deadman/core/Heartbeat")
}

describe("two copies of the package in one process", () => {
  it("share the accounts in use", async () => {
    const Other = await secondCopy()
    assert.notStrictEqual(Other.make, Heartbeat.make)
    const { service } = Port.port(() => acknowledged)
    const heldBy = (copy: typeof Heartbeat) => Effect.runSync(copy.AccountsInUse as never as Effect.Effect<Set<string>>)
    assert.strictEqual(heldBy(Other), heldBy(Heartbeat), "also where none is provided")
    inWorld(
      service,
      Effect.gen(function* () {
        yield* World.open()
        const refused = yield* Effect.flip(Effect.scoped(Other.make()))
        assert.strictEqual(refused._tag, "AccountInUse")
      })
    )
  })

  it("share pace and unresolved writes: no Armed over a switch that a `0` of the other may close (8, 14)", async () => {
    const Other = await secondCopy()
    const { service, writes } = Port.port((_, setting) => (setting === "off" ? lost : acknowledged))
    inWorld(
      service,
      Effect.gen(function* () {
        const { close } = yield* World.open({ releaseTimeout: "5 seconds", requestTimeout: "1 second" })
        yield* Effect.sleep("1500 millis")
        yield* close
        const last = Number(writes.at(-1)!.split(" ")[0])
        const heartbeat = yield* Other.make({ release: () => "LetExpire" })
        assert.strictEqual((yield* heartbeat.status)._tag, "MayHaveFired")
        assert.isAtLeast(Number(writes.at(-1)!.split(" ")[0]) - last, 1_000)
        yield* Effect.sleep("29 seconds")
        assert.strictEqual((yield* heartbeat.status)._tag, "MayHaveFired")
        yield* Effect.sleep("6 seconds")
        assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
      })
    )
  })
})

/** A clock that throws at its n-th reading from `arm` on. */
const throwing = (clock: Clock.Clock) => {
  let left = Infinity
  const read = <A>(reading: () => A) => ({
    value: () => {
      if (--left === 0) throw new Error("the clock is broken")
      return reading()
    }
  })
  return {
    clock: Object.create(clock, {
      unsafeCurrentTimeNanos: read(() => clock.unsafeCurrentTimeNanos()),
      unsafeCurrentTimeMillis: read(() => clock.unsafeCurrentTimeMillis())
    }) as Clock.Clock,
    at: (nth: number) => {
      left = nth
    },
    get hasThrown() {
      return left <= 0
    }
  }
}

describe("a clock that throws once while a heartbeat is made", () => {
  it("at any reading, keeps no account in use, and costs later heartbeats on that clock no beat", () => {
    let failures = 0
    let losses = 0
    for (let nth = 1, thrown = true; thrown; nth++) {
      const { service, settings } = Port.port(() => acknowledged)
      inWorld(
        service,
        Effect.gen(function* () {
          const broken = throwing(yield* Effect.clock)
          const { clock } = broken
          broken.at(nth)
          const first = yield* Effect.withClock(Effect.exit(World.open()), clock)
          thrown = broken.hasThrown
          broken.at(Infinity)
          if (Exit.isSuccess(first)) {
            const status = yield* Effect.withClock(first.value.heartbeat.status, clock)
            if (status._tag !== "Released" && status.lost !== undefined) {
              losses++
              assert.strictEqual(status.lost.reason, "Defect", `reading ${nth}`)
            }
            yield* Effect.withClock(first.value.close, clock)
          } else {
            failures++
            // Nothing stays half armed.
            if (settings().length > 0) assert.strictEqual(settings().at(-1), "off", `reading ${nth}`)
          }
          const before = settings().length
          yield* Effect.gen(function* () {
            const { close, heartbeat } = yield* World.open()
            yield* Effect.sleep("20 seconds")
            assert.strictEqual((yield* heartbeat.status)._tag, "Armed", `reading ${nth}`)
            yield* close
          }).pipe(Effect.withClock(clock))
          assert.isAtLeast(settings().length - before, 8, `reading ${nth}`)
        })
      )
    }
    assert.isAbove(failures, 5)
    assert.isAbove(losses, 1)
  })
})

describe("a clock that throws once while a beat is under way", () => {
  it("at any reading, leaves no caller of `beat` waiting", () => {
    let failures = 0
    for (let nth = 1, thrown = true; thrown; nth++) {
      const { service } = Port.port((n) => (n === 1 ? lost : acknowledged))
      inWorld(
        service,
        Effect.gen(function* () {
          const broken = throwing(yield* Effect.clock)
          const { close, heartbeat } = yield* Effect.withClock(World.open({ release: () => "LetExpire" }), broken.clock)
          yield* Effect.sleep("1500 millis")
          broken.at(nth)
          const exit = yield* heartbeat.beat.pipe(
            Effect.exit,
            Effect.timeoutOption("10 seconds"),
            Effect.withClock(broken.clock)
          )
          assert.strictEqual(exit._tag, "Some", `reading ${nth}`)
          if (exit._tag === "Some" && Exit.isFailure(exit.value)) failures++
          thrown = broken.hasThrown
          broken.at(Infinity)
          yield* Effect.withClock(close, broken.clock)
        })
      )
    }
    assert.isAbove(failures, 5)
  })
})

describe("a scheduler that is shut down", () => {
  it("stops the heartbeats on it and no others", () => {
    const ports = [
      Port.port(() => acknowledged, { account: "one" }),
      Port.port(() => acknowledged, { account: "other" })
    ]
    const outcome = VirtualTime.run(
      Effect.gen(function* () {
        const base = yield* FiberRef.get(FiberRef.currentScheduler)
        let isDown = false
        const doomed: Scheduler.Scheduler = {
          scheduleTask: (...task) => {
            if (!isDown) base.scheduleTask(...task)
          },
          shouldYield: (fiber) => base.shouldYield(fiber)
        }
        const scope = yield* Scope.make()
        const open = ({ service }: Port.Made) =>
          Heartbeat.make().pipe(
            Effect.provideService(CountdownCancelAll.CountdownCancelAll, service),
            Effect.provideService(Scope.Scope, scope)
          )
        // The scheduler of the first one ends.
        const opening = yield* Effect.forkDaemon(Effect.withScheduler(open(ports[0]!), doomed))
        yield* Effect.sleep("100 millis")
        assert.isTrue(opening.unsafePoll() !== null)
        const other = yield* open(ports[1]!)
        yield* Effect.sleep("4 seconds")
        isDown = true
        yield* Effect.sleep("1 minute")
        assert.lengthOf(ports[0]!.writes, 2)
        assert.strictEqual((yield* other.status)._tag, "Armed")
        assert.isAtLeast(ports[1]!.writes.length, 21)
      }).pipe(
        Effect.provideService(Heartbeat.AccountsInUse, new Set<string>()),
        Effect.provide(Logger.remove(Logger.defaultLogger))
      ),
      { maxTime: "1 hour", maxSteps: 20_000 }
    )
    if (Exit.isFailure(outcome.exit)) throw Cause.squash(outcome.exit.cause)
  })
})
