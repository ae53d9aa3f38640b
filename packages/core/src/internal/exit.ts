/**
 * `Exit.flatten`, which Effect 4 does not have.
 *
 * @internal
 */
import * as Exit from "effect/Exit"

/** @internal */
export const flatten = <A, E, E2>(exit: Exit.Exit<Exit.Exit<A, E>, E2>): Exit.Exit<A, E | E2> =>
  Exit.isSuccess(exit) ? exit.value : Exit.failCause(exit.cause)
