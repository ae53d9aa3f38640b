/**
 * Exits of fibers that end with an exit as their value. Effect 4 has no `Exit.flatten`.
 *
 * @internal
 */
import * as Exit from "effect/Exit"

/** @internal */
export const flatten = <A, E, E2>(exit: Exit.Exit<Exit.Exit<A, E>, E2>): Exit.Exit<A, E | E2> =>
  Exit.isSuccess(exit) ? exit.value : Exit.failCause(exit.cause)
