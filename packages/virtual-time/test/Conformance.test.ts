/**
 * The same programs on Effect's TestClock and in virtual time, with equal results.
 *
 * Each program tells what it saw and when. Within one instant TestClock wakes the last sleeper first and lets several turns
 * of the event loop pass between two sleepers: programs in which sleepers of different fibers meet at one instant are
 * compared as sets per instant (`unordered`), all others line by line.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cache from "effect/Cache"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Mailbox from "effect/Mailbox"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as Pool from "effect/Pool"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as RateLimiter from "effect/RateLimiter"
import * as RcMap from "effect/RcMap"
import * as RcRef from "effect/RcRef"
import * as Ref from "effect/Ref"
import * as Resource from "effect/Resource"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as STM from "effect/STM"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import * as TRef from "effect/TRef"
import * as VirtualTime from "../src/VirtualTime.js"

type Say = (what: unknown) => Effect.Effect<void>
interface Program {
  readonly unordered?: boolean
  /** How much time TestClock is given; enough for the program to end. */
  readonly within?: Duration.DurationInput
  readonly body: (say: Say) => Effect.Effect<unknown, unknown, Scope.Scope>
}

const recorder = () => {
  const lines: Array<readonly [number, string]> = []
  const say: Say = (what) =>
    Effect.map(Clock.currentTimeMillis, (at) => {
      // TestClock shows fractions of a millisecond; wall clocks, real and virtual, show whole ones.
      lines.push([Math.floor(at), JSON.stringify(what)])
    })
  return { lines, say }
}

/** A program, and what it came to, as text: exits contain fiber ids, which differ from run to run. */
const told = (program: Program, say: Say) =>
  program.body(say).pipe(
    Effect.scoped,
    Effect.exit,
    Effect.tap((exit) => say(Exit.isSuccess(exit) ? { ok: exit.value } : String(exit.cause).replace(/#\d+/g, "#")))
  )

const onTestClock = (program: Program) =>
  Effect.gen(function* () {
    const { lines, say } = recorder()
    yield* Effect.gen(function* () {
      const fiber = yield* Effect.fork(told(program, say))
      yield* TestClock.adjust(program.within ?? "1 minute")
      yield* Fiber.join(fiber)
    }).pipe(Effect.provide(TestContext.TestContext))
    return lines
  })

/**
 * What TestClock comes to when nothing disturbs it. It waits 5 ms of real time for fibers to settle, and on a busy machine
 * moves on before they have: then it sees other instants from run to run, so several runs have to disagree.
 */
const onIdleTestClock = (program: Program, virtual: ReadonlyArray<readonly [number, string]>) =>
  Effect.repeat(
    Effect.map(onTestClock(program), (lines) => comparable(program, lines)),
    { times: 9, until: (lines) => JSON.stringify(lines) === JSON.stringify(virtual) }
  )

const inVirtualTime = (program: Program, options?: VirtualTime.Options) => {
  const { lines, say } = recorder()
  const outcome = VirtualTime.run(told(program, say), options)
  if (Exit.isFailure(outcome.exit)) throw new Error(String(outcome.exit.cause))
  assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 }, "something was left behind")
  return lines
}

const underTheLayer = (program: Program) =>
  Effect.gen(function* () {
    const { lines, say } = recorder()
    yield* Effect.gen(function* () {
      const fiber = yield* Effect.fork(told(program, say))
      yield* TestClock.adjust(program.within ?? "1 minute")
      yield* Fiber.join(fiber)
    }).pipe(Effect.provide(VirtualTime.layer()))
    return lines
  })

const comparable = (program: Program, lines: ReadonlyArray<readonly [number, string]>) =>
  program.unordered === true
    ? [...lines].sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0))
    : lines

