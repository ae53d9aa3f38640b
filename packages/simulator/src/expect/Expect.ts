/**
 * Assertions in the words of the domain, over the simulator's journal.
 *
 * ```ts
 * import * as Expect from "@effect-deadman/simulator/Expect"
 * import * as Effect from "effect/Effect"
 *
 * const verdict = Effect.gen(function* () {
 *   yield* Expect.ordersCancelled({ within: "10 seconds", after: "crash" })
 *   yield* Expect.armedThroughout({ to: "crash" })
 *   yield* Expect.firedOnce({ after: "crash" })
 * })
 * ```
 *
 * An {@link Expectation} is an effect, so it works under any test runner, and a value that judges a run that was kept
 * (`judge`). What it fails with says what was expected, what was observed, the nearest miss, the slice of the timeline
 * in which it happened, and the seed.
 *
 * Without `account` every account in the journal is judged, each for itself. An event is the name of a mark
 * (`Simulator.mark("crash")`, the last of that name) or the time since the simulator's start (`"12 seconds"`).
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { Expectation } from "./expectation.js"
import * as History from "../journal/History.js"
import {
  at,
  beatsIn,
  closestCall,
  each,
  type Event,
  lanesOf,
  lateBeat,
  long,
  momentOf,
  momentOr,
  no,
  neverArmed,
  notYet,
  type Of,
  ordered,
  some,
  type Span,
  spanOf,
  switchAt,
  whose,
  yes
} from "./judging.js"
import type * as Journal from "../journal/Journal.js"

/**
 * @since 0.1.0
 */
export * from "./expectation.js"

/**
 * @since 0.1.0
 * @category models
 */
export type { Event, Of, Span } from "./judging.js"

// ---------------------------------------------------------------------------------------------------------------
// Orders
// ---------------------------------------------------------------------------------------------------------------

