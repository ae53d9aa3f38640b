/**
 * Everything that a seed decides about a cluster, drawn before anything runs: runners and their settings, delays, what
 * happens to processes, store, exchange and engine, and what users ask for. Times are ms of the world.
 */
import { dice } from "../Plan.js"
import type { Dice } from "../Plan.js"

/** How a connection fails: nothing arrives and nothing is said, it is refused at once, or only the answers are lost. */
export type Cut = "hang" | "refuse" | "answers"

export type Deed =
  | { readonly at: number; readonly do: "crash" | "stop"; readonly runner: number; readonly backAfter: number }
  | {
      readonly at: number
      readonly do: "stall" | "suspend"
      readonly runner: number
      readonly length: number
      /** A process of the same name is started meanwhile. */
      readonly twin: boolean
    }
  | { readonly at: number; readonly do: "step-wall"; readonly runner: number; readonly by: number }
  | {
      readonly at: number
      readonly do: "cut"
      readonly runner: number
      readonly from: "store" | "exchange" | "both"
      readonly how: Cut
      readonly length: number
    }
  | { readonly at: number; readonly do: "outage"; readonly how: Cut; readonly length: number }
  /** The engine lays the accounts out anew. */
  | { readonly at: number; readonly do: "shuffle" }
  /** The engine tells these runners that the account is theirs, and all others that it is not. */
  | {
      readonly at: number
      readonly do: "lie"
      readonly account: number
      readonly owners: ReadonlyArray<number>
      readonly length: number
    }
  /** The first write of an epoch takes so much longer. */
  | { readonly at: number; readonly do: "slow"; readonly by: number; readonly length: number }
  | { readonly at: number; readonly do: "release" | "protect"; readonly account: number; readonly runner: number }
  | { readonly at: number; readonly do: "fail-work"; readonly account: number }
  /** The bot that runs elsewhere is dead. */
  | { readonly at: number; readonly do: "silence"; readonly account: number; readonly length: number }

export interface Plan {
  readonly seed: number
  readonly runners: number
  readonly accounts: number
  readonly settings: {
    readonly countdown: number
    readonly interval: number
    readonly requestTimeout: number
    readonly grace: number
    /** The time for which the exchange accepts a request that is late. */
    readonly horizon: number
    readonly atOnce: number
    readonly perSecond: number
    readonly inherits: number
    /** The pause before the next start of an account; `undefined` is the package's own schedule. */
    readonly restart: number | undefined
  }
  /** Where the bot is: with its owner, or elsewhere. */
  readonly bot: {
    readonly kickWithin: number | undefined
    readonly kickEvery: number
    readonly reconcile: "none" | "works" | "fails at first"
    readonly reconcileTakes: number
  }
  readonly engine: {
    readonly lease: number
    /** From one look of a runner at the engine's tables to the next. */
    readonly every: number
    /** How long a runner that is cut off from the store believes what it believed. */
    readonly gullible: number
  }
  readonly exchange: {
    readonly there: readonly [number, number]
    readonly back: readonly [number, number]
    readonly stampSkew: number
    readonly isPaced: boolean
    readonly loseRequest: number
    readonly loseAnswer: number
    /** The share of requests that arrive late, within the horizon. */
    readonly late: number
    /** The same for a `0`. */
    readonly lateZero: number
  }
  readonly store: {
    readonly there: readonly [number, number]
    readonly back: readonly [number, number]
    readonly loseRequest: number
    readonly loseAnswer: number
    /** The share of statements that arrive late, and how late at most. */
    readonly late: number
    readonly lateBy: number
  }
  readonly rates: ReadonlyArray<number>
  readonly ties: { readonly instants: "first-in" | "seeded"; readonly parties: "first-in" | "seeded" }
  readonly deeds: ReadonlyArray<Deed>
  /** From here on nothing goes wrong. */
  readonly healAt: number
  /** All has to be as it is wanted by then. The run ends a little after it is. */
  readonly endAt: number
}

/** Runners and accounts by their number. */
export const runnerName = (index: number): string => ["anna", "bert", "carl"][index]!
export const accountName = (index: number): string => `a${index}`

