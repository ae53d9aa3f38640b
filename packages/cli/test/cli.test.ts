/** The command line in this process: help and mistakes. */
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { stripVTControlCharacters } from "node:util"
import * as Cli from "../src/cli.js"
import * as exitCodes from "../src/exitCodes.js"
import * as Main from "../src/main.js"
import * as Run from "../src/run/command.js"

/** Runs the command. Returns what it prints, and its exit code. */
const run = (...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const lines: Array<unknown> = []
    const print = (...line: ReadonlyArray<unknown>) => Effect.sync(() => void lines.push(...line))
    const console: Console.Console = { ...(yield* Effect.console), log: print, error: print }
    const exit = yield* Cli.command(["node", "deadman", ...args]).pipe(
      Effect.provideService(Main.Signals, Main.Signals.of({ take: () => Effect.void })),
      Console.withConsole(console),
      Effect.exit
    )
    const code = Exit.match(exit, {
      onSuccess: () => 0,
      onFailure: (cause) => (cause._tag === "Fail" ? exitCodes.of(cause.error) : -1)
    })
    return { code, out: stripVTControlCharacters(lines.join("\n")) }
  })

describe("the command line of deadman", () => {
  it.live("has in its help every option with its default, the exit codes, and what it cannot do", () =>
    Effect.gen(function* () {
      const { code, out } = yield* run("run", "--help")
      assert.strictEqual(code, 0)
      const names: Readonly<Record<string, string>> = { metrics: "metrics-port", health: "health-port" }
      for (const key of Object.keys(Run.options)) {
        const name = `--${names[key] ?? key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
        const [, block = ""] = new RegExp(`^${name} .*$([^]*?)(?=^--|$(?![^]))`, "m").exec(out) ?? []
        assert.match(block, /Default: \S/, name)
      }
      for (const exit of ["128\\+n", "64", "69", "70", "77", "126", "127"]) {
        assert.match(out, new RegExp(`^${exit} +\\w`, "m"))
      }
      assert.include(out, "Nothing ends the program when")
    })
  )

  it.live("does not answer for the program behind --", () =>
    Effect.gen(function* () {
      const { code, out } = yield* run("run", "--grace", "x", "--", "bot", "--help")
      assert.strictEqual(code, 64)
      assert.notInclude(out, "EXIT CODES")
    })
  )

  const mistakes: ReadonlyArray<readonly [words: ReadonlyArray<string>, says: string]> = [
    [["run"], "Give the program after --"],
    [["run", "python", "bot.py"], "Give the program after --"],
    [["run", "--"], "Give the program after --"],
    [["run", "--grace", "-1", "--", "true"], "--grace requires seconds from 0"],
    [["run", "--log", "xml", "--", "true"], "text, json"],
    [["run", "--release", "never", "--", "true"], "cancelOnFailure, disarm"],
    [["run", "--metrics-port", "99999", "--", "true"], "--metrics-port requires a port"],
    [["run", "--liveness-within", "0", "--", "true"], "--liveness-within requires seconds from 1"],
    [["run", "--countdwn", "5", "--", "true"], "no option --countdwn"],
    [["check", "--arm"], "confirm it with --yes"],
    [["dance"], "Invalid subcommand"]
  ]
  for (const [words, says] of mistakes) {
    it.live(`refuses with 64, and says why: ${words.join(" ")}`, () =>
      Effect.gen(function* () {
        const { code, out } = yield* run(...words)
        assert.strictEqual(code, 64, out)
        assert.include(out, says)
        assert.notInclude(out, "    at ")
      })
    )
  }
})
