import * as Continuity from "@effect-deadman/cluster/Continuity"
import * as FireWindow from "@effect-deadman/core/FireWindow"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"

const assumptions = { stampTolerance: 1_000, triggerLatency: 1_000 }

/** The first write of the next owner, and what its heartbeat makes of it. */
const byCore = (predecessor: Continuity.Predecessor, stamps: FireWindow.Stamps): FireWindow.Verdict => {
  const at = { mono: 5_000, wall: 9_999_999 }
  const empty = FireWindow.empty(assumptions, [], Continuity.toRecord(predecessor))
  const sent = FireWindow.sent(empty, { id: 1, at, countdown: 30_000, horizon: 30_000 })
  return FireWindow.acknowledged(sent, 1, { mono: 5_050, wall: 9_999_999 }, stamps).verdict
}

/**
 * The exchange over one hand-over. The old owner's write acts within its stamps, or further writes follow that the
 * record does not have; the new one's write acts within its stamps. The machines of the exchange differ by less than
 * the tolerance.
 */
const history = fc
  .record({
    countdown: fc.constantFrom(5_000, 10_000, 30_000),
    firstAt: fc.integer({ min: 1_000_000, max: 1_010_000 }),
    beats: fc.array(fc.integer({ min: 500, max: 40_000 }), { maxLength: 3 }),
    isLast: fc.boolean(),
    pause: fc.integer({ min: 1, max: 60_000 }),
    slack: fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: 0, max: 2_000 }))),
    skew: fc.tuple(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 0, max: 999 })),
    sweep: fc.integer({ min: 0, max: 1_000 })
  })
  .map(({ beats, countdown, firstAt, isLast, pause, skew, slack, sweep }) => {
    const writes = [firstAt, ...beats.map((_, index) => beats.slice(0, index + 1).reduce((a, b) => a + b, firstAt))]
    const nextAt = writes.at(-1)! + pause
    const recorded = isLast ? writes.at(-1)! : firstAt
    // What happened between the recorded write and the next owner's first.
    const since = [...writes.filter((at) => at >= recorded), nextAt]
    const gaps = since.slice(1).map((at, index) => at - since[index]!)
    const predecessor: Continuity.Predecessor = {
      _tag: "Write",
      acceptedAt: recorded - slack[0]! + skew[0],
      completedAt: recorded + slack[1]! + skew[0],
      countdown,
      last: isLast || beats.length === 0
    }
    const stamps = { acceptedAt: nextAt - slack[2]! + skew[1], completedAt: nextAt + slack[3]! + skew[1] }
    // It acts at the deadline, or up to `sweep` later unless something refreshes it meanwhile.
    return {
      predecessor,
      stamps,
      hasFired: gaps.some((gap) => gap > countdown + sweep),
      mayHaveFired: gaps.some((gap) => gap > countdown)
    }
  })

