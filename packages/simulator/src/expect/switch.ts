/**
 * The expectations about the switch.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as History from "../journal/History.js"
import { Expectation } from "./expectation.js"
import {
  timeOf,
  closestCall,
  each,
  type Event,
  lanesOf,
  lateBeat,
  lengthOf,
  momentOf,
  momentOr,
  unmet,
  neverArmed,
  notYet,
  type Of,
  ordered,
  counted,
  type Span,
  spanOf,
  switchAt,
  ofAccount,
  met
} from "./judging.js"

/**
 * The switch is armed at every instant of a span; by default from when it was first armed until now.
 *
 * @since 0.1.0
 * @category switch
 */
export const armedThroughout = (options: Span = {}): Expectation =>
  new Expectation("armedThroughout", (history) =>
    Either.gen(function* () {
      const to = yield* momentOr(history, options.to, () => history.evidence.now)
      const given = options.from === undefined ? undefined : yield* momentOf(history, options.from)
      const whole = `the switch to be armed until ${to.name}`
      if (given !== undefined) yield* ordered(given, to, whole)
      yield* notYet(history, to.at, whole)
      const lanes = yield* lanesOf(history, options.account ?? given?.account ?? to.account, whole)
      yield* each(lanes, (lane) => {
        const from = given?.at ?? lane.segments[0]?.from
        if (from === undefined)
          return unmet({ expected: whole, observed: `it was never armed${ofAccount(history, lane)}` })
        const expected = `the switch${ofAccount(history, lane)} to be armed from ${timeOf(history, from)} to ${to.name}`
        if (from > to.at) {
          return unmet({
            unjudged: true,
            expected,
            observed: `it was first armed after that, at ${timeOf(history, from)}`
          })
        }
        let covered = from
        for (const segment of lane.segments) {
          if (segment.from > covered) break
          covered = Math.max(covered, segment.to ?? Infinity)
        }
        if (covered >= to.at && History.segmentAt(lane, from) !== undefined) return met
        const next = lane.segments.find((segment) => segment.from > covered)
        const before = lane.segments.findLast((segment) => segment.to === covered)
        const until = Math.min(next?.from ?? to.at, to.at)
        return unmet({
          expected,
          observed: `not armed from ${timeOf(history, covered)} to ${timeOf(history, until)}, ${lengthOf(until - covered)}: ${switchAt(history, lane, covered)}`,
          nearest: before === undefined ? undefined : lateBeat(history, lane, covered),
          from: covered,
          to: until,
          notes: [{ at: covered, text: "not armed from here" }]
        })
      })
    })
  )

/**
 * The switch fires exactly once; with `after` and `within`, exactly once from that event on, and within that duration.
 *
 * @since 0.1.0
 * @category switch
 */
export const firedOnce = (
  options: Of & { readonly after?: Event | undefined; readonly within?: Duration.DurationInput | undefined } = {}
): Expectation =>
  new Expectation("firedOnce", (history) =>
    Either.gen(function* () {
      const after = yield* momentOr(history, options.after, () => history.evidence.start)
      const within = options.within === undefined ? undefined : Duration.toMillis(options.within)
      const until = within === undefined ? Infinity : after.at + within
      const expected =
        `the switch to fire exactly once from ${after.name} on` +
        (within === undefined ? "" : `, and within ${lengthOf(within)}, by ${timeOf(history, until)}`)
      yield* notYet(history, after.at, expected)
      const lanes = yield* lanesOf(history, options.account ?? after.account, expected)
      yield* each(lanes, (lane) => {
        if (lane.segments.length === 0) return neverArmed(history, lane, expected)
        const fires = lane.fires.filter((fire) => fire.at >= after.at)
        const [fire, ...more] = fires
        if (fire === undefined) {
          if (until !== Infinity && history.evidence.now < until) return notYet(history, until, expected)
          const call = closestCall(lane, after.at, history.evidence.now)
          return unmet({
            expected,
            observed: `it never fired${ofAccount(history, lane)}`,
            nearest:
              call === undefined
                ? switchAt(history, lane, after.at)
                : `at ${timeOf(history, call.at)} it was ${lengthOf(call.left)} before firing`,
            from: after.at
          })
        }
        if (more.length > 0) {
          return unmet({
            expected,
            observed: `it fired ${fires.length} times${ofAccount(history, lane)}: at ${fires.map((fire) => timeOf(history, fire.at)).join(", ")}`,
            from: fire.at,
            to: fires.at(-1)?.at
          })
        }
        if (fire.at <= until) return met
        return unmet({
          expected,
          observed: `it fired at ${timeOf(history, fire.at)}, ${lengthOf(fire.at - until)} too late`,
          nearest: `${lengthOf(fire.at - after.at)} after ${after.name}`,
          from: after.at,
          to: fire.at,
          notes: [{ at: fire.at, text: `${lengthOf(fire.at - until)} too late` }]
        })
      })
    })
  )

/**
 * The switch never fires in a span; by default in the whole run.
 *
 * @since 0.1.0
 * @category switch
 */
export const neverFired = (options: Span = {}): Expectation =>
  new Expectation("neverFired", (history) =>
    Either.gen(function* () {
      const { expected, from, to } = yield* spanOf(
        history,
        options,
        (from, to) => `the switch not to fire from ${from.name} to ${to.name}`
      )
      const lanes = yield* lanesOf(history, options.account ?? from.account ?? to.account, expected)
      const armed = (lane: History.Lane) => lane.segments.some((segment) => segment.from <= to.at)
      if (!lanes.some(armed)) {
        return yield* unmet({ unjudged: true, expected, observed: `it was never armed before ${to.name}`, to: to.at })
      }
      yield* each(lanes, (lane) => {
        const fire = lane.fires.find((fire) => fire.at >= from.at && fire.at <= to.at)
        if (fire === undefined) return met
        return unmet({
          expected,
          observed: `it fired at ${timeOf(history, fire.at)}${ofAccount(history, lane)} and cancelled ${counted(fire.cancelled.length, "order")}`,
          nearest: lateBeat(history, lane, fire.at),
          from: fire.at - 10_000,
          to: fire.at,
          notes: [{ at: fire.at, text: "fired" }]
        })
      })
    })
  )

/**
 * The switch fires, and nothing arms it again afterwards until now.
 *
 * @since 0.1.0
 * @category switch
 */
export const closedAfterFire = (options: Of = {}): Expectation =>
  new Expectation("closedAfterFire", (history) =>
    Either.gen(function* () {
      const expected = "the switch to fire, and to stay closed after it"
      const lanes = yield* lanesOf(history, options.account, expected)
      if (lanes.every((lane) => lane.fires.length === 0))
        return yield* unmet({ unjudged: true, expected, observed: "it never fired" })
      yield* each(lanes, (lane) => {
        const fire = lane.fires[0]
        if (fire === undefined) return met
        const again = lane.segments.find((segment) => segment.from >= fire.at)
        if (again === undefined) return met
        return unmet({
          expected,
          observed: `it fired at ${timeOf(history, fire.at)}${ofAccount(history, lane)} and was armed again at ${timeOf(history, again.from)}, ${lengthOf(again.from - fire.at)} later`,
          nearest: again.by === undefined ? undefined : `by request ${again.by}`,
          from: fire.at,
          to: again.from,
          notes: [{ at: again.from, text: "armed again" }]
        })
      })
    })
  )
