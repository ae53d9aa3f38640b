/** The one timer of a process, against the plainest model of it: everybody has an instant, or none. */
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import * as fc from "fast-check"
import * as Ticker from "../../../src/internal/heartbeat/ticker.js"

/** Who is called at which ms, when `planned` says who plans what and when. */
const calls = (
  members: number,
  planned: ReadonlyArray<{ readonly at: number; readonly who: number; readonly due: number | "leave" }>,
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
      const slots = Array.from({ length: members }, (_, who) =>
        ticker.join({
          wake: () => call(`${who} at ${now()}`),
          look: () => call(`${who} looks at ${now()}`),
          stopped: () => call(`${who} stopped at ${now()}`),
          fork: (effect) => {
            const fiber = Runtime.runFork(runtime, effect, { immediate: false })
            fibers.push(fiber)
            return fiber
          }
        })
      )
      yield* Effect.fork(meanwhile(fibers))
      for (const { at, due, who } of planned) {
        yield* Effect.sleep(at - now())
        if (due === "leave") yield* ticker.leave(slots[who]!)
        else ticker.plan(slots[who]!, at + due)
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
  it("calls everybody at the instant that was planned last, and nobody who has left", () => {
    const members = 6
    const plan = fc.record({
      at: fc.integer({ min: 0, max: 5_000 }),
      who: fc.integer({ min: 0, max: members - 1 }),
      due: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 1, max: 6_000 }) },
        { weight: 1, arbitrary: fc.constant(Infinity) },
        { weight: 1, arbitrary: fc.constant("leave" as const) }
      )
    })
    fc.assert(
      fc.property(fc.array(plan, { maxLength: 40 }), (drawn) => {
        const planned = drawn.toSorted((a, b) => a.at - b.at)
        const expected: Array<{ readonly who: number; readonly at: number }> = []
        for (let who = 0; who < members; who++) {
          const own = planned.filter((one) => one.who === who)
          for (const [i, { at, due }] of own.entries()) {
            if (due === "leave") break
            const next = own[i + 1]?.at ?? Infinity
            // At one instant it is the ticker's turn first or the planner's: both are right.
            if (at + due === next) return
            if (at + due < next && due !== Infinity) expected.push({ who, at: at + due })
          }
        }
        const key = (one: { readonly who: number; readonly at: number }) => `${one.who} at ${one.at}`
        assert.deepStrictEqual(calls(members, planned).toSorted(), expected.map(key).toSorted())
      }),
      { numRuns: 300 }
    )
  })

  it("calls the others when one throws, and that one again", () => {
    const planned = [1_000, 1_000, 2_000].map((due, who) => ({ at: 0, who, due }))
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
    assert.deepStrictEqual(calls(1, [{ at: 0, who: 0, due: 3_000 }], interrupt), ["0 at 3000"])
  })
})
