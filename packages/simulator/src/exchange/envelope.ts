/**
 * The envelope around every response, and the texts of the codes.
 *
 * @since 0.1.0
 */
import type * as Venue from "./Venue.js"

/** The body of every answer. The codes are digits, and a time is a number. */
export const envelope = (code: string, msg: string, requestTime: string, data: unknown): string =>
  `{"code":${JSON.stringify(code)},"msg":${JSON.stringify(msg)},"requestTime":${requestTime},"data":${JSON.stringify(data)}}`

/**
 * The exchange's envelope for a code, as it would come at `now` (ms of the exchange's clock).
 *
 * @since 0.1.0
 * @category transitions
 */
export const refusal = (
  venue: Venue.Venue,
  code: string,
  now: number
): {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly code: string
} => ({
  status: code === "00000" ? 200 : code === "429" ? 429 : code === "40404" ? 404 : venue.failureStatus,
  headers: {
    "content-type": "application/json",
    "x-bg-request-accept-time": String(now),
    "x-bg-response-complete-time": String(now)
  },
  body: envelope(code, messages[code] ?? `error ${code}`, String(now), null),
  code
})

const messages: Readonly<Record<string, string>> = {
  "00000": "success",
  "429": "Too Many Requests",
  "40005": "Invalid ACCESS_TIMESTAMP",
  "40008": "Request timestamp expired",
  "40009": "sign signature error",
  "40010": "Request timed out",
  "40012": "apikey/password is incorrect",
  "40014": "Incorrect permissions, need uta trade read & write permissions",
  "40015": "System is abnormal, please try again later",
  "40018": "Invalid IP request",
  "40037": "Apikey does not exist",
  "40084": "You are in Classic Account mode, and the Unified Account API is not supported at this time",
  "40301": "The permission has not been obtained yet",
  "40404": "Request URL NOT FOUND",
  "40725": "service return an error",
  "40808": "Parameter verification exception",
  "45001": "Unknown error"
}