/**
 * Every order that is open at an event is gone (cancelled, or filled) within a duration after it. Fails also when no
 * order was open then, because then nothing was at stake.
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
      const expected = `every order open at ${event.name} to be gone within ${long(within)}, by ${at(history, until)}`
      const lanes = yield* lanesOf(history, options.account ?? event.account, expected)
      if (lanes.every((lane) => History.openOrders(lane, event.at).length === 0)) {
        const last = lanes
          .flatMap((lane) => lane.orders)
          .reduce<number>((latest, life) => Math.max(latest, life.closedAt ?? -Infinity), -Infinity)
        return yield* no({
          unjudged: true,
          expected,
          observed: `no order was open at ${event.name}, so nothing was at stake`,
          nearest: last === -Infinity ? undefined : `the last one was gone at ${at(history, last)}`,
          from: event.at,
          to: event.at
        })
      }
      yield* each(lanes, (lane) => {
        const open = History.openOrders(lane, event.at)
        const late = open.filter((life) => life.closedAt === undefined || life.closedAt > until)
        if (late.length === 0) return yes
        const stuck = late.filter((life) => life.closedAt === undefined)
        if (stuck.length > 0 && history.evidence.now < until) return notYet(history, until, expected)
        const gone = Math.max(...late.map((life) => life.closedAt ?? -Infinity))
        const observed =
          stuck.length > 0
            ? `${stuck.length} of ${some(open.length, "order")}${whose(history, lane)} still open at ${at(history, history.evidence.now)}`
            : `${late.length} of ${some(open.length, "order")}${whose(history, lane)} gone only at ${at(history, gone)}, ` +
              `${long(gone - event.at)} after it and ${long(gone - until)} too late`
        const fire = lane.fires.find((fire) => fire.at >= event.at)
        return no({
          expected,
          observed,
          nearest:
            fire === undefined
              ? switchAt(history, lane, event.at)
              : `the switch fired at ${at(history, fire.at)}, ${long(fire.at - event.at)} after it`,
          from: event.at,
          to: stuck.length > 0 ? until : gone,
          notes: [
            { at: until, text: `${long(within)} after ${event.name}` },
            ...(stuck.length > 0 ? [] : [{ at: gone, text: `${long(gone - until)} too late` }])
          ]
        })
      })
    })
  )

/**
 * Every order that was placed by an instant is open still. Fails also when none was placed.
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
        return yield* no({ unjudged: true, expected, observed: "none had been placed", to: event.at })
      }
      yield* each(lanes, (lane) => {
        const gone = placed(lane).filter((life) => life.closedAt !== undefined && life.closedAt <= event.at)
        const first = gone[0]
        if (first?.closedAt === undefined) return yes
        const how =
          first.how === "countdown" ? "cancelled by the countdown" : first.how === "filled" ? "filled" : "cancelled"
        return no({
          expected,
          observed: `${some(gone.length, "order")}${whose(history, lane)} gone, the first ${how} at ${at(history, first.closedAt)}`,
          nearest: `${long(event.at - first.closedAt)} before`,
          from: first.closedAt,
          to: event.at,
          notes: [{ at: first.closedAt, text: how }]
        })
      })
    })
  )

// ---------------------------------------------------------------------------------------------------------------
// The switch
// ---------------------------------------------------------------------------------------------------------------

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
      const account = options.account ?? to.account
      const given = options.from === undefined ? undefined : yield* momentOf(history, options.from)
      const whole = `the switch to be armed until ${to.name}`
      if (given !== undefined) yield* ordered(given, to, whole)
      yield* notYet(history, to.at, whole)
      const lanes = yield* lanesOf(history, account ?? given?.account, whole)
      yield* each(lanes, (lane) => {
        const first = lane.teeth[0]
        const from = given?.at ?? first?.from
        const expected = `the switch${whose(history, lane)} to be armed from ${from === undefined ? "some beat" : at(history, from)} to ${to.name}`
        if (first === undefined || from === undefined) return no({ expected, observed: "it was never armed" })
        if (from > to.at) {
          return no({ unjudged: true, expected, observed: `it was first armed after that, at ${at(history, from)}` })
        }
        let covered = from
        for (const tooth of lane.teeth) {
          if ((tooth.to ?? Infinity) <= covered) continue
          if (tooth.from > covered) break
          covered = tooth.to ?? Infinity
        }
        if (covered > to.at || (covered === to.at && (covered > from || History.toothAt(lane, from) !== undefined))) {
          return yes
        }
        const next = lane.teeth.find((tooth) => tooth.from > covered)
        const before = lane.teeth.findLast((tooth) => tooth.to === covered)
        const until = Math.min(next?.from ?? to.at, to.at)
        return no({
          expected,
          observed: `not armed from ${at(history, covered)} to ${at(history, until)}, ${long(until - covered)}: ${switchAt(history, lane, covered)}`,
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
        (within === undefined ? "" : `, and within ${long(within)}, by ${at(history, until)}`)
      yield* notYet(history, after.at, expected)
      const lanes = yield* lanesOf(history, options.account ?? after.account, expected)
      yield* each(lanes, (lane) => {
        if (lane.teeth.length === 0) return neverArmed(history, lane, expected)
        const fires = lane.fires.filter((fire) => fire.at >= after.at)
        const [fire, ...more] = fires
        if (fire === undefined) {
          if (until !== Infinity && history.evidence.now < until) return notYet(history, until, expected)
          const call = closestCall(lane, after.at, history.evidence.now)
          return no({
            expected,
            observed: `it never fired${whose(history, lane)}`,
            nearest:
              call === undefined
                ? switchAt(history, lane, after.at)
                : `at ${at(history, call.at)} it was ${long(call.left)} before firing`,
            from: after.at
          })
        }
        if (more.length > 0) {
          return no({
            expected,
            observed: `it fired ${fires.length} times${whose(history, lane)}: at ${fires.map((fire) => at(history, fire.at)).join(", ")}`,
            from: fire.at,
            to: fires.at(-1)?.at
          })
        }
        if (fire.at <= until) return yes
        return no({
          expected,
          observed: `it fired at ${at(history, fire.at)}, ${long(fire.at - until)} too late`,
          nearest: `${long(fire.at - after.at)} after ${after.name}`,
          from: after.at,
          to: fire.at,
          notes: [{ at: fire.at, text: `${long(fire.at - until)} too late` }]
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
      const armed = (lane: History.Lane) => lane.teeth.some((tooth) => tooth.from <= to.at)
      if (!lanes.some(armed)) {
        return yield* no({ unjudged: true, expected, observed: `it was never armed before ${to.name}`, to: to.at })
      }
      yield* each(lanes, (lane) => {
        const fire = lane.fires.find((fire) => fire.at >= from.at && fire.at <= to.at)
        if (fire === undefined) return yes
        return no({
          expected,
          observed: `it fired at ${at(history, fire.at)}${whose(history, lane)} and cancelled ${some(fire.cancelled.length, "order")}`,
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
        return yield* no({ unjudged: true, expected, observed: "it never fired" })
      yield* each(lanes, (lane) => {
        const fire = lane.fires[0]
        const again = fire === undefined ? undefined : lane.teeth.find((tooth) => tooth.from >= fire.at)
        if (fire === undefined || again === undefined) return yes
        return no({
          expected,
          observed: `it fired at ${at(history, fire.at)}${whose(history, lane)} and was armed again at ${at(history, again.from)}, ${long(again.from - fire.at)} later`,
          nearest: again.by === undefined ? undefined : `by request ${again.by}`,
          from: fire.at,
          to: again.from,
          notes: [{ at: again.from, text: "armed again" }]
        })
      })
    })
  )

// ---------------------------------------------------------------------------------------------------------------
// Beats
// ---------------------------------------------------------------------------------------------------------------

/**
 * Two calls of the countdown (beats, and switching off) of one account are never closer together than that, as the bot
 * sends them; with `seen: "arrived"`, as they arrive at the exchange. Fails also when there were fewer than two.
 *
 * @since 0.1.0
 * @category beats
 */
