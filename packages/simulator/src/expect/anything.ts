/**
 * The expectations with a predicate, over a view of the exchange or over the journal.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as History from "../journal/History.js"
import type * as Journal from "../journal/Journal.js"
import { Expectation } from "./expectation.js"
import {
  timeOf,
  each,
  type Event,
  lanesOf,
  lengthOf,
  momentOr,
  unmet,
  notYet,
  type Of,
  counted,
  type Span,
  spanOf,
  ofAccount,
  met
} from "./judging.js"

/**
 * One account at one instant, as the exchange sees it. `remaining` is the ms until the switch fires, `undefined` when
 * it is not armed. `state` is the last state that the bot has recorded.
 *
 * @since 0.1.0
 * @category models
 */
export interface View {
  readonly account: string
  /** ms since the simulator's start. */
  readonly at: number
  readonly remaining: number | undefined
  readonly openOrders: number
  readonly fired: number
  readonly state: string | undefined
}

const viewAt = (history: History.History, lane: History.Lane, instant: number): View => {
  const segment = History.segmentAt(lane, instant)
  return {
    account: lane.account,
    at: instant - history.evidence.start,
    remaining: segment === undefined ? undefined : segment.deadline - instant,
    openOrders: History.openOrders(lane, instant).length,
    fired: lane.fires.filter((fire) => fire.at <= instant).length,
    state: lane.windows.findLast((window) => window.at <= instant)?.state
  }
}

/** Both ends of a span, and every instant in it at which something changes for the account. */
const instantsOf = (lane: History.Lane, from: number, to: number): ReadonlyArray<number> => {
  const changes = [
    from,
    to,
    ...lane.segments.flatMap((segment) => [segment.from, segment.to ?? to]),
    ...lane.orders.flatMap((life) => [life.openedAt, life.closedAt ?? to]),
    ...lane.windows.map((window) => window.at)
  ]
  return [...new Set(changes.filter((instant) => instant >= from && instant <= to))].sort((a, b) => a - b)
}

const shown = (view: View): string =>
  `${view.remaining === undefined ? "not armed" : `${lengthOf(view.remaining)} before firing`}, ` +
  `${counted(view.openOrders, "open order")}, fired ${view.fired} times${view.state === undefined ? "" : `, the bot says ${view.state}`}`

const throughout = (name: string, expected: string, options: Span, holds: (view: View) => boolean): Expectation =>
  new Expectation(name, (history) =>
    Either.gen(function* () {
      const {
        expected: whole,
        from,
        to
      } = yield* spanOf(history, options, (from, to) => `${expected} from ${from.name} to ${to.name}`)
      const lanes = yield* lanesOf(history, options.account ?? from.account ?? to.account, whole)
      yield* each(lanes, (lane) => {
        const instant = instantsOf(lane, from.at, to.at).find((instant) => !holds(viewAt(history, lane, instant)))
        if (instant === undefined) return met
        return unmet({
          expected: whole,
          observed: `not at ${timeOf(history, instant)}${ofAccount(history, lane)}: ${shown(viewAt(history, lane, instant))}`,
          from: instant,
          to: instant,
          notes: [{ at: instant, text: "not here" }]
        })
      })
    })
  )

/**
 * The predicate holds at both ends of a span and at every change of an account in between.
 *
 * @since 0.1.0
 * @category anything
 */
export const always = (what: string, holds: (view: View) => boolean, options: Span = {}): Expectation =>
  throughout("always", `always ${what}`, options, holds)

/**
 * The predicate holds at neither end of a span, and at no change of an account in between.
 *
 * @since 0.1.0
 * @category anything
 */
export const never = (what: string, holds: (view: View) => boolean, options: Span = {}): Expectation =>
  throughout("never", `never ${what}`, options, (view) => !holds(view))

/**
 * The predicate holds at least once within a duration after an event (by default the start).
 *
 * @since 0.1.0
 * @category anything
 */
export const eventually = (
  what: string,
  holds: (view: View) => boolean,
  options: Of & { readonly within: Duration.DurationInput; readonly after?: Event | undefined }
): Expectation =>
  new Expectation("eventually", (history) =>
    Either.gen(function* () {
      const within = Duration.toMillis(options.within)
      const after = yield* momentOr(history, options.after, () => history.evidence.start)
      const until = after.at + within
      const expected = `${what} within ${lengthOf(within)} after ${after.name}, by ${timeOf(history, until)}`
      yield* notYet(history, after.at, expected)
      const lanes = yield* lanesOf(history, options.account ?? after.account, expected)
      const held = (lane: History.Lane, to: number) =>
        instantsOf(lane, after.at, to).find((instant) => holds(viewAt(history, lane, instant)))
      yield* each(lanes, (lane) => {
        if (held(lane, Math.min(until, history.evidence.now)) !== undefined) return met
        if (history.evidence.now < until) return notYet(history, until, expected)
        const later = held(lane, history.evidence.now)
        return unmet({
          expected,
          observed: `never${ofAccount(history, lane)}; at the end: ${shown(viewAt(history, lane, until))}`,
          nearest:
            later === undefined ? undefined : `at ${timeOf(history, later)}, ${lengthOf(later - until)} too late`,
          from: after.at,
          to: until
        })
      })
    })
  )

/**
 * At least one entry of the journal meets the predicate, such as a beat that was applied and whose response was lost. A
 * campaign that never reached such an entry has proven nothing about it.
 *
 * @since 0.1.0
 * @category anything
 */
export const sometimes = (what: string, holds: (entry: Journal.Entry) => boolean): Expectation =>
  new Expectation("sometimes", (history) =>
    history.evidence.entries.some((entry) => holds(entry))
      ? met
      : unmet({
          expected: `${what}, at least once`,
          observed: `not in any of the ${history.evidence.entries.length} entries of the journal`
        })
  )
