/**
 * Detects quotes around the value of an environment variable. A shell removes them. Some readers of env files keep
 * them, and then the exchange does not know the key.
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"

/** @internal */
export const isQuoted = (value: string): boolean => /^\s*(["'`])[^]*\1\s*$/.test(value)

/** @internal */
export const advice = "it is enclosed in quotes, which `docker run --env-file` and the like keep; remove them."

/**
 * The configuration of a variable, with an error that names kept quotes as the cause.
 *
 * @internal
 */
export const unquoted = <A>(name: string, parse: (name: string) => Config.Config<A>): Config.Config<A> => {
  const check = Config.mapOrFail(Config.string(name), (value) =>
    isQuoted(value)
      ? Either.left(ConfigError.InvalidData([name], `${name} cannot be used: ${advice}`))
      : Either.right(value)
  )
  return Config.zipWith(check, parse(name), (_, parsed) => parsed)
}
