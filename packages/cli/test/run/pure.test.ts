import * as Heartbeat from "@effect-deadman/core/HeartbeatError"
import * as Release from "@effect-deadman/core/Release"
import * as VenueError from "@effect-deadman/core/VenueError"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as Exit from "effect/Exit"
import * as exitCodes from "../../src/exitCodes.js"
import { explain } from "../../src/explain.js"
import { line } from "../../src/run/line.js"
import * as Output from "../../src/run/output.js"
import * as Program from "../../src/run/program.js"
import { policy } from "../../src/run/release.js"
import * as Report from "../../src/run/report.js"
import * as Tree from "../../src/run/tree.js"
import * as Which from "../../src/run/which.js"

describe("the command of a program", () => {
  const files: Readonly<Record<string, "executable" | "notExecutable">> = {
    "/bin/bot": "executable",
    "/opt/bot": "notExecutable",
    "/opt/text": "notExecutable",
    here: "executable"
  }
  const locate = (command: string, path = "/none:/opt:/bin") => {
    const found = Which.locate(command, path, (file) => files[file] ?? "missing")
    return typeof found === "string" ? found : found.code
  }
  const table: ReadonlyArray<readonly [command: string, found: string | number]> = [
    ["bot", "/bin/bot"],
    ["/bin/bot", "/bin/bot"],
    ["/opt/bot", 126],
    ["text", 126],
    ["bott", 127],
    ["./bot", 127],
    ["", 127]
  ]
  for (const [command, found] of table) {
    it(`${JSON.stringify(command)} is ${found}`, () => assert.strictEqual(locate(command), found))
  }
  it("an empty part of PATH is the current folder", () => assert.strictEqual(locate("here", ":/bin"), "./here"))
})

describe("the exit code of a failure", () => {
  it("is 77 for what the exchange refuses, 69 for what it does not answer, and known for every class", () => {
    const fields = { venueMessage: "", applied: "no", retryable: false } as const
    const codes = Object.fromEntries(
      VenueError.groups.map(({ codes: [code = ""], error }) => [
        error._tag,
        exitCodes.of(VenueError.fromCode({ ...fields, code }))
      ])
    )
    assert.deepStrictEqual(codes, {
      CredentialsRefused: 77,
      TimestampRefused: 69,
      IpRefused: 77,
      RegionRefused: 77,
      PermissionRefused: 77,
      NotUnifiedAccount: 77,
      AccountBlocked: 77,
      RateLimited: 69,
      RequestRefused: 69,
      VenueBusy: 69,
      OutcomeUnknown: 69
    })
    const others = [
      VenueError.fromCode({ ...fields, code: "1" }),
      new VenueError.TransportFailure({ ...fields, reason: "lost", detail: "" }),
      new VenueError.RequestTimeout({ ...fields, timeoutMillis: 1 }),
      new VenueError.UnreadableAnswer({ ...fields, reason: "empty", detail: "" }),
      new Heartbeat.ArmTimeout({ account: "a", armTimeout: 1 })
    ]
    assert.deepStrictEqual(others.map(exitCodes.of), [69, 69, 69, 69, 69])
  })

  it("is 70 for a lost switch, 64 for what was given, and 1 for a bug", () => {
    const lost = new Heartbeat.SwitchLost({ account: "a", reason: "Fired", timeLeft: 0 })
    const invalid = new Heartbeat.InvalidOptions({ inequality: "", numbers: "", advice: "" })
    const all = [
      lost,
      invalid,
      ConfigError.MissingData(["A"], "A is missing"),
      new TypeError("x"),
      "toString",
      undefined
    ]
    assert.deepStrictEqual(all.map(exitCodes.of), [70, 64, 64, 1, 1, 1])
  })
})

describe("the words of a failure", () => {
  it("are those of the error, without a trace", () => {
    assert.strictEqual(explain(Cause.fail(ConfigError.MissingData(["A"], "A is missing"))), "A is missing")
    assert.strictEqual(explain(Cause.fail(new exitCodes.Ending({ code: 1, message: "no" }))), "no")
  })
})

