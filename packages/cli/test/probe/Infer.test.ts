/** The inference by itself, over observations that an arithmetic model makes up. */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { paces } from "../../src/probe/cancelling.js"
import * as Fit from "../../src/probe/fit.js"
import { infer } from "../../src/probe/infer.js"
import type { Bounds, Call, Findings, Observation } from "../../src/probe/model.js"
import * as Synthetic from "./support/synthetic.js"

const boundsOf = ({ findings }: Findings, option: string): Bounds | undefined => {
  const result = findings.find((finding) => finding.option === option)?.result
  return result?._tag === "Measured" ? result.bounds : undefined
}
const valueOf = ({ findings }: Findings, option: string): unknown => {
  const result = findings.find((finding) => finding.option === option)?.result
  return result?._tag === "Measured" ? result.value : undefined
}
const holds = (bounds: Bounds | undefined, value: number): boolean =>
  bounds !== undefined && bounds.min <= value && value <= bounds.max

const exchange = (some: Partial<Record<keyof Synthetic.Exchange, FastCheck.Arbitrary<unknown>>>) =>
  FastCheck.record({
    seed: FastCheck.nat(),
    period: FastCheck.oneof(FastCheck.constantFrom(0, 100, 250, 1_000), FastCheck.integer({ min: 0, max: 1_500 })),
    latency: FastCheck.integer({ min: 0, max: 1_500 }),
    jitter: FastCheck.constant(0),
    pace: FastCheck.oneof(FastCheck.constant(0), FastCheck.integer({ min: 1, max: 200 })),
    order: FastCheck.constantFrom("oldest", "newest"),
    updatedTime: FastCheck.constantFrom("trigger", "cancel", "nothing"),
    clockStart: FastCheck.constantFrom("accept", "apply", "complete"),
    processing: FastCheck.constantFrom(0, 5, 30),
    staleness: FastCheck.constantFrom(0, 0, 120),
    skew: FastCheck.constant(0),
    stamps: FastCheck.constant(true),
    ...some
  }) as FastCheck.Arbitrary<Synthetic.Exchange>

const property = (
  arbitrary: FastCheck.Arbitrary<Synthetic.Exchange>,
  check: (exchange: Synthetic.Exchange, findings: Findings) => void,
  numRuns = 15
) =>
  FastCheck.assert(
    FastCheck.property(arbitrary, (exchange) => check(exchange, infer(Synthetic.observe(exchange, 8, 5)))),
    { numRuns, seed: 14, endOnFailure: true }
  )

/** Whatever is stated holds. Gives how much that is. */
const truths = (exchange: Synthetic.Exchange, findings: Findings): number => {
  let stated = 0
  for (const [option, value] of [
    ["sweepPeriod", exchange.period],
    ["triggerLatency", exchange.latency],
    ["cancelPace", exchange.pace],
    ["listStaleness", exchange.staleness]
  ] as const) {
    const bounds = boundsOf(findings, option)
    if (bounds === undefined) continue
    assert.isTrue(holds(bounds, value), `${option} is ${value}: ${JSON.stringify(bounds)}`)
    stated++
  }
  for (const option of ["cancelOrder", "cancelUpdatedTime", "clockStart"] as const) {
    const field = ({ cancelOrder: "order", cancelUpdatedTime: "updatedTime", clockStart: "clockStart" } as const)[
      option
    ]
    const value = valueOf(findings, option)
    if (value !== undefined) assert.strictEqual(value, exchange[field], option)
  }
  return stated
}

