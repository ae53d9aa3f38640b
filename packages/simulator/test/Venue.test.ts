import * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"

describe("Venue", () => {
  it("answers a business failure with 400 by default, as seen live", () => {
    assert.strictEqual(Venue.defaults.failureStatus, 400)
  })
})
