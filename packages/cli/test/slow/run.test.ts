/**
 * `deadman run` around real programs, over real sockets and in real time. Each test has its own exchange, and they run
 * concurrently.
 */
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { until } from "../../../core/test/support/patience.js"
import * as Deadman from "../support/deadman.js"

const { bot, botLine, botUnder, node, onTerminal, proves, run, script, shell, start, stopsOnce } = Deadman

describe.concurrent("the life of a program", () => {
  proves(
    "shortens the countdown when the program fails, and ends with its exit code",
    Effect.gen(function* () {
      const deadman = yield* start(run("--countdown", "30", ...script("process.exit(3)")))
      assert.strictEqual(yield* deadman.ended, 3)
      assert.deepStrictEqual(yield* Deadman.last, Deadman.soon)
    })
  )

  proves(
    "with --release disarm turns the switch off also when the program fails",
    Effect.gen(function* () {
      const deadman = yield* start(run("--release", "disarm", ...script("process.exit(1)")))
      assert.strictEqual(yield* deadman.ended, 1)
      assert.deepStrictEqual(yield* Deadman.last, Deadman.off)
    })
  )

  proves(
    "ends with 128 and the number of the signal that killed the program",
    Effect.gen(function* () {
      const deadman = yield* start(run(...shell("kill -KILL $$")))
      assert.strictEqual(yield* deadman.ended, 137)
      assert.deepStrictEqual(yield* Deadman.last, Deadman.soon)
    })
  )

  proves(
    "passes every word behind -- to the program, its own options included",
    Effect.gen(function* () {
      const deadman = yield* start(run("--", node, "-p", "process.argv.slice(1).join()", "--", "--version", "--grace"))
      assert.strictEqual(yield* deadman.ended, 0)
      assert.include(deadman.text(), "--version,--grace")
    })
  )

  proves(
    "starts nothing when the exchange refuses the key, and ends with 77",
    Effect.gen(function* () {
      const deadman = yield* start(run("--", node, bot), { env: { BITGET_SECRET_KEY: "another" } })
      assert.strictEqual(yield* deadman.ended, 77)
      assert.match(deadman.text(), /error: The exchange refused the credentials/)
      assert.strictEqual(deadman.log(), "")
    })
  )

  proves(
    "starts nothing when the exchange cannot be reached, and ends with 69",
    Effect.gen(function* () {
      const env = { BITGET_BASE_URL: "http://127.0.0.1:1" }
      const deadman = yield* start(run("--countdown", "5", "--", node, bot), { env })
      assert.strictEqual(yield* deadman.ended, 69)
      assert.strictEqual(deadman.log(), "")
    })
  )

  const untouched: ReadonlyArray<readonly [code: number, words: ReadonlyArray<string>, says: string]> = [
    [127, ["--", "no-such-program"], "no-such-program"],
    [126, ["--", import.meta.filename], "cannot be executed"],
    [64, ["--countdown", "4", "--", "true"], "5 s <= countdown"],
    [64, ["--grace", "-1", "--", "true"], "--grace requires seconds"],
    [64, ["--health-port", "no", "--", "true"], "--health-port requires a port"],
    [64, ["--status-file", "/nowhere/status", "--", "true"], "status file cannot be written"],
    [64, ["true"], "Give the program after --"],
    [64, ["--"], "Give the program after --"]
  ]
  for (const [code, words, says] of untouched) {
    proves(
      `touches nothing at the exchange, and ends with ${code}: ${words.join(" ").replace(import.meta.dirname, ".")}`,
      Effect.gen(function* () {
        const deadman = yield* start(run(...words))
        assert.strictEqual(yield* deadman.ended, code)
        assert.include(deadman.text(), says)
        assert.deepStrictEqual(yield* Deadman.entries("Request"), [])
      })
    )
  }
})

describe.concurrent("before the program starts", () => {
  proves(
    "a program that the system cannot start leaves the switch off, and ends deadman with 126",
    Effect.gen(function* () {
      const file = Path.join(Os.tmpdir(), `deadman-program-${process.pid}`)
      Fs.writeFileSync(file, "#!/no/such/interpreter\n", { mode: 0o755 })
      yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(file)))
      const deadman = yield* start(run("--", file))
      assert.strictEqual(yield* deadman.ended, 126)
      assert.include(deadman.text(), "cannot be run")
      assert.deepStrictEqual(yield* Deadman.last, Deadman.off)
    })
  )

  proves(
    "a stop ends deadman with 128 and the signal, and nothing was started",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("hang;endpoint=countdown-cancel-all")
      const deadman = yield* start(run("--countdown", "60", "--", node, bot))
      yield* until(
        "a call of the switch",
        Effect.map(Deadman.entries("Request"), (all) =>
          all.some(({ endpoint }) => endpoint.endsWith("countdown-cancel-all"))
        )
      )
      yield* deadman.kill("SIGTERM")
      assert.strictEqual(yield* deadman.ended, 143)
      assert.strictEqual(deadman.log(), "")
    })
  )
})

