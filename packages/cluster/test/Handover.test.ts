import * as Handover from "@effect-deadman/cluster/Handover"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"

const settings: Handover.Settings = { doubtAfter: 4_000, grace: 60_000, yieldFor: 8_000, kickWithin: undefined }

const row = (change: Partial<Handover.Facts> = {}): Handover.Facts => ({
  wanted: "protect",
  asked: 1,
  epoch: 3,
  ackedEpoch: 3,
  zeroIn: -1,
  kickedAgo: null,
  outcome: null,
  ...change
})

/** A runner that is driven by hand. */
const machine = (rules: Handover.Settings = settings) => {
  let state = Handover.idle
  let now = 0
  return {
    get state() {
      return state
    },
    get phase() {
      return state._tag === "Beating" ? state.phase : state._tag
    },
    get mayBeat() {
      return Handover.mayBeat(state, now, rules)
    },
    at(instant: number) {
      now = instant
      return this
    },
    give(event: Handover.Event): ReadonlyArray<Handover.Order> {
      const [next, orders] = Handover.step(state, event, now, rules)
      state = next
      return orders
    },
    seen(change: Partial<Handover.Facts> = {}, isMine = true) {
      return this.give({ _tag: "Seen", isMine, askedAt: now, row: row(change) })
    },
    tick(isMine = true) {
      return this.give({ _tag: "Tick", isMine })
    },
    /** Owns epoch 3, and the work runs. */
    owning() {
      assert.deepStrictEqual(this.seen({ epoch: 2, ackedEpoch: 2 }), ["Start"])
      this.give({ _tag: "TookOver", epoch: 3, askedAt: now })
      this.give({ _tag: "Armed", workFrom: now, wanted: "protect" })
      assert.strictEqual(this.phase, "Owned")
      assert.deepStrictEqual(this.seen(), ["StartWork"])
      assert.strictEqual(this.phase, "Owned")
      return this
    }
  }
}

