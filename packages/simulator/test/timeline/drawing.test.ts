import { assert, describe, it } from "@effect/vitest"
import * as Fc from "fast-check"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Drawing from "../../src/timeline/drawing.js"

const frame = Drawing.frame({ from: 0, to: 60_000, left: 46, right: 746, time: (at) => `${at} ms` })

const fault = (label: string, from: number, to: number | undefined): Drawing.Fault => ({ label, from, to, acted: [] })

interface Bar {
  readonly label: string
  readonly bar: readonly [from: number, to: number]
  readonly text: readonly [from: number, to: number]
  readonly y: number
}

/** The bars of a drawing, each with the columns of its label at 6.2 pixels per character. */
const barsOf = (svg: string): ReadonlyArray<Bar> =>
  [
    ...svg.matchAll(
      /<rect class="fault" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)".*?<text class="faultt" x="([\d.]+)" y="[\d.]+" text-anchor="(\w+)">(.*?)</g
    )
  ].map(([, x, y, width, at, anchor, label = ""]) => {
    const length = label.length * 6.2
    const start = anchor === "end" ? Number(at) - length : Number(at)
    return { label, bar: [Number(x), Number(x) + Number(width)], text: [start, start + length], y: Number(y) }
  })

const overlap = (a: readonly [number, number], b: readonly [number, number]): boolean => a[0] < b[1] && b[0] < a[1]

describe("Drawing", () => {
  it("keeps the labels of faults apart and inside the picture", () => {
    const span = Fc.record({
      label: Fc.constantFrom("hang", "partition", "drop-answer;times=3", "delay-request;by=exp(200ms);account=1000001"),
      from: Fc.integer({ min: -20_000, max: 60_000 }),
      length: Fc.option(Fc.integer({ min: 0, max: 60_000 }), { nil: undefined })
    })
    Fc.assert(
      Fc.property(Fc.array(span, { maxLength: 12 }), (spans) => {
        const all = spans.map(({ from, label, length }) =>
          fault(label, from, length === undefined ? undefined : from + length)
        )
        const { body } = Drawing.faults(frame, 0, all)
        const bars = barsOf(body)
        assert.lengthOf(bars, all.filter(({ to }) => to === undefined || to >= 0).length)
        for (const [index, { bar, text, y }] of bars.entries()) {
          assert.isAtLeast(text[0], 0)
          assert.isAtMost(text[1], frame.right)
          for (const other of bars.slice(index + 1)) {
            if (other.y !== y) continue
            for (const mine of [bar, text])
              for (const its of [other.bar, other.text]) assert.isFalse(overlap(mine, its))
          }
        }
      })
    )
  })

  it("ends the bar of a fault that is over, and draws one in force up to now", () => {
    const [over, inForce] = barsOf(
      Drawing.faults(frame, 0, [fault("drop-answer", 0, 30_000), fault("partition", 40_000, undefined)]).body
    )
    assert.strictEqual(over?.bar[1], frame.x(30_000))
    assert.strictEqual(inForce?.bar[1], frame.right)
  })

  it("labels the axis of time left in seconds", () => {
    const scale = Drawing.scale(frame, { top: 0, height: 100 }, Drawing.ceilingOf([10_000, 8_000]))
    assert.deepStrictEqual(
      [...scale.matchAll(/>([^<>]+)<\/text>/g)].map(([, label]) => label),
      ["0 s", "5 s", "10 s"]
    )
  })

  it("has the colours of the live page", () => {
    const file = Path.join(import.meta.dirname, "../../src/served/page/base.css")
    const page = new Map(
      [...Fs.readFileSync(file, "utf8").matchAll(/--([\w-]+): light-dark\((\S+), (\S+)\)/g)].map(
        ([, name = "", light = "", dark = ""]) => [name, [light, dark]]
      )
    )
    for (const [name, values] of Object.entries(Drawing.colours)) {
      // Only the exported timeline shows orders and what the bot believes.
      if (name !== "believed" && name !== "orders") assert.deepStrictEqual(page.get(name), [...values], name)
    }
  })
})
