/**
 * A fault of the network as a value, with one text form for tests, the command line, the control API and a request
 * header.
 *
 * A fault is a kind, followed by the settings of that kind and a selection of requests, in any order:
 *
 * ```text
 * drop-answer;after=2;times=3
 * delay-request;by=exp(200ms);probability=0.3;account=1000001
 * partition;from=5s;for=20s
 * code;code=40014;countdown=0
 * ```
 *
 * | Kind | Settings | Effect |
 * |---|---|---|
 * | `delay-request`, `delay-answer` | `by` | takes longer, by a {@link Latency.Latency} |
 * | `drop-request`, `drop-answer` | | lost silently |
 * | `duplicate` | `by` (0ms), `copies` (1) | arrives again, that much later, while no answer has left; the client gets the first answer |
 * | `reorder` | `by` (0ms), `hold` (5s) | held, at most `hold`, until `by` after a later request of the account has arrived |
 * | `partition` | | both directions lost |
 * | `partition-request`, `partition-answer` | | one direction lost |
 * | `refuse-connection` | | not sent, and the client gets the error |
 * | `reset` | `direction` (answer) | the connection breaks: before the exchange acted, or after |
 * | `status` | `status` (502), `page` (html), `direction` (request) | a gateway answers with a page that is not an envelope |
 * | `empty-body`, `garbage-body` | `direction` (answer) | HTTP 200 with an empty body, or with bytes that are not JSON |
 * | `truncated-body` | `keep` (20) | only that many characters of the body arrive |
 * | `rate-limit` | | 429, not applied |
 * | `maintenance` | `code` (45001), `direction` (request) | a release: 45001, 40725, 40808 or 40015 |
 * | `error-after-apply` | `code` (40010) or `status` | applied, then answered as an error |
 * | `hang` | `direction` (request) | accepted, never answered: not applied, or applied |
 * | `code` | `code` | refused with this code, not applied |
 *
 * With the `direction` `request` the exchange has not applied the request, with `answer` it has.
 *
 * A duplicate reaches the exchange only while no answer has left, or when the answer was lost. TCP and TLS deliver
 * nothing twice. So a second copy comes from a client or a proxy that got no answer.
 *
 * | Selection | Meaning |
 * |---|---|
 * | `account=1000001,1000002` | only these accounts |
 * | `endpoint=countdown-cancel-all` | only paths that end in one of these segments |
 * | `countdown=0`, `countdown=on`, `countdown=10` | only writes that turn the switch off, that arm it, or with this value |
 * | `after=N` | lets the first N requests through |
 * | `times=N` | acts N times at most |
 * | `from=5s`, `to=15s` or `for=10s` | only in this span, counted from when the fault was added |
 * | `probability=0.3` | acts on this share, drawn from its own stream |
 *
 * `after` and `times` count the requests of accounts, which a timeline shows. A request without an account's key, such
 * as `GET /api/v2/public/time`, neither counts nor meets such a fault, unless `endpoint` names it. A fault is over once
 * it has acted N times or its span has ended.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Numbers from "../exchange/numbers.js"
import * as Latency from "./Latency.js"
import { didYouMean } from "./nearest.js"

/**
 * The direction: the request to the exchange, or its answer.
 *
 * @since 0.1.0
 * @category models
 */
export type Direction = "request" | "answer"

/**
 * The action of a fault. The table at the head of the module has the settings and their defaults.
 *
 * @since 0.1.0
 * @category models
 */
export type Act =
  | { readonly kind: "delay-request" | "delay-answer"; readonly by: Latency.Latency }
  | { readonly kind: "drop-request" | "drop-answer" }
  | { readonly kind: "duplicate"; readonly by: Latency.Latency; readonly copies: number }
  | { readonly kind: "reorder"; readonly by: Latency.Latency; readonly hold: number }
  | { readonly kind: "partition" | "partition-request" | "partition-answer" }
  | { readonly kind: "refuse-connection" | "rate-limit" }
  | { readonly kind: "reset" | "empty-body" | "garbage-body" | "hang"; readonly direction: Direction }
  | { readonly kind: "status"; readonly status: number; readonly page: Page; readonly direction: Direction }
  | { readonly kind: "truncated-body"; readonly keep: number }
  | { readonly kind: "maintenance"; readonly code: string; readonly direction: Direction }
  | { readonly kind: "error-after-apply"; readonly code: string }
  | { readonly kind: "error-after-apply"; readonly status: number }
  | { readonly kind: "code"; readonly code: string }

