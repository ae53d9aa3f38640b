/** The closing table can fail: it reports each promise that the journal breaks. */
import type * as Journal from "@effect-deadman/simulator/Journal"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { stripVTControlCharacters } from "node:util"
import { WriteStream } from "node:tty"
import * as Paint from "../src/demo/Paint.js"
import * as Screen from "../src/demo/Screen.js"
import * as Story from "../src/demo/Story.js"
import * as Verdict from "../src/demo/Verdict.js"

const account = "7"
const trial = { account, countdown: 5_000, latency: 1_000 }
const order = { category: "SPOT", symbol: "BTCUSDT", side: "buy", orderType: "limit", qty: "1" } as const

const written = (at: number): Journal.Entry => ({
  _tag: "Switch",
  account,
  at,
  transition: at === 0 ? "armed" : "refreshed",
  deadline: at + 5_000,
  seconds: 5
})
const placed = (at: number, orderId: string): Journal.Entry => ({ _tag: "Placed", account, at, orderId, order })
const fired = (at: number): Journal.Entry => ({ _tag: "Switch", account, at, transition: "fired", deadline: at })
const closed = (at: number): Journal.Entry => ({ _tag: "Switch", account, at, transition: "closed" })
const cancelled = (at: number, orderId: string, cause: "countdown" | "request" = "countdown"): Journal.Entry => ({
  _tag: "Cancelled",
  account,
  at,
  orderId,
  cause
})
const mark = (at: number, name: string): Journal.Entry => ({ _tag: "Mark", account, at, name })

const life = [written(0), placed(10, "a"), placed(20, "b"), written(1_500), written(3_000)]
const killed = [...life, mark(4_000, "SIGKILL"), fired(8_000), cancelled(8_000, "a"), cancelled(8_000, "b")]
const stopped = [
  ...life,
  mark(4_000, "SIGTERM"),
  closed(4_100),
  mark(4_200, "ended by exit code 0"),
  mark(10_500, Verdict.marks.end)
]

const held = (rows: ReadonlyArray<Verdict.Row>) => rows.map((row) => row.held)

describe("the verdict on a kill", () => {
  const broken = (entries: ReadonlyArray<Journal.Entry>) =>
    held(Verdict.crash(entries, trial)).flatMap((one, index) => (one ? [] : [index]))

  it("holds when everything went as promised, and shows the numbers", () => {
    const rows = Verdict.crash(killed, trial)
    assert.deepStrictEqual(held(rows), [true, true, true, true])
    assert.deepStrictEqual(
      rows.map((row) => row.happened),
      [
        "armed 0.01 s before the first order",
        "2 beats, never less than 3.5 s left",
        "2 of 2 orders, 4.00 s after the kill",
        "fired once, 5.00 s after the last beat"
      ]
    )
  })

  it("detects an order before the arming", () =>
    assert.deepStrictEqual(
      broken([
        placed(-5, "a"),
        ...killed.filter((entry) => !("orderId" in entry && entry._tag === "Placed" && entry.orderId === "a"))
      ]),
      [0]
    ))
  it("detects a firing while the bot runs", () =>
    assert.deepStrictEqual(
      broken([...life, fired(3_900), cancelled(3_900, "a"), cancelled(3_900, "b"), mark(4_000, "SIGKILL")]),
      [1, 3]
    ))
  it("detects an order that stays", () => assert.deepStrictEqual(broken(killed.slice(0, -1)), [2]))
  it("detects a late cancel", () =>
    assert.deepStrictEqual(broken([...killed.slice(0, -1), cancelled(10_001, "b")]), [2]))
  it("detects a cancel by someone else's request", () =>
    assert.deepStrictEqual(broken([...killed.slice(0, -1), cancelled(8_000, "b", "request")]), [2]))
  it("detects an early firing", () =>
    assert.deepStrictEqual(
      broken([...life, mark(4_000, "SIGKILL"), fired(7_999), cancelled(7_999, "a"), cancelled(7_999, "b")]),
      [3]
    ))
  it("detects a second firing", () => assert.deepStrictEqual(broken([...killed, fired(9_000)]), [3]))
  it("does not hold when nothing happened", () => assert.deepStrictEqual(broken([]), [0, 1, 2, 3]))
  it("does not hold for the journal of another account", () =>
    assert.deepStrictEqual(held(Verdict.crash(killed, { ...trial, account: "8" })), [false, false, false, false]))
})

