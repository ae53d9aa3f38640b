import * as Faults from "@effect-deadman/simulator/Faults"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Timeline from "@effect-deadman/simulator/Timeline"
import * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as Bot from "../support/Bot.js"

const beat = (seconds = "10") => Effect.fork(Effect.timeoutOption(Bot.setCountdown(seconds), "2 seconds"))

/** Beats every three seconds, then a lost request, a lost answer, an error, and a crash. */
const story = Effect.gen(function* () {
  yield* Simulator.placeOrder()
  yield* Simulator.placeOrder({ category: "SPOT" })
  for (let n = 0; n < 6; n++) {
    yield* beat()
    yield* TestClock.adjust("3 seconds")
  }
  yield* Effect.scoped(
    Effect.gen(function* () {
      yield* Faults.add("drop-request;times=1")
      yield* Faults.add("drop-answer;times=1")
      yield* beat()
      yield* TestClock.adjust("3 seconds")
      yield* beat()
      yield* TestClock.adjust("3 seconds")
    })
  )
  yield* Simulator.recordWindow({ state: "Jeopardy", earliestFire: 24_500, latestFire: 46_000 })
  yield* beat("61")
  yield* TestClock.adjust("1 seconds")
  yield* Simulator.mark("crash")
  yield* TestClock.adjust("20 seconds")
})

const expected = `
seed 4711, account 1000001
   t/s  bot                       network                        exchange             open
 0.000                                                           order ..0001 placed     2
 0.000                                                           order ..0002 placed     2
 0.000  beat 10 s -> ok                                          armed until 10.000      2
 3.000  beat 10 s -> ok                                          refreshed to 13.000     2
        ... 3 more beats, all ok
15.000  beat 10 s -> ok                                          refreshed to 25.000     2
18.000                            + drop-request;times=1                                 2
18.000                            + drop-answer;times=1                                  2
18.000  beat 10 s ->              x request lost (drop-request)                          2
18.000                            - drop-request;times=1 (over)                          2
20.000  gave up on beat 10 s                                                             2
21.000  beat 10 s ->              x answer lost (drop-answer)    refreshed to 31.000     2
21.000                            - drop-answer;times=1 (over)                           2
23.000  gave up on beat 10 s                                                             2
24.000  = Jeopardy                                                                       2
24.000  beat 61 s -> 40017                                       refuses: 40017          2
25.000  ** crash **                                                                      2
31.000                                                           FIRED, cancels 2        0  <- 6.000 s after crash
`

const after = <A, E>(effect: Effect.Effect<A, E, Simulator.Simulator>) =>
  Effect.zipRight(story, effect).pipe(Effect.provide(Simulator.layer({ seed: 4711 })))

