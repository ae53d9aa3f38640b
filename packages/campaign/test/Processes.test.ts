/** The campaign in several real processes. It loses neither a seed nor a failure between them. */
import { assert, describe, it } from "@effect/vitest"
import * as Path from "node:path"
import * as Campaign from "../src/Campaign.js"
import * as Plan from "../src/Plan.js"
import * as Processes from "../src/Processes.js"

const worker = Path.join(import.meta.dirname, "../dist/worker.js")
const planted = Path.join(import.meta.dirname, "support/planted.mjs")
const forever = { until: Infinity, now: () => 0 }

describe("the campaign in several processes", () => {
  it("every seed is handed out once, in order, and none beyond the last", () => {
    for (const [seeds, processes] of [
      [1, 4],
      [7, 2],
      [1_999, 3],
      [10_000, 4]
    ] as const) {
      const next = Processes.ranges({ from: 50, seeds, processes })
      let expected = 50
      for (let range = next(); range !== undefined; range = next()) {
        assert.strictEqual(range.from, expected)
        assert.isAbove(range.seeds, 0)
        expected += range.seeds
      }
      assert.strictEqual(expected, 50 + seeds)
    }
  })

  it("several processes have the result of one", async () => {
    const alone = Campaign.run({ from: 0, seeds: 40, ...forever })
    const { failed, shares, tally } = await Processes.run({
      program: worker,
      processes: 2,
      from: 0,
      seeds: 40,
      ...forever
    })
    assert.isUndefined(failed)
    assert.deepStrictEqual(tally, alone)
    assert.strictEqual(shares[0]!.seeds + shares[1]!.seeds, 40)
  })

  it("nothing is handed out once the time is over, and earlier ranges still count", async () => {
    let asked = 0
    const { tally } = await Processes.run({
      program: worker,
      processes: 2,
      from: 0,
      seeds: 160,
      draw: { stack: "port" },
      until: 2,
      now: () => asked++
    })
    assert.strictEqual(tally.seeds, 20)
  })

  it("the first broken promise ends all processes, and its seed is reported", async () => {
    const { failed, tally } = await Processes.run({
      program: planted,
      processes: 2,
      from: 0,
      seeds: 1_000_000,
      ...forever
    })
    if (failed === undefined) return assert.fail("no promise broke")
    assert.isBelow(tally.seeds, 1_000_000)
    const plan = Plan.draw(failed, { stack: "port" })
    const { verdict } = Campaign.tryPlan({ ...plan, venue: { ...plan.venue, sweepPeriod: 6_000 } })
    assert.isAbove(verdict.breaches.length, 0)
  })

  it("a process that ends by itself is a failure, with the seeds that it had", async () => {
    process.env["CAMPAIGN_PLANT"] = "exit"
    try {
      const problem = await Processes.run({
        program: planted,
        processes: 2,
        from: 300,
        seeds: 16,
        ...forever
      }).then(
        () => undefined,
        (error: Error) => error.message
      )
      assert.match(problem ?? "", /tried seeds 30[01] to 30[01] ended by itself \(3\)/)
    } finally {
      delete process.env["CAMPAIGN_PLANT"]
    }
  })
})
