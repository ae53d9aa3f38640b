import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { stripVTControlCharacters } from "node:util"
import { afterAll } from "vitest"
import * as Processes from "../support/Processes.js"
import * as Served from "../support/Served.js"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "simulator-cli-"))
afterAll(() => Fs.rmSync(folder, { recursive: true }))

const run = async (...args: ReadonlyArray<string>) => {
  const { code, out } = await Processes.run(process.execPath, [Processes.bin, ...args])
  return { code, out: stripVTControlCharacters(out) }
}

const serve = (...args: ReadonlyArray<string>) => Processes.serve("--port", "0", ...args)

describe("effect-deadman-simulator", { timeout: Processes.patience }, () => {
  it("serves with what it prints, stops in order, and leaves a journal that replays", async () => {
    const file = Path.join(folder, "run.ndjson")
    const server = await serve("--journal", file, "--clock", "manual", "--start", "2026-01-01T00:00:00Z", "--seed", "7")
    const url = server.variable("BITGET_BASE_URL")
    const keys = {
      key: server.variable("BITGET_API_KEY"),
      secret: server.variable("BITGET_SECRET_KEY"),
      passphrase: server.variable("BITGET_PASSPHRASE")
    }
    const json = { method: "POST", headers: { "content-type": "application/json" } }
    await fetch(`${url}/_sim/accounts/1000001/orders`, { ...json, body: "{}" })
    const armed = await Served.beat(url, "10", { keys, timestamp: Date.UTC(2026, 0, 1) })
    assert.strictEqual(armed.code, "00000")
    await fetch(`${url}/_sim/clock/advance`, { ...json, body: `{"ms":60000}` })
    assert.strictEqual(await server.stop("SIGTERM"), 0)

    const text = Fs.readFileSync(file, "utf8")
    for (const secret of [keys.key, keys.secret, keys.passphrase]) assert.notInclude(text, secret)
    const replayed = await run("replay", file)
    assert.strictEqual(replayed.code, 0)
    assert.include(replayed.out, "seed 7")
    assert.match(replayed.out, /10\.000 .*FIRED, cancels 1/)
    const page = Path.join(folder, "run.html")
    assert.strictEqual((await run("replay", file, "--html", page)).code, 0)
    assert.include(Fs.readFileSync(page, "utf8"), "<svg")

    // A journal that tells what the exchange does not do is no journal of its.
    Fs.writeFileSync(file, text.replace('"cause":"countdown"', '"cause":"time_in_force"'))
    const forged = await run("replay", file)
    assert.strictEqual(forged.code, 1)
    assert.include(forged.out, "cannot be replayed")
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

  it("says what is wrong with what it is told, and ends with 1", async () => {
    const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, told: string]> = [
      [["serve", "--clock", "fast"], "give real, scaled:10, manual or auto"],
      [["serve", "--account", "uid=1,key=a,secret=not-to-be-told"], "passphrase missing"],
      [["serve", "--fault", "drop-anser"], "at position 0"],
      [["serve", "--venue", "triggerLatency=-1"], "a whole number of milliseconds, 0 or more"],
      [["serve", "--venue", "__proto__=1"], 'there is no "__proto__"'],
      [["serve", "--account", "uid=1,__proto__=1"], 'there is no "__proto__"'],
      [["serve", "--host", "0.0.0.0"], "give a token as well"],
      [["serve", "--start", "yesterday"], "is no instant"],
      [["serve", "--port", "0", "--journal", Path.join(folder, "no", "such", "folder")], "cannot be written"],
      [["replay", Path.join(import.meta.dirname, "../../package.json")], "Line 1 is no entry of a journal"],
      [["dance"], "Invalid subcommand"]
    ]
    const results = await Promise.all(cases.map(([args]) => run(...args)))
    for (const [index, { code, out }] of results.entries()) {
      const told = cases[index]?.[1] ?? ""
      assert.strictEqual(code, 1, out)
      assert.include(out, told)
      assert.notInclude(out, "not-to-be-told")
      assert.notInclude(out, "    at ")
    }
  })

  it("a port that is taken is told in one line", async () => {
    const server = await serve()
    const { port } = new URL(server.variable("BITGET_BASE_URL"))
    const second = await run("serve", "--port", port)
    assert.strictEqual(second.code, 1)
    assert.include(second.out, "another program listens there")
    await server.stop("SIGTERM")
  })

  it("has help and a version", async () => {
    const [help, version] = await Promise.all([run("serve", "--help"), run("--version")])
    assert.deepStrictEqual([help.code, version.code], [0, 0])
    assert.include(help.out, "--account")
    const manifest = JSON.parse(Fs.readFileSync(Path.join(import.meta.dirname, "../../package.json"), "utf8")) as {
      version: string
    }
    assert.strictEqual(version.out.trim(), manifest.version)
  })
})
