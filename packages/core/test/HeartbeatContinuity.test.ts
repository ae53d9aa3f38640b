/** From one process to the next: `predecessor`, `onAcknowledged`, and the clean-up after a failed acquisition. */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import type * as FireWindow from "@effect-deadman/core/FireWindow"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import * as Release from "@effect-deadman/core/Release"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Port from "./support/port.js"
import { acknowledged, collecting, inWorld, lost, refused, stamped, unsent } from "./support/port.js"
import * as World from "./support/world.js"

const now = Effect.map(Effect.clock, (clock) => clock.unsafeCurrentTimeMillis())

/** Collects the records of a heartbeat. */
const recording = () => {
  const records: Array<FireWindow.Continuity> = []
  return {
    records,
    onAcknowledged: (record: FireWindow.Continuity) => Effect.sync(() => void records.push(record))
  }
}

/** The exchange's clock is that far ahead of the host's. */
const day = 86_400_000

describe("predecessor", () => {
  /** The time from the last beat of the previous process, which died, to the takeover by the next. */
  const takeOver = (
    after: number,
    options: HeartbeatOptions.Options,
    check: (heartbeat: Heartbeat.Heartbeat) => Effect.Effect<void, unknown>,
    answer = stamped(day)
  ) => {
    const { onAcknowledged, records } = recording()
    const died = Port.port(() => stamped(day))
    inWorld(
      died.service,
      Effect.gen(function* () {
        // Another process shares nothing but the record.
        const { close } = yield* Effect.provideService(
          World.open({ onAcknowledged, release: () => "LetExpire" }),
          Heartbeat.AccountsInUse,
          new Set<string>()
        )
        yield* Effect.sleep("3500 millis")
        yield* close
        assert.strictEqual(records.at(-1)?.completedAt, day + 3_050)
        yield* Effect.sleep(3_050 + after - (yield* now))
        const { close: leave, heartbeat } = yield* World.open({ ...options, predecessor: records.at(-1) }).pipe(
          Effect.provideService(Heartbeat.AccountsInUse, new Set<string>()),
          // The same exchange, with the given answers from now on.
          Effect.provideService(CountdownCancelAll.CountdownCancelAll, Port.port(() => answer).service)
        )
        yield* check(heartbeat)
        yield* leave
      })
    )
  }
  const state = (heartbeat: Heartbeat.Heartbeat) =>
    Effect.map(heartbeat.status, (status) => [
      status._tag,
      status._tag === "Released" ? undefined : status.lost?.reason
    ])

  it("whose switch held by the exchange's stamps: Armed from the first acknowledgement on", () => {
    // The last countdown of the other process may have been 5 s, and machines may differ by 1 s.
    takeOver(3_900, {}, (heartbeat) =>
      Effect.map(state(heartbeat), (state) => assert.deepStrictEqual(state, ["Armed", undefined]))
    )
  })

  for (const [why, after, answer] of [
    ["too long ago", 4_000, stamped(day)],
    ["an answer without stamps", 1_000, acknowledged],
    ["stamps from before the record", 1_000, stamped(day - 10_000)]
  ] as const) {
    it(`that proves nothing (${why}), with "lose": the heartbeat begins as MayHaveFired, and is lost`, () => {
      takeOver(
        after,
        {},
        (heartbeat) =>
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* state(heartbeat), ["MayHaveFired", "MayHaveFired"])
            assert.strictEqual((yield* Effect.flip(heartbeat.awaitLost)).reason, "MayHaveFired")
            assert.strictEqual((yield* Effect.flip(heartbeat.ensureArmed())).state, "MayHaveFired")
          }),
        answer
      )
    })

    it(`that proves nothing (${why}), with "verify": MayHaveFired until the book was compared`, () => {
      takeOver(
        after,
        { onUncertain: "verify" },
        (heartbeat) =>
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* state(heartbeat), ["MayHaveFired", undefined])
            yield* Effect.sleep("4 seconds")
            const status = yield* heartbeat.status
            assert(status._tag === "MayHaveFired" && status.lastAcknowledged?.id === 1)
            yield* heartbeat.markReconciled(status.lastAcknowledged)
            assert.deepStrictEqual(yield* state(heartbeat), ["Armed", undefined])
          }),
        answer
      )
    })
  }

  it("none: an acquisition begins as Armed, whatever the stamps", () => {
    inWorld(
      Port.port(() => stamped()).service,
      Effect.gen(function* () {
        const { heartbeat } = yield* World.open()
        assert.deepStrictEqual(yield* state(heartbeat), ["Armed", undefined])
      })
    )
  })
})

