/**
 * Decides which requests may control the exchange.
 */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { timingSafeEqual } from "node:crypto"
import * as ControlApi from "./ControlApi.js"

const hostnameOf = (host: string): string =>
  host
    .toLowerCase()
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")

/** Whether the request comes from a page of this server, or from no browser at all. */
export const isOwnPage = (headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>): boolean => {
  const { host, origin } = headers
  if (origin === undefined) return true
  return (
    String(origin)
      .replace(/^https?:\/\//, "")
      .toLowerCase() === String(host).toLowerCase()
  )
}

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host)

const equalSecrets = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** With a token, accepts requests that carry it. Without one, accepts programs of this machine and the page itself. */
export const layer = (token: string | undefined): Layer.Layer<ControlApi.Guard> => {
  const check = (given: Redacted.Redacted) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request): Effect.Effect<void, ControlApi.Unauthorized> => {
      if (token !== undefined) {
        if (equalSecrets(Redacted.value(given), token)) return Effect.void
        return new ControlApi.Unauthorized({
          message:
            "The control API requires the token of the exchange: send `Authorization: Bearer <token>`, or `?token=<token>` " +
            "where no header can be set."
        })
      }
      const host = request.headers["host"] ?? ""
      const origin = request.headers["origin"]
      if (!isLoopback(hostnameOf(host)) || !isOwnPage(request.headers)) {
        return new ControlApi.Unauthorized({
          message:
            `Only programs of the same machine and the exchange's own page may use the control API (host "${host}", ` +
            `origin "${origin ?? "none"}"). Start the exchange with a token to control it from elsewhere.`
        })
      }
      return Effect.void
    })
  return Layer.succeed(ControlApi.Guard, { bearer: check, query: check })
}
