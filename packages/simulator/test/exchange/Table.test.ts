import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as Table from "../../src/exchange/table.js"

describe("Table", () => {
  it("holds what a Map would, in the same order, and leaves every older version as it was", () => {
    // Each step changes any version that there has been, so that the ways part and meet names of other ways.
    const step = fc.record({ from: fc.nat(), name: fc.integer({ min: 0, max: 60 }), value: fc.nat() })
    fc.assert(
      fc.property(fc.nat({ max: 600 }), fc.array(step, { maxLength: 120 }), (filled, steps) => {
        let first = Table.empty<number>()
        const model = new Map<string, number>()
        for (let n = 0; n < filled; n++) {
          first = Table.set(first, `old ${n}`, n)
          model.set(`old ${n}`, n)
        }
        const versions = [[first, model] as const]
        for (const { from, name, value } of steps) {
          const [table, expected] = versions[from % versions.length]!
          versions.push([Table.set(table, `${name}`, value), new Map(expected).set(`${name}`, value)])
        }
        for (const [table, expected] of versions) {
          assert.strictEqual(table.size, expected.size)
          assert.deepStrictEqual(Table.values(table), [...expected.values()])
          for (let name = 0; name <= 60; name++) {
            assert.strictEqual(Table.get(table, `${name}`), expected.get(`${name}`))
          }
        }
      }),
      { numRuns: 60 }
    )
  })
})
