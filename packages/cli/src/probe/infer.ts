/** From observations to findings: one answer for each option of the simulated exchange. Pure. */
import { cancelling } from "./cancelling.js"
import * as Interval from "./interval.js"
import { categories } from "./model.js"
import type { Bounds, Finding, Findings, KindSeen, Observation, Purpose, Result } from "./model.js"
import * as Observed from "./observed.js"
import { about, middle, notIdentified, only, timer } from "./timer.js"

/** What no experiment of a single account can or should find out. */
const notMeasured: Readonly<Record<string, string>> = {
  boundary: "it takes a beat in the very millisecond of the deadline",
  tieOrder: "it takes two accounts with one deadline",
  badCountdown: "codes for bad input, except that of a countdown too short, are not worth an account's calls",
  codes: "codes of refusals are not worth an account's calls",
  checks: "it takes calls with several flaws",
  timestampWindow: "it takes calls with bad timestamps",
  timestampSymmetric: "it takes calls with bad timestamps",
  timestampInclusive: "it takes calls with bad timestamps",
  rateWindow: "it takes many calls over the limit",
  refusedCallsCount: "it takes many calls over the limit",
  ipLimit: "it would lock the address out",
  openOrderCap: "it takes hundreds of orders",
  maintenance: "release windows are scheduled by the exchange",
  maintenanceTimer: "it takes a countdown that runs into a release window",
  maintenanceApplies: "it takes a call in a release window"
}

const measured = (value: string | number | boolean | ReadonlyArray<string>): Result => ({ _tag: "Measured", value })

const rounded = (interval: Interval.Interval | undefined): Bounds | undefined =>
  interval === undefined
    ? undefined
    : { min: Math.max(0, Math.floor(interval.min)), max: Math.max(0, Math.ceil(interval.max)) }

/** A length that is 0 when it can be. */
const least = (interval: Interval.Interval | undefined, reason: string): Result =>
  interval === undefined ? notIdentified(reason) : about(interval.min <= 0 ? 0 : middle(interval), interval)

/** The times of the processing of an order, as its creation divides the stamps of its call. */
const processing = (observations: ReadonlyArray<Observation>, { skew }: Observed.Timing) => {
  const before: Array<number> = []
  const after: Array<number> = []
  for (const { closed, placed } of observations) {
    for (const { call, orderId } of placed) {
      const created = closed.find((one) => one.orderId === orderId)?.createdTime
      if (created === undefined || call.acceptedAt === undefined || call.completedAt === undefined) continue
      before.push(created - call.acceptedAt)
      after.push(call.completedAt - created)
    }
  }
  const range = (all: ReadonlyArray<number>) =>
    Interval.widen(Interval.make(Math.min(...all), Math.max(...all)), 1 + skew)
  const isEnclosed = [...before, ...after].every((millis) => millis >= -1 - skew)
  return before.length === 0 || !isEnclosed ? undefined : { before: range(before), after: range(after) }
}

const requestTime = (observations: ReadonlyArray<Observation>): Result => {
  const calls = observations
    .flatMap(({ pages, placed, written }) => [...pages, ...placed, ...written])
    .map(({ call }) => call)
    .filter(({ acceptedAt, completedAt }) => acceptedAt !== undefined && acceptedAt !== completedAt)
  if (calls.length === 0) return notIdentified("the two stamps of an answer were equal")
  return only(
    calls.map(({ acceptedAt, completedAt, requestTime }) =>
      requestTime === acceptedAt ? "accept" : requestTime === completedAt ? "complete" : "neither"
    ),
    "it is sometimes the one and sometimes the other"
  )
}

/** The last observation of an experiment, which is the one that came out as planned, if any did. */
const lastOf = (observations: ReadonlyArray<Observation>, purpose: Purpose): Observation | undefined =>
  observations.findLast(({ experiment }) => experiment.purpose === purpose)

/** A candidate for what happened: the deadline that it would have made, or none. */
type Candidates<A extends string> = Readonly<Record<A, Interval.Interval | undefined>>

