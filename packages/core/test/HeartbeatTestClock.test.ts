/** The life of a heartbeat under Effect's own `TestClock`: the full stack, signature and all, against the exchange. */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Supervisor from "effect/Supervisor"
import * as TestClock from "effect/TestClock"
import * as World from "./support/world.js"
import { size } from "./support/size.js"

/** The largest test sends some 200 requests. */
const mostRequests = 2_000

const minutes = size(6, 60)

/**
 * Runs the test in its own scope and lets time pass while that closes, because the last write keeps the pace of one per
 * second and nothing else moves the clock.
 */
const inWorld = <A, E>(
  test: Effect.Effect<
    A,
    E,
    Simulator.Simulator | HttpClient.HttpClient | CountdownCancelAll.CountdownCancelAll | Scope.Scope
  >,
  options?: Simulator.Options
) =>
  Effect.gen(function* () {
    // TestClock bounds nothing. A bug that loops without a sleep must fail its test here, too, and not hang all of
    // them.
    const endless = yield* Deferred.make<never>()
    let requests = 0
    const exchange = Layer.map(Simulator.layer(options), (context) => {
      const client = HttpClient.mapRequestEffect(Context.get(context, HttpClient.HttpClient), (request) =>
        ++requests > mostRequests
          ? Effect.zipRight(
              Deferred.dieSync(endless, () => new Error("a loop that never sleeps")),
              Effect.never
            )
          : Effect.succeed(request)
      )
      return Context.add(context, HttpClient.HttpClient, client)
    })
    const run = Effect.gen(function* () {
      const scope = yield* Scope.make()
      const exit = yield* Effect.exit(Scope.extend(test, scope))
      const closing = yield* Effect.fork(Scope.close(scope, exit))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
      return yield* exit
    }).pipe(Effect.provide(World.over(exchange)), Effect.provide(Logger.remove(Logger.defaultLogger)))
    return yield* Effect.raceFirst(Effect.disconnect(run), Deferred.await(endless))
  })

/** The exchange's changes of the switch, in order, with the instant (the clock starts at 0). */
const transitions = Effect.map(
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.journal.entries),
  (entries) =>
    entries
      .filter((entry): entry is Journal.SwitchRecord => entry._tag === "Switch")
      .map(({ at, transition }) => ({ at, transition }))
)

/** The countdowns that the exchange accepted, with the instant. */
const countdowns = Effect.map(World.writes, (records) =>
  records.map((record) => ({ at: record.appliedAt, body: record.body, code: record.code }))
)

const write = (at: number, seconds: number) => ({ at, body: `{"countdown":"${seconds}"}`, code: "00000" })

