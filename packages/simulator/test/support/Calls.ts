/**
 * Correctly signed calls of the exchange's protocol, without a network. Times are ms after `start`.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Protocol from "@effect-deadman/simulator/Protocol"
import type * as Venue from "@effect-deadman/simulator/Venue"
import * as Bot from "./Bot.js"

export const start = 1_659_076_670_000

export const begin = (options: { readonly venue?: Venue.Options; readonly account?: Partial<Exchange.Account> } = {}) =>
  Exchange.make({ accounts: [{ uid: "1000001", ...options.account }], venue: options.venue, now: start })

type Overrides = Partial<Protocol.Request> & { readonly keys?: Bot.Keys }

export const request = (method: "GET" | "POST", path: string, body: string, at: number, keys = Bot.demoKeys) => ({
  method,
  path,
  headers: Bot.signedHeaders(keys, at, method, path, body),
  body
})

/** One correctly signed call, `at` ms after the start. */
export const call = (
  state: Exchange.State,
  method: "GET" | "POST",
  path: string,
  body = "",
  at = 0,
  overrides: Overrides = {}
) => {
  const { keys, ...rest } = overrides
  const sent: Protocol.Request = { ...request(method, path, body, start + at, keys), ...rest }
  const [next, response, outputs] = Protocol.handle(state, sent, start + at)
  return {
    state: next,
    response,
    outputs,
    json: JSON.parse(response.body) as { code: string; requestTime: number; data: unknown }
  }
}

export const post = (state: Exchange.State, path: string, body: unknown, at = 0) =>
  call(state, "POST", path, JSON.stringify(body), at)
