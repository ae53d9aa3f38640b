import * as Countdown from "@effect-deadman/core/Countdown"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"

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

  it("holds for any duration: a countdown is that duration exactly, or there is none", () => {
    const seconds = fc.oneof(fc.integer({ min: -5, max: 70 }), fc.double({ min: -5, max: 70, noNaN: true }))
    fc.assert(
      fc.property(seconds, (input) => {
        const countdown = Countdown.fromDuration(input * 1000)
        if (Either.isLeft(countdown)) {
          assert.isFalse([...Array(56).keys()].some((n) => n + 5 === input))
          assert.include(countdown.left.message, "from 5 to 60")
        } else {
          assert.strictEqual(countdown.right, input)
          assert.strictEqual(Countdown.toMillis(countdown.right), input * 1000)
          assert.strictEqual(Countdown.toWire(countdown.right), String(input))
        }
      })
    )
  })

  it("the wire form is the exchange's 57 strings and no other, and decodes to the same setting", () => {
    const decode = Schema.decodeUnknownEither(Countdown.SettingFromWire)
    const good = ["0", ...Array.from({ length: 56 }, (_, n) => String(n + 5))]
    for (const text of good) {
      const setting = Either.getOrThrow(decode(text))
      assert.strictEqual(setting === Countdown.off, text === "0")
      assert.strictEqual(Schema.encodeSync(Countdown.SettingFromWire)(setting), text)
      assert.strictEqual(Countdown.toWire(setting), text)
    }
    const bad = ["", " ", "off", "4", "61", "05", "5.0", " 5", "5 ", "+5", "-0", "00", "1e1", "0x10", "५", "600", "NaN"]
    for (const text of [...bad, 5, 0, null, undefined, true]) {
      assert.isTrue(Either.isLeft(decode(text)), String(text))
    }
    fc.assert(fc.property(fc.string(), (text) => Either.isRight(decode(text)) === good.includes(text)))
    assert.include(String(decode("61")), "from 5 to 60")
  })

  it("a refusal is typed and names what was given, also for text that is no duration", () => {
    for (const [input, given] of [
      ["61 seconds", "61000 ms"],
      [0, "0 ms"],
      ["ten seconds", "ten seconds"]
    ] as const) {
      const error = Either.getOrThrow(Either.flip(Countdown.fromDuration(input as "61 seconds")))
      assert.deepInclude(error, { _tag: "InvalidCountdown", input: given })
      assert.include(error.message, `The countdown ${given} is not`)
    }
    assert.include(String(Schema.decodeUnknownEither(Countdown.Countdown)(61)), "The countdown 61 is not")
  })

  it("a setting is off, which lasts 0 ms, or a countdown in the range", () => {
    for (const seconds of [-1, 0, 4, 5.5, 61, NaN, Infinity]) assert.isFalse(Countdown.isSetting(seconds))
    for (const setting of [Countdown.off, 5, 60] as const) assert.isTrue(Countdown.isSetting(setting))
    assert.strictEqual(Countdown.toMillis(Countdown.off), 0)
  })
})
