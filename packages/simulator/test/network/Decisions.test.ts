/**
 * Which fault decides when several meet one request, and what each random draw belongs to.
 */
import * as Fault from "@effect-deadman/simulator/Fault"
import * as Latency from "@effect-deadman/simulator/Latency"
import * as Network from "@effect-deadman/simulator/Network"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"

const beat: Network.Request = { account: "1", endpoint: "/api/v3/trade/countdown-cancel-all", countdown: "10" }
const other: Network.Request = { ...beat, account: "2" }
const unsigned: Network.Request = { ...beat, account: undefined }

const begin = (texts: ReadonlyArray<string>, link?: Partial<Network.Link>): Network.State =>
  texts.reduce(
    (state, text) => Network.add(state, Either.getOrThrow(Fault.parse(text)), 0)[1],
    Network.make({ seed: 1, link })
  )

/** All orders of a list. */
const orders = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.length < 2
    ? [items]
    : items.flatMap((first, index) => orders(items.toSpliced(index, 1)).map((rest) => [first, ...rest]))

const passage: Network.Passage = { ...beat, ordinal: 0 }

describe("several faults of one request", () => {
  it("a refused connection takes precedence over a reset, and both over a loss, in whichever order they were added", () => {
    const [refuse, reset, ...losses] = [
      "refuse-connection",
      "reset;direction=request",
      "drop-request",
      "partition",
      "partition-request"
    ] as const
    for (const loss of losses) {
      for (const [faults, end] of [
        [[refuse, reset, loss], "Refused"],
        [[refuse, loss], "Refused"],
        [[reset, loss], "Reset"],
        [[loss, "delay-request;by=1s"], "Lost"]
      ] as const) {
        for (const texts of orders<string>([...faults, "duplicate", "reorder"])) {
          const [departure] = Network.depart(begin(texts), beat, 0)
          assert.strictEqual(departure._tag, end, texts.join())
          assert.deepStrictEqual(departure.acted, texts)
        }
      }
    }
  })

  it("the client gets the error of a connection after the delays of its way", () => {
    const link = { request: Latency.constant(5), answer: Latency.constant(7) }
    for (const [texts, end] of [
      [["delay-request;by=1s", "refuse-connection"], "Refused"],
      [["delay-request;by=1s", "reset;direction=request"], "Reset"]
    ] as const) {
      assert.deepInclude(Network.depart(begin(texts, link), beat, 0)[0], { _tag: end, after: 1_005 })
    }
    const answer = Network.answer(begin(["delay-answer;by=2s", "reset"], link), passage, 0)[0]
    assert.deepStrictEqual(answer, { _tag: "Reset", acted: ["delay-answer;by=2s", "reset"], after: 2_007 })
  })

  it("a lost answer takes precedence over a reset, and both over another answer and a shorter one", () => {
    for (const loss of ["drop-answer", "partition", "partition-answer", "hang;direction=answer"]) {
      for (const texts of orders([loss, "reset", "error-after-apply"])) {
        assert.deepStrictEqual(Network.answer(begin(texts), passage, 0)[0], { _tag: "Lost", acted: texts.map(print) })
      }
    }
    for (const texts of orders(["reset", "error-after-apply", "truncated-body"])) {
      assert.strictEqual(Network.answer(begin(texts), passage, 0)[0]._tag, "Reset")
    }
  })

  it("the fault that was added first answers, and the shortest piece of a body arrives", () => {
    const codes = ["error-after-apply;code=40010", "maintenance;code=40725;direction=answer"] as const
    for (const [texts, code] of [
      [codes, "40010"],
      [codes.toReversed(), "40725"]
    ] as const) {
      assert.deepInclude(Network.answer(begin(texts), passage, 0)[0], { replace: { _tag: "Code", code } })
    }
    for (const texts of orders(["truncated-body;keep=9", "truncated-body;keep=3", "truncated-body;keep=5"])) {
      assert.deepInclude(Network.answer(begin(texts), passage, 0)[0], { keep: 3, replace: undefined })
    }
    const door = begin(["code;code=40014", "rate-limit", "hang"])
    const [first, next] = Network.arrive(door, passage, 0)
    assert.deepStrictEqual(first, {
      _tag: "Gateway",
      acted: ["code;code=40014"],
      reply: { _tag: "Code", code: "40014" }
    })
    assert.deepStrictEqual(
      next.faults.map(({ acted }) => acted),
      [1, 0, 0]
    )
    assert.deepStrictEqual(Network.arrive(begin(["hang"]), passage, 0)[0], { _tag: "Unanswered", acted: ["hang"] })
  })

  it("a request that several faults hold waits for the longest, then for all their delays, and so do its copies", () => {
    for (const texts of orders(["reorder;hold=3s;by=20ms", "reorder;hold=9s;by=5ms", "duplicate;by=1s"])) {
      const [departure] = Network.depart(begin(texts), beat, 0)
      assert.deepStrictEqual(departure._tag === "Sent" ? departure.arrivals : [], [
        { after: 0, hold: 9_000, lag: 25 },
        { after: 1_000, hold: 9_000, lag: 25 }
      ])
    }
  })
})

