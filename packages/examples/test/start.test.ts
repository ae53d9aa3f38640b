/** The two commands of the README's first screen, as they are run. */
import { assert, describe, it } from "@effect/vitest"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.join(import.meta.dirname, "..", "..", "..")
const dist = Path.join(root, "packages", "examples", "dist")

const run = (script: string, env: Record<string, string>) =>
  new Promise<{ code: number | null; out: string; seconds: number }>((resolve, reject) => {
    const began = performance.now()
    const bare = Object.entries(process.env).filter(([name]) => !/^(BITGET|BOT)_/.test(name))
    const child = ChildProcess.spawn(process.execPath, [Path.join(dist, script)], {
      env: { ...Object.fromEntries(bare), ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let out = ""
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (out += text))
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, out, seconds: (performance.now() - began) / 1_000 }))
  })

describe("pnpm start", () => {
  it("shows both ends of a bot, and every promise held", { timeout: 60_000 }, async () => {
    // A key of the caller's own must not get into it.
    const { code, out } = await run("demo/main.js", { BITGET_API_KEY: "not-for-the-simulator", CI: "true" })
    assert.strictEqual(code, 0, out)
    assert.notInclude(out, "\u001b", "no escapes where nothing is painted")
    assert.match(out, /listens on http:\/\/127\.0\.0\.1:\d+\./)
    assert.match(out, /armed +\[#{20}\] 5\.0 s/)
    assert.match(out, /SIGKILL/)
    assert.match(out, /4 of 4 orders, \d\.\d\d s after the kill/)
    assert.match(out, /the "0" came \d\.\d\d s after the signal/)
    assert.include(out, "Every promise held.")
  })
})

describe("pnpm start:live", () => {
  it("without credentials says what to set and where the access comes from, and ends with 1", async () => {
    const { code, out } = await run("live.js", { BITGET_PASSPHRASE: "set" })
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

  it("names commands that exist, with the version of pnpm that is pinned", () => {
    const manifest = JSON.parse(Fs.readFileSync(Path.join(root, "package.json"), "utf8"))
    const named = [...readme.matchAll(/npx -y (pnpm@\S+) ([\w:]+)/g)]
    assert.isAtLeast(named.length, 2)
    for (const [, version, script = ""] of named) {
      assert.strictEqual(version, manifest.packageManager)
      assert.property(manifest.scripts, script)
    }
  })
})
