import { assert, describe, it } from "@effect/vitest"
import type * as Clock from "effect/Clock"
import { read } from "../../src/internal/clock.js"

/** A clock whose process loses the processor for so many ms before each further reading. */
const interrupted = (pauses: ReadonlyArray<number>): Clock.Clock => {
  const left = pauses.slice()
  let now = 1_000
  const next = () => (now += left.shift() ?? 0)
  return {
    unsafeCurrentTimeNanos: () => BigInt(next()) * 1_000_000n,
    unsafeCurrentTimeMillis: () => next()
  } as Clock.Clock
}

describe("monotonic and wall time", () => {
  it("belong to one instant, even where the process loses the processor between the two readings (17)", () => {
    for (const pauses of [[], [0, 300], [0, 0, 300], [500, 300, 0, 0, 300]]) {
      const { mono, wall } = read(interrupted(pauses))
      assert.strictEqual(wall - mono, 0, String(pauses))
    }
  })

  it("are used as they are when no close pair can be read", () => {
    const { mono, wall } = read(interrupted(Array.from({ length: 100 }, () => 300)))
    assert.strictEqual(wall - mono, 300)
  })
})
