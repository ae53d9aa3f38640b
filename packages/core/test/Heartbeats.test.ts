/** Many accounts in one process. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Countdown from "@effect-deadman/core/Countdown"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Heartbeats from "@effect-deadman/core/Heartbeats"
import type * as Release from "@effect-deadman/core/Release"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Host from "./support/host.js"
import * as World from "./support/world.js"
import { size } from "./support/size.js"

const uids = ["2000001", "2000002", "2000003"]
const accounts = uids.map((uid) => ({
  uid,
  keys: [{ key: `key-${uid}`, secret: `secret-${uid}`, passphrase: `passphrase-${uid}` }]
}))

const client = (uid: string) =>
  BitgetCountdown.layer.pipe(
    Layer.provide(BitgetClient.layer({ baseUrl: "https://bitget.simulator" })),
    Layer.provide(
      Credentials.layer({
        account: uid,
        apiKey: Redacted.make(`key-${uid}`),
        secretKey: Redacted.make(`secret-${uid}`),
        passphrase: Redacted.make(`passphrase-${uid}`)
      })
    )
  )

const lookup = (uid: string) => Effect.map(Layer.build(client(uid)), Context.get(CountdownCancelAll.CountdownCancelAll))

/** The same without layers, and with one clock for all. */
const makeLookup = Effect.map(
  Effect.all([HttpClient.HttpClient, ServerClock.make({ baseUrl: "https://bitget.simulator" })]),
  ([http, clock]) =>
    (uid: string) =>
      BitgetCountdown.makeAccount(
        {
          account: uid,
          apiKey: Redacted.make(`key-${uid}`),
          secretKey: Redacted.make(`secret-${uid}`),
          passphrase: Redacted.make(`passphrase-${uid}`)
        },
        { baseUrl: "https://bitget.simulator" }
      ).pipe(Effect.provideService(ServerClock.ServerClock, clock), Effect.provideService(HttpClient.HttpClient, http))
)

/** The port alone, without an exchange behind it. */
const port = (account: string, set: (setting: CountdownCancelAll.Setting) => Effect.Effect<void>) =>
  CountdownCancelAll.CountdownCancelAll.of({
    account,
    horizon: Effect.succeed(Duration.seconds(30)),
    pace: Duration.seconds(1),
    range: Countdown.range,
    set: (setting) =>
      Effect.flatMap(Effect.clock, (clock) => {
        const stamp = clock.unsafeCurrentTimeMillis()
        return Effect.as(set(setting), { acceptedAt: stamp, completedAt: stamp, requestTime: stamp })
      })
  })

/** The last setting of an account, and a lookup of few steps, for tests that act at each of them. */
const makeStepwise = () => {
  let last: CountdownCancelAll.Setting = Countdown.off
  const set = (setting: CountdownCancelAll.Setting) =>
    Effect.delay(
      Effect.sync(() => {
        last = setting
      }),
      "1 millis"
    )
  return { lookup: (account: string) => Effect.succeed(port(account, set)), isOff: () => last === Countdown.off }
}

const stateOf = (uid: string) => Effect.map(Simulator.countdown(uid), (state) => state._tag)
const inScope = Effect.flatMap(Effect.scope, (parent) => Scope.fork(parent, { _tag: "Sequential" }))

/** In `pnpm test` only each third step. */
const stride = size(3, 1)

/** A run for each step, until one has ended before its step. Each leaves no fiber and no timer. */
const forEachStep = (attempt: (step: number) => Effect.Effect<boolean, unknown, Scope.Scope>) => {
  let reached = true
  let step = 0
  for (; reached && step < 2_000; step += stride) {
    const { exit, leftover } = VirtualTime.run(
      Effect.scoped(attempt(step)).pipe(
        Effect.provideService(Heartbeat.AccountsInUse, new Set<string>()),
        Effect.provide(Logger.remove(Logger.defaultLogger))
      )
    )
    if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
    reached = exit.value
    assert.deepStrictEqual(leftover, { fibers: 0, timers: 0 }, `left behind, step ${step}`)
  }
  assert.isFalse(reached, "more steps than were tried")
  assert.isAbove(step, 100)
}

