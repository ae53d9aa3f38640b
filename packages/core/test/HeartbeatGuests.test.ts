/** User code inside a heartbeat that breaks its contract: a tracer, a logger, a policy, an exchange's client. */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Heartbeats from "@effect-deadman/core/Heartbeats"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Port from "./support/port.js"
import { acknowledged, inWorld, lost } from "./support/port.js"
import * as World from "./support/world.js"

// Answers that a client without types, or with a cast, may give.
const nothing = Effect.void as unknown as Port.Answer
const failsWithNothing = Effect.fail(undefined) as unknown as Port.Answer

/** Throws at so many readings, after `from` good ones. */
const throwingAt = (clock: Clock.Clock) => {
  const readings = { from: Infinity, times: 0 }
  const throwing = Object.create(clock, {
    unsafeCurrentTimeNanos: {
      value: () => {
        if (--readings.from < 0 && readings.from >= -readings.times) throw new Error("the clock is broken")
        return clock.unsafeCurrentTimeNanos()
      }
    }
  }) as typeof clock
  return { readings, throwing }
}

describe("a tracer that throws", () => {
  const throwing = (spanName: string, where: "span" | "end") =>
    Effect.map(Effect.tracer, (tracer) =>
      Tracer.make({
        context: (run) => run(),
        span: (...args) => {
          const span = tracer.span(...args)
          if (args[0] !== spanName) return span
          if (where === "span") throw new Error("the tracer is broken")
          span.end = () => {
            throw new Error("the tracer is broken")
          }
          return span
        }
      })
    )

  for (const where of ["span", "end"] as const) {
    it(`costs no beat (11): in \`${where}\` of a failed beat`, () => {
      const { service, writes } = Port.port((n) => (n === 1 ? lost : n === 4 ? Effect.never : acknowledged))
      inWorld(
        service,
        Effect.gen(function* () {
          const { close, heartbeat } = yield* World.open({ release: () => "LetExpire" })
          yield* Effect.sleep("1950 millis")
          const byHand = yield* Effect.either(heartbeat.beat)
          assert.strictEqual(byHand._tag, "Left")
          yield* Effect.sleep("12 seconds")
          assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
          yield* close
        }).pipe(Effect.withTracer(Effect.runSync(throwing("deadman.beat", where))))
      )
      assert.deepStrictEqual(
        writes.map((write) => Number(write.split(" ")[0])),
        [0, 2_000, 3_000, 6_000, 9_000, 11_000, 14_000]
      )
    })
  }

  it("stops no release from ending the beats (13, 19)", () => {
    const { service, writes } = Port.port(() => acknowledged)
    inWorld(
      service,
      Effect.gen(function* () {
        const { close } = yield* World.open()
        yield* Effect.exit(close)
        const before = writes.length
        yield* Effect.sleep("20 seconds")
        assert.lengthOf(writes, before)
      }).pipe(Effect.withTracer(Effect.runSync(throwing("deadman.release", "span"))))
    )
  })
})

describe("a logger that throws", () => {
  it("keeps no transition from the hook, and no scope from closing", () => {
    const reported: Array<HeartbeatStatus.Status["_tag"]> = []
    const { service } = Port.port((n) => (n === 1 || n === 3 ? lost : acknowledged))
    inWorld(
      service,
      Effect.gen(function* () {
        const { close } = yield* World.open({ onTransition: ({ to }) => Effect.sync(() => reported.push(to._tag)) })
        yield* Effect.sleep("11 seconds")
        yield* close
      }),
      Logger.make(() => {
        throw new Error("the logger is broken")
      })
    )
    assert.deepStrictEqual(reported, ["Jeopardy", "Armed", "Jeopardy", "Armed", "Released"])
  })

  it("does not receive a failed write as an unhandled error", () => {
    const lines: Array<string> = []
    const { service } = Port.port((n, countdown) => (n === 1 || (countdown === "off" && n < 6) ? lost : acknowledged))
    inWorld(
      service,
      Effect.gen(function* () {
        yield* Effect.exit(Effect.scoped(Heartbeat.make()))
        const { close } = yield* World.open()
        yield* Effect.sleep("10 seconds")
        yield* close
      }).pipe(Logger.withMinimumLogLevel(LogLevel.All)),
      Logger.make(({ message }) => {
        lines.push(String(message))
      })
    )
    assert.isNotEmpty(lines)
    assert.deepStrictEqual(
      lines.filter((line) => line.includes("unhandled")),
      []
    )
  })
})

