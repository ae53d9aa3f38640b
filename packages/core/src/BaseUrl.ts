/**
 * The address of the exchange: `https://api.bitget.com`, a regional host, a proxy, or a simulator.
 *
 * A request carries the key and the passphrase in clear text, and only the connection protects them. So a base URL must
 * be `https`, except on the loopback host or where plain HTTP is allowed explicitly.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Quotes from "./internal/quotes.js"

/**
 * The exchange's own host.
 *
 * @since 0.1.0
 * @category constants
 */
export const venue = "https://api.bitget.com"

/**
 * A parsed base URL. Its path is the prefix of a proxy. The prefix is sent but not signed.
 *
 * @since 0.1.0
 * @category models
 */
export interface BaseUrl {
  readonly origin: string
  readonly prefix: string
}

/**
 * A base URL that cannot be used.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidBaseUrl extends Schema.TaggedError<InvalidBaseUrl>("@effect-deadman/core/InvalidBaseUrl")(
  "InvalidBaseUrl",
  { reason: Schema.Literal("quoted", "unparsable", "scheme", "plainHttp", "userInfo", "query") }
) {
  override get message(): string {
    const why = {
      quoted: "it is enclosed in quotes, which `docker run --env-file` and the like keep; remove them",
      unparsable: "it is not a URL",
      scheme: "only https, and http where it is allowed, can be used",
      plainHttp: "the passphrase would travel in clear text; use https, or set allowInsecureHttp in a closed network",
      userInfo: "it holds a user or a password; send them as headers",
      query: "it holds a query or a fragment"
    }[this.reason]
    return `The base URL cannot be used: ${why}. The exchange's own is "${venue}".`
  }
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host)

/**
 * Parses a base URL, or gives the reason why it cannot be used.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  input: string,
  options?: { readonly allowInsecureHttp?: boolean | undefined }
): Either.Either<BaseUrl, InvalidBaseUrl> => {
  const refuse = (reason: InvalidBaseUrl["reason"]) => Either.left(new InvalidBaseUrl({ reason }))
  if (Quotes.isQuoted(input)) return refuse("quoted")
  if (!URL.canParse(input)) return refuse("unparsable")
  const url = new URL(input)
  if (url.protocol !== "https:" && url.protocol !== "http:") return refuse("scheme")
  if (url.protocol === "http:" && options?.allowInsecureHttp !== true && !isLoopback(url.hostname)) {
    return refuse("plainHttp")
  }
  if (url.username !== "" || url.password !== "") return refuse("userInfo")
  if (url.search !== "" || url.hash !== "") return refuse("query")
  return Either.right({ origin: url.origin, prefix: url.pathname.replace(/\/+$/, "") })
}