/**
 * The error pages of gateways in front of the exchange: HTML, or the balancer's small JSON.
 *
 * @since 0.1.0
 * @category models
 */
export type Page = "html" | "ring-balancer"

/**
 * The requests that a fault acts on. An absent field selects all. Times are in ms since the fault was added, `from`
 * included and `to` excluded.
 *
 * @since 0.1.0
 * @category models
 */
export interface Selection {
  readonly account?: ReadonlyArray<string> | undefined
  readonly endpoint?: ReadonlyArray<string> | undefined
  readonly countdown?: string | undefined
  readonly after?: number | undefined
  readonly times?: number | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly probability?: number | undefined
}

/**
 * A fault: its action, and the requests that it acts on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fault {
  readonly act: Act
  readonly on: Selection
}

/**
 * The names of all faults, in the order of the table.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = Act["kind"]

/**
 * The text is not a fault. Holds the position, the text found there and the texts allowed there.
 *
 * @since 0.1.0
 * @category errors
 */
export class FaultSyntaxError extends Schema.TaggedError<FaultSyntaxError>(
  "@effect-deadman/simulator/FaultSyntaxError"
)("FaultSyntaxError", {
  /** The whole text. */
  input: Schema.String,
  /** The position of the mistake, from 0. */
  position: Schema.NonNegativeInt,
  /** The text found there, empty at the end of the input. */
  found: Schema.String,
  /** The texts allowed there. */
  expected: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const found = this.found === "" ? "the end of the text" : `"${this.found}"`
    return (
      `Not a fault: position ${this.position} has ${found}, expected ${this.expected.join(", ")}` +
      `${didYouMean(this.found, this.expected) || "."}\n` +
      `  ${this.input}\n  ${" ".repeat(this.position)}^`
    )
  }
}

// ---------------------------------------------------------------------------------------------------------------
// Codecs of settings
// ---------------------------------------------------------------------------------------------------------------

interface Codec<A> {
  readonly read: (text: string) => Either.Either<A, Latency.Problem>
  readonly write: (value: A) => string
}

const problem = (expected: string, at = 0): Either.Either<never, Latency.Problem> => Either.left({ at, expected })

const latency: Codec<Latency.Latency> = { read: Latency.parse, write: Latency.print }

const duration: Codec<number> = { read: Latency.parseDuration, write: Latency.printDuration }

const integer = (min: number, max: number, what: string): Codec<number> => ({
  read: (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? Either.right(value) : problem(what)
  },
  write: String
})

const oneOf = <const A extends string>(...values: ReadonlyArray<A>): Codec<A> => ({
  read: (text) => {
    const value = values.find((candidate) => candidate === text)
    return value === undefined ? problem(values.join(" or ")) : Either.right(value)
  },
  write: (value) => value
})

const pattern = (regexp: RegExp, what: string): Codec<string> => ({
  read: (text) => (regexp.test(text) ? Either.right(text) : problem(what)),
  write: (value) => value
})

const list = (regexp: RegExp, what: string): Codec<ReadonlyArray<string>> => ({
  read: (text) => {
    let at = 0
    const values: Array<string> = []
    for (const part of text.split(",")) {
      if (!regexp.test(part.trim())) return problem(what, at)
      values.push(part.trim())
      at += part.length + 1
    }
    return Either.right(values)
  },
  write: (values) => values.join(",")
})

const share: Codec<number> = {
  read: (text) => {
    const value = /^\d+(\.\d+)?(e-\d+)?$/.test(text) ? Number(text) : Number.NaN
    return value <= 1 ? Either.right(value) : problem("a number from 0 to 1 such as 0.3")
  },
  write: String
}

const direction = oneOf("request", "answer")
const code = pattern(/^[0-9]{1,9}$/, 'a code of the exchange such as "40014"')
const httpError = integer(400, 599, "an HTTP status from 400 to 599")
const count = integer(0, 1_000_000_000, "a whole number from 0")
// On the wire "0" turns the switch off, so "off" would silently match nothing.
const countdownValue = pattern(/^(?!off$)[^\s;=,]{1,20}$/, '"0", "on" or a value such as "10"')

// ---------------------------------------------------------------------------------------------------------------
// The table of kinds
// ---------------------------------------------------------------------------------------------------------------

interface Setting {
  readonly codec: Codec<never>
  /** The default value. A setting without one is required. */
  readonly fallback?: unknown
  readonly optional?: true
}