describe("onAcknowledged", () => {
  it("gets a record after each acknowledgement, the first and the last included", () => {
    const { onAcknowledged, records } = recording()
    inWorld(
      Port.port(() => stamped()).service,
      Effect.gen(function* () {
        const { scope } = yield* World.open({ onAcknowledged, release: Release.cancelOnFailure })
        yield* Effect.sleep("6500 millis")
        yield* Scope.close(scope, Exit.fail("failure"))
      })
    )
    assert.deepStrictEqual(
      records,
      [50, 3_050, 6_050, 7_100].map((at) => ({ acceptedAt: at, completedAt: at, shortestCountdown: 5_000 }))
    )
  })

  for (const [name, release, shortestCountdown] of [
    ["letExpire", Release.letExpire, 10_000],
    ["a policy that may choose", (): Release.Release => "LetExpire", 5_000],
    ["the default", undefined, 5_000]
  ] as const) {
    it(`contains the shortest countdown that may still be sent, with ${name}: ${shortestCountdown} ms`, () => {
      const { onAcknowledged, records } = recording()
      inWorld(
        Port.port(() => stamped()).service,
        Effect.gen(function* () {
          yield* World.open({ onAcknowledged, release })
          yield* Effect.sleep("1 second")
        })
      )
      assert.strictEqual(records[0]?.shortestCountdown, shortestCountdown)
    })
  }

  it("gets the base from before a gap while the gap is open, and the newest after it is closed", () => {
    const { onAcknowledged, records } = recording()
    inWorld(
      Port.port((n) => (n > 0 && n < 10 ? unsent : stamped())).service,
      Effect.gen(function* () {
        // So late that the stamps do not prove a firing.
        const { heartbeat } = yield* World.open({ onAcknowledged, onUncertain: "verify", triggerLatency: "1 minute" })
        yield* Effect.sleep("20 seconds")
        const status = yield* heartbeat.status
        assert(status._tag === "MayHaveFired" && status.lastAcknowledged !== undefined)
        assert.isAbove(records.length, 3)
        for (const record of records) assert.strictEqual(record.acceptedAt, 50)
        yield* heartbeat.markReconciled(status.lastAcknowledged)
        yield* Effect.sleep("3 seconds")
        assert.isAbove(records.at(-1)!.acceptedAt, 20_000)
      })
    )
  })

  it("that is slow gets only the newest record, and delays neither a beat nor onTransition", () => {
    const records: Array<number> = []
    const reported: Array<string> = []
    const { service, writes } = Port.port((n) => (n === 4 ? unsent : stamped()))
    inWorld(
      service,
      Effect.gen(function* () {
        const { close } = yield* World.open({
          onAcknowledged: ({ acceptedAt }) =>
            Effect.suspend(() => {
              records.push(acceptedAt)
              return Effect.sleep("7 seconds")
            }),
          onTransition: ({ to }) => Effect.sync(() => reported.push(to._tag))
        })
        yield* Effect.sleep("12500 millis")
        assert.deepStrictEqual(reported, ["Jeopardy"])
        yield* Effect.sleep("8 seconds")
        yield* close
      })
    )
    assert.deepStrictEqual(records, [50, 6_050, 13_050, 19_050].slice(0, records.length))
    assert.isAtLeast(records.length, 3)
    assert.deepStrictEqual(
      writes.slice(0, 7).map((write) => Number(write.split(" ")[0])),
      [0, 3_000, 6_000, 9_000, 12_000, 13_000, 16_000]
    )
    assert.deepStrictEqual(reported, ["Jeopardy", "Armed", "Released"])
  })

  it("is not delayed by an onTransition that hangs", () => {
    const { onAcknowledged, records } = recording()
    inWorld(
      Port.port((n) => (n === 1 ? unsent : stamped())).service,
      Effect.gen(function* () {
        yield* World.open({ onAcknowledged, onTransition: () => Effect.never })
        yield* Effect.sleep("10500 millis")
        assert.strictEqual(records.at(-1)?.acceptedAt, 10_050)
      })
    )
  })

  for (const [how, fail] of [
    ["throws", () => assert.fail("hook")],
    ["fails", () => Effect.fail("hook")],
    ["dies", () => Effect.die("hook")]
  ] as const) {
    it(`that ${how} is logged, and called again`, () => {
      const { lines, logger } = collecting()
      let calls = 0
      inWorld(
        Port.port(() => stamped()).service,
        Effect.gen(function* () {
          const { heartbeat } = yield* World.open({
            onAcknowledged: () => {
              calls++
              return fail()
            }
          })
          yield* Effect.sleep("3500 millis")
          assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
        }),
        logger
      )
      assert.strictEqual(calls, 2)
      assert.deepStrictEqual(
        lines.filter((line) => line.startsWith("ERROR")),
        ["ERROR onAcknowledged failed", "ERROR onAcknowledged failed"]
      )
    })
  }
})

