import * as Random from "@effect-deadman/simulator/Random"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"

describe("Random", () => {
  it("gives the same numbers on every machine", () => {
    assert.deepStrictEqual(
      [0, 1, 2].map((index) => Random.bits(4711, "link/request/1000001", index)),
      [1135418055, 398690535, 1579326424]
    )
  })

  it("keeps the streams apart: draws from another stream shift nothing", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 50 }), (seed, names) => {
        const mixed = Random.make(seed)
        const alone = Random.make(seed)
        const drawn = names.flatMap((name) => (name === "a" ? [mixed.draw(name)] : (mixed.draw(name), [])))
        assert.deepStrictEqual(
          drawn,
          drawn.map(() => alone.draw("a"))
        )
      })
    )
  })

  it("differs by seed (all 53 bits of it), by name and by index", () => {
    const seen = new Set<number>()
    for (const seed of [0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1]) {
      for (const name of ["", "a", "b", "ab", "ba", "a\u0100"]) {
        for (const index of [0, 1, 2, 2 ** 32]) seen.add(Random.uniform(seed, name, index))
      }
    }
    assert.strictEqual(seen.size, 5 * 6 * 4)
  })

  it("is uniform: sixteen bins of 64,000 draws each hold their share, over indices and over names", () => {
    const chiSquare = (draw: (n: number) => number) => {
      const bins = Array.from({ length: 16 }, () => 0)
      for (let n = 0; n < 64_000; n++) {
        const bin = Math.floor(draw(n) * 16)
        bins[bin] = (bins[bin] ?? 0) + 1
      }
      return bins.reduce((sum, count) => sum + (count - 4_000) ** 2 / 4_000, 0)
    }
    // 15 degrees of freedom: a fair generator exceeds 44.3 once in ten thousand times.
    assert.isBelow(
      chiSquare((n) => Random.uniform(7, "x", n)),
      44.3
    )
    assert.isBelow(
      chiSquare((n) => Random.uniform(7, `stream ${n}`, 0)),
      44.3
    )
    assert.isBelow(
      chiSquare((n) => Random.uniform(n, "x", 0)),
      44.3
    )
  })

  it("has 53 random bits: the lower ones do not depend on the upper ones", () => {
    const small = Array.from({ length: 64_000 }, (_, n) => Random.uniform(3, "x", n)).filter((u) => u < 1 / 16)
    const bins = Array.from({ length: 16 }, () => 0)
    for (const u of small) {
      const bin = Math.floor(((u * 2 ** 27) % 1) * 16)
      bins[bin] = (bins[bin] ?? 0) + 1
    }
    const share = small.length / 16
    assert.isBelow(
      bins.reduce((sum, count) => sum + (count - share) ** 2 / share, 0),
      44.3
    )
  })

  it("draws whole numbers from both ends, and normal numbers with mean 0 and deviation 1", () => {
    const whole = new Set(Array.from({ length: 200 }, (_, n) => Random.integer(1, "i", n, 3, 5)))
    assert.deepStrictEqual([...whole].sort(), [3, 4, 5])
    const normal = Array.from({ length: 20_000 }, (_, n) => Random.normal(1, "n", n))
    const mean = normal.reduce((sum, x) => sum + x, 0) / normal.length
    const variance = normal.reduce((sum, x) => sum + (x - mean) ** 2, 0) / normal.length
    assert.closeTo(mean, 0, 0.03)
    assert.closeTo(variance, 1, 0.05)
  })
})
