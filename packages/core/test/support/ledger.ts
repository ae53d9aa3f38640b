/** The ledger of a heartbeat alone, with a clock that the test sets: no beats, no timer, no exchange. */
import * as FireWindow from "@effect-deadman/core/FireWindow"
import * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import { LiveLedger, type Subject } from "../../src/internal/heartbeat/ledger.js"

/** The wall clock is far from the monotonic one, so that a mix-up shows. */
export const T = 1_700_000_000_000

/** A ledger whose clock stands still until the test moves it. */
export const made = (options?: HeartbeatOptions.Options) => {
  const time = { mono: 0, wall: T, isBroken: false }
  const slept: Array<number> = []
  const clock = Object.assign(Object.create(Clock.make()) as Clock.Clock, {
    unsafeCurrentTimeNanos: () => {
      if (time.isBroken) throw new Error("the clock is broken")
      return BigInt(Math.round(time.mono * 1_000)) * 1_000n
    },
    unsafeCurrentTimeMillis: () => time.wall,
    sleep: (duration: Duration.Duration) =>
      Effect.sync(() => {
        const millis = Duration.toMillis(duration)
        slept.push(millis)
        pass(millis)
      })
  })
  const reported: Array<Subject> = []
  const settings = Either.getOrThrow(HeartbeatOptions.resolve(options))
  const live = new LiveLedger("desk-1", settings, clock, [], (subject) => reported.push(subject))
  /** Lets time pass, on both clocks. */
  const pass = (millis: number) => {
    time.mono += millis
    time.wall += millis
  }
  let id = 0
  const send = (countdown = 10_000) => {
    const window = FireWindow.sent(live.ledger.window, { id: id++, at: live.now(), countdown, horizon: 30_000 })
    live.enter({ window })
  }
  /** A write that is acknowledged at once, by an exchange whose stamps are the wall clock's, or that has none. */
  const acknowledge = (stamps: "stamped" | "none" = "none", countdown?: number) => {
    send(countdown)
    const at = live.now()
    const stamp = stamps === "none" ? undefined : { acceptedAt: at.wall, completedAt: at.wall }
    live.enter({ window: FireWindow.acknowledged(live.ledger.window, id - 1, at, stamp).window })
  }
  const begin = () => {
    acknowledge()
    live.phase = "beating"
    live.observe()
  }
  return { live, time, slept, reported, pass, send, acknowledge, begin }
}

export type Made = ReturnType<typeof made>

/** The result of a fiber that has ended within some steps. One that still waits would hang the test. */
export const finished = <A, E>(fiber: Fiber.RuntimeFiber<A, E>) =>
  Effect.gen(function* () {
    for (let n = 0; n < 500 && fiber.unsafePoll() === null; n++) yield* Effect.yieldNow()
    return fiber.unsafePoll() ?? assert.fail("it still waits")
  })
