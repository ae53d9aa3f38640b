import * as FireWindow from "@effect-deadman/core/FireWindow"
import * as Sighting from "@effect-deadman/core/Sighting"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Histories from "./support/histories.js"
import * as Model from "./support/sightings.js"

describe("a sighting", () => {
  const T = 1_728_625_799_912
  const assumptions: Sighting.Assumptions = {
    triggerLatency: 1_000,
    stampTolerance: 1_000,
    cancelLatency: 5_000,
    placingLatency: 1_000,
    maxStaleness: 0
  }
  const at = (mono: number): FireWindow.Reading => ({ mono, wall: T + mono })
  /** The stamps of a machine that is so many ms ahead, around an instant. */
  const stamps = (mono: number, ahead = 0) => ({
    acceptedAt: T + mono + 40 + ahead,
    completedAt: T + mono + 60 + ahead
  })

  interface Write {
    readonly sent: number
    readonly countdown?: number
    /** Ms that the clock of the machine that stamps it is ahead; `null` for no stamps, `"lost"` for no answer. */
    readonly stamped?: number | null | "lost"
  }
  const after = (...writes: ReadonlyArray<Write>): FireWindow.FireWindow =>
    writes.reduce((window, { countdown = 10_000, sent, stamped = 0 }, id) => {
      const flying = FireWindow.sent(window, { id, at: at(sent), countdown, horizon: 30_000 })
      return stamped === "lost"
        ? FireWindow.unresolved(flying, id)
        : FireWindow.acknowledged(flying, id, at(sent + 100), stamped === null ? undefined : stamps(sent, stamped))
            .window
    }, FireWindow.empty(assumptions))
  const sighting = (createdAt: number, requested: number, ahead = 0): Sighting.Sighting => ({
    createdAt: T + createdAt,
    listedAt: T + requested + 40 + ahead,
    sentAt: at(requested)
  })
  const verdict = (window: FireWindow.FireWindow, seen: Sighting.Sighting) => {
    assert.isDefined(window.gap)
    return Sighting.sighted(window, seen, assumptions).verdict
  }

  it("of an order from before the gap, listed after it, proves that the switch held, and closes the gap", () => {
    // The exchange has applied the second write, and its answer was lost.
    const window = after({ sent: 0 }, { sent: 3_000, stamped: "lost" }, { sent: 12_000 })
    const proof = Sighting.sighted(window, sighting(-60_000, 18_100), assumptions)
    assert.strictEqual(proof.verdict, "held")
    assert.deepStrictEqual(proof.window, { ...window, gap: undefined })
    // The next gap begins at the last acknowledgement.
    const later = FireWindow.sent(proof.window, { id: 3, at: at(30_000), countdown: 10_000, horizon: 30_000 })
    const answered = FireWindow.acknowledged(later, 3, at(30_100), undefined)
    assert.deepStrictEqual(answered.window.gap?.base.stamps, stamps(12_000))
  })

  it("of an order that was created when the switch may have fired proves nothing, to the millisecond", () => {
    const window = after({ sent: 0 }, { sent: 3_000, stamped: "lost" }, { sent: 12_000 })
    // Accepted at 40 ms, plus 10 s, minus the placing latency and the tolerance.
    assert.strictEqual(Sighting.createdBefore(window.gap!, assumptions), T + 8_040)
    assert.strictEqual(verdict(window, sighting(8_039, 18_100)), "held")
    assert.strictEqual(verdict(window, sighting(8_040, 18_100)), "open")
    assert.strictEqual(verdict(window, sighting(-T, 18_100)), "open", "0 is no stamp")
  })

  it("that was requested before every firing had cancelled its orders proves nothing, to the millisecond", () => {
    const window = after({ sent: 0 }, { sent: 12_000 })
    assert.strictEqual(Sighting.dueIn(window.gap!, at(12_100), assumptions), 6_000)
    // 800 orders at 5 ms each: in the middle of the sweep half of them are still listed.
    assert.strictEqual(verdict(window, sighting(1_000, 14_000)), "open")
    assert.strictEqual(verdict(window, sighting(1_000, 18_099)), "open")
    assert.strictEqual(verdict(window, sighting(1_000, 18_100)), "held")
    const stale = Sighting.sighted(window, sighting(1_000, 18_100), { ...assumptions, maxStaleness: 1 })
    assert.strictEqual(stale.verdict, "open", "the list may be older")
  })

  it("that was requested in time, on a page that the exchange has stamped too early, proves nothing", () => {
    const window = after({ sent: 0 }, { sent: 12_000 })
    // A copy of an old answer, kept by something on the way.
    assert.strictEqual(verdict(window, sighting(1_000, 18_100, -1_000)), "held", "within the tolerance")
    assert.strictEqual(verdict(window, sighting(1_000, 18_100, -3_000)), "open")
  })

  it("that was requested after a suspend, on a page stamped before the end of the gap, proves nothing", () => {
    // The monotonic clock stood still for 20 s, so it allows for a page that is so much older.
    const awake = (mono: number): FireWindow.Reading => ({ mono, wall: T + 20_000 + mono, jumped: 20_000 })
    const flying = FireWindow.sent(after({ sent: 0 }), { id: 1, at: awake(12_000), countdown: 10_000, horizon: 30_000 })
    const { window } = FireWindow.acknowledged(flying, 1, awake(12_100), stamps(32_000))
    const listed = (listedAt: number) => ({ createdAt: T + 1_000, listedAt: T + listedAt, sentAt: awake(18_100) })
    // Completed at 32 060 ms, plus trigger and cancel latency, minus the tolerance.
    assert.strictEqual(verdict(window, listed(37_060)), "held")
    assert.strictEqual(verdict(window, listed(37_059)), "open")
  })

  it("proves nothing without a gap, and changes nothing", () => {
    const window = after({ sent: 0 }, { sent: 3_000 })
    assert.deepStrictEqual(Sighting.sighted(window, sighting(-60_000, 18_100), assumptions), {
      window,
      verdict: "open"
    })
  })

  it("never proves anything by a base whose machine is ahead, because newer orders would look older", () => {
    const window = after({ sent: 0, stamped: 60_000 }, { sent: 12_000 })
    assert.strictEqual(verdict(window, sighting(11_500, 18_100)), "open")
    // Accepted at 40 ms, fired by 11 040 ms; an order of 12 500 ms looks as if it had been there.
    assert.strictEqual(verdict(after({ sent: 0, stamped: 12_000 }, { sent: 12_000 }), sighting(12_500, 18_100)), "open")
    const page = after({ sent: 0, stamped: 60_000 }, { sent: 12_000, stamped: 60_000 })
    assert.strictEqual(verdict(page, sighting(11_500, 18_100)), "open", "the page disagrees")
  })

  it("needs stamps of the base and of the end", () => {
    assert.isUndefined(Sighting.createdBefore(after({ sent: 0, stamped: null }, { sent: 12_000 }).gap!, assumptions))
    assert.strictEqual(verdict(after({ sent: 0, stamped: null }, { sent: 12_000 }), sighting(1_000, 18_100)), "open")
    assert.strictEqual(verdict(after({ sent: 0 }, { sent: 12_000, stamped: null }), sighting(1_000, 18_100)), "open")
  })

  it("counts a shorter unresolved write from before the base, which may have been applied after it", () => {
    const window = after({ sent: 0, countdown: 5_000, stamped: "lost" }, { sent: 1_000 }, { sent: 13_000 })
    assert.strictEqual(Sighting.createdBefore(window.gap!, assumptions), T + 4_040)
    assert.strictEqual(verdict(window, sighting(5_000, 19_100)), "open")
  })

  it("of an order from between two gaps proves nothing, because the first one is still open", () => {
    const window = after({ sent: 0 }, { sent: 12_000 }, { sent: 26_000 })
    assert.strictEqual(verdict(window, sighting(13_000, 33_000)), "open")
    assert.strictEqual(verdict(window, sighting(1_000, 33_000)), "held")
    assert.strictEqual(verdict(window, sighting(1_000, 31_000)), "open", "the second gap has just ended")
  })

  it("waits for the end of the gap only, while later beats hold", () => {
    const window = after({ sent: 0 }, { sent: 12_000 }, { sent: 15_000 }, { sent: 18_000 })
    assert.strictEqual(window.acknowledged?.id, 3)
    assert.strictEqual(Sighting.dueIn(window.gap!, at(18_100), assumptions), 0)
    assert.strictEqual(verdict(window, sighting(1_000, 18_100)), "held")
  })

  it("proves that the switch of a former process held, by its record", () => {
    const record = { ...stamps(0), shortestCountdown: 5_000 }
    const flying = FireWindow.sent(FireWindow.empty(assumptions, [], record), {
      id: 0,
      at: { mono: 5, wall: T + 20_000 },
      countdown: 10_000,
      horizon: 30_000
    })
    const { window } = FireWindow.acknowledged(flying, 0, { mono: 105, wall: T + 20_100 }, stamps(20_000))
    const seen = (createdAt: number, mono: number): Sighting.Sighting => ({
      createdAt: T + createdAt,
      listedAt: T + 20_000 + mono,
      sentAt: { mono, wall: T + 20_000 + mono }
    })
    assert.strictEqual(verdict(window, seen(3_039, 6_105)), "held")
    assert.strictEqual(verdict(window, seen(3_040, 6_105)), "open", "its last countdown may have been 5 s")
    assert.strictEqual(verdict(window, seen(3_039, 6_104)), "open")
  })

  it("of a lost switch says until when it had not fired, and when to look again", () => {
    const window = after({ sent: 0 }, { sent: 3_000, stamped: "lost" })
    const gap = Sighting.openGap(window, at(10_000), assumptions)!
    // The unresolved write may arrive until 33 s, and then fire until 44 s.
    const common = { mayFireUntil: T + 44_000, lookAgainAt: T + 50_000 }
    assert.deepStrictEqual(Sighting.survival(gap), { ...common, verdict: "open", survivedUntil: undefined })
    assert.deepStrictEqual(Sighting.survival(gap, sighting(1_000, 12_000)), {
      ...common,
      verdict: "open",
      survivedUntil: T + 6_000
    })
    assert.strictEqual(Sighting.survival(gap, sighting(8_040, 12_000)).survivedUntil, undefined)
    assert.strictEqual(Sighting.survival(gap, sighting(1_000, 49_999)).verdict, "open")
    assert.strictEqual(Sighting.survival(gap, sighting(1_000, 50_000)).verdict, "held")
    assert.isUndefined(Sighting.openGap(FireWindow.empty(assumptions), at(0), assumptions))
  })
})