const setting = <A>(codec: Codec<A>, fallback?: A): Setting => ({
  codec: codec as unknown as Codec<never>,
  fallback
})
const optional = <A>(codec: Codec<A>): Setting => ({ codec: codec as unknown as Codec<never>, optional: true })

const kinds: Readonly<Record<Kind, Readonly<Record<string, Setting>>>> = {
  "delay-request": { by: setting(latency) },
  "delay-answer": { by: setting(latency) },
  "drop-request": {},
  "drop-answer": {},
  duplicate: {
    by: setting(latency, Latency.none),
    copies: setting(integer(1, 10, "a number of copies from 1 to 10"), 1)
  },
  reorder: { by: setting(latency, Latency.none), hold: setting(duration, 5_000) },
  partition: {},
  "partition-request": {},
  "partition-answer": {},
  "refuse-connection": {},
  reset: { direction: setting(direction, "answer") },
  status: {
    status: setting(httpError, 502),
    page: setting(oneOf("html", "ring-balancer"), "html"),
    direction: setting(direction, "request")
  },
  "empty-body": { direction: setting(direction, "answer") },
  "truncated-body": { keep: setting(integer(0, 1_000_000, "a number of characters from 0"), 20) },
  "garbage-body": { direction: setting(direction, "answer") },
  "rate-limit": {},
  maintenance: {
    code: setting(oneOf("45001", "40725", "40808", "40015"), "45001"),
    direction: setting(direction, "request")
  },
  "error-after-apply": { code: optional(code), status: optional(httpError) },
  hang: { direction: setting(direction, "request") },
  code: { code: setting(code) }
}

const selections: Readonly<Record<string, Setting>> = {
  account: optional(list(/^[A-Za-z0-9_-]{1,40}$/, 'accounts such as "1000001" or "1000001,1000002"')),
  endpoint: optional(list(/^[A-Za-z0-9/_-]{1,80}$/, 'the end of a path such as "countdown-cancel-all"')),
  countdown: optional(countdownValue),
  after: optional(count),
  times: optional(integer(1, 1_000_000_000, "a whole number from 1")),
  from: optional(duration),
  to: optional(duration),
  for: optional(duration),
  probability: optional(share)
}

/**
 * The names of all faults.
 *
 * @since 0.1.0
 * @category constants
 */
export const kindNames: ReadonlyArray<Kind> = Object.keys(kinds) as ReadonlyArray<Kind>

// ---------------------------------------------------------------------------------------------------------------
// Reading and writing
// ---------------------------------------------------------------------------------------------------------------

interface Token {
  readonly text: string
  readonly at: number
}

const trimmed = (text: string, at: number): Token => ({
  text: text.trim(),
  at: at + (text.length - text.trimStart().length)
})

/**
 * Reads a fault. The tables at the head of the module have the grammar.
 *
 * @example
 * ```ts
 * import * as Fault from "@effect-deadman/simulator/Fault"
 *
 * Fault.parse("drop-answer;after=2;times=3")
 * // Right({ act: { kind: "drop-answer" }, on: { after: 2, times: 3 } })
 * ```
 *
 * @since 0.1.0
 * @category text
 */
