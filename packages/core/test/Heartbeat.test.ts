import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as MetricLabel from "effect/MetricLabel"
import * as Tracer from "effect/Tracer"
import * as World from "./support/world.js"

describe("Heartbeat: life", () => {
  World.virtual(
    "arms when acquired, and returns only then",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      const status = yield* heartbeat.status
      assert.strictEqual(status._tag, "Armed")
      assert.strictEqual(yield* World.switchState, "Armed")
      assert.deepStrictEqual(yield* World.applied, [{ at: 0, countdown: "10" }])
    })
  )

  World.virtual(
    "keeps the switch armed for an hour, at a fixed rate (11)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      yield* Heartbeat.make()
      yield* Effect.sleep("3601 seconds")
      const beats = yield* World.applied
      assert.strictEqual(beats.length, 1_200 + 1)
      beats.forEach((beat, index) => assert.strictEqual(beat.at, index * 3_000))
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )

  World.virtual(
    "turns the switch off when the scope closes, and nothing fires afterwards (12)",
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      const { close, heartbeat } = yield* World.open()
      const seen = yield* World.collect(heartbeat)
      yield* Effect.sleep("30 seconds")
      yield* close
      assert.strictEqual(yield* World.switchState, "Closed")
      const status = yield* heartbeat.status
      assert.strictEqual(status._tag === "Released" && status.outcome._tag, "Disarmed")
      yield* seen.ended
      assert.deepStrictEqual(seen.tags(), ["Armed", "Released"])
      yield* Effect.sleep("3601 seconds")
      assert.strictEqual((yield* Simulator.openOrders()).length, 1)
    })
  )
})

const start = 1_700_000_000_000
const sends = Effect.map(World.writes, (records) => records.map((record) => record.sentAt - start))
const fault = (text: string) => Effect.flatMap(Simulator.Simulator, ({ network }) => network.addUntilRemoved(text))

