/**
 * What the exchange's machines stamp on their answers: headers and `requestTime`, one of them or none, and the error of
 * each machine's clock.
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Plan } from "./Plan.js"

/** Gives the error of the clock that stamps the next answer, ms. Of three machines one is ahead and one behind. */
export const errors = ({ clock, venue }: Plan): (() => number) => {
  let answers = 0
  return () => {
    const answer = answers++
    return answer === venue.wrongMachine?.answer ? venue.wrongMachine.by : ((answer % 3) - 1) * clock.machineSkew
  }
}

const names = ["x-bg-request-accept-time", "x-bg-response-complete-time"]

/** A client that changes the stamps on the answers to the countdown's calls. The simulator stamps by one right clock. */
export const client = (self: HttpClient.HttpClient, plan: Plan): HttpClient.HttpClient => {
  const { stamps } = plan.venue
  const error = errors(plan)
  const restamp = (
    answer: HttpClientResponse.HttpClientResponse,
    text: string
  ): HttpClientResponse.HttpClientResponse => {
    const off = error()
    const headers: Record<string, string> = { ...answer.headers }
    for (const name of names) {
      if (stamps === "headers" && name in headers) headers[name] = String(Number(headers[name]) + off)
      else delete headers[name]
    }
    const body = text.replace(/"requestTime":(\d+),/, (_, time) =>
      stamps === "none" ? "" : `"requestTime":${stamps === "zero" ? 0 : Number(time) + off},`
    )
    const bytes = new TextEncoder().encode(body)
    if ("content-length" in headers) headers["content-length"] = String(bytes.length)
    // Not a web `Response`, whose body comes in real time.
    return Object.create(answer, {
      headers: { value: Headers.fromInput(headers) },
      text: { value: Effect.succeed(body) },
      json: { value: Effect.try(() => JSON.parse(body) as unknown) },
      stream: { value: Stream.succeed(bytes) }
    }) as HttpClientResponse.HttpClientResponse
  }
  return HttpClient.transform(self, (response, request) =>
    request.url.endsWith("/countdown-cancel-all")
      ? Effect.flatMap(response, (answer) => Effect.map(answer.text, (text) => restamp(answer, text)))
      : response
  )
}
