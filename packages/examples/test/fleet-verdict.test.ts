import type * as Journal from "@effect-deadman/simulator/Journal"
import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "../src/fleet/Verdict.js"

const change = (
  account: string,
  at: number,
  transition: "armed" | "refreshed" | "closed" | "fired"
): Journal.Entry => ({
  _tag: "Switch",
  account,
  at,
  transition
})

describe("the verdict on a fleet", () => {
  const entries = [
    change("a", 0, "armed"),
    change("b", 100, "armed"),
    change("a", 3_000, "refreshed"),
    change("a", 10_500, "refreshed"),
    change("b", 30_100, "fired"),
    change("b", 40_000, "armed"),
    change("b", 41_000, "closed")
  ]

  it("counts a gap that began before the fault as a whole, of the accounts that were hit", () => {
    assert.deepStrictEqual(Verdict.facts(entries, { hit: ["a"], since: 4_000 }), {
      longestGap: 7_500,
      fired: 0,
      zeros: 0
    })
  })

  it("sees a firing and a switch that was turned off", () => {
    assert.deepStrictEqual(Verdict.facts(entries, { hit: ["b"], since: 4_000 }), {
      longestGap: 39_900,
      fired: 1,
      zeros: 1
    })
    assert.strictEqual(Verdict.facts(entries, { hit: ["b"], since: 35_000 }).fired, 0)
  })
})
