/**
 * The venue's side of a signature: over `timestamp + METHOD + path with query + body`, HMAC-SHA256 with the secret or
 * SHA256withRSA (PKCS#1 v1.5) with the private key, in base64. Written apart from the client, on the platform's own
 * primitives, so that a mistake in one is seen by the other.
 */
import { createHmac, createPublicKey, type KeyObject, verify as verifyWith } from "node:crypto"
import type { ApiKey } from "../Exchange.js"

const publicKeys = new WeakMap<ApiKey, KeyObject | null>()

const publicKey = (key: ApiKey, pem: string): KeyObject | null => {
  const known = publicKeys.get(key)
  if (known !== undefined) return known
  let parsed: KeyObject | null = null
  try {
    parsed = createPublicKey(pem)
  } catch {
    // A key that was declared with something else than a PEM verifies nothing.
  }
  publicKeys.set(key, parsed)
  return parsed
}

export const hmac = (secret: string, payload: string): string =>
  createHmac("sha256", secret).update(payload).digest("base64")

/** Whether `signature` is this key's signature of `payload`. */
export const verifies = (key: ApiKey, payload: string, signature: string): boolean => {
  if (key.secret !== undefined) return hmac(key.secret, payload) === signature
  if (key.rsaPublicKey === undefined) return false
  const pem = publicKey(key, key.rsaPublicKey)
  return pem !== null && verifyWith("sha256", Buffer.from(payload), pem, Buffer.from(signature, "base64"))
}
