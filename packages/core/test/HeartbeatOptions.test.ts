import type * as HeartbeatError from "@effect-deadman/core/HeartbeatError"
import * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import * as Release from "@effect-deadman/core/Release"
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
  it("has defaults that suit the exchange's advice, and that hold for every countdown", () => {
    const settings = Either.getOrThrow(HeartbeatOptions.resolve())
    assert.deepStrictEqual(settings, {
      countdown: 10,
      shortest: 5,
      pace: 1_000,
      interval: 3_000,
      requestTimeout: 2_000,
      armTimeout: 10_000,
      releaseTimeout: 10_000,
      settle: 2_000,
      release: Release.disarm,
      abandon: "Disarm",
      predecessor: undefined,
      onUncertain: "lose",
      evidence: undefined,
      liveness: undefined,
      livenessTimeout: 0,
      guardGrace: 10_000,
      onTransition: undefined,
      onAcknowledged: undefined,
      triggerLatency: 1_000,
      stampTolerance: 1_000,
      cancelLatency: 5_000,
      placingLatency: 1_000,
      maxStaleness: 0
    })
    for (let seconds = 5; seconds <= 60; seconds++) {
      for (const liveness of [undefined, Effect.void]) {
        assert.isTrue(
          Either.isRight(HeartbeatOptions.resolve({ countdown: `${seconds} seconds`, liveness })),
          `${seconds} s`
        )
      }
    }
  })

  it("keeps each option as it was given, the durations in ms", () => {
    const survivor = () => Effect.succeed(undefined)
    const words = {
      release: Release.letExpire,
      abandon: "LetExpire",
      onUncertain: "verify",
      predecessor: { acceptedAt: 1_000, completedAt: 1_000, shortestCountdown: 5_000 },
      evidence: { account: "desk-1", survivor },
      liveness: Effect.void,
      onTransition: () => Effect.void,
      onAcknowledged: () => Effect.void
    } as const
    const durations = {
      interval: 9_001,
      requestTimeout: 2_002,
      armTimeout: 3_003,
      releaseTimeout: 40_004,
      settle: 5_005,
      livenessTimeout: 606,
      guardGrace: 7_007,
      triggerLatency: 1_008,
      stampTolerance: 1_009,
      cancelLatency: 5_010,
      placingLatency: 1_011,
      maxStaleness: 12
    }
    assert.deepStrictEqual(
      Either.getOrThrow(
        HeartbeatOptions.resolve({ ...words, ...durations, countdown: "30 seconds" }, { account: "desk-1" })
      ),
      { ...words, ...durations, countdown: 30, shortest: 5, pace: 1_000 }
    )
  })

  it("gives a liveness check a third of the time that the tries leave, from 150 to 500 ms", () => {
    const timeout = (countdown: string) =>
      Either.getOrThrow(HeartbeatOptions.resolve({ countdown: countdown as "5 seconds", liveness: Effect.void }))
        .livenessTimeout
    // 5 s: a beat after 1.5 s, two tries a second apart and the last timeout of 1 s leave half a second.
    assert.deepStrictEqual(["5 seconds", "10 seconds", "60 seconds"].map(timeout), [166, 333, 500])
    const tight = { countdown: "5 seconds", interval: "1900 millis", liveness: Effect.void } as const
    assert.match(invalid(tight).message, /1\.9 s \+ 3 \* 0\.15 s/)
    assert.isTrue(Either.isRight(HeartbeatOptions.resolve({ ...tight, liveness: undefined })))
    assert.strictEqual(
      HeartbeatOptions.furtherTries({ livenessTimeout: 100, pace: 3_000, requestTimeout: 2_000 }),
      8_300
    )
  })

  it("accepts what fits exactly", () => {
    const exact: ReadonlyArray<readonly [HeartbeatOptions.Options, HeartbeatOptions.Limits?]> = [
      [{ interval: "1 second" }],
      [{ requestTimeout: "2 seconds", releaseTimeout: "2 seconds", release: Release.letExpire }],
      [{ releaseTimeout: "8 seconds" }],
      [{}, { range: { min: 10, max: 10 } }],
      [{ settle: 0, guardGrace: 0, maxStaleness: 0 }]
    ]
    for (const [options, limits] of exact) {
      assert.isTrue(Either.isRight(HeartbeatOptions.resolve(options, limits)), JSON.stringify(options))
    }
  })

  it("by default settles for a request timeout, or for what the release has left", () => {
    const settle = (releaseTimeout: number) =>
      Either.getOrThrow(HeartbeatOptions.resolve({ releaseTimeout, release: Release.letExpire })).settle
    assert.deepStrictEqual([20_000, 7_500, 7_000, 6_000].map(settle), [2_000, 500, 0, 0])
  })

  it('takes evidence only with onUncertain: "verify", and only of its own account', () => {
    const evidence = { account: "desk-1", survivor: () => Effect.succeed(undefined) }
    const resolve = (onUncertain: "lose" | "verify" | undefined, account?: string) =>
      Either.mapLeft(
        HeartbeatOptions.resolve({ evidence, onUncertain }, { account }),
        (error) => `${error.inequality}; ${error.numbers}`
      )
    assert.isTrue(Either.isRight(resolve("verify", "desk-1")))
    assert.isTrue(Either.isRight(resolve("verify")), "a port that does not say its account")
    for (const onUncertain of ["lose", undefined] as const) {
      assert.deepStrictEqual(
        resolve(onUncertain, "desk-1"),
        Either.left('evidence needs onUncertain: "verify"; onUncertain is "lose"')
      )
    }
    assert.deepStrictEqual(
      resolve("verify", "desk-2"),
      Either.left(
        "evidence lists the orders of the heartbeat's account; evidence is of account desk-1, the heartbeat of desk-2"
      )
    )
  })

  it("accepts only options that leave room for two whole further tries after a failed beat", () => {
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
          // A different derivation: the beat is sent and hangs for its timeout; twice more, never two within a second;
          // the last may hang, too.
          let at = interval
          for (let tries = 0; tries < 2; tries++) at += Math.max(1_000, requestTimeout)
          assert.strictEqual(accepted, interval >= 1_000 && at + requestTimeout <= seconds * 1_000)
        }
      )
    )
  })

  it.each([
    [{ countdown: "4 seconds" }, /5 s <= countdown <= 60 s.*4000 ms/],
    [{ countdown: "61 seconds" }, /5 s <= countdown <= 60 s.*61000 ms/],
    [{ countdown: "10500 millis" }, /whole seconds.*10500 ms/],
    [{ countdown: Infinity }, /countdown/],
    [{ interval: "999 millis" }, /interval >= 1 s.*0\.999 s/],
    [{ interval: "6 seconds" }, /6 s \+ 3 \* 0 s \+ 2 \* 2 s \+ 2 s = 12 s > 10 s/],
    [{ requestTimeout: "3 seconds" }, /two further tries.*3 s \+ 3 \* 0 s \+ 2 \* 3 s \+ 3 s = 12 s > 10 s/],
    [{ requestTimeout: 0 }, /requestTimeout > 0/],
    [{ armTimeout: 0 }, /armTimeout > 0/],
    [{ armTimeout: Infinity }, /armTimeout is a finite duration.*armTimeout is Infinity ms/],
    [{ releaseTimeout: "1 second" }, /requestTimeout <= releaseTimeout.*2 s > 1 s/],
    [{ settle: NaN }, /settle/],
    [{ liveness: Effect.void, livenessTimeout: "2 seconds" }, /2 s \+ 2 \* 2 s/],
    [{ liveness: Effect.void, livenessTimeout: 0 }, /livenessTimeout > 0/],
    [{ settle: "31 seconds" }, /second "0" after settle fit into the release.*3 \* 2 s \+ 1 s \+ 31 s = 38 s > 10 s/],
    [{ releaseTimeout: "7500 millis" }, /a beat in flight.*3 \* 2 s \+ 1 s \+ 1 s = 8 s > 7\.5 s/],
    [{ guardGrace: Infinity }, /guardGrace is a finite duration/],
    [{ abandon: "Lapse" as never }, /abandon is "Disarm" or "LetExpire".*abandon is "Lapse"/],
    [{ onUncertain: "ask" as never }, /onUncertain is "lose" or "verify".*onUncertain is "ask"/]
  ] satisfies ReadonlyArray<readonly [HeartbeatOptions.Options, RegExp]>)(
    "names the inequality and its numbers: %o",
    (options, message) => {
      if ("settle" in options && typeof options.settle === "number") {
        // Effect reads NaN as a duration of zero, so nothing may be NaN afterwards.
        assert.strictEqual(Either.getOrThrow(HeartbeatOptions.resolve(options)).settle, 0)
      } else {
        assert.match(invalid(options).message, message)
      }
    }
  )

  it("refuses text that is not a duration", () => {
    const options = { interval: "three seconds" } as unknown as HeartbeatOptions.Options
    assert.match(invalid(options).message, /interval is a finite duration.*three seconds/)
  })

  it("accepts a settle that waits for every unresolved beat where the release has the time for a second `0`", () => {
    const settings = Either.getOrThrow(HeartbeatOptions.resolve({ settle: "31 seconds", releaseTimeout: "38 seconds" }))
    assert.strictEqual(settings.settle, 31_000)
    // No `0` is sent, so none needs time.
    assert.isTrue(Either.isRight(HeartbeatOptions.resolve({ settle: "31 seconds", release: Release.letExpire })))
  })

  const record = { acceptedAt: 1_000, completedAt: 1_050, shortestCountdown: 5_000 }

  it.each([
    { ...record, acceptedAt: 0 },
    { ...record, acceptedAt: -1 },
    { ...record, acceptedAt: NaN },
    { ...record, acceptedAt: 1_051 },
    { ...record, completedAt: Infinity },
    { ...record, shortestCountdown: 0 },
    { ...record, shortestCountdown: -5_000 },
    { ...record, shortestCountdown: Infinity },
    // Read from a file by a program without types.
    { ...record, acceptedAt: "1000" as never },
    { ...record, completedAt: undefined as never },
    {} as never,
    null as never,
    "record" as never
  ])("takes no predecessor that is no record: %o", (predecessor) => {
    assert.match(invalid({ predecessor }).message, /predecessor.*last record of onAcknowledged unchanged/)
    assert.isTrue(Either.isRight(HeartbeatOptions.resolve({ predecessor: record })))
  })

  it("has the countdowns and the pace of the port, and defaults that suit them", () => {
    const limits = { account: "desk-1", range: { min: 10, max: 120 }, pace: "3 seconds" } as const
    const settings = Either.getOrThrow(HeartbeatOptions.resolve({ countdown: "120 seconds" }, limits))
    assert.deepStrictEqual([settings.countdown, settings.shortest, settings.pace], [120, 10, 3_000])
    const refused = (options: HeartbeatOptions.Options) =>
      Either.match(HeartbeatOptions.resolve(options, limits), {
        onLeft: (error) => error.message,
        onRight: () => assert.fail("was accepted")
      })
    assert.match(refused({ countdown: "5 seconds" }), /10 s <= countdown <= 120 s/)
    assert.match(refused({ countdown: "20 seconds", interval: "2 seconds" }), /interval >= 3 s/)
    for (const [range, countdown] of [
      [{ min: 30, max: 90 }, 30],
      [{ min: 1, max: 7 }, 7],
      [{ min: 1, max: 3_600 }, 10]
    ] as const) {
      assert.strictEqual(Either.getOrThrow(HeartbeatOptions.resolve({}, { range })).countdown, countdown)
    }
  })

  it.each([
    [{ range: { min: 0, max: 60 } }, /1 s <= range\.min/],
    [{ range: { min: 5.5, max: 60 } }, /whole seconds.*5\.5 s to 60 s/],
    [{ range: { min: 5, max: 60.5 } }, /whole seconds.*5 s to 60\.5 s/],
    [{ range: { min: 60, max: 5 } }, /range\.min <= range\.max/],
    [{ pace: 0 }, /pace is a finite duration > 0/],
    [{ pace: Infinity }, /pace is a finite duration > 0/]
  ] satisfies ReadonlyArray<readonly [HeartbeatOptions.Limits, RegExp]>)(
    "refuses a port with invalid limits: %o",
    (limits, message) => {
      const error = Either.getOrThrow(Either.flip(HeartbeatOptions.resolve({}, limits)))
      assert.match(error.message, message)
      assert.include(error.message, "CountdownCancelAll")
    }
  )
})
