/**
 * A small campaign. `pnpm check:all` runs one that reaches every situation, and `pnpm campaign` any number of seeds.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Campaign from "../src/Campaign.js"
import * as Gaps from "../src/Gaps.js"
import type * as Log from "../src/Log.js"
import * as Oracle from "../src/Oracle.js"
import * as Plan from "../src/Plan.js"
import * as Report from "../src/Report.js"
import * as Situations from "../src/Situations.js"

/** A heartbeat with the default options in a world where nothing happens except the changes of a test. */
const calm = (changes: {
  readonly faults?: ReadonlyArray<string>
  readonly deeds: ReadonlyArray<Plan.Deed>
  readonly client?: Partial<Plan.Plan["client"]>
  readonly venue?: Partial<Plan.Plan["venue"]>
  readonly evidence?: Plan.Plan["evidence"]
}): Plan.Plan => {
  const { client, clock, venue, ...plan } = Plan.draw(0, { stack: "port" })
  return {
    ...plan,
    client: {
      ...client,
      countdown: 10,
      interval: 3_000,
      requestTimeout: 2_000,
      armTimeout: 10_000,
      releaseTimeout: 10_000,
      settle: 2_000,
      release: "disarm",
      onUncertain: "lose",
      liveness: false,
      deaf: false,
      read: true,
      ...changes.client
    },
    venue: {
      ...venue,
      boundary: "fire",
      sweepPeriod: 0,
      triggerLatency: 0,
      cancelPace: 0,
      placingLatency: 0,
      spares: false,
      timeToApply: 0,
      timeToComplete: 0,
      clockStart: "apply",
      rateWindow: "sliding",
      stamps: "headers",
      wrongMachine: undefined,
      maintenance: undefined,
      ...changes.venue
    },
    evidence: changes.evidence,
    clock: { ...clock, rate: 1, wallOffset: 0, venueOffset: 0, machineSkew: 0, skew: 0, uncertainty: 0 },
    link: { request: [10, 10], answer: [10, 10] },
    predecessor: undefined,
    needle: undefined,
    checks: [],
    sharers: undefined,
    throwing: [],
    portDies: undefined,
    clockDies: undefined,
    faults: changes.faults ?? [],
    deeds: changes.deeds
  }
}

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

  it("the same seed twice gives the same records, also with sharers, watchdogs, and a clock or a port that throws", () => {
    const kinds: ReadonlyArray<(plan: Plan.Plan) => boolean> = [
      ({ sharers }) => sharers !== undefined,
      ({ checks }) => checks.length > 0,
      ({ clockDies }) => clockDies !== undefined,
      ({ portDies }) => portDies !== undefined
    ]
    const seeds = Array.from({ length: 300 }, (_, seed) => seed)
    for (const kind of kinds) {
      const seed = seeds.find((seed) => kind(Plan.draw(seed)))
      if (seed === undefined) return assert.fail("no seed of 300 draws it")
      assert.isTrue(Campaign.deterministic(seed), `seed ${seed}`)
    }
  })

  it("a beat without a check that has passed, and one before its plan, are judged (liveness, 17)", () => {
    const plan = calm({
      client: { liveness: true },
      deeds: [{ at: 20_000, do: "close", how: "success", interruptedAfter: undefined }]
    })
    const { evidence, verdict } = Campaign.tryPlan(plan)
    assert.deepStrictEqual(verdict.breaches, [])
    const broken = (changes: Partial<typeof evidence>) =>
      Oracle.judge({ ...evidence, ...changes }).breaches.map(({ promise, at }) => `${promise} at ${at}`)
    const [check] = evidence.checked
    assert.include(broken({ checked: [{ ...check!, alive: false }] }), "liveness at 3000")
    const early = evidence.calls.map((call) => (call.id === 2 ? { ...call, at: call.at - 2 } : call))
    assert.include(broken({ calls: early }), "17 at 6000")
  })

  it("a client is not blamed when a copy from before the healing takes the place of its beat", () => {
    const plan = calm({
      faults: ["drop-answer;after=3;times=1", "duplicate;by=19990ms;after=3;times=1"],
      deeds: [
        { at: 10_000, do: "heal" },
        { at: 30_030, do: "verdict" },
        { at: 32_000, do: "close", how: "success", interruptedAfter: undefined }
      ]
    })
    const { evidence, verdict } = Campaign.tryPlan(plan)
    const at = evidence.deeds.find(({ what }) => what === "verdict")!.at
    assert.strictEqual(evidence.calls.findLast((call) => call.endAt! < at)?.code, "429")
    assert.isTrue(evidence.calls.some((call) => call.at < at && call.endAt! > at))
    assert.deepStrictEqual(verdict.breaches, [])
  })

  it("a host that is suspended again within a second has not had the time to notice a firing", () => {
    const plan = calm({
      client: { read: false },
      deeds: [
        { at: 5_400, do: "suspend", length: 20_000 },
        { at: 25_900, do: "suspend", length: 5_000 },
        { at: 40_000, do: "heal" },
        { at: 42_000, do: "close", how: "success", interruptedAfter: undefined }
      ]
    })
    const { evidence, verdict } = Campaign.tryPlan(plan)
    const [one, two] = evidence.deeds.filter(({ what }) => what === "suspend")
    const awake = one!.at + one!.length!
    assert.isTrue(evidence.fires.some(({ at }) => at < awake) && two!.at > awake && two!.at < awake + 1_000)
    assert.isTrue(evidence.claims.some(({ at, state }) => state === "Armed" && at > two!.at + two!.length!))
    assert.deepStrictEqual(verdict.breaches, [])
  })

  for (const stack of ["port", "http"] as const) {
    it(`no copy of an answered write is applied, and copies of unanswered ones are, late: ${stack}`, () => {
      let late = 0
      for (let seed = 0; seed < 20; seed++) {
        const faults = ["duplicate;by=uniform(0ms,8s)", "drop-answer;probability=0.3"]
        const { evidence } = Campaign.tryPlan({ ...Plan.draw(seed, { stack }), faults })
        for (const { appliedAt, call, copy } of evidence.applied) {
          if (copy === 0 || call === undefined) continue
          const { end, endAt } = evidence.allCalls[call]!
          if (endAt === undefined || endAt >= appliedAt) continue
          late++
          assert.include(["interrupted", "lost"], end, `seed ${seed}`)
        }
      }
      assert.isAbove(late, 0)
    })
  }

  it("a heartbeat that is lost as fired without a firing, or by one answer of a wrong machine, is judged", () => {
    const answer = { answer: 3, by: 60_000 }
    const calmed = calm({ deeds: [{ at: 30_000, do: "close", how: "success", interruptedAfter: undefined }] })
    const plan: Plan.Plan = { ...calmed, venue: { ...calmed.venue, wrongMachine: answer } }
    const { evidence, verdict } = Campaign.tryPlan(plan)
    assert.deepStrictEqual(verdict.breaches, [])
    assert.include(Situations.reached(evidence, verdict), "a single contradicting answer survived")
    for (const reason of ["Fired", "MayHaveFired"]) {
      const lost: Log.Lost = { _tag: "Lost", seq: 1e6, at: 20_000, reason }
      assert.include(
        Oracle.judge({ ...evidence, lost }).breaches.map(({ promise, at }) => `${promise} at ${at}`),
        "9 at 20000"
      )
    }
  })

  it("an answer that the client has given up on is not the first one that it hears", () => {
    const plan = calm({
      client: { deaf: true },
      faults: ["delay-answer;by=1990ms;times=1"],
      venue: { stamps: "requestTime", wrongMachine: { answer: 1, by: -60_000 } },
      deeds: [{ at: 30_000, do: "close", how: "success", interruptedAfter: undefined }]
    })
    const { evidence, verdict } = Campaign.tryPlan(plan)
    assert.strictEqual(evidence.lost?.reason, "MayHaveFired")
    assert.deepStrictEqual(verdict.breaches, [])
  })

  describe("open orders as evidence", () => {
    const end: Plan.Deed = { at: 60_000, do: "close", how: "success", interruptedAfter: undefined }
    const place = (at: number): Plan.Deed => ({ at, do: "place" })
    const cutOff = (fault: string, changes: Partial<Parameters<typeof calm>[0]> = {}) =>
      Campaign.tryPlan(
        calm({
          faults: [`${fault};endpoint=countdown-cancel-all;from=4s;for=15s`],
          deeds: [place(500), place(17_500), end],
          client: { onUncertain: "verify" },
          evidence: { maxStaleness: 0, listStaleness: 0 },
          ...changes
        })
      )

    it("a gap that held is proven by an order from before it, and counted", () => {
      const { evidence, verdict } = cutOff("drop-answer")
      assert.deepStrictEqual(verdict.breaches, [])
      assert.deepStrictEqual(Gaps.gapsOf(evidence), [{ held: true, provenBy: "sighting" }])
      assert.include(Situations.reached(evidence, verdict), "held, by a sighting")
    })

    it("an order that was placed after the firing proves nothing, and a claim that it does is judged (15)", () => {
      const { evidence, verdict } = cutOff("partition")
      assert.deepStrictEqual(verdict.breaches, [])
      assert.deepStrictEqual(Gaps.gapsOf(evidence), [{ held: false, provenBy: undefined }])
      const reached = Situations.reached(evidence, verdict)
      assert.includeMembers(
        [...reached],
        ["only newer orders listed", "a gap over a firing, with orders placed after it"]
      )
      const doubt = evidence.claims.findLast(({ how, state }) => how === "reported" && state === "MayHaveFired")!
      const claim: Log.Claim = { ...doubt, seq: 1e6, at: 40_000, state: "Armed", provenBy: "sighting" }
      const judged = Oracle.judge({ ...evidence, claims: [...evidence.claims, claim] })
      assert.include(
        judged.breaches.map(({ promise, at }) => `${promise} at ${at}`),
        "15 at 40000"
      )
    })

    it("a list that is staler than the client allows for fools it, and that is excused", () => {
      const evidence = { maxStaleness: 0, listStaleness: 8_000 }
      const { verdict } = cutOff("partition", {
        evidence,
        faults: ["partition;endpoint=countdown-cancel-all;from=4s;for=10s"]
      })
      assert.deepStrictEqual(verdict.breaches, [])
      assert.deepStrictEqual(
        verdict.excused.map(({ promise, why }) => `${promise}: ${why}`),
        ["15: a list of orders was staler than the client allows for"]
      )
      const allowed = cutOff("partition", { evidence: { ...evidence, maxStaleness: 8_000 } })
      assert.deepStrictEqual([allowed.verdict.breaches, allowed.verdict.excused], [[], []])
    })
  })

  it("an exchange slower than the client assumes is found, with a smaller plan that shows it", () => {
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
      assert.isFalse(breaks(Plan.without(judged.plan, [part])), `${part} is not needed`)
    }
    const text = Report.failure(judged.plan, judged.log, judged.verdict, dropped)
    assert.include(text, "BROKEN: promise 9")
    assert.include(text, `replay: pnpm campaign --seed ${seed} --drop ${dropped.join(",")}`)
  })

  it("no seed breaks a promise", () => {
    const { failure, seeds } = Campaign.run({ from: 0, seeds: 300, until: Infinity, now: () => 0 })
    if (failure !== undefined)
      assert.fail(Report.failure(failure.plan, failure.log, failure.verdict, [], failure.second))
    assert.strictEqual(seeds, 300)
  })
})