describe("an exchange's client that violates its type", () => {
  for (const [what, answer] of [
    ["an acknowledgement that is none", nothing],
    ["a failure that is none", failsWithNothing]
  ] as const) {
    it(`${what} fails the acquisition, and what may be armed is turned off (19)`, () => {
      const { service, writes } = Port.port((n) => (n === 0 ? answer : acknowledged))
      inWorld(
        service,
        Effect.gen(function* () {
          assert.strictEqual((yield* Effect.exit(World.open()))._tag, "Failure")
          yield* Effect.sleep("10 seconds")
        })
      )
      assert.deepStrictEqual(writes.map((write) => write.split(" ")[1]).slice(0, 2), ["10", "off"])
    })

    it(`${what} ends the heartbeat by its defect, and fails the callers that wait for the beat`, () => {
      const { service } = Port.port((n) => (n === 1 ? answer : acknowledged))
      inWorld(
        service,
        Effect.gen(function* () {
          const { close, heartbeat } = yield* World.open()
          assert.strictEqual((yield* Effect.exit(heartbeat.beat))._tag, "Failure")
          const ended = yield* Effect.flip(heartbeat.awaitLost)
          assert.strictEqual(ended.reason, "Defect")
          assert.strictEqual((yield* heartbeat.status)._tag, "Jeopardy")
          yield* close
        })
      )
    })

    it(`${what} to the last write: not Disarmed, and the scope closes (12, 13)`, () => {
      const { service } = Port.port((_, countdown) => (countdown === "off" ? answer : acknowledged))
      inWorld(
        service,
        Effect.gen(function* () {
          const { close, heartbeat } = yield* World.open()
          yield* close
          const status = yield* heartbeat.status
          assert.strictEqual(status._tag === "Released" ? status.outcome._tag : status._tag, "DisarmUnconfirmed")
        })
      )
    })
  }

  it("a horizon without an end closes the scope like any other (13)", () => {
    const { service } = Port.port((n) => (n === 1 ? lost : acknowledged), {
      horizon: Effect.succeed(Duration.infinity)
    })
    inWorld(
      service,
      Effect.gen(function* () {
        const { close, heartbeat } = yield* World.open()
        yield* Effect.sleep("5 seconds")
        yield* close
        const status = yield* heartbeat.status
        assert.strictEqual(status._tag === "Released" ? status.outcome._tag : status._tag, "DisarmUnconfirmed")
      })
    )
  })
})

describe("a policy that returns no valid choice", () => {
  it("chooses nothing: the switch is turned off", () => {
    const { service, writes } = Port.port(() => acknowledged)
    inWorld(
      service,
      Effect.gen(function* () {
        const { close } = yield* World.open({ release: (async () => "LetExpire") as never })
        yield* close
      })
    )
    assert.strictEqual(writes.at(-1)?.split(" ")[1], "off")
  })
})

