/** The second judge over small logs, written by hand: for each promise a true one and one with a lie. */
import { assert, describe, it } from "@effect/vitest"
import type * as Log from "../src/Log.js"
import type { Plan } from "../src/Plan.js"
import * as Report from "../src/Report.js"
import * as SecondOracle from "../src/SecondOracle.js"

const plan: Plan = {
  seed: 0,
  stack: "port",
  client: {
    countdown: 10,
    interval: 3_000,
    requestTimeout: 2_000,
    armTimeout: 10_000,
    releaseTimeout: 10_000,
    settle: 2_000,
    release: "disarm",
    abandon: "Disarm",
    onUncertain: "verify",
    liveness: false,
    deaf: false,
    read: true
  },
  venue: {
    boundary: "fire",
    sweepPeriod: 100,
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
    maintenanceTimer: "runs",
    maintenanceApplies: false
  },
  clock: { rate: 1, wallOffset: 0, venueOffset: 0, machineSkew: 0, skew: 0, uncertainty: 0 },
  link: { request: [10, 10], answer: [10, 10] },
  faults: [],
  predecessor: undefined,
  needle: undefined,
  evidence: undefined,
  checks: [],
  sharers: undefined,
  throwing: [],
  portDies: undefined,
  clockDies: undefined,
  ties: { instants: "first-in", parties: "first-in" },
  deeds: []
}

const seq = 0
const call = (id: number, at: number, more: Partial<Log.Call> = {}): Log.Call => {
  const base = { seq, id, at, before: false, wire: "10", endSeq: seq, endAt: at + 20, code: undefined, left: true }
  return { _tag: "Call", ...base, end: "acknowledged", ...more }
}
const arrival = (id: number | undefined, at: number, wire = "10"): Log.Arrival => {
  return { _tag: "Arrival", seq, call: id, copy: 0, at, wire, appliedAt: at, from: at, code: "00000" }
}
const switched = (transition: Log.Switched["transition"], at: number, deadline?: number): Log.Switched => {
  return { _tag: "Switched", seq, account: "own", at, transition, deadline }
}
const claim = (at: number, state: Log.Claim["state"], more: Partial<Log.Claim> = {}): Log.Claim => {
  const base = { seq, at, state, earliest: undefined, latest: undefined, lost: undefined, provenBy: undefined }
  return { _tag: "Claim", ...base, how: "reported", venueArmed: true, ...more }
}
const order = (what: "placed" | "cancelled", at: number, account: "own" | "bystander" = "own"): Log.Ordered => {
  return { _tag: "Ordered", seq, account, at, what, order: "1", cause: what === "placed" ? undefined : "countdown" }
}
const deed = (what: string, at: number, length?: number): Log.Deed => ({ _tag: "Deed", seq, at, what, length })
const lost = (at: number, reason: string): Log.Lost => ({ _tag: "Lost", seq, at, reason })
const outcome = (at: number, outcome: Log.Outcome["outcome"], latest?: number): Log.Outcome => {
  return { _tag: "Outcome", seq, at, outcome, earliest: undefined, latest }
}
const acquired: Log.Acquired = {
  _tag: "Acquired",
  seq,
  at: 20,
  result: "armed",
  failure: undefined,
  code: undefined
}

/** A write that is acknowledged, and takes effect 10 ms after it was sent. */
const write = (id: number, at: number, transition: "armed" | "refreshed" = "refreshed"): ReadonlyArray<Log.Entry> => [
  call(id, at),
  arrival(id, at + 10),
  switched(transition, at + 10, at + 10_010)
]
const fire = (at = 10_010): Log.Switched => switched("fired", at, 10_010)
const armed = [...write(0, 0, "armed"), acquired, claim(20, "Armed", { earliest: 9_980, latest: 11_000 })]
const failed = (id: number, at: number) => call(id, at, { end: "lost", endAt: at + 2_000 })
/** The window passes after three failed writes, and the switch fires at its deadline. */
const failures = [failed(1, 3_000), failed(2, 5_000), failed(3, 7_000)]
const passed = [...armed, ...failures, claim(10_000, "MayHaveFired", { earliest: 0, latest: 35_000 }), fire()]
const closing: Log.Closing = { _tag: "Closing", seq, at: 3_000, phase: "begun", mono: 0 }
const off = [closing, call(1, 3_000, { wire: "0" }), arrival(1, 3_010, "0"), switched("closed", 3_010)]
const late = [arrival(0, 5_000), switched("armed", 5_000, 15_000), switched("fired", 15_000, 15_000)]
const again = [...passed, ...write(4, 12_000, "armed")]
const compared = [deed("reconcile", 12_100), deed("reconciled", 12_100)]
const slept = [...armed, arrival(undefined, 9_000, "60"), switched("refreshed", 9_000, 69_000)]