const programs: Record<string, Program> = {
  "sleeps one after the other": {
    body: (say) => Effect.forEach([100, 1, 2500], (ms) => Effect.zipRight(Effect.sleep(ms), say(ms)))
  },
  "sleeps side by side": {
    body: (say) =>
      Effect.forEach([300, 100, 200], (ms) => Effect.zipRight(Effect.sleep(ms), say(ms)), { concurrency: "unbounded" })
  },
  "a sleep of nothing": { body: (say) => Effect.zipRight(Effect.sleep(0), say("awake")) },
  "many at one instant": {
    unordered: true,
    body: (say) =>
      Effect.forEach([1, 2, 3, 4], (n) => Effect.zipRight(Effect.sleep(500), say(n)), { concurrency: "unbounded" })
  },
  "timeout that comes": {
    body: (say) =>
      Effect.sleep("10 seconds").pipe(
        Effect.onInterrupt(() => say("interrupted")),
        Effect.timeoutTo({ duration: 700, onSuccess: () => "slept", onTimeout: () => "timed out" })
      )
  },
  "timeout that does not come": { body: () => Effect.sleep(300).pipe(Effect.as("slept"), Effect.timeout(700)) },
  "timeout that fails": { body: () => Effect.timeoutFail(Effect.never, { duration: 20, onTimeout: () => "late" }) },
  "timeout of what cannot be interrupted": {
    body: (say) =>
      Effect.uninterruptible(Effect.sleep(900)).pipe(Effect.zipRight(say("done")), Effect.timeout(100), Effect.either)
  },
  "timeout that lets go": {
    body: (say) =>
      Effect.gen(function* () {
        yield* Effect.uninterruptible(Effect.sleep(900)).pipe(Effect.disconnect, Effect.timeoutOption(100))
        yield* say("let go")
        yield* Effect.sleep(2000)
      })
  },
  race: {
    body: (say) =>
      Effect.race(
        Effect.sleep(200).pipe(Effect.zipRight(Effect.fail("first fails"))),
        Effect.sleep(500).pipe(Effect.as("second"), Effect.ensuring(say("finalizer")))
      )
  },
  "raceFirst waits for the loser's finalizer": {
    body: (say) =>
      Effect.raceFirst(
        Effect.as(Effect.sleep(200), "fast"),
        Effect.sleep("1 hour").pipe(Effect.onInterrupt(() => Effect.zipRight(Effect.sleep(150), say("cleaned"))))
      )
  },
  "interrupted sleep": {
    body: (say) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(Effect.ensuring(Effect.sleep("1 day"), say("gone")))
        yield* Effect.sleep(40)
        yield* Fiber.interrupt(fiber)
        yield* say("after")
      })
  },
  "scope closes in reverse, with time in between": {
    body: (say) =>
      Effect.gen(function* () {
        yield* Effect.addFinalizer(() => say("one"))
        yield* Effect.addFinalizer(() => Effect.zipRight(Effect.sleep(30), say("two")))
        yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep(10), say("tick"))))
        yield* Effect.sleep(25)
      }).pipe(Effect.scoped)
  },
  "Schedule.spaced": {
    body: (say) =>
      Effect.repeat(Effect.zipRight(Effect.sleep(20), say("x")), Schedule.spaced(100).pipe(Schedule.upTo(500)))
  },
  "Schedule.fixed": {
    body: (say) => {
      const durations = [20, 20, 350, 20, 20]
      return Effect.repeat(
        Effect.suspend(() => Effect.zipRight(Effect.sleep(durations.shift() ?? 0), say("x"))),
        Schedule.intersect(Schedule.fixed(100), Schedule.recurs(4))
      )
    }
  },
  "Schedule.windowed": {
    body: (say) =>
      Effect.repeat(
        Effect.zipRight(Effect.sleep(130), say("x")),
        Schedule.intersect(Schedule.windowed(100), Schedule.recurs(3))
      )
  },
  "Schedule.exponential on failures": {
    body: (say) =>
      Effect.retry(
        Effect.zipRight(say("try"), Effect.fail("no")),
        Schedule.exponential(50).pipe(Schedule.intersect(Schedule.recurs(5)))
      )
  },
  "Schedule.jittered, drawn from Random": {
    body: (say) =>
      Effect.repeat(
        say("x"),
        Schedule.spaced(100).pipe(Schedule.jittered, Schedule.intersect(Schedule.recurs(5)))
      ).pipe(Effect.withRandom(Random.make("conformance")))
  },
  "Effect.timed, delay and cachedWithTTL": {
    body: (say) =>
      Effect.gen(function* () {
        const calls = yield* Ref.make(0)
        const cached = yield* Effect.cachedWithTTL(
          Ref.updateAndGet(calls, (n) => n + 1),
          100
        )
        yield* say(yield* cached)
        const [took] = yield* Effect.timed(Effect.delay(cached, 90))
        yield* say(Duration.toMillis(took))
        yield* Effect.sleep(20)
        yield* say(yield* cached)
      })
  },
  "bounded queue": {
    body: (say) =>
      Effect.gen(function* () {
        const queue = yield* Queue.bounded<number>(2)
        yield* Effect.fork(
          Effect.forEach([1, 2, 3, 4, 5], (n) => Effect.zipRight(Queue.offer(queue, n), say(["in", n])))
        )
        yield* Effect.repeatN(Effect.zipRight(Effect.sleep(100), Effect.flatMap(Queue.take(queue), say)), 4)
      })
  },
  "Deferred, Mailbox and PubSub": {
    body: (say) =>
      Effect.gen(function* () {
        const deferred = yield* Deferred.make<string>()
        const mailbox = yield* Mailbox.make<number>()
        const pubsub = yield* PubSub.unbounded<string>()
        const subscription = yield* PubSub.subscribe(pubsub)
        yield* Effect.fork(
          Effect.gen(function* () {
            yield* Effect.sleep(10)
            yield* Deferred.succeed(deferred, "now")
            yield* Effect.sleep(10)
            yield* mailbox.offer(1)
            yield* Effect.sleep(10)
            yield* PubSub.publish(pubsub, "news")
            yield* mailbox.end
          })
        )
        yield* say(yield* Deferred.await(deferred))
        yield* say(yield* mailbox.take)
        yield* say(yield* Queue.take(subscription))
        yield* mailbox.await
      })
  },
  semaphore: {
    body: (say) =>
      Effect.gen(function* () {
        const semaphore = yield* Effect.makeSemaphore(2)
        yield* Effect.forEach(
          [1, 2, 3, 4, 5],
          (n) => semaphore.withPermits(1)(Effect.zipRight(Effect.sleep(100 + n), say(n))),
          { concurrency: "unbounded" }
        )
      })
  },
  "forEach with bounded concurrency": {
    body: (say) =>
      Effect.forEach([50, 10, 30, 20], (ms) => Effect.zipRight(Effect.sleep(ms), say(ms)), { concurrency: 2 })
  },
  "Stream on a schedule": {
    body: (say) => Stream.range(1, 4).pipe(Stream.schedule(Schedule.spaced(100)), Stream.runForEach(say))
  },
  "Stream.debounce": {
    body: (say) =>
      Stream.make(10, 20, 200, 10, 300).pipe(
        Stream.mapEffect((ms) => Effect.as(Effect.sleep(ms), ms)),
        Stream.debounce(50),
        Stream.runForEach(say)
      )
  },
  "Stream.throttle": {
    body: (say) =>
      Stream.range(1, 5).pipe(
        Stream.throttle({ cost: Chunk.size, duration: 100, units: 1, strategy: "shape" }),
        Stream.runForEach(say)
      )
  },
  "Stream.groupedWithin": {
    body: (say) =>
      Stream.range(1, 7).pipe(
        Stream.mapEffect((n) => Effect.as(Effect.sleep(35), n)),
        Stream.groupedWithin(3, 90),
        Stream.runForEach((chunk) => say(Chunk.toReadonlyArray(chunk)))
      )
  },
  "Stream.merge and interruptWhen": {
    body: (say) =>
      Stream.merge(
        Stream.map(Stream.tick(70), () => "a"),
        Stream.map(Stream.tick(110), () => "b")
      ).pipe(Stream.drop(2), Stream.interruptWhen(Effect.sleep(460)), Stream.runForEach(say))
  },
  "Stream.timeout and buffer": {
    body: (say) =>
      Stream.make(10, 20, 900, 5).pipe(
        Stream.mapEffect((ms) => Effect.as(Effect.sleep(ms), ms)),
        Stream.buffer({ capacity: 2 }),
        Stream.timeout(500),
        Stream.runForEach(say)
      )
  },
  SubscriptionRef: {
    body: (say) =>
      Effect.gen(function* () {
        const ref = yield* SubscriptionRef.make(0)
        yield* Effect.fork(
          Effect.repeatN(
            Effect.zipRight(
              Effect.sleep(10),
              Ref.update(ref, (n) => n + 1)
            ),
            4
          )
        )
        yield* ref.changes.pipe(
          Stream.takeUntil((n) => n === 4),
          Stream.runForEach(say)
        )
      })
  },
  "RcMap with an idle time": {
    body: (say) =>
      Effect.gen(function* () {
        const map = yield* RcMap.make({
          lookup: (key: string) => Effect.acquireRelease(Effect.as(say(["open", key]), key), () => say(["close", key])),
          idleTimeToLive: 100
        })
        yield* Effect.scoped(RcMap.get(map, "a"))
        yield* Effect.sleep(60)
        yield* Effect.scoped(RcMap.get(map, "a"))
        yield* Effect.sleep(150)
        yield* Effect.scoped(RcMap.get(map, "a"))
      })
  },
  "RcRef with an idle time": {
    body: (say) =>
      Effect.gen(function* () {
        const ref = yield* RcRef.make({
          acquire: Effect.acquireRelease(say("open"), () => say("close")),
          idleTimeToLive: 100
        })
        yield* Effect.scoped(RcRef.get(ref))
        yield* Effect.sleep(250)
        yield* say("later")
      })
  },
  "Cache, Pool and Resource with a time to live": {
    body: (say) =>
      Effect.gen(function* () {
        const cache = yield* Cache.make({
          capacity: 2,
          timeToLive: 100,
          lookup: (key: string) => Effect.as(say(key), key)
        })
        yield* cache.get("a")
        yield* Effect.sleep(60)
        yield* cache.get("a")
        yield* Effect.sleep(60)
        yield* cache.get("a")
        const pool = yield* Pool.makeWithTTL({ acquire: say("pooled"), min: 0, max: 1, timeToLive: 100 })
        yield* Effect.scoped(pool.get)
        const resource = yield* Resource.auto(say("resource"), Schedule.spaced(40))
        yield* Effect.sleep(100)
        yield* resource
      })
  },
  RateLimiter: {
    body: (say) =>
      Effect.gen(function* () {
        const limit = yield* RateLimiter.make({ limit: 2, interval: 100, algorithm: "fixed-window" })
        yield* Effect.forEach([1, 2, 3, 4, 5], (n) => limit(say(n)))
      })
  },
  "layers with finalizers that take time": {
    body: (say) => {
      class A extends Context.Tag("A")<A, string>() {}
      class B extends Context.Tag("B")<B, string>() {}
      const one = (tag: typeof A | typeof B, name: string, ms: number) =>
        Effect.acquireRelease(Effect.zipRight(Effect.sleep(ms), Effect.as(say(["up", tag.key]), name)), () =>
          Effect.zipRight(Effect.sleep(ms), say(["down", tag.key]))
        )
      return Effect.zip(A, B).pipe(
        Effect.tap(say),
        Effect.provide(Layer.merge(Layer.scoped(A, one(A, "a", 30)), Layer.scoped(B, one(B, "b", 50))))
      )
    }
  },
  "metrics of durations": {
    body: (say) =>
      Effect.gen(function* () {
        const name = yield* Effect.sync(() => `conformance-${Math.random()}`)
        const timer = Metric.timerWithBoundaries(name, [10, 100, 1000])
        yield* Effect.repeatN(Effect.sleep(70).pipe(Metric.trackDuration(timer)), 2)
        const state = yield* Metric.value(timer)
        yield* say([state.count, state.min, state.max, state.sum])
        const counts = Metric.histogram(`${name}-counts`, MetricBoundaries.fromIterable([1, 2]))
        yield* Metric.update(counts, 1)
        yield* say((yield* Metric.value(counts)).count)
      })
  },
  "spans and logs carry the clock's time": {
    body: (say) =>
      Effect.gen(function* () {
        yield* Effect.sleep(1234)
        const span = yield* Effect.makeSpan("s")
        yield* say(String(span.status.startTime))
        yield* say(DateTime.toEpochMillis(yield* DateTime.now))
      })
  },
  "both hands": {
    body: (say) =>
      Effect.repeatN(
        Effect.sleep(250).pipe(
          Effect.zipRight(Effect.zip(Clock.currentTimeMillis, Clock.currentTimeNanos)),
          Effect.flatMap(([ms, nanos]) => say([ms, String(nanos)]))
        ),
        2
      )
  },
  "FiberMap replaces and interrupts": {
    body: (say) =>
      Effect.gen(function* () {
        const fibers = yield* FiberMap.make<string>()
        yield* FiberMap.run(
          fibers,
          "a",
          Effect.onInterrupt(Effect.sleep(100), () => say("replaced"))
        )
        yield* Effect.sleep(50)
        yield* FiberMap.run(fibers, "a", Effect.zipRight(Effect.sleep(100), say("second")))
        yield* FiberMap.awaitEmpty(fibers)
      })
  },
  "STM waits for a value": {
    body: (say) =>
      Effect.gen(function* () {
        const ref = yield* TRef.make(0)
        yield* Effect.fork(
          Effect.repeatN(
            Effect.zipRight(
              Effect.sleep(30),
              TRef.update(ref, (n) => n + 1)
            ),
            3
          )
        )
        yield* STM.gen(function* () {
          yield* STM.check(() => true)
          const n = yield* TRef.get(ref)
          yield* STM.check(() => n >= 3)
        })
        yield* say("three")
      })
  },
  "failure of one interrupts the others": {
    body: (say) =>
      Effect.all(
        [
          Effect.onInterrupt(Effect.sleep(500), () => say("interrupted")),
          Effect.zipRight(Effect.sleep(100), Effect.fail("boom"))
        ],
        { concurrency: "unbounded" }
      )
  },
  "fiber refs are inherited by joining": {
    body: (say) =>
      Effect.gen(function* () {
        const ref = yield* FiberRef.make("parent")
        const fiber = yield* Effect.fork(Effect.zipRight(Effect.sleep(10), FiberRef.set(ref, "child")))
        yield* Fiber.join(fiber)
        yield* say(yield* FiberRef.get(ref))
      })
  }
}

