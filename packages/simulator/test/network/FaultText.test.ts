/**
 * The grammar of faults at its edges: the defaults and bounds of each setting, and where a mistake is.
 */
import * as Fault from "@effect-deadman/simulator/Fault"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as JSONSchema from "effect/JSONSchema"
import * as Schema from "effect/Schema"

const read = (text: string): Fault.Fault => Either.getOrThrowWith(Fault.parse(text), (error) => error)

const mistake = (text: string) =>
  Either.match(Fault.parse(text), {
    onLeft: ({ _tag, expected, found, position }) => {
      assert.strictEqual(_tag, "FaultSyntaxError")
      assert.isNotEmpty(expected)
      return [position, found] as const
    },
    onRight: (fault) => assert.fail(`${text} was read as ${JSON.stringify(fault)}`)
  })

const latency = { _tag: "Constant", millis: 0 }

describe("the text of a fault", () => {
  it("has the defaults of the table, and leaves them out when it is written", () => {
    const acts: ReadonlyArray<object> = [
      { kind: "drop-request" },
      { kind: "drop-answer" },
      { kind: "duplicate", by: latency, copies: 1 },
      { kind: "reorder", by: latency, hold: 5_000 },
      { kind: "partition" },
      { kind: "partition-request" },
      { kind: "partition-answer" },
      { kind: "refuse-connection" },
      { kind: "reset", direction: "answer" },
      { kind: "status", status: 502, page: "html", direction: "request" },
      { kind: "empty-body", direction: "answer" },
      { kind: "truncated-body", keep: 20 },
      { kind: "garbage-body", direction: "answer" },
      { kind: "rate-limit" },
      { kind: "maintenance", code: "45001", direction: "request" },
      { kind: "hang", direction: "request" }
    ]
    for (const act of acts as ReadonlyArray<Fault.Act>) {
      assert.deepStrictEqual(read(act.kind), { act, on: {} })
      assert.strictEqual(Fault.print({ act, on: {} }), act.kind)
    }
    assert.deepStrictEqual(read("error-after-apply").act, { kind: "error-after-apply", code: "40010" })
    assert.deepStrictEqual(read("error-after-apply;status=504").act, { kind: "error-after-apply", status: 504 })
    for (const text of ["delay-request", "delay-answer", "code"]) {
      assert.deepStrictEqual(mistake(text), [text.length, ""])
    }
  })

  it("takes every setting up to its bounds and none beyond", () => {
    const bounds: ReadonlyArray<readonly [setting: string, good: ReadonlyArray<string>, bad: ReadonlyArray<string>]> = [
      ["status;status", ["400", "599"], ["399", "600", "4x0", "x400", "400x", "", "-400", "4e2", "500.5"]],
      ["status;page", ["html", "ring-balancer"], ["htm", ""]],
      ["status;direction", ["request", "answer"], ["requests", ""]],
      ["duplicate;copies", ["1", "10"], ["0", "11", ""]],
      ["reorder;hold", ["0ms", "1h"], ["x", ""]],
      ["truncated-body;keep", ["0", "1000000"], ["1000001", "-1"]],
      ["maintenance;code", ["45001", "40725", "40808", "40015"], ["40016", ""]],
      ["error-after-apply;status", ["400", "599"], ["399", "600"]],
      ["code;code", ["1", "123456789"], ["1234567890", "12a", "a12", ""]],
      ["hang;after", ["0", "1000000000"], ["1000000001", "-1", ""]],
      ["hang;times", ["1", "1000000000"], ["0", "1000000001"]],
      ["hang;probability", ["0", "1", "0.25", "10e-2"], ["1.01", "-0.1", "0.5x", "x0.5", ".5", "5.", "0e5", ""]],
      ["hang;account", ["a", "A-1_z", "x".repeat(40), "1,2"], ["x".repeat(41), "", "a b", "é", "1,,2", "a/b"]],
      ["hang;endpoint", ["/api/v3/a-b_c", "x".repeat(80), "a,b/c"], ["x".repeat(81), "", "a?b", "a b"]],
      ["hang;countdown", ["0", "on", "offx", "x".repeat(20), "-1"], ["off", "x".repeat(21), "", "a b", "a,b", "a=b"]],
      ["hang;from", ["0ms", "5s"], ["-5s", ""]],
      ["hang;to", ["0ms", "5s"], ["-5s", ""]]
    ]
    for (const [setting, good, bad] of bounds) {
      for (const value of good) assert.isTrue(Either.isRight(Fault.parse(`${setting}=${value}`)), `${setting}=${value}`)
      for (const value of bad) assert.isTrue(Either.isLeft(Fault.parse(`${setting}=${value}`)), `${setting}=${value}`)
    }
    assert.deepStrictEqual(read("code;code=123456789;times=3").act, { kind: "code", code: "123456789" })
    assert.deepStrictEqual(read("hang;account= a , b;endpoint=x , /y").on, {
      account: ["a", "b"],
      endpoint: ["x", "/y"]
    })
  })

  it("a span ends no sooner than it begins, given by its end or by its length", () => {
    assert.deepStrictEqual(read("partition;from=5s;to=5s").on, { from: 5_000, to: 5_000 })
    assert.deepStrictEqual(mistake("partition;from=5s;to=4999ms"), [21, "4999ms"])
    assert.deepStrictEqual(mistake("partition;to=4999ms;from=5s"), [13, "4999ms"])
    assert.deepStrictEqual(read("partition;for=3s").on, { to: 3_000 })
    assert.deepStrictEqual(read("partition;for=3s;from=2s").on, { from: 2_000, to: 5_000 })
    assert.deepStrictEqual(mistake("partition;for=3s;to=3s"), [20, "3s"])
    const longest = 1_000_000_000_000
    assert.deepStrictEqual(read(`partition;from=1ms;for=${longest - 1}ms`).on, { from: 1, to: longest })
    assert.deepStrictEqual(mistake(`partition;from=1ms;for=${longest}ms`), [23, `${longest}ms`])
  })

  it("points to the mistake, with spaces and lists around it, and offers only what is not yet given", () => {
    assert.deepStrictEqual(mistake("  hangs"), [2, "hangs"])
    assert.deepStrictEqual(mistake("hang; times =0"), [13, "0"])
    assert.deepStrictEqual(mistake("hang ;  times= 0 "), [15, "0"])
    assert.deepStrictEqual(mistake("hang; tims =1"), [6, "tims"])
    assert.deepStrictEqual(mistake("hang;account=1,22, 3 3,4"), [18, " 3 3,4"])
    assert.deepStrictEqual(mistake("hang;times=1; times=1"), [14, "times"])
    assert.deepStrictEqual(mistake("hang;toString=1"), [5, "toString"])
    assert.deepStrictEqual(mistake("hang; times ;after=1"), [11, ""])
    assert.deepStrictEqual(mistake("hang; =1"), [6, "=1"])
    assert.deepStrictEqual(mistake("error-after-apply;status=504;code=40010"), [25, "504"])
    const offered = (text: string) => Either.getOrThrow(Either.flip(Fault.parse(text))).expected
    assert.deepStrictEqual(offered("status;page=html;nothing=1"), [
      "status=",
      "direction=",
      "account=",
      "endpoint=",
      "countdown=",
      "after=",
      "times=",
      "from=",
      "to=",
      "for=",
      "probability="
    ])
    assert.deepStrictEqual(offered("delay-answer"), [";by="])
    const message = (text: string) => Either.getOrThrow(Either.flip(Fault.parse(text))).message.split("\n")
    assert.match(message("drop-anwser")[0] ?? "", /"drop-anwser".*; did you mean `drop-answer`\?$/)
    assert.match(message("code")[0] ?? "", /the end of the text.*\.$/)
    assert.deepStrictEqual(message("code").slice(1), ["  code", "      ^"])
  })

  it("is decoded from text and value alike, and in a schema it is no other object", () => {
    const fault = read("reset;direction=request;times=2")
    assert.deepStrictEqual(Fault.decode("reset;times=2;direction=request"), Either.right(fault))
    assert.deepStrictEqual(Fault.decode(fault), Either.right(fault))
    const isFault = Schema.is(Schema.typeSchema(Fault.Text))
    assert.isTrue(isFault(fault))
    for (const value of [null, undefined, "hang", {}, { on: {} }, []]) assert.isFalse(isFault(value))
    const { $ref, $defs } = JSONSchema.make(Fault.Text) as { $ref?: string; $defs?: Record<string, object> }
    assert.strictEqual($ref, "#/$defs/Fault")
    assert.deepInclude($defs?.["Fault"], { type: "string" })
    assert.property($defs?.["Fault"], "description")
  })
})

it("each kind acts at the moment that its table says", () => {
  const stages = (text: string) => Fault.stage(read(text).act)
  const moments: Readonly<Record<string, ReadonlyArray<string>>> = {
    "both ways": ["partition"],
    departure: [
      "delay-request;by=1s",
      "drop-request",
      "duplicate",
      "reorder",
      "partition-request",
      "refuse-connection",
      "reset;direction=request"
    ],
    arrival: [
      "rate-limit",
      "code;code=1",
      "status",
      "empty-body;direction=request",
      "garbage-body;direction=request",
      "maintenance",
      "hang"
    ],
    answer: [
      "delay-answer;by=1s",
      "drop-answer",
      "partition-answer",
      "truncated-body",
      "error-after-apply",
      "reset",
      "status;direction=answer",
      "empty-body",
      "garbage-body",
      "maintenance;direction=answer",
      "hang;direction=answer"
    ]
  }
  for (const [moment, texts] of Object.entries(moments)) {
    for (const text of texts) assert.strictEqual(stages(text), moment, text)
  }
})