export const beatsNeverFasterThan = (
  pace: Duration.DurationInput,
  options: Span & { readonly seen?: "sent" | "arrived" | undefined } = {}
): Expectation =>
  new Expectation("beatsNeverFasterThan", (history) =>
    Either.gen(function* () {
      const least = Duration.toMillis(pace)
      const { expected, from, to } = yield* spanOf(history, options, () => `beats at least ${long(least)} apart`)
      const lanes = yield* lanesOf(history, options.account ?? from.account ?? to.account, expected)
      const instants = (lane: History.Lane) =>
        beatsIn(lane, from.at, to.at)
          .flatMap((record) =>
            options.seen === "arrived" ? (record.arrivedAt === undefined ? [] : [record.arrivedAt]) : [record.sentAt]
          )
          .sort((a, b) => a - b)
      if (lanes.every((lane) => instants(lane).length < 2)) {
        const observed = "no account sent two beats, between which a pace could be seen"
        return yield* no({ expected, observed, unjudged: true, from: from.at, to: to.at })
      }
      yield* each(lanes, (lane) => {
        const beats = instants(lane)
        let tightest: { readonly at: number; readonly gap: number } | undefined
        let count = 0
        for (const [index, instant] of beats.entries()) {
          const gap = instant - (beats[index - 1] ?? -Infinity)
          if (gap >= least) continue
          count++
          if (tightest === undefined || gap < tightest.gap) tightest = { at: instant, gap }
        }
        if (tightest === undefined) return yes
        return no({
          expected,
          observed: `${some(count, "gap")}${whose(history, lane)} shorter than that`,
          nearest: `the tightest is ${long(tightest.gap)}, at ${at(history, tightest.at)}`,
          from: tightest.at - tightest.gap,
          to: tightest.at,
          notes: [{ at: tightest.at, text: `${long(tightest.gap)} after the one before` }]
        })
      })
    })
  )

