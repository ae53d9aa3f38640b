/**
 * Binds the heartbeat to the life of the program. A beat is withheld while the check fails, so the switch fires when
 * the strategy's loop hangs and not only when the process dies.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as FireWindow from "./FireWindow.js"
import { bounded as within } from "./internal/bounded.js"
import { reading } from "./internal/clock.js"

/**
 * The program is not alive. Lists the negative checks, with the reason of each.
 *
 * @since 0.1.0
 * @category errors
 */
export class LivenessFailed extends Schema.TaggedError<LivenessFailed>("@effect-deadman/core/LivenessFailed")(
  "LivenessFailed",
  { checks: Schema.Array(Schema.Struct({ name: Schema.String, reason: Schema.String })) }
) {
  override get message(): string {
    return `Not alive: ${this.checks.map(({ name, reason }) => `${name} (${reason})`).join(", ")}.`
  }
}

/**
 * A check with a name, for reports, and its own bound.
 *
 * @since 0.1.0
 * @category models
 */
export interface Check {
  readonly name: string
  /** Succeeds while all is well; any failure, defect or overrun of the bound is negative. */
  readonly check: Effect.Effect<unknown, unknown>
  /** Defaults to 100 ms. */
  readonly timeout?: Duration.DurationInput | undefined
}

/**
 * A watchdog over a loop. Call `kick` in every round, and give `check` to the heartbeat.
 *
 * @since 0.1.0
 * @category models
 */
export interface Watchdog {
  /** Reports that the loop is alive now. */
  readonly kick: Effect.Effect<void>
  /** Fails when the last kick is longer ago than the bound. */
  readonly check: Effect.Effect<void, LivenessFailed>
}

const failed = (name: string, reason: string): LivenessFailed => new LivenessFailed({ checks: [{ name, reason }] })

/**
 * A watchdog that expects a kick every `within`. The time until the first kick counts from its creation.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Heartbeat from "@effect-deadman/core/Heartbeat"
 * import * as Liveness from "@effect-deadman/core/Liveness"
 *
 * const program = Effect.gen(function* () {
 *   const watchdog = yield* Liveness.watchdog("2 seconds")
 *   const heartbeat = yield* Heartbeat.make({ liveness: watchdog.check })
 *   const round = Effect.zipRight(watchdog.kick, Effect.logDebug("quote"))
 *   return yield* heartbeat.guard(Effect.forever(Effect.delay(round, "500 millis")))
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const watchdog = (
  within: Duration.DurationInput,
  options?: { readonly name?: string | undefined }
): Effect.Effect<Watchdog> => {
  const bound = Duration.toMillis(within)
  const name = options?.name ?? "watchdog"
  return Effect.map(reading, (made) => {
    let last = made
    return {
      kick: Effect.map(reading, (now) => {
        last = now
      }),
      check: Effect.flatMap(reading, (now) => {
        const passed = FireWindow.elapsedAtMost(last, now)
        return passed > bound
          ? Effect.fail(failed(name, `last kick ${Math.round(passed)} ms ago, ${bound} ms allowed`))
          : Effect.void
      })
    }
  })
}

/**
 * Runs all checks concurrently, each under its own bound, and fails with the list of the negative ones.
 *
 * @since 0.1.0
 * @category combinators
 */
export const all = (checks: ReadonlyArray<Check>): Effect.Effect<void, LivenessFailed> =>
  Effect.flatMap(
    Effect.forEach(checks, (one) => Effect.either(bounded(one.check, one.timeout ?? 100, one.name)), {
      concurrency: "unbounded"
    }),
    (results) => {
      const negative = results.flatMap((result) => (result._tag === "Left" ? result.left.checks : []))
      return negative.length === 0 ? Effect.void : Effect.fail(new LivenessFailed({ checks: negative }))
    }
  )

/**
 * Turns any effect into a bounded check. Failures, defects and overruns become reasons, even the overrun of an effect
 * that cannot be interrupted.
 *
 * @since 0.1.0
 * @category combinators
 */
export const bounded = (
  check: Effect.Effect<unknown, unknown>,
  timeout: Duration.DurationInput,
  name = "liveness"
): Effect.Effect<void, LivenessFailed> =>
  within<unknown, unknown>(check, timeout, () =>
    Effect.fail(failed(name, `no result within ${Duration.toMillis(timeout)} ms`))
  ).pipe(
    Effect.asVoid,
    Effect.catchAllCause((cause) => {
      const error = Cause.squash(cause)
      return Effect.fail(
        error instanceof LivenessFailed ? error : failed(name, error instanceof Error ? error.message : String(error))
      )
    })
  )