describe("Heartbeats", () => {
  const simulator = { accounts }

  World.virtual(
    "one heartbeat per account, shared by its users, disarmed when the last user's scope closes",
    Effect.gen(function* () {
      const heartbeats = yield* Heartbeats.make({ lookup })
      const [one, two] = [yield* inScope, yield* inScope]
      const first = yield* Scope.extend(heartbeats.get("2000001"), one)
      const second = yield* Scope.extend(heartbeats.get("2000001"), two)
      assert.strictEqual(first, second)
      yield* Scope.extend(heartbeats.get("2000002"), two)
      assert.deepStrictEqual(yield* heartbeats.accounts, ["2000001", "2000002"])
      yield* Effect.sleep("30 seconds")
      yield* Scope.close(one, Exit.void)
      assert.strictEqual(yield* stateOf("2000001"), "Armed")
      yield* Scope.close(two, Exit.void)
      assert.strictEqual(yield* stateOf("2000001"), "Closed")
      assert.strictEqual(yield* stateOf("2000002"), "Closed")
      assert.strictEqual(yield* stateOf("2000003"), "Closed")
      assert.deepStrictEqual(yield* heartbeats.accounts, [])
    }),
    { simulator }
  )

  World.virtual(
    "the resources of an account's client are released after the switch is off",
    Effect.gen(function* () {
      const seen: Array<string> = []
      const note = (what: string, uid: string) =>
        Effect.orDie(Effect.map(stateOf(uid), (state) => seen.push(`${what} ${uid}, ${state}`)))
      const lookup = yield* makeLookup
      const heartbeats = yield* Heartbeats.make({
        lookup: (uid) =>
          Effect.acquireRelease(Effect.zipLeft(lookup(uid), note("made", uid)), () => note("let go", uid))
      })
      const one = yield* inScope
      yield* Scope.extend(heartbeats.get("2000001"), one)
      yield* Scope.extend(heartbeats.get("2000001"), one)
      yield* Scope.extend(heartbeats.get("2000002"), one)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(yield* Effect.forEach(uids, stateOf), ["Armed", "Armed", "Closed"])
      yield* Scope.close(one, Exit.void)
      assert.deepStrictEqual(seen, [
        "made 2000001, Closed",
        "made 2000002, Closed",
        "let go 2000001, Closed",
        "let go 2000002, Closed"
      ])
    }),
    { simulator }
  )

  World.virtual(
    "an effect makes the client of an account: with a layer the program does not compile, and get dies",
    Effect.gen(function* () {
      // @ts-expect-error a layer is no effect
      const lookup: Heartbeats.Lookup<Layer.Layer.Error<ReturnType<typeof client>>, HttpClient.HttpClient> = client
      const heartbeats = yield* Heartbeats.make({ lookup })
      const exit = yield* Effect.exit(heartbeats.get("2000001"))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
    }),
    { simulator }
  )

  World.virtual(
    "failures are not remembered, even while a caller that received one keeps its scope open",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const heartbeats = yield* Heartbeats.make({ lookup })
      const fault = yield* network.addUntilRemoved("code;code=40014")
      const refused = yield* Effect.flip(heartbeats.get("2000001"))
      assert.strictEqual(refused._tag, "PermissionRefused")
      yield* network.remove(fault.id)
      const heartbeat = yield* heartbeats.get("2000001")
      assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
    }),
    { simulator }
  )

  const broken = new Error("broken")
  const fails = () => {
    throw broken
  }
  const breakdowns = [
    { name: "a lookup that throws", lookup: fails },
    { name: "a lookup that dies", lookup: () => Effect.die(broken) },
    { name: "a lookup that interrupts itself", lookup: () => Effect.interrupt },
    { name: "a heartbeat function that throws", heartbeat: fails }
  ]
  for (const first of breakdowns) {
    World.virtual(
      `${first.name} fails every get that waits for it, and the next get tries again`,
      Effect.gen(function* () {
        let calls = 0
        const heartbeats = yield* Heartbeats.make({
          lookup: (uid) => (first.lookup && ++calls === 1 ? first.lookup() : lookup(uid)),
          heartbeat: () => (first.heartbeat && ++calls === 1 ? first.heartbeat() : {})
        })
        const ask = Effect.exit(Effect.scoped(heartbeats.get("2000001")))
        const exits = yield* Effect.all([ask, ask, ask], { concurrency: "unbounded" })
        assert.strictEqual(calls, 1, "one arming for all")
        for (const exit of exits) {
          assert.isTrue(Exit.isFailure(exit))
          if (Exit.isFailure(exit)) {
            const interrupted = first.name === "a lookup that interrupts itself"
            assert.strictEqual(Cause.isInterruptedOnly(exit.cause), interrupted)
            if (!interrupted) assert.deepStrictEqual([...Cause.defects(exit.cause)], [broken])
          }
        }
        assert.deepStrictEqual(yield* heartbeats.accounts, [])
        const heartbeat = yield* heartbeats.get("2000001")
        assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
      }),
      { simulator }
    )
  }

  World.virtual(
    "one refused account does not disturb the others",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("code;code=40014;account=2000002")
      const heartbeats = yield* Heartbeats.make({ lookup })
      const results = yield* Effect.forEach(uids, (uid) => Effect.either(heartbeats.get(uid)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        results.map((result) => result._tag),
        ["Right", "Left", "Right"]
      )
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(yield* Effect.forEach(uids, stateOf), ["Armed", "Closed", "Armed"])
    }),
    { simulator }
  )

  World.virtual(
    "a get during the last release waits for it, and then arms anew",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const heartbeats = yield* Heartbeats.make({ lookup })
      const one = yield* inScope
      yield* Scope.extend(heartbeats.get("2000001"), one)
      yield* Effect.sleep("4 seconds")
      yield* network.addUntilRemoved("delay-answer;by=1s;countdown=0")
      const closing = yield* Effect.fork(Scope.close(one, Exit.void))
      yield* Effect.sleep("100 millis")
      const again = yield* heartbeats.get("2000001")
      yield* Fiber.join(closing)
      assert.strictEqual((yield* again.status)._tag, "Armed")
      assert.deepStrictEqual(
        (yield* World.applied).map((write) => write.countdown),
        ["10", "10", "0", "10"]
      )
    }),
    { simulator }
  )

  World.virtual(
    "the first caller may be interrupted while others still wait for the arming",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("delay-answer;by=1s")
      const heartbeats = yield* Heartbeats.make({ lookup })
      const first = yield* Effect.fork(Effect.scoped(heartbeats.get("2000001")))
      const second = yield* Effect.fork(heartbeats.get("2000001"))
      yield* Effect.sleep("500 millis")
      yield* Fiber.interrupt(first)
      const heartbeat = yield* Fiber.join(second)
      assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
    }),
    { simulator }
  )

  World.virtual(
    "when all callers have left before it was armed, it is disarmed",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("delay-answer;by=1s")
      const heartbeats = yield* Heartbeats.make({ lookup })
      const asking = yield* Effect.fork(Effect.scoped(heartbeats.get("2000001")))
      yield* Effect.sleep("1500 millis")
      yield* Fiber.interrupt(asking)
      assert.notStrictEqual(yield* stateOf("2000001"), "Armed")
      assert.deepStrictEqual(yield* heartbeats.accounts, [])
    }),
    { simulator }
  )

  /** A `Heartbeats` in its own scope, and the exits that its policy received. */
  const makeWitnessed = Effect.gen(function* () {
    const seen: Array<Exit.Exit<unknown, unknown>> = []
    const release: Release.Policy = (exit) => {
      seen.push(exit)
      return "Disarm"
    }
    const own = yield* inScope
    const heartbeats = yield* Scope.extend(Heartbeats.make({ lookup, heartbeat: () => ({ release }) }), own)
    return { heartbeats, own, seen }
  })

  // From the best to the worst, two of each kind.
  const exits = {
    success: [Exit.succeed(1), Exit.succeed(2)],
    interruption: [Exit.interrupt(FiberId.runtime(1, 0)), Exit.interrupt(FiberId.runtime(2, 0))],
    failure: [
      Exit.fail("first"),
      Exit.failCause(Cause.parallel(Cause.interrupt(FiberId.runtime(1, 0)), Cause.fail("second")))
    ],
    defect: [Exit.die("first"), Exit.failCause(Cause.sequential(Cause.fail("second"), Cause.die("second")))]
  } as const
  const kinds = Object.keys(exits) as ReadonlyArray<keyof typeof exits>

  World.virtual(
    "the worst exit of the users of a heartbeat chooses its release, in any order of leaving",
    Effect.gen(function* () {
      const { heartbeats, seen } = yield* makeWitnessed
      for (const [rank, kind] of kinds.entries()) {
        for (const other of kinds.slice(0, rank + 1)) {
          const [worst, second] = exits[kind]
          const better = other === kind ? second : exits[other][0]
          const orders =
            other === kind
              ? [[worst, better]]
              : [
                  [worst, better],
                  [better, worst],
                  [better, worst, second, better]
                ]
          for (const order of orders) {
            const users = yield* Effect.forEach(order, (exit) => Effect.map(inScope, (scope) => ({ exit, scope })))
            for (const { scope } of users) yield* Scope.extend(heartbeats.get("2000001"), scope)
            for (const { exit, scope } of users) yield* Scope.close(scope, exit)
            assert.strictEqual(seen.pop(), worst, `${kind} beside ${other}`)
            assert.deepStrictEqual(seen, [])
          }
        }
      }
    }),
    { simulator }
  )

  World.virtual(
    "the exits of former users count when the Heartbeats' own scope closes, and so does its own",
    Effect.gen(function* () {
      for (const [left, closed, worst] of [
        [exits.defect[0], exits.success[0], exits.defect[0]],
        [exits.success[0], exits.failure[0], exits.failure[0]],
        [exits.success[0], exits.interruption[0], exits.interruption[0]],
        [exits.failure[0], exits.failure[1], exits.failure[0]]
      ] as const) {
        const { heartbeats, own, seen } = yield* makeWitnessed
        const [leaving, staying] = [yield* inScope, yield* inScope]
        yield* Scope.extend(heartbeats.get("2000001"), leaving)
        yield* Scope.extend(heartbeats.get("2000001"), staying)
        yield* Scope.close(leaving, left)
        yield* Scope.close(own, closed)
        assert.strictEqual(seen.length, 1)
        assert.strictEqual(seen[0], worst)
      }
    }),
    { simulator }
  )

  World.virtual(
    "the worst exit is forgotten with the heartbeat, and a get that was given up before it was armed does not count",
    Effect.gen(function* () {
      const { heartbeats, seen } = yield* makeWitnessed
      yield* Effect.exit(Effect.scoped(Effect.zipRight(heartbeats.get("2000001"), Effect.fail("broken"))))
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("delay-answer;by=1s;times=1")
      const impatient = yield* Effect.fork(Effect.scoped(heartbeats.get("2000001")))
      const staying = yield* Effect.fork(Effect.scoped(Effect.zipRight(heartbeats.get("2000001"), Effect.sleep(5_000))))
      yield* Effect.sleep("500 millis")
      yield* Fiber.interrupt(impatient)
      yield* Fiber.join(staying)
      assert.deepStrictEqual(
        seen.map((exit) => exit._tag),
        ["Failure", "Success"]
      )
    }),
    { simulator }
  )

  World.virtual(
    "the interruption of the only user chooses the release",
    Effect.gen(function* () {
      const { heartbeats, seen } = yield* makeWitnessed
      const user = yield* Effect.fork(Effect.scoped(Effect.zipRight(heartbeats.get("2000001"), Effect.never)))
      yield* Effect.sleep("1 second")
      yield* Fiber.interrupt(user)
      assert.deepStrictEqual(seen.map(Exit.isInterrupted), [true])
    }),
    { simulator }
  )

  World.virtual(
    "a second, unshared heartbeat on an account in use fails with AccountInUse, until the first is released",
    Effect.gen(function* () {
      const heartbeats = yield* Heartbeats.make({ lookup })
      const scope = yield* inScope
      yield* Scope.extend(heartbeats.get("2000001"), scope)
      const second = Effect.scoped(Heartbeat.make()).pipe(Effect.provide(client("2000001")))
      const error = yield* Effect.flip(second)
      assert.strictEqual(error._tag, "AccountInUse")
      assert.strictEqual(yield* stateOf("2000001"), "Armed")
      yield* Scope.close(scope, Exit.void)
      yield* second
    }),
    { simulator }
  )

  const many = size(500, 10_000)

  it(`${many} heartbeats in one process each keep their pace (14)`, async () => {
    // The port alone, because the test checks the plan of the writes, account by account.
    const sent = new Map<string, Array<number>>()
    const countdowns = (account: string) =>
      Effect.map(Effect.clock, (clock) => {
        const times: Array<number> = []
        sent.set(account, times)
        let calls = 0
        return port(account, (setting) => {
          times.push(clock.unsafeCurrentTimeMillis())
          // Answers after different times, and sometimes none.
          const took = (Number(account) * 7 + ++calls * 131) % 2_300
          return Effect.sleep(setting === Countdown.off ? 1 : took)
        })
      })
    // With regular turns of the event loop, because vitest takes a worker that is silent for a minute for dead.
    const outcome = await VirtualTime.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const heartbeats = yield* Heartbeats.make({ lookup: countdowns })
          yield* Effect.forEach(
            Array.from({ length: many }, (_, index) => String(index)),
            (account) => Effect.delay(heartbeats.get(account), Number(account) % 3_000),
            { concurrency: "unbounded", discard: true }
          )
          yield* Effect.sleep("6 seconds")
        })
      ).pipe(
        Effect.provideService(Heartbeat.AccountsInUse, new Set<string>()),
        Effect.provide(Logger.remove(Logger.defaultLogger))
      ),
      // Each takes some 80 steps; a loop without a sleep must end, too.
      { maxSteps: many * 200 }
    )
    assert.isTrue(Exit.isSuccess(outcome.exit), String(outcome.exit))
    assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 })
    assert.strictEqual(sent.size, many)
    for (const times of sent.values()) {
      assert.isAtLeast(times.length, 3)
      times.forEach((time, index) => {
        if (index > 0) assert.isAtLeast(time - times[index - 1]!, 1_000)
      })
    }
  })

  World.virtual(
    "a scope that closes while its second account is being armed: both are released (19)",
    Effect.gen(function* () {
      const heartbeats = yield* Heartbeats.make({ lookup })
      const scope = yield* inScope
      yield* Scope.extend(heartbeats.get("2000001"), scope)
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("delay-answer;by=500ms;times=1;account=2000002")
      const getting = yield* Effect.fork(Scope.extend(heartbeats.get("2000002"), scope))
      yield* Effect.sleep("100 millis")
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.await(getting)
      yield* Effect.sleep("20 seconds")
      assert.deepStrictEqual(yield* heartbeats.accounts, [])
      assert.strictEqual(yield* stateOf("2000001"), "Closed")
      assert.strictEqual(yield* stateOf("2000002"), "Closed")
    }),
    { simulator }
  )

  it("two concurrent gets share one heartbeat, at whichever step one of them yields", () => {
    let steps = 0
    for (let reached = true; reached && steps < 200; steps += stride) {
      World.run(
        Effect.gen(function* () {
          const heartbeats = yield* Heartbeats.make({ lookup })
          const ask = Effect.scoped(Effect.zipLeft(heartbeats.get("2000001"), Effect.sleep("1 second")))
          const both = Effect.all([ask, ask], { concurrency: "unbounded" })
          const asked = yield* Host.yieldingAt(steps, both)
          reached = asked.reached
          const [first, second] = yield* asked.exit
          assert.strictEqual(first, second, `yielding before step ${steps}`)
          assert.deepStrictEqual(yield* heartbeats.accounts, [])
        }),
        { simulator }
      )
    }
    assert.isAbove(steps, 100)
  })

  for (const comes of ["first", "second"]) {
    it(`a get that comes ${comes} and is interrupted, at whichever step, does not disturb the other users`, () => {
      forEachStep((step) =>
        Effect.gen(function* () {
          const { isOff, lookup } = makeStepwise()
          const heartbeats = yield* Heartbeats.make({ lookup })
          const scope = yield* inScope
          const others = Scope.extend(heartbeats.get("one"), scope)
          const asked = Host.yieldingAt(step, Effect.scoped(heartbeats.get("one")), (fiber) =>
            fiber.unsafeInterruptAsFork(FiberId.none)
          )
          // Arming takes a millisecond, so the second get finds it under way.
          const [{ reached }, heartbeat] = yield* Effect.all(
            comes === "first"
              ? [asked, Effect.delay(others, "500 micros")]
              : [Effect.delay(asked, "500 micros"), others],
            { concurrency: "unbounded" }
          )
          const at = `interrupted before step ${step}`
          assert.deepStrictEqual(yield* heartbeats.accounts, ["one"], at)
          assert.strictEqual(yield* Effect.scoped(heartbeats.get("one")), heartbeat, at)
          assert.strictEqual((yield* heartbeat.status)._tag, "Armed", at)
          yield* Scope.close(scope, Exit.void)
          assert.isTrue(isOff(), at)
          assert.deepStrictEqual(yield* heartbeats.accounts, [], at)
          return reached
        })
      )
    })
  }

  World.virtual(
    "an arming that fails, with a client whose finalizer dies, fails every waiting get, and the next get tries again",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const fault = yield* network.addUntilRemoved("code;code=40014")
      let calls = 0
      const heartbeats = yield* Heartbeats.make({
        lookup: (uid) =>
          ++calls === 1
            ? Effect.acquireRelease(lookup(uid), () => Effect.zipRight(Effect.yieldNow(), Effect.die(broken)))
            : lookup(uid)
      })
      const ask = Effect.exit(Effect.scoped(heartbeats.get("2000001")))
      for (const exit of yield* Effect.all([ask, ask], { concurrency: "unbounded" })) {
        assert.isTrue(Exit.isFailure(exit))
        if (Exit.isFailure(exit)) {
          assert.deepStrictEqual(
            [...Cause.failures(exit.cause)].map((error) => error._tag),
            ["PermissionRefused"]
          )
          assert.deepStrictEqual([...Cause.defects(exit.cause)], [broken])
        }
      }
      yield* network.remove(fault.id)
      assert.strictEqual((yield* (yield* heartbeats.get("2000001")).status)._tag, "Armed")
    }),
    { simulator }
  )

  World.virtual(
    "a get during the release of a failed client waits for it, and then arms anew",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("code;code=40014;times=1")
      const seen: Array<string> = []
      const heartbeats = yield* Heartbeats.make({
        lookup: (uid) =>
          Effect.acquireRelease(
            Effect.zipLeft(
              lookup(uid),
              Effect.sync(() => seen.push("made"))
            ),
            () =>
              Effect.delay(
                Effect.sync(() => seen.push("let go")),
                "1 second"
              )
          )
      })
      const scope = yield* inScope
      const refused = yield* Effect.fork(Effect.flip(Scope.extend(heartbeats.get("2000001"), scope)))
      yield* Effect.sleep("500 millis")
      const heartbeat = yield* heartbeats.get("2000001")
      assert.strictEqual((yield* Fiber.join(refused))._tag, "PermissionRefused")
      assert.deepStrictEqual(seen, ["made", "let go", "made"])
      assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
    }),
    { simulator }
  )

  World.virtual(
    "a scope that closes while its get is arming returns when the arming has ended, and interrupts the get (19)",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("delay-answer;by=1s;times=1")
      const heartbeats = yield* Heartbeats.make({ lookup })
      const scope = yield* inScope
      const getting = yield* Effect.fork(Scope.extend(heartbeats.get("2000001"), scope))
      yield* Effect.sleep("500 millis")
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* heartbeats.accounts, [])
      assert.strictEqual(yield* stateOf("2000001"), "Closed")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(getting)))
      // The same holds for a scope that has already closed.
      const late = yield* Effect.exit(Scope.extend(heartbeats.get("2000001"), scope))
      assert.isTrue(Exit.isInterrupted(late))
      assert.deepStrictEqual(yield* heartbeats.accounts, [])
      assert.strictEqual(yield* stateOf("2000001"), "Closed")
    }),
    { simulator }
  )

  World.virtual(
    "a scope that closes while its get waits beside others ends that get and leaves the arming to them",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("delay-answer;by=1s;times=1")
      const heartbeats = yield* Heartbeats.make({ lookup })
      const scope = yield* inScope
      const leaving = yield* Effect.fork(Scope.extend(heartbeats.get("2000001"), scope))
      const staying = yield* Effect.fork(heartbeats.get("2000001"))
      yield* Effect.sleep("500 millis")
      yield* Scope.close(scope, Exit.void)
      const heartbeat = yield* Fiber.join(staying)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(leaving)))
      assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
    }),
    { simulator }
  )

  World.virtual(
    "closing ends the arming, interrupts the get that waits for it, and arms nothing afterwards (19)",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("delay-answer;by=1s;times=1")
      const own = yield* inScope
      const heartbeats = yield* Scope.extend(Heartbeats.make({ lookup }), own)
      const getting = yield* Effect.fork(heartbeats.get("2000001"))
      yield* Effect.sleep("500 millis")
      yield* Scope.close(own, Exit.void)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(getting)))
      assert.isTrue(Exit.isInterrupted(yield* Effect.exit(heartbeats.get("2000001"))))
      assert.deepStrictEqual(yield* heartbeats.accounts, [])
      assert.strictEqual(yield* stateOf("2000001"), "Closed")
    }),
    { simulator }
  )

  World.virtual(
    "a scope that closes while its heartbeat is already being released returns when that has ended",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const own = yield* inScope
      const heartbeats = yield* Scope.extend(Heartbeats.make({ lookup }), own)
      const scope = yield* inScope
      yield* Scope.extend(heartbeats.get("2000001"), scope)
      yield* Effect.sleep("4 seconds")
      yield* network.addUntilRemoved("delay-request;by=1s;countdown=0")
      yield* Effect.fork(Scope.close(own, Exit.void))
      yield* Effect.sleep("500 millis")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* stateOf("2000001"), "Closed")
      assert.deepStrictEqual(yield* heartbeats.accounts, [])
    }),
    { simulator }
  )

  for (const whose of ["the user's", "its own"]) {
    it(`an arming, ${whose} scope closed by an interruption at whichever step, leaves nothing armed and no account in use, and the policy learns of it (19)`, () => {
      const seen: Array<Exit.Exit<unknown, unknown>> = []
      let released = 0
      const release: Release.Policy = (exit) => {
        seen.push(exit)
        return "Disarm"
      }
      forEachStep((step) =>
        Effect.gen(function* () {
          const { isOff, lookup } = makeStepwise()
          const [own, user] = [yield* inScope, yield* inScope]
          const heartbeats = yield* Scope.extend(Heartbeats.make({ lookup, heartbeat: { release } }), own)
          const run = Runtime.runFork(yield* Effect.runtime())
          let closing: Fiber.RuntimeFiber<void> | undefined
          const { reached } = yield* Host.yieldingAt(step, Scope.extend(heartbeats.get("one"), user), () => {
            seen.length = 0
            closing = run(Scope.close(whose === "its own" ? own : user, Exit.interrupt(FiberId.none)))
          })
          if (closing !== undefined) {
            yield* Fiber.join(closing)
            assert.isTrue(seen.every(Exit.isInterrupted), `closed before step ${step}`)
            released += seen.length
            assert.deepStrictEqual(yield* heartbeats.accounts, [], `closed before step ${step}`)
            assert.isTrue(isOff(), `closed before step ${step}`)
          }
          return reached
        })
      )
      assert.isAbove(released, 0)
    })
  }

  for (const whose of ["the user's", "its own"]) {
    World.virtual(
      `a release runs to its end when the closing of ${whose} scope is interrupted (19)`,
      Effect.gen(function* () {
        const { network } = yield* Simulator.Simulator
        const [own, user] = [yield* inScope, yield* inScope]
        const clients = new Set<string>()
        const heartbeats = yield* Scope.extend(
          Heartbeats.make({
            lookup: (uid) =>
              Effect.acquireRelease(
                Effect.zipLeft(
                  lookup(uid),
                  Effect.sync(() => clients.add(uid))
                ),
                () => Effect.sync(() => clients.delete(uid))
              )
          }),
          own
        )
        for (const uid of uids) yield* Scope.extend(heartbeats.get(uid), user)
        yield* Effect.sleep("4 seconds")
        yield* network.addUntilRemoved("drop-request;countdown=0;times=1;account=2000002")
        const closing = yield* Effect.fork(Scope.close(whose === "its own" ? own : user, Exit.void))
        yield* Effect.sleep("500 millis")
        yield* Fiber.interrupt(closing)
        assert.deepStrictEqual(yield* Effect.forEach(uids, stateOf), ["Closed", "Closed", "Closed"])
        assert.deepStrictEqual(yield* heartbeats.accounts, [])
        assert.deepStrictEqual([...clients], [])
      }),
      { simulator }
    )
  }

  it("scopes that close at once release their heartbeat once, by the worst exit, at whichever step one of them yields", () => {
    forEachStep((step) =>
      Effect.gen(function* () {
        const { isOff, lookup } = makeStepwise()
        const seen: Array<string> = []
        const release: Release.Policy = (exit) => {
          seen.push(exit._tag)
          return "Disarm"
        }
        const own = yield* inScope
        const heartbeats = yield* Scope.extend(Heartbeats.make({ lookup, heartbeat: { release } }), own)
        const [one, two] = [yield* inScope, yield* inScope]
        yield* Scope.extend(heartbeats.get("one"), one)
        yield* Scope.extend(heartbeats.get("one"), two)
        const { exit, reached } = yield* Host.yieldingAt(
          step,
          Effect.all([Scope.close(one, Exit.fail("broken")), Scope.close(two, Exit.void)], {
            concurrency: "unbounded"
          })
        )
        yield* exit
        assert.isTrue(isOff(), `yielding before step ${step}`)
        assert.deepStrictEqual(seen, ["Failure"], `yielding before step ${step}`)
        assert.deepStrictEqual(yield* heartbeats.accounts, [])
        return reached
      })
    )
  })

  World.virtual(
    "a layer accepts a lookup that can fail, and its tag, the same for every error, has the type of the error",
    Effect.gen(function* () {
      const Accounts = Heartbeats.tag<"no such account" | Effect.Effect.Error<ReturnType<typeof lookup>>>()
      assert.strictEqual<unknown>(Accounts, Heartbeats.Heartbeats)
      const layer = Heartbeats.layer({
        lookup: (uid) =>
          Effect.if(uids.includes(uid), {
            onTrue: () => lookup(uid),
            onFalse: () => Effect.fail("no such account" as const)
          })
      })
      yield* Effect.gen(function* () {
        const heartbeats = yield* Accounts
        assert.strictEqual(yield* Effect.flip(heartbeats.get("2000009")), "no such account")
        const heartbeat = yield* heartbeats.get("2000001")
        assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
      }).pipe(Effect.scoped, Effect.provide(layer))
      assert.strictEqual(yield* stateOf("2000001"), "Closed")
    }),
    { simulator }
  )
})