describe("abandon", () => {
  const failures = {
    "times out": (options: HeartbeatOptions.Options) =>
      Effect.flip(Effect.scoped(Heartbeat.make({ ...options, armTimeout: "3 seconds" }))),
    "is interrupted": (options: HeartbeatOptions.Options) =>
      Effect.gen(function* () {
        const making = yield* Effect.fork(Effect.scoped(Heartbeat.make(options)))
        yield* Effect.sleep("20 millis")
        yield* Fiber.interrupt(making)
      })
  }
  for (const [how, fail] of Object.entries(failures)) {
    for (const [abandon, sends] of [
      [undefined, true],
      ["Disarm", true],
      ["LetExpire", false]
    ] as const) {
      it(`${abandon ?? "by default"}, an acquisition that ${how} after a write of unknown outcome sends ${sends ? "`0`" : "nothing"}`, () => {
        const { service, settings } = Port.port((_, setting) => (setting === "off" ? acknowledged : lost))
        inWorld(
          service,
          Effect.gen(function* () {
            yield* fail({ abandon })
            yield* Effect.sleep("1 minute")
          })
        )
        assert.include(settings(), "10")
        assert.strictEqual(settings().includes("off"), sends)
      })
    }
  }

  it("an acquisition that is refused sends nothing more: nothing was armed", () => {
    const { service, settings } = Port.port(() => refused)
    inWorld(service, Effect.asVoid(Effect.flip(Effect.scoped(Heartbeat.make()))))
    assert.deepStrictEqual(settings(), ["10"])
  })

  it("leaves no hook running: an acquisition that is interrupted while onAcknowledged hangs (19)", () => {
    const { service, settings } = Port.port(() => stamped())
    let interrupted = 0
    inWorld(
      service,
      Effect.gen(function* () {
        const making = yield* Effect.fork(
          Effect.scoped(
            Heartbeat.make({
              onAcknowledged: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void interrupted++))
            })
          )
        )
        yield* Effect.sleep("50 millis")
        yield* Fiber.interrupt(making)
        yield* Effect.sleep("10 seconds")
      })
    )
    assert.deepStrictEqual([settings().at(-1), interrupted], ["off", 1])
  })
})
