/**
 * A client of PostgreSQL that recovers from a broken network. The driver has no timeout for a statement, and gives a
 * connection whose bytes are lost back to its pool, where the next statements hang. Here a connection on which nothing
 * arrives for some seconds is closed, and the pool makes a new one.
 *
 * Give the store and the engine a client of their own each: call `layer` twice.
 *
 * @since 0.2.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Net from "node:net"
import * as Away from "./internal/away.js"

/**
 * @since 0.2.0
 * @category models
 */
export interface Options {
  /** `postgresql://user:password@host:port/database`. The sessions use the time zone UTC. */
  readonly url: Redacted.Redacted
  /** The time without a byte after which a connection is closed. Defaults to 5 seconds. */
  readonly silence?: Duration.DurationInput | undefined
  /** Defaults to 8. */
  readonly maxConnections?: number | undefined
}

/**
 * Connects, and waits up to a minute for a server that is away or restarts. A wrong password or database fails at once. So
 * does an invalid `url`, without its text.
 *
 * @since 0.2.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, ConfigError.ConfigError | SqlError> => {
  const url = inUtc(options.url)
  if (Either.isLeft(url)) return Layer.fail(url.left)
  const silence = Duration.toMillis(options.silence ?? "5 seconds")
  return PgClient.layer({
    url: url.right,
    maxConnections: options.maxConnections ?? 8,
    connectTimeout: "2 seconds",
    applicationName: "effect-deadman",
    stream: () => {
      const socket = new Net.Socket()
      socket.setTimeout(silence, () => socket.destroy(new Error(`no answer from PostgreSQL for ${silence} ms`)))
      return socket
    }
  }).pipe(Layer.retry(Away.schedule))
}

/** The engine compares times without a zone, so that sessions in different zones see each other as dead. */
const inUtc = (url: Redacted.Redacted): Either.Either<Redacted.Redacted, ConfigError.ConfigError> =>
  Either.try({
    try: () => {
      const parsed = new URL(Redacted.value(url))
      const given = parsed.searchParams.get("options")
      parsed.searchParams.set("options", `${given === null ? "" : `${given} `}-c TimeZone=UTC`)
      // There the driver reads `+` as itself and not as a space.
      parsed.search = parsed.search.replaceAll("+", "%20")
      return Redacted.make(parsed.href)
    },
    // The error of `URL` carries the text with its password.
    catch: () =>
      ConfigError.InvalidData(
        ["url"],
        "The `url` of PostgresClient is no URL. Give it as postgresql://user:password@host:port/database, and write what " +
          "is special in a URL with %, for example %23 for # in a password."
      )
  })