/** Which of the candidates explains when the order went. */
const explain = <A extends string>(
  observation: Observation,
  timing: Observed.Timing,
  stale: Interval.Interval,
  late: Interval.Interval | undefined,
  candidates: Candidates<A>
): A | undefined => {
  const [order] = Observed.watched(observation, timing, stale)
  if (order === undefined || late === undefined) return undefined
  const names = Object.keys(candidates) as Array<A>
  const firings = names.map((name) => {
    const deadline = candidates[name]
    return deadline === undefined ? undefined : Interval.plus(deadline, late)
  })
  const last = Math.max(...firings.map((firing) => firing?.max ?? -Infinity))
  const possible = names.filter((_, index) => {
    const firing = firings[index]
    // That nothing fires is seen only once everything else would have.
    if (firing === undefined) return order.gone.max === Infinity && order.gone.min > last
    return order.gone.max < Infinity && Interval.overlaps(order.gone, firing)
  })
  return possible.length === 1 ? possible[0] : undefined
}

const chosen = (option: string, value: string | boolean | undefined, reason: string): Finding => ({
  option,
  result: value === undefined ? notIdentified(reason) : measured(value)
})

const unclear = "the order went at an instant that no answer explains"

/** What the experiments with two writes show. */
const writes = (
  observations: ReadonlyArray<Observation>,
  timing: Observed.Timing,
  stale: Interval.Interval,
  late: Interval.Interval | undefined
): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  const two = (purpose: Purpose) => {
    const observation = lastOf(observations, purpose)
    const [first, second] = observation?.written ?? []
    if (observation === undefined || first?.outcome._tag !== "Accepted" || second === undefined) return undefined
    if (second.outcome._tag === "Unknown") return undefined
    const deadline = (write: typeof first, seconds: string) =>
      Interval.shift(timing.acted(write.call), Number(seconds) * 1_000)
    return { observation, first, second, own: deadline(first, first.countdown), deadline }
  }

  const shorter = two("shorter")
  if (shorter?.second.outcome._tag === "Accepted") {
    const { deadline, observation, own, second } = shorter
    const candidates = { replaces: deadline(second, second.countdown), ignored: own }
    findings.push(chosen("shorterCountdown", explain(observation, timing, stale, late, candidates), unclear))
  } else {
    const refused = shorter?.second.outcome._tag === "Refused" ? shorter.second.outcome.code : undefined
    const reason =
      refused === undefined ? "no answer to a shorter countdown came" : `a shorter countdown is refused with ${refused}`
    findings.push(chosen("shorterCountdown", undefined, reason))
  }

  const refused = two("refused")
  if (refused?.second.outcome._tag === "Refused") {
    const { deadline, first, observation, own, second } = refused
    const { code, httpStatus } = refused.second.outcome
    const candidates = { ignored: own, restarts: deadline(second, first.countdown), closes: undefined }
    findings.push(chosen("refusedCountdown", explain(observation, timing, stale, late, candidates), unclear))
    findings.push({
      option: "badCountdown.tooShort",
      result: /^\d+$/.test(code) ? measured(code) : notIdentified(`the code is ${JSON.stringify(code)}`)
    })
    findings.push({
      option: "failureStatus",
      result:
        httpStatus === 200 || httpStatus === 400
          ? measured(httpStatus)
          : notIdentified(`the status was ${String(httpStatus)}`)
    })
  } else {
    const reason =
      refused?.second.outcome._tag === "Accepted"
        ? "the exchange takes a countdown of 4 s, which was to be refused"
        : "no refusal was seen"
    for (const option of ["refusedCountdown", "badCountdown.tooShort", "failureStatus"]) {
      findings.push(chosen(option, undefined, reason))
    }
  }

  const limited = two("limited")
  if (limited?.second.outcome._tag === "Limited") {
    const { deadline, observation, own, second } = limited
    const candidates = { no: own, yes: deadline(second, second.countdown) }
    const answer = explain(observation, timing, stale, late, candidates)
    findings.push(chosen("limitedCountdownApplies", answer === undefined ? undefined : answer === "yes", unclear))
  } else {
    findings.push(chosen("limitedCountdownApplies", undefined, "no call was refused for its rate"))
  }

  const off = lastOf(observations, "closed")?.written[0]?.outcome
  findings.push(
    chosen(
      "offWhenClosed",
      off?._tag === "Accepted" ? "accept" : off?._tag === "Refused" && /^\d+$/.test(off.code) ? off.code : undefined,
      'no answer to "0" came while nothing was armed'
    )
  )
  return findings
}