describe("Heartbeat: surface", () => {
  World.virtual(
    "beat: now, paced, shared by all concurrent callers; the plan of the regular beats stays",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* Effect.sleep("300 millis")
      yield* Effect.all([heartbeat.beat, heartbeat.beat, heartbeat.beat], { concurrency: "unbounded" })
      yield* Effect.sleep("6 seconds")
      assert.deepStrictEqual(yield* sends, [0, 1_000, 3_000, 6_000])
    })
  )

  World.virtual(
    "beat: one that is under way when the scheduled beat falls due takes its place, and the rate stays",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* Effect.sleep("2500 millis")
      yield* fault("delay-answer;by=1500ms;times=1")
      yield* heartbeat.beat
      yield* Effect.sleep("6 seconds")
      assert.deepStrictEqual(yield* sends, [0, 2_500, 6_000, 9_000])
    })
  )

  World.virtual(
    "beat: a caller that is interrupted disturbs no other caller",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* Effect.sleep("300 millis")
      const first = yield* Effect.fork(heartbeat.beat)
      const second = yield* Effect.fork(heartbeat.beat)
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(first)
      yield* Fiber.join(second)
      assert.deepStrictEqual(yield* sends, [0, 1_000])
    })
  )

  World.virtual(
    "beat: fails with the exchange's refusal, and when lost with SwitchLost",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* fault("code;code=40014;times=1")
      assert.strictEqual((yield* Effect.flip(heartbeat.beat))._tag, "PermissionRefused")
      assert.strictEqual((yield* Effect.flip(heartbeat.beat))._tag, "SwitchLost")
    })
  )

  World.virtual(
    "ensureArmed: only while Armed, and only with the requested margin",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      yield* heartbeat.ensureArmed()
      yield* Effect.sleep("2500 millis")
      yield* heartbeat.ensureArmed({ margin: "7 seconds" })
      const late = yield* Effect.flip(heartbeat.ensureArmed({ margin: "7500 millis" }))
      assert.deepStrictEqual([late.state, late.timeLeft, late.margin], ["Armed", 7_500, 7_500])
      assert.match(late.message, /7\.5 s left, 7\.5 s were requested/)
      yield* fault("rate-limit;times=1")
      yield* Effect.sleep("1 second")
      const jeopardy = yield* Effect.flip(heartbeat.ensureArmed())
      assert.deepStrictEqual([jeopardy.state, jeopardy.timeLeft], ["Jeopardy", 6_500])
    })
  )

  World.virtual(
    "guard: gives the effect's own result while the switch holds",
    Effect.gen(function* () {
      const heartbeat = yield* Heartbeat.make()
      assert.strictEqual(yield* heartbeat.guard(Effect.delay(Effect.succeed(42), "20 seconds")), 42)
      assert.strictEqual(yield* Effect.flip(heartbeat.guard(Effect.fail("own"))), "own")
    })
  )

  World.virtual(
    "changes: each reader gets the current state first, whenever it starts, and the stream ends after Released",
    Effect.gen(function* () {
      const { close, heartbeat } = yield* World.open()
      const early = yield* World.collect(heartbeat)
      yield* fault("rate-limit;times=1")
      yield* Effect.sleep("3500 millis")
      const middle = yield* World.collect(heartbeat)
      yield* Effect.sleep("10 seconds")
      yield* close
      yield* early.ended
      yield* middle.ended
      const late = yield* World.collect(heartbeat)
      yield* late.ended
      assert.deepStrictEqual(early.tags(), ["Armed", "Jeopardy", "Armed", "Released"])
      assert.deepStrictEqual(middle.tags(), ["Jeopardy", "Armed", "Released"])
      assert.deepStrictEqual(late.tags(), ["Released"])
    })
  )

  World.virtual(
    "onTransition: each change in order, including the last; a hook that hangs or fails delays nothing",
    Effect.gen(function* () {
      const reported: Array<string> = []
      const { close } = yield* World.open({
        onTransition: ({ from, to }) =>
          Effect.suspend(() => {
            reported.push(`${from} -> ${to._tag}`)
            return reported.length === 1 ? Effect.die("hook") : Effect.void
          })
      })
      yield* fault("rate-limit;times=1")
      yield* Effect.sleep("10 seconds")
      yield* close
      assert.deepStrictEqual(reported, ["Armed -> Jeopardy", "Jeopardy -> Armed", "Armed -> Released"])

      const hanging = yield* World.open({ onTransition: () => Effect.never })
      yield* fault("rate-limit;times=1")
      yield* Effect.sleep("20 seconds")
      assert.strictEqual((yield* hanging.heartbeat.status)._tag, "Armed")
      yield* hanging.close
      assert.strictEqual(yield* World.switchState, "Closed")
    })
  )

  World.virtual(
    "a defect of the client is a loss with that reason, not a fiber that dies silently",
    Effect.gen(function* () {
      let calls = 0
      const real = yield* CountdownCancelAll.CountdownCancelAll
      const heartbeat = yield* Heartbeat.make().pipe(
        Effect.provideService(CountdownCancelAll.CountdownCancelAll, {
          ...real,
          set: (setting) => (++calls === 2 ? Effect.die(new Error("client bug")) : real.set(setting))
        })
      )
      const error = yield* Effect.flip(heartbeat.awaitLost)
      assert.deepStrictEqual([error.reason, error.timeLeft], ["Defect", 7_000])
      assert.include(error.message, "client bug")
    })
  )

  World.virtual(
    "a client that never answers and cannot be interrupted is still bounded",
    Effect.gen(function* () {
      let hang = false
      const real = yield* CountdownCancelAll.CountdownCancelAll
      const { close, heartbeat } = yield* World.open().pipe(
        Effect.provideService(CountdownCancelAll.CountdownCancelAll, {
          ...real,
          set: (setting) =>
            hang ? Effect.uninterruptible(Effect.delay(Effect.die("late"), "1 hour")) : real.set(setting)
        })
      )
      hang = true
      const lost = yield* Effect.flip(heartbeat.awaitLost)
      assert.strictEqual(lost.reason, "MayHaveFired")
      const clock = yield* Effect.clock
      const before = clock.unsafeCurrentTimeMillis()
      assert.strictEqual(before - start, 10_000)
      yield* close
      assert.isAtMost(clock.unsafeCurrentTimeMillis() - before, 10_000)
      yield* Effect.sleep("2 hours")
    })
  )
})