describe("a clock that throws once", () => {
  it("ends only the heartbeat whose step it was, and that one still reports when it may have fired", () => {
    // At any reading: those of the shared timer, and those of each heartbeat.
    let defects = 0
    for (let nth = 1; nth <= 40; nth++) {
      const venues = [Port.port(() => acknowledged), Port.port(() => acknowledged)] as const
      const tags: Array<Array<HeartbeatStatus.Status["_tag"]>> = [[], []]
      inWorld(
        venues[0].service,
        Effect.gen(function* () {
          const { readings, throwing } = throwingAt(yield* Effect.clock)
          yield* Effect.gen(function* () {
            const opened = yield* Effect.forEach(venues, ({ service }, i) =>
              World.open({
                release: () => "LetExpire",
                onTransition: ({ to }) => Effect.sync(() => tags[i]!.push(to._tag))
              }).pipe(
                Effect.provideService(CountdownCancelAll.CountdownCancelAll, {
                  ...service,
                  account: `${service.account} ${i}`
                })
              )
            )
            Object.assign(readings, { from: nth - 1, times: 1 })
            yield* Effect.sleep("20 seconds")
            readings.from = Infinity
            const states = yield* Effect.forEach(opened, ({ heartbeat }) => heartbeat.status)
            const reasons = states.map((state) => (state._tag === "Released" ? undefined : state.lost?.reason))
            for (const [i, reason] of reasons.entries()) {
              if (reason === undefined) assert.lengthOf(venues[i]!.writes, 7, `reading ${nth}`)
              else {
                defects++
                assert.strictEqual(reason, "Defect", `reading ${nth}`)
                assert.deepStrictEqual(tags[i]!.slice(0, 2), ["Jeopardy", "MayHaveFired"], `reading ${nth}`)
              }
            }
            assert.include(reasons, undefined, `reading ${nth}`)
            for (const { close } of opened) yield* close
          }).pipe(Effect.withClock(throwing))
        })
      )
    }
    assert.isAbove(defects, 5)
  })
})

describe("a clock that has failed", () => {
  for (const what of ["reading", "sleeping"] as const) {
    it(`ends every heartbeat on it by its defect, and does not starve the rest of the process: ${what}`, () => {
      const { service } = Port.port(() => acknowledged)
      inWorld(
        service,
        Effect.gen(function* () {
          const clock = yield* Effect.clock
          let isBroken = false
          const fail = () => {
            throw new Error("the clock is broken")
          }
          const breaking = Object.create(clock, {
            unsafeCurrentTimeNanos: {
              value: () => (isBroken && what === "reading" ? fail() : clock.unsafeCurrentTimeNanos())
            },
            sleep: {
              value: (duration: Duration.Duration) =>
                isBroken && what === "sleeping" ? Effect.sync(fail) : clock.sleep(duration)
            }
          }) as typeof clock
          const opened = yield* Effect.forEach(["one", "other"], (account) =>
            World.open().pipe(
              Effect.provideService(CountdownCancelAll.CountdownCancelAll, { ...service, account }),
              Effect.withClock(breaking)
            )
          )
          yield* Effect.sleep("1500 millis")
          isBroken = true
          yield* Effect.sleep("1500 millis")
          for (const { close, heartbeat } of opened) {
            assert.strictEqual((yield* Effect.flip(heartbeat.awaitLost)).reason, "Defect")
            yield* Effect.exit(close)
          }
        })
      )
    })
  }
})

describe("a clock that refuses a timer", () => {
  for (const part of ["acquisition", "release"] as const) {
    it(`the ${part} that it ends sends nothing afterwards, and holds the account no more (19)`, () => {
      const { service, writes } = Port.port(() => acknowledged)
      inWorld(
        service,
        Effect.gen(function* () {
          const clock = yield* Effect.clock
          let isBroken = false
          const breaking = Object.create(clock, {
            sleep: {
              value: (duration: Duration.Duration) => {
                if (isBroken) throw new Error("the clock is broken")
                return clock.sleep(duration)
              }
            }
          }) as typeof clock
          isBroken = part === "acquisition"
          const opened = yield* Effect.exit(Effect.withClock(World.open(), breaking))
          assert.strictEqual(opened._tag, part === "acquisition" ? "Failure" : "Success")
          // The pace allows the last write at once.
          yield* Effect.sleep("1500 millis")
          isBroken = true
          if (opened._tag === "Success") assert.strictEqual((yield* Effect.exit(opened.value.close))._tag, "Failure")
          yield* Effect.sleep("5 seconds")
          const sent = part === "acquisition" ? 0 : 1
          assert.lengthOf(writes, sent, writes.join())
          const { close } = yield* World.open()
          yield* close
          assert.lengthOf(writes, sent + 2, writes.join())
        })
      )
    })
  }
})

