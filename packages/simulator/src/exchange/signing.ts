/**
 * The venue's side of a signature: over `timestamp + METHOD + path with query + body`, HMAC-SHA256 with the secret or
 * SHA256withRSA (PKCS#1 v1.5) with the private key, in base64. Written apart from the client, on the platform's own
 * primitives, so that a mistake in one is seen by the other.
 */
import { createHmac, createPublicKey, createSecretKey, type KeyObject, verify as verifyWith } from "node:crypto"
import type { ApiKey } from "./model.js"

// A key is parsed once, not for each request.
const parsed = new WeakMap<ApiKey, KeyObject | null>()

const parse = (key: ApiKey): KeyObject | null => {
  try {
    if (key.secret !== undefined) return createSecretKey(Buffer.from(key.secret))
    return key.rsaPublicKey === undefined ? null : createPublicKey(key.rsaPublicKey)
  } catch {
    // A key that was declared with something else than a PEM verifies nothing.
    return null
  }
}

export const hmac = (secret: string, payload: string): string =>
  createHmac("sha256", secret).update(payload).digest("base64")

/** Whether `signature` is this key's signature of `payload`. */
export const verifies = (key: ApiKey, payload: string, signature: string): boolean => {
  let material = parsed.get(key)
  if (material === undefined) {
    material = parse(key)
    parsed.set(key, material)
  }
  if (material === null) return false
  return material.type === "secret"
    ? createHmac("sha256", material).update(payload).digest("base64") === signature
    : verifyWith("sha256", Buffer.from(payload), material, Buffer.from(signature, "base64"))
}
