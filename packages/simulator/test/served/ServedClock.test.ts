import { assert, describe, it } from "@effect/vitest"
import { afterEach, beforeEach, vi } from "vitest"
import { ServedClock } from "../../src/served/clock.js"

let monotonic = 0
let wall = 0

/** Advances both clocks of the host. */
const pass = (ms: number) => {
  monotonic += ms
  wall += ms
}

beforeEach(() => {
  monotonic = 5_000
  wall = 1_000_000
  vi.spyOn(performance, "now").mockImplementation(() => monotonic)
  vi.spyOn(Date, "now").mockImplementation(() => wall)
})
afterEach(() => void vi.restoreAllMocks())

describe("ServedClock", () => {
  it("continues when the wall clock is set back", () => {
    const clock = new ServedClock(undefined, "real", 1)
    pass(3_000)
    wall -= 3_600_000
    pass(2_000)
    assert.strictEqual(clock.unsafeCurrentTimeMillis(), 1_005_000)
    pass(1_000)
    assert.strictEqual(clock.unsafeCurrentTimeMillis(), 1_006_000)
  })

  it("jumps after a suspend of the host, in which only the wall clock ran", () => {
    const clock = new ServedClock(undefined, "real", 1)
    pass(1_000)
    assert.strictEqual(clock.unsafeCurrentTimeMillis(), 1_001_000)
    wall += 60_000
    assert.strictEqual(clock.unsafeCurrentTimeMillis(), 1_061_000)
  })

  it("runs at its speed, stops, and continues from the same instant", () => {
    const clock = new ServedClock(100, "scaled", 10)
    pass(1_000)
    assert.strictEqual(clock.unsafeCurrentTimeMillis(), 10_100)
    clock.set("manual", 10)
    pass(1_000)
    assert.strictEqual(clock.unsafeCurrentTimeMillis(), 10_100)
    clock.jumpTo(20_000)
    clock.jumpTo(15_000)
    assert.strictEqual(clock.unsafeCurrentTimeMillis(), 20_000)
    clock.set("real", 10)
    pass(500)
    assert.strictEqual(clock.unsafeCurrentTimeMillis(), 20_500)
  })
})