describe("Heartbeat under TestClock", () => {
  it.effect("arms the switch when acquired, before it returns", () =>
    inWorld(
      Effect.gen(function* () {
        const heartbeat = yield* Heartbeat.make()
        assert.deepStrictEqual(yield* countdowns, [write(0, 10)])
        const countdown = yield* Simulator.countdown()
        assert.isTrue(countdown._tag === "Armed" && countdown.deadline === 10_000)
        assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
      })
    )
  )

  it.effect(`beats keep the switch armed for ${minutes} minutes, and the orders open`, () =>
    inWorld(
      Effect.gen(function* () {
        yield* Simulator.placeOrder()
        // The longest countdown: TestClock takes milliseconds of real time for each wake.
        const heartbeat = yield* Heartbeat.make({ countdown: "60 seconds" })
        yield* TestClock.adjust(`${minutes} minutes`)
        const kinds = (yield* transitions).map((record) => record.transition)
        assert.deepStrictEqual(kinds, [
          "armed",
          ...Array.from({ length: (minutes * 60) / 18 }, () => "refreshed" as const)
        ])
        assert.deepStrictEqual(
          yield* countdowns,
          Array.from({ length: 1 + (minutes * 60) / 18 }, (_, index) => write(index * 18_000, 60))
        )
        assert.lengthOf(yield* Simulator.openOrders(), 1)
        assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
      })
    )
  )

  it.effect("when the loop dies, the switch fires at exactly the deadline of the last beat", () =>
    inWorld(
      Effect.gen(function* () {
        yield* Simulator.placeOrder()
        yield* Simulator.placeOrder({ category: "SPOT" })
        const service = yield* CountdownCancelAll.CountdownCancelAll
        let writes = 0
        const dying = CountdownCancelAll.CountdownCancelAll.of({
          ...service,
          set: (setting) => Effect.suspend(() => (++writes > 2 ? Effect.dieMessage("bug") : service.set(setting)))
        })
        const heartbeat = yield* Effect.provideService(
          Heartbeat.make({ release: () => "LetExpire" }),
          CountdownCancelAll.CountdownCancelAll,
          dying
        )
        yield* TestClock.adjust("12999 millis")
        // Beats at 0 and 3 s; the one at 6 s killed the loop, and that was reported at once.
        const lost = yield* Effect.flip(heartbeat.awaitLost)
        assert.strictEqual(lost.reason, "Defect")
        assert.strictEqual(lost.timeLeft, 7_000)
        assert.deepStrictEqual(yield* transitions, [
          { at: 0, transition: "armed" },
          { at: 3_000, transition: "refreshed" }
        ])
        assert.lengthOf(yield* Simulator.openOrders(), 2)
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual((yield* transitions).at(-1), { at: 13_000, transition: "fired" })
        assert.lengthOf(yield* Simulator.openOrders(), 0)
        yield* TestClock.adjust("10 minutes")
        assert.lengthOf(yield* transitions, 3)
      })
    )
  )

  it.effect("closing the scope sends the 0, and nothing fires afterwards", () =>
    inWorld(
      Effect.gen(function* () {
        yield* Simulator.placeOrder()
        const { close, heartbeat } = yield* World.open()
        yield* TestClock.adjust("7 seconds")
        yield* close
        assert.deepStrictEqual(yield* countdowns, [write(0, 10), write(3_000, 10), write(6_000, 10), write(7_000, 0)])
        const status = yield* heartbeat.status
        assert.isTrue(status._tag === "Released" && status.outcome._tag === "Disarmed")
        yield* TestClock.adjust("1 hours")
        assert.deepStrictEqual((yield* transitions).at(-1), { at: 7_000, transition: "closed" })
        assert.lengthOf(yield* World.writes, 4)
        assert.lengthOf(yield* Simulator.openOrders(), 1)
      })
    )
  )

  it.effect("a refused arm fails the acquisition with the typed error, and leaves no fiber", () =>
    inWorld(
      Effect.gen(function* () {
        const supervisor = yield* Supervisor.track
        const refused = yield* Heartbeat.make().pipe(Effect.scoped, Effect.either, Effect.supervised(supervisor))
        assert.isTrue(Either.isLeft(refused) && refused.left._tag === "PermissionRefused")
        assert.isTrue(Either.isLeft(refused) && "code" in refused.left && refused.left.code === "40301")
        assert.lengthOf(yield* supervisor.value, 0)
        assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
        yield* TestClock.adjust("1 hours")
        assert.lengthOf(yield* World.writes, 1)
      }),
      { accounts: [{ uid: Simulator.demoUid, countdownAccess: false }] }
    )
  )

  it.effect("that count includes the fibers of a running heartbeat, and they end with the scope", () =>
    inWorld(
      Effect.gen(function* () {
        const supervisor = yield* Supervisor.track
        const { close } = yield* Effect.supervised(World.open(), supervisor)
        yield* TestClock.adjust("1 seconds")
        assert.isAbove((yield* supervisor.value).length, 0)
        yield* close
        yield* TestClock.adjust("1 millis")
        assert.lengthOf(yield* supervisor.value, 0)
      })
    )
  )
})
