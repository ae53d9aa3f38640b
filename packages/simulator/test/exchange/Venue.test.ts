import * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"

describe("Venue", () => {
  it("keeps the defaults of absent options, also within the countdown's codes", () => {
    assert.deepStrictEqual(Venue.make(), Venue.defaults)
    const venue = Venue.make({ boundary: "beat", sweepPeriod: undefined as never, badCountdown: { null: "1" } })
    assert.deepStrictEqual(venue, {
      ...Venue.defaults,
      boundary: "beat",
      badCountdown: { ...Venue.defaults.badCountdown, null: "1" }
    })
  })

  it("names each bad option and its allowed values", () => {
    const bad: ReadonlyArray<readonly [options: object, ...mentions: ReadonlyArray<string>]> = [
      [{ sweepPeriod: -1 }, "sweepPeriod", "whole number of milliseconds"],
      [{ triggerLatency: 0.5 }, "triggerLatency"],
      [{ boundary: "both" }, "boundary", `"fire" | "beat"`],
      [{ swepPeriod: 250 }, "swepPeriod", "unexpected"],
      [{ checks: ["rate"] }, "checks", "each of these once"],
      [{ checks: ["rate", "rate", "ip", "body", "timestamp", "passphrase"] }, "checks"],
      [{ badCountdown: { missing: "accept" } }, "missing", "digits only"],
      [{ badCountdown: { long: "1" } }, "long"],
      [{ maintenance: [{ from: 5, to: 5 }] }, "maintenance", "from < to"],
      [{ failureStatus: 404 }, "failureStatus"]
    ]
    for (const [options, ...mentions] of bad) {
      const result = Venue.decode(options)
      assert.isTrue(Either.isLeft(result), JSON.stringify(options))
      if (Either.isLeft(result)) for (const mention of mentions) assert.include(result.left.message, mention)
      assert.throws(() => Venue.make(options), Venue.InvalidVenue)
    }
  })

  it("checks every given field", () => {
    for (const name of Object.keys(Venue.defaults)) {
      const result = Venue.decode({ [name]: { nonsense: [] } })
      assert.isTrue(Either.isLeft(result), name)
      if (Either.isLeft(result)) assert.include(result.left.message, name)
      assert.deepStrictEqual(
        Venue.decode({ [name]: Venue.defaults[name as keyof Venue.Venue] }),
        Either.right(Venue.defaults)
      )
    }
  })

  it("knows the documented release windows: Tuesdays and Thursdays, 14:00 to 18:00 UTC+8", () => {
    const monday = Date.UTC(2026, 10, 16)
    const week = { from: monday, to: monday + 7 * 86_400_000 }
    const hours = (windows: ReadonlyArray<Venue.Window>) =>
      windows.map(({ from, to }) => [new Date(from).toISOString(), (to - from) / 3_600_000])
    assert.deepStrictEqual(hours(Venue.releaseWindows(week)), [
      ["2026-11-17T06:00:00.000Z", 4],
      ["2026-11-19T06:00:00.000Z", 4]
    ])
    assert.deepInclude(hours(Venue.releaseWindows(week, { wednesdays: true })), ["2026-11-18T06:00:00.000Z", 4])
    const tuesday = Date.UTC(2026, 10, 17)
    const at = (hour: number) => tuesday + hour * 3_600_000
    assert.lengthOf(Venue.releaseWindows({ from: at(9), to: at(24) }), 1)
    assert.lengthOf(Venue.releaseWindows({ from: at(10), to: at(24) }), 0)
    assert.lengthOf(Venue.releaseWindows({ from: at(0), to: at(6) }), 0)
  })
})
