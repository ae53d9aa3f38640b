import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as Heap from "../../src/exchange/heap.js"

const drained = (heap: Heap.Heap<Heap.Ranked>): Array<Heap.Ranked> => {
  const items: Array<Heap.Ranked> = []
  for (let rest = heap; rest !== undefined; rest = Heap.pop(rest)) items.push(rest.item)
  return items
}

const byTime = (a: Heap.Ranked, b: Heap.Ranked): number => a.at - b.at || a.rank - b.rank

describe("Heap", () => {
  it("hands out what a sorted list would, and leaves every older version as it was", () => {
    // Few instants and few pops make many ties and deep trees; a start of a thousand in order makes full leaves.
    const at = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 100_000 }))
    const step = fc.oneof(fc.constant("pop" as const), at, at, at)
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { maxLength: 400 }), (filled, steps) => {
        let heap = undefined as Heap.Heap<Heap.Ranked>
        let list: Array<Heap.Ranked> = []
        let rank = 0
        const add = (at: number) => {
          const item = { at, rank: rank++ }
          heap = Heap.insert(heap, item)
          list = [...list, item].sort(byTime)
        }
        if (filled) for (let n = 0; n < 1_100; n++) add(n * 50)
        const versions = [[heap, list] as const]
        for (const [index, step] of steps.entries()) {
          if (step === "pop") {
            heap = Heap.pop(heap)
            list = list.slice(1)
          } else add(step)
          assert.strictEqual(heap?.item, list[0])
          if (index % 60 === 0) versions.push([heap, list])
        }
        for (const [version, expected] of [...versions, [heap, list] as const]) {
          assert.deepStrictEqual(drained(version), expected)
        }
      }),
      { numRuns: 60 }
    )
  })

  it("an empty heap stays empty", () => assert.isUndefined(Heap.pop(undefined)))
})
