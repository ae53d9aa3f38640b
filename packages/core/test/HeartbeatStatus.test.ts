import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as FireWindow from "@effect-deadman/core/FireWindow"
import * as HeartbeatError from "@effect-deadman/core/HeartbeatError"
import * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as Release from "@effect-deadman/core/Release"
import { assert, describe, it } from "@effect/vitest"

const assumptions = { triggerLatency: 1_000, stampTolerance: 1_000 }
const horizon = 30_000
/** The wall clock is far from the monotonic one, so that a mix-up shows. */
const T = 1_700_000_000_000
const at = (mono: number, ahead = 0): FireWindow.Reading => ({ mono, wall: T + mono + ahead })

/** Sends a write at one instant; acknowledges it at another, or leaves it unresolved. */
const write = (
  window: FireWindow.FireWindow,
  id: number,
  sent: number,
  countdown: number,
  answered?: number,
  stamps?: FireWindow.Stamps
): FireWindow.FireWindow => {
  const flying = FireWindow.sent(window, { id, at: at(sent), countdown, horizon })
  return answered === undefined
    ? FireWindow.unresolved(flying, id)
    : FireWindow.acknowledged(flying, id, at(answered), stamps).window
}

const fresh = FireWindow.empty(assumptions)
/** Sent at 0, answered at 100: the edges are at 10,000 and 11,100. */
const armed = write(fresh, 0, 0, 10_000, 100)
/** Beats at 0 and at 10,500, without stamps: nothing proves that the switch held in between. */
const doubtful = write(armed, 1, 10_500, 10_000, 10_600)

const ledger = (window: FireWindow.FireWindow, more?: Partial<HeartbeatStatus.Ledger>): HeartbeatStatus.Ledger => ({
  account: "desk-1",
  window,
  failures: 0,
  cause: undefined,
  fired: false,
  lost: undefined,
  outcome: undefined,
  ...more
})
const lost = new HeartbeatError.SwitchLost({ account: "desk-1", reason: "Refused", timeLeft: 1 })

describe("HeartbeatStatus: the state", () => {
  const states: ReadonlyArray<
    readonly [what: string, HeartbeatStatus.Ledger, FireWindow.Reading, HeartbeatStatus.Status["_tag"]]
  > = [
    ["just acknowledged", ledger(armed), at(100), "Armed"],
    ["the last ms before the early edge", ledger(armed), at(9_999), "Armed"],
    ["at the early edge", ledger(armed), at(10_000), "MayHaveFired"],
    ["the last ms before the late edge", ledger(armed), at(11_099), "MayHaveFired"],
    ["at the late edge", ledger(armed), at(11_100), "Fired"],
    ["a firing proven by stamps, before the early edge", ledger(armed, { fired: true }), at(100), "Fired"],
    ["an open gap, before the early edge", ledger(doubtful), at(10_600), "MayHaveFired"],
    ["a failure", ledger(armed, { failures: 1 }), at(100), "Jeopardy"],
    ["a loss", ledger(armed, { lost }), at(100), "Jeopardy"],
    ["a wall clock 100 ms ahead", ledger(armed), at(100, 100), "Armed"],
    ["a wall clock 101 ms ahead", ledger(armed), at(100, 101), "Jeopardy"],
    ["a wall clock 101 ms behind", ledger(armed), at(100, -101), "Jeopardy"],
    ["no write yet", ledger(fresh), at(0), "MayHaveFired"],
    ["no acknowledgement yet", ledger(write(fresh, 0, 0, 10_000)), at(100), "MayHaveFired"],
    ["an acknowledged 0", ledger(write(armed, 1, 3_000, 0, 3_100)), at(3_100), "MayHaveFired"],
    [
      "an acknowledged 0, also after a firing",
      ledger(write(armed, 1, 3_000, 0, 3_100), { fired: true }),
      at(3_100),
      "MayHaveFired"
    ],
    ["an unresolved 0", ledger(write(armed, 1, 3_000, 0)), at(3_100), "MayHaveFired"],
    ["an unresolved 0, past the late edge", ledger(write(armed, 1, 3_000, 0)), at(12_000), "MayHaveFired"]
  ]
  for (const [what, known, now, tag] of states) {
    it(`${what}: ${tag}`, () => {
      assert.strictEqual(HeartbeatStatus.derive(known, now)._tag, tag)
    })
  }

  it("carries both edges and the last acknowledgement on the wall clock as it is now, and the failures", () => {
    const known = ledger(armed, { failures: 2, lost })
    // The wall clock was set back by an hour. The monotonic clock alone tells the time since.
    assert.deepStrictEqual(HeartbeatStatus.derive(known, at(4_000, -3_600_000)), {
      _tag: "Jeopardy",
      account: "desk-1",
      at: T + 4_000 - 3_600_000,
      earliestFire: T + 10_000 - 3_600_000,
      latestFire: T + 11_100 - 3_600_000,
      lastAcknowledged: { id: 0, sentAt: T, answeredAt: T + 100, countdown: 10_000 },
      failures: 2,
      cause: undefined,
      lost
    })
    const unarmed = HeartbeatStatus.derive(ledger(fresh), at(0))
    assert.isUndefined(unarmed._tag === "Released" ? null : unarmed.lastAcknowledged)
  })

  it("is Released with its outcome, whatever the window says", () => {
    const outcome = Release.Outcome.Disarmed()
    assert.deepStrictEqual(HeartbeatStatus.derive(ledger(armed, { fired: true, outcome }), at(20_000)), {
      _tag: "Released",
      account: "desk-1",
      at: T + 20_000,
      outcome
    })
  })
})

