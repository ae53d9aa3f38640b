/** The short campaign: some 20 s of random schedules. The long one is `pnpm campaign`, see docs/campaign.md. */
import { assert, describe, it } from "@effect/vitest"
import * as Campaign from "../src/Campaign.js"
import * as Plan from "../src/Plan.js"
import * as Report from "../src/Report.js"

describe("Campaign", () => {
  for (const [name, seed] of [
    ["the port", 0],
    ["the whole stack", 7]
  ] as const) {
    it(`the same seed twice gives the same records and the same steps: ${name}`, () => {
      assert.strictEqual(Plan.stackOf(seed), seed === 7 ? "http" : "port")
      assert.isTrue(Campaign.deterministic(seed))
    })
  }

  it("a client is not blamed for being refused its place by a copy of its own from before the healing", () => {
    // Found by the campaign: at the verdict the write after the refused one was under way.
    const { evidence, verdict } = Campaign.tryPlan(Plan.draw(5_005_568))
    const at = evidence.deeds.find(({ what }) => what === "verdict")!.at
    assert.isTrue(evidence.calls.some((call) => call.at < at && call.endAt! > at))
    assert.deepStrictEqual(verdict.breaches, [])
  })

  it("a 0 that was refused, and of which a copy was applied before the refusal was read, is excused", () => {
    const { evidence, verdict } = Campaign.tryPlan(Plan.draw(5_008_469))
    const refused = evidence.calls.find(({ code, wire }) => wire === "0" && code === "429")!
    assert.isTrue(evidence.applied.some(({ appliedAt, call }) => call === refused.id && appliedAt < refused.endAt!))
    assert.deepStrictEqual(verdict.breaches, [])
    assert.isTrue(verdict.excused.some(({ at, promise }) => promise === "8" && at < refused.endAt! + 1))
  })

  it("a host that is suspended again within a second has not had the time to notice a firing", () => {
    const { evidence, verdict } = Campaign.tryPlan(Plan.draw(6_011_786))
    const [one, two] = evidence.deeds.filter(({ what }) => what === "suspend")
    const awake = one!.at + one!.length!
    assert.isTrue(evidence.fires.some(({ at }) => at < awake) && two!.at > awake && two!.at < awake + 1_000)
    assert.deepStrictEqual(verdict.breaches, [])
  })

  it("a venue slower than the client was told is caught, with a smaller plan that shows it", () => {
    const slow = (seed: number): Plan.Plan => {
      const plan = Plan.draw(seed, { stack: "port" })
      return { ...plan, venue: { ...plan.venue, sweepPeriod: 6_000 } }
    }
    const breaks = (plan: Plan.Plan) => Campaign.tryPlan(plan).verdict.breaches.some(({ promise }) => promise === "9")
    const seed = Array.from({ length: 200 }, (_, seed) => seed).find((seed) => breaks(slow(seed)))
    if (seed === undefined) return assert.fail("200 seeds and no promise broke")
    const { dropped, judged } = Campaign.shrink(slow(seed), "9")
    assert.isAbove(dropped.length, 0)
    assert.isTrue(breaks(judged.plan))
    for (const part of Plan.parts(judged.plan)) {
      assert.isFalse(breaks(Plan.without(judged.plan, [part])), `${part} could have gone as well`)
    }
    const text = Report.failure(judged.plan, judged.log, judged.verdict, dropped)
    assert.include(text, "BROKEN: promise 9")
    assert.include(text, `replay: pnpm campaign --seed ${seed} --drop ${dropped.join(",")}`)
  })

  it("no seed breaks a promise, and every situation is reached", () => {
    const began = performance.now()
    const tally = Campaign.run({
      from: 0,
      seeds: Infinity,
      now: () => performance.now(),
      until: began + 18_000,
      missingUntil: began + 240_000
    })
    const { failure } = tally
    if (failure !== undefined) assert.fail(Report.failure(failure.plan, failure.log, failure.verdict, []))
    assert.deepStrictEqual(Campaign.missing(tally), [])
  })
})
