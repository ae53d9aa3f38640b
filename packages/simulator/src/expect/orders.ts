/**
 * The expectations about orders.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as History from "../journal/History.js"
import { Expectation } from "./expectation.js"
import {
  timeOf,
  each,
  type Event,
  lanesOf,
  lengthOf,
  momentOf,
  unmet,
  notYet,
  type Of,
  counted,
  switchAt,
  ofAccount,
  met
} from "./judging.js"

/**
 * Every order that is open at an event is gone (cancelled, or filled) within a duration after it. Fails also when no
 * order was open, because nothing was at stake.
 *
 * @example
 * ```ts
 * import * as Expect from "@effect-deadman/simulator/Expect"
 *
 * const safe = Expect.ordersCancelled({ within: "10 seconds", after: "crash" })
 * ```
 *
 * @since 0.1.0
 * @category orders
 */
export const ordersCancelled = (
  options: Of & { readonly within: Duration.DurationInput; readonly after: Event }
): Expectation =>
  new Expectation("ordersCancelled", (history) =>
    Either.gen(function* () {
      const within = Duration.toMillis(options.within)
      const event = yield* momentOf(history, options.after)
      const until = event.at + within
      const expected = `every order open at ${event.name} to be gone within ${lengthOf(within)}, by ${timeOf(history, until)}`
      const lanes = yield* lanesOf(history, options.account ?? event.account, expected)
      if (lanes.every((lane) => History.openOrders(lane, event.at).length === 0)) {
        const last = lanes
          .flatMap((lane) => lane.orders)
          .reduce<number>((latest, life) => Math.max(latest, life.closedAt ?? -Infinity), -Infinity)
        return yield* unmet({
          unjudged: true,
          expected,
          observed: `no order was open at ${event.name}, so nothing was at stake`,
          nearest: last === -Infinity ? undefined : `the last one was gone at ${timeOf(history, last)}`,
          from: event.at,
          to: event.at
        })
      }
      yield* each(lanes, (lane) => {
        const open = History.openOrders(lane, event.at)
        const late = open.filter((life) => life.closedAt === undefined || life.closedAt > until)
        if (late.length === 0) return met
        const stuck = late.filter((life) => life.closedAt === undefined)
        if (history.evidence.now < until) return notYet(history, until, expected)
        const gone = Math.max(...late.map((life) => life.closedAt ?? until))
        const observed =
          stuck.length > 0
            ? `${stuck.length} of ${counted(open.length, "order")}${ofAccount(history, lane)} still open at ${timeOf(history, history.evidence.now)}`
            : `${late.length} of ${counted(open.length, "order")}${ofAccount(history, lane)} gone only at ${timeOf(history, gone)}, ` +
              `${lengthOf(gone - event.at)} after it and ${lengthOf(gone - until)} too late`
        const fire = lane.fires.find((fire) => fire.at >= event.at)
        return unmet({
          expected,
          observed,
          nearest:
            fire === undefined
              ? switchAt(history, lane, event.at)
              : `the switch fired at ${timeOf(history, fire.at)}, ${lengthOf(fire.at - event.at)} after it`,
          from: event.at,
          to: stuck.length > 0 ? until : gone,
          notes: [
            { at: until, text: `${lengthOf(within)} after ${event.name}` },
            ...(stuck.length > 0 ? [] : [{ at: gone, text: `${lengthOf(gone - until)} too late` }])
          ]
        })
      })
    })
  )

/**
 * Every order that was placed by an instant is still open. Fails also when none was placed.
 *
 * @since 0.1.0
 * @category orders
 */
export const ordersStillOpen = (options: Of & { readonly at: Event }): Expectation =>
  new Expectation("ordersStillOpen", (history) =>
    Either.gen(function* () {
      const event = yield* momentOf(history, options.at)
      const expected = `every order placed by ${event.name} to be open still`
      yield* notYet(history, event.at, expected)
      const lanes = yield* lanesOf(history, options.account ?? event.account, expected)
      const placed = (lane: History.Lane) => lane.orders.filter((life) => life.placed.at <= event.at)
      if (lanes.every((lane) => placed(lane).length === 0)) {
        return yield* unmet({ unjudged: true, expected, observed: "none had been placed", to: event.at })
      }
      yield* each(lanes, (lane) => {
        const gone = placed(lane).filter((life) => (life.closedAt ?? Infinity) <= event.at)
        const first = gone[0]
        if (first?.closedAt === undefined) return met
        const how =
          first.how === "countdown" ? "cancelled by the countdown" : first.how === "filled" ? "filled" : "cancelled"
        return unmet({
          expected,
          observed: `${counted(gone.length, "order")}${ofAccount(history, lane)} gone, the first ${how} at ${timeOf(history, first.closedAt)}`,
          nearest: `${lengthOf(event.at - first.closedAt)} before`,
          from: first.closedAt,
          to: event.at,
          notes: [{ at: first.closedAt, text: how }]
        })
      })
    })
  )
