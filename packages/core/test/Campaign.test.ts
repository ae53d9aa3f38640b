/** The short campaign: some 20 s of random schedules. The long one is `pnpm campaign`, see docs/campaign.md. */
import { assert, describe, it } from "@effect/vitest"
import * as Campaign from "../campaign/Campaign.js"
import * as Plan from "../campaign/Plan.js"
import * as Report from "../campaign/Report.js"

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

  it("no seed breaks a promise, and every situation is reached", { timeout: 120_000 }, () => {
    const began = performance.now()
    const tally = Campaign.run({
      from: 0,
      seeds: Infinity,
      now: () => performance.now(),
      until: began + 18_000,
      missingUntil: began + 90_000
    })
    const { failure } = tally
    if (failure !== undefined) assert.fail(Report.failure(failure.plan, failure.log, failure.verdict, []))
    assert.deepStrictEqual(Campaign.missing(tally), [])
  })
})
