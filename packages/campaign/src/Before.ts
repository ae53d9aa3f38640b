/** The heartbeat before the judged one, in the same process. Only the plan and its own bounds end it. */
import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { DyingClock } from "./Dying.js"
import type { Predecessor } from "./Plan.js"
import type { Recorder } from "./Recorder.js"

export const run = (options: {
  readonly predecessor: Predecessor
  readonly heartbeat: HeartbeatOptions.Options
  readonly log: Recorder
  readonly sleep: (millis: number) => Effect.Effect<void>
  readonly clock: DyingClock | undefined
}): Effect.Effect<void, never, CountdownCancelAll.CountdownCancelAll> => {
  const { clock, heartbeat, log, predecessor, sleep } = options
  const { ends, gap, lives } = predecessor
  const note = (what: string) => Effect.sync(() => log.deed(`before ${what}`))
  const breakClock = (broken: boolean) =>
    Effect.sync(() => {
      if (clock !== undefined && ends === "clock dies") clock.broken = broken
    })
  const made = Effect.onExit(Heartbeat.make(heartbeat), (exit) =>
    note(Exit.isSuccess(exit) ? "armed" : Cause.isInterrupted(exit.cause) ? "interrupted" : "failed")
  )
  const stay = ends === "interrupted" ? Effect.never : Effect.zipRight(sleep(lives), breakClock(true))
  const life = Effect.exit(Effect.scoped(Effect.zipRight(made, stay)))
  return Effect.gen(function* () {
    log.before = true
    if (ends === "interrupted") {
      const fiber = yield* Effect.forkDaemon(Effect.interruptible(life))
      yield* sleep(lives)
      yield* Fiber.interrupt(fiber)
    } else {
      const exit = yield* life
      if (Exit.isFailure(exit) && Cause.isDie(exit.cause)) yield* note("died")
    }
    yield* breakClock(false)
    log.before = false
    yield* sleep(gap)
  }).pipe(Effect.uninterruptible)
}
