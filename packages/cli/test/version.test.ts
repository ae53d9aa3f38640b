import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import * as Path from "node:path"
import { readFileSync } from "node:fs"

describe("deadman --version", () => {
  it("prints the version of the package", () => {
    const home = Path.join(import.meta.dirname, "..")
    const { version } = JSON.parse(readFileSync(Path.join(home, "package.json"), "utf8")) as { version: string }
    const out = execFileSync(process.execPath, [Path.join(home, "bin.mjs"), "--version"], { encoding: "utf8" })
    assert.strictEqual(out.trim(), version)
  })
})
