/**
 * The same programs on Effect's TestClock and in virtual time, with equal results.
 *
 * Each program records what it saw and when. Within one instant TestClock wakes the last sleeper first and lets several
 * turns of the event loop pass between two sleepers. Programs in which sleepers of different fibers meet at one instant are
 * compared as sets per instant (`unordered`), all others line by line. Sleeps, timeouts, races, daemons and finalizers by
 * themselves are the matter of Conformance.random.test.ts.
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
import * as FiberMap from "effect/FiberMap"
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
import * as STM from "effect/STM"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TRef from "effect/TRef"
import { comparable, inVirtualTime, onIdleTestClock, type Program, underTheLayer } from "./support/bothClocks.js"

/** A metric lives as long as its process, so each program takes a name of its own. */
let metrics = 0

const programs: Record<string, Program> = {
  "many at one instant": {
    unordered: true,
    body: (say) =>
      Effect.forEach([1, 2, 3, 4], (n) => Effect.zipRight(Effect.sleep(500), say(n)), { concurrency: "unbounded" })
  },
  "timeout that fails": { body: () => Effect.timeoutFail(Effect.never, { duration: 20, onTimeout: () => "late" }) },
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
        const name = yield* Effect.sync(() => `conformance-${metrics++}`)
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
  "wall and monotonic time": {
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
