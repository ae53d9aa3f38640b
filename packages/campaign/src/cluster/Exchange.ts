/** The exchange: one countdown for each account, and the way to it. It keeps no record of who wrote. */
import * as Countdown from "@effect-deadman/core/Countdown"
import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as VenueError from "@effect-deadman/core/VenueError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Log from "./Log.js"
import { draws } from "./World.js"
import type { Process, World } from "./World.js"

type Answer = Effect.Effect<CountdownCancelAll.Acknowledgement, VenueError.VenueError>

/** Its clock is not that of any runner. */
const ahead = 1_700_000_000_000

const failure = (reason: "refused" | "lost"): Answer =>
  Effect.fail(
    new VenueError.TransportFailure({
      venueMessage: "",
      applied: reason === "refused" ? "no" : "unknown",
      retryable: true,
      reason,
      detail: ""
    })
  )

export interface Exchange {
  readonly portOf: (process: Process, account: string) => CountdownCancelAll.CountdownCancelAll["Type"]
  readonly runs: (account: string) => boolean
}

/** `acknowledged` is called when an answer has reached its process. */
export const make = (world: World, acknowledged: (process: Process) => void): Exchange => {
  const { die, log, now, plan, schedule } = world
  const { exchange } = plan
  const deadlines = new Map<string, number>()
  const lastAt = new Map<string, number>()
  const lastBoot = new Map<string, string>()
  const between = ([least, most]: readonly [number, number]): number => die.int(least, most)

  const apply = (write: Log.Write): void => {
    const { account, boot, countdown } = write
    write.appliedAt = now()
    lastBoot.set(account, boot)
    lastAt.set(account, now())
    if (countdown === 0) return void deadlines.delete(account)
    const deadline = now() + 1_000 * countdown
    deadlines.set(account, deadline)
    schedule(1_000 * countdown, () => {
      if (deadlines.get(account) !== deadline) return
      deadlines.delete(account)
      log({ _tag: "Fired", at: now(), account })
    })
  }

  const send = (process: Process, account: string, countdown: number): Answer =>
    Effect.async((resume) => {
      const write: Log.Write = {
        _tag: "Write",
        at: now(),
        runner: process.runner,
        boot: process.boot,
        account,
        countdown,
        appliedAt: undefined,
        endAt: undefined,
        end: undefined
      }
      log(write)
      const finish = (end: NonNullable<Log.Write["end"]>, answer: Answer): void => {
        if (write.end !== undefined) return
        write.end = end
        write.endAt = now()
        resume(answer)
        if (end === "acknowledged") acknowledged(process)
      }
      const lose = (): void => {
        if (die.chance(0.5)) schedule(die.int(0, 1_000), () => finish("lost", failure("lost")))
      }
      const arrive = (): void => {
        const acceptedAt = ahead + Math.round(now()) + die.int(-exchange.stampSkew, exchange.stampSkew)
        if (now() - write.at > plan.settings.horizon) return
        if (exchange.isPaced && now() - (lastAt.get(account) ?? -Infinity) < 1_000) {
          const limited = VenueError.fromCode({
            code: "429",
            venueMessage: "",
            httpStatus: 429,
            requestTime: acceptedAt
          })
          return schedule(between(exchange.back), () => finish("refused", Effect.fail(limited)))
        }
        apply(write)
        const cut = world.cuts.exchange.get(process.runner)
        if (cut !== undefined || draws(world, exchange.loseAnswer)) return lose()
        schedule(between(exchange.back), () =>
          finish("acknowledged", Effect.succeed({ acceptedAt, completedAt: acceptedAt, requestTime: acceptedAt }))
        )
      }
      const cut = world.cuts.exchange.get(process.runner)
      if (cut === "refuse") schedule(5, () => finish("refused", failure("refused")))
      else if (cut === "hang" || draws(world, exchange.loseRequest)) lose()
      else if (draws(world, countdown === 0 ? exchange.lateZero : exchange.late))
        schedule(die.int(1_000, plan.settings.horizon - 100), arrive)
      else schedule(between(exchange.there) + (lastBoot.get(account) === process.boot ? 0 : world.slowBy), arrive)
      return Effect.sync(() => {
        if (write.end !== undefined) return
        write.end = "lost"
        write.endAt = now()
      })
    })

  return {
    portOf: (process, account) => ({
      account,
      range: Countdown.range,
      pace: Duration.seconds(1),
      horizon: Effect.succeed(Duration.millis(plan.settings.horizon)),
      set: (setting) => send(process, account, typeof setting === "number" ? setting : 0)
    }),
    runs: (account) => deadlines.has(account)
  }
}
