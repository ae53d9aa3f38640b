/**
 * Refuses query parameters that an endpoint does not have, and says in plain words why a request cannot be read.
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as AST from "effect/SchemaAST"
import * as ControlApi from "./ControlApi.js"
import { longestBody } from "./incoming.js"

/** The query parameters of each endpoint, by method and path. All of them accept a token. */
const parameters = new Map<string, ReadonlyArray<string>>()
HttpApi.reflect(ControlApi.Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint }) => {
    const own = Option.match(endpoint.urlParamsSchema, {
      onNone: () => [],
      onSome: ({ ast }) => AST.getPropertySignatures(ast).map(({ name }) => String(name))
    })
    parameters.set(`${endpoint.method} ${endpoint.path}`, [...own, "token"])
  }
})

export const knownQuery = Layer.succeed(
  ControlApi.KnownQuery,
  Effect.gen(function* () {
    const { route } = yield* HttpRouter.RouteContext
    const given = yield* HttpServerRequest.ParsedSearchParams
    const names = parameters.get(`${route.method} ${route.path}`) ?? []
    const unknown = Object.keys(given).filter((name) => !names.includes(name))
    if (unknown.length === 0) return
    const message = `is unexpected, expected: ${names.map((name) => `"${name}"`).join(" | ")}`
    return yield* new HttpApiError.HttpApiDecodeError({
      issues: unknown.map((name) => ({ _tag: "Unexpected" as const, path: [name], message })),
      message: unknown.map((name) => `${name}: ${message}`).join("\n")
    })
  })
)

/** The deepest nesting of a body. The schema's messages overflow the stack on deeper ones. */
const deepest = 100

const isFlat = (json: string): boolean => {
  let depth = 0
  for (const [bracket] of json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, "").matchAll(/[[\]{}]/g)) {
    depth += bracket === "[" || bracket === "{" ? 1 : -1
    if (depth > deepest) return false
  }
  return true
}

interface Unreadable {
  readonly _tag: "Unreadable"
}
const unreadable: Unreadable = { _tag: "Unreadable" }

/**
 * Fails when the body of the request is too long or nested too deeply. A body that turns out to be too long on the way
 * ends its connection.
 */
export const readable = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, method, text }) => {
  if (method === "GET" || method === "HEAD") return Effect.void
  if (Number(headers["content-length"] ?? 0) > longestBody) return Effect.fail(unreadable)
  return Effect.filterOrFail(text, isFlat, () => unreadable)
})

/** The value of an issue, which can be long, and holds the secrets of a key. */
const withoutValue = (issue: typeof HttpApiError.Issue.Type): typeof HttpApiError.Issue.Type => {
  const at = issue.message.indexOf(", actual ")
  const value = issue.message.slice(at + 9)
  return at < 0 || (value.length < 60 && !/[[{]/.test(value) && !issue.path.includes("keys"))
    ? issue
    : { ...issue, message: issue.message.slice(0, at) }
}

/** Names the fields that are wrong, and leaves out the schema. */
const plain = (issues: ReadonlyArray<typeof HttpApiError.Issue.Type>): string => {
  const lines = issues.flatMap(({ message, path }) => {
    const place = path.length === 0 ? "the request" : path.map(String).join(".")
    // For an optional field the schema reports a second issue, which adds nothing.
    if (message.startsWith("Expected undefined")) return []
    if (message.startsWith("is unexpected, expected: ")) {
      return [
        `${place}: there is no such field; there are ${message.slice(25).replace(/"/g, "").replace(/ \| /g, ", ")}`
      ]
    }
    return [`${place}: ${/[{}]|readonly/.test(message) ? "has a wrong form" : message}`]
  })
  return `This request cannot be read: ${[...new Set(lines)].join("; ")}. /_sim/docs describes each request.`
}

export const plainErrors = HttpApiBuilder.middleware(ControlApi.Api, (app) =>
  Effect.mapError(app, (error: unknown) => {
    if (!(error instanceof HttpApiError.HttpApiDecodeError)) return error as HttpApiError.HttpApiDecodeError
    const issues = error.issues.map(withoutValue)
    return new HttpApiError.HttpApiDecodeError({ issues, message: plain(issues) })
  })
)