describe("Inference", () => {
  it("every bound holds, whatever the period, the latency, the pace and the meaning of the stamps", () => {
    property(exchange({ updatedTime: FastCheck.constantFrom("trigger", "cancel") }), (exchange, findings) =>
      assert.strictEqual(truths(exchange, findings), 4)
    )
  })

  it("a period of a quarter of a second or more stands out, also without any updatedTime", () => {
    property(
      exchange({ period: FastCheck.integer({ min: 250, max: 1_500 }), updatedTime: FastCheck.constant("nothing") }),
      (exchange, findings) => {
        truths(exchange, findings)
        if (exchange.period < 500) return
        assert.isTrue(holds(boundsOf(findings, "sweepPeriod"), exchange.period))
        if (60_000 % exchange.period === 0) assert.strictEqual(valueOf(findings, "sweepPeriod"), exchange.period)
      }
    )
  })

  it("machines whose clocks differ make everything less sure, and nothing wrong", () => {
    property(exchange({ skew: FastCheck.integer({ min: 60, max: 300 }) }), (exchange, findings) => {
      truths(exchange, findings)
      assert.isAtLeast(findings.advice.skew, exchange.skew)
      assert.isAtMost(findings.advice.skew, exchange.skew + 60)
    })
  })

  it("answers without stamps are placed by the host's clock, and no bound is wrong", () => {
    property(exchange({ stamps: FastCheck.constant(false) }), (exchange, findings) => {
      assert.isAtLeast(truths(exchange, findings), 2)
    })
  })

  it("a latency that varies is told as its range, and no period is made up for it", () => {
    property(
      exchange({ period: FastCheck.constant(0), jitter: FastCheck.integer({ min: 200, max: 900 }) }),
      ({ jitter, latency }, findings) => {
        const period = boundsOf(findings, "sweepPeriod")
        if (period !== undefined) assert.strictEqual(period.min, 0)
        const bounds = boundsOf(findings, "triggerLatency")
        assert.isDefined(bounds)
        assert.isTrue(bounds!.min <= latency + jitter && bounds!.max >= latency, JSON.stringify(bounds))
      }
    )
  })

  it("a period shows through a latency that varies by much less than it", () => {
    property(
      exchange({ period: FastCheck.constantFrom(1_000, 1_500), jitter: FastCheck.integer({ min: 5, max: 40 }) }),
      ({ period }, findings) => assert.strictEqual(valueOf(findings, "sweepPeriod"), period)
    )
  })

  it("an order that survived a refused call says that the switch was closed only once a restarted one would have fired", () => {
    const base = { period: 0, latency: 100, jitter: 0, pace: 0, processing: 0, staleness: 0, skew: 0, seed: 1 }
    const seen = Synthetic.observe(
      { ...base, order: "oldest", updatedTime: "cancel", clockStart: "apply", stamps: true },
      8,
      5
    )
    const one = seen.find(({ experiment }) => experiment.purpose === "firing")
    const later = 600_000 + Math.max(...seen.flatMap(({ pages }) => pages.map(({ call }) => call.receivedAt)))
    const call = (at: number): Call => ({
      sentAt: later + at,
      receivedAt: later + at + 2,
      acceptedAt: Synthetic.exchangeTime(later + at + 1),
      completedAt: Synthetic.exchangeTime(later + at + 1),
      requestTime: undefined
    })
    // 8 s at 0, refused at 3 s: an untouched switch fires at 8.1 s, a restarted one at 11.1 s.
    const survivedUntil = (last: number): Observation => ({
      experiment: { ...one!.experiment, purpose: "refused" },
      placed: [{ ...one!.placed[0]!, call: call(-500) }],
      notPlaced: [],
      written: [
        { countdown: "8", call: call(0), outcome: { _tag: "Accepted" } },
        { countdown: "4", call: call(3_000), outcome: { _tag: "Refused", code: "40017", httpStatus: 400 } }
      ],
      pages: [0, 8_500, last].map((at) => ({
        call: call(at),
        category: "SPOT",
        listed: [one!.placed[0]!.orderId]
      })),
      closed: [],
      cancelled: []
    })
    const found = (last: number) => valueOf(infer([...seen, survivedUntil(last)]), "refusedCountdown")
    assert.deepStrictEqual([8_900, 10_900, 11_600].map(found), [undefined, undefined, "closes"])
  })

  it("paces: exactly those for which a start exists", () => {
    const interval = FastCheck.tuple(
      FastCheck.integer({ min: 0, max: 60 }),
      FastCheck.integer({ min: 0, max: 20 })
    ).map(([min, width]) => ({ min, max: min + width }))
    FastCheck.assert(
      FastCheck.property(FastCheck.array(interval, { minLength: 2, maxLength: 5 }), (cancels) => {
        const found = paces(cancels)
        for (let pace = 0; pace <= 60; pace++) {
          // A start for this pace: every order allows starts from its own interval, moved back.
          const from = Math.max(...cancels.map(({ min }, place) => min - place * pace))
          const to = Math.min(...cancels.map(({ max }, place) => max - place * pace))
          const isPossible = found !== undefined && found.min <= pace && pace <= found.max
          assert.strictEqual(isPossible, from <= to, `pace ${pace}`)
        }
      })
    )
  })

  it("common and span: what a search over all values finds", () => {
    const list = FastCheck.array(
      FastCheck.tuple(FastCheck.integer({ min: 0, max: 30 }), FastCheck.integer({ min: 0, max: 8 })).map(
        ([min, width]) => ({ min, max: min + width })
      ),
      { minLength: 1, maxLength: 3 }
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.array(list, { minLength: 1, maxLength: 4 }), (lists) => {
        const touches = (from: number, to: number) =>
          lists.every((list) => list.some(({ max, min }) => min <= to && from <= max))
        const values = Array.from({ length: 40 }, (_, value) => value)
        const all = values.filter((value) => touches(value, value))
        assert.deepStrictEqual(
          Fit.common(lists),
          all.length === 0 ? undefined : { min: Math.min(...all), max: Math.max(...all) }
        )
        const widths = values.flatMap((from) =>
          values.filter((to) => to >= from && touches(from, to)).map((to) => to - from)
        )
        const span = Fit.span(lists)!
        assert.strictEqual(span.max - span.min, Math.min(...widths))
        assert.isTrue(touches(span.min, span.max))
      })
    )
  })
})