const span = ({ chance, int }: Dice, countdown: number, grace: number): number =>
  chance(0.25)
    ? int(100, 3_000)
    : chance(0.5)
      ? int(3_000, countdown)
      : chance(0.7)
        ? int(countdown, countdown + grace)
        : grace + int(0, 30_000)

const deedOf = (die: Dice, plan: Omit<Plan, "deeds" | "healAt" | "endAt">, at: number): Deed => {
  const { chance, int, pick } = die
  const { countdown, grace } = plan.settings
  const runner = int(0, plan.runners - 1)
  const account = int(0, plan.accounts - 1)
  const length = span(die, countdown, grace)
  const how = pick(["hang", "refuse", "answers"] as const)
  const kind = pick([
    "crash",
    "crash",
    "stop",
    "stop",
    "stall",
    "stall",
    "suspend",
    "step-wall",
    "cut",
    "cut",
    "cut",
    "outage",
    "outage",
    "shuffle",
    "shuffle",
    "lie",
    "lie",
    "slow",
    "release",
    "release",
    "release",
    "protect",
    plan.bot.kickWithin === undefined ? "fail-work" : "silence"
  ] as const)
  switch (kind) {
    case "crash":
    case "stop":
      return { at, do: kind, runner, backAfter: chance(0.3) ? int(0, 1_000) : int(1_000, 40_000) }
    case "stall":
    case "suspend":
      return { at, do: kind, runner, length, twin: chance(0.15) }
    case "step-wall": {
      const by = pick([int(50, 900), int(1_000, 20_000), 3_600_000])
      return { at, do: kind, runner, by: chance(0.5) ? by : -by }
    }
    case "cut":
      return { at, do: kind, runner, from: pick(["store", "store", "exchange", "both"]), how, length }
    case "outage":
      return { at, do: kind, how, length }
    case "shuffle":
      return { at, do: kind }
    case "lie": {
      const owners = Array.from({ length: plan.runners }, (_, index) => index).filter(() => chance(0.6))
      return { at, do: kind, account, owners, length }
    }
    case "slow":
      return { at, do: kind, by: int(200, 1_900), length: int(5_000, 40_000) }
    case "release":
    case "protect":
      return { at, do: kind, account, runner }
    case "fail-work":
      return { at, do: kind, account }
    case "silence":
      return { at, do: kind, account, length }
  }
}

/** A release meets more than others: its withdrawal, and a runner that is lost while it asks for the permit or has it. */
const aroundRelease = (
  { chance, int, pick }: Dice,
  { runners }: Omit<Plan, "deeds" | "healAt" | "endAt">,
  { account, at }: Extract<Deed, { do: "release" | "protect" }>
): ReadonlyArray<Deed> => {
  const soon = () => at + int(0, 2_500)
  const runner = int(0, runners - 1)
  const deeds: Array<Deed> = []
  if (chance(0.5)) deeds.push({ at: soon(), do: "protect", account, runner })
  if (chance(0.3)) deeds.push({ at: soon(), do: "crash", runner, backAfter: int(1_000, 20_000) })
  if (chance(0.4)) {
    const how = pick(["hang", "refuse", "answers"] as const)
    deeds.push({
      at: soon(),
      do: "cut",
      runner,
      from: pick(["store", "store", "exchange"]),
      how,
      length: int(3_000, 20_000)
    })
  }
  if (chance(0.2)) deeds.push({ at: soon(), do: "stall", runner, length: int(2_000, 15_000), twin: false })
  if (chance(0.3)) deeds.push({ at: at + int(2_500, 12_000), do: "protect", account, runner })
  return deeds
}