describe("Heartbeat: telemetry", () => {
  World.virtual(
    "counts beats by outcome, and reports slack, latency, lateness, state and the time to the earliest fire",
    Effect.gen(function* () {
      const label = MetricLabel.make("account", "telemetry-test")
      const real = yield* CountdownCancelAll.CountdownCancelAll
      const { close } = yield* World.open().pipe(
        Effect.provideService(CountdownCancelAll.CountdownCancelAll, { ...real, account: "telemetry-test" })
      )
      yield* fault("delay-answer;by=400ms;times=1")
      yield* fault("rate-limit;after=1;times=1")
      yield* Effect.sleep("10500 millis")
      yield* close
      const found = new Map(
        Metric.unsafeSnapshot()
          .filter((pair) =>
            Chunk.toReadonlyArray(Chunk.fromIterable(pair.metricKey.tags)).some((tag) => Equal.equals(tag, label))
          )
          .map((pair) => [
            [
              pair.metricKey.name,
              ...pair.metricKey.tags.filter((tag) => tag.key !== "account").map((tag) => tag.value)
            ].join(" "),
            pair.metricState as unknown as {
              readonly count?: number
              readonly max?: number
              readonly min?: number
              readonly value?: number
            }
          ])
      )
      // Armed at 0, beats at 3 (answered late), 6 (429), 7 and 10 s, disarmed at 11 s.
      assert.strictEqual(found.get("deadman_beats_total acknowledged")?.count, 5)
      assert.strictEqual(found.get("deadman_beats_total RateLimited")?.count, 1)
      const slack = found.get("deadman_slack_ms")
      assert.deepStrictEqual([slack?.count, slack?.min, slack?.max], [3, 6_000, 7_000])
      assert.strictEqual(found.get("deadman_beat_latency_ms")?.max, 400)
      assert.strictEqual(found.get("deadman_beat_lateness_ms")?.count, 4)
      assert.strictEqual(found.get("deadman_state")?.value, 4)
      assert.strictEqual(found.get("deadman_transitions_total Armed Jeopardy")?.count, 1)
      assert.isTrue(found.has("deadman_earliest_fire_seconds"))
    })
  )

  World.virtual(
    "one span for arm, release and each failed beat; none for a good one",
    Effect.gen(function* () {
      const spans: Array<string> = []
      const tracer = Tracer.make({
        span: (name, parent, context, links, startTime, kind) => {
          spans.push(name)
          const ended: Array<string> = []
          return {
            _tag: "Span",
            name,
            spanId: String(spans.length),
            traceId: "trace",
            parent,
            context,
            links,
            sampled: true,
            kind,
            status: { _tag: "Started", startTime },
            attributes: new Map(),
            end: (endTime) => ended.push(String(endTime)),
            attribute: () => undefined,
            event: () => undefined,
            addLinks: () => undefined
          }
        },
        context: (run) => run()
      })
      yield* Effect.withTracer(
        Effect.scoped(
          Effect.gen(function* () {
            yield* Heartbeat.make()
            yield* fault("rate-limit;times=2")
            yield* Effect.sleep("1 minute")
          })
        ),
        tracer
      )
      assert.deepStrictEqual(
        spans.filter((name) => name.startsWith("deadman")),
        ["deadman.arm", "deadman.beat", "deadman.beat", "deadman.release"]
      )
    })
  )
})