type Changes = Partial<Omit<Plan, "client" | "venue">> & {
  readonly client?: Partial<Plan["client"]>
  readonly venue?: Partial<Plan["venue"]>
}

const judge = (entries: ReadonlyArray<Log.Entry>, end?: number, changes: Changes = {}) => {
  const { client, venue, ...others } = changes
  const numbered = entries.map((entry, index) => ({ ...entry, seq: index, endSeq: index + 0.5 }) as Log.Entry)
  const last = Math.max(...entries.map(({ at }) => at))
  return SecondOracle.judge(
    { ...plan, ...others, venue: { ...plan.venue, ...venue }, client: { ...plan.client, ...client } },
    { entries: numbered, end: end ?? last }
  )
}
const promises = (findings: ReadonlyArray<SecondOracle.Finding>) => [...new Set(findings.map(({ promise }) => promise))]

interface Case {
  readonly says: string
  readonly truth: ReadonlyArray<Log.Entry>
  readonly lie: ReadonlyArray<Log.Entry>
  /** The end of both runs, if it is not the last entry. */
  readonly end?: number
}

const cases: Readonly<Record<string, ReadonlyArray<Case>>> = {
  "1": [
    {
      says: "a good write sets the deadline",
      truth: write(0, 0, "armed"),
      lie: [call(0, 0), arrival(0, 10), switched("armed", 10, 10_510)]
    },
    {
      says: "the countdown starts with the write",
      truth: armed,
      lie: [call(0, 0), { ...arrival(0, 10), from: 500 }, switched("armed", 10, 10_500)]
    },
    {
      says: "the timer of the records is the exchange's",
      truth: [...armed, claim(5_000, "Armed", { how: "standing" })],
      lie: [...armed, claim(5_000, "Armed", { how: "standing", venueArmed: false })]
    },
    { says: "a good write is not lost", truth: armed, lie: [call(0, 0), arrival(0, 10), acquired] }
  ],
  "2": [
    { says: "it does not fire before the deadline", truth: passed, lie: [...write(0, 0, "armed"), fire(9_000)] },
    { says: "it fires by the sweep", truth: passed, lie: [...write(0, 0, "armed")], end: 10_200 },
    { says: "it fires once", truth: passed, lie: [...passed, fire(10_050)] }
  ],
  "3": [
    {
      says: "nothing that was open at the firing stays open",
      truth: [order("placed", 500), ...passed, order("cancelled", 10_010)],
      lie: [order("placed", 500), ...passed],
      end: 11_000
    },
    {
      says: "the cancels follow the firing at the exchange's pace",
      truth: [order("placed", 500), ...passed, order("cancelled", 10_010)],
      lie: [order("placed", 500), ...passed, order("cancelled", 10_500)],
      end: 11_000
    }
  ],
  "4": [
    { says: "nothing but a good write moves the switch", truth: armed, lie: [...armed, switched("closed", 3_010)] }
  ],
  "5": [
    {
      says: "no other account is touched",
      truth: [order("placed", 500, "bystander"), ...passed],
      lie: [order("placed", 500, "bystander"), ...passed, order("cancelled", 10_010, "bystander")]
    },
    {
      says: "no other account's switch moves",
      truth: armed,
      lie: [...armed, { ...switched("fired", 5_000), account: "bystander" }]
    }
  ],
  "6": [
    {
      says: "an order that was placed after the firing stays",
      truth: [...passed, order("placed", 10_500)],
      lie: [...passed, order("placed", 10_500), order("cancelled", 10_510)]
    }
  ],
  "8": [
    {
      says: "a state that is read is armed only while the timer runs",
      truth: [...armed, claim(5_000, "Armed", { how: "read" })],
      lie: [...passed, claim(10_011, "Jeopardy", { how: "read", venueArmed: false })].filter(
        (entry) => !("state" in entry) || entry.state !== "MayHaveFired"
      ),
      end: 10_011
    },
    {
      says: "a report does not stand after the timer has ended",
      truth: passed,
      lie: [...armed, fire()],
      end: 10_100
    }
  ],
  "9": [
    {
      says: "it does not fire after the latest fire",
      truth: passed,
      lie: [...write(0, 0, "armed"), claim(20, "Armed", { earliest: 9_980, latest: 9_985 })]
    },
    {
      says: "a write under way is inside the window, too",
      truth: [
        ...armed,
        failed(1, 3_000),
        claim(3_500, "Armed", { earliest: 6_500, latest: 40_500 }),
        arrival(1, 9_000),
        switched("refreshed", 9_000, 19_000)
      ],
      lie: [
        ...armed,
        failed(1, 3_000),
        claim(3_500, "Armed", { earliest: 6_500, latest: 7_500 }),
        arrival(1, 9_000),
        switched("refreshed", 9_000, 19_000)
      ]
    },
    {
      says: "it does not fire before the earliest fire",
      truth: [...armed, failed(1, 3_000), claim(3_500, "Armed", { earliest: 6_500, latest: 40_500 })],
      lie: [
        call(0, 0),
        arrival(0, 10),
        switched("armed", 10, 10_010),
        claim(3_500, "Armed", { earliest: 6_800, latest: 9_000 })
      ]
    },
    {
      says: "Fired is claimed only after a firing",
      truth: [...passed, claim(10_020, "Fired", { venueArmed: false })],
      lie: [...armed, claim(9_000, "Fired")]
    }
  ],
  "10": [
    {
      says: "after a crash every open order is closed in time",
      truth: [order("placed", 500), ...armed, deed("crash", 5_000), fire(), order("cancelled", 10_010)],
      lie: [
        order("placed", 500),
        ...armed,
        deed("crash", 5_000),
        ...[9_000, 18_000, 27_000, 36_000].flatMap((at) => [arrival(0, at), switched("refreshed", at, at + 10_000)]),
        switched("fired", 46_000),
        order("cancelled", 46_000)
      ]
    },
    {
      says: "after a crash no open order stays",
      truth: [order("placed", 500), ...armed, deed("crash", 5_000), fire(), order("cancelled", 10_010)],
      lie: [order("placed", 500), ...armed, deed("crash", 5_000), fire()],
      end: 60_000
    }
  ],
  "11": [
    {
      says: "two failed beats in a row are survived",
      truth: passed,
      lie: passed.filter((entry) => entry !== failures[2])
    }
  ],
  "12": [
    {
      says: "after Disarmed nothing fires",
      truth: [...armed, ...off, outcome(3_020, "Disarmed")],
      lie: [...armed, ...off, outcome(3_020, "Disarmed"), ...late],
      end: 20_000
    },
    {
      says: "after DisarmUnconfirmed nothing fires after its instant",
      truth: [...armed, ...off, outcome(3_020, "DisarmUnconfirmed", 12_500), ...late],
      lie: [...armed, ...off, outcome(3_020, "DisarmUnconfirmed", 11_900), ...late],
      end: 20_000
    }
  ],
  "14": [
    {
      says: "a write leaves a second after the answer of the one before",
      truth: [...armed, ...write(1, 1_020)],
      lie: [...armed, ...write(1, 1_010)]
    },
    {
      says: "one write is in flight",
      truth: [...armed, failed(1, 3_000), call(2, 5_000)],
      lie: [...armed, failed(1, 3_000), call(2, 4_500)]
    }
  ],
  "15": [
    {
      says: "no silent re-arm over a firing",
      truth: [...again, ...compared, claim(12_100, "Armed", { provenBy: "owner" })],
      lie: [...again, claim(12_020, "Armed", { provenBy: "acknowledgement" })]
    },
    {
      says: "the owner has not seen a firing after the acknowledgement that it names",
      truth: [...again, ...compared, claim(12_100, "Armed", { provenBy: "owner" })],
      lie: [
        ...passed,
        ...compared.map((one) => ({ ...one, at: 10_100 })),
        ...write(4, 12_000, "armed"),
        claim(12_100, "Armed", { provenBy: "owner" })
      ]
    },
    {
      says: "no doubt ends without a proof",
      truth: [
        ...armed,
        claim(5_000, "MayHaveFired"),
        ...write(1, 6_000),
        claim(6_020, "Armed", { provenBy: "acknowledgement" })
      ],
      lie: [...armed, claim(5_000, "MayHaveFired"), ...write(1, 6_000), claim(6_020, "Armed")]
    },
    {
      says: "no write leaves after the switch was lost",
      truth: [...again, claim(12_020, "Fired"), lost(12_020, "Fired")],
      lie: [...passed, lost(10_010, "MayHaveFired"), ...write(4, 12_000, "armed")]
    }
  ],
  "16": [
    {
      says: "a late answer does not lengthen the window",
      truth: [
        call(0, 0, { endAt: 1_950 }),
        arrival(0, 1_900),
        switched("armed", 1_900, 11_900),
        claim(1_950, "Armed", { earliest: 8_050, latest: 11_000 })
      ],
      lie: [
        call(0, 0, { endAt: 1_950 }),
        arrival(0, 1_900),
        switched("armed", 1_900, 11_900),
        claim(1_950, "Armed", { earliest: 9_900, latest: 11_000 })
      ]
    }
  ],
  "18": [
    {
      says: "the first state after a long suspend is not Armed",
      truth: [...slept, deed("suspend", 5_000, 20_000), claim(25_001, "MayHaveFired", { how: "read" })],
      lie: [...slept, deed("suspend", 5_000, 20_000), claim(25_001, "Armed", { how: "read" })]
    }
  ]
}

