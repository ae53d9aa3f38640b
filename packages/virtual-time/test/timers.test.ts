import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { type Timer, Timers } from "../src/internal/timers.js"

describe("Timers", () => {
  it("gives the same timers as a sorted list, after removals from its middle, too", () => {
    const command = FastCheck.oneof(
      {
        weight: 4,
        arbitrary: FastCheck.record({
          op: FastCheck.constant("push" as const),
          due: FastCheck.nat(9),
          rank: FastCheck.nat(1),
          owner: FastCheck.nat(2)
        })
      },
      { weight: 2, arbitrary: FastCheck.record({ op: FastCheck.constant("pop" as const) }) },
      { weight: 2, arbitrary: FastCheck.record({ op: FastCheck.constant("remove" as const), at: FastCheck.nat() }) },
      {
        weight: 1,
        arbitrary: FastCheck.record({ op: FastCheck.constant("extract" as const), owner: FastCheck.nat(2) })
      }
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.array(command, { maxLength: 200, size: "max" }), (commands) => {
        const heap = new Timers<number>()
        let model: Array<Timer<number>> = []
        let sequence = 0
        const sort = () => model.sort((a, b) => a.due - b.due || a.rank - b.rank || a.sequence - b.sequence)
        for (const command of commands) {
          switch (command.op) {
            case "push": {
              const timer: Timer<number> = { ...command, sequence: sequence++, fire: () => {}, index: -1 }
              heap.push(timer)
              model.push(timer)
              sort()
              break
            }
            case "pop": {
              const first = heap.peek()
              assert.strictEqual(first, model.shift())
              if (first !== undefined) assert.isTrue(heap.remove(first))
              break
            }
            case "remove": {
              const timer = model[command.at % Math.max(1, model.length)]
              if (timer === undefined) break
              assert.isTrue(heap.remove(timer))
              assert.isFalse(heap.remove(timer))
              model = model.filter((other) => other !== timer)
              break
            }
            case "extract":
              assert.deepStrictEqual(
                heap.extract(command.owner),
                model.filter((timer) => timer.owner === command.owner)
              )
              model = model.filter((timer) => timer.owner !== command.owner)
              break
          }
          assert.strictEqual(heap.size, model.length)
        }
        for (const timer of model) {
          assert.strictEqual(heap.peek(), timer)
          heap.remove(timer)
        }
        assert.isUndefined(heap.peek())
      })
    )
  })
})
