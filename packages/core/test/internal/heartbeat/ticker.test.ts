/** The one timer of a process, against a simple model of it: each member has an instant, or none. */
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import * as fc from "fast-check"
import * as Ticker from "../../../src/internal/heartbeat/ticker.js"

/** The calls, each with its member and ms, for the given plans of the members. */
const calls = (
  members: number,
  planned: ReadonlyArray<{ readonly at: number; readonly member: number; readonly due: number | "leave" }>,
  meanwhile: (own: ReadonlyArray<Fiber.RuntimeFiber<void>>) => Effect.Effect<void> = () => Effect.void,
  throwing: ReadonlySet<string> = new Set()
) => {
  const called: Array<string> = []
  const call = (what: string) => {
    called.push(what)
    if (throwing.has(what)) throw new Error(what)
  }
  const outcome = VirtualTime.run(
    Effect.gen(function* () {
      const runtime = yield* Effect.runtime()
      const clock = yield* Effect.clock
      const fibers: Array<Fiber.RuntimeFiber<void>> = []
      const ticker = new Ticker.Ticker(clock)
      const now = () => Number(clock.unsafeCurrentTimeNanos() / 1_000_000n)
      const slots = Array.from({ length: members }, (_, member) =>
        ticker.join({
          wake: () => call(`${member} at ${now()}`),
          look: () => call(`${member} looks at ${now()}`),
          stopped: () => call(`${member} stopped at ${now()}`),
          fork: (effect) => {
            const fiber = Runtime.runFork(runtime, effect, { immediate: false })
            fibers.push(fiber)
            return fiber
          }
        })
      )
      yield* Effect.fork(meanwhile(fibers))
      for (const { at, due, member } of planned) {
        yield* Effect.sleep(at - now())
        if (due === "leave") yield* ticker.leave(slots[member]!)
        else ticker.plan(slots[member]!, at + due)
      }
      yield* Effect.sleep("20 seconds")
      for (const slot of slots) yield* ticker.leave(slot)
    })
  )
  assert.isTrue(Exit.isSuccess(outcome.exit), String(outcome.exit))
  assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 })
  return called
}

describe("Ticker", () => {
  it("calls each member at the instant that it planned last, and no member that has left", () => {
    const members = 6
    const plan = fc.record({
      at: fc.integer({ min: 0, max: 5_000 }),
      member: fc.integer({ min: 0, max: members - 1 }),
      due: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 1, max: 6_000 }) },
        { weight: 1, arbitrary: fc.constant(Infinity) },
        { weight: 1, arbitrary: fc.constant("leave" as const) }
      )
    })
    fc.assert(
      fc.property(fc.array(plan, { maxLength: 40 }), (drawn) => {
        const planned = drawn.toSorted((a, b) => a.at - b.at)
        const expected: Array<{ readonly member: number; readonly at: number }> = []
        for (let member = 0; member < members; member++) {
          const own = planned.filter((one) => one.member === member)
          for (const [i, { at, due }] of own.entries()) {
            if (due === "leave") break
            const next = own[i + 1]?.at ?? Infinity
            // At one instant either the ticker or the planner runs first, and both are right.
            if (at + due === next) return
            if (at + due < next && due !== Infinity) expected.push({ member, at: at + due })
          }
        }
        const key = (one: { readonly member: number; readonly at: number }) => `${one.member} at ${one.at}`
        assert.deepStrictEqual(calls(members, planned).toSorted(), expected.map(key).toSorted())
      }),
      { numRuns: 300 }
    )
  })

  it("calls the others when one throws, and that one again", () => {
    const planned = [1_000, 1_000, 2_000].map((due, member) => ({ at: 0, member, due }))
    const called = calls(3, planned, () => Effect.void, new Set(["0 at 1000"]))
    assert.deepStrictEqual(called.toSorted(), ["0 at 1000", "0 at 2000", "1 at 1000", "2 at 2000"])
  })

  it("goes on when its fiber is interrupted from outside", () => {
    const interrupt = (fibers: ReadonlyArray<Fiber.RuntimeFiber<void>>) =>
      Effect.forEach([300, 1_200, 0], (millis) =>
        Effect.delay(
          Effect.sync(() => fibers.forEach((fiber) => fiber.unsafeInterruptAsFork(FiberId.none))),
          millis
        )
      ).pipe(Effect.asVoid)
    assert.deepStrictEqual(calls(1, [{ at: 0, member: 0, due: 3_000 }], interrupt), ["0 at 3000"])
  })
})
