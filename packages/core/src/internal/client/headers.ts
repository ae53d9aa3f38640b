/**
 * The headers of every request. The caller's headers override them.
 */

/** The version of this package. A test compares it with package.json. */
const version = "0.1.0"

// A page or its worker. A browser sends its own User-Agent, and another header would need the server's consent.
const isBrowser = "document" in globalThis || "importScripts" in globalThis

/**
 * The package's User-Agent, because some gateways answer 403 without one, and a request for an uncompressed answer,
 * because not every HTTP client can decompress.
 *
 * @internal
 */
export const common: Readonly<Record<string, string>> = isBrowser
  ? {}
  : { "user-agent": `effect-deadman-core/${version}`, "accept-encoding": "identity" }
