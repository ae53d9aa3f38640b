/** The last write by the end of the program. Pure. */
import * as Release from "@effect-deadman/core/Release"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"

/** The policies by their names on the command line. */
export const policies = { cancelOnFailure: Release.cancelOnFailure, disarm: Release.disarm } as const

export type Name = keyof typeof policies

/** A program that never started has no orders, so the switch is turned off. */
export const policy =
  (name: Name): Release.Policy =>
  (exit, lost) => {
    const failure = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
    const tag = typeof failure === "object" && failure !== null && "_tag" in failure ? failure._tag : undefined
    return tag === "NotStarted" && lost === undefined ? "Disarm" : policies[name](exit, lost)
  }
