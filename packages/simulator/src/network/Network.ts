/**
 * What happens on the way: a pure machine that decides for one request at the three moments where it can meet a fault.
 *
 * | Moment | Asked by {@link depart} / {@link arrive} / {@link answer} | Decides |
 * |---|---|---|
 * | the client sends | `depart(state, request, now)` | refused, reset, lost, or on its way: when each copy arrives |
 * | a copy arrives | `arrive(state, passage, now)` | the exchange handles it, something in front of it answers, or nobody does |
 * | an answer leaves | `answer(state, passage, now)` | lost, reset, or on its way: when it arrives and what is left of it |
 *
 * The driver keeps the state, waits, and asks again: a partition that begins while a request is under way loses its
 * answer, as it would on a wire. `now` is the exchange's time in milliseconds, delays are whole milliseconds.
 *
 * Each random decision has a stream of its own, named by the fault's text and the account and indexed by the ordinal of
 * the account's request. Adding or removing one fault, or one account's bot, shifts no other decision.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Fault from "./Fault.js"
import { print, stage } from "./Fault.js"
import * as Latency from "./Latency.js"
import * as Random from "./Random.js"

/**
 * What the network sees of a request. `account` is the UID that the key belongs to, or `undefined` for none; `endpoint`
 * is the path without the query; `countdown` is the value that the body would set, where there is one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly account: string | undefined
  readonly endpoint: string
  readonly countdown?: string | undefined
}

/**
 * A request under way: `ordinal` counts the requests of its account from 0, and names its draws. `spared` has the ids of
 * the partitions that let it through for their `after`: they let its answer through as well.
 *
 * @since 0.1.0
 * @category models
 */
export interface Passage extends Request {
  readonly ordinal: number
  readonly spared?: ReadonlyArray<number>
}

/**
 * One copy's arrival: `after` milliseconds from now. With `hold` it waits there until a later request of the account
 * has arrived, and arrives `lag` milliseconds after it; when none comes, it has waited long enough after `hold`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Arrival {
  readonly after: number
  readonly hold: number | undefined
  readonly lag: number
}

/**
 * What becomes of a request that is sent. The first arrival is the one whose answer the client hears. `acted` has the
 * texts of the faults that had a part in it, for the journal.
 *
 * @since 0.1.0
 * @category models
 */
export type Departure = { readonly passage: Passage; readonly acted: ReadonlyArray<string> } & (
  | {
      /** No connection: nothing was sent, and the client knows it after `after` milliseconds. */
      readonly _tag: "Refused"
      readonly after: number
    }
  | {
      /** The connection broke before the exchange saw the request; the client knows it after `after` milliseconds. */
      readonly _tag: "Reset"
      readonly after: number
    }
  | {
      /** Never arrives, and the client hears nothing. */
      readonly _tag: "Lost"
    }
  | { readonly _tag: "Sent"; readonly arrivals: readonly [Arrival, ...ReadonlyArray<Arrival>] }
)

/**
 * Who takes a copy that has arrived.
 *
 * @since 0.1.0
 * @category models
 */
export type Door = { readonly acted: ReadonlyArray<string> } & (
  | {
      /** The exchange handles it. */
      readonly _tag: "Exchange"
    }
  | {
      /** Something in front of the exchange answers in its place: the exchange never sees the request. */
      readonly _tag: "Gateway"
      readonly reply: Reply
    }
  | {
      /** Taken and forgotten: not acted upon, never answered. */
      readonly _tag: "Nobody"
    }
)

/**
 * What becomes of an answer.
 *
 * @since 0.1.0
 * @category models
 */
export type Answer = { readonly acted: ReadonlyArray<string> } & (
  | {
      /** The client hears nothing. */
      readonly _tag: "Lost"
    }
  | {
      /** The connection breaks in place of the answer; the client knows it after `after` milliseconds. */
      readonly _tag: "Reset"
      readonly after: number
    }
  | {
      readonly _tag: "Sent"
      readonly after: number
      /** What the client gets in place of the exchange's answer. */
      readonly replace: Reply | undefined
      /** How many characters of the body arrive; `undefined` for all. */
      readonly keep: number | undefined
    }
)

/**
 * An answer that the exchange did not write: an envelope with a code, for which the driver has the text and the
 * status, or a page as it stands.
 *
 * @since 0.1.0
 * @category models
 */
export type Reply =
  | { readonly _tag: "Code"; readonly code: string }
  | { readonly _tag: "Page"; readonly status: number; readonly contentType: string; readonly body: string }

