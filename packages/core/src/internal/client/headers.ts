/**
 * The headers that go with every request, before those of the caller.
 */

/** The version of this package; a test compares it with package.json. */
const version = "0.1.0"

// A page or its worker: a browser sends a User-Agent of its own, and another header would need the server's consent.
const isBrowser = "document" in globalThis || "importScripts" in globalThis

/**
 * The User-Agent of the package, without which some gateways answer 403, and the wish for an answer that is not
 * compressed, because not every HTTP client can read one.
 *
 * @internal
 */
export const common: Readonly<Record<string, string>> = isBrowser
  ? {}
  : { "user-agent": `effect-deadman-core/${version}`, "accept-encoding": "identity" }
