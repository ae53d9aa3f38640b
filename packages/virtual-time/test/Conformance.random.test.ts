/** Random programs on Effect's TestClock and in virtual time, and the same one twice with one seed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as VirtualTime from "../src/VirtualTime.js"
import { comparable, inVirtualTime, onIdleTestClock, type Program, recorder, type Say } from "./support/bothClocks.js"

type Tree =
  | { readonly op: "sleep"; readonly ms: number }
  | { readonly op: "say"; readonly what: number }
  | { readonly op: "seq" | "par" | "race"; readonly of: ReadonlyArray<Tree> }
  | { readonly op: "timeout" | "daemon" | "shielded" | "cleanup"; readonly ms: number; readonly of: Tree }

const trees = FastCheck.letrec<{ tree: Tree }>((tie) => ({
  tree: FastCheck.oneof(
    { maxDepth: 4, withCrossShrink: true },
    FastCheck.record({ op: FastCheck.constant("sleep" as const), ms: FastCheck.integer({ min: 0, max: 400 }) }),
    FastCheck.record({ op: FastCheck.constant("say" as const), what: FastCheck.nat(99) }),
    FastCheck.record({
      op: FastCheck.constantFrom("seq" as const, "par" as const, "race" as const),
      of: FastCheck.array(tie("tree"), { minLength: 1, maxLength: 3 })
    }),
    FastCheck.record({
      op: FastCheck.constantFrom("timeout" as const, "daemon" as const, "shielded" as const, "cleanup" as const),
      ms: FastCheck.integer({ min: 1, max: 400 }),
      of: tie("tree")
    })
  )
})).tree

/** Each leaf sleeps at a place of its own in the millisecond's thousands, so that no two meet at one instant by chance. */
const grow = <R = never>(
  say: Say,
  place: (self: Effect.Effect<void, never, R>, i: number) => Effect.Effect<void, never, R> = (self) => self
) => {
  let leaf = 0
  const eff = (tree: Tree): Effect.Effect<void, never, R> => {
    const own = ++leaf * 1000
    switch (tree.op) {
      case "sleep":
        return Effect.zipRight(Effect.sleep(own + tree.ms), say(["slept", tree.ms]))
      case "say":
        return say(tree.what)
      case "seq":
        return Effect.all(tree.of.map(eff), { discard: true })
      case "par":
        return Effect.all(
          tree.of.map((one, i) => place(eff(one), i)),
          { discard: true, concurrency: "unbounded" }
        )
      case "race":
        return Effect.raceAll(tree.of.map(eff))
      case "timeout":
        return Effect.ignore(Effect.timeout(eff(tree.of), own + tree.ms))
      case "daemon":
        return Effect.asVoid(Effect.forkDaemon(eff(tree.of)))
      case "shielded":
        return Effect.zipLeft(Effect.uninterruptible(eff(tree.of)), Effect.sleep(own + tree.ms))
      case "cleanup":
        return Effect.onInterrupt(eff(tree.of), () => Effect.zipRight(Effect.sleep(own + tree.ms), say("cleaned")))
    }
  }
  return eff
}

describe("random programs", () => {
  it.live("see the same events at the same instants under TestClock and in virtual time", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(trees, async (tree) => {
          const program: Program = {
            unordered: true,
            within: "10 minutes",
            // Daemons outlive the program: both clocks let them end.
            body: (say) => Effect.zipRight(grow(say)(tree), Effect.sleep("9 minutes"))
          }
          const virtual = comparable(program, inVirtualTime(program))
          assert.deepStrictEqual(virtual, await Effect.runPromise(onIdleTestClock(program, virtual)))
        }),
        // An example that hangs is a failure that prints its seed.
        { numRuns: 60, timeout: 120_000 }
      )
    )
  )

  it("do the same twice with one seed, and in the order of the seed", () => {
    const traces = new Set<string>()
    FastCheck.assert(
      FastCheck.property(trees, FastCheck.integer(), (tree, seed) => {
        const once = (seed: number) => {
          const { lines, say } = recorder()
          const program = grow<VirtualTime.VirtualTime>(say, (self, i) => VirtualTime.withParty(self, `party ${i}`))(
            tree
          )
          const outcome = VirtualTime.run(program, { seed, instants: "seeded", parties: "seeded" })
          // Whatever the order, no program may get stuck: Effect's combinators hold in each that the draw allows.
          assert.isTrue(Exit.isSuccess(outcome.exit), String(outcome.exit))
          traces.add(outcome.trace)
          return { ...outcome, lines }
        }
        const first = once(seed)
        const second = once(seed)
        assert.deepStrictEqual(second, first)
      }),
      { numRuns: 200 }
    )
    assert.isAbove(traces.size, 50)
  })
})