describe("Sighting over random histories of writes, orders and lists", () => {
  it("never proves that the switch held over a firing, and proves it whenever the rule can (15)", () => {
    const seen = Histories.tally(
      "proven, and held by the switch",
      "held by the switch, and not provable",
      "over a firing by an order that the switch does not cancel",
      "over a firing by a stale list",
      ...Model.naive
    )
    const property = fc.property(Model.dramas, (drama) => {
      const { firedBetween, pages, writes } = Model.play(drama)
      let window = FireWindow.empty(Histories.assumptions)
      let base: Histories.Write | undefined
      let last: Histories.Write | undefined
      /** The last acknowledgement before which the switch may have fired, and the one before it. */
      let doubtful: { readonly doubtful: Histories.Write; readonly before: Histories.Write } | undefined
      for (const write of writes) {
        const page = pages.get(write.id)
        if (page === undefined) {
          const { verdict, window: after } = Histories.enter(window, write)
          window = after
          if (verdict === undefined) continue
          if (verdict === "held") {
            // A gateway that is ahead may have fooled the stamps of a host that was suspended.
            if (base !== undefined && firedBetween(base, write)) return
            base = write
            doubtful = undefined
          } else if (!Histories.stepHolds(writes, last!, write)) {
            doubtful = { doubtful: write, before: last! }
          }
          last = write
          const reconciled = write.reconcile === undefined ? undefined : FireWindow.reconciled(window, write.id)
          if (reconciled !== undefined) {
            window = reconciled
            base = write
            doubtful = undefined
          }
          continue
        }
        if (window.gap === undefined || base === undefined || last === undefined) continue
        const fired = firedBetween(base, last)
        const awake = write.ended.mono - base.sent.mono >= write.reachedAt - base.sentAt
        for (const { cancelled, sighting } of page.orders) {
          const { verdict, window: after } = Sighting.sighted(window, sighting, Model.assumptions)
          const excused = !cancelled || page.stale || (drama.ahead !== undefined && !awake)
          if (verdict === "held") {
            assert.isUndefined(after.gap)
            if (!excused) assert.isFalse(fired, "claims to have held")
            if (fired && !cancelled) seen.count("over a firing by an order that the switch does not cancel")
            if (fired && page.stale) seen.count("over a firing by a stale list")
          }
          if (doubtful === undefined) continue
          const gap = { ...doubtful, base, last }
          if (drama.ahead === undefined) {
            const proven = Model.provenHeld(writes, gap, sighting)
            assert.strictEqual(verdict, proven ? "held" : "open")
            if (!fired && !excused) {
              seen.count(proven ? "proven, and held by the switch" : "held by the switch, and not provable")
            }
          }
          if (excused || !fired) continue
          for (const rule of Model.naive) if (Model.provenHeld(writes, gap, sighting, rule)) seen.count(rule)
        }
      }
    })
    fc.assert(property, { numRuns: 6_000, seed: 5 })
    seen.assertAll()
  })

  it("says until when the switch has not fired, and until when it may still fire, over every firing that can come", () => {
    const seen = Histories.tally(
      "survived",
      "fired later",
      "fired before",
      "held",
      "open although it held",
      "nothing is proven"
    )
    const property = fc.property(Model.dramas, (drama) => {
      const { firingsAfter, pages, writes } = Model.play({ ...drama, ahead: undefined })
      let window = FireWindow.empty(Histories.assumptions)
      let base: Histories.Write | undefined
      let gap: Sighting.OpenGap | undefined
      for (const write of writes) {
        const page = pages.get(write.id)
        if (page === undefined) {
          const { verdict, window: after } = Histories.enter(window, write)
          window = after
          gap = Sighting.openGap(window, write.ended, Model.assumptions)
          if (verdict === "held") base = write
          continue
        }
        if (gap === undefined || base === undefined || page.stale) continue
        // All that may still happen by the writes so far.
        const firings = firingsAfter(base, write)
        for (const { cancelled, sighting } of page.orders) {
          if (!cancelled) continue
          const survival = Sighting.survival(gap, sighting)
          for (const { begins } of firings)
            assert.isAtMost(begins - write.sentAt, survival.mayFireUntil - write.sent.wall)
          if (survival.survivedUntil === undefined) {
            assert.strictEqual(survival.verdict, "open")
            seen.count("nothing is proven")
            continue
          }
          const until = survival.survivedUntil - write.sent.wall + write.sentAt
          for (const { decided } of firings) assert.isAbove(decided, until, "it had fired")
          seen.count("survived")
          if (firings.length > 0) seen.count("fired later")
          if (survival.verdict === "held") {
            assert.isEmpty(firings, "claims to have held")
            assert.isAtMost(survival.lookAgainAt, write.sent.wall)
            seen.count("held")
          } else if (firings.length === 0) seen.count("open although it held")
        }
        if (firings.some(({ decided }) => decided < write.sentAt)) seen.count("fired before")
      }
    })
    fc.assert(property, { numRuns: 3_000, seed: 6 })
    seen.assertAll()
  })
})
