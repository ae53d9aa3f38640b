/**
 * The expectations about beats.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type * as History from "../journal/History.js"
import { Expectation } from "./expectation.js"
import {
  timeOf,
  beatsIn,
  each,
  lanesOf,
  lengthOf,
  momentOf,
  momentOr,
  unmet,
  notYet,
  ordered,
  counted,
  type Span,
  spanOf,
  ofAccount,
  met
} from "./judging.js"

/**
 * Two countdown requests of one account (beats, and switching off) are never closer together than `pace`, as the bot
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
      const { expected, from, to } = yield* spanOf(history, options, () => `beats at least ${lengthOf(least)} apart`)
      const lanes = yield* lanesOf(history, options.account ?? from.account ?? to.account, expected)
      const instants = (lane: History.Lane) =>
        beatsIn(lane, from.at, to.at)
          .flatMap((record) =>
            options.seen === "arrived" ? (record.arrivedAt === undefined ? [] : [record.arrivedAt]) : [record.sentAt]
          )
          .sort((a, b) => a - b)
      if (lanes.every((lane) => instants(lane).length < 2)) {
        const observed = "no account sent two beats, between which a pace could be seen"
        return yield* unmet({ expected, observed, unjudged: true, from: from.at, to: to.at })
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
        if (tightest === undefined) return met
        return unmet({
          expected,
          observed: `${counted(count, "gap")}${ofAccount(history, lane)} shorter than that`,
          nearest: `the tightest is ${lengthOf(tightest.gap)}, at ${timeOf(history, tightest.at)}`,
          from: tightest.at - tightest.gap,
          to: tightest.at,
          notes: [{ at: tightest.at, text: `${lengthOf(tightest.gap)} after the one before` }]
        })
      })
    })
  )

/**
 * No gap without a beat is longer than `pace`, from the span's beginning (by default the first beat) to its end.
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
      const expected = `a beat at least every ${lengthOf(most)} until ${to.name}`
      if (given !== undefined) yield* ordered(given, to, expected)
      yield* notYet(history, to.at, expected)
      const lanes = yield* lanesOf(history, options.account ?? given?.account ?? to.account, expected)
      const instants = (lane: History.Lane) =>
        beatsIn(lane, given?.at ?? -Infinity, to.at).map((record) => record.sentAt)
      const begin = (beats: ReadonlyArray<number>) => given?.at ?? beats[0] ?? Infinity
      if (lanes.every((lane) => lane.beats.length === 0 || begin(instants(lane)) >= to.at)) {
        const observed = `there was no beat before ${to.name}, from which a pace could be counted`
        return yield* unmet({ expected, observed, unjudged: true, to: to.at })
      }
      yield* each(lanes, (lane) => {
        const beats = instants(lane)
        let last = begin(beats)
        let widest = { at: last, gap: 0 }
        for (const instant of [...beats, to.at]) {
          if (instant - last > widest.gap) widest = { at: instant, gap: instant - last }
          last = instant
        }
        if (widest.gap <= most) return met
        return unmet({
          expected,
          observed: `none${ofAccount(history, lane)} from ${timeOf(history, widest.at - widest.gap)} to ${timeOf(history, widest.at)}, ${lengthOf(widest.gap)}`,
          nearest: `${lengthOf(widest.gap - most)} too long`,
          from: widest.at - widest.gap,
          to: widest.at,
          notes: [{ at: widest.at, text: `${lengthOf(widest.gap)} after the one before` }]
        })
      })
    })
  )

/**
 * The number of countdown requests that the bot sends in a span: `atLeast`, `atMost` or both. A range that every number
 * meets, or none, is not judged.
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
        return yield* unmet({ expected, observed, unjudged: true })
      }
      const lanes = yield* lanesOf(history, options.account ?? from.account ?? to.account, expected)
      yield* each(lanes, (lane) => {
        const count = beatsIn(lane, from.at, to.at).length
        return count >= least && count <= most
          ? met
          : unmet({
              expected,
              observed: `${counted(count, "beat")}${ofAccount(history, lane)}`,
              from: from.at,
              to: to.at
            })
      })
    })
  )