describe.each(Object.entries(programs))("%s", (_, program) => {
  it.live("is the same in virtual time as under TestClock", () =>
    Effect.gen(function* () {
      const virtual = comparable(program, inVirtualTime(program))
      assert.isAbove(virtual.length, 0)
      const expected = yield* onIdleTestClock(program, virtual)
      assert.deepStrictEqual(virtual, expected)
      assert.deepStrictEqual(comparable(program, yield* underTheLayer(program)), expected)
    })
  )
})

// ----------------------------------------------------------------------------
// random programs
// ----------------------------------------------------------------------------

type Tree =
  | { readonly op: "sleep"; readonly ms: number }
  | { readonly op: "say"; readonly what: number }
  | { readonly op: "seq" | "par" | "race"; readonly of: ReadonlyArray<Tree> }
  | { readonly op: "timeout" | "daemon" | "shielded" | "cleanup"; readonly ms: number; readonly of: Tree }

const trees = FastCheck.letrec<{ tree: Tree }>((tie) => ({
  tree: FastCheck.oneof(
    { maxDepth: 4, withCrossShrink: true },
    FastCheck.record({ op: FastCheck.constant("sleep" as const), ms: FastCheck.integer({ min: 0, max: 400 }) }),
    FastCheck.record({ op: FastCheck.constant("say" as const), what: FastCheck.nat(99) }),
    FastCheck.record({
      op: FastCheck.constantFrom("seq" as const, "par" as const, "race" as const),
      of: FastCheck.array(tie("tree"), { minLength: 1, maxLength: 3 })
    }),
    FastCheck.record({
      op: FastCheck.constantFrom("timeout" as const, "daemon" as const, "shielded" as const, "cleanup" as const),
      ms: FastCheck.integer({ min: 1, max: 400 }),
      of: tie("tree")
    })
  )
})).tree

