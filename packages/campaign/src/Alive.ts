/** The liveness of the bot: an effect that fails while the bot lapses, or named checks with the loops of watchdogs. */
import * as Liveness from "@effect-deadman/core/Liveness"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Check, Plan } from "./Plan.js"
import type { Recorder } from "./Recorder.js"

/** Makes the liveness of a plan, and starts the loops of its watchdogs on this clock. Records both. */
export const make = (
  plan: Plan,
  log: Recorder,
  clock: Clock.Clock,
  isAlive: () => boolean
): Effect.Effect<Effect.Effect<void, unknown> | undefined, never, Scope.Scope> =>
  Effect.gen(function* () {
    if (!plan.client.liveness) return undefined
    const checks: Array<Liveness.Check> = []
    for (const [number, check] of plan.checks.entries()) {
      if (check.kind !== "watchdog") {
        checks.push({ name: check.kind, check: Effect.suspend(() => (isAlive() ? Effect.void : negative(check.kind))) })
        continue
      }
      const watchdog = yield* Liveness.watchdog(check.within, { name: `loop ${number}` })
      const kick = Effect.zipLeft(
        watchdog.kick,
        Effect.sync(() => log.add({ _tag: "Kick", at: log.now(), check: number }))
      )
      const round = Effect.suspend(() => (isAlive() || !check.lapses ? kick : Effect.void))
      const loop = Effect.forever(Effect.zipRight(round, clock.sleep(Duration.millis(check.every))))
      yield* Effect.forkScoped(Effect.interruptible(loop))
      checks.push({ name: `loop ${number}`, check: watchdog.check })
    }
    const plain = Effect.suspend(() => (isAlive() ? Effect.void : Effect.fail("the loop hangs")))
    return recorded(checks.length === 0 ? plain : Liveness.all(checks), log)
  })

const negative = (kind: Exclude<Check["kind"], "watchdog">): Effect.Effect<void, string> => {
  if (kind === "hangs") return Effect.never
  if (kind === "fails") return Effect.fail("the bot lapses")
  throw new Error("the bot lapses")
}

const recorded = (liveness: Effect.Effect<void, unknown>, log: Recorder): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    const from = log.now()
    return Effect.onExit(liveness, ({ _tag }) =>
      Effect.sync(() => log.add({ _tag: "Checked", at: log.now(), from, alive: _tag === "Success" }))
    )
  })