describe("Continuity", () => {
  it("Held is never said of a switch that fired, and Fired never of one that held", () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(history, ({ hasFired, mayHaveFired, predecessor, stamps }) => {
        const verdict = Continuity.judge(predecessor, stamps, assumptions)
        const key = `${verdict} ${hasFired}`
        seen.set(key, (seen.get(key) ?? 0) + 1)
        if (verdict === "Held") assert.isFalse(hasFired)
        if (verdict === "Fired") assert.isTrue(mayHaveFired)
        assert.notStrictEqual(verdict, "First")
      }),
      { numRuns: 5_000 }
    )
    // The draws reached what they are to judge.
    for (const key of ["Held false", "Fired true", "MayHaveFired true", "MayHaveFired false"]) {
      assert.isAbove(seen.get(key) ?? 0, 20, key)
    }
  })

  it("Held is said exactly when the heartbeat begins as armed", () => {
    fc.assert(
      fc.property(history, ({ predecessor, stamps }) => {
        const verdict = Continuity.judge(predecessor, stamps, assumptions)
        assert.strictEqual(byCore(predecessor, stamps) === "held", verdict === "Held")
      }),
      { numRuns: 2_000 }
    )
  })

  it("an older record never makes Held of MayHaveFired", () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 20_000 }), ({ predecessor, stamps }, older) => {
        if (predecessor._tag !== "Write") return
        const behind = {
          ...predecessor,
          acceptedAt: predecessor.acceptedAt - older,
          completedAt: predecessor.completedAt - older,
          last: false
        }
        if (Continuity.judge(behind, stamps, assumptions) === "Held") {
          assert.strictEqual(Continuity.judge(predecessor, stamps, assumptions), "Held")
        }
      })
    )
  })

  it("stamps that are missing, out of order or go back in time prove nothing", () => {
    const predecessor = {
      _tag: "Write",
      acceptedAt: 100_000,
      completedAt: 100_010,
      countdown: 30_000,
      last: true
    } as const
    const judge = (stamps: FireWindow.Stamps | undefined) => Continuity.judge(predecessor, stamps, assumptions)
    assert.strictEqual(judge({ acceptedAt: 105_000, completedAt: 105_010 }), "Held")
    assert.strictEqual(judge(undefined), "MayHaveFired")
    assert.strictEqual(judge({ acceptedAt: 105_010, completedAt: 105_000 }), "MayHaveFired")
    assert.strictEqual(judge({ acceptedAt: 0, completedAt: 105_000 }), "MayHaveFired")
    assert.strictEqual(judge({ acceptedAt: 50_000, completedAt: 50_010 }), "MayHaveFired")
  })

  it("decides to the millisecond, with the tolerance of the exchange's machines on each side", () => {
    const predecessor = {
      _tag: "Write",
      acceptedAt: 100_000,
      completedAt: 100_010,
      countdown: 30_000,
      last: true
    } as const
    // The new write was accepted and completed in the same millisecond.
    const judge = (at: number, last = true) =>
      Continuity.judge({ ...predecessor, last }, { acceptedAt: at, completedAt: at }, assumptions)
    assert.strictEqual(judge(128_999), "Held")
    assert.strictEqual(judge(129_000), "MayHaveFired")
    assert.strictEqual(judge(132_010), "MayHaveFired")
    assert.strictEqual(judge(132_011), "Fired")
    assert.strictEqual(judge(132_011, false), "MayHaveFired", "the owner before may have beaten on")
    // Further back than the machines differ is back in time.
    assert.strictEqual(judge(99_000), "Held")
    assert.strictEqual(judge(98_999), "MayHaveFired")
  })

  it("a record that is out of order proves nothing", () => {
    const stamps = { acceptedAt: 105_000, completedAt: 105_010 }
    for (const [acceptedAt, completedAt] of [
      [100_011, 100_010],
      [0, 100_010],
      [-1, 100_010]
    ] as const) {
      const predecessor = { _tag: "Write", acceptedAt, completedAt, countdown: 200_000, last: true } as const
      assert.strictEqual(Continuity.judge(predecessor, stamps, assumptions), "MayHaveFired")
      assert.strictEqual(byCore(predecessor, stamps), "open")
      assert.deepStrictEqual(Continuity.toRecord(predecessor), Continuity.toRecord({ _tag: "Unproven" }))
    }
    const good = { _tag: "Write", acceptedAt: 100_010, completedAt: 100_010, countdown: 30_000, last: false } as const
    assert.strictEqual(Continuity.judge(good, stamps, assumptions), "Held")
    assert.deepStrictEqual(Continuity.toRecord(good), {
      acceptedAt: 100_010,
      completedAt: 100_010,
      shortestCountdown: 30_000
    })
  })

  it("the record of a heartbeat that began without proof is no evidence for the store", () => {
    assert.isFalse(Continuity.isEvidence(Continuity.toRecord({ _tag: "Unproven" })!))
    assert.isTrue(Continuity.isEvidence({ acceptedAt: 100_000, completedAt: 100_010 }))
  })

  it("a switch that never ran is First, and one of which no stamps are known MayHaveFired", () => {
    const stamps = { acceptedAt: 105_000, completedAt: 105_010 }
    assert.strictEqual(Continuity.judge({ _tag: "None" }, stamps, assumptions), "First")
    assert.isUndefined(Continuity.toRecord({ _tag: "None" }))
    assert.strictEqual(Continuity.judge({ _tag: "Unproven" }, stamps, assumptions), "MayHaveFired")
    assert.strictEqual(byCore({ _tag: "Unproven" }, stamps), "open")
  })

  it("only the sign-off of the epoch before makes its record the last write", () => {
    const row = { epoch: 4, acceptedAt: 1, completedAt: 2, shortestBefore: 30_000, signedOff: 3, isLast: true }
    const last = (change: Partial<typeof row>) => {
      const predecessor = Continuity.predecessorOf({ ...row, ...change })
      return predecessor._tag === "Write" && predecessor.last
    }
    assert.isTrue(last({}))
    assert.isFalse(last({ signedOff: 2 }))
    assert.isFalse(last({ isLast: false }))
  })

  it("the row says whether anything ran, and whether it is known when", () => {
    const row = { epoch: 4, acceptedAt: 1, completedAt: 2, shortestBefore: 30_000, signedOff: 3, isLast: false }
    const predecessor = (change: Partial<Parameters<typeof Continuity.predecessorOf>[0]>) =>
      Continuity.predecessorOf({ ...row, ...change })
    assert.deepStrictEqual(predecessor({}), {
      _tag: "Write",
      acceptedAt: 1,
      completedAt: 2,
      countdown: 30_000,
      last: false
    })
    assert.deepStrictEqual(predecessor({ shortestBefore: null }), { _tag: "None" })
    assert.deepStrictEqual(predecessor({ acceptedAt: null }), { _tag: "Unproven" })
    assert.deepStrictEqual(predecessor({ completedAt: null }), { _tag: "Unproven" })
  })
})
