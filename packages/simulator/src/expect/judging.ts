/**
 * Parts of a judgement: the problem, the accounts and instants that are judged, and the words of a report.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as History from "../journal/History.js"
import type * as Journal from "../journal/Journal.js"
import { didYouMean } from "../network/nearest.js"
import type { Note } from "../timeline/text.js"

/**
 * An event: the name of a mark, or the time since the simulator's start.
 *
 * @since 0.1.0
 * @category models
 */
export type Event = Duration.DurationInput | (string & {})

/**
 * The account that is judged; by default all.
 *
 * @since 0.1.0
 * @category models
 */
export interface Of {
  readonly account?: string | undefined
}

/**
 * A span of the run; by default from its beginning to now.
 *
 * @since 0.1.0
 * @category models
 */
export interface Span extends Of {
  readonly from?: Event | undefined
  readonly to?: Event | undefined
}

/** Why a run does not meet an expectation. Instants are ms of the exchange's clock. */
export interface Problem {
  readonly expected: string
  readonly observed: string
  readonly nearest?: string | undefined
  readonly account?: string | undefined
  /** The span that the timeline shows, with a margin on both sides. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly notes?: ReadonlyArray<Note> | undefined
  /** True when the run cannot be judged. */
  readonly unjudged?: true | undefined
}

export type Judgement = Either.Either<void, Problem>

export const met: Judgement = Either.right(undefined)
export const unmet = (problem: Problem): Either.Either<never, Problem> => Either.left(problem)

export const lengthOf = (millis: number): string => `${millis / 1000} s`
export const timeOf = (history: History.History, instant: number): string =>
  `${History.seconds(history.evidence, instant)} s`
export const counted = (count: number, what: string): string =>
  `${count === 0 ? "no" : count} ${what}${count === 1 ? "" : "s"}`

/** Why a journal is no basis for a judgement; `undefined` for a whole one. */
export const incomplete = ({ dropped, entries }: History.Evidence): Problem | undefined => {
  const problem = (observed: string): Problem => ({
    unjudged: true,
    expected: "the whole journal, to judge by",
    observed
  })
  if (dropped > 0) {
    return problem(
      `${dropped} older entries were dropped: give Simulator.layer a larger journalSize than ${entries.length}`
    )
  }
  return entries[0]?._tag === "Start"
    ? undefined
    : problem(
        "its beginning is missing, because it was cleared or cut: judge before clearing it, " +
          "or begin a new run (a new Simulator.layer, or POST /_sim/reset)"
      )
}

export interface Moment {
  readonly at: number
  /** Its name in a report: `"crash" (31.000 s)`. */
  readonly name: string
  /** The account that the mark belongs to. */
  readonly account: string | undefined
}

export const momentOf = (history: History.History, event: Event): Either.Either<Moment, Problem> => {
  const mark = history.marks.findLast((mark) => mark.name === event)
  if (mark !== undefined) {
    return Either.right({ at: mark.at, name: `"${mark.name}" (${timeOf(history, mark.at)})`, account: mark.account })
  }
  const since = Option.map(Duration.decodeUnknown(event), Duration.toMillis)
  if (Option.isSome(since)) {
    const instant = history.evidence.start + since.value
    return Either.right({ at: instant, name: timeOf(history, instant), account: undefined })
  }
  const marked = [...new Set(history.marks.map((mark) => mark.name))]
  const names = marked.map((name) => `"${name}"`)
  return unmet({
    unjudged: true,
    expected: `the event ${JSON.stringify(event)}`,
    observed:
      names.length === 0
        ? `nothing was marked: say Simulator.mark(${JSON.stringify(event)}) where it happens`
        : `only these were marked: ${names.join(", ")}${didYouMean(String(event), marked)}`
  })
}

export const momentOr = (
  history: History.History,
  event: Event | undefined,
  otherwise: () => number
): Either.Either<Moment, Problem> => {
  if (event !== undefined) return momentOf(history, event)
  const instant = otherwise()
  return Either.right({ at: instant, name: timeOf(history, instant), account: undefined })
}

/** A span of the run. It must not end before it begins, nor reach beyond the run. */
export const spanOf = (
  history: History.History,
  span: Span,
  expected: (from: Moment, to: Moment) => string
): Either.Either<{ readonly from: Moment; readonly to: Moment; readonly expected: string }, Problem> =>
  Either.gen(function* () {
    const from = yield* momentOr(history, span.from, () => history.evidence.start)
    const to = yield* momentOr(history, span.to, () => history.evidence.now)
    const whole = expected(from, to)
    yield* ordered(from, to, whole)
    yield* notYet(history, to.at, whole)
    return { from, to, expected: whole }
  })