export const draw = (seed: number): Plan => {
  const die = dice(seed)
  const { chance, int, pick } = die
  const runners = chance(0.4) ? 3 : 2
  const crowd = chance(0.12)
  const accounts = crowd ? int(4, 7) : pick([1, 1, 2])
  const lease = int(2, 5) * 1_000
  const countdown = int(Math.ceil(lease / 1_000) + 2 + 1 + 6, 24) * 1_000
  const requestTimeout = pick([1_000, 1_500, 2_000])
  const interval = pick([2_000, 3_000, 3_000])
  const atOnce = crowd ? int(1, 3) : pick([1, 2, 16])
  // As many as the inequality leaves room for: lease + 2 s for the engine, 1 s for the report.
  const room = countdown - (lease + 2_000) - requestTimeout - interval - 1_000
  const noisy = chance(0.3)
  const link = (): readonly [number, number] => {
    const least = int(0, 40)
    return [least, least + int(0, chance(0.15) ? 400 : 60)]
  }
  const share = (often: number): number => (noisy && chance(often) ? int(1, 30) / 100 : 0)
  const plan: Omit<Plan, "deeds" | "healAt" | "endAt"> = {
    seed,
    runners,
    accounts,
    settings: {
      countdown,
      interval,
      requestTimeout,
      grace: chance(0.15) ? 0 : pick([1, 1, 2]) * countdown,
      horizon: pick([5_000, 8_000, 8_000, 30_000]),
      atOnce,
      perSecond: (1_000 * accounts) / (room - 10),
      inherits: accounts,
      restart: chance(0.5) ? 2_000 : undefined
    },
    bot: {
      kickWithin: chance(0.15) ? int(3, 8) * 1_000 : undefined,
      kickEvery: 1_000,
      reconcile: chance(0.1) ? "none" : chance(0.2) ? "fails at first" : "works",
      reconcileTakes: chance(0.5) ? 0 : int(100, 4_000)
    },
    engine: { lease, every: int(250, 1_000), gullible: int(500, lease) },
    exchange: {
      there: link(),
      back: link(),
      stampSkew: chance(0.2) ? pick([50, 300, 490]) : 0,
      isPaced: chance(0.5),
      loseRequest: share(0.5),
      loseAnswer: share(0.5),
      late: share(0.4),
      lateZero: chance(0.15) ? int(30, 90) / 100 : 0
    },
    store: {
      there: link(),
      back: link(),
      loseRequest: share(0.4),
      loseAnswer: share(0.4),
      late: share(0.3),
      lateBy: pick([1_500, 5_000, 20_000])
    },
    rates: Array.from({ length: runners }, () => (chance(0.1) ? pick([0.9995, 1.0005]) : 1)),
    ties: { instants: pick(["first-in", "seeded"]), parties: pick(["first-in", "seeded"]) }
  }
  const { grace, horizon } = plan.settings
  // Deeds meet often when some of them fall into the same seconds.
  const deeds: Array<Deed> = []
  const from = 5_000
  const until = from + int(8_000, 35_000)
  for (let n = int(1, 4); n > 0; n--) {
    const at = int(from, until)
    deeds.push(deedOf(die, plan, at))
    const first = deeds.at(-1)!
    if (first.do === "release" && chance(0.6)) deeds.push(...aroundRelease(die, plan, first))
    while (chance(0.35)) deeds.push(deedOf(die, plan, at + int(0, chance(0.5) ? 1_500 : 12_000)))
  }
  deeds.sort((a, b) => a.at - b.at)
  const lasts = deeds.reduce((last, deed) => Math.max(last, deed.at + ("length" in deed ? deed.length : 0)), until)
  // No host is suspended while its clock is set back by as much: no clock of its own can show that.
  const suspends = deeds.some((deed) => deed.do === "suspend")
  const possible = deeds.filter((deed) => !(suspends && deed.do === "step-wall" && deed.by < 0))
  return {
    ...plan,
    deeds: possible,
    healAt: lasts,
    // The longest that a permitted `0` keeps an account from being armed again, and the rest of a start that failed.
    endAt: lasts + Math.max(grace, horizon) + horizon + 2 * countdown + 35_000
  }
}

/** The plan without some of its deeds, by number. */
export const without = (plan: Plan, dropped: ReadonlyArray<number>): Plan => ({
  ...plan,
  deeds: plan.deeds.filter((_, index) => !dropped.includes(index))
})