describe("Timeline", () => {
  it.effect("prints a run in fixed columns, and collapses uneventful beats", () =>
    Effect.gen(function* () {
      const text = yield* after(Simulator.timeline({ notes: [{ at: 31_000, text: "6.000 s after crash" }] }))
      assert.strictEqual(`\n${text}\n`, expected)
    })
  )

  it.effect("prints every beat on request, and leaves out middle rows beyond the limit", () =>
    Effect.gen(function* () {
      const evidence = yield* after(Simulator.record)
      const every = Timeline.text(evidence, { collapse: false })
      assert.lengthOf(every.match(/beat 10 s -> ok/g) ?? [], 6)
      const short = Timeline.text(evidence, { maxRows: 4 }).split("\n")
      assert.strictEqual(short.length, 2 + 4 + 1)
      assert.match(short[4] ?? "", /\.\.\. \d+ rows left out/)
      const slice = Timeline.text(evidence, { from: 24_500, to: 30_000 }).split("\n")
      assert.strictEqual(slice.length, 3)
    })
  )

  it.effect("draws a page without scripts and without external resources", () =>
    Effect.gen(function* () {
      const page = yield* after(
        Effect.zipRight(
          Simulator.mark(`<script>alert("x")</script> & more`),
          Simulator.timelinePage({ title: `A "bot" <b>that</b> crashes` })
        )
      )
      // The download is of the page itself.
      assert.notMatch(page, /<script|<b>|<link|@import|src=|href="[^"]/)
      const addresses = page.match(/[a-z]+:\/\/[^"\s]*/g) ?? []
      assert.deepStrictEqual([...new Set(addresses)], ["http://www.w3.org/2000/svg"])
      assert.include(page, "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more")
      assert.include(page, "seed 4711")
      assert.include(page, "fired 31.000 s")
      assert.include(page, "prefers-color-scheme:dark")
    })
  )

  it.effect("fits its box, and is drawn anew at every zoom", () =>
    Effect.gen(function* () {
      const page = yield* after(Effect.zipRight(TestClock.adjust("1 minute"), Simulator.timelinePage()))
      const pictures = [...page.matchAll(/<svg [^>]*aria-label="Timeline[^]*?<\/svg>/g)].map(([svg]) => svg)
      const widths = pictures.map((svg) => Number(/width="([\d.]+)"/.exec(svg)?.[1]))
      assert.deepStrictEqual(widths, [1_216, 2_432, 4_864])
      for (const [index, svg] of pictures.entries()) {
        for (const [, x] of svg.matchAll(/ x="([\d.]+)"/g)) assert.isAtMost(Number(x), widths[index] ?? 0)
        assert.lengthOf(svg.match(/<title>armed /g) ?? [], 7)
      }
      assert.lengthOf(page.match(/<input type="radio"/g) ?? [], 3)
      assert.include(page, 'download="timeline-seed-4711.html"')
    })
  )

  it("starts where something happens", () => {
    const evidence = {
      seed: 1,
      start: 0,
      now: 3_610_000,
      dropped: 0,
      entries: [
        { _tag: "Start", at: 0, seed: 1, venue: Venue.defaults, accounts: [] },
        { _tag: "Mark", at: 3_600_000, name: "deploy" }
      ]
    } as const
    const first = /<text x="[\d.]+" y="20" text-anchor="middle">(\d+) s<\/text>/.exec(Timeline.svg(evidence))?.[1]
    assert.strictEqual(first, "3599")
  })

  it.effect("draws well-formed XML with every request, countdown segment and firing, the same for the same run", () =>
    Effect.gen(function* () {
      const evidence = yield* after(Simulator.record)
      const svg = Timeline.svg(evidence)
      assert.strictEqual(svg, Timeline.svg(evidence))
      const open: Array<string> = []
      for (const [tag, close, name, , empty] of svg.matchAll(/<(\/?)([a-zA-Z]+)((?:[^"<>]|"[^"<]*")*?)(\/?)>/g)) {
        if (close === "/") assert.strictEqual(open.pop(), name, tag)
        else if (empty === "") open.push(name ?? "")
      }
      assert.deepStrictEqual(open, [])
      assert.notInclude(svg, "NaN")
      assert.notInclude(svg, "undefined")
      assert.notInclude(svg, "Infinity")
      assert.lengthOf(svg.match(/<title>beat /g) ?? [], 9)
      assert.lengthOf(svg.match(/<title>armed /g) ?? [], 7)
      assert.lengthOf(svg.match(/<title>fired /g) ?? [], 1)
      assert.lengthOf(svg.match(/<title>the bot&apos;s view|<title>the bot's view/g) ?? [], 1)
    })
  )

  it("draws an empty run", () => {
    const nothing = { seed: 0, start: 0, now: 0, dropped: 0, entries: [] }
    assert.include(Timeline.text(nothing), "seed 0")
    assert.notInclude(Timeline.html(nothing), "NaN")
  })

  it("says how many entries the journal has dropped", () => {
    const part = { seed: 1, start: 0, now: 0, dropped: 7, entries: [] }
    assert.include(Timeline.text(part), "7 older entries are no longer in the journal")
    assert.include(Timeline.html(part), "7 older entries are missing")
  })
})
