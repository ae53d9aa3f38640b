/** The cluster's campaign: `pnpm campaign:cluster` runs more seeds, `pnpm campaign:cluster:mutants` plants the bugs. */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Campaign from "../src/cluster/Campaign.js"
import * as Evidence from "../src/cluster/Evidence.js"
import type * as Log from "../src/cluster/Log.js"
import * as Mutants from "../src/cluster/Mutants.js"
import * as Oracle from "../src/cluster/Oracle.js"
import * as Plan from "../src/cluster/Plan.js"
import * as Report from "../src/cluster/Report.js"
import * as Run from "../src/cluster/Run.js"
import { apply } from "../src/Mutants.js"

const src = Path.join(import.meta.dirname, "../../cluster/src")

describe("the cluster's campaign", () => {
  it("no seed breaks a promise", () => {
    const { failure, seeds } = Campaign.run(0, 20)
    if (failure !== undefined) assert.fail(Report.failure(failure.plan, failure.log, failure.breaches, []))
    assert.strictEqual(seeds, 20)
  })

  it("one seed gives the same run twice", () => {
    const [one, two] = [Run.run(Plan.draw(5)), Run.run(Plan.draw(5))]
    assert.strictEqual(one.trace, two.trace)
    assert.strictEqual(JSON.stringify(one), JSON.stringify(two))
  })

  it("a wall clock that is set ahead does not end the wait for a 0 that can still arrive", () => {
    const plan = Plan.draw(12_391)
    const log = Run.run(plan)
    const steps = plan.deeds.filter((deed) => deed.do === "step-wall" && deed.by > 0)
    const late = log.entries.some(
      (entry) =>
        entry._tag === "Write" &&
        entry.countdown === 0 &&
        steps.some(({ at }) => entry.at < at && at < (entry.appliedAt ?? 0) - 10_000)
    )
    assert.isTrue(late, "the seed draws something else now: find one in which a 0 arrives long after the step")
    assert.deepStrictEqual(Oracle.judge(Evidence.gather(plan, log)), [])
  })

  it("a breach names the promise and the command that replays it", () => {
    const plan = Plan.without(Plan.draw(3), [0])
    const log = Run.run(plan)
    const first = log.entries.find((entry): entry is Log.Write => entry._tag === "Write")!
    const stray: Log.Write = { ...first, at: log.end, countdown: 0, appliedAt: log.end, endAt: log.end }
    const breaches = Oracle.judge(Evidence.gather(plan, { ...log, entries: [...log.entries, stray] }))
    assert.include(
      breaches.map(({ promise }) => promise),
      "zero by permit"
    )
    const text = Report.failure(plan, log, breaches, [0])
    assert.include(text, "BROKEN: zero by permit")
    assert.include(text, "replay: pnpm campaign:cluster --seed 3 --drop 0")
  })

  for (const { changes, name } of Mutants.mutants) {
    it(`the planted bug applies: ${name}`, () => {
      for (const change of changes) {
        const text = Fs.readFileSync(Path.join(src, change.file), "utf8")
        assert.notStrictEqual(apply(text, change, name), text)
      }
    })
  }
})