describe("the release", () => {
  const failed = (error: unknown) => Exit.fail(error)
  const ending = new exitCodes.Ending({ code: 3, message: "" })
  const notStarted = new Program.NotStarted({ message: "" })
  const lost = new Heartbeat.SwitchLost({ account: "a", reason: "MayHaveFired", timeLeft: 0 })
  const table: ReadonlyArray<
    readonly [
      string,
      Parameters<typeof policy>[0],
      Exit.Exit<unknown, unknown>,
      typeof lost | undefined,
      Release.Release
    ]
  > = [
    ["exit code 0", "cancelOnFailure", Exit.void, undefined, "Disarm"],
    ["another exit code", "cancelOnFailure", failed(ending), undefined, "CancelSoon"],
    ["another exit code, with disarm", "disarm", failed(ending), undefined, "Disarm"],
    ["a program that never started", "cancelOnFailure", failed(notStarted), undefined, "Disarm"],
    ["a lost switch", "cancelOnFailure", failed(ending), lost, "CancelSoon"],
    ["a lost switch, with disarm", "disarm", failed(ending), lost, "LetExpire"],
    ["a lost switch, and a program that never started", "cancelOnFailure", failed(notStarted), lost, "CancelSoon"]
  ]
  for (const [name, policyName, exit, loss, release] of table) {
    it(`after ${name} is ${release}`, () => assert.strictEqual(policy(policyName)(exit, loss), release))
  }
})

describe("the report", () => {
  const known = {
    account: "main",
    at: 1_000,
    earliestFire: 11_000,
    latestFire: 12_000,
    lastAcknowledged: undefined,
    failures: 0,
    cause: undefined,
    lost: undefined
  }

  it("is healthy only while the switch is armed", () => {
    const states = ["Armed", "Jeopardy", "MayHaveFired", "Fired"] as const
    const status = states.map((_tag) => Report.httpStatus(Report.of({ ...known, _tag }, 7)))
    assert.deepStrictEqual(status, [200, 503, 503, 503])
    assert.strictEqual(Report.httpStatus(Report.arming("main", 7, 0)), 503)
    const released = { _tag: "Released", account: "main", at: 0, outcome: { _tag: "Disarmed" } } as const
    assert.strictEqual(Report.httpStatus(Report.of(released, 7)), 503)
  })

  it("names the edges as instants", () => {
    assert.deepStrictEqual(Report.of({ ...known, _tag: "Armed" }, 7), {
      state: "Armed",
      account: "main",
      at: "1970-01-01T00:00:01.000Z",
      pid: 7,
      earliestFire: "1970-01-01T00:00:11.000Z",
      latestFire: "1970-01-01T00:00:12.000Z",
      failures: 0
    })
    assert.strictEqual(Report.of({ ...known, _tag: "Fired", latestFire: Infinity }, 7).latestFire, "unknown")
  })
})

describe("the log", () => {
  it("is text without a time, or JSON", () => {
    assert.strictEqual(line("text", "info", "one\ntwo", 0), "deadman: info: one\n  two")
    assert.deepStrictEqual(JSON.parse(line("json", "error", 'a "b"', 0)), {
      time: "1970-01-01T00:00:00.000Z",
      source: "deadman",
      level: "error",
      message: 'a "b"'
    })
  })

  it("reads the state of a process whose name holds parentheses and spaces", () =>
    assert.deepStrictEqual(Tree.parseStat("42 (a) b (c) S 7 40 40 0 -1"), { state: "S", parent: 7, group: 40 }))
})

describe("the output", () => {
  type Done = (error: NodeJS.ErrnoException | null, written: number) => void
  /** A descriptor whose writes end when the test says so. */
  const descriptor = () => {
    const pending: Array<{ readonly text: string; readonly done: Done }> = []
    const write = (_: number, bytes: Buffer, _from: number, _length: number, _at: null, done: Done) =>
      void pending.push({ text: bytes.toString(), done })
    return { pending, output: Output.make(2, write as unknown as Parameters<typeof Output.make>[1]) }
  }
  const failure = (code: string) => Object.assign(new Error(code), { code })

  it("keeps the order of lines, and writes what the system left over", () => {
    const { output, pending } = descriptor()
    output.line("one")
    output.line("two")
    output.line("three")
    pending[0]?.done(null, 2)
    pending[1]?.done(null, 2)
    assert.deepStrictEqual(
      pending.map(({ text }) => text),
      ["one\n", "e\n", "two\nthree\n"]
    )
  })

  it("survives a reader that has gone away", async () => {
    const { output, pending } = descriptor()
    output.line("one")
    pending[0]?.done(failure("EPIPE"), 0)
    output.line("two")
    assert.strictEqual(pending[1]?.text, "two\n")
    pending[1]?.done(failure("EPIPE"), 0)
    await output.flushed(60_000)
  })

  it("drops and counts lines for a reader that has stopped, and waits for it no longer than asked", async () => {
    const { output, pending } = descriptor()
    for (let count = 0; count < 1_011; count++) output.line("x")
    assert.lengthOf(pending, 1)
    await output.flushed(1)
    pending[0]?.done(null, 2)
    assert.include(pending[1]?.text, "deadman: warning: 10 lines were dropped")
  })
})