describe("HeartbeatStatus: the stamps of an acknowledgement", () => {
  const none = { acceptedAt: undefined, completedAt: undefined, requestTime: undefined }
  const stamps = (ack: Partial<CountdownCancelAll.Acknowledgement>) => HeartbeatStatus.stampsOf({ ...none, ...ack })

  it("are those of the headers; `requestTime` replaces a missing one with a second of tolerance", () => {
    assert.deepStrictEqual(stamps({ acceptedAt: 5_001, completedAt: 5_009, requestTime: 5_004 }), {
      acceptedAt: 5_001,
      completedAt: 5_009
    })
    assert.deepStrictEqual(stamps({ requestTime: 5_004 }), { acceptedAt: 4_004, completedAt: 6_004 })
    assert.deepStrictEqual(stamps({ acceptedAt: 5_001, requestTime: 5_004 }), { acceptedAt: 5_001, completedAt: 6_004 })
    assert.deepStrictEqual(stamps({ completedAt: 5_009, requestTime: 5_004 }), {
      acceptedAt: 4_004,
      completedAt: 5_009
    })
  })

  it("are none when one is missing and there is no `requestTime`", () => {
    assert.isUndefined(stamps({}))
    assert.isUndefined(stamps({ acceptedAt: 5_001 }))
    assert.isUndefined(stamps({ completedAt: 5_009 }))
  })

  for (const zero of [0, -1, NaN, Infinity]) {
    it(`are no stamps of ${zero}`, () => {
      assert.isUndefined(stamps({ requestTime: zero }))
      assert.isUndefined(stamps({ acceptedAt: zero, completedAt: 5_009 }))
      assert.isUndefined(stamps({ acceptedAt: 5_001, completedAt: zero }))
      assert.deepStrictEqual(stamps({ acceptedAt: zero, completedAt: zero, requestTime: 5_004 }), {
        acceptedAt: 4_004,
        completedAt: 6_004
      })
    })
  }

  it("of `requestTime` alone prove nothing within a second of the truth on each side (15)", () => {
    // The exchange may stamp `requestTime` anywhere between accepting and answering, so two of them may be 2 s too
    // close together, or too far apart, and two of its machines differ by another second.
    const verdict = (passed: number) => {
      const requestTime = (millis: number) => HeartbeatStatus.stampsOf({ ...none, requestTime: millis })
      const first = FireWindow.acknowledged(
        FireWindow.sent(fresh, { id: 0, at: at(0), countdown: 10_000, horizon }),
        0,
        at(100),
        requestTime(T)
      ).window
      const flying = FireWindow.sent(first, { id: 1, at: at(6_000), countdown: 10_000, horizon })
      // Its answer comes so late that the host's clocks prove nothing.
      return FireWindow.acknowledged(flying, 1, at(20_000), requestTime(T + passed)).verdict
    }
    assert.strictEqual(verdict(6_999), "held")
    assert.strictEqual(verdict(7_000), "open")
    assert.strictEqual(verdict(14_000), "open")
    assert.strictEqual(verdict(14_001), "fired")
  })
})
