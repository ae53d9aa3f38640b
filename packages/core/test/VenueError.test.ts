import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as VenueError from "@effect-deadman/core/VenueError"

/** A transcript of the exchange's code pages, independent of the code, one line per code: class, applied, retryable. */
const expected: Record<string, readonly [VenueError.CodeError["_tag"], VenueError.Applied, boolean]> = {}
const expect = (
  tag: VenueError.CodeError["_tag"],
  applied: VenueError.Applied,
  retryable: boolean,
  ...codes: Array<number>
) => {
  for (const code of codes) expected[String(code)] = [tag, applied, retryable]
}
expect("CredentialsRefused", "no", false, 40001, 40002, 40003, 40006, 40009, 40011, 40012, 40036, 40037)
expect("TimestampRefused", "no", true, 40005, 40008, 40911)
expect("IpRefused", "no", false, 40018, 40038, 22010)
expect("RegionRefused", "no", false, 40103, 40104)
expect("PermissionRefused", "no", false, 40014, 40025, 25620, 40301, 40919, 40110)
expect("NotUnifiedAccount", "no", false, 40084, 25245, 40128)
expect("AccountBlocked", "no", false, 40013, 40016, 40022, 40023, 40024, 40026, 40031, 40042, 40068)
expect("AccountBlocked", "no", false, 25005, 25006, 25007, 25008, 25012, 25013, 95001)
expect("RateLimited", "no", true, 429, 25004, 70228, 1001)
expect("RequestRefused", "no", false, 40007, 40017, 40019, 40020, 40034, 40053, 40057, 40064, 40404, 40408, 40409)
expect("RequestRefused", "no", false, 40812, 40813, 48001, 48002, 400171, 400172, 25200, 25002, 25240, 40805, 40847)
expect("VenueBusy", "no", true, 25000, 25003, 25106, 25113, 40115, 40200, 40908)
expect("VenueBusy", "unknown", true, 40808, 40015)
expect("OutcomeUnknown", "unknown", true, 40010, 40725, 45001, 25001, 40910)

const unanswered = { venueMessage: "", applied: "unknown", retryable: true } as const

const unreadable = [
  "empty",
  "truncated",
  "tooLong",
  "notJson",
  "notAnEnvelope",
  "contradictory",
  "redirect",
  "unexpectedData"
] as const

describe("VenueError", () => {
  for (const [code, [tag, applied, retryable]] of Object.entries(expected)) {
    for (const httpStatus of [200, 400]) {
      it(`code ${code} at HTTP ${httpStatus} is ${tag}, applied ${applied}, retryable ${retryable}`, () => {
        const error = VenueError.fromCode({ code, venueMessage: "words", httpStatus, requestTime: 1_728_625_799_912 })
        assert.strictEqual(error._tag, tag)
        assert.strictEqual(error.applied, applied)
        assert.strictEqual(error.retryable, retryable)
        assert.deepInclude(error, { code, venueMessage: "words", httpStatus, requestTime: 1_728_625_799_912 })
        assert.include(error.message, `(code ${code}, HTTP ${httpStatus}, "words")`)
        assert.isTrue(VenueError.isVenueError(error))
      })
    }
  }

  it("the table has every code once and no other code", () => {
    const codes = VenueError.groups.flatMap((group) => group.codes)
    assert.deepStrictEqual([...codes].sort(), Object.keys(expected).sort())
  })

  it("an unknown code is UnrecognizedCode, of unknown outcome, and loses nothing", () => {
    for (const code of ["99999", "", "constructor", "00001"]) {
      const error = VenueError.fromCode({ code, venueMessage: "new", httpStatus: 418, requestTime: 7 })
      assert.strictEqual(error._tag, "UnrecognizedCode")
      assert.deepInclude(error, { code, venueMessage: "new", httpStatus: 418, requestTime: 7 })
      assert.strictEqual(error.applied, "unknown")
      assert.isTrue(error.retryable)
    }
  })

  it("every failure survives encoding and decoding by its schema", () => {
    const errors: ReadonlyArray<VenueError.VenueError> = [
      ...Object.keys(expected).map((code) => VenueError.fromCode({ code, venueMessage: "words" })),
      VenueError.fromCode({ code: "99999", venueMessage: "" }),
      ...(["refused", "unresolved", "lost"] as const).map(
        (reason) => new VenueError.TransportFailure({ ...unanswered, reason, detail: "ECONNREFUSED" })
      ),
      new VenueError.RequestTimeout({ ...unanswered, timeoutMillis: 2000 }),
      ...unreadable.map(
        (reason) => new VenueError.UnreadableAnswer({ ...unanswered, httpStatus: 502, reason, detail: "text/html" })
      )
    ]
    for (const error of errors) {
      const wire = JSON.stringify(Schema.encodeSync(VenueError.VenueError)(error))
      const back = Schema.decodeUnknownSync(VenueError.VenueError)(JSON.parse(wire))
      assert.strictEqual(back._tag, error._tag)
      assert.strictEqual(back.message, error.message)
      assert.instanceOf(back, Error)
    }
  })

  it("a message without a code says the cause in the words of the system, and that nothing was sent only where it is so", () => {
    const refused = new VenueError.TransportFailure({ ...unanswered, applied: "no", reason: "refused", detail: "ENET" })
    assert.match(refused.message, /refused: ENET\. .*Nothing was done/)
    for (const detail of ["", "ECONNRESET"]) {
      const { message } = new VenueError.TransportFailure({ ...unanswered, reason: "lost", detail })
      assert.include(message, detail === "" ? "could not be made. " : "could not be made: ECONNRESET. ")
      assert.include(message, "count this one as possibly done")
    }
    for (const reason of unreadable) {
      const { message } = new VenueError.UnreadableAnswer({ ...unanswered, httpStatus: 302, reason, detail: "page" })
      assert.include(message, `${reason}: page (HTTP 302). `)
      // Another try would meet the same redirect.
      assert.strictEqual(message.includes("check the base URL"), reason === "redirect")
    }
  })

  it("a refusal that exchanges withdraw is final after some in a row: an unknown key and a timestamp, no other", () => {
    for (const [code, [tag]] of Object.entries(expected)) {
      const error = VenueError.fromCode({ code, venueMessage: "" })
      const finalAfter = "finalAfter" in error ? error.finalAfter : undefined
      assert.strictEqual(finalAfter, code === "40037" ? 3 : tag === "TimestampRefused" ? 2 : undefined, code)
    }
  })
})
