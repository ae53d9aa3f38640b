import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { Tasks } from "../../src/world/tasks.js"

describe("Tasks", () => {
  it("come out as a sorted list would give them: earliest first, at one instant in the order of arrival", () => {
    // Few instants make many ties.
    const step = FastCheck.oneof(FastCheck.constant("take" as const), FastCheck.integer({ min: 0, max: 20 }))
    FastCheck.assert(
      FastCheck.property(FastCheck.array(step, { maxLength: 400 }), (steps) => {
        const tasks = new Tasks()
        const taken: Array<number> = []
        const expected: Array<number> = []
        let list: Array<{ readonly at: number; readonly name: number }> = []
        const take = () => {
          assert.strictEqual(tasks.next, list[0]?.at ?? Infinity)
          const task = tasks.take()
          task?.run(task.at)
          expected.push(...list.splice(0, 1).map(({ name }) => name))
        }
        for (const [name, step] of steps.entries()) {
          if (step === "take") take()
          else {
            tasks.add(step, () => taken.push(name))
            list = [...list, { at: step, name }].sort((a, b) => a.at - b.at)
          }
        }
        while (list.length > 0) take()
        assert.deepStrictEqual(taken, expected)
        assert.isUndefined(tasks.take())
      })
    )
  })
})
