/** What the firings say of the timer: period, latency, and what the stamps mean. Pure. */
import * as Fit from "./fit.js"
import * as Interval from "./interval.js"
import type { Finding, Result } from "./model.js"
import type { Firing } from "./observed.js"

export const notIdentified = (reason: string): Result => ({ _tag: "NotIdentified", reason })

/** A number with what else it can be, in whole ms, never negative. */
export const about = (value: number, { max, min }: Interval.Interval): Result => ({
  _tag: "Measured",
  value: Math.round(value),
  bounds: { min: Math.max(0, Math.floor(min)), max: Math.ceil(max) }
})

export const middle = ({ max, min }: Interval.Interval): number => (min + max) / 2

/** The only value, or the reason why there is not one. */
export const only = <A extends string>(values: ReadonlyArray<A>, reason: string): Result => {
  const [first, ...others] = new Set(values)
  return first !== undefined && others.length === 0 ? { _tag: "Measured", value: first } : notIdentified(reason)
}

/**
 * Of several periods that explain all: 0, else a round one, and the longest of these, because a shorter one would explain
 * it only by chance.
 */
const likeliest = (periods: ReadonlyArray<number>): number =>
  periods.includes(0) ? 0 : (periods.findLast(Fit.isRound) ?? periods.at(-1)!)

/** Chance explains firings with a period that is not this many times as long as they are unsure. */
const chance = { round: 2.5, any: 4, varying: 8 }

const isClear = ({ blur, period }: Fit.Fit): boolean =>
  period === 0 || period >= blur * (Fit.isRound(period) ? chance.round : chance.any)

/** The largest spread of the firings, in ms, that is reported as no period where no period surely explains it. */
const fine = 500

/** Room for what the firings did not show, in ms. */
const margin = 250

/** What the firings need at least, so that phases differ enough. */
const fewest = 3

export interface Timer {
  readonly findings: ReadonlyArray<Finding>
  /** From the deadline to the first cancel, at least and at most, in any phase of the period. */
  readonly delay: Interval.Interval | undefined
  /** The same for any other firing. */
  readonly late: Interval.Interval | undefined
  /** The meanings of `updatedTime` that are possible. */
  readonly updatedTimes: ReadonlyArray<Fit.UpdatedTime>
}

const found = (option: string, result: Result): Finding => ({ option, result })

const none = (reason: string): Timer => ({
  findings: ["sweepPeriod", "triggerLatency", "clockStart", "cancelUpdatedTime"].map((option) =>
    found(option, notIdentified(reason))
  ),
  delay: undefined,
  late: undefined,
  updatedTimes: ["unknown"]
})

/** From the deadline to the first cancel, in all firings. */
const delayOf = (firings: ReadonlyArray<Firing>): Interval.Interval | undefined =>
  Interval.hull(
    firings.map(({ deadline, orders }) => {
      const first = Interval.make(
        Math.min(...orders.map(({ gone }) => gone.min)),
        Math.min(...orders.map(({ gone }) => gone.max))
      )
      return Interval.minus(first, deadline)
    })
  )

/** What the times say by themselves, whatever the timer does. */
const meaningsSeen = (firings: ReadonlyArray<Firing>): ReadonlyArray<Fit.UpdatedTime> =>
  Fit.updatedTimes.filter((meaning) => firings.every((firing) => Fit.cancels(firing, meaning) !== undefined))

export const timer = (firings: ReadonlyArray<Firing>, processing: Interval.Interval): Timer => {
  if (firings.length < fewest) return none(`only ${firings.length} firings were seen`)
  const delay = delayOf(firings)
  const seen = meaningsSeen(firings)
  const { exact, varying } = Fit.fit(firings, processing)
  const meanings = exact.some(({ updatedTime }) => updatedTime !== "unknown")
    ? [...new Set(exact.map(({ updatedTime }) => updatedTime))]
    : seen
  const updatedTime = only(
    meanings.filter((meaning) => meaning !== "unknown"),
    meanings.length === 0
      ? "updatedTime is neither the instant of the firing nor that of the order's cancel"
      : "the firing and the cancel are too close to each other"
  )
  const updatedTimes = meanings.length === 0 ? (["unknown"] as const) : meanings
  if (exact.length === 0) return varied(varying, delay, updatedTime, updatedTimes)

  const periods = [...new Set(exact.map(({ period }) => period))].sort((a, b) => a - b)
  const period = likeliest(periods)
  // The meaning that is the simulator's default comes first.
  const preferred = exact.find((fit) => fit.period === period)!
  const latency = Interval.hull(exact.map((fit) => fit.latency))!
  const always = Interval.make(latency.min, latency.max + periods.at(-1)!)
  const isSure = exact.some(isClear)
  return {
    findings: [
      found(
        "sweepPeriod",
        isSure
          ? about(period, Interval.make(periods[0]!, periods.at(-1)!))
          : periods.at(-1)! <= fine
            ? about(0, Interval.make(0, periods.at(-1)!))
            : notIdentified("the firings are spread, and what was seen is too coarse to say by what")
      ),
      // Without a period, its wait is in the latency.
      found(
        "triggerLatency",
        isSure || delay === undefined
          ? about(middle(preferred.latency), latency)
          : about(middle(delay), Interval.hull([latency, delay])!)
      ),
      found(
        "clockStart",
        only(
          isSure ? exact.map(({ clockStart }) => clockStart) : [],
          "a later start and a longer latency look the same"
        )
      ),
      found("cancelUpdatedTime", updatedTime)
    ],
    delay: always,
    late: Interval.widen(always, margin),
    updatedTimes
  }
}

/** No latency explains all firings, so it varies. A period stands out only where it explains most of that. */
const varied = (
  varying: Fit.Fits["varying"],
  delay: Interval.Interval | undefined,
  updatedTime: Result,
  updatedTimes: ReadonlyArray<Fit.UpdatedTime>
): Timer => {
  const width = ({ latency }: (typeof varying)[number]) => latency.max - latency.min
  const [always, ...periods] = varying
  const clear = periods.filter((one) => width(one) * chance.varying <= one.period)
  const best = clear.length === 0 ? undefined : clear.reduce((a, b) => (width(b) < width(a) ? b : a))
  const chosen = best ?? always
  const isPlain = always !== undefined && best !== undefined && width(always) <= 2 * width(best)
  const taken = isPlain ? always : chosen
  const range = taken?.latency ?? delay
  return {
    findings: [
      found(
        "sweepPeriod",
        taken === undefined || taken.period === 0
          ? notIdentified("the latency varies, and no period explains how")
          : about(taken.period, Interval.make(taken.period, taken.period))
      ),
      found(
        "triggerLatency",
        range === undefined ? notIdentified("the orders were gone before the deadline") : about(middle(range), range)
      ),
      found("clockStart", notIdentified("the latency varies by more than the stamps")),
      found("cancelUpdatedTime", updatedTime)
    ],
    delay,
    late: delay === undefined ? undefined : Interval.widen(delay, margin + delay.max - delay.min),
    updatedTimes
  }
}