describe.concurrent("the whole tree", () => {
  proves(
    "SIGTERM stops the bot behind a shell, once, and waits for it",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(run(...shell(`${botLine}; echo done`)))
      yield* deadman.kill("SIGTERM")
      assert.strictEqual(yield* deadman.ended, 143)
      assert.isFalse(Deadman.isAlive(pid))
      assert.deepStrictEqual(Deadman.stops(deadman), ["SIGTERM 1"])
      assert.isTrue(Deadman.saidBye(deadman))
      assert.deepStrictEqual(yield* Deadman.last, Deadman.soon)
    })
  )

  proves(
    "ends what the program leaves behind, in its group and outside of it, before it turns the switch off",
    Effect.gen(function* () {
      const deadman = yield* start(
        run(...shell(`'${node}' '${bot}' group & setsid '${node}' '${bot}' daemon & sleep 3`))
      )
      const pids = yield* Deadman.bots(deadman, 2)
      assert.strictEqual(yield* deadman.ended, 0)
      assert.deepStrictEqual(pids.map(Deadman.isAlive), [false, false])
      assert.deepStrictEqual(Deadman.stops(deadman), ["SIGTERM 1", "SIGTERM 1"])
      assert.include(deadman.text(), "2 processes that it started still run")
      assert.deepStrictEqual(yield* Deadman.last, Deadman.off)
    })
  )

  proves(
    "a lost switch stops a daemon that has left the group",
    Effect.gen(function* () {
      const deadman = yield* start(run("--", node, bot, "leader"))
      const pids = yield* Deadman.bots(deadman, 2)
      yield* Deadman.refuse
      assert.strictEqual(yield* deadman.ended, 70)
      assert.deepStrictEqual(pids.map(Deadman.isAlive), [false, false])
      assert.deepStrictEqual(Deadman.stops(deadman), ["SIGTERM 1", "SIGTERM 1"])
    })
  )
})

describe.concurrent("a stubborn program", () => {
  const deaf = run("--grace", "1", "--", node, bot, "deaf")

  proves(
    "is killed after the grace when the switch is lost",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(deaf)
      yield* Deadman.refuse
      assert.strictEqual(yield* deadman.ended, 70)
      assert.isFalse(Deadman.isAlive(pid))
      assert.deepStrictEqual(Deadman.stops(deadman), ["SIGTERM 1"])
    })
  )

  proves(
    "is killed after the grace when it is told to stop, and its orders are cancelled",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(deaf)
      yield* deadman.kill("SIGTERM")
      assert.strictEqual(yield* deadman.ended, 137)
      assert.isFalse(Deadman.isAlive(pid))
      assert.deepStrictEqual(yield* Deadman.last, Deadman.soon)
    })
  )

  proves(
    "is killed after the grace when deadman dies",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(deaf)
      yield* deadman.kill("SIGKILL")
      yield* Deadman.gone(pid)
      assert.deepStrictEqual(Deadman.stops(deadman), ["SIGTERM 1"])
      yield* until(
        "the watcher says why",
        Effect.sync(() => deadman.text().includes("deadman has died"))
      )
    })
  )

  proves(
    "that was left behind is killed after the grace",
    Effect.gen(function* () {
      const deadman = yield* start(run("--grace", "1", ...shell(`'${node}' '${bot}' deaf & sleep 2`)))
      const [pid = 0] = yield* Deadman.bots(deadman)
      assert.strictEqual(yield* deadman.ended, 0)
      assert.isFalse(Deadman.isAlive(pid))
    })
  )
})

