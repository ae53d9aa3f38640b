import * as Server from "@effect-deadman/simulator/Server"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { stripVTControlCharacters } from "node:util"
import { afterAll } from "vitest"
import * as Cli from "../../src/served/cli.js"
import * as cliOptions from "../../src/served/cliOptions.js"
import * as Processes from "../support/Processes.js"
import * as Served from "../support/Served.js"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "simulator-cli-"))
afterAll(() => Fs.rmSync(folder, { recursive: true }))

const manifest = Path.join(import.meta.dirname, "../../package.json")

/** Runs the command in this process. Returns what it prints, and whether it succeeds. */
const run = (...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const lines: Array<unknown> = []
    const print = (...line: ReadonlyArray<unknown>) => Effect.sync(() => void lines.push(...line))
    const console: Console.Console = { ...(yield* Effect.console), log: print, error: print }
    const exit = yield* Effect.exit(Console.withConsole(Cli.command(["node", "simulator", ...args]), console))
    return { succeeds: Exit.isSuccess(exit), out: stripVTControlCharacters(lines.join("\n")) }
  })

const serve = (...args: ReadonlyArray<string>) => Processes.serve("--port", "0", ...args)

describe("effect-deadman-simulator", { timeout: Processes.patience }, () => {
  it.live("serves with the variables that it prints, stops on SIGTERM, and leaves a journal that replays", () =>
    Effect.gen(function* () {
      const file = Path.join(folder, "run.ndjson")
      const start = ["--clock", "manual", "--start", "2026-01-01T00:00:00Z", "--seed", "7"]
      const server = yield* Effect.promise(() => serve("--journal", file, ...start))
      const url = server.variable("BITGET_BASE_URL")
      const keys = {
        key: server.variable("BITGET_API_KEY"),
        secret: server.variable("BITGET_SECRET_KEY"),
        passphrase: server.variable("BITGET_PASSPHRASE")
      }
      yield* Effect.promise(async () => {
        await fetch(`${url}/_sim/accounts/1000001/orders`, { method: "POST", body: "{}" })
        const armed = await Served.beat(url, "10", { keys, timestamp: Date.UTC(2026, 0, 1) })
        assert.strictEqual(armed.code, "00000")
        await fetch(`${url}/_sim/clock/advance`, { method: "POST", body: `{"ms":60000}` })
        assert.strictEqual(await server.stop("SIGTERM"), 0)
      })

      const text = Fs.readFileSync(file, "utf8")
      for (const secret of [keys.key, keys.secret, keys.passphrase]) assert.notInclude(text, secret)
      const replayed = yield* run("replay", file)
      assert.isTrue(replayed.succeeds)
      assert.include(replayed.out, "seed 7")
      assert.match(replayed.out, /10\.000 .*FIRED, cancels 1/)
      const page = Path.join(folder, "run.html")
      assert.isTrue((yield* run("replay", file, "--html", page)).succeeds)
      assert.include(Fs.readFileSync(page, "utf8"), "<svg")

      // A journal with an entry that the exchange does not produce.
      Fs.writeFileSync(file, text.replace('"cause":"countdown"', '"cause":"time_in_force"'))
      const forged = yield* run("replay", file)
      assert.isFalse(forged.succeeds)
      assert.include(forged.out, "cannot be replayed")
    })
  )

  it("serves the exchange of a venue file, and --venue changes single options of it", async () => {
    const file = Path.join(folder, "venue.json")
    Fs.writeFileSync(file, JSON.stringify({ venue: { failureStatus: 200, badCountdown: { tooShort: "48001" } } }))
    const server = await serve("--venue-file", file, "--venue", 'badCountdown={"tooLong":"48002"}')
    const url = server.variable("BITGET_BASE_URL")
    const short = await Served.beat(url, "4")
    assert.deepStrictEqual([short.status, short.code], [200, "48001"])
    await server.stop("SIGTERM")
    const changed = await serve("--venue-file", file, "--venue", "failureStatus=400")
    assert.strictEqual((await Served.beat(changed.variable("BITGET_BASE_URL"), "4")).status, 400)
    await changed.stop("SIGTERM")
  })

  it("stops on SIGINT while a fault holds a connection", async () => {
    const server = await serve("--fault", "hang")
    const url = server.variable("BITGET_BASE_URL")
    const held = Served.beat(url, "10").then(
      () => "answered",
      () => "broken off"
    )
    let page = { total: 0 }
    while (page.total < 3) page = (await (await fetch(`${url}/_sim/journal`)).json()) as typeof page
    assert.strictEqual(await server.stop("SIGINT"), 0)
    assert.strictEqual(await held, "broken off")
  })

  it("logs start, firing, cancels, faults and end as JSON lines, without a key", async () => {
    const server = Processes.start("--port", "0", "--clock", "manual", "--log", "json", "--start", "2026-01-01")
    const { url } = (await server.line(/listening/)) as { readonly url: string }
    const post = (path: string, body: string) => fetch(`${url}/_sim${path}`, { method: "POST", body })
    await post("/accounts/1000001/orders", "{}")
    await post("/accounts/1000001/beat", "{}")
    await post("/faults", `{"fault":"partition"}`)
    await post("/clock/advance", `{"ms":10000}`)
    await server.line(/cancelled/)
    assert.strictEqual(await server.stop("SIGTERM"), 0)
    const lines = server.out().trim().split("\n")
    assert.deepStrictEqual(
      lines.map((line) => (JSON.parse(line) as { readonly message: string }).message),
      ["listening", "fault added", "the switch has fired", "order cancelled by the switch", "stopped"]
    )
    assert.deepInclude(JSON.parse(lines[2] ?? ""), { time: "2026-01-01T00:00:10.000Z", account: "1000001" })
    assert.notInclude(server.out(), "secret")
  })

  const mistakes: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: string]> = [
    [["serve", "--clock", "fast"], "give real, scaled:10, manual or auto"],
    [["serve", "--account", "uid=1,key=a,secret=not-to-be-shown"], "passphrase missing"],
    [["serve", "--fault", "drop-anser"], 'position 0 has "drop-anser"'],
    [["serve", "--fault", "drop-anser"], "did you mean `drop-answer`?"],
    [["serve", "--venue", "trigerLatency=1"], "did you mean `triggerLatency`?"],
    [["serve", "--venue", "triggerLatency=-1"], "a whole number of milliseconds, 0 or more"],
    [["serve", "--venue", "__proto__=1"], 'there is no "__proto__"'],
    [["serve", "--venue-file", manifest], "package.json is no venue file: "],
    [["serve", "--account", "uid=1,__proto__=1"], 'there is no "__proto__"'],
    [["serve", "--accounts", manifest], "--accounts"],
    [["serve", "--host", "0.0.0.0"], "give a token as well"],
    [["serve", "--start", "yesterday"], "is no instant"],
    [["serve", "--port", "0", "--journal", Path.join(folder, "no", "such", "folder")], "cannot be written"],
    [["replay", manifest], "Line 1 is not an entry of a journal"],
    [["dance"], "Invalid subcommand"]
  ]
  for (const [args, message] of mistakes) {
    it.live(`fails with the reason: ${args.join(" ").replaceAll(folder, "").replace(manifest, "package.json")}`, () =>
      Effect.gen(function* () {
        const { out, succeeds } = yield* run(...args)
        assert.isFalse(succeeds, out)
        assert.include(out, message)
        assert.notInclude(out, "not-to-be-shown")
        assert.notInclude(out, "    at ")
      })
    )
  }

  it("ends with 1 after a mistake", async () => {
    const { code, out } = await Processes.run(process.execPath, [Processes.bin, "serve", "--clock", "fast"])
    assert.strictEqual(code, 1)
    assert.include(out, "give real, scaled:10, manual or auto")
  })

  it.live("names a taken port in one line", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const { out, succeeds } = yield* run("serve", "--port", new URL(url).port)
      assert.isFalse(succeeds)
      assert.include(out, "another program listens there")
      assert.lengthOf(out.trim().split("\n"), 1)
    }).pipe(Effect.provide(Server.layer()))
  )

  it.live("shows in its help every option with its default", () =>
    Effect.gen(function* () {
      const { out, succeeds } = yield* run("serve", "--help")
      assert.isTrue(succeeds)
      const names = Object.keys(cliOptions.serve).map(
        (name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
      )
      for (const name of names) {
        const [, block = ""] = new RegExp(`^${name} .*$([^]*?)(?=^--|$(?![^]))`, "m").exec(out) ?? []
        assert.match(block, /Default: \S/, name)
      }
      assert.include(out, "Default: 8790")
    })
  )

  it("prints the version of the package", async () => {
    const { code, out } = await Processes.run(process.execPath, [Processes.bin, "--version"])
    const { version } = JSON.parse(Fs.readFileSync(manifest, "utf8")) as { version: string }
    assert.deepStrictEqual([code, out.trim()], [0, version])
  })
})
