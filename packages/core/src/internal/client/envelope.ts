/**
 * Finds the exchange's envelope in an answer, under any status and content type, or gives the reason why there is none.
 * Neither holds a secret. Pure.
 */
import type * as Headers from "@effect/platform/Headers"
import * as Effect from "effect/Effect"
import * as VenueError from "../../VenueError.js"
import type { Sample } from "./offset.js"

/** @internal */
export interface Envelope extends Sample {
  readonly httpStatus: number
  readonly code: string
  readonly venueMessage: string
  readonly data: unknown
}

/**
 * Removes secrets from a text.
 *
 * @internal
 */
export type Scrub = (text: string) => string

/**
 * Removes every occurrence of the given values, because a peer may echo them and errors quote its text.
 *
 * @internal
 */
export const scrubber =
  (secrets: ReadonlyArray<string>): Scrub =>
  (text) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, "<redacted>"), text)

/** @internal */
export const excerpt = (text: string, scrub: Scrub): string => scrub(text).replace(/\s+/g, " ").trim().slice(0, 200)

/**
 * The code of success.
 *
 * @internal
 */
export const success = "00000"

/**
 * An instant on the exchange's clock in ms since the epoch, given as a number or as a string of digits.
 *
 * @internal
 */
export const instant = (value: unknown): number | undefined => {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** A stamp of the exchange, from a header or from the body. Zero means absent, because live answers have such zeros. */
const stamp = (value: unknown): number | undefined => instant(value) || undefined

/** @internal */
export const unreadable = (
  reason: VenueError.UnreadableAnswer["reason"],
  answer: { readonly httpStatus: number; readonly venueMessage?: string; readonly detail?: string } & Partial<
    Pick<Envelope, "code" | "requestTime">
  >
) =>
  new VenueError.UnreadableAnswer({
    venueMessage: "",
    detail: "",
    ...answer,
    reason,
    applied: "unknown",
    retryable: true
  })

/** @internal */
export const refusal = ({ code, httpStatus, requestTime, venueMessage }: Envelope): VenueError.CodeError =>
  VenueError.fromCode({ code, httpStatus, requestTime, venueMessage })

/**
 * Reads an answer. Its text is `undefined` when the body is longer than the bound.
 *
 * @internal
 */
export const read = (
  answer: {
    readonly httpStatus: number
    readonly headers: Headers.Headers
    readonly text: string | undefined
    readonly sentAt: number
    readonly receivedAt: number
  },
  scrub: Scrub
): Effect.Effect<Envelope, VenueError.VenueError> => {
  const { headers, httpStatus, receivedAt, sentAt, text } = answer
  const contentType = excerpt(headers["content-type"] ?? "", scrub)
  if (text === undefined) return unreadable("tooLong", { httpStatus, detail: contentType })
  // A browser shows status 0 for a redirect that it must not follow.
  if (httpStatus === 0 || (httpStatus >= 300 && httpStatus < 400)) return unreadable("redirect", { httpStatus })
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {}
  const code = typeof fields.code === "number" ? String(fields.code) : fields.code
  if (typeof code !== "string") {
    const venueMessage = excerpt(body === undefined ? text : JSON.stringify(body), scrub)
    if (httpStatus === 429) {
      return new VenueError.RateLimited({ venueMessage, httpStatus, applied: "unknown", retryable: true })
    }
    if (text === "") return unreadable("empty", { httpStatus })
    return unreadable(body === undefined ? "notJson" : "notAnEnvelope", {
      httpStatus,
      venueMessage,
      detail: contentType
    })
  }
  return Effect.succeed({
    sentAt,
    receivedAt,
    httpStatus,
    code: scrub(code).slice(0, 100),
    venueMessage: typeof fields.msg === "string" && fields.msg !== "success" ? scrub(fields.msg).slice(0, 1000) : "",
    data: fields.data,
    requestTime: stamp(fields.requestTime),
    acceptedAt: stamp(headers["x-bg-request-accept-time"]),
    completedAt: stamp(headers["x-bg-response-complete-time"])
  })
}