/**
 * A fault in force, until it is removed or over. `seen` counts what it could have acted on, `acted` what it acted on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Active {
  /** Counts the faults of the state from 1. */
  readonly id: number
  readonly fault: Fault.Fault
  /** The fault as text, see `Fault.print`. */
  readonly text: string
  /** When it was added, in milliseconds. */
  readonly since: number
  readonly seen: number
  readonly acted: number
  /** Names its random stream; equal faults that are in force together have different streams. */
  readonly stream: string
}

/**
 * How long the way takes when no fault delays it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Link {
  readonly request: Latency.Latency
  readonly answer: Latency.Latency
}

/**
 * The network as a value.
 *
 * @since 0.1.0
 * @category models
 */
export interface State {
  readonly seed: Random.Seed
  readonly link: Link
  readonly faults: ReadonlyArray<Active>
  /** The id of the next fault. */
  readonly nextId: number
  /** How many requests each account has sent; the empty name is for requests without an account. */
  readonly sent: HashMap.HashMap<string, number>
}

/**
 * A network without faults. Without `link` nothing takes any time.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: { readonly seed: Random.Seed; readonly link?: Partial<Link> | undefined }): State => ({
  seed: options.seed,
  link: { request: options.link?.request ?? Latency.none, answer: options.link?.answer ?? Latency.none },
  faults: [],
  nextId: 1,
  sent: HashMap.empty()
})

/**
 * The most faults that a network takes. Each request meets all of them, so that their number bounds its cost.
 *
 * @since 0.1.0
 * @category constants
 */
export const mostFaults = 1_000

/**
 * A fault that does not fit, because the network has {@link mostFaults} already.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooManyFaults extends Schema.TaggedError<TooManyFaults>("@effect-deadman/simulator/TooManyFaults")(
  "TooManyFaults",
  { most: Schema.Number }
) {
  override get message(): string {
    return (
      `The network has ${this.most} faults, and takes no more: remove some first. A fault that is to act on several ` +
      `accounts or endpoints names them all: account=1000001,1000002.`
    )
  }
}

/**
 * The state with one fault more, and the fault's place in it. It does not check {@link mostFaults}.
 *
 * @since 0.1.0
 * @category faults
 */
export const add = (state: State, fault: Fault.Fault, now: number): readonly [Active, State] => {
  const text = print(fault)
  let twin = 0
  const taken = new Set(state.faults.map((active) => active.stream))
  while (taken.has(`${text}#${twin}`)) twin++
  const active: Active = {
    id: state.nextId,
    fault,
    text,
    since: now,
    seen: 0,
    acted: 0,
    stream: `${text}#${twin}`
  }
  return [active, { ...state, faults: [...state.faults, active], nextId: state.nextId + 1 }]
}

/**
 * The state without the fault of this id; without a change when there is none.
 *
 * @since 0.1.0
 * @category faults
 */
export const remove = (state: State, id: number): State => ({
  ...state,
  faults: state.faults.filter((active) => active.id !== id)
})

/**
 * The state without any fault.
 *
 * @since 0.1.0
 * @category faults
 */
export const heal = (state: State): State => (state.faults.length === 0 ? state : { ...state, faults: [] })

/**
 * The faults that will never act again: those that have acted as often as they may, and those whose span has ended.
 *
 * @since 0.1.0
 * @category faults
 */
export const over = (state: State, now: number): ReadonlyArray<Active> =>
  state.faults.filter((active) => {
    const { times } = active.fault.on
    return (times !== undefined && active.acted >= times) || endOf(active) <= now
  })

/**
 * The instant from which a fault does not act any more: `Infinity` for one without an end.
 *
 * @since 0.1.0
 * @category faults
 */
export const endOf = (active: Active): number => active.since + (active.fault.on.to ?? Infinity)

const endsWith = (path: string, end: string): boolean => path === end || path.endsWith(`/${end.replace(/^\//, "")}`)

const selects = (active: Active, request: Request, now: number): boolean => {
  const { on } = active.fault
  // What no account sends, such as the synchronizing of a clock, uses no count up that does not name it.
  const counts = on.after !== undefined || on.times !== undefined
  if (counts && request.account === undefined && on.endpoint === undefined) return false
  if (on.account !== undefined && (request.account === undefined || !on.account.includes(request.account))) return false
  if (on.endpoint !== undefined && !on.endpoint.some((end) => endsWith(request.endpoint, end))) return false
  if (on.countdown !== undefined) {
    if (request.countdown === undefined) return false
    if (on.countdown === "on" ? request.countdown === "0" : request.countdown !== on.countdown) return false
  }
  const age = now - active.since
  return !(on.from !== undefined && age < on.from) && !(on.to !== undefined && age >= on.to)
}