/**
 * No span without a beat is longer than that, from the span's beginning (by default the first beat) to its end.
 *
 * @since 0.1.0
 * @category beats
 */
export const beatsNeverSlowerThan = (pace: Duration.DurationInput, options: Span = {}): Expectation =>
  new Expectation("beatsNeverSlowerThan", (history) =>
    Either.gen(function* () {
      const most = Duration.toMillis(pace)
      const to = yield* momentOr(history, options.to, () => history.evidence.now)
      const given = options.from === undefined ? undefined : yield* momentOf(history, options.from)
      const expected = `a beat at least every ${long(most)} until ${to.name}`
      if (given !== undefined) yield* ordered(given, to, expected)
      yield* notYet(history, to.at, expected)
      const lanes = yield* lanesOf(history, options.account ?? given?.account ?? to.account, expected)
      const instants = (lane: History.Lane) =>
        beatsIn(lane, given?.at ?? -Infinity, to.at).map((record) => record.sentAt)
      const begin = (lane: History.Lane) => given?.at ?? instants(lane)[0] ?? Infinity
      if (lanes.every((lane) => lane.beats.length === 0 || begin(lane) >= to.at)) {
        const observed = `there was no beat before ${to.name}, from which a pace could be counted`
        return yield* no({ expected, observed, unjudged: true, to: to.at })
      }
      yield* each(lanes, (lane) => {
        const beats = instants(lane)
        let last = given?.at ?? beats[0]
        if (last === undefined) return yes
        let widest = { at: last, gap: 0 }
        for (const instant of [...beats, to.at]) {
          if (instant - last > widest.gap) widest = { at: instant, gap: instant - last }
          last = instant
        }
        if (widest.gap <= most) return yes
        return no({
          expected,
          observed: `none${whose(history, lane)} from ${at(history, widest.at - widest.gap)} to ${at(history, widest.at)}, ${long(widest.gap)}`,
          nearest: `${long(widest.gap - most)} too long`,
          from: widest.at - widest.gap,
          to: widest.at,
          notes: [{ at: widest.at, text: `${long(widest.gap)} after the one before` }]
        })
      })
    })
  )

/**
 * How many calls of the countdown the bot sends in a span: `atLeast`, `atMost` or both. A range that every number of
 * beats meets, or none, is not judged.
 *
 * @since 0.1.0
 * @category beats
 */
export const beats = (
  options: Span &
    (
      | { readonly atLeast: number; readonly atMost?: number | undefined }
      | { readonly atLeast?: number | undefined; readonly atMost: number }
    )
): Expectation =>
  new Expectation("beats", (history) =>
    Either.gen(function* () {
      const [least, most] = [options.atLeast ?? 0, options.atMost ?? Infinity]
      const range = most === Infinity ? `at least ${least}` : least === 0 ? `at most ${most}` : `${least} to ${most}`
      const { expected, from, to } = yield* spanOf(
        history,
        options,
        (from, to) => `${range} beats from ${from.name} to ${to.name}`
      )
      if (!(least >= 0 && least <= most && (least > 0 || most < Infinity))) {
        const observed = "no number of beats was asked for: give atLeast (from 1), atMost (at least that), or both"
        return yield* no({ expected, observed, unjudged: true })
      }
      const lanes = yield* lanesOf(history, options.account ?? from.account ?? to.account, expected)
      yield* each(lanes, (lane) => {
        const count = beatsIn(lane, from.at, to.at).length
        return count >= least && count <= most
          ? yes
          : no({ expected, observed: `${some(count, "beat")}${whose(history, lane)}`, from: from.at, to: to.at })
      })
    })
  )

// ---------------------------------------------------------------------------------------------------------------
// Anything
// ---------------------------------------------------------------------------------------------------------------

