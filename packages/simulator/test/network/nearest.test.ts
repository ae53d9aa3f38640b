import * as Fault from "@effect-deadman/simulator/Fault"
import { assert, describe, it } from "@effect/vitest"
import * as Fc from "fast-check"
import { didYouMean, nearest } from "../../src/network/nearest.js"

describe("nearest", () => {
  it("finds a name with a letter left out, doubled, replaced, or swapped with its neighbour", () => {
    const mistake = Fc.constantFrom("out" as const, "doubled" as const, "replaced" as const, "swapped" as const)
    Fc.assert(
      Fc.property(Fc.constantFrom(...Fault.kindNames), Fc.nat(), mistake, (name, place, mistake) => {
        const at = place % (name.length - 1)
        const [before, here, next, after] = [
          name.slice(0, at),
          name.charAt(at),
          name.charAt(at + 1),
          name.slice(at + 2)
        ]
        const words: Readonly<Record<typeof mistake, string>> = {
          out: before + next + after,
          doubled: before + here + here + next + after,
          replaced: `${before}_${next}${after}`,
          swapped: before + next + here + after
        }
        const word = words[mistake]
        assert.strictEqual(nearest(word, Fault.kindNames), name, word)
      })
    )
  })

  it("finds nothing for a word that is far from all names", () => {
    for (const word of ["", "x", "earthquake", "drop"]) assert.isUndefined(nearest(word, Fault.kindNames), word)
    assert.isUndefined(nearest("9", ["1", "2"]))
    assert.strictEqual(didYouMean("earthquake", Fault.kindNames), "")
  })

  it("asks with the name", () => {
    assert.strictEqual(didYouMean("drop-anser", Fault.kindNames), "; did you mean `drop-answer`?")
    assert.strictEqual(didYouMean("1000002", ["1000001"]), "; did you mean `1000001`?")
  })
})
