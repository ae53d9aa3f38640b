/**
 * The network as a pure machine. It decides about each request at the three moments at which it can meet a fault.
 *
 * | Moment | Function | Decision |
 * |---|---|---|
 * | the client sends | `depart(state, request, now)` | refused, reset, lost, or sent, with the arrival of each copy |
 * | a copy arrives | `arrive(state, passage, now)` | the exchange handles it, a gateway in front of it answers, or it stays unanswered |
 * | an answer leaves | `answer(state, passage, now)` | lost, reset, or sent, with its arrival and what is left of it |
 *
 * The driver keeps the state, waits, and asks again. So a partition that begins while a request is under way loses its
 * answer, as on a wire. `now` is the exchange's time in ms. Delays are whole ms.
 *
 * Each random decision has its own stream, named by the fault's text and the account, and indexed by the ordinal of the
 * account's request. Adding or removing one fault, or one account's bot, shifts no other decision.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { consult, streamOf } from "./active.js"
import { stage } from "./Fault.js"
import * as Latency from "./Latency.js"
import type { Active, Answer, Arrival, Departure, Door, Link, Passage, Reply, Request, State } from "./model.js"
import type * as Random from "./Random.js"
import { replyOf } from "./replies.js"

/**
 * @since 0.1.0
 */
export type * from "./model.js"

/**
 * @since 0.1.0
 * @category faults
 */
export { add, endOf, heal, mostFaults, over, remove, TooManyFaults } from "./active.js"

/**
 * A network without faults. Without `link` it has no latency.
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

const none: ReadonlyArray<never> = []
const texts = (acting: ReadonlyArray<Active>): ReadonlyArray<string> =>
  acting.length === 0 ? none : acting.map((active) => active.text)

const draw = (state: State, latency: Latency.Latency, stream: string, passage: Passage): number =>
  Latency.sample(latency, state.seed, stream, passage.ordinal)

/** The latency of the link itself, ms. A constant one draws nothing. */
const linkTime = (state: State, way: "request" | "answer", passage: Passage): number => {
  const latency = state.link[way]
  return latency._tag === "Constant"
    ? latency.millis
    : draw(state, latency, `link/${way}/${passage.account ?? ""}`, passage)
}

const atOnce: readonly [Arrival] = [{ after: 0, hold: undefined, lag: 0 }]
const sentAtOnce: Answer = { _tag: "Sent", acted: none, after: 0, replace: undefined, keep: undefined }

/**
 * Decides about a request that the client sends. A fault that stops it takes precedence over a delay: a refused
 * connection over a reset, and both over a loss. A lost request has no copies.
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
  // Names all fields, because this runs for each request, and a spread costs several times as much.
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
 * Decides about copy number `copy` (0 is the request itself) at its arrival. When several faults would answer, the one
 * that was added first does.
 *
 * @since 0.1.0
 * @category decisions
 */
export const arrive = (state: State, passage: Passage, now: number, copy = 0): readonly [Door, State] => {
  if (state.faults.length === 0) return [toExchange, state]
  const [acting, next] = consult(state, passage, now, "arrival", copy)
  const first = acting[0]
  if (first === undefined) return [toExchange, next]
  const acted = [first.text]
  const reply = replyOf(state, first, passage)
  return [reply === undefined ? { _tag: "Unanswered", acted } : { _tag: "Gateway", acted, reply }, next]
}

const toExchange: Door = { _tag: "Exchange", acted: none }

/**
 * Decides about an answer of the exchange or of a gateway in front of it. A fault that stops it takes precedence over
 * one that replaces or shortens it. When several would replace it, the one that was added first does.
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