describe("Handover", () => {
  it("losing the account stops the work at once, and never the beats, and never asks for a zero", () => {
    const runner = machine().owning()
    assert.deepStrictEqual(runner.at(1_000).tick(false), ["StopWork"])
    assert.strictEqual(runner.phase, "HandingOver")
    assert.isTrue(runner.mayBeat)
    // Another has taken over, and has not armed yet.
    assert.deepStrictEqual(runner.at(2_000).seen({ epoch: 4, ackedEpoch: 3 }, false), [])
    assert.isTrue(runner.mayBeat)
    assert.deepStrictEqual(runner.at(3_000).seen({ epoch: 4, ackedEpoch: 4 }, false), ["Stop"])
    assert.deepStrictEqual(runner.state, { _tag: "Stopping", reason: "Superseded" })
    assert.isFalse(runner.mayBeat)
  })

  it("an account that comes back before another took over goes on, with its work", () => {
    const runner = machine().owning()
    runner.at(1_000).tick(false)
    assert.deepStrictEqual(runner.at(1_500).seen({}), ["StartWork"])
    assert.strictEqual(runner.phase, "Owned")
  })

  it("without an answer of the store the work stops before another may start, and the beats after grace", () => {
    const runner = machine().owning()
    assert.deepStrictEqual(runner.at(3_999).tick(), [])
    assert.deepStrictEqual(runner.at(4_000).tick(), ["StopWork"])
    assert.strictEqual(runner.phase, "Doubtful")
    assert.deepStrictEqual(runner.at(59_999).tick(), [])
    assert.isTrue(runner.mayBeat)
    // The fence asks also when no event comes.
    runner.at(60_000)
    assert.isFalse(runner.mayBeat)
    assert.deepStrictEqual(runner.tick(), ["Stop"])
    assert.deepStrictEqual(runner.state, { _tag: "Stopping", reason: "GraceOver" })
  })

  it("an answer counts from its question on", () => {
    const runner = machine().owning()
    runner.at(10_000).give({ _tag: "Seen", isMine: true, askedAt: 3_000, row: row() })
    assert.strictEqual(runner.phase, "Doubtful")
  })

  it("when the store answers again the owner goes on", () => {
    const runner = machine().owning()
    runner.at(30_000).tick()
    assert.deepStrictEqual(runner.at(31_000).seen(), ["StartWork"])
    assert.strictEqual(runner.phase, "Owned")
  })

  it("an owner that is handing over beats for grace at most, also while the store confirms it", () => {
    const runner = machine().owning()
    for (let at = 1_000; at < 61_000; at += 1_000) {
      runner.at(at).seen({}, false)
      assert.isTrue(runner.mayBeat, `at ${at}`)
    }
    assert.deepStrictEqual(runner.at(61_000).seen({}, false), ["Stop"])
  })

  it("with no grace a lost account ends at once", () => {
    const runner = machine({ ...settings, grace: 0 })
    runner.seen({ epoch: 2 })
    runner.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    runner.give({ _tag: "Armed", workFrom: 0, wanted: "protect" })
    assert.deepStrictEqual(runner.tick(false), ["Stop"])
  })

  it("with no grace an account is armed and beaten for while the store confirms it, and until the doubt without it", () => {
    const runner = machine({ ...settings, grace: 0 })
    runner.seen({ epoch: 2 })
    runner.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    assert.isTrue(runner.at(100).mayBeat)
    runner.give({ _tag: "Armed", workFrom: 0, wanted: "protect" })
    assert.deepStrictEqual(runner.at(1_000).seen(), ["StartWork"])
    assert.isTrue(runner.at(4_999).mayBeat)
    assert.isFalse(runner.at(5_000).mayBeat)
  })

  it("an arming sends nothing more once a newer epoch is armed", () => {
    const runner = machine()
    runner.seen({ epoch: 2 })
    runner.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    runner.at(1_000).seen({ epoch: 4, ackedEpoch: 2 }, false)
    assert.isTrue(runner.mayBeat)
    runner.at(2_000).seen({ epoch: 4, ackedEpoch: 4 }, false)
    assert.isFalse(runner.mayBeat)
  })

  it("an account that is taken over for its release gets no work", () => {
    const runner = machine()
    runner.seen({ epoch: 2, wanted: "release" })
    runner.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    assert.deepStrictEqual(runner.give({ _tag: "Armed", workFrom: 0, wanted: "release" }), ["Release"])
    assert.strictEqual(runner.phase, "Releasing")
  })

  it("a withdrawn release stays in doubt while the zero of an earlier owner may arrive, and waits for the work before", () => {
    const runner = machine()
    runner.seen({ epoch: 2, wanted: "release" })
    runner.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    runner.give({ _tag: "Armed", workFrom: 5_000, wanted: "release" })
    runner.at(500).give({ _tag: "NotPermitted" })
    assert.strictEqual(runner.phase, "Doubtful")
    assert.deepStrictEqual(runner.at(1_000).seen({ zeroIn: 6_000 }), [])
    assert.isTrue(runner.mayBeat)
    assert.deepStrictEqual(runner.at(6_500).seen({ zeroIn: 500 }), [])
    assert.deepStrictEqual(runner.at(7_000).seen({ zeroIn: 0 }), ["StartWork"])
    const early = machine()
    early.seen({ epoch: 2, wanted: "release" })
    early.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    early.give({ _tag: "Armed", workFrom: 5_000, wanted: "release" })
    early.at(500).give({ _tag: "NotPermitted" })
    assert.deepStrictEqual(early.at(1_000).seen(), [])
    assert.deepStrictEqual(early.at(5_000).seen(), ["StartWork"])
  })

  it("a runner that was superseded although its engine gives it the account lets the other be for a while", () => {
    const runner = machine().owning()
    runner.at(1_000).seen({ epoch: 4, ackedEpoch: 4 })
    runner.at(1_200).give({ _tag: "Stopped" })
    assert.deepStrictEqual(runner.at(2_000).seen({ epoch: 4, ackedEpoch: 4 }), [])
    assert.deepStrictEqual(runner.at(9_200).seen({ epoch: 4, ackedEpoch: 4 }), ["Start"])
  })

  it("and takes it over at once when the engine gave it away and back meanwhile", () => {
    const runner = machine().owning()
    runner.at(1_000).seen({ epoch: 4, ackedEpoch: 4 })
    runner.at(1_200).give({ _tag: "Stopped" })
    runner.at(1_300).tick(false)
    assert.deepStrictEqual(runner.at(2_000).seen({ epoch: 4, ackedEpoch: 4 }), ["Start"])
  })

  it("the work waits until the work of the owner before has surely stopped", () => {
    const runner = machine()
    runner.seen({ epoch: 2 })
    runner.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    runner.at(500).give({ _tag: "Armed", workFrom: 5_000, wanted: "protect" })
    assert.deepStrictEqual(runner.at(1_000).seen(), [])
    runner.at(4_900).seen()
    assert.deepStrictEqual(runner.at(4_999).tick(), [])
    assert.deepStrictEqual(runner.at(5_000).tick(), ["StartWork"])
  })

  it("a release needs the account and its epoch", () => {
    const wanted = { wanted: "release" } as const
    const handing = machine().owning()
    handing.at(500).tick(false)
    assert.deepStrictEqual(handing.at(1_000).seen(wanted, false), [])
    const superseded = machine().owning()
    assert.deepStrictEqual(superseded.at(1_000).seen({ ...wanted, epoch: 4 }), ["StopWork"])
    const owner = machine().owning()
    assert.deepStrictEqual(owner.at(1_000).seen(wanted), ["StopWork", "Release"])
    assert.deepStrictEqual(owner.give({ _tag: "Stopped" }), [])
    assert.strictEqual(owner.phase, "Idle")
  })

  it("a release that gets no permit goes back to beating", () => {
    const runner = machine().owning()
    runner.at(1_000).seen({ wanted: "release" })
    runner.give({ _tag: "NotPermitted" })
    assert.deepStrictEqual(runner.at(1_500).seen(), ["StartWork"])
  })

  it("work or a heartbeat that ends stops the beats at once, and the next start waits for the pause", () => {
    for (const _tag of ["WorkEnded", "Lost"] as const) {
      const runner = machine().owning()
      assert.deepStrictEqual(runner.at(1_000).give({ _tag }), ["Stop"])
      assert.isFalse(runner.mayBeat)
      assert.deepStrictEqual(runner.give({ _tag: "Stopped" }), ["Rest"])
      assert.deepStrictEqual(runner.at(2_000).seen(), [])
      runner.give({ _tag: "Rested" })
      assert.deepStrictEqual(runner.at(3_000).seen(), ["Start"])
    }
  })

  it("an account without a further start waits for another call of protect", () => {
    const runner = machine().owning()
    runner.give({ _tag: "WorkEnded" })
    runner.give({ _tag: "Stopped" })
    runner.give({ _tag: "Exhausted", asked: 1 })
    assert.deepStrictEqual(runner.at(9_000).seen(), [])
    runner.at(10_000).seen({ asked: 2 })
    assert.deepStrictEqual(runner.at(11_000).seen({ asked: 2 }), ["Start"])
  })

  it("a pause of the work does not delay a release", () => {
    const runner = machine().owning()
    runner.give({ _tag: "WorkEnded" })
    runner.give({ _tag: "Stopped" })
    assert.deepStrictEqual(runner.at(1_000).seen({ wanted: "release" }), ["Start"])
  })

  it("a bot that runs elsewhere must have kicked before anything is armed for it", () => {
    const kicked = { ...settings, kickWithin: 10_000 }
    assert.deepStrictEqual(machine(kicked).seen({ kickedAgo: null }), [])
    assert.deepStrictEqual(machine(kicked).seen({ kickedAgo: 10_001 }), [])
    assert.deepStrictEqual(machine(kicked).seen({ kickedAgo: 10_000 }), ["Start"])
    assert.deepStrictEqual(machine(kicked).seen({ wanted: "release" }), ["Start"])
  })

  it("nothing starts for an account that is released, or to which a zero may still arrive", () => {
    assert.deepStrictEqual(machine().seen({ wanted: "release", outcome: { _tag: "Disarmed" } }), [])
    assert.deepStrictEqual(machine().seen({ zeroIn: 1 }), [])
    assert.deepStrictEqual(machine().seen({}, false), [])
  })

  it("a start sends nothing before it has taken over, nor for longer than grace without a confirmation", () => {
    const runner = machine()
    runner.seen({ epoch: 2 })
    assert.isFalse(runner.mayBeat)
    runner.at(1_000).give({ _tag: "TookOver", epoch: 3, askedAt: 500 })
    assert.isTrue(runner.at(60_499).mayBeat)
    assert.isFalse(runner.at(60_500).mayBeat)
    // An answer about the epoch before confirms nothing, and neither does one that was asked for earlier.
    runner.seen({ epoch: 2, ackedEpoch: 2 })
    assert.isFalse(runner.mayBeat)
    runner.give({ _tag: "Seen", isMine: true, askedAt: 400, row: row() })
    assert.isTrue(runner.at(60_499).mayBeat)
    assert.isFalse(runner.at(60_500).mayBeat)
    runner.give({ _tag: "Seen", isMine: true, askedAt: 60_000, row: row({ ackedEpoch: 2 }) })
    assert.isTrue(runner.at(119_999).mayBeat)
    assert.isFalse(runner.at(120_000).mayBeat)
  })

  it("an answer about an earlier epoch neither confirms this one, nor stops its work, nor releases it", () => {
    const runner = machine().owning()
    const before = { epoch: 2, ackedEpoch: 2 }
    assert.deepStrictEqual(runner.at(1_000).seen({ ...before, zeroIn: 5_000 }), [])
    assert.deepStrictEqual(runner.at(2_000).seen({ ...before, wanted: "release" }), [])
    assert.strictEqual(runner.phase, "Owned")
    assert.deepStrictEqual(runner.at(4_000).tick(), ["StopWork"])
  })

  it("the work begins with the first tick after the arming, and a release before it has no work to stop", () => {
    const armed = () => {
      const runner = machine()
      runner.seen({ epoch: 2 })
      runner.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
      runner.give({ _tag: "Armed", workFrom: 0, wanted: "protect" })
      return runner
    }
    assert.deepStrictEqual(armed().tick(), ["StartWork"])
    assert.deepStrictEqual(armed().seen({ wanted: "release" }), ["Release"])
  })

  it("an arming goes on while the newest armed epoch is its own", () => {
    const runner = machine()
    runner.seen({ epoch: 2 })
    runner.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    runner.at(1_000).seen({ epoch: 4, ackedEpoch: 3 }, false)
    assert.isTrue(runner.mayBeat)
  })

  it("a release beats for grace at most without a confirmation, and ends when a newer epoch is armed", () => {
    const releasing = () => {
      const runner = machine().owning()
      runner.at(1_000).seen({ wanted: "release" })
      assert.strictEqual(runner.phase, "Releasing")
      return runner
    }
    const runner = releasing()
    assert.isTrue(runner.at(60_999).mayBeat)
    assert.isFalse(runner.at(61_000).mayBeat)
    assert.deepStrictEqual(runner.seen({ epoch: 4 }), [])
    assert.isFalse(runner.mayBeat, "an answer about another epoch confirms nothing")
    assert.deepStrictEqual(runner.give({ _tag: "Seen", isMine: true, askedAt: 900, row: row() }), [])
    assert.isTrue(runner.at(60_999).mayBeat, "an answer that was asked for earlier takes nothing away")
    assert.deepStrictEqual(runner.at(61_000).seen({ wanted: "release" }), [])
    assert.isTrue(runner.at(120_999).mayBeat)
    assert.isFalse(runner.at(121_000).mayBeat)
    assert.deepStrictEqual(runner.seen({ epoch: 4, ackedEpoch: 4 }), ["Stop"])
    assert.deepStrictEqual(runner.state, { _tag: "Stopping", reason: "Superseded" })
  })

  it("an account that the store no longer knows is given up: nothing starts, and beats end", () => {
    const unknown = (runner: ReturnType<typeof machine>, isMine = true) =>
      runner.give({ _tag: "Seen", isMine, askedAt: 0, row: undefined })
    assert.deepStrictEqual(unknown(machine()), [])
    const owner = machine().owning()
    assert.deepStrictEqual(unknown(owner), ["Stop"])
    assert.deepStrictEqual(owner.state, { _tag: "Stopping", reason: "Superseded" })
    const releasing = machine().owning()
    releasing.seen({ wanted: "release" })
    assert.deepStrictEqual(unknown(releasing), ["Stop"])
    const starting = machine()
    starting.seen({ epoch: 2 })
    assert.deepStrictEqual(unknown(starting), [])
    assert.strictEqual(starting.phase, "Starting")
    starting.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    assert.deepStrictEqual(unknown(starting), [])
    assert.isTrue(starting.mayBeat)
    const resting = machine().owning()
    resting.give({ _tag: "WorkEnded" })
    resting.give({ _tag: "Stopped" })
    assert.deepStrictEqual(unknown(resting), [])
    assert.strictEqual(resting.phase, "Resting")
    resting.give({ _tag: "Exhausted", asked: 1 })
    assert.deepStrictEqual(unknown(resting), [])
    assert.deepStrictEqual(resting.state, Handover.idle)
  })

  it("an account without a further start is started again when it was away meanwhile", () => {
    for (const away of ["Tick", "Seen"] as const) {
      const runner = machine().owning()
      runner.give({ _tag: "WorkEnded" })
      runner.give({ _tag: "Stopped" })
      runner.give({ _tag: "Exhausted", asked: 1 })
      assert.deepStrictEqual(runner.tick(), [])
      assert.strictEqual(runner.phase, "Ended")
      if (away === "Tick") runner.tick(false)
      else runner.seen({}, false)
      assert.deepStrictEqual(runner.seen(), ["Start"])
    }
  })

  it("a pause of the work ends for a release only where the account is held and its switch may run", () => {
    const resting = () => {
      const runner = machine().owning()
      runner.give({ _tag: "WorkEnded" })
      runner.give({ _tag: "Stopped" })
      return runner
    }
    assert.deepStrictEqual(resting().seen({ wanted: "release" }, false), [])
    assert.deepStrictEqual(resting().seen({ wanted: "release", outcome: { _tag: "Disarmed" } }), [])
    assert.deepStrictEqual(resting().seen({ wanted: "protect" }), [])
    assert.deepStrictEqual(resting().seen({ wanted: "release" }), ["Start"])
  })

  it("an arming that fails is tried again, after a pause where it asks for one", () => {
    for (const isRest of [true, false]) {
      const runner = machine()
      runner.seen({ epoch: 2 })
      assert.deepStrictEqual(runner.give({ _tag: "NotArmed", isRest }), isRest ? ["Rest"] : [])
      assert.deepStrictEqual(runner.seen({ epoch: 2 }), isRest ? [] : ["Start"])
    }
  })

  it("beats that ended because nothing was heard start again at once when the store answers", () => {
    const runner = machine().owning()
    assert.deepStrictEqual(runner.at(60_000).tick(), ["Stop"])
    assert.deepStrictEqual(runner.give({ _tag: "Stopped" }), [])
    assert.deepStrictEqual(runner.seen(), ["Start"])
  })

  it("a step that only changes the state orders nothing", () => {
    const runner = machine()
    assert.deepStrictEqual(runner.seen({ zeroIn: 0 }), ["Start"], "no zero can arrive any more")
    assert.deepStrictEqual(runner.give({ _tag: "TookOver", epoch: 3, askedAt: 0 }), [])
    assert.deepStrictEqual(runner.give({ _tag: "Armed", workFrom: 0, wanted: "protect" }), [])
    runner.seen({ wanted: "release" })
    assert.deepStrictEqual(runner.give({ _tag: "NotPermitted" }), [])
    runner.seen({ epoch: 4, ackedEpoch: 4 })
    assert.deepStrictEqual(runner.give({ _tag: "Stopped" }), [])

    const ended = machine().owning()
    ended.give({ _tag: "WorkEnded" })
    ended.give({ _tag: "Stopped" })
    assert.deepStrictEqual(ended.give({ _tag: "Exhausted", asked: 1 }), [])
    assert.deepStrictEqual(ended.tick(false), [])

    const rested = machine().owning()
    rested.give({ _tag: "WorkEnded" })
    rested.give({ _tag: "Stopped" })
    assert.deepStrictEqual(rested.give({ _tag: "Rested" }), [])

    const late = machine()
    late.seen({ epoch: 2 })
    late.give({ _tag: "TookOver", epoch: 3, askedAt: 0 })
    assert.deepStrictEqual(late.seen({ epoch: 4, ackedEpoch: 4 }, false), [])
    assert.deepStrictEqual(late.state, { _tag: "Starting", epoch: 3, seen: -Infinity })
  })

  it("an event of a step that has ended changes nothing", () => {
    const states = {
      Idle: { _tag: "Idle", restUntil: 5 },
      Starting: { _tag: "Starting", epoch: undefined, seen: 0 },
      Beating: {
        _tag: "Beating",
        phase: "Owned",
        epoch: 3,
        seen: 0,
        handingSince: undefined,
        workFrom: 0,
        zeroUntil: -Infinity,
        isWorking: true
      },
      Releasing: { _tag: "Releasing", epoch: 3, seen: 0, workFrom: 0 },
      Stopping: { _tag: "Stopping", reason: "Ended" },
      Resting: { _tag: "Resting" },
      Ended: { _tag: "Ended", asked: 1 }
    } as const satisfies { readonly [K in Handover.State["_tag"]]: Handover.State }
    const meant: ReadonlyArray<readonly [Handover.Event, ReadonlyArray<Handover.State["_tag"]>]> = [
      [{ _tag: "TookOver", epoch: 4, askedAt: 1 }, ["Starting"]],
      // A start that has not taken over cannot have armed.
      [{ _tag: "Armed", workFrom: 1, wanted: "protect" }, []],
      [{ _tag: "NotArmed", isRest: true }, ["Starting"]],
      [{ _tag: "NotArmed", isRest: false }, ["Starting"]],
      [{ _tag: "NotPermitted" }, ["Releasing"]],
      [{ _tag: "Lost" }, ["Beating"]],
      [{ _tag: "WorkEnded" }, ["Beating"]],
      [{ _tag: "Stopped" }, ["Releasing", "Stopping"]],
      [{ _tag: "Rested" }, ["Resting"]],
      [{ _tag: "Exhausted", asked: 2 }, ["Resting"]],
      [{ _tag: "Tick", isMine: true }, []],
      [{ _tag: "Seen", isMine: true, askedAt: 0, row: row() }, ["Idle", "Starting", "Releasing", "Beating"]]
    ]
    for (const [event, by] of meant) {
      for (const state of Object.values(states)) {
        if (by.includes(state._tag)) continue
        assert.deepStrictEqual(Handover.step(state, event, 1, settings), [state, []], `${event._tag} in ${state._tag}`)
      }
    }
  })

  // What must hold after any events, judged by the history of answers and not by the state.
  const change = fc.record({
    after: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 30_000 })),
    isMine: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
    event: fc.constantFrom(
      "Seen",
      "Seen",
      "Seen",
      "Tick",
      "Tick",
      "TookOver",
      "Armed",
      "NotArmed",
      "NotPermitted",
      "Lost",
      "WorkEnded",
      "Stopped",
      "Rested"
    ),
    late: fc.integer({ min: 0, max: 3_000 }),
    epoch: fc.constantFrom(0, 0, 0, 0, 1, 2),
    isAcked: fc.boolean(),
    wanted: fc.constantFrom("protect", "protect", "protect", "release")
  })

  it("after any events: no beat after grace, no work in doubt, no release of an account that is not held", () => {
    const reached = new Map<string, number>()
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (drawn) => {
        // Most begin with an account that is owned.
        const begin = { after: 0, isMine: true, late: 0, epoch: 0, isAcked: true, wanted: "protect" }
        const beginning = ["Seen", "TookOver", "Armed", "Seen"].map((event) => ({ ...begin, event }))
        const changes = drawn.length % 4 === 0 ? drawn : [...beginning, ...drawn]
        let state = Handover.idle
        let now = 0
        let epoch = 0
        let confirmedAt = -Infinity
        let lostAt: number | undefined
        let isWorking = false
        for (const { after, epoch: ahead, event, isAcked, isMine, late, wanted } of changes) {
          now += after
          const askedAt = now - Math.min(late, after)
          const facts = row({
            wanted: wanted as "protect" | "release",
            epoch: epoch + ahead,
            ackedEpoch: isAcked ? epoch + ahead : epoch
          })
          const given: Handover.Event =
            event === "Seen"
              ? { _tag: "Seen", isMine, askedAt, row: facts }
              : event === "Tick"
                ? { _tag: "Tick", isMine }
                : event === "TookOver"
                  ? { _tag: "TookOver", epoch: epoch + 1, askedAt }
                  : event === "Armed"
                    ? { _tag: "Armed", workFrom: now, wanted: "protect" }
                    : event === "NotArmed"
                      ? { _tag: "NotArmed", isRest: isAcked }
                      : { _tag: event as "Lost" | "WorkEnded" | "Stopped" | "Rested" | "NotPermitted" }
          const before = state
          const [next, orders] = Handover.step(state, given, now, settings)
          state = next
          // The history, kept apart.
          if (given._tag === "TookOver" && before._tag === "Starting") {
            epoch = given.epoch
            confirmedAt = askedAt
            lostAt = undefined
          }
          if (given._tag === "Seen" && facts.epoch === epoch) confirmedAt = Math.max(confirmedAt, askedAt)
          if (given._tag === "Seen" && facts.epoch === epoch && isMine) lostAt = undefined
          if ((given._tag === "Seen" && (facts.epoch > epoch || !isMine)) || (given._tag === "Tick" && !isMine)) {
            if (before._tag === "Beating") lostAt ??= now
          }
          for (const order of orders) {
            reached.set(order, (reached.get(order) ?? 0) + 1)
            if (order === "StartWork") isWorking = true
            if (order === "StopWork" || order === "Stop") isWorking = false
            if (order === "Release") {
              assert.isTrue(given._tag === "Seen" && isMine && facts.epoch === epoch && facts.wanted === "release")
            }
          }
          if (Handover.mayBeat(state, now, settings)) {
            assert.isBelow(now, confirmedAt + settings.grace)
            if (state._tag === "Beating" && lostAt !== undefined) assert.isBelow(now, lostAt + settings.grace)
          }
          if (isWorking && (given._tag === "Seen" || given._tag === "Tick")) {
            assert.isTrue(isMine)
            assert.isBelow(now, confirmedAt + settings.doubtAfter)
            assert.isTrue(state._tag === "Beating" && state.phase === "Owned" && state.isWorking)
          }
          if (state._tag !== "Beating") assert.isFalse(isWorking, state._tag)
          reached.set(state._tag === "Beating" ? state.phase : state._tag, 1)
        }
      }),
      { numRuns: 4_000 }
    )
    for (const name of [
      "Start",
      "StartWork",
      "StopWork",
      "Stop",
      "Release",
      "Rest",
      "Doubtful",
      "HandingOver",
      "Stopping"
    ]) {
      assert.isTrue(reached.has(name), name)
    }
  })

  it("a release counts as proof only when no earlier owner could beat any more", () => {
    const disarmed = { _tag: "Disarmed" } as const
    const outcome = (own: Parameters<typeof Handover.outcome>[0], quietIn: number) =>
      Handover.outcome(own, 100_000, quietIn, 31_000)
    assert.deepStrictEqual(outcome(disarmed, 0), disarmed)
    assert.deepStrictEqual(outcome(disarmed, 1), { _tag: "DisarmUnconfirmed", untilIn: 31_001 })
    const unconfirmed = { _tag: "DisarmUnconfirmed", until: 140_000 } as const
    assert.deepStrictEqual(outcome(unconfirmed, 0), { _tag: "DisarmUnconfirmed", untilIn: 40_000 })
    assert.deepStrictEqual(outcome(unconfirmed, 20_000), { _tag: "DisarmUnconfirmed", untilIn: 51_000 })
    const expiring = { _tag: "Expiring", earliestFire: 110_000, latestFire: 120_000, mayBeOff: false } as const
    assert.deepStrictEqual(outcome(expiring, 0), { _tag: "DisarmUnconfirmed", untilIn: 20_000 })
    assert.deepStrictEqual(outcome(expiring, 1), { _tag: "DisarmUnconfirmed", untilIn: 31_001 })
    const soon = { ...expiring, _tag: "CancellingSoon" } as const
    assert.deepStrictEqual(outcome(soon, 0), { _tag: "DisarmUnconfirmed", untilIn: 20_000 })
    assert.deepStrictEqual(outcome(soon, 1), { _tag: "DisarmUnconfirmed", untilIn: 31_001 })
    assert.deepStrictEqual(outcome(disarmed, -5), disarmed, "quiet for a while")
  })
})