describe("a clock that throws when a request is overdue", () => {
  it("leaves no request behind, at whichever reading (19)", () => {
    let defects = 0
    for (let nth = 1; nth <= 15; nth++) {
      let hanging = 0
      const hang: Port.Answer = Effect.suspend(() => {
        hanging++
        return Effect.onInterrupt(Effect.never, () => Effect.sync(() => hanging--))
      })
      const { service } = Port.port((n) => (n === 0 ? acknowledged : hang))
      inWorld(
        service,
        Effect.gen(function* () {
          const { readings, throwing } = throwingAt(yield* Effect.clock)
          const { close, heartbeat } = yield* Effect.withClock(World.open({ release: () => "LetExpire" }), throwing)
          yield* Effect.sleep("4 seconds")
          assert.strictEqual(hanging, 1)
          Object.assign(readings, { from: nth, times: 4 })
          yield* Effect.sleep("1 seconds")
          readings.from = Infinity
          const status = yield* heartbeat.status
          if (status._tag !== "Released" && status.lost?.reason === "Defect") defects++
          yield* close
          yield* Effect.sleep("1 seconds")
          assert.strictEqual(hanging, 0, `reading ${nth}`)
        })
      )
    }
    assert.isAbove(defects, 3)
  })
})

describe("a release that dies", () => {
  for (const what of ["of a heartbeat", "of a failed acquisition", "of a shared heartbeat"] as const) {
    it(`${what}, frees the account: the next heartbeat arms (19)`, () => {
      let isBroken = false
      const acquisition = what === "of a failed acquisition"
      const { service, settings } = Port.port((n) => {
        if (!acquisition || n > 0) return acknowledged
        isBroken = true
        return lost
      })
      inWorld(
        service,
        Effect.gen(function* () {
          const clock = yield* Effect.clock
          const breaking = Object.create(clock, {
            sleep: {
              value: (duration: Duration.Duration) =>
                isBroken ? Effect.die(new Error("the clock is broken")) : clock.sleep(duration)
            }
          }) as typeof clock
          const heartbeats = yield* Heartbeats.make({ lookup: () => Effect.succeed(service) })
          const make = Effect.asVoid(what === "of a shared heartbeat" ? heartbeats.get("guest") : Heartbeat.make())
          const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
          const made = yield* Effect.exit(Effect.withClock(Scope.extend(make, scope), breaking))
          isBroken = true
          const closed = yield* Effect.exit(Effect.withClock(Scope.close(scope, Exit.void), breaking))
          const died = acquisition ? made : closed
          assert.isTrue(Exit.isFailure(died) && Cause.isDie(died.cause), "the premise")
          isBroken = false
          const before = settings().length
          yield* Effect.scoped(make)
          assert.deepStrictEqual(settings().slice(before), ["10", "off"])
        })
      )
    })
  }
})

describe("a clock that throws at some readings", () => {
  it("keeps no caller of a beat waiting, at whichever reading (19)", () => {
    for (let nth = 0; nth < 15; nth++) {
      const { service } = Port.port(() => acknowledged)
      inWorld(
        service,
        Effect.gen(function* () {
          const { readings, throwing } = throwingAt(yield* Effect.clock)
          const { close, heartbeat } = yield* Effect.withClock(World.open({ release: () => "LetExpire" }), throwing)
          yield* Effect.sleep("1500 millis")
          Object.assign(readings, { from: nth, times: Infinity })
          const ended = yield* Effect.timeoutOption(Effect.exit(heartbeat.beat), "20 seconds")
          assert.strictEqual(ended._tag, "Some", `reading ${nth}`)
          readings.from = Infinity
          yield* close
        })
      )
    }
  })

  it("leaves no switch armed after an acquisition that failed meanwhile, at whichever reading (19)", () => {
    let failures = 0
    for (let nth = 0; nth < 30; nth++) {
      const { service, writes } = Port.port((n) => (n === 0 ? Effect.never : acknowledged))
      inWorld(
        service,
        Effect.gen(function* () {
          const { readings, throwing } = throwingAt(yield* Effect.clock)
          Object.assign(readings, { from: nth, times: 2 })
          const opened = yield* Effect.exit(Effect.withClock(World.open({ armTimeout: "3 seconds" }), throwing))
          if (opened._tag === "Success") return yield* opened.value.close
          failures++
          if (writes.length > 0) assert.include(writes.at(-1), "off", `reading ${nth}: ${writes.join()}`)
        })
      )
    }
    assert.isAbove(failures, 3)
  })
})
