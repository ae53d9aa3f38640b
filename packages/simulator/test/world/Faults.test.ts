import * as Fault from "@effect-deadman/simulator/Fault"
import * as Faults from "@effect-deadman/simulator/Faults"
import * as History from "@effect-deadman/simulator/History"
import * as Journal from "@effect-deadman/simulator/Journal"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Timeline from "@effect-deadman/simulator/Timeline"
import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Bot from "../support/Bot.js"

/** One beat of 10 s: the response that the client saw, and when the switch would fire. */
const beat = (seconds = "10", patience: Duration.DurationInput = "30 seconds") =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(Effect.timeoutOption(Bot.setCountdown(seconds), patience))
    yield* TestClock.adjust(patience)
    const exit = yield* Fiber.await(fiber)
    if (Exit.isFailure(exit)) return String(Cause.squash(exit.cause)).includes("ECONNREFUSED") ? "refused" : "reset"
    if (Option.isNone(exit.value)) return "nothing"
    const answer = exit.value.value
    return answer.code === undefined
      ? `HTTP ${answer.status} with ${answer.text === "" ? "nothing" : answer.text.startsWith("<html") ? "a page" : "no envelope"}`
      : `${answer.status} ${answer.code}`
  })

const switchSets = Effect.map(
  Effect.flatMap(Simulator.Simulator, ({ journal }) => journal.entries),
  (entries) =>
    entries.flatMap((entry) =>
      entry._tag === "Switch" && (entry.transition === "armed" || entry.transition === "refreshed") ? [entry.at] : []
    )
)

/**
 * For each kind: the fault, what the client saw of a beat at 0 s (it waits 4 s, so that nothing has fired), and when
 * the exchange set its switch, in ms.
 */
const cases: ReadonlyArray<readonly [fault: string, saw: string, did: ReadonlyArray<number>]> = [
  ["delay-request;by=3s", "200 00000", [3_000]],
  ["delay-request;by=9s", "nothing", []],
  ["delay-answer;by=3s", "200 00000", [0]],
  ["delay-answer;by=9s", "nothing", [0]],
  ["drop-request", "nothing", []],
  ["drop-answer", "nothing", [0]],
  ["duplicate;by=2s", "200 00000", [0]],
  ["reorder;hold=2s", "200 00000", [2_000]],
  ["partition", "nothing", []],
  ["partition-request", "nothing", []],
  ["partition-answer", "nothing", [0]],
  ["refuse-connection", "refused", []],
  ["reset", "reset", [0]],
  ["reset;direction=request", "reset", []],
  ["status;status=503", "HTTP 503 with a page", []],
  ["status;page=ring-balancer", "HTTP 502 with no envelope", []],
  ["status;status=504;direction=answer", "HTTP 504 with a page", [0]],
  ["empty-body", "HTTP 200 with nothing", [0]],
  ["empty-body;direction=request", "HTTP 200 with nothing", []],
  ["truncated-body;keep=12", "HTTP 200 with no envelope", [0]],
  ["garbage-body", "HTTP 200 with no envelope", [0]],
  ["garbage-body;direction=request", "HTTP 200 with no envelope", []],
  ["rate-limit", "429 429", []],
  ["maintenance", "400 45001", []],
  ["maintenance;code=40015;direction=answer", "400 40015", [0]],
  ["error-after-apply", "400 40010", [0]],
  ["error-after-apply;code=25001", "400 25001", [0]],
  ["error-after-apply;status=504", "HTTP 504 with a page", [0]],
  ["hang", "nothing", []],
  ["hang;direction=answer", "nothing", [0]],
  ["code;code=40014", "400 40014", []]
]