describe.concurrent("the end of deadman itself", () => {
  proves(
    "SIGKILL to the group of deadman ends the bot, too",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(run("--", node, bot))
      process.kill(-deadman.pid, "SIGKILL")
      yield* Deadman.gone(pid)
    })
  )

  proves(
    "a watcher that dies is replaced",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(run("--", node, bot))
      const watchers = (): ReadonlyArray<number> => Deadman.childrenOf(deadman.pid).filter((child) => child !== pid)
      const [first = 0] = watchers()
      process.kill(first, "SIGKILL")
      yield* Deadman.says(deadman, "the watcher has ended")
      yield* until(
        "another watcher",
        Effect.sync(() => watchers().some((child) => child !== first && Deadman.isAlive(child)))
      )
      yield* deadman.kill("SIGKILL")
      yield* Deadman.gone(pid)
    })
  )

  for (const signal of ["SIGALRM", "SIGVTALRM", "SIGXCPU", "SIGHUP"] as const) {
    proves(
      `${signal} stops the program first, and the switch is turned off`,
      Effect.gen(function* () {
        const { deadman, pid } = yield* botUnder(run("--", node, bot))
        yield* deadman.kill(signal)
        assert.strictEqual(yield* deadman.ended, 0)
        assert.isFalse(Deadman.isAlive(pid))
        assert.lengthOf(Deadman.stops(deadman), 1)
        assert.deepStrictEqual(yield* Deadman.last, Deadman.off)
      })
    )
  }

  proves(
    "SIGUSR2 is passed on to the program and ends nothing",
    Effect.gen(function* () {
      const { deadman } = yield* botUnder(run("--", node, bot))
      yield* deadman.kill("SIGUSR2")
      yield* Deadman.says(deadman, "SIGUSR2")
      yield* deadman.kill("SIGTERM")
      assert.strictEqual(yield* deadman.ended, 0)
    })
  )

  proves(
    "a closed stderr does not end it: the program stays protected, and is stopped when the switch is lost",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const { deadman, pid } = yield* botUnder(run("--", node, bot))
      deadman.child.stderr?.destroy()
      // One lost answer makes it log.
      yield* network.addUntilRemoved("drop-answer;endpoint=countdown-cancel-all;times=1")
      const before = (yield* Deadman.switches).length
      yield* until(
        "beats after the lost answer",
        Effect.map(Deadman.switches, (all) => all.length >= before + 3)
      )
      assert.isTrue(Deadman.isAlive(pid))
      yield* Deadman.refuse
      assert.strictEqual(yield* deadman.ended, 70)
      assert.isFalse(Deadman.isAlive(pid))
    })
  )

  proves(
    "a terminal that is stopped by Ctrl-S does not stop the heartbeat",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const { deadman, pid } = yield* botUnder(onTerminal("--", node, bot), Deadman.terminal)
      yield* Deadman.types("type 13")(deadman)
      // Lost answers make it log, which would wait for the terminal.
      yield* network.addUntilRemoved("drop-answer;endpoint=countdown-cancel-all;times=1")
      const before = (yield* Deadman.switches).length
      yield* until(
        "beats after the lost answer",
        Effect.map(Deadman.switches, (all) => all.length >= before + 4)
      )
      assert.notInclude(deadman.text(), "jeopardy")
      yield* Deadman.types("type 11")(deadman)
      yield* Deadman.says(deadman, "jeopardy")
      yield* Deadman.types("type 03")(deadman)
      yield* Deadman.gone(pid)
      assert.notInclude(yield* Deadman.switches, "fired")
    })
  )

  proves(
    "SIGSTOP lets the switch fire; after SIGCONT it says so before anything else, and stops the program",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(run("--", node, bot))
      yield* deadman.kill("SIGSTOP")
      yield* until(
        "the switch has fired",
        Effect.map(Deadman.switches, (all) => all.at(-1) === "fired")
      )
      const before = deadman.text().length
      const writes = (yield* Deadman.entries("Request")).length
      yield* deadman.kill("SIGCONT")
      assert.strictEqual(yield* deadman.ended, 70)
      assert.isFalse(Deadman.isAlive(pid))
      assert.match(deadman.text().slice(before), /^deadman: error: the switch (may have|has) fired/)
      assert.deepStrictEqual(Deadman.stops(deadman), ["SIGTERM 1"])
      // One write at most: the last one, that cancels what the program has placed since.
      assert.isAtMost((yield* Deadman.entries("Request")).length, writes + 1)
    })
  )

  proves(
    "Ctrl-Z stops the program with it, and SIGCONT continues both",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(run("--countdown", "60", "--", node, bot))
      yield* deadman.kill("SIGTSTP")
      yield* until(
        "both stand still",
        Effect.sync(() => Deadman.stateOf(deadman.pid) === "T" && Deadman.stateOf(pid) === "T")
      )
      yield* deadman.kill("SIGCONT")
      yield* Deadman.says(deadman, "continues after a stop: the switch is Armed")
      yield* until(
        "the program goes on",
        Effect.sync(() => Deadman.stateOf(pid) !== "T")
      )
      yield* deadman.kill("SIGTERM")
      assert.strictEqual(yield* deadman.ended, 0)
    })
  )
})

