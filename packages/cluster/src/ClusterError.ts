/**
 * The errors of a cluster of heartbeats.
 *
 * @since 0.2.0
 */
import * as Schema from "effect/Schema"

/**
 * The account is not held by this runner, or another may have it. `owner` is the runner that the store named last, if
 * any.
 *
 * @since 0.2.0
 * @category errors
 */
export class NotOwner extends Schema.TaggedError<NotOwner>("@effect-deadman/cluster/NotOwner")("NotOwner", {
  account: Schema.String,
  runner: Schema.String,
  owner: Schema.optional(Schema.String)
}) {
  override get message(): string {
    if (this.owner === this.runner) {
      return (
        `Runner ${this.runner} may not act on account ${this.account}: it may have lost it, or another has not surely ` +
        "let go of it. Try again in some seconds, or do this inside of `work`."
      )
    }
    const other = this.owner === undefined ? "no runner holds it yet" : `the store names ${this.owner}`
    return (
      `Runner ${this.runner} does not hold account ${this.account}: ${other}. ` +
      "Do this on the runner that holds it, inside of `work`."
    )
  }
}

/**
 * The account was never given to the cluster.
 *
 * @since 0.2.0
 * @category errors
 */
export class NotProtected extends Schema.TaggedError<NotProtected>("@effect-deadman/cluster/NotProtected")(
  "NotProtected",
  { account: Schema.String }
) {
  override get message(): string {
    return `The cluster does not protect account ${this.account}. Call \`protect\` for it first.`
  }
}

/**
 * `protect` was called for the account while its release was under way.
 *
 * @since 0.2.0
 * @category errors
 */
export class ReleaseWithdrawn extends Schema.TaggedError<ReleaseWithdrawn>("@effect-deadman/cluster/ReleaseWithdrawn")(
  "ReleaseWithdrawn",
  { account: Schema.String }
) {
  override get message(): string {
    return `The release of account ${this.account} was withdrawn: it is to be protected again. Ask once more if it is to end.`
  }
}

/**
 * The store did not answer, or refused. Running heartbeats go on for `grace`.
 *
 * @since 0.2.0
 * @category errors
 */
export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>("@effect-deadman/cluster/StoreUnavailable")(
  "StoreUnavailable",
  { operation: Schema.String, detail: Schema.String, cause: Schema.optional(Schema.Unknown) }
) {
  override get message(): string {
    return (
      `The store of accounts failed at ${this.operation}: ${this.detail}. ` +
      "Check that PostgreSQL can be reached from this runner, then try again."
    )
  }
}

/**
 * A runner started with a setting that differs from that of a runner that lives, or may still be beating.
 *
 * @since 0.2.0
 * @category errors
 */
export class SettingsMismatch extends Schema.TaggedError<SettingsMismatch>("@effect-deadman/cluster/SettingsMismatch")(
  "SettingsMismatch",
  {
    runner: Schema.String,
    setting: Schema.String,
    ours: Schema.String,
    other: Schema.String,
    theirs: Schema.String
  }
) {
  override get message(): string {
    return (
      `Runner ${this.runner} has ${this.setting} ${this.ours}, and runner ${this.other} has ${this.theirs}. ` +
      `Give all runners the same ${this.setting}, or stop the others first.`
    )
  }
}

/**
 * Another process that lives has the same runner name. Two of them would hold the same accounts.
 *
 * @since 0.2.0
 * @category errors
 */
export class RunnerNameTaken extends Schema.TaggedError<RunnerNameTaken>("@effect-deadman/cluster/RunnerNameTaken")(
  "RunnerNameTaken",
  { runner: Schema.String }
) {
  override get message(): string {
    return `Another process that lives is the runner ${this.runner}. Give each runner a name of its own.`
  }
}

/**
 * The fence refused a write: a `0` without a permit of this epoch, another countdown than that of the account, or a
 * beat after the runner has lost the account. Nothing was sent. It fits `CountdownCancelAll.CountdownError`.
 *
 * @since 0.2.0
 * @category errors
 */
export class FenceRefused extends Schema.TaggedError<FenceRefused>("@effect-deadman/cluster/FenceRefused")(
  "FenceRefused",
  { account: Schema.String, reason: Schema.Literal("NoPermit", "OtherCountdown", "NotHeld") }
) {
  readonly applied = "no"
  readonly retryable = false
  override get message(): string {
    const what = {
      NoPermit: "a `0` without a permit: ask for it with `release`",
      OtherCountdown: "another countdown than the one that all runners agreed on",
      NotHeld: "a beat, because another runner may hold the account now"
    }[this.reason]
    return `The fence of account ${this.account} refused ${what}. Nothing was sent.`
  }
}