describe("Faults", () => {
  it("has a case per kind", () => {
    const kinds = new Set(cases.map(([fault]) => fault.split(";")[0]))
    assert.deepStrictEqual([...kinds].sort(), [...Fault.kindNames].sort())
  })

  for (const [fault, saw, did] of cases) {
    it.effect(`${fault}: the client sees ${saw}, the exchange sets its switch ${did.length} times`, () =>
      Effect.gen(function* () {
        yield* Faults.add(fault)
        assert.strictEqual(yield* beat("10", "4 seconds"), saw)
        assert.deepStrictEqual(yield* switchSets, [...did])
        const { journal } = yield* Simulator.Simulator
        const record = (yield* journal.entries).find((entry) => entry._tag === "Request")
        const parsed = yield* Fault.parse(fault)
        assert.deepStrictEqual(record?.faults, [Fault.print(parsed)])
      }).pipe(Effect.scoped, Effect.provide(Simulator.layer({ seed: 1 })))
    )
  }

  const duplicates: ReadonlyArray<readonly [fault: string, did: ReadonlyArray<number>]> = [
    ["drop-answer", [0, 2_000]],
    ["partition-answer", [0, 2_000]],
    ["reset", [0, 2_000]],
    ["hang", [2_000]],
    ["delay-answer;by=3s", [0]],
    ["truncated-body", [0]],
    ["rate-limit", []]
  ]
  for (const [fault, did] of duplicates) {
    const reaches = did.includes(2_000) ? "reaches" : "does not reach"
    it.effect(`a duplicate ${reaches} the exchange after ${fault}: only one of an answered request is dropped`, () =>
      Effect.gen(function* () {
        yield* Faults.add("duplicate;by=2s")
        yield* Faults.add(`${fault};times=1`)
        yield* beat("10", "4 seconds")
        assert.deepStrictEqual(yield* switchSets, [...did])
        const { journal } = yield* Simulator.Simulator
        const copy = (yield* journal.entries).find((entry) => entry._tag === "Request" && entry.copyOf !== undefined)
        assert.deepInclude(copy, { arrivedAt: did.includes(2_000) ? 2_000 : undefined })
      }).pipe(Effect.scoped, Effect.provide(Simulator.layer({ seed: 1 })))
    )
  }

  it.effect("a duplicate that is at the exchange when the answer leaves is not acted upon", () =>
    Effect.gen(function* () {
      yield* Faults.add("duplicate;by=60ms")
      yield* beat("10", "4 seconds")
      assert.deepStrictEqual(yield* switchSets, [950])
    }).pipe(
      Effect.scoped,
      Effect.provide(Simulator.layer({ seed: 1, venue: { timeToApply: 950, rateWindow: "fixed" } }))
    )
  )

  it.effect("a held beat that a disarm overtakes arms the switch again", () =>
    Effect.gen(function* () {
      yield* Faults.add("reorder;by=1s;hold=20s;countdown=on")
      const beat = yield* Effect.fork(Bot.setCountdown("10"))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Bot.setCountdown("0")).code, "00000")
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual((yield* Fiber.join(beat)).code, "00000")
      assert.deepStrictEqual(yield* switchSets, [3_000])
    }).pipe(Effect.scoped, Effect.provide(Simulator.layer()))
  )

  it.effect("only a later request of the same account overtakes a held one", () =>
    Effect.gen(function* () {
      yield* Faults.add("reorder;hold=20s;times=1;account=1000001")
      yield* Effect.fork(Bot.setCountdown("10"))
      yield* TestClock.adjust("1 millis")
      yield* Bot.setCountdown("10", { keys: Bot.keysOf("2") })
      yield* Bot.call("GET", "/api/v3/trade/unfilled-orders", "", { keys: Bot.keysOf("2") })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      yield* Bot.call("GET", "/api/v3/trade/unfilled-orders", "")
      assert.strictEqual((yield* Simulator.countdown())._tag, "Armed")
    }).pipe(Effect.scoped, Effect.provide(Simulator.layer({ accounts: [{ uid: "1000001" }, { uid: "2" }] })))
  )

  it.effect("end with their scope, also when it fails", () =>
    Effect.gen(function* () {
      const broken = Effect.gen(function* () {
        yield* Faults.add("partition")
        yield* Faults.add("drop-answer")
        assert.lengthOf(yield* Faults.active, 2)
        return yield* beat("10", "2 seconds")
      })
      assert.strictEqual(yield* Effect.scoped(broken), "nothing")
      assert.deepStrictEqual(yield* Faults.active, [])
      yield* Effect.ignore(Effect.scoped(Effect.zipRight(broken, Effect.fail("a bug"))))
      assert.deepStrictEqual(yield* Faults.active, [])
      assert.strictEqual(yield* beat("10", "1 seconds"), "200 00000")
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("last as long as the given effect, and leave nothing behind when one of them is no fault", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Faults.during(beat("10", "2 seconds"), "drop-request", "drop-answer"), "nothing")
      assert.strictEqual(yield* beat("10", "2 seconds"), "200 00000")
      const error = yield* Effect.flip(Faults.during(beat(), "drop-request", "drop-anwser"))
      assert.strictEqual(error._tag, "FaultSyntaxError")
      assert.deepStrictEqual(yield* Faults.active, [])
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("can be removed before their scope closes, one or all", () =>
    Effect.gen(function* () {
      const partition = yield* Faults.add("partition")
      yield* Faults.add("drop-answer")
      yield* Faults.remove(partition)
      assert.deepStrictEqual(
        (yield* Faults.active).map(({ text }) => text),
        ["drop-answer"]
      )
      yield* Faults.heal
      assert.deepStrictEqual(yield* Faults.active, [])
    }).pipe(Effect.scoped, Effect.provide(Simulator.layer()))
  )

  it.effect("a bot that requests the time uses up no `times` and no `after`", () =>
    Effect.gen(function* () {
      yield* Faults.add("drop-answer;after=1;times=1")
      const time = HttpClient.get("http://bitget.test/api/v2/public/time")
      for (const saw of ["200 00000", "nothing", "200 00000"]) {
        assert.strictEqual((yield* time).status, 200)
        assert.strictEqual(yield* beat("10", "2 seconds"), saw)
      }
    }).pipe(Effect.scoped, Effect.provide(Simulator.layer()))
  )

  it.effect("a fault is over at its last act or at the end of its span, also in pictures", () =>
    Effect.gen(function* () {
      yield* Faults.add("drop-answer;times=2")
      yield* Faults.add("drop-request;from=7s;for=20s")
      for (const _ of [1, 2, 3]) yield* beat("10", "3 seconds")
      assert.deepStrictEqual(
        (yield* Faults.active).map(({ text }) => text),
        ["drop-request;from=7s;to=27s"]
      )
      yield* TestClock.adjust("51 seconds")
      assert.deepStrictEqual(yield* Faults.active, [])
      const evidence = yield* Simulator.record
      assert.deepStrictEqual(History.make(evidence).faults, [
        { label: "drop-answer;times=2", from: 0, to: 3_000 },
        { label: "drop-request;from=7s;to=27s", from: 0, to: 27_000 }
      ])
      const text = Timeline.text(evidence)
      assert.match(text, /^ *3\.000 .*- drop-answer;times=2 \(over\)/m)
      assert.match(text, /^ *27\.000 .*- drop-request;from=7s;to=27s \(over\)/m)
      assert.match(Timeline.svg(evidence), /drop-answer;times=2\n0\.000 s to 3\.000 s\nacted on 2 requests/)
      const again = yield* Journal.fromNdjson(Journal.toNdjson(evidence.entries))
      assert.deepStrictEqual(History.make({ ...evidence, entries: again }).faults, History.make(evidence).faults)
    }).pipe(Effect.scoped, Effect.provide(Simulator.layer()))
  )

  const chaos = (seed: number) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(0)
      return yield* Effect.gen(function* () {
        yield* Faults.add("delay-request;by=exp(300ms);probability=0.5")
        yield* Faults.add("drop-answer;probability=0.3")
        yield* Faults.add("duplicate;by=uniform(0ms,5s);probability=0.3")
        yield* Faults.add("garbage-body;probability=0.2")
        yield* Simulator.placeOrder()
        for (let n = 0; n < 10; n++) yield* beat("10", "1500 millis")
        yield* TestClock.adjust("20 seconds")
        const { journal } = yield* Simulator.Simulator
        return yield* journal.ndjson
      }).pipe(Effect.scoped, Effect.provide(Simulator.layer({ seed })))
    })

  it.effect("the same seed gives the same journal, byte for byte, and another seed another one", () =>
    Effect.gen(function* () {
      const first = yield* chaos(4711)
      assert.strictEqual(yield* chaos(4711), first)
      assert.notStrictEqual(yield* chaos(4712), first)
    })
  )

  it.effect(
    "the network takes a thousand faults, equal ones with different streams, and then says that it is full",
    () =>
      Effect.gen(function* () {
        const { network } = yield* Simulator.Simulator
        for (let twin = 0; twin < 1_000; twin++) yield* network.addUntilRemoved("drop-answer;account=nobody")
        const full = yield* Effect.flip(network.addUntilRemoved("hang"))
        assert.strictEqual(full._tag, "TooManyFaults")
        assert.include(full.message, "remove some")
        assert.strictEqual(new Set((yield* network.faults).map((active) => active.stream)).size, 1_000)
        yield* network.remove(1)
        assert.strictEqual((yield* network.addUntilRemoved("drop-answer;account=nobody")).stream.split("#")[1], "0")
        const tooMany = Array.from({ length: 1_001 }, () => "hang")
        const options = yield* Effect.flip(Effect.scoped(Simulator.make({ faults: tooMany })))
        assert.strictEqual(options._tag, "TooManyFaults")
      }).pipe(Effect.provide(Simulator.layer()))
  )
})
