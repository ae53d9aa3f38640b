/**
 * Turns failures of an HTTP client into failures of a call. Drops their causes, because those can quote headers. Pure.
 */
import * as VenueError from "../../VenueError.js"
import { excerpt, type Scrub, unreadable } from "./envelope.js"

interface SystemError {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly cause?: unknown
  readonly errors?: unknown
}

/** The system's errors below a failure of an HTTP library: nested causes, or lists with one per tried address. */
const systemErrors = (error: unknown, depth = 0): ReadonlyArray<SystemError> => {
  if (typeof error !== "object" || error === null || depth > 5) return []
  const { cause, code, errors }: SystemError = error
  if (Array.isArray(errors) && errors.length > 0) return errors.flatMap((each) => systemErrors(each, depth + 1))
  const below = systemErrors(cause, depth + 1)
  return below.length > 0 || typeof code !== "string" ? below : [error]
}

const isUnresolved = ({ code }: SystemError) => code === "ENOTFOUND" || code === "EAI_AGAIN"

// An unreachable host can also end a connection that has carried the request. It proves something only on connecting.
const isRefused = ({ code, syscall }: SystemError) =>
  code === "ECONNREFUSED" ||
  code === "ConnectionRefused" ||
  ((code === "EHOSTUNREACH" || code === "ENETUNREACH") && syscall === "connect")

/**
 * The call failed before an answer began.
 *
 * @internal
 */
export const unanswered = (cause: unknown, scrub: Scrub): VenueError.TransportFailure => {
  const errors = systemErrors(cause)
  const all = (is: (error: SystemError) => boolean) => errors.length > 0 && errors.every(is)
  const reason = all(isRefused) ? "refused" : all(isUnresolved) ? "unresolved" : "lost"
  const message = cause instanceof Error ? cause.message : ""
  return new VenueError.TransportFailure({
    venueMessage: "",
    applied: reason === "lost" ? "unknown" : "no",
    retryable: true,
    reason,
    detail: excerpt(errors.length > 0 ? String(errors[0]?.code) : message, scrub)
  })
}

/**
 * The call failed within its answer.
 *
 * @internal
 */
export const truncated = (httpStatus: number, cause: unknown, scrub: Scrub): VenueError.UnreadableAnswer =>
  unreadable("truncated", { httpStatus, detail: excerpt(String(systemErrors(cause)[0]?.code ?? ""), scrub) })
