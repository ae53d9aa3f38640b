import type * as HeartbeatError from "@effect-deadman/core/HeartbeatError"
import * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as fc from "fast-check"

const invalid = (options: HeartbeatOptions.Options): HeartbeatError.InvalidOptions =>
  Either.match(HeartbeatOptions.resolve(options), {
    onLeft: (error) => error,
    onRight: () => assert.fail("was accepted")
  })

describe("HeartbeatOptions", () => {
  it("has defaults that suit the venue's advice, and that hold for every countdown", () => {
    const settings = Either.getOrThrow(HeartbeatOptions.resolve())
    assert.deepStrictEqual(
      [settings.countdown, settings.interval, settings.requestTimeout, settings.onUncertain],
      [10, 3_000, 2_000, "lose"]
    )
    for (let seconds = 5; seconds <= 60; seconds++) {
      for (const liveness of [undefined, Effect.void]) {
        assert.isTrue(
          Either.isRight(HeartbeatOptions.resolve({ countdown: `${seconds} seconds`, liveness })),
          `${seconds} s`
        )
      }
    }
  })

  it("accepts nothing that leaves no room for two whole further tries after a failed beat", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 60 }),
        fc.integer({ min: 1, max: 70_000 }),
        fc.integer({ min: 1, max: 70_000 }),
        (seconds, interval, requestTimeout) => {
          const accepted = Either.isRight(
            HeartbeatOptions.resolve({
              countdown: `${seconds} seconds`,
              interval,
              requestTimeout,
              releaseTimeout: 70_000
            })
          )
          // By hand: the beat leaves, hangs for its timeout; twice more, never two within a second; the last may hang too.
          let at = interval
          for (let tries = 0; tries < 2; tries++) at += Math.max(1_000, requestTimeout)
          assert.strictEqual(accepted, interval >= 1_000 && at + requestTimeout <= seconds * 1_000)
        }
      )
    )
  })

  it.each([
    [{ countdown: "4 seconds" }, /5 s <= countdown <= 60 s.*4000 ms/],
    [{ countdown: "10500 millis" }, /whole seconds.*10500 ms/],
    [{ countdown: Infinity }, /countdown/],
    [{ interval: "999 millis" }, /interval >= 1 s.*0\.999 s/],
    [{ interval: "6 seconds" }, /6 s \+ 3 \* 0 s \+ 2 \* 2 s \+ 2 s = 12 s > 10 s/],
    [{ requestTimeout: "3 seconds" }, /two further tries.*3 s \+ 3 \* 0 s \+ 2 \* 3 s \+ 3 s = 12 s > 10 s/],
    [{ requestTimeout: 0 }, /requestTimeout > 0/],
    [{ armTimeout: 0 }, /armTimeout > 0/],
    [{ armTimeout: Infinity }, /armTimeout is a finite duration/],
    [{ releaseTimeout: "1 second" }, /requestTimeout <= releaseTimeout.*2 s > 1 s/],
    [{ settle: NaN }, /settle/],
    [{ liveness: Effect.void, livenessTimeout: "2 seconds" }, /2 s \+ 2 \* 2 s/]
  ] satisfies ReadonlyArray<readonly [HeartbeatOptions.Options, RegExp]>)(
    "names the inequality and its numbers: %o",
    (options, message) => {
      if ("settle" in options) {
        // Effect reads NaN as a duration of zero; what matters is that nothing is NaN afterwards.
        assert.strictEqual(Either.getOrThrow(HeartbeatOptions.resolve(options)).settle, 0)
      } else {
        assert.match(invalid(options).message, message)
      }
    }
  )

  it("takes no text that is no duration", () => {
    const options = { interval: "three seconds" } as unknown as HeartbeatOptions.Options
    assert.match(invalid(options).message, /interval is a finite duration.*three seconds/)
  })
})
