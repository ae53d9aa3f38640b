import * as Fault from "@effect-deadman/simulator/Fault"
import * as Latency from "@effect-deadman/simulator/Latency"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"

const millis = fc.oneof(
  fc.nat(5_000),
  fc.nat(3_600).map((n) => n * 1_000),
  fc.nat(100).map((n) => n * 60_000)
)
const cap = fc.option(millis, { nil: undefined })
const withCap = <A extends object>(value: A, millis: number | undefined): A & { readonly cap?: number } =>
  millis === undefined ? value : { ...value, cap: millis }

const latency: fc.Arbitrary<Latency.Latency> = fc.oneof(
  millis.map((millis) => ({ _tag: "Constant" as const, millis })),
  fc.tuple(millis, millis).map(([min, extra]) => ({ _tag: "Uniform" as const, min, max: min + extra })),
  fc.tuple(millis, cap).map(([mean, cap]) => withCap({ _tag: "Exponential" as const, mean }, cap)),
  fc
    .tuple(millis, fc.double({ min: 0, max: 10, noNaN: true }), cap)
    .map(([median, sigma, cap]) => withCap({ _tag: "LogNormal" as const, median, sigma: Math.abs(sigma) }, cap))
)

const direction = fc.constantFrom("request" as const, "answer" as const)
const code = fc.nat(999_999_999).map(String)
const act: fc.Arbitrary<Fault.Act> = fc.oneof(
  fc.record({ kind: fc.constantFrom("delay-request" as const, "delay-answer" as const), by: latency }),
  fc.record({
    kind: fc.constantFrom(
      "drop-request" as const,
      "drop-answer" as const,
      "partition" as const,
      "partition-request" as const,
      "partition-answer" as const,
      "refuse-connection" as const,
      "rate-limit" as const
    )
  }) as fc.Arbitrary<Fault.Act>,
  fc.record({ kind: fc.constant("duplicate" as const), by: latency, copies: fc.integer({ min: 1, max: 10 }) }),
  fc.record({ kind: fc.constant("reorder" as const), by: latency, hold: millis }),
  fc.record({
    kind: fc.constantFrom("reset" as const, "empty-body" as const, "garbage-body" as const, "hang" as const),
    direction
  }),
  fc.record({
    kind: fc.constant("status" as const),
    status: fc.integer({ min: 400, max: 599 }),
    page: fc.constantFrom("html" as const, "ring-balancer" as const),
    direction
  }),
  fc.record({ kind: fc.constant("truncated-body" as const), keep: fc.nat(1_000_000) }),
  fc.record({
    kind: fc.constant("maintenance" as const),
    code: fc.constantFrom("45001", "40725", "40808", "40015"),
    direction
  }),
  fc.record({ kind: fc.constant("error-after-apply" as const), code }),
  fc.record({ kind: fc.constant("error-after-apply" as const), status: fc.integer({ min: 400, max: 599 }) }),
  fc.record({ kind: fc.constant("code" as const), code })
)

const names = fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/), { minLength: 1, maxLength: 3 })
const selection: fc.Arbitrary<Fault.Selection> = fc
  .record(
    {
      account: names,
      endpoint: names,
      countdown: fc.constantFrom("0", "on", "10", "5.0", "-1"),
      after: fc.nat(1_000),
      times: fc.integer({ min: 1, max: 1_000 }),
      from: millis,
      to: millis,
      probability: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs)
    },
    { requiredKeys: [] }
  )
  .map((on) => (on.to === undefined ? on : { ...on, to: on.to + (on.from ?? 0) }))

const fault = fc.record({ act, on: selection })

const problemOf = (text: string) =>
  Either.match(Fault.parse(text), {
    onLeft: ({ expected, found, position }) => ({ position, found, expected }),
    onRight: (fault) => assert.fail(`${text} was read as ${JSON.stringify(fault)}`)
  })