describe("SecondOracle", () => {
  for (const [promise, all] of Object.entries(cases)) {
    for (const { end, lie, says, truth } of all) {
      it(`promise ${promise}: ${says}`, () => {
        assert.deepStrictEqual(judge(truth, end).breaches, [])
        assert.include(promises(judge(lie, end).breaches), promise)
      })
    }
  }

  it("each promise that it judges has a true log and a lie", () => {
    assert.sameMembers(Object.keys(cases), [...SecondOracle.judged])
  })

  it("the judges differ on a promise that both judge and only one finds broken", () => {
    const finds = (...promises: ReadonlyArray<string>) => ({
      breaches: promises.map((promise) => ({ promise, at: 0, what: "" })),
      excused: []
    })
    assert.deepStrictEqual(Report.differences(finds("9", "15"), finds("15", "12")), ["9", "12"])
    assert.deepStrictEqual(Report.differences(finds("17"), finds()), [])
  })

  it("another client's write excuses what it did to the timer, and nothing after the next own write", () => {
    const closed = [...armed, arrival(undefined, 2_000, "0"), switched("closed", 2_000)]
    const { breaches, excused } = judge([...closed, claim(2_500, "Armed", { how: "read", venueArmed: false })])
    assert.deepStrictEqual([breaches, promises(excused)], [[], ["8"]])
    const after = [...closed, ...write(1, 3_000, "armed"), switched("fired", 13_010)]
    assert.sameMembers(promises(judge(after, 13_100).breaches), ["8", "11"])
  })

  it("without a clock no request is overdue, so that an answer of any age moves the window", () => {
    const [died, ...rest] = [
      deed("clock died", 4_000),
      lost(4_000, "Defect"),
      claim(10_000, "MayHaveFired", { earliest: 0, latest: 25_000 }),
      fire(),
      arrival(1, 22_650),
      switched("armed", 22_650, 32_650),
      claim(22_700, "Fired", { earliest: 13_000 - 22_700, latest: 10_000 })
    ]
    const before = [...armed, call(1, 3_000, { endAt: 22_700 })]
    assert.deepStrictEqual(judge([...before, died!, ...rest], undefined, { client: { deaf: true } }).breaches, [])
    assert.include(promises(judge([...before, ...rest], undefined, { client: { deaf: true } }).breaches), "16")
  })

  it("a host whose clock is slow shows the edge of a countdown that much later, and no more", () => {
    const claimed = (at: number) =>
      promises(
        judge([...armed, ...failures, fire(), claim(at, "Jeopardy", { how: "read", venueArmed: false })], undefined, {
          clock: { ...plan.clock, rate: 0.9995 }
        }).breaches
      )
    assert.notInclude(claimed(10_015), "8")
    assert.include(claimed(10_017), "8")
  })

  it("a watchdog takes a step of the wall clock for a suspend, and stops the beats", () => {
    const stepped = [...armed, deed("step-wall", 1_000), failed(1, 3_000), fire()]
    const watchdog = { kind: "watchdog", every: 500, within: 2_000, lapses: false } as const
    assert.notInclude(promises(judge(stepped, undefined, { checks: [watchdog] }).breaches), "11")
    assert.include(promises(judge(stepped).breaches), "11")
  })

  it("in the whole stack a 0 of the same millisecond may have come after the firing", () => {
    const both = [...passed.slice(0, -1), call(4, 10_000, { wire: "0" }), arrival(4, 10_010, "0"), fire()]
    assert.notInclude(promises(judge(both, 11_000, { stack: "http" }).breaches), "1")
    assert.include(promises(judge(both, 11_000).breaches), "1")
  })

  it("a release of the exchange that pauses the timer excuses a late firing, and one that does not pause it does not", () => {
    const late = [...passed.slice(0, -1), claim(10_500, "MayHaveFired", { earliest: -500, latest: 500 }), fire(12_010)]
    const maintenance = { from: 5_000, to: 7_000 }
    const paused = judge(late, 12_010, { venue: { maintenance, maintenanceTimer: "pauses" } })
    assert.deepStrictEqual([promises(paused.breaches), promises(paused.excused)], [[], ["9"]])
    assert.include(promises(judge(late, 12_010, { venue: { maintenance, maintenanceTimer: "runs" } }).breaches), "2")
  })
})
