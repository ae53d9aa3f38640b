/**
 * The options of a cluster of heartbeats.
 *
 * @since 0.2.0
 */
import type * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import type * as Heartbeats from "@effect-deadman/core/Heartbeats"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"

/**
 * The options of the heartbeat of one account. The cluster itself decides how it begins and ends: the release is always
 * `LetExpire`, and `0` needs a permit.
 *
 * @since 0.2.0
 * @category models
 */
export type AccountOptions = Omit<
  HeartbeatOptions.Options,
  | "countdown"
  | "interval"
  | "requestTimeout"
  | "release"
  | "abandon"
  | "predecessor"
  | "onUncertain"
  | "onAcknowledged"
  | "liveness"
  | "livenessTimeout"
>

/**
 * A bot that runs where its account is owned. `work` begins once the switch is armed, runs under `guard`, and is
 * interrupted when the account, or the certainty that it is protected, is lost. When it fails or ends, the beats of its
 * account stop at once.
 *
 * @since 0.2.0
 * @category models
 */
export interface Working<E, R> {
  readonly work: (account: string, heartbeat: Heartbeat.Heartbeat) => Effect.Effect<unknown, E, R>
  /**
   * Compares the book of an account whose switch may have fired with the exchange. The work begins when it succeeds; its
   * failure counts as one of the work. Without it the work waits for `markReconciled`.
   */
  readonly reconcile?: ((account: string, heartbeat: Heartbeat.Heartbeat) => Effect.Effect<unknown, E, R>) | undefined
  readonly kickWithin?: undefined
}

/**
 * A bot that runs elsewhere, and says with `kick` that it lives. The heartbeat beats only while the last kick is
 * younger than `kickWithin`, at least 2 seconds. While the store does not answer, the age of the kick stands still, for
 * `grace` at most.
 *
 * @since 0.2.0
 * @category models
 */
export interface Kicked {
  readonly kickWithin: Duration.DurationInput
  readonly work?: undefined
  readonly reconcile?: undefined
}

/**
 * @since 0.2.0
 * @category models
 */
export interface Common<LE, LR> {
  /**
   * Makes the client of an account. Its resources live as long as the heartbeat. One that does not end within the
   * countdown has failed, and is tried again after the pause of `restart`.
   */
  readonly lookup: Heartbeats.Lookup<LE, LR>
  /** The countdown of every account, in whole seconds, the same on all runners. Defaults to 30 seconds. */
  readonly countdown?: Duration.DurationInput | undefined
  /** The time from one beat to the next, at least 1 second. Defaults to 3 seconds. */
  readonly interval?: Duration.DurationInput | undefined
  /** The time after which a request counts as unanswered. Defaults to 2 seconds. */
  readonly requestTimeout?: Duration.DurationInput | undefined
  /**
   * How long a runner beats on without a sign from the store, and after it has lost an account that no other runner has
   * armed yet. As long as that a release after a failure can only say `DisarmUnconfirmed`. The same on all runners:
   * a runner with another one is refused while the others are remembered, and the longer one counts for a release.
   * Defaults to twice the countdown. With 0 a lost account is given up at once, and without a sign from the store the
   * beats go on for 4 seconds.
   */
  readonly grace?: Duration.DurationInput | undefined
  /** The other options of an account's heartbeat. */
  readonly heartbeat?: AccountOptions | ((account: string) => AccountOptions) | undefined
  /**
   * The pauses before the next start of an account whose work or heartbeat has ended, or that could not be armed.
   * Defaults to 1, 2, 4, ... up to 30 seconds, from the beginning after a minute without an end.
   */
  readonly restart?: Schedule.Schedule<unknown> | undefined
  readonly arming?:
    | {
        /** How many accounts are armed at once. Defaults to 16. */
        readonly atOnce?: number | undefined
        /** How many accounts one runner arms in a second. Measure it. Defaults to 25. */
        readonly perSecond?: number | undefined
        /** The most accounts that one runner has to take over at once. Defaults to 100. */
        readonly inherits?: number | undefined
      }
    | undefined
}

/**
 * @since 0.2.0
 * @category models
 */
export type Options<LE, LR, WE, WR> = Common<LE, LR> & (Working<WE, WR> | Kicked)
