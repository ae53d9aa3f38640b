/** The exit codes of `deadman`, as in sysexits.h and in shells. Pure. */
import * as ConfigError from "effect/ConfigError"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Data from "effect/Data"

/** The exit codes that are not those of the program. */
export const codes = {
  /** A bug in `deadman`. */
  defect: 1,
  /** An option or a variable cannot be used. */
  usage: 64,
  /** The exchange could not be reached, or did not acknowledge the switch in time. */
  unavailable: 69,
  /** The switch was lost, and the program was stopped. */
  lost: 70,
  /** The exchange refused credentials, permission, address or account. */
  refused: 77,
  /** The program cannot be executed. */
  notExecutable: 126,
  /** There is no such program. */
  notFound: 127
} as const

/** Ends the command with this exit code, after its message. */
export class Ending extends Data.TaggedError("Ending")<{ readonly code: number; readonly message: string }> {}

/** The exit code after a signal, as shells have it. */
export const afterSignal = (number: number): number => 128 + number

const byTag: Readonly<Record<string, number>> = {
  AccountBlocked: codes.refused,
  ArmTimeout: codes.unavailable,
  CredentialsRefused: codes.refused,
  InvalidOptions: codes.usage,
  IpRefused: codes.refused,
  NotArmed: codes.lost,
  NotStarted: codes.notExecutable,
  NotUnifiedAccount: codes.refused,
  OutcomeUnknown: codes.unavailable,
  PermissionRefused: codes.refused,
  RateLimited: codes.unavailable,
  RegionRefused: codes.refused,
  RequestRefused: codes.unavailable,
  RequestTimeout: codes.unavailable,
  SwitchLost: codes.lost,
  TimestampRefused: codes.unavailable,
  TransportFailure: codes.unavailable,
  UnreadableAnswer: codes.unavailable,
  UnrecognizedCode: codes.unavailable,
  VenueBusy: codes.unavailable
}

/** The exit code of a failure. */
export const of = (error: unknown): number => {
  if (error instanceof Ending) return error.code
  if (ConfigError.isConfigError(error) || ValidationError.isValidationError(error)) return codes.usage
  const tag = typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : ""
  return Object.hasOwn(byTag, tag) ? (byTag[tag] ?? codes.defect) : codes.defect
}
