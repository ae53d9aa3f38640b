import { assert, describe, it } from "@effect/vitest"
import * as Supervise from "../../src/run/supervise.js"

type Step = Supervise.Event

const at = (signal: NodeJS.Signals, ms: number): Step => ({ _tag: "Signal", signal, at: ms })
const lost: Step = { _tag: "Lost", message: "lost" }
const left = (count: number): Step => ({ _tag: "Left", count })
const ended = (code: number): Step => ({ _tag: "Ended", how: { code } })
const graceOver: Step = { _tag: "GraceOver" }

/** An action as a word; what is said is left out. */
const word = (action: Supervise.Action): ReadonlyArray<string> => {
  switch (action._tag) {
    case "Say":
      return []
    case "Stop":
    case "Pass":
      return [`${action._tag} ${action.signal}`]
    case "Look":
      return [action.soon ? "Look soon" : "Look"]
    default:
      return [action._tag]
  }
}

const run = (...events: ReadonlyArray<Step>) => {
  let state = Supervise.initial
  const words: Array<string> = []
  for (const event of events) {
    const [next, actions] = Supervise.step(state, event)
    state = next
    words.push(...actions.flatMap(word))
  }
  return { state, words }
}

describe("supervise", () => {
  const table: ReadonlyArray<readonly [name: string, events: ReadonlyArray<Step>, words: ReadonlyArray<string>]> = [
    ["a program that ends with nothing left is finished", [ended(0), left(0)], ["Look", "Finish"]],
    ["each stop signal is passed on as it is, and starts the grace", [at("SIGINT", 0)], ["Stop SIGINT", "StartGrace"]],
    [
      "a signal that would only end deadman stops the program by SIGTERM",
      [at("SIGALRM", 0)],
      ["Stop SIGTERM", "StartGrace"]
    ],
    [
      "signals with a meaning of their own are passed on",
      [at("SIGUSR1", 0), at("SIGWINCH", 1)],
      ["Pass SIGUSR1", "Pass SIGWINCH"]
    ],
    ["the same stop twice is one stop", [at("SIGTERM", 0), at("SIGTERM", 1_999)], ["Stop SIGTERM", "StartGrace"]],
    ["two kinds of one stop are one stop", [at("SIGHUP", 0), at("SIGTERM", 5)], ["Stop SIGHUP", "StartGrace"]],
    [
      "repeats count from the last one",
      [at("SIGTERM", 0), at("SIGTERM", 1_500), at("SIGTERM", 3_000)],
      ["Stop SIGTERM", "StartGrace"]
    ],
    [
      "a later stop is passed on, and gives no new grace",
      [at("SIGINT", 0), at("SIGINT", 2_000)],
      ["Stop SIGINT", "StartGrace", "Stop SIGINT"]
    ],
    ["a lost switch stops the program", [lost], ["Stop SIGTERM", "StartGrace"]],
    ["a lost switch is lost once", [lost, lost], ["Stop SIGTERM", "StartGrace"]],
    [
      "a switch lost while the program winds down sends no second signal",
      [at("SIGINT", 0), lost],
      ["Stop SIGINT", "StartGrace"]
    ],
    [
      "a stop after the switch was lost sends no second signal",
      [lost, at("SIGTERM", 9_000)],
      ["Stop SIGTERM", "StartGrace"]
    ],
    [
      "a program that outlives the grace is killed",
      [at("SIGTERM", 0), graceOver],
      ["Stop SIGTERM", "StartGrace", "Kill", "Look soon"]
    ],
    [
      "killing is repeated until nothing is left",
      [lost, graceOver, left(2), ended(0), left(1), left(0)],
      ["Stop SIGTERM", "StartGrace", "Kill", "Look soon", "Kill", "Look soon", "Look", "Kill", "Look soon", "Finish"]
    ],
    [
      "what the program leaves behind is told to end, once, within a grace",
      [ended(0), left(2), left(1), left(0)],
      ["Look", "Sweep", "Pass SIGCONT", "StartGrace", "Look soon", "Look soon", "Finish"]
    ],
    [
      "what is left after a stop gets no second grace",
      [at("SIGTERM", 0), ended(143), left(1), left(0)],
      ["Stop SIGTERM", "StartGrace", "Look", "Sweep", "Pass SIGCONT", "Look soon", "Finish"]
    ],
    [
      "what outlives its grace is killed",
      [ended(0), left(1), graceOver],
      ["Look", "Sweep", "Pass SIGCONT", "StartGrace", "Look soon", "Kill", "Look soon"]
    ],
    [
      "a stop while the rest winds down sends no second signal",
      [ended(0), left(1), at("SIGTERM", 0)],
      ["Look", "Sweep", "Pass SIGCONT", "StartGrace", "Look soon"]
    ],
    [
      "Ctrl-Z stops the program before deadman",
      [at("SIGTSTP", 0), at("SIGCONT", 1)],
      ["Pass SIGSTOP", "Suspend", "Pass SIGCONT"]
    ],
    [
      "a program that stands still is continued so that the stop reaches it",
      [at("SIGTSTP", 0), lost],
      ["Pass SIGSTOP", "Suspend", "Stop SIGTERM", "Pass SIGCONT", "StartGrace"]
    ]
  ]
  for (const [name, events, words] of table) {
    it(name, () => assert.deepStrictEqual(run(...events).words, words))
  }

  it("gives up on what cannot be killed", () => {
    const { words } = run(lost, graceOver, ...Array.from({ length: 50 }, () => left(1)))
    assert.strictEqual(words.at(-1), "Finish")
    assert.strictEqual(words.filter((one) => one === "Finish").length, 1)
  })

  it("says why before it stops the program", () => {
    const [, [first]] = Supervise.step(Supervise.initial, lost)
    assert.deepStrictEqual(first, { _tag: "Say", level: "error", message: "lost" })
  })

  const codes: ReadonlyArray<readonly [name: string, events: ReadonlyArray<Step>, code: number]> = [
    ["the program's own", [ended(3)], 3],
    ["0", [ended(0)], 0],
    ["128 and the signal", [{ _tag: "Ended", how: { signal: "SIGTERM", number: 15 } }], 143],
    ["70 after a loss, whatever the program ended with", [lost, ended(0)], 70],
    ["70 when the switch is lost while the rest winds down", [ended(0), left(1), lost], 70],
    ["as after SIGKILL when the program cannot be ended", [at("SIGTERM", 0), graceOver], 137]
  ]
  for (const [name, events, code] of codes) {
    it(`ends with ${name}`, () => assert.strictEqual(Supervise.exitCode(run(...events).state), code))
  }
})