describe("the verdict on a stop", () => {
  const broken = (entries: ReadonlyArray<Journal.Entry>) =>
    held(Verdict.stop(entries, trial)).flatMap((one, index) => (one ? [] : [index]))

  it("holds when everything went as promised", () => assert.deepStrictEqual(broken(stopped), []))
  it("detects a switch that stays on", () =>
    assert.deepStrictEqual(
      broken(stopped.filter((entry) => !(entry._tag === "Switch" && entry.transition === "closed"))),
      [0]
    ))
  it("detects a beat after the 0", () => assert.deepStrictEqual(broken([...stopped, written(4_300)]), [0]))
  it("detects another exit", () =>
    assert.deepStrictEqual(
      broken(
        stopped.map((entry) =>
          entry._tag === "Mark" && entry.name.startsWith("ended") ? { ...entry, name: "ended by SIGSEGV" } : entry
        )
      ),
      [1]
    ))
  it("detects a firing", () => assert.deepStrictEqual(broken([...stopped, fired(8_000), cancelled(8_000, "a")]), [2]))
  it("does not hold when the watch was too short", () =>
    assert.deepStrictEqual(
      broken(
        stopped.map((entry) =>
          entry._tag === "Mark" && entry.name === Verdict.marks.end ? { ...entry, at: 10_000 } : entry
        )
      ),
      [2]
    ))
})

describe("the verdict on an exception", () => {
  const shortened: Journal.Entry = {
    _tag: "Switch",
    account,
    at: 4_800,
    transition: "refreshed",
    deadline: 9_800,
    seconds: 5
  }
  const thrown = [
    ...life,
    mark(4_000, Verdict.marks.exception),
    shortened,
    mark(5_000, "ended by exit code 1"),
    fired(9_800),
    cancelled(9_800, "a"),
    cancelled(9_800, "b")
  ]
  const broken = (entries: ReadonlyArray<Journal.Entry>) =>
    held(Verdict.exception(entries, trial)).flatMap((one, index) => (one ? [] : [index]))

  it("holds when the last write leaves 5 s and the exchange cancels", () => {
    assert.deepStrictEqual(broken(thrown), [])
    assert.strictEqual(Verdict.exception(thrown, trial)[0]?.happened, "a last write of 5 s, 0.80 s after the exception")
  })
  it("detects a countdown that was left as it was", () =>
    assert.deepStrictEqual(
      broken(thrown.map((entry) => (entry === shortened ? { ...shortened, seconds: 10 } : entry))),
      [0]
    ))
  it("detects an order that stays", () =>
    assert.deepStrictEqual(broken(thrown.filter((entry) => entry._tag !== "Cancelled" || entry.orderId !== "b")), [1]))
  it("detects an exit that claims success", () =>
    assert.deepStrictEqual(
      broken(
        thrown.map((entry) =>
          entry._tag === "Mark" && entry.name.startsWith("ended") ? { ...entry, name: "ended by exit code 0" } : entry
        )
      ),
      [2]
    ))
})

describe("the screen", () => {
  const colourOn = (isTTY: boolean, env: Readonly<Record<string, string>>) =>
    Effect.map(
      Screen.make({
        isTTY,
        columns: 80,
        hasColors: () => WriteStream.prototype.hasColors(16, env),
        write: () => true
      }),
      ({ colour }) => colour("bad", "fired") !== "fired"
    ).pipe(Effect.scoped)

  it.effect("has colours where the terminal has them, and none with NO_COLOR", () =>
    Effect.gen(function* () {
      const env = { TERM: "xterm-256color" }
      assert.isTrue(yield* colourOn(true, env))
      assert.isFalse(yield* colourOn(true, { ...env, NO_COLOR: "1" }))
      assert.isFalse(yield* colourOn(true, { TERM: "dumb" }))
      assert.isFalse(yield* colourOn(false, env))
    })
  )

  it("cuts a line by what it shows, and keeps its colours whole", () => {
    const line = `ab${Paint.coloured("calm", "cdef")}gh`
    assert.strictEqual(stripVTControlCharacters(Paint.cut(line, 4)), "abcd")
    assert.isTrue(Paint.cut(line, 4).endsWith("\u001b[0m"))
    assert.strictEqual(Paint.cut(line, 80), line)
  })
})

describe("the bar", () => {
  const style = { full: "#", empty: ".", width: 10, colour: Paint.plain }
  const told = (entries: ReadonlyArray<Journal.Entry>) => entries.reduce(Story.read, Story.beginning)

  it("shows the time left on the countdown, and refills at a beat", () => {
    assert.strictEqual(Story.bar(told([written(0)]), 2_500, style), "[#####.....]  2.5 s  0 orders")
    assert.strictEqual(Story.bar(told(life), 3_000, style), "[##########]  5.0 s  2 orders")
    assert.strictEqual(Story.bar(told(life), 9_000, style), "[..........]  0.0 s  2 orders")
    assert.strictEqual(Story.bar(told(killed), 9_000, style), "[..........]    off  0 orders")
  })

  it("shows with its colour how much is left, and without colours the same text", () => {
    const coloured = Story.bar(told([written(0)]), 4_000, { ...style, colour: Paint.coloured })
    assert.include(coloured, "\u001b[31m##\u001b[0m")
    assert.strictEqual(stripVTControlCharacters(coloured), Story.bar(told([written(0)]), 4_000, style))
  })
})