/** Each leaf sleeps at a place of its own in the millisecond's thousands, so that no two meet at one instant by chance. */
const grow = <R = never>(
  say: Say,
  place: (self: Effect.Effect<void, never, R>, i: number) => Effect.Effect<void, never, R> = (self) => self
) => {
  let leaf = 0
  const eff = (tree: Tree): Effect.Effect<void, never, R> => {
    const own = ++leaf * 1000
    switch (tree.op) {
      case "sleep":
        return Effect.zipRight(Effect.sleep(own + tree.ms), say(["slept", tree.ms]))
      case "say":
        return say(tree.what)
      case "seq":
        return Effect.all(tree.of.map(eff), { discard: true })
      case "par":
        return Effect.all(
          tree.of.map((one, i) => place(eff(one), i)),
          { discard: true, concurrency: "unbounded" }
        )
      case "race":
        return Effect.raceAll(tree.of.map(eff))
      case "timeout":
        return Effect.ignore(Effect.timeout(eff(tree.of), own + tree.ms))
      case "daemon":
        return Effect.asVoid(Effect.forkDaemon(eff(tree.of)))
      case "shielded":
        return Effect.zipLeft(Effect.uninterruptible(eff(tree.of)), Effect.sleep(own + tree.ms))
      case "cleanup":
        return Effect.onInterrupt(eff(tree.of), () => Effect.zipRight(Effect.sleep(own + tree.ms), say("cleaned")))
    }
  }
  return eff
}

