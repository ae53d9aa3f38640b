/** The sidecar around real programs. They run in Node here and could be in any language. */
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Arguments from "../src/sidecar/Arguments.js"
import { until } from "../../core/test/support/patience.js"
import { own } from "./support/journal.js"
import * as Template from "./support/template.js"

const { exchange, uid } = Template

const run = (script: string, ...flags: ReadonlyArray<string>) =>
  Template.start("sidecar/main.js", { args: ["run", ...flags, "--", process.execPath, "-e", script] })

/** Prints that it runs, and runs until it is ended. */
const runs = `console.log("running"); setInterval(() => {}, 1000);`

const running = (sidecar: { readonly text: () => string }) =>
  until(
    "the program runs",
    Effect.sync(() => sidecar.text().includes("running"))
  )

const last = Effect.map(own(uid, "Switch"), (switches) => {
  const { seconds, transition } = switches.at(-1) ?? {}
  return { seconds, transition }
})

const off = { seconds: undefined, transition: "closed" } as const
const soon = { seconds: 5, transition: "refreshed" } as const

describe.concurrent("sidecar", () => {
  it.live("arms before the program starts, and turns the switch off when it ends with 0", () =>
    Effect.gen(function* () {
      const sidecar = yield* run(`console.log("did its work")`)
      assert.strictEqual(yield* sidecar.ended, "exit code 0")
      assert.match(sidecar.text(), /armed with 10 s\n[^]*did its work/)
      assert.deepStrictEqual(yield* last, off)
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("shortens the countdown when the program fails, and ends with its exit code", () =>
    Effect.gen(function* () {
      const sidecar = yield* run(`process.exit(3)`, "--countdown", "30")
      assert.strictEqual(yield* sidecar.ended, "exit code 3")
      assert.deepStrictEqual(yield* last, soon)
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("shortens the countdown when the program is killed", () =>
    Effect.gen(function* () {
      const sidecar = yield* run(`process.kill(process.pid, "SIGKILL")`)
      assert.strictEqual(yield* sidecar.ended, "exit code 137")
      assert.deepStrictEqual(yield* last, soon)
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("forwards a signal, beats while the program ends, and turns the switch off afterwards", () =>
    Effect.gen(function* () {
      const windsDown = `process.on("SIGTERM", () => setTimeout(() => { console.log("bye"); process.exit(0) }, 2500));`
      const sidecar = yield* run(windsDown + runs, "--countdown", "5")
      yield* running(sidecar)
      const before = (yield* own(uid, "Switch")).length
      yield* sidecar.kill("SIGTERM")
      assert.strictEqual(yield* sidecar.ended, "exit code 0")
      assert.include(sidecar.text(), "bye")
      const after = (yield* own(uid, "Switch")).slice(before).map((entry) => entry.transition)
      assert.isAtLeast(after.length, 2)
      assert.deepStrictEqual(after, [...after.slice(1).map(() => "refreshed"), "closed"])
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("when the switch is lost, logs it and stops the program, also one that ignores SIGTERM", () =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const deaf = `process.on("SIGTERM", () => console.log("no"));`
      const sidecar = yield* run(deaf + runs, "--countdown", "5", "--grace", "1")
      yield* running(sidecar)
      yield* network.addUntilRemoved("code;code=40014;endpoint=countdown-cancel-all")
      assert.strictEqual(yield* sidecar.ended, "exit code 70")
      assert.match(sidecar.text(), /error: The exchange refused the heartbeat/)
      assert.include(sidecar.text(), "no")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("the end of its scope ends the program too", () =>
    Effect.gen(function* () {
      const sidecar = yield* Effect.scoped(Effect.tap(run(runs), running))
      // The output closes when the last process that writes to it has ended.
      assert.strictEqual(yield* sidecar.ended, "SIGKILL")
    }).pipe(Effect.provide(exchange))
  )

  it.live("starts nothing when the switch cannot be armed", () =>
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("code;code=40301;endpoint=countdown-cancel-all")
      const sidecar = yield* run(runs)
      assert.strictEqual(yield* sidecar.ended, "exit code 1")
      assert.match(sidecar.text(), /error: .*40301/)
      assert.notInclude(sidecar.text(), "running")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("a program that does not exist leaves no armed switch behind", () =>
    Effect.gen(function* () {
      const sidecar = yield* Template.start("sidecar/main.js", { args: ["run", "--", "/nowhere/bot"] })
      assert.strictEqual(yield* sidecar.ended, "exit code 127")
      assert.include(sidecar.text(), "/nowhere/bot")
      assert.deepStrictEqual(yield* last, off)
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )
})

describe("the sidecar's command line", () => {
  const wrong = (...argv: ReadonlyArray<string>) => Either.getOrElse(Either.flip(Arguments.parse(argv)), () => "good")

  it("takes options before --, and passes everything behind it to the program", () =>
    assert.deepStrictEqual(
      Arguments.parse(["run", "--countdown", "7", "--", "python", "bot.py", "--", "--grace", "1"]),
      Either.right({ countdown: 7, grace: 5, command: "python", args: ["bot.py", "--", "--grace", "1"] })
    ))

  it("refuses a mistake with a message that names it", () => {
    assert.strictEqual(wrong(), "Unknown command: none. Use: deadman run.")
    assert.strictEqual(wrong("start", "--", "x"), "Unknown command: start. Use: deadman run.")
    assert.strictEqual(wrong("run", "--"), "There is no program to run. Give it after --.")
    assert.strictEqual(wrong("run", "python"), "Unknown option: python. Use --countdown or --grace.")
    assert.strictEqual(
      wrong("run", "--countdown", "soon", "--", "x"),
      '--countdown requires whole seconds, not "soon".'
    )
    assert.strictEqual(wrong("run", "--countdown", "--", "x"), '--countdown requires whole seconds, not "".')
  })
})
