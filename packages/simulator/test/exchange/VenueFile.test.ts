import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Venue from "@effect-deadman/simulator/Venue"
import * as VenueFile from "@effect-deadman/simulator/VenueFile"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"

const measured = {
  measured: { at: "2026-11-26T13:00:00.000Z", exchange: "https://api.bitget.com", demo: true },
  venue: { triggerLatency: 180, sweepPeriod: 1_000, codes: { maintenance: "45001" }, badCountdown: { tooShort: "1" } },
  bounds: { triggerLatency: { min: 172, max: 190 } },
  notIdentified: { tieOrder: "it takes two accounts" }
}

describe("VenueFile", () => {
  it.effect("its venue is what Simulator.layer takes, and what it leaves out keeps its default", () =>
    Effect.gen(function* () {
      const { venue } = yield* VenueFile.parse("venue.json", JSON.stringify(measured))
      const simulator = yield* Effect.provide(Simulator.Simulator, Simulator.layer({ venue }))
      const state = yield* simulator.exchange.state
      assert.deepStrictEqual(state.venue, {
        ...Venue.defaults,
        triggerLatency: 180,
        sweepPeriod: 1_000,
        badCountdown: { ...Venue.defaults.badCountdown, tooShort: "1" }
      })
    })
  )

  it("names the file and each wrong field", () => {
    const bad: ReadonlyArray<readonly [content: unknown, ...mentions: ReadonlyArray<string>]> = [
      [{}, "venue: is missing"],
      [[], "the file: has a wrong form"],
      [
        { venue: { sweepPeriod: -1, boundary: "both" } },
        "venue.sweepPeriod: expected a whole number",
        "venue.boundary"
      ],
      [{ venue: { swepPeriod: 250 } }, "venue.swepPeriod: is unexpected"],
      [{ venue: { codes: { maintenance: "none" } } }, "venue.codes.maintenance: expected a code"],
      [{ venue: { sparedOrders: ["STOCKS"] } }, "venue.sparedOrders.0"],
      [{ venue: {}, measured: { at: 1 } }, "measured.at", "measured.exchange"],
      [{ venue: {}, bounds: { triggerLatency: [1, 2] } }, "bounds.triggerLatency: has a wrong form"]
    ]
    for (const [content, ...mentions] of bad) {
      const read = VenueFile.parse("some/venue.json", JSON.stringify(content))
      assert.isTrue(Either.isLeft(read), JSON.stringify(content))
      if (Either.isLeft(read)) {
        assert.instanceOf(read.left, VenueFile.InvalidVenueFile)
        for (const mention of ["some/venue.json", ...mentions]) assert.include(read.left.message, mention)
        assert.notInclude(read.left.message, "readonly", "a schema is no help")
      }
    }
    const torn = VenueFile.parse("some/venue.json", '{"venue":')
    assert.isTrue(Either.isLeft(torn))
    if (Either.isLeft(torn)) assert.include(torn.left.message, "some/venue.json is no venue file: it is no JSON")
  })
})
