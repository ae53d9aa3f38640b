/** Random exchanges, and the judge of what a measurement says about them. A seed gives the same exchange each time. */
import type * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Random from "@effect-deadman/simulator/Random"
import * as Venue from "@effect-deadman/simulator/Venue"
import type { Findings } from "../../../src/probe/model.js"

const categories = ["USDT-FUTURES", "SPOT", "MARGIN", "COIN-FUTURES", "USDC-FUTURES"] as const

/** What the measurement can depend on, drawn; the rest keeps its default. */
export const draw = (seed: number): Simulator.Options & { readonly venue: Venue.Options } => {
  let index = 0
  const integer = (min: number, max: number) => Random.integer(seed, "venue", index++, min, max)
  const one = <A>(...values: ReadonlyArray<A>): A => values[integer(0, values.length - 1)]!
  const link = () => one("0ms", "5ms", "uniform(1ms,20ms)", "uniform(20ms,120ms)", "lognormal(60ms,0.4,400ms)")
  const venue: Venue.Options = {
    sweepPeriod: one(0, 0, 10, 100, 250, 500, 1_000, 2_000, integer(1, 2_000)),
    triggerLatency: one(0, 0, integer(1, 50), integer(50, 500), integer(500, 2_500)),
    cancelPace: one(0, 0, integer(1, 20), integer(20, 300)),
    cancelOrder: one("oldest", "newest"),
    cancelReason: one("normal_cancel", "countdown_cancel", "", "40725"),
    cancelUpdatedTime: one("trigger", "cancel"),
    sparedOrders: one(
      [],
      [],
      categories.filter(() => integer(0, 3) === 0)
    ),
    timeToApply: one(0, 0, integer(1, 40)),
    timeToComplete: one(0, 0, integer(1, 40)),
    clockStart: one("accept", "apply", "complete"),
    requestTime: one("accept", "complete"),
    shorterCountdown: one("replaces", "replaces", "ignored"),
    offWhenClosed: one("accept", "accept", "25204", "40017"),
    limitedCountdownApplies: one(false, false, true),
    refusedCountdown: one("ignored", "ignored", "restarts", "closes"),
    placingLatency: one(0, 0, integer(1, 600)),
    listStaleness: one(0, 0, integer(1, 400)),
    failureStatus: one(200, 400),
    badCountdown: { tooShort: one("40017", "400172", "48001", "99999") },
    boundary: one("fire", "beat"),
    tieOrder: one("declared", "reverse"),
    rateWindow: one("fixed", "sliding"),
    refusedCallsCount: one(false, true)
  }
  return { venue, venueOffset: integer(-100_000, 100_000), link: { request: link(), answer: link() }, seed }
}

const same = (a: unknown, b: unknown): boolean =>
  JSON.stringify(Array.isArray(a) ? [...a].sort() : a) === JSON.stringify(Array.isArray(b) ? [...b].sort() : b)

const drawnAt = (venue: Venue.Venue, option: string): unknown =>
  option.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], venue)

/** Every sentence in which the findings and the drawn exchange differ; an option that no finding names is one, too. */
export const differences = (given: Venue.Options, { findings }: Findings): ReadonlyArray<string> => {
  const venue = Venue.make(given)
  const found = new Map(findings.map(({ option, result }) => [option, result]))
  const unnamed = Object.keys(Venue.defaults).filter((option) => !found.has(option))
  return [
    ...unnamed.map((option) => `no finding names ${option}`),
    ...[...found].flatMap(([option, result]) => {
      if (result._tag === "NotIdentified") return result.reason === "" ? [`${option} has no reason`] : []
      const { bounds, value } = result
      const drawn = drawnAt(venue, option)
      const isRight =
        bounds === undefined
          ? same(value, drawn)
          : typeof drawn === "number" &&
            typeof value === "number" &&
            [drawn, value].every((number) => bounds.min <= number && number <= bounds.max)
      return isRight ? [] : [`${option} is ${JSON.stringify(drawn)}, found ${JSON.stringify(result)}`]
    })
  ]
}

/** What can be told apart in the drawn exchange has to be, and as sharply as this (ms). */
export const vagueness = (given: Venue.Options, { findings }: Findings): ReadonlyArray<string> => {
  const venue = Venue.make(given)
  const apart = venue.triggerLatency + venue.cancelPace * 4
  const sharpness: Readonly<Record<string, number>> = {
    sweepPeriod: venue.sweepPeriod >= 200 ? 1 : 500,
    triggerLatency: 150 + venue.timeToApply + venue.timeToComplete,
    cancelPace: 80,
    timeToApply: 2,
    timeToComplete: 2,
    placingLatency: 200,
    listStaleness: 150
  }
  const due = new Set([
    ...Object.keys(sharpness),
    "cancelReason",
    "sparedOrders",
    "shorterCountdown",
    "offWhenClosed",
    "limitedCountdownApplies",
    "refusedCountdown",
    "badCountdown.tooShort",
    "failureStatus",
    ...(venue.timeToApply + venue.timeToComplete > 0 ? ["requestTime"] : []),
    ...(venue.cancelPace >= 100 ? ["cancelOrder"] : []),
    ...(apart >= 400 ? ["cancelUpdatedTime"] : [])
  ])
  return findings.flatMap(({ option, result }) => {
    if (!due.has(option)) return []
    if (result._tag === "NotIdentified") return [`${option} is not identified: ${result.reason}`]
    const width = result.bounds === undefined ? 0 : result.bounds.max - result.bounds.min
    const most = sharpness[option] ?? 0
    return width > most ? [`${option} has bounds ${width} apart, more than ${most}`] : []
  })
}
