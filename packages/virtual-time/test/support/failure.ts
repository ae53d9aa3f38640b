import * as Exit from "effect/Exit"
import type * as VirtualTime from "../../src/VirtualTime.js"

/** The error with which a run failed. */
export const failure = <A, E>(outcome: VirtualTime.Outcome<A, E>): unknown =>
  outcome.exit.pipe(Exit.causeOption, (cause) =>
    cause._tag === "Some" && cause.value._tag === "Fail" ? cause.value.error : undefined
  )
