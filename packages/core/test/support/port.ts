/** The port `CountdownCancelAll` with the test's answers, in a world that must be left empty. */
import * as Countdown from "@effect-deadman/core/Countdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as VenueError from "@effect-deadman/core/VenueError"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"

export type Port = CountdownCancelAll.CountdownCancelAll["Type"]
export type Answer = Effect.Effect<CountdownCancelAll.Acknowledgement, CountdownCancelAll.CountdownError>

export const acknowledged: Answer = Effect.succeed({
  acceptedAt: undefined,
  completedAt: undefined,
  requestTime: undefined
})

/** An acknowledgement with stamps of a machine whose clock is so many ms ahead of the world's. */
export const stamped = (ahead = 0): Answer =>
  Effect.clockWith((clock) =>
    Effect.sync(() => {
      const now = clock.unsafeCurrentTimeMillis() + ahead
      return { acceptedAt: now, completedAt: now, requestTime: now }
    })
  )

export const lost: Answer = Effect.fail(
  new VenueError.TransportFailure({
    venueMessage: "",
    applied: "unknown",
    retryable: true,
    reason: "lost",
    detail: "reset"
  })
)

/** A write that was not sent. */
export const unsent: Answer = Effect.fail(
  new VenueError.TransportFailure({
    venueMessage: "",
    applied: "no",
    retryable: true,
    reason: "refused",
    detail: "refused"
  })
)

export const refused: Answer = Effect.fail(
  new VenueError.PermissionRefused({ code: "40014", venueMessage: "", applied: "no", retryable: false })
)

/** Gives the n-th write its answer after 50 ms, and records each write as `"<ms> <setting>"`. */
export const port = (answer: (n: number, setting: string) => Answer, overrides?: Partial<Port>) => {
  const writes: Array<string> = []
  const service = CountdownCancelAll.CountdownCancelAll.of({
    account: "guest",
    pace: Duration.seconds(1),
    range: Countdown.range,
    horizon: Effect.succeed(Duration.seconds(30)),
    set: (setting) =>
      Effect.flatMap(Effect.clock, (clock) => {
        const n = writes.push(`${clock.unsafeCurrentTimeMillis()} ${setting}`) - 1
        return Effect.delay(
          Effect.suspend(() => answer(n, String(setting))),
          50
        )
      }),
    ...overrides
  })
  return { service, writes, settings: () => writes.map((write) => write.split(" ")[1]!) }
}

export type Made = ReturnType<typeof port>

/** Runs the effect in a world whose clock begins at 0. It must leave no fibers and timers. */
export const inWorld = <E>(
  service: Port,
  effect: Effect.Effect<void, E, CountdownCancelAll.CountdownCancelAll | Scope.Scope>,
  logger: Logger.Logger<unknown, void> = Logger.none
) => {
  const { exit, leftover } = VirtualTime.run(
    Effect.scoped(effect).pipe(
      Effect.provideService(CountdownCancelAll.CountdownCancelAll, service),
      Effect.provideService(Heartbeat.AccountsInUse, new Set<string>()),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger))
    ),
    { maxTime: "3 hours", maxSteps: 20_000, start: 0 }
  )
  if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
  assert.deepStrictEqual(leftover, { fibers: 0, timers: 0 }, "left behind")
}

/** Collects the log as `"<LEVEL> <message>"`. */
export const collecting = () => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    lines.push(`${logLevel.label} ${(Array.isArray(message) ? message : [message]).map(String).join(" ")}`)
  })
  return { lines, logger }
}
