import { assert, describe, it } from "@effect/vitest"
import type * as Clock from "effect/Clock"
import { read } from "../../src/internal/clock.js"

/** A clock that loses the processor for so many ms before each further look at one of its hands. */
const interrupted = (pauses: ReadonlyArray<number>): Clock.Clock => {
  const left = pauses.slice()
  let now = 1_000
  const look = () => (now += left.shift() ?? 0)
  return {
    unsafeCurrentTimeNanos: () => BigInt(look()) * 1_000_000n,
    unsafeCurrentTimeMillis: () => look()
  } as Clock.Clock
}

describe("both hands of the clock", () => {
  it("belong together, also where the process loses the processor between them (17)", () => {
    for (const pauses of [[], [0, 300], [0, 0, 300], [500, 300, 0, 0, 300]]) {
      const { mono, wall } = read(interrupted(pauses))
      assert.strictEqual(wall - mono, 0, String(pauses))
    }
  })

  it("are taken as they are where nothing else is to be had", () => {
    const { mono, wall } = read(interrupted(Array.from({ length: 100 }, () => 300)))
    assert.strictEqual(wall - mono, 300)
  })
})
