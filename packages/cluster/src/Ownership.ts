/**
 * The one question that is asked of an engine: does this runner own the account? An engine decides who owns what, and
 * nothing else; the store and the fence keep a wrong answer harmless.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"

/**
 * One process of the cluster. Two processes that live never have the same `name`. `boot` is drawn at each start.
 *
 * @since 0.2.0
 * @category models
 */
export interface Runner {
  readonly name: string
  readonly boot: string
}

/**
 * @since 0.2.0
 * @category tags
 */
export class Ownership extends Context.Tag("@effect-deadman/cluster/Ownership")<
  Ownership,
  {
    readonly runner: Runner

    /** Whether this runner owns the account now. Called for every account several times a second: no I/O. */
    readonly isMine: (account: string) => boolean

    /** The longest time from the end of a runner until `isMine` of another says so. */
    readonly takeOverWithin: Duration.Duration
  }
>() {}