describe("random programs", () => {
  it.live("see the same events at the same instants under TestClock and in virtual time", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(trees, async (tree) => {
          const program: Program = {
            unordered: true,
            within: "10 minutes",
            // Daemons outlive the program: both clocks let them end.
            body: (say) => Effect.zipRight(grow(say)(tree), Effect.sleep("9 minutes"))
          }
          const virtual = comparable(program, inVirtualTime(program))
          assert.deepStrictEqual(virtual, await Effect.runPromise(onIdleTestClock(program, virtual)))
        }),
        { numRuns: 60 }
      )
    )
  )

  it("do the same twice with one seed, and in the order of the seed", () => {
    const traces = new Set<string>()
    FastCheck.assert(
      FastCheck.property(trees, FastCheck.integer(), (tree, seed) => {
        const once = (seed: number) => {
          const { lines, say } = recorder()
          const program = grow<VirtualTime.VirtualTime>(say, (self, i) => VirtualTime.withParty(self, `party ${i}`))(
            tree
          )
          const outcome = VirtualTime.run(program, { seed, instants: "seeded", parties: "seeded" })
          // Whatever the order, no program may get stuck: Effect's combinators hold in each that the draw allows.
          assert.isTrue(Exit.isSuccess(outcome.exit), String(outcome.exit))
          traces.add(outcome.trace)
          return { ...outcome, lines }
        }
        const first = once(seed)
        const second = once(seed)
        assert.deepStrictEqual(second, first)
      }),
      { numRuns: 200 }
    )
    assert.isAbove(traces.size, 50)
  })
})