const print = (text: string) => Fault.print(Either.getOrThrow(Fault.parse(text)))

describe("a partition that lets the first requests pass", () => {
  it("counts an answer whose request it did not see, and lets the answer of one that it let pass go uncounted", () => {
    const begun = begin(["partition;after=1;from=5s"])
    const [early, one] = Network.depart(begun, beat, 0)
    assert.deepStrictEqual(early.passage, passage)
    const [counted, two] = Network.answer(one, early.passage, 5_000)
    assert.strictEqual(counted._tag, "Sent")
    assert.strictEqual(Network.depart(two, beat, 5_000)[0]._tag, "Lost")
    const [let_, three] = Network.depart(one, beat, 5_000)
    assert.deepStrictEqual(let_.passage, { ...passage, ordinal: 1, spared: [1] })
    const [free, four] = Network.answer(three, let_.passage, 5_000)
    assert.strictEqual(free._tag, "Sent")
    assert.strictEqual(four.faults[0]?.seen, 1)
    // Only a partition spares an answer.
    const [plain] = Network.depart(begin(["delay-request;by=1s;after=1", "drop-request;after=1"]), beat, 0)
    assert.deepStrictEqual(plain.passage, passage)
    const [always] = Network.depart(begin(["partition;probability=0"]), beat, 0)
    assert.deepStrictEqual(always.passage, passage)
  })
})

describe("the draws", () => {
  const spread = Either.getOrThrow(Latency.parse("uniform(0ms,1000s)"))
  const link = { request: spread, answer: spread }
  const draws = (request: Network.Request, state: Network.State, answers: boolean) => {
    let current = state
    return Array.from({ length: 4 }, () => {
      const [departure, next] = Network.depart(current, request, 0)
      current = next
      if (answers) {
        const [answer] = Network.answer(current, departure.passage, 0)
        return answer._tag === "Sent" ? answer.after : -1
      }
      return departure._tag === "Sent" ? departure.arrivals[0].after : -1
    })
  }

  it("of a link belong to a way and an account, with and without faults", () => {
    const series = [beat, other, unsigned].flatMap((request) =>
      [false, true].map((answers) => {
        const own = draws(request, begin([], link), answers)
        assert.deepStrictEqual(own, draws(request, begin(["code;code=1;account=3"], link), answers))
        assert.strictEqual(new Set(own).size, own.length)
        return own.join()
      })
    )
    assert.strictEqual(new Set(series).size, series.length)
  })

  it("of a fault belong to a request and to what is drawn: each copy has its own", () => {
    const duplicate = begin(["duplicate;by=uniform(0ms,1000s);copies=3"])
    const [departure] = Network.depart(duplicate, beat, 0)
    const afters = departure._tag === "Sent" ? departure.arrivals.map(({ after }) => after) : []
    assert.lengthOf(afters, 4)
    assert.strictEqual(new Set(afters).size, 4)
    assert.strictEqual(afters[0], 0)
    const series = [
      draws(beat, begin(["delay-request;by=uniform(0ms,1000s)"]), false),
      draws(other, begin(["delay-request;by=uniform(0ms,1000s)"]), false),
      draws(beat, begin(["delay-answer;by=uniform(0ms,1000s)"]), true)
    ]
    assert.strictEqual(new Set(series.flat()).size, 12)
  })

  it("requests are numbered by account, from 0", () => {
    let state = begin(["drop-request;account=2"])
    const ordinals = [beat, other, beat, unsigned, other, unsigned, beat].map((request) => {
      const [departure, next] = Network.depart(state, request, 0)
      state = next
      return departure.passage.ordinal
    })
    assert.deepStrictEqual(ordinals, [0, 0, 1, 0, 1, 1, 2])
  })
})