describe("Fault", () => {
  it("prints what it reads and reads what it prints", () => {
    fc.assert(
      fc.property(fault, (fault) => {
        const text = Fault.print(fault)
        assert.deepStrictEqual(Either.getOrThrow(Fault.parse(text)), fault)
        assert.strictEqual(Fault.print(Either.getOrThrow(Fault.parse(text))), text)
      }),
      { numRuns: 1_000 }
    )
  })

  it("takes any order, spaces and defaults, and prints one form", () => {
    const same = (text: string, canonical: string) =>
      assert.strictEqual(Fault.print(Either.getOrThrow(Fault.parse(text))), canonical)
    same(" drop-answer ; times = 3 ;after=2", "drop-answer;after=2;times=3")
    same("delay-request;account=1000001;by= exp( 200ms , 2000ms )", "delay-request;by=exp(200ms,2s);account=1000001")
    same("duplicate;by=0s;copies=1", "duplicate")
    same("partition;from=5s;for=10000ms", "partition;from=5s;to=15s")
    same("error-after-apply", "error-after-apply;code=40010")
    same("status;page=html;status=504;direction=answer", "status;status=504;direction=answer")
    same("code;code=40014;account=1, 2", "code;code=40014;account=1,2")
    same("delay-answer;by=1.5s", "delay-answer;by=1500ms")
  })

  it("says where a text fails and what is allowed there", () => {
    assert.deepStrictEqual(problemOf("drop-anwser;times=1"), {
      position: 0,
      found: "drop-anwser",
      expected: [...Fault.kindNames]
    })
    assert.deepStrictEqual(problemOf("drop-answer;time=1"), {
      position: 12,
      found: "time",
      expected: ["account=", "endpoint=", "countdown=", "after=", "times=", "from=", "to=", "for=", "probability="]
    })
    assert.deepStrictEqual(problemOf("drop-answer; times=0"), {
      position: 19,
      found: "0",
      expected: ["a whole number from 1"]
    })
    assert.deepStrictEqual(problemOf("drop-answer;countdown=off"), {
      position: 22,
      found: "off",
      expected: ['"0", "on" or a value such as "10"']
    })
    assert.deepStrictEqual(problemOf("drop-answer;times=1;times=2").position, 20)
    assert.deepStrictEqual(problemOf("drop-answer;times"), { position: 17, found: "", expected: ["="] })
    assert.deepStrictEqual(problemOf("delay-request"), { position: 13, found: "", expected: [";by="] })
    assert.deepStrictEqual(problemOf("delay-request;by=uniform(2s,1s)"), {
      position: 28,
      found: "1s)",
      expected: ["a maximum of at least 2s"]
    })
    assert.deepStrictEqual(problemOf("delay-request;by=exp(1s,2s,3s)").position, 26)
    assert.deepStrictEqual(problemOf("delay-request;by=0.0001s").position, 17)
    assert.deepStrictEqual(problemOf("delay-request;by=lognormal(1s,x)").position, 30)
    assert.deepStrictEqual(problemOf("drop-answer;account=1,,2").position, 22)
    assert.deepStrictEqual(problemOf("drop-answer;probability=1.1").found, "1.1")
    assert.deepStrictEqual(problemOf("partition;to=1s;for=2s").expected, ["either for= or to=, not both"])
    assert.deepStrictEqual(problemOf("partition;from=2s;to=1s").position, 21)
    assert.deepStrictEqual(problemOf("error-after-apply;code=40010;status=504").position, 36)
    assert.deepStrictEqual(problemOf("drop-answer;").found, "")
    assert.deepStrictEqual(problemOf("").position, 0)
    assert.deepStrictEqual(problemOf("drop-answer;constructor=1").found, "constructor")
    const error = Either.flip(Fault.parse("drop-answer;times=x")).pipe(Either.getOrThrow)
    assert.strictEqual(
      error.message,
      'Not a fault: position 18 has "x", expected a whole number from 1.\n' +
        "  drop-answer;times=x\n" +
        "                    ^"
    )
  })

  it("never throws, and always points into the text, on any input", () => {
    const word = fc.constantFrom(...Fault.kindNames, "by", "times", "=", ";", "exp(", ")", ",", "1s", " ", "0")
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 12 }).map((words) => words.join(""))
    )
    fc.assert(
      fc.property(text, (text) => {
        Either.match(Fault.parse(text), {
          onLeft: (error) => {
            assert.isAtMost(error.position, text.length)
            assert.strictEqual(text.slice(error.position, error.position + error.found.length), error.found)
            assert.isAbove(error.expected.length, 0)
          },
          onRight: (fault) => assert.deepStrictEqual(Either.getOrThrow(Fault.parse(Fault.print(fault))), fault)
        })
      }),
      { numRuns: 2_000 }
    )
  })

  it("checks a value as it checks a text", () => {
    const problem = (fault: Fault.Fault) => Either.getOrThrow(Either.flip(Fault.decode(fault))).message.split("\n")[0]
    const on = {}
    assert.strictEqual(
      problem({ act: { kind: "delay-request", by: { _tag: "Uniform", min: 9, max: 3 } }, on }),
      'Not a fault: position 29 has "3ms)", expected a maximum of at least 9ms.'
    )
    assert.match(problem({ act: { kind: "drop-answer" }, on: { times: 0 } }) ?? "", /a whole number from 1/)
    assert.match(problem({ act: { kind: "drop-answer" }, on: { probability: Number.NaN } }) ?? "", /from 0 to 1/)
    assert.match(problem({ act: { kind: "partition" }, on: { from: 5, to: 4 } }) ?? "", /an end of at least 5ms/)
    assert.match(problem({ act: { kind: "partition" }, on: { from: -5 } }) ?? "", /whole milliseconds/)
    const fine: Fault.Fault = { act: { kind: "drop-answer" }, on: { times: 1 } }
    assert.deepStrictEqual(Fault.decode(fine), Either.right(fine))
  })

  it("has a schema from its text", () => {
    assert.deepStrictEqual(Schema.decodeSync(Fault.Text)("drop-answer;times=1"), {
      act: { kind: "drop-answer" },
      on: { times: 1 }
    })
    assert.throws(() => Schema.decodeSync(Fault.Text)("drop-answer;times=x"), /expected a whole number from 1/)
    assert.strictEqual(
      Schema.encodeSync(Fault.Text)({ act: { kind: "hang", direction: "answer" }, on: {} }),
      "hang;direction=answer"
    )
  })
})