/** The kinds of orders that were tried. */
export const kinds = (observations: ReadonlyArray<Observation>): ReadonlyArray<KindSeen> => {
  const observation = lastOf(observations, "kinds")
  if (observation === undefined || observation.written[0]?.outcome._tag !== "Accepted") return []
  return [
    ...observation.placed.map(({ order, orderId }): KindSeen => {
      const isCancelled = observation.closed.some((one) => one.orderId === orderId && one.status === "cancelled")
      return { order, fate: isCancelled ? "cancelled" : "survived" }
    }),
    ...observation.notPlaced.map(({ code, order }): KindSeen => ({ order, fate: "not placed", code }))
  ]
}

/** The categories whose orders all survived a firing that cancelled others. */
const spared = (kinds: ReadonlyArray<KindSeen>): ReadonlyArray<Finding> => {
  const tried = new Set(kinds.filter(({ fate }) => fate !== "not placed").map(({ order }) => order.category))
  const cancelled = new Set(kinds.filter(({ fate }) => fate === "cancelled").map(({ order }) => order.category))
  const untried = categories.filter((category) => !tried.has(category))
  return [
    {
      option: "sparedOrders",
      result:
        cancelled.size === 0
          ? notIdentified("no order was seen cancelled by the switch")
          : measured([...tried].filter((category) => !cancelled.has(category)))
    },
    { option: "sparedOrders.reduceOnly", result: notIdentified("it takes a position") },
    ...untried.map((category) => ({
      option: `sparedOrders.${category}`,
      result: notIdentified("no order of this category was placed")
    }))
  ]
}

/** All that the observations show. */
export const infer = (observations: ReadonlyArray<Observation>): Findings => {
  const timing = Observed.timingOf(observations)
  const seenStale = Observed.staleness(observations, timing)
  const stale = seenStale ?? Interval.make(0, 0)
  const placing = Observed.placing(observations, timing, stale)
  const firings = Observed.firings(observations, timing, stale)
  const times = processing(observations, timing)
  const { delay, findings, late, updatedTimes } = timer(firings, times?.before ?? Interval.make(0, Infinity))
  // Kinds that are cancelled differently would look like a slow cancel.
  const several = Observed.firings(
    observations.filter(({ experiment }) => experiment.purpose === "cancels"),
    timing,
    stale
  ).filter(({ orders }) => orders.length > 1)
  const cancels = cancelling(several, updatedTimes)
  const seen = kinds(observations)
  const noCreation = "createdTime does not lie between the stamps of the order's placing"
  return {
    findings: [
      ...findings,
      ...cancels.findings,
      {
        option: "cancelReason",
        result: only(
          firings.flatMap(({ orders }) =>
            orders.flatMap(({ closed }) => (closed === undefined ? [] : [closed.cancelReason]))
          ),
          firings.length === 0 ? "no firing was seen" : "the orders of the firings have different ones"
        )
      },
      ...spared(seen),
      {
        option: "timeToApply",
        result: times === undefined ? notIdentified(noCreation) : least(times.before, noCreation)
      },
      {
        option: "timeToComplete",
        result: times === undefined ? notIdentified(noCreation) : least(times.after, noCreation)
      },
      { option: "requestTime", result: requestTime(observations) },
      { option: "placingLatency", result: least(placing, "no order was listed") },
      { option: "listStaleness", result: least(seenStale, "no order was cancelled by request") },
      ...writes(observations, timing, stale, late),
      ...Object.entries(notMeasured).map(([option, reason]) => ({ option, result: notIdentified(reason) }))
    ],
    advice: {
      firstCancel: rounded(delay),
      cancelling: rounded(cancels.lasts),
      placing: rounded(placing),
      staleness: rounded(seenStale),
      skew: Math.ceil(timing.skew)
    },
    kinds: seen,
    firings: firings.length,
    partialPage: cancels.partialPage
  }
}