const streamOf = (active: Active, passage: Passage, what: string): string =>
  `${active.stream}/${passage.account ?? ""}/${what}`

/** The faults of one moment that act on this passage, and the state with their counters moved. */
const consult = (
  state: State,
  passage: Passage,
  now: number,
  moment: "departure" | "arrival" | "answer",
  copy = 0
): readonly [ReadonlyArray<Active>, State] => {
  const acting: Array<Active> = []
  let moved = false
  const faults = state.faults.map((active) => {
    const at = stage(active.fault.act)
    const applies = at === moment || (at === "both ways" && moment !== "arrival")
    // Only one can answer at the door: those behind it have had no part in it.
    const late = moment === "arrival" && acting.length > 0
    const spared = moment === "answer" && passage.spared?.includes(active.id) === true
    if (!applies || late || spared || !selects(active, passage, now)) return active
    moved = true
    const { on } = active.fault
    const seen = active.seen + 1
    const spent = on.times !== undefined && active.acted >= on.times
    const drawn =
      on.probability === undefined ||
      Random.uniform(
        state.seed,
        streamOf(active, passage, copy === 0 ? `${moment}?` : `${moment} ${copy}?`),
        passage.ordinal
      ) < on.probability
    if (spent || seen <= (on.after ?? 0) || !drawn) return { ...active, seen }
    const acted = { ...active, seen, acted: active.acted + 1 }
    acting.push(acted)
    return acted
  })
  return [acting, moved ? { ...state, faults } : state]
}

const none: ReadonlyArray<never> = []
const texts = (acting: ReadonlyArray<Active>): ReadonlyArray<string> =>
  acting.length === 0 ? none : acting.map((active) => active.text)

const draw = (state: State, latency: Latency.Latency, stream: string, passage: Passage): number =>
  Latency.sample(latency, state.seed, stream, passage.ordinal)

/** What the link itself takes. Most links take nothing, and draw nothing. */
const linkTime = (state: State, way: "request" | "answer", passage: Passage): number => {
  const latency = state.link[way]
  return latency._tag === "Constant"
    ? latency.millis
    : draw(state, latency, `link/${way}/${passage.account ?? ""}`, passage)
}

const atOnce: readonly [Arrival] = [{ after: 0, hold: undefined, lag: 0 }]
const sentAtOnce: Answer = { _tag: "Sent", acted: none, after: 0, replace: undefined, keep: undefined }

/**
 * Decides about a request that the client sends. What ends its way comes before what delays it: a refused connection
 * before a reset, both before a loss; what is lost is not copied.
 *
 * @since 0.1.0
 * @category decisions
 */
export const depart = (state: State, request: Request, now: number): readonly [Departure, State] => {
  const account = request.account ?? ""
  const ordinal = Option.getOrUndefined(HashMap.get(state.sent, account)) ?? 0
  const passage: Passage = {
    account: request.account,
    endpoint: request.endpoint,
    countdown: request.countdown,
    ordinal
  }
  // Field by field: each request makes one of these, and spreading costs several times as much.
  const counted: State = {
    seed: state.seed,
    link: state.link,
    faults: state.faults,
    nextId: state.nextId,
    sent: HashMap.set(state.sent, account, ordinal + 1)
  }
  if (state.faults.length === 0) {
    const after = linkTime(state, "request", passage)
    return [
      { _tag: "Sent", passage, acted: none, arrivals: after === 0 ? atOnce : [{ after, hold: undefined, lag: 0 }] },
      counted
    ]
  }
  const [acting, next] = consult(counted, passage, now, "departure")
  const acted = texts(acting)
  let after = linkTime(state, "request", passage)
  let hold: number | undefined
  let lag = 0
  let end: "Refused" | "Reset" | "Lost" | undefined
  for (const active of acting) {
    const { act } = active.fault
    switch (act.kind) {
      case "refuse-connection":
        end = "Refused"
        break
      case "reset":
        if (end !== "Refused") end = "Reset"
        break
      case "drop-request":
      case "partition":
      case "partition-request":
        end ??= "Lost"
        break
      case "delay-request":
        after += draw(state, act.by, streamOf(active, passage, "by"), passage)
        break
      case "reorder":
        hold = Math.max(hold ?? 0, act.hold)
        lag += draw(state, act.by, streamOf(active, passage, "by"), passage)
        break
    }
  }
  if (end === "Lost") return [{ _tag: end, passage, acted }, next]
  if (end !== undefined) return [{ _tag: end, passage, acted, after }, next]
  const spared = next.faults.flatMap((active, index) => {
    const { act, on } = active.fault
    const lets = stage(act) === "both ways" && on.after !== undefined && active.seen <= on.after
    return lets && active !== counted.faults[index] ? [active.id] : []
  })
  const copies: Array<Arrival> = []
  for (const active of acting) {
    const { act } = active.fault
    if (act.kind !== "duplicate") continue
    for (let copy = 1; copy <= act.copies; copy++) {
      copies.push({ after: after + draw(state, act.by, streamOf(active, passage, `copy ${copy}`), passage), hold, lag })
    }
  }
  return [
    {
      _tag: "Sent",
      passage: spared.length === 0 ? passage : { ...passage, spared },
      acted,
      arrivals: [{ after, hold, lag }, ...copies]
    },
    next
  ]
}

