/**
 * The promises of `deadman run` that matter most, with real programs, real sockets and real time. Each test has its own
 * exchange, and they run concurrently. The others are in `slow`.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Deadman from "./support/deadman.js"

const { bot, botLine, botUnder, node, onTerminal, proves, run, script, shell, start, stopsOnce } = Deadman

describe.concurrent("deadman run", () => {
  proves(
    "arms before the program starts, and turns the switch off when it ends with 0",
    Effect.gen(function* () {
      const deadman = yield* start(run(...script(`console.log("did its work")`)))
      assert.strictEqual(yield* deadman.ended, 0)
      assert.match(deadman.text(), /armed: 10 s[^]*did its work/)
      assert.deepStrictEqual(yield* Deadman.last, Deadman.off)
    })
  )

  proves(
    "a lost switch stops the bot behind a shell",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(run(...shell(`${botLine}; echo done`)))
      yield* Deadman.refuse
      assert.strictEqual(yield* deadman.ended, 70)
      assert.isFalse(Deadman.isAlive(pid))
      assert.deepStrictEqual(Deadman.stops(deadman), ["SIGTERM 1"])
      assert.isTrue(Deadman.saidBye(deadman))
    })
  )

  proves(
    "SIGTERM reaches the bot behind a shell that traps it, and the shell ends in order",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(run(...shell(`trap 'echo trapped' TERM; ${botLine}; echo done; exit 0`)))
      yield* deadman.kill("SIGTERM")
      assert.strictEqual(yield* deadman.ended, 0)
      assert.isFalse(Deadman.isAlive(pid))
      assert.deepStrictEqual(Deadman.stops(deadman), ["SIGTERM 1"])
      assert.match(deadman.text(), /bye[^]*trapped[^]*done/)
      assert.deepStrictEqual(yield* Deadman.last, Deadman.off)
    })
  )

  proves(
    "SIGKILL ends the bot behind a shell and the daemon outside of the group",
    Effect.gen(function* () {
      const deadman = yield* start(run(...shell(`${botLine} leader; echo done`)))
      const pids = yield* Deadman.bots(deadman, 2)
      yield* deadman.kill("SIGKILL")
      yield* Effect.forEach(pids, Deadman.gone)
      assert.deepStrictEqual(Deadman.stops(deadman), ["SIGTERM 1", "SIGTERM 1"])
    })
  )

  stopsOnce(
    "a stop arrives once when a process manager signals the whole group",
    run("--", node, bot),
    Deadman.toGroup("SIGTERM"),
    "SIGTERM"
  )
  stopsOnce(
    "a stop arrives once when Ctrl-C is typed on a terminal",
    onTerminal("--", node, bot),
    Deadman.types("type 03"),
    "SIGINT",
    Deadman.terminal
  )

  proves(
    "tells its state by HTTP and in a file: healthy only while the switch is armed",
    Effect.gen(function* () {
      const file = Path.join(Fs.mkdtempSync(Path.join(Os.tmpdir(), "deadman-")), "status")
      yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(Path.dirname(file), { recursive: true })))
      const ports = ["--health-port", "0", "--metrics-port", "0", "--status-file", file]
      const { deadman } = yield* botUnder(run("--grace", "2", ...ports, "--", node, bot, "deaf"))
      const [health = "", metrics = ""] = [...deadman.text().matchAll(/on (http:\S+)/g)].map(([, url = ""]) => url)
      const ask = (url: string) =>
        Effect.promise(async () => {
          const response = await fetch(url, { headers: { connection: "close" } })
          return { status: response.status, text: await response.text() }
        })
      const written = () => JSON.parse(Fs.readFileSync(file, "utf8")) as Record<string, unknown>

      const armed = yield* ask(health)
      assert.strictEqual(armed.status, 200)
      assert.include(JSON.parse(armed.text), { state: "Armed", account: "default", pid: deadman.pid })
      assert.include(written(), { state: "Armed", pid: deadman.pid })
      assert.isAbove(Date.parse(String(written()["earliestFire"])), Date.now())
      assert.match((yield* ask(metrics)).text, /^deadman_state\{account="default"\} 0$/m)
      assert.strictEqual((yield* ask(metrics.replace("/metrics", "/"))).status, 404)

      yield* Deadman.refuse
      yield* Deadman.says(deadman, "SIGTERM 1")
      const lost = yield* ask(health)
      assert.strictEqual(lost.status, 503)
      assert.include(JSON.parse(lost.text), { state: "Jeopardy" })
      assert.strictEqual(yield* deadman.ended, 70)
      assert.include(written(), { state: "Released", outcome: "Expiring" })
    })
  )
})
