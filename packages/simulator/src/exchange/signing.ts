/**
 * The exchange's check of a signature: base64 over `timestamp + METHOD + path with query + body`, by HMAC-SHA256 with
 * the secret or by SHA256withRSA (PKCS#1 v1.5). It shares no code with the client, so that each finds the other's
 * mistakes.
 */
import { createHmac, createPublicKey, createSecretKey, type KeyObject, verify as verifyWith } from "node:crypto"
import type { ApiKey } from "./model.js"

// Each key is parsed once.
const parsed = new WeakMap<ApiKey, KeyObject | null>()

const parse = (key: ApiKey): KeyObject | null => {
  try {
    if (key.secret !== undefined) return createSecretKey(Buffer.from(key.secret))
    if (key.rsaPublicKey === undefined) return null
    const material = createPublicKey(key.rsaPublicKey)
    // Node throws when it verifies this signature with a key of some other kinds.
    return material.asymmetricKeyType === "rsa" ? material : null
  } catch {
    // A key that is no PEM verifies no signature, as one of another kind.
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