/**
 * Decides who takes copy number `copy` (0 is the request itself) when it arrives. Where several faults would answer,
 * the first that was added does.
 *
 * @since 0.1.0
 * @category decisions
 */
export const arrive = (state: State, passage: Passage, now: number, copy = 0): readonly [Door, State] => {
  if (state.faults.length === 0) return [throughTheDoor, state]
  const [acting, next] = consult(state, passage, now, "arrival", copy)
  const first = acting[0]
  if (first === undefined) return [throughTheDoor, next]
  const acted = [first.text]
  const reply = replyOf(state, first, passage)
  return [reply === undefined ? { _tag: "Nobody", acted } : { _tag: "Gateway", acted, reply }, next]
}

const throughTheDoor: Door = { _tag: "Exchange", acted: none }

/**
 * Decides about an answer that the exchange, or what stands in front of it, sends. What ends its way comes before what
 * replaces or shortens it; where several faults would replace it, the first that was added does.
 *
 * @since 0.1.0
 * @category decisions
 */
export const answer = (state: State, passage: Passage, now: number): readonly [Answer, State] => {
  if (state.faults.length === 0) {
    const after = linkTime(state, "answer", passage)
    return [after === 0 ? sentAtOnce : { _tag: "Sent", acted: none, after, replace: undefined, keep: undefined }, state]
  }
  const [acting, next] = consult(state, passage, now, "answer")
  const acted = texts(acting)
  let after = linkTime(state, "answer", passage)
  let end: "Lost" | "Reset" | undefined
  let replace: Reply | undefined
  let keep: number | undefined
  for (const active of acting) {
    const { act } = active.fault
    switch (act.kind) {
      case "drop-answer":
      case "partition":
      case "partition-answer":
      case "hang":
        end = "Lost"
        break
      case "reset":
        end ??= "Reset"
        break
      case "delay-answer":
        after += draw(state, act.by, streamOf(active, passage, "by"), passage)
        break
      case "truncated-body":
        keep = Math.min(keep ?? act.keep, act.keep)
        break
      default:
        replace ??= replyOf(state, active, passage)
    }
  }
  if (end === "Lost") return [{ _tag: end, acted }, next]
  if (end === "Reset") return [{ _tag: end, acted, after }, next]
  return [{ _tag: "Sent", acted, after, replace, keep }, next]
}

/** What a fault answers with; `undefined` for one that answers nothing. */
const replyOf = (state: State, active: Active, passage: Passage): Reply | undefined => {
  const { act } = active.fault
  switch (act.kind) {
    case "rate-limit":
      return { _tag: "Code", code: "429" }
    case "code":
    case "maintenance":
      return { _tag: "Code", code: act.code }
    case "error-after-apply":
      return "code" in act ? { _tag: "Code", code: act.code } : page(act.status, "html")
    case "status":
      return page(act.status, act.page)
    case "empty-body":
      return { _tag: "Page", status: 200, contentType: "application/json", body: "" }
    case "garbage-body":
      return { _tag: "Page", status: 200, contentType: "application/json", body: garbage(state, active, passage) }
    default:
      return undefined
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
  520: "Web server is returning an unknown error"
}

const page = (status: number, form: Fault.Page): Reply => {
  if (form === "ring-balancer") {
    const body = '{"message":"failure to get a peer from the ring-balancer"}'
    return { _tag: "Page", status, contentType: "application/json; charset=utf-8", body }
  }
  const title = `${status} ${reasons[status] ?? "Error"}`
  const body =
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n` +
    `<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n`
  return { _tag: "Page", status, contentType: "text/html", body }
}

/** From 8 to 40 characters that begin as no JSON text can. */
const garbage = (state: State, active: Active, passage: Passage): string => {
  const at = (index: number, min: number, max: number) =>
    Random.integer(state.seed, streamOf(active, passage, `character ${index}`), passage.ordinal, min, max)
  let text = "\u0015"
  for (let index = 1; index < at(0, 8, 40); index++) text += String.fromCharCode(at(index, 0x20, 0xff))
  return text
}