// ----------------------------------------------------------------------------
// TestClock's own surface
// ----------------------------------------------------------------------------

const clockProgram = (observe: (what: string, value: unknown) => void): Effect.Effect<void, never, never> =>
  Effect.gen(function* () {
    const woken: Array<string> = []
    const sleeper = (name: string, duration: Duration.DurationInput) =>
      Effect.fork(
        Effect.zipRight(
          Effect.sleep(duration),
          Effect.sync(() => void woken.push(name))
        )
      )
    observe("start", yield* Clock.currentTimeMillis)
    yield* sleeper("a", "10 seconds")
    yield* sleeper("b", "20 seconds")
    const c = yield* sleeper("c", "30 seconds")
    yield* TestClock.adjust(0)
    observe(
      "sleeps",
      Chunk.toReadonlyArray(yield* TestClock.sleeps()).toSorted((x, y) => x - y)
    )
    yield* TestClock.adjust("9 seconds")
    observe("too soon", [...woken])
    yield* TestClock.adjust("1 seconds")
    observe("at the instant", [...woken])
    yield* TestClock.setTime(25_000)
    observe("by setting the time", [...woken])
    observe("now", yield* Clock.currentTimeMillis)
    const poll = yield* Fiber.poll(c)
    observe("still asleep", poll._tag)
    yield* TestClock.adjustWith(
      Effect.sync(() => void woken.push("effect")),
      "5 seconds"
    )
    yield* Fiber.join(c)
    observe("in the end", [...woken])
    const back = yield* TestClock.save()
    yield* TestClock.adjust("1 hour")
    yield* back
    observe("restored", yield* Clock.currentTimeMillis)
    yield* TestClock.setTime(1000)
    observe("set back", yield* Clock.currentTimeMillis)
    const d = yield* Effect.fork(Effect.sleep("1 second"))
    yield* TestClock.adjust("999 millis")
    observe("d asleep", (yield* Fiber.poll(d))._tag)
    yield* TestClock.adjust("1 millis")
    observe("d awake", (yield* Fiber.poll(d))._tag)
    observe("nanos", yield* Clock.currentTimeNanos)
    yield* TestClock.setTime(new Date(60_000))
    observe("from a date", yield* (yield* TestClock.testClock()).currentTimeMillis)
  })