export const ordered = (from: Moment, to: Moment, expected: string): Judgement =>
  from.at <= to.at
    ? met
    : unmet({
        unjudged: true,
        expected,
        observed: `the span is upside down: it would begin at ${from.name} and end at ${to.name}, before it`
      })

/** The accounts that are judged: at least one, each with entries. */
export const lanesOf = (
  history: History.History,
  account: string | undefined,
  expected: string
): Either.Either<ReadonlyArray<History.Lane>, Problem> => {
  if (account !== undefined && !history.accounts.includes(account)) {
    const observed =
      `the exchange has no account "${account}"; it has ${history.accounts.join(", ")}` +
      didYouMean(account, history.accounts)
    return unmet({ unjudged: true, expected, observed })
  }
  const lanes = history.lanes.filter((lane) => account === undefined || lane.account === account)
  return lanes.length > 0
    ? Either.right(lanes)
    : unmet({
        unjudged: true,
        expected,
        observed: account === undefined ? "no account did anything" : `account ${account} did nothing`
      })
}

export const ofAccount = (history: History.History, lane: History.Lane): string =>
  history.lanes.length > 1 ? ` of account ${lane.account}` : ""

/** Judges each account. A failed account takes precedence over one that cannot be judged. */
export const each = (lanes: ReadonlyArray<History.Lane>, judge: (lane: History.Lane) => Judgement): Judgement => {
  let open: Judgement = met
  for (const lane of lanes) {
    const judgement = Either.mapLeft(judge(lane), (problem): Problem => ({ account: lane.account, ...problem }))
    if (Either.isRight(judgement)) continue
    if (judgement.left.unjudged !== true) return judgement
    if (Either.isRight(open)) open = judgement
  }
  return open
}

export const notYet = (history: History.History, until: number, expected: string): Either.Either<void, Problem> =>
  history.evidence.now >= until
    ? met
    : unmet({
        unjudged: true,
        expected,
        observed: `the run has only come to ${timeOf(history, history.evidence.now)}: let ${lengthOf(until - history.evidence.now)} more pass`,
        from: history.evidence.now
      })

export const neverArmed = (history: History.History, lane: History.Lane, expected: string): Judgement =>
  unmet({ unjudged: true, expected, observed: `it was never armed${ofAccount(history, lane)}` })

/** The segment that came nearest to a firing, where none fired: how much was left when it was refreshed or closed. */
export const closestCall = (lane: History.Lane, from: number, now: number) => {
  let closest: { readonly at: number; readonly left: number } | undefined
  for (const segment of lane.segments) {
    const end = segment.to ?? now
    if (end < from) continue
    const left = segment.deadline - end
    if (closest === undefined || left < closest.left) closest = { at: end, left }
  }
  return closest
}

export const switchAt = (history: History.History, lane: History.Lane, instant: number): string => {
  const segment = History.segmentAt(lane, instant)
  if (segment !== undefined) return `the switch was armed and would fire at ${timeOf(history, segment.deadline)}`
  const last = lane.segments.findLast((segment) => segment.from <= instant)
  if (last === undefined) return "the switch had never been armed"
  return last.end === "fired"
    ? `the switch had fired at ${timeOf(history, last.to ?? instant)}`
    : `the switch had been switched off at ${timeOf(history, last.to ?? instant)}`
}

/** The beat that came too late, or was lost. */
export const lateBeat = (history: History.History, lane: History.Lane, deadline: number): string | undefined => {
  const late = lane.beats.find(
    ({ countdown, record }) => countdown !== "0" && record.appliedAt !== undefined && record.appliedAt >= deadline
  )
  if (late?.record.appliedAt !== undefined) {
    return `the next beat was applied at ${timeOf(history, late.record.appliedAt)}, ${lengthOf(late.record.appliedAt - deadline)} later (sent at ${timeOf(history, late.record.sentAt)})`
  }
  const lost = lane.beats.findLast(({ record }) => record.sentAt < deadline)
  return lost === undefined
    ? undefined
    : `the last beat before was sent at ${timeOf(history, lost.record.sentAt)}: ${History.fateOf(lost.record)}`
}

export const beatsIn = (lane: History.Lane, from: number, to: number): ReadonlyArray<Journal.RequestRecord> =>
  lane.beats
    .map(({ record }) => record)
    .filter((record) => record.copyOf === undefined && record.sentAt >= from && record.sentAt <= to)