describe.concurrent("a stop arrives once", () => {
  const direct = run("--", node, bot)

  stopsOnce("when it is sent to deadman alone", direct, ({ kill }) => kill("SIGINT"), "SIGINT")
  stopsOnce(
    "when it is sent to deadman twice",
    direct,
    ({ kill }) => Effect.zipRight(kill("SIGTERM"), Effect.delay(kill("SIGTERM"), 300)),
    "SIGTERM"
  )
  stopsOnce(
    "when two kinds of it are sent",
    direct,
    ({ kill }) => Effect.zipRight(kill("SIGHUP"), kill("SIGTERM")),
    "SIGHUP"
  )
  stopsOnce("when Ctrl-C comes without a terminal", direct, Deadman.toGroup("SIGINT"), "SIGINT")
  stopsOnce("when timeout sends it", ["timeout", "600", ...direct], ({ kill }) => kill("SIGALRM"), "SIGTERM")
  stopsOnce(
    "when the terminal goes away",
    onTerminal("--", node, bot),
    Deadman.types("close"),
    "SIGHUP",
    Deadman.terminal
  )
  stopsOnce(
    "when Ctrl-C is typed and the bot is behind a shell that traps it",
    onTerminal(...shell(`trap 'echo trapped' INT; ${botLine}; exit 0`)),
    Deadman.types("type 03"),
    "SIGINT",
    Deadman.terminal
  )

  proves(
    "and a second one, after a while, is passed on",
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(run("--", node, bot, "deaf"))
      yield* deadman.kill("SIGINT")
      yield* Deadman.says(deadman, "SIGINT 1")
      yield* Effect.sleep("2100 millis")
      yield* deadman.kill("SIGINT")
      yield* Deadman.says(deadman, "SIGINT 2")
      assert.isTrue(Deadman.isAlive(pid))
    })
  )
})

describe.concurrent("signs of life", () => {
  /** The beats stop, the switch is lost, and the program is stopped, in this order. */
  const ends = (deadman: Deadman.Running, pid: number, name: string) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* deadman.ended, 70)
      assert.isFalse(Deadman.isAlive(pid))
      assert.match(deadman.text(), new RegExp(`in jeopardy[^]*Not alive: ${name}[^]*the program was not alive`))
      // The last write cancels what was placed after the switch had fired.
      assert.strictEqual((yield* Deadman.last).seconds, 5)
    })
  const limits = ["--countdown", "5", "--liveness-within", "2"]

  proves(
    "a program that no longer touches its kick file is not protected for long, and stopped",
    Effect.gen(function* () {
      const file = Path.join(Os.tmpdir(), `deadman-kick-${process.pid}`)
      yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(file, { force: true })))
      const kicking = yield* Effect.fork(
        Effect.forever(
          Effect.delay(
            Effect.sync(() => Fs.writeFileSync(file, "")),
            100
          )
        )
      )
      const { deadman, pid } = yield* botUnder(run(...limits, "--kick-file", file, "--", node, bot))
      const beats = Effect.map(Deadman.switches, (all) => all.length)
      const before = yield* beats
      yield* until(
        "beats while it is alive",
        Effect.map(beats, (now) => now >= before + 3)
      )
      yield* Fiber.interrupt(kicking)
      yield* ends(deadman, pid, "kick file")
    })
  )

  proves(
    "a program whose liveness command fails, or hangs, is not protected for long, and stopped",
    Effect.gen(function* () {
      const file = Path.join(Os.tmpdir(), `deadman-alive-${process.pid}`)
      Fs.writeFileSync(file, "")
      yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(file, { force: true })))
      const command = `test -e '${file}' || sleep 60`
      const { deadman, pid } = yield* botUnder(
        run("--countdown", "5", "--liveness-within", "4", "--liveness-command", command, "--", node, bot)
      )
      const beats = Effect.map(Deadman.switches, (all) => all.length)
      const before = yield* beats
      yield* until(
        "beats while it is alive",
        Effect.map(beats, (now) => now >= before + 3)
      )
      yield* Effect.sync(() => Fs.rmSync(file))
      yield* ends(deadman, pid, "liveness command")
    })
  )
})