/**
 * One account at one instant, as the exchange knows it. `remaining` is the ms until the switch fires, `undefined` when it
 * is not armed; `state` is the last state that the bot has recorded.
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
  const tooth = History.toothAt(lane, instant)
  return {
    account: lane.account,
    at: instant - history.evidence.start,
    remaining: tooth === undefined ? undefined : tooth.deadline - instant,
    openOrders: History.openOrders(lane, instant).length,
    fired: lane.fires.filter((fire) => fire.at <= instant).length,
    state: lane.windows.findLast((window) => window.at <= instant)?.state
  }
}

/** Both ends of a span, and every instant in it at which something changes for the account. */
const instantsOf = (lane: History.Lane, from: number, to: number): ReadonlyArray<number> => {
  const changes = [
    ...lane.teeth.flatMap((tooth) => (tooth.to === undefined ? [tooth.from] : [tooth.from, tooth.to])),
    ...lane.orders.flatMap((life) =>
      life.closedAt === undefined ? [life.placed.at] : [life.placed.at, life.closedAt]
    ),
    ...lane.windows.map((window) => window.at)
  ]
  return [...new Set([from, ...changes.filter((instant) => instant > from && instant < to), to])].sort((a, b) => a - b)
}

const told = (view: View): string =>
  `${view.remaining === undefined ? "not armed" : `${long(view.remaining)} before firing`}, ` +
  `${some(view.openOrders, "open order")}, fired ${view.fired} times${view.state === undefined ? "" : `, the bot says ${view.state}`}`

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
        if (instant === undefined) return yes
        return no({
          expected: whole,
          observed: `not at ${at(history, instant)}${whose(history, lane)}: ${told(viewAt(history, lane, instant))}`,
          from: instant,
          to: instant,
          notes: [{ at: instant, text: "not here" }]
        })
      })
    })
  )

/**
 * Something holds at both ends of a span and whenever anything changes for an account in between.
 *
 * @since 0.1.0
 * @category anything
 */
export const always = (what: string, holds: (view: View) => boolean, options: Span = {}): Expectation =>
  throughout("always", `always ${what}`, options, holds)

/**
 * Something holds at neither end of a span, nor whenever anything changes for an account in between.
 *
 * @since 0.1.0
 * @category anything
 */
export const never = (what: string, holds: (view: View) => boolean, options: Span = {}): Expectation =>
  throughout("never", `never ${what}`, options, (view) => !holds(view))

/**
 * Something holds at least once within a duration after an event (by default the start).
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
      const expected = `${what} within ${long(within)} after ${after.name}, by ${at(history, until)}`
      yield* notYet(history, after.at, expected)
      const lanes = yield* lanesOf(history, options.account ?? after.account, expected)
      const held = (lane: History.Lane, to: number) =>
        instantsOf(lane, after.at, to).find((instant) => holds(viewAt(history, lane, instant)))
      yield* each(lanes, (lane) => {
        if (held(lane, Math.min(until, history.evidence.now)) !== undefined) return yes
        if (history.evidence.now < until) return notYet(history, until, expected)
        const later = held(lane, history.evidence.now)
        return no({
          expected,
          observed: `never${whose(history, lane)}; at the end: ${told(viewAt(history, lane, until))}`,
          nearest: later === undefined ? undefined : `at ${at(history, later)}, ${long(later - until)} too late`,
          from: after.at,
          to: until
        })
      })
    })
  )

/**
 * Something was reached at least once: an entry of the journal such as a beat that was applied and whose answer was
 * lost. A campaign that never reached it has proven nothing about it.
 *
 * @since 0.1.0
 * @category anything
 */
export const sometimes = (what: string, holds: (entry: Journal.Entry) => boolean): Expectation =>
  new Expectation("sometimes", (history) =>
    history.evidence.entries.some((entry) => holds(entry))
      ? yes
      : no({
          expected: `${what}, at least once`,
          observed: `not in any of the ${history.evidence.entries.length} entries of the journal`
        })
  )
