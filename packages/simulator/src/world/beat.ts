/**
 * A beat that the simulator sends itself.
 */
import type * as Exchange from "../exchange/Exchange.js"
import * as Signing from "../exchange/signing.js"
import type { World } from "./world.js"

/**
 * Sends one countdown request as a bot of the account would, and gives up after `timeout` ms. Returns the request's number
 * in the journal, or `undefined` when the account has no key with a secret.
 */
export const beat = (
  world: World,
  account: Exchange.AccountState,
  countdown: string,
  timeout: number
): number | undefined => {
  const key = account.declared.keys?.find((key) => key.secret !== undefined)
  if (key?.secret === undefined) return undefined
  const path = "/api/v3/trade/countdown-cancel-all"
  const body = JSON.stringify({ countdown })
  const timestamp = String(world.pump())
  const pending = world.send({
    method: "POST",
    path,
    headers: {
      "access-key": key.key,
      "access-sign": Signing.hmac(key.secret, `${timestamp}POST${path}${body}`),
      "access-timestamp": timestamp,
      "access-passphrase": key.passphrase,
      "content-type": "application/json",
      ...(key.demo === true ? { paptrading: "1" } : {})
    },
    body,
    ip: key.ipWhitelist?.[0]
  })
  if (pending.outcome === undefined) {
    world.later(timeout, (at) => {
      if (pending.outcome === undefined) world.abort(pending, at)
    })
  }
  return pending.record.id
}
