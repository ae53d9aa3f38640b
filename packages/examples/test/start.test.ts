/** The commands of the root README and of the templates, run as processes. */
import { assert, describe, it } from "@effect/vitest"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import { stretched } from "../../core/test/support/patience.js"

const root = Path.join(import.meta.dirname, "..", "..", "..")
const dist = Path.join(root, "packages", "examples", "dist")

interface Running {
  readonly child: ChildProcess.ChildProcess
  readonly text: () => string
  readonly ended: Promise<{ readonly code: number | null; readonly out: string }>
}

/** Starts a command. The end of the test kills it and every process that it has started. */
const start = (context: TestContext, script: string, args: ReadonlyArray<string>, env: Record<string, string>) => {
  const bare = Object.entries(process.env).filter(([name]) => !/^(BITGET|BOT)_/.test(name))
  const child = ChildProcess.spawn(process.execPath, [Path.join(dist, script), ...args], {
    env: { ...Object.fromEntries(bare), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // Its own process group.
    detached: true
  })
  let out = ""
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (out += text))
  const ended = new Promise<{ code: number | null; out: string }>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, out }))
  })
  context.onTestFinished(async () => {
    try {
      process.kill(-(child.pid ?? NaN), "SIGKILL")
    } catch {
      // The whole group has ended already.
    }
    await ended
  })
  const running: Running = { child, text: () => out, ended }
  return running
}

const run = (context: TestContext, script: string, env: Record<string, string>, ...args: ReadonlyArray<string>) =>
  start(context, script, args, env).ended

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe.concurrent("pnpm start", () => {
  it("shows a kill, a stop and an exception, and every promise held", async (context) => {
    // A key of the caller must not reach it.
    const { code, out } = await run(context, "demo/main.js", { BITGET_API_KEY: "not-for-the-simulator", CI: "true" })
    assert.notInclude(out, "\u001b", "no escapes without a terminal")
    assert.match(out, /listens on http:\/\/127\.0\.0\.1:\d+\./)
    assert.match(out, /Open http:\/\/127\.0\.0\.1:\d+\/ in a browser/)
    assert.match(out, /armed +\[#{20}\] +5\.0 s/)
    assert.match(out, /SIGKILL/)
    assert.match(out, /4 of 4 orders, \d\.\d\d s after the kill/)
    assert.match(out, /the "0" came \d\.\d\d s after the signal/)
    assert.match(out, /the strategy throws: TypeError/)
    assert.match(out, /release .*the policy asks the exchange to cancel in 5 s/)
    assert.match(out, /a last write of 5 s/)
    // The demonstration has real time bounds, which a machine that stalls can break.
    if (stretched(0) < 1_000) {
      assert.include(out, "Every promise held.")
      assert.strictEqual(code, 0, out)
    }
  })
})

describe.concurrent("pnpm start, interrupted", () => {
  it("leaves no process behind, and does not claim success", async (context) => {
    const { child, ended, text } = start(context, "demo/main.js", [], { CI: "true" })
    const bot = await new Promise<number>((resolve, reject) => {
      child.stdout?.on("data", () => {
        const [, pid] = /runs as process (\d+)[^]*armed/.exec(text()) ?? []
        if (pid !== undefined) resolve(Number(pid))
      })
      child.once("close", () => reject(new Error(text())))
    })
    assert.isTrue(isAlive(bot))
    child.kill("SIGINT")
    const { code } = await ended
    assert.strictEqual(code, 130)
    assert.isFalse(isAlive(bot))
  })
})

describe.concurrent("pnpm example", () => {
  it("runs a template against its own exchange, and ends with the template's exit code", async (context) => {
    // A key of the caller must not reach it.
    const mine = { BITGET_API_KEY: "not-for-the-simulator", MAIN_API_KEY: "not-for-the-simulator" }
    const { code, out } = await run(context, "run.js", { ...mine, ENDING: "failure" }, "graceful-shutdown")
    assert.strictEqual(code, 1, out)
    assert.match(out, /simulated exchange on http:\/\/127\.0\.0\.1:\d+/)
    assert.include(out, "CancellingSoon")
  })

  it("names the templates when the name is unknown", async (context) => {
    const { code, out } = await run(context, "run.js", {}, "unknown")
    assert.strictEqual(code, 1)
    assert.match(out, /quickstart, market-maker/)
  })

  it("with --live starts no exchange, and a template without credentials says what is missing", async (context) => {
    const { code, out } = await run(context, "run.js", {}, "quickstart", "--live")
    assert.strictEqual(code, 1)
    assert.notInclude(out, "simulated exchange")
    assert.include(out, "BITGET_API_KEY")
  })
})

describe.concurrent("pnpm start:live", () => {
  it("without credentials names the missing variables and the way to get access, and ends with 1", async (context) => {
    const { code, out } = await run(context, "live.js", { BITGET_PASSPHRASE: "set" })
    assert.strictEqual(code, 1)
    assert.match(out, /Not set: BITGET_API_KEY, BITGET_SECRET_KEY \(or BITGET_RSA_PRIVATE_KEY/)
    assert.include(out, "business development")
    assert.include(out, "BITGET_BASE_URL")
  })
})

describe("README", () => {
  const readme = Fs.readFileSync(Path.join(root, "README.md"), "utf8")

  it("shows the quickstart as it is", () => {
    const source = Fs.readFileSync(Path.join(root, "packages", "examples", "src", "quickstart.ts"), "utf8")
    const [, block] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
    assert.strictEqual(block, source.split("\n").slice(3).join("\n"))
  })

  it("of the templates names existing files and runnable templates", async (context) => {
    const text = Fs.readFileSync(Path.join(root, "packages", "examples", "README.md"), "utf8")
    const files = [...text.matchAll(/\]\(((?:src|test)\/[^)]+)\)/g)].map(([, path = ""]) => path)
    assert.isAtLeast(files.length, 10)
    for (const path of files) assert.isTrue(Fs.existsSync(Path.join(root, "packages", "examples", path)), path)
    const known = (await run(context, "run.js", {})).out
    const named = [...text.matchAll(/pnpm example ([\w-]+)/g)].map(([, name = ""]) => name)
    assert.isAtLeast(named.length, 7)
    for (const name of named) assert.include(known, name)
  })

  it("names existing commands, with the pinned version of pnpm", () => {
    const manifest = JSON.parse(Fs.readFileSync(Path.join(root, "package.json"), "utf8"))
    const named = [...readme.matchAll(/npx -y (pnpm@\S+) (?:--silent )?([\w:]+)/g)]
    assert.isAtLeast(named.length, 2)
    for (const [, version, script = ""] of named) {
      assert.strictEqual(version, manifest.packageManager)
      assert.property(manifest.scripts, script)
    }
  })
})
