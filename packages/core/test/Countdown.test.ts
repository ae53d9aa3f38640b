import * as Countdown from "@effect-deadman/core/Countdown"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"

describe("Countdown", () => {
  it("takes whole seconds from 5 to 60 and nothing else", () => {
    for (let seconds = -1; seconds <= 70; seconds++) {
      assert.strictEqual(Either.isRight(Countdown.fromDuration(`${seconds} seconds`)), seconds >= 5 && seconds <= 60)
    }
  })

  it("never rounds to 0, which would disarm", () => {
    for (const input of [0, 1, 499, 999, 5_000.5, 9_999, Infinity, NaN, "400 millis", "1 micros"] as const) {
      assert.isTrue(Either.isLeft(Countdown.fromDuration(input)), String(input))
    }
  })
})
