/** Runs a program under Effect's TestClock and in virtual time, and compares what it records. */
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import * as VirtualTime from "../../src/VirtualTime.js"

export type Say = (what: unknown) => Effect.Effect<void>
export interface Program {
  readonly unordered?: boolean
  /** How much time TestClock is given; enough for the program to end. */
  readonly within?: Duration.DurationInput
  readonly body: (say: Say) => Effect.Effect<unknown, unknown, Scope.Scope>
}

export const recorder = () => {
  const lines: Array<readonly [number, string]> = []
  const say: Say = (what) =>
    Effect.map(Clock.currentTimeMillis, (at) => {
      // TestClock shows fractions of a millisecond; wall clocks, real and virtual, show whole ones.
      lines.push([Math.floor(at), JSON.stringify(what)])
    })
  return { lines, say }
}

/** Runs a program and records its exit as text, without the fiber ids, which differ from run to run. */
const recorded = (program: Program, say: Say) =>
  program.body(say).pipe(
    Effect.scoped,
    Effect.exit,
    Effect.tap((exit) => say(Exit.isSuccess(exit) ? { ok: exit.value } : String(exit.cause).replace(/#\d+/g, "#")))
  )

const onTestClock = (program: Program) =>
  Effect.gen(function* () {
    const { lines, say } = recorder()
    yield* Effect.gen(function* () {
      const fiber = yield* Effect.fork(recorded(program, say))
      // Again and again, because a program that TestClock did not wait for ends later.
      const passing = Effect.forever(TestClock.adjust(program.within ?? "1 minute"))
      yield* Effect.raceFirst(Fiber.join(fiber), passing)
    }).pipe(Effect.provide(TestContext.TestContext))
    return lines
  })

/**
 * What a program records under TestClock when nothing disturbs it. TestClock waits 5 ms of real time for fibers to settle,
 * and on a busy machine moves on before they have. It then shows other instants from run to run, so only ten runs in a row
 * that all differ from virtual time count.
 */
export const onIdleTestClock = (program: Program, virtual: ReadonlyArray<readonly [number, string]>) =>
  Effect.repeat(
    Effect.map(onTestClock(program), (lines) => comparable(program, lines)),
    { times: 9, until: (lines) => JSON.stringify(lines) === JSON.stringify(virtual) }
  )

export const inVirtualTime = (program: Program, options?: VirtualTime.Options) => {
  const { lines, say } = recorder()
  const outcome = VirtualTime.run(recorded(program, say), options)
  if (Exit.isFailure(outcome.exit)) throw new Error(String(outcome.exit.cause))
  assert.deepStrictEqual(outcome.leftover, { fibers: 0, timers: 0 }, "something was left behind")
  return lines
}

export const underTheLayer = (program: Program) =>
  Effect.gen(function* () {
    const { lines, say } = recorder()
    yield* Effect.gen(function* () {
      const fiber = yield* Effect.fork(recorded(program, say))
      yield* TestClock.adjust(program.within ?? "1 minute")
      yield* Fiber.join(fiber)
    }).pipe(Effect.provide(VirtualTime.layer()))
    return lines
  })

export const comparable = (program: Program, lines: ReadonlyArray<readonly [number, string]>) =>
  program.unordered === true
    ? [...lines].sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0))
    : lines
