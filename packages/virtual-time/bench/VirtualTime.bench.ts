/**
 * What one wake-up costs: Effect's TestClock, virtual time, and a bare heap with callbacks as the limit.
 *
 * N sleepers sleep 3 s again and again, spread evenly over the 3 s. A stretch of time is measured after one that is not.
 * TestClock gets a shorter stretch, because it would take hours for the same. The rows with fewer wake-ups say so.
 *
 *     npx vitest bench --run --project unit packages/virtual-time/bench/VirtualTime.bench.ts
 */
import * as Effect from "effect/Effect"
import * as ModuleVersion from "effect/ModuleVersion"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { cpus } from "node:os"
import { bench } from "vitest"
import { type Timer, Timers } from "../src/internal/timers.js"
import * as VirtualTime from "../src/VirtualTime.js"

const PERIOD = 3000
const RUNS = 3

interface Measured {
  readonly wakes: number
  readonly micros: number
}

/** How long `wakes` wake-ups take when N sleepers share the period, and a warm-up of a tenth as many before. */
const stretch = (sleepers: number, wakes: number) => (PERIOD * wakes) / sleepers

const sleepersOf = (count: number, onWake: () => void) =>
  Effect.forEach(
    Array.from({ length: count }, (_, i) => i),
    (i) =>
      Effect.sleep((PERIOD * (i + 1)) / count).pipe(
        Effect.zipRight(Effect.forever(Effect.zipRight(Effect.sync(onWake), Effect.sleep(PERIOD)))),
        Effect.forkDaemon
      ),
    { discard: true }
  )

const stopwatch = (pass: (millis: number) => Effect.Effect<void>, count: number, wakes: number) =>
  Effect.gen(function* () {
    let woken = 0
    yield* sleepersOf(count, () => woken++)
    yield* pass(stretch(count, Math.ceil(wakes / 10)))
    woken = 0
    const from = performance.now()
    yield* pass(stretch(count, wakes))
    return { wakes: woken, micros: (performance.now() - from) * 1000 }
  })

const virtualTime = async (count: number, wakes: number): Promise<Measured> => {
  const { exit } = VirtualTime.run(
    stopwatch((millis) => Effect.sleep(millis), count, wakes),
    { maxSteps: Infinity }
  )
  if (exit._tag === "Failure") throw new Error(String(exit.cause))
  return exit.value
}

const testClock = (count: number, wakes: number): Promise<Measured> =>
  Effect.runPromise(
    stopwatch((millis) => TestClock.adjust(millis), count, wakes).pipe(Effect.provide(TestContext.TestContext))
  )

const bareHeap = async (count: number, wakes: number): Promise<Measured> => {
  const heap = new Timers<undefined>()
  let sequence = 0
  let now = 0
  let woken = 0
  const add = (due: number, fire: () => void) => {
    const timer: Timer<undefined> = { due, rank: 0, sequence: sequence++, fire, owner: undefined, index: -1 }
    heap.push(timer)
  }
  for (let i = 0; i < count; i++) {
    const wake = () => {
      woken++
      add(now + PERIOD, wake)
    }
    add((PERIOD * (i + 1)) / count, wake)
  }
  const pass = (until: number) => {
    for (let timer = heap.peek(); timer !== undefined && timer.due <= until; timer = heap.peek()) {
      heap.remove(timer)
      now = timer.due
      timer.fire()
    }
  }
  const warm = stretch(count, Math.ceil(wakes / 10))
  pass(warm)
  woken = 0
  const from = performance.now()
  pass(warm + stretch(count, wakes))
  return { wakes: woken, micros: (performance.now() - from) * 1000 }
}

const median = async (measure: () => Promise<Measured>): Promise<Measured & { readonly each: number }> => {
  const all: Array<Measured & { readonly each: number }> = []
  for (let i = 0; i < RUNS; i++) {
    const measured = await measure()
    all.push({ ...measured, each: measured.micros / measured.wakes })
  }
  return all.toSorted((a, b) => a.each - b.each)[Math.floor(RUNS / 2)]!
}

/** Sleepers, and the wake-ups that TestClock, virtual time and the bare heap are given. */
const cases = [
  [1, 250, 100_000, 1_000_000],
  [1000, 500, 300_000, 1_000_000],
  [10_000, 250, 300_000, 1_000_000],
  [100_000, 50, 500_000, 1_000_000]
] as const

const table = async () => {
  const cell = (m: Measured & { readonly each: number }) => `${m.each.toFixed(2)} us (${m.wakes})`
  const lines = [
    `effect ${ModuleVersion.getCurrentVersion()}, Node ${process.version}, ${cpus()[0]?.model.trim()}; median of ${RUNS}`,
    "",
    "| Sleepers | TestClock, per wake (wakes) | VirtualTime | bare heap | TestClock / VirtualTime |",
    "|---|---|---|---|---|"
  ]
  for (const [count, forTestClock, forVirtualTime, forHeap] of cases) {
    const heap = await median(() => bareHeap(count, forHeap))
    const virtual = await median(() => virtualTime(count, forVirtualTime))
    const test = await median(() => testClock(count, forTestClock))
    const times = Math.round(test.each / virtual.each)
    lines.push(`| ${count} | ${cell(test)} | ${cell(virtual)} | ${cell(heap)} | ${times} |`)
  }
  console.log(lines.join("\n"))
}

bench("what one wake-up costs", table, { iterations: 1, time: 0, warmupIterations: 0, warmupTime: 0 })
