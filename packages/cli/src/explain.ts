/** One or two lines for the failures that this package, core or the system expects, and the whole cause for others. */
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"

export const explain = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (typeof error !== "object" || error === null) return String(error)
  if (ConfigError.isConfigError(error)) return ofConfig(error)
  return "_tag" in error && "message" in error ? String(error.message) : Cause.pretty(cause)
}

const ofConfig = (error: ConfigError.ConfigError): string =>
  error._op === "And" || error._op === "Or" ? `${ofConfig(error.left)} ${ofConfig(error.right)}` : error.message
