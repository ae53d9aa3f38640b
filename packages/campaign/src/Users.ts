/** The users of the judged heartbeat: the bot alone, or several that share it by `Heartbeats` and come and go. */
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Heartbeats from "@effect-deadman/core/Heartbeats"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as Log from "./Log.js"
import type { Plan, Sharer } from "./Plan.js"
import type { Recorder } from "./Recorder.js"

/** The calls back of a bot. */
export interface Hooks {
  /** The acquisition has ended. */
  readonly acquired: (exit: Exit.Exit<Heartbeat.Heartbeat, unknown>) => void
  /** The release begins. */
  readonly closing: () => void
}

/** The bot alone: acquires, waits for the end of `stay`, and releases. */
export const alone = <E, R>(
  acquire: Effect.Effect<Heartbeat.Heartbeat, E, R>,
  stay: Effect.Effect<void, string>,
  hooks: Hooks
) =>
  Effect.scoped(
    Effect.zipRight(
      Effect.onExit(acquire, (exit) => Effect.sync(() => hooks.acquired(exit))),
      Effect.ensuring(stay, Effect.sync(hooks.closing))
    )
  )

/** The label of the account in `Heartbeats`. */
const name = "shared"

/** The bot and its sharers. The heartbeat before the judged one may still be released when the bot asks. */
export const shared = (options: {
  readonly plan: Plan
  readonly sharers: ReadonlyArray<Sharer>
  readonly heartbeat: HeartbeatOptions.Options
  /** The options of the heartbeat before. */
  readonly before: HeartbeatOptions.Options
  readonly stay: Effect.Effect<void, string>
  readonly hooks: Hooks
  readonly log: Recorder
  readonly sleep: (millis: number) => Effect.Effect<void>
}): Effect.Effect<void, unknown, CountdownCancelAll.CountdownCancelAll> => {
  const { before, heartbeat, hooks, log, plan, sharers, sleep, stay } = options
  const { predecessor } = plan
  /** The number of heartbeats to come. None follows the judged one. */
  let lives = predecessor === undefined ? 1 : 2
  let users = 0
  let isAcquired = false
  let isOver = false
  let end = (): void => undefined
  const note = (user: number, what: Log.Use["what"], how?: string): void =>
    log.add({ _tag: "Use", at: log.now(), user, what, how })

  /** No sharer comes any more. */
  const finish = (): void => {
    isOver = true
    end()
  }

  const acquired = (user: number, exit: Exit.Exit<Heartbeat.Heartbeat, unknown>): void => {
    if (Exit.isSuccess(exit)) note(user, "holds")
    else {
      users--
      const failure = Cause.squash(exit.cause)
      note(user, "fails", Cause.isInterruptedOnly(exit.cause) ? "interruption" : (failure as { _tag?: string })._tag)
      // An interrupted user leaves the arming to the others.
      if (users > 0 && Cause.isInterruptedOnly(exit.cause)) return
      finish()
    }
    if (isAcquired) return
    isAcquired = true
    hooks.acquired(exit)
  }

  const leaves = (user: number, exit: Exit.Exit<void, string>): void => {
    users--
    note(user, "leaves", howOf(exit))
    if (users > 0) return
    finish()
    hooks.closing()
  }

  return Effect.gen(function* () {
    const service = yield* CountdownCancelAll.CountdownCancelAll
    const heartbeats = yield* Heartbeats.make({
      lookup: () => (lives-- > 0 ? Effect.succeed(service) : Effect.fail("no heartbeat follows" as const)),
      heartbeat: () => {
        log.before = lives > 1
        return log.before ? before : heartbeat
      }
    })
    const use = (user: number, body: Effect.Effect<void, string>) =>
      Effect.suspend(() => {
        note(user, "asks")
        users++
        return Effect.scoped(
          Effect.zipRight(
            Effect.onExit(heartbeats.get(name), (exit) => Effect.sync(() => acquired(user, exit))),
            Effect.onExit(body, (exit) => Effect.sync(() => leaves(user, exit)))
          )
        )
      })

    const over = Deferred.unsafeMake<void>(FiberId.none)
    end = () => Deferred.unsafeDone(over, Effect.void)
    const sharer = (number: number, { comes, how, stays }: Sharer) =>
      Effect.zipRight(
        Effect.raceFirst(sleep(comes), Deferred.await(over)),
        Effect.suspend(() => (isOver ? Effect.void : use(number, Effect.zipRight(sleep(stays), endings[how]))))
      )

    if (predecessor !== undefined) {
      const left = Deferred.unsafeMake<void>(FiberId.none)
      const got = Effect.onExit(heartbeats.get(name), ({ _tag }) =>
        Effect.sync(() => log.deed(_tag === "Success" ? "before armed" : "before failed"))
      )
      const stays = Effect.ensuring(Effect.zipRight(got, sleep(predecessor.lives)), Deferred.succeed(left, undefined))
      yield* Effect.forkScoped(Effect.exit(Effect.scoped(stays)))
      yield* Effect.uninterruptible(Effect.zipRight(Deferred.await(left), sleep(predecessor.gap)))
    }
    const others = yield* Effect.forEach(sharers, (one, index) =>
      Effect.forkDaemon(Effect.interruptible(sharer(index + 1, one)))
    )
    yield* Effect.ensuring(use(0, stay), Fiber.awaitAll(others))
  }).pipe(Effect.scoped)
}

const endings: Readonly<Record<Sharer["how"], Effect.Effect<void, string>>> = {
  success: Effect.void,
  failure: Effect.fail("a sharer failed"),
  interruption: Effect.interrupt,
  defect: Effect.die("a sharer died")
}

const howOf = (exit: Exit.Exit<void, string>): Sharer["how"] =>
  Exit.isSuccess(exit)
    ? "success"
    : Cause.isDie(exit.cause)
      ? "defect"
      : Cause.isFailure(exit.cause)
        ? "failure"
        : "interruption"
