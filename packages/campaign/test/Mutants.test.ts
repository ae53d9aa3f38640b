/** Each known bug can be planted. `pnpm campaign:mutants` checks that it is found. */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Mutants from "../src/Mutants.js"

const src = Path.join(import.meta.dirname, "../../core/src")

describe("Mutants", () => {
  for (const { changes, name } of Mutants.mutants) {
    it(`applies: ${name}`, () => {
      for (const change of changes) {
        const text = Fs.readFileSync(Path.join(src, change.file), "utf8")
        assert.notStrictEqual(Mutants.apply(text, change, name), text)
      }
    })
  }

  it("a change that has lost its place throws", () => {
    const change = { file: "Countdown.ts", find: "nothing like it", replace: "" }
    assert.throws(() => Mutants.apply("text", change, "none"), /does not apply: Countdown.ts has 0 places/)
    assert.throws(() => Mutants.apply("a a", { ...change, find: "a" }, "none"), /has 2 places/)
  })

  it("there are twenty", () => {
    assert.strictEqual(Mutants.mutants.length, 20)
  })
})