export const parse = (input: string): Either.Either<Fault, FaultSyntaxError> => {
  const fail = (token: Token, expected: ReadonlyArray<string>): Either.Either<never, FaultSyntaxError> =>
    Either.left(new FaultSyntaxError({ input, position: token.at, found: token.text, expected }))

  const tokens: Array<Token> = []
  let at = 0
  for (const part of input.split(";")) {
    tokens.push(trimmed(part, at))
    at += part.length + 1
  }
  const [head, ...rest] = tokens as [Token, ...Array<Token>]
  const kind = kindNames.find((name) => name === head.text)
  if (kind === undefined) return fail(head, kindNames)

  const settings = kinds[kind]
  const values = new Map<string, unknown>()
  const places = new Map<string, Token>()
  for (const token of rest) {
    const equals = token.text.indexOf("=")
    const key = trimmed(equals <= 0 ? token.text : token.text.slice(0, equals), token.at)
    const known = Object.hasOwn(settings, key.text)
      ? settings[key.text]
      : Object.hasOwn(selections, key.text)
        ? selections[key.text]
        : undefined
    if (known === undefined || values.has(key.text)) {
      const free = [...Object.keys(settings), ...Object.keys(selections)].filter((name) => !values.has(name))
      return fail(
        key,
        free.map((name) => `${name}=`)
      )
    }
    if (equals < 0) return fail({ text: "", at: token.at + token.text.length }, ["="])
    const value = trimmed(token.text.slice(equals + 1), token.at + equals + 1)
    const read = known.codec.read(value.text)
    if (Either.isLeft(read)) {
      return fail({ text: value.text.slice(read.left.at), at: value.at + read.left.at }, [read.left.expected])
    }
    values.set(key.text, read.right)
    places.set(key.text, value)
  }

  const end: Token = { text: "", at: input.length }
  const act: Record<string, unknown> = { kind }
  for (const [name, known] of Object.entries(settings)) {
    if (values.has(name)) act[name] = values.get(name)
    else if (known.fallback !== undefined) act[name] = known.fallback
    else if (known.optional === undefined) return fail(end, [`;${name}=`])
  }
  if (kind === "error-after-apply") {
    const status = places.get("status")
    if (values.has("code") && status !== undefined) return fail(status, ["either code= or status=, not both"])
    if (!values.has("code") && status === undefined) act["code"] = "40010"
  }

  const on: Record<string, unknown> = {}
  for (const name of Object.keys(selections)) {
    if (name !== "for" && values.has(name)) on[name] = values.get(name)
  }
  const span = places.get("for")
  const until = places.get("to")
  const from = Number(values.get("from") ?? 0)
  if (span !== undefined) {
    if (until !== undefined) return fail(until, ["either for= or to=, not both"])
    const to = from + Number(values.get("for"))
    if (!Numbers.isMillis(to)) return fail(span, ["a span that ends within 31 years"])
    on["to"] = to
  }
  if (until !== undefined && Number(values.get("to")) < from) {
    return fail(until, [`an end of at least ${Latency.printDuration(from)}, where it begins`])
  }
  return Either.right({ act: act as unknown as Act, on: on as Selection })
}

/**
 * Writes a fault so that {@link parse} reads it: settings, then the selection, in the order of the tables, without
 * defaults. Equal faults have equal texts.
 *
 * @since 0.1.0
 * @category text
 */
export const print = (fault: Fault): string => {
  let text: string = fault.act.kind
  const write = (table: Readonly<Record<string, Setting>>, values: Readonly<Record<string, unknown>>) => {
    for (const [name, known] of Object.entries(table)) {
      const value = values[name]
      if (value === undefined) continue
      const written = known.codec.write(value as never)
      if (known.fallback !== undefined && written === known.codec.write(known.fallback as never)) continue
      text += `;${name}=${written}`
    }
  }
  write(kinds[fault.act.kind], { ...fault.act })
  write(selections, { ...fault.on })
  return text
}

/**
 * Reads a text, or checks a value, whose text by {@link print} must be a fault. The error of a value points into that
 * text.
 *
 * @since 0.1.0
 * @category text
 */
export const decode = (input: Fault | string): Either.Either<Fault, FaultSyntaxError> =>
  parse(typeof input === "string" ? input : print(input))

/**
 * The schema of a fault in JSON, which is its text.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Text: Schema.Schema<Fault, string> = Schema.transformOrFail(
  Schema.String,
  Schema.declare((input: unknown): input is Fault => typeof input === "object" && input !== null && "act" in input),
  {
    strict: true,
    decode: (text, _options, ast) =>
      Either.mapLeft(parse(text), (error) => new ParseResult.Type(ast, text, error.message)),
    encode: (fault) => Either.right(print(fault))
  }
).annotations({ identifier: "Fault", description: "A fault such as drop-answer;after=2;times=3" })

/**
 * The moment at which a fault acts: when the request departs, when it arrives, or when the answer leaves.
 *
 * @since 0.1.0
 * @category getters
 */
export const stage = (act: Act): "departure" | "arrival" | "answer" | "both ways" => {
  switch (act.kind) {
    case "partition":
      return "both ways"
    case "delay-request":
    case "drop-request":
    case "duplicate":
    case "reorder":
    case "partition-request":
    case "refuse-connection":
      return "departure"
    case "rate-limit":
    case "code":
      return "arrival"
    case "delay-answer":
    case "drop-answer":
    case "partition-answer":
    case "truncated-body":
    case "error-after-apply":
      return "answer"
    case "reset":
      return act.direction === "request" ? "departure" : "answer"
    case "status":
    case "empty-body":
    case "garbage-body":
    case "maintenance":
    case "hang":
      return act.direction === "request" ? "arrival" : "answer"
  }
}