describe("Latency", () => {
  const draws = (text: string) => {
    const latency = Either.getOrThrow(Latency.parse(text))
    return Array.from({ length: 20_000 }, (_, n) => Latency.sample(latency, 1, "x", n))
  }
  const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
  const median = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b)[values.length / 2] ?? Number.NaN

  it("has the mean, the median and the bounds of its text", () => {
    assert.deepStrictEqual(new Set(draws("200ms")), new Set([200]))
    const uniform = draws("uniform(50ms,60ms)")
    assert.deepStrictEqual([Math.min(...uniform), Math.max(...uniform)], [50, 60])
    assert.closeTo(mean(draws("exp(200ms)")), 200, 5)
    assert.closeTo(median(draws("lognormal(100ms,0.5)")), 100, 3)
    assert.strictEqual(Math.max(...draws("exp(200ms,300ms)")), 300)
    assert.strictEqual(Math.max(...draws("lognormal(100ms,2,1s)")), 1_000)
  })

  it("never draws a fraction, a negative number, or more than its longest", () => {
    fc.assert(
      fc.property(latency, fc.nat(), (latency, index) => {
        const value = Latency.sample(latency, 1, "x", index)
        assert.isTrue(Number.isInteger(value) && value >= 0 && value <= Latency.longest(latency))
      })
    )
  })
})