describe("TestClock.adjust, setTime, sleeps, save", () => {
  const watched = (run: (program: Effect.Effect<void>) => Effect.Effect<unknown>) =>
    Effect.suspend(() => {
      const seen: Array<readonly [string, unknown]> = []
      return Effect.as(run(clockProgram((what, value) => seen.push([what, value]))), seen)
    })

  it.live("work in virtual time as they do under TestClock", () =>
    Effect.gen(function* () {
      const expected = yield* watched(Effect.provide(TestContext.TestContext))
      assert.strictEqual(expected.length, 14)
      const ways: Record<string, (program: Effect.Effect<void>) => Effect.Effect<unknown>> = {
        layer: Effect.provide(VirtualTime.layer()),
        "layer that jumps": Effect.provide(VirtualTime.layer({ time: "auto" })),
        run: (program) => Effect.suspend(() => VirtualTime.run(program).exit).pipe(Effect.orDie),
        "run by hand": (program) =>
          Effect.suspend(() => VirtualTime.run(program, { time: "manual" }).exit).pipe(Effect.orDie),
        runPromise: (program) =>
          Effect.promise(() => VirtualTime.runPromise(program)).pipe(
            Effect.flatMap((_) => _.exit),
            Effect.orDie
          )
      }
      for (const [way, run] of Object.entries(ways)) assert.deepStrictEqual(yield* watched(run), expected, way)
    })
  )
})
