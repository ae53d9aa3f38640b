/**
 * Everything that a seed decides, drawn before anything runs, as plain data that can be printed and made smaller. Each
 * seed draws a subset of the features with its own strengths, so that rare ones meet often.
 */

export type Deed =
  | {
      readonly at: number
      readonly do: "place" | "cancel" | "look" | "beat" | "reconcile" | "heal" | "verdict" | "crash"
    }
  | { readonly at: number; readonly do: "interrupted-beat" | "suspend" | "stall" | "lapse"; readonly length: number }
  | { readonly at: number; readonly do: "step-wall"; readonly by: number }
  | { readonly at: number; readonly do: "other-client"; readonly seconds: number }
  | {
      readonly at: number
      readonly do: "close"
      readonly how: "success" | "failure" | "interruption"
      /** Ms after which the fiber that waits for the release is interrupted. */
      readonly interruptedAfter: number | undefined
    }

/** A policy of the library by its name, or one that always chooses the same. */
export type ReleasePolicy =
  "disarm" | "letExpire" | "cancelOnFailure" | "cancelUnlessDone" | "always Disarm" | "always CancelSoon"

export interface Plan {
  readonly seed: number
  /** The port alone, over exchange and network, or HTTP, signature and verification, too. */
  readonly stack: "port" | "http"
  readonly client: {
    /** Seconds. A value that is no whole number from 5 to 60 has to be refused. */
    readonly countdown: number
    readonly interval: number
    readonly requestTimeout: number
    readonly armTimeout: number
    readonly releaseTimeout: number
    readonly settle: number
    readonly release: ReleasePolicy
    readonly abandon: "Disarm" | "LetExpire"
    readonly onUncertain: "lose" | "verify"
    readonly liveness: boolean
    /** Whether `set` ignores interruptions. */
    readonly deaf: boolean
    /** Whether `status` is read during the run. If not, only the reports are judged. */
    readonly read: boolean
  }
  readonly venue: {
    readonly boundary: "fire" | "beat"
    readonly sweepPeriod: number
    readonly triggerLatency: number
    readonly cancelPace: number
    readonly timeToApply: number
    readonly timeToComplete: number
    readonly clockStart: "accept" | "apply" | "complete"
    readonly rateWindow: "fixed" | "sliding"
    readonly stamps: "headers" | "requestTime" | "zero" | "none"
    /** The number of the answer whose stamps come from a machine with a wrong clock, and its error in ms. */
    readonly wrongMachine: { readonly answer: number; readonly by: number } | undefined
    readonly maintenance: { readonly from: number; readonly to: number } | undefined
    readonly maintenanceTimer: "runs" | "pauses" | "fires-at-end"
    readonly maintenanceApplies: boolean
  }
  readonly clock: {
    /** Speed of the host's monotonic clock. */
    readonly rate: number
    readonly wallOffset: number
    readonly venueOffset: number
    /** The largest error of the clocks that stamp other answers, ms. */
    readonly machineSkew: number
    /** The error of the client's estimate of the exchange's clock, and the bound that it knows for it, ms. */
    readonly skew: number
    readonly uncertainty: number
  }
  readonly link: { readonly request: readonly [number, number]; readonly answer: readonly [number, number] }
  readonly faults: ReadonlyArray<string>
  /** An earlier heartbeat of the same account in the same process: its life, and the gap after it, in ms. */
  readonly predecessor: { readonly lives: number; readonly gap: number } | undefined
  /** The write of this number arrives in the millisecond of the expiry, and no other write before it. */
  readonly needle: number | undefined
  /**
   * The open orders as evidence, with the client's allowance for a stale list, ms. Their exchange takes its time to place
   * and to cancel, and its lists may be stale.
   */
  readonly evidence:
    { readonly maxStaleness: number; readonly placingLatency: number; readonly listStaleness: number } | undefined
  readonly ties: { readonly instants: "first-in" | "seeded"; readonly parties: "first-in" | "seeded" }
  readonly deeds: ReadonlyArray<Deed>
}

/** The random numbers of a plan: 32-bit, seeded, and independent of the judged code. */
export const dice = (seed: number) => {
  let a = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.floor(seed / 0x1_0000_0000)
  const next = (): number => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const chance = (p: number): boolean => next() < p
  const int = (min: number, max: number): number => min + Math.floor(next() * (Math.max(min, max) - min + 1))
  const pick = <A>(values: ReadonlyArray<A>): A => values[int(0, values.length - 1)]!
  return { chance, int, pick }
}
export type Dice = ReturnType<typeof dice>

/** Refusals that no retry can heal. */
const fatalCodes = ["40009", "40014", "40012", "40018", "25008", "40084"]
const passingCodes = ["25000", "40200", "40808", "40010", "45001", "31337", "40008"]

const faultOf = ({ chance, int, pick }: Dice, healAt: number): string => {
  const kind = pick([
    "drop-request",
    "drop-answer",
    "drop-answer",
    "delay-request",
    "delay-answer",
    "duplicate",
    "duplicate",
    "reorder",
    "partition",
    "partition-request",
    "partition-answer",
    "refuse-connection",
    "reset",
    "status",
    "body",
    "rate-limit",
    "maintenance",
    "error-after-apply",
    "hang",
    "code",
    "fatal"
  ])
  const span = (): string => {
    const from = int(0, healAt)
    const length = chance(0.2) ? int(5_000, 40_000) : int(500, 8_000)
    return `;from=${from}ms;for=${length}ms`
  }
  const share = (): string => `;probability=${int(5, 90) / 100}`
  const few = (): string => `;after=${int(0, 8)};times=${int(1, 4)}`
  const strength = (): string => pick([share, few, () => share() + span()])()
  const only = chance(0.25) ? `;countdown=${pick(["0", "0", "on"])}` : ""
  const direction = pick(["request", "answer"])
  const longest = chance(0.25) ? 29_000 : chance(0.5) ? 8_000 : 2_500
  const by = `uniform(0ms,${longest}ms)`
  switch (kind) {
    case "delay-request":
    case "delay-answer":
      return `${kind};by=${by}${only}${strength()}`
    case "duplicate":
      return `${kind};by=${by}${chance(0.2) ? ";copies=2" : ""}${only}${strength()}`
    case "reorder":
      return `${kind};by=uniform(0ms,${pick([1, 500, 3_000])}ms);hold=${int(1_000, 29_000)}ms${only}${strength()}`
    case "partition":
    case "partition-request":
    case "partition-answer":
      return `${kind}${span()}`
    case "reset":
    case "hang":
      return `${kind};direction=${direction}${only}${strength()}`
    case "status":
      return `${kind};direction=${direction};status=${pick([500, 502, 504])}${only}${strength()}`
    case "body":
      return direction === "request"
        ? `${pick(["empty-body", "garbage-body"])};direction=answer${only}${strength()}`
        : `truncated-body;keep=${int(1, 30)}${only}${strength()}`
    case "maintenance":
      return `${kind};direction=${direction};code=${pick(["45001", "40725", "40808", "40015"])}${only}${strength()}`
    case "error-after-apply":
      return `${kind};${pick(["code=40010", "code=45001", "status=504"])}${only}${strength()}`
    case "code":
      return `${kind};code=${pick(passingCodes)}${only}${strength()}`
    case "fatal":
      return chance(0.5) ? `code;code=${pick(fatalCodes)}${only}${few()}` : `code;code=40037${only}${few()}`
    default:
      return `${kind}${only}${strength()}`
  }
}

const clientOf = ({ chance, int, pick }: Dice): Plan["client"] => {
  const countdown = chance(0.012)
    ? pick([0, 0.4, 2.5, 4, 4.9, 10.4, 61, -5])
    : pick([5, 5, 6, 7, 8, 10, 10, 10, 10, 12, 15, 20, 30, 60])
  const total = countdown * 1_000
  const liveness = chance(0.12)
  const byDefault = chance(0.5)
  const requestTimeout = byDefault ? total / 5 : int(Math.min(300, total / 5), total / 5)
  // Three checks of at least 150 ms have to fit, too.
  const room = Math.floor(total - (liveness ? 450 : 0) - 2 * Math.max(requestTimeout, 1_000) - requestTimeout)
  const interval = byDefault && total * 0.3 <= room ? Math.round(total * 0.3) : int(1_000, room)
  const patient = chance(0.03)
  const settle = patient ? int(31_000, 35_000) : chance(0.7) ? requestTimeout : int(0, 5_000)
  const closing = Math.ceil(3 * requestTimeout + 1_000 + Math.max(settle, 1_000))
  return {
    countdown,
    interval,
    requestTimeout,
    armTimeout: chance(0.7) ? total : int(requestTimeout, total),
    releaseTimeout: patient ? 90_000 : Math.max(closing, chance(0.7) ? total : int(closing, 40_000)),
    settle,
    release: chance(0.5)
      ? "disarm"
      : pick(["cancelOnFailure", "cancelUnlessDone", "letExpire", "always Disarm", "always CancelSoon"]),
    abandon: chance(0.85) ? "Disarm" : "LetExpire",
    onUncertain: chance(0.5) ? "lose" : "verify",
    liveness,
    deaf: chance(0.08),
    read: chance(0.6)
  }
}

const venueOf = ({ chance, int, pick }: Dice, healAt: number): Plan["venue"] => {
  const sweepPeriod = chance(0.3) ? pick([10, 100, 500]) : 0
  const maintained = chance(0.05)
  const from = int(1_000, healAt - 2_000)
  return {
    boundary: pick(["fire", "beat"]),
    sweepPeriod,
    triggerLatency: chance(0.3) ? int(0, 400) : 0,
    cancelPace: chance(0.2) ? int(1, 30) : 0,
    timeToApply: chance(0.2) ? int(1, 80) : 0,
    timeToComplete: chance(0.2) ? int(1, 80) : 0,
    clockStart: pick(["accept", "apply", "apply", "complete"]),
    rateWindow: pick(["fixed", "sliding"]),
    stamps: chance(0.7) ? "headers" : pick(["requestTime", "requestTime", "zero", "none"]),
    wrongMachine: chance(0.1) ? { answer: int(0, 8), by: pick([-60_000, -5_000, 5_000, 60_000]) } : undefined,
    maintenance: maintained ? { from, to: int(from + 500, healAt - 500) } : undefined,
    maintenanceTimer: pick(["runs", "runs", "pauses", "fires-at-end"]),
    maintenanceApplies: chance(0.3)
  }
}

/** The longest time in ms that a healthy client needs after the healing to be armed again or to report the reason. */
export const recoveryTime = ({ client, deeds }: Pick<Plan, "client" | "deeds">): number =>
  // After a step of the wall clock the answer after the next one settles the doubt, and steps change no cadence.
  (deeds.some((deed) => deed.do === "step-wall" || deed.do === "suspend") ? 2 : 1) * client.interval +
  client.countdown * 100 +
  4 * (client.requestTimeout + 1_000)

const deedsOf = (
  die: Dice,
  plan: Omit<Plan, "deeds" | "predecessor" | "evidence">,
  healAt: number
): ReadonlyArray<Deed> => {
  const { chance, int, pick } = die
  const deeds: Array<Deed> = []
  const sometime = () => int(0, healAt)
  for (let n = int(1, 4); n > 0; n--) deeds.push({ at: int(0, healAt + 10_000), do: "place" })
  for (let n = int(2, 8); n > 0; n--) deeds.push({ at: int(0, healAt + 15_000), do: "look" })
  const suspends = chance(0.12)
  if (suspends) {
    for (let n = int(1, 2); n > 0; n--) {
      const length = chance(0.5) ? int(200, 5_000) : int(5_000, 70_000)
      deeds.push({ at: int(0, Math.max(0, healAt - length)), do: "suspend", length })
    }
  }
  if (chance(0.12)) {
    for (let n = int(1, 2); n > 0; n--) {
      const length = chance(0.6) ? int(100, 4_000) : int(4_000, 30_000)
      deeds.push({ at: int(0, Math.max(0, healAt - length)), do: "stall", length })
    }
  }
  if (chance(0.18)) {
    for (let n = int(1, 3); n > 0; n--) {
      const size = pick([int(50, 900), int(1_000, 20_000), 3_600_000])
      // Forward only with a suspend, because no clock shows the sleep of a host whose wall clock is set back meanwhile.
      deeds.push({ at: sometime(), do: "step-wall", by: suspends || chance(0.5) ? size : -size })
    }
  }
  if (chance(0.05)) deeds.push({ at: sometime(), do: "other-client", seconds: pick([0, 5, 10, 60]) })
  if (plan.client.liveness) deeds.push({ at: sometime(), do: "lapse", length: int(500, 20_000) })
  if (chance(0.12)) for (let n = int(1, 3); n > 0; n--) deeds.push({ at: sometime(), do: "beat" })
  if (chance(0.1)) deeds.push({ at: sometime(), do: "interrupted-beat", length: int(0, 1_500) })
  if (plan.client.onUncertain === "verify" && chance(0.3)) deeds.push({ at: sometime(), do: "reconcile" })
  deeds.push({ at: healAt, do: "heal" })
  const lasts = deeds.reduce((last, deed) => Math.max(last, "length" in deed ? deed.at + deed.length : 0), healAt)
  const fate = int(0, 99)
  const how = pick(["success", "success", "success", "failure", "interruption"] as const)
  const interruptedAfter = chance(0.25) ? int(0, 1_500) : undefined
  if (fate < 8)
    deeds.push({ at: int(0, chance(0.5) ? 400 : 3_000), do: "close", how: "interruption", interruptedAfter })
  else if (fate < 20) deeds.push({ at: int(500, healAt), do: "crash" })
  else if (fate < 55) deeds.push({ at: int(500, healAt), do: "close", how, interruptedAfter })
  else {
    const verdictAt = lasts + recoveryTime({ client: plan.client, deeds })
    if (plan.client.onUncertain === "verify") deeds.push({ at: verdictAt - 1, do: "reconcile" })
    deeds.push({ at: verdictAt, do: "verdict" })
    deeds.push({ at: verdictAt + int(1, 12_000), do: "close", how, interruptedAfter })
  }
  return deeds.sort((a, b) => a.at - b.at)
}

export interface Draw {
  readonly stack?: "port" | "http" | undefined
}

/** One seed in ten runs the whole stack. */
export const stackOf = (seed: number): "port" | "http" => (seed % 10 === 7 ? "http" : "port")

const drawOne = (seed: number, options: Draw): Plan => {
  const die = dice(seed)
  const { chance, int, pick } = die
  const healAt = int(12_000, 55_000)
  const client = clientOf(die)
  const venue = venueOf(die, healAt)
  const drawn = options.stack ?? stackOf(seed)
  const uncertainty = pick([0, 0, 50, 500])
  const slow = chance(0.15)
  const link = (): readonly [number, number] => {
    const least = int(0, slow ? 400 : 40)
    return [least, least + int(0, slow ? 500 : 60)]
  }
  const calm = chance(0.2)
  const faults: Array<string> = []
  if (!calm) for (let n = int(1, 4); n > 0; n--) faults.push(faultOf(die, healAt))
  // Only a request whose answer is lost arrives twice.
  if (faults.some((fault) => fault.startsWith("duplicate")) && chance(0.7)) {
    faults.push(`drop-answer;probability=${int(20, 90) / 100}`)
  }
  const plan: Omit<Plan, "deeds" | "predecessor" | "evidence"> = {
    seed,
    stack: drawn,
    client,
    venue,
    clock: {
      rate: chance(0.12) ? pick([0.9995, 1.0005, 0.9999, 1.001]) : 1,
      wallOffset: chance(0.2) ? int(-3_600_000, 3_600_000) : 0,
      venueOffset: chance(0.3) ? int(-60_000, 60_000) : 0,
      machineSkew: chance(0.2) ? pick([50, 300, 490]) : 0,
      skew: int(-uncertainty, uncertainty),
      uncertainty
    },
    link: { request: link(), answer: link() },
    faults,
    needle: chance(0.06) ? int(0, 5) : undefined,
    ties: { instants: pick(["first-in", "seeded"]), parties: pick(["first-in", "seeded"]) }
  }
  const deeds = deedsOf(die, plan, healAt)
  const predecessor =
    plan.needle === undefined && !invalid(plan) && !deeds.some((deed) => deed.do === "crash") && chance(0.1)
      ? { lives: int(0, 3_000), gap: chance(0.5) ? 0 : int(0, 10_000) }
      : undefined
  if (predecessor !== undefined && chance(0.5)) {
    faults.push(`delay-request;by=uniform(${chance(0.5) ? 2 : 10}s,29s);countdown=0;times=${int(1, 2)}`)
  }
  return { ...plan, predecessor, deeds, evidence: undefined }
}

/**
 * The plan with open orders as evidence, and with what makes it hard: gaps that held, gaps over a firing, resting orders
 * from before, orders from between, a slow exchange.
 */
export const withEvidence = (plan: Plan, { chance, int, pick }: Dice): Plan => {
  const healAt = plan.deeds.find((deed) => deed.do === "heal")?.at ?? 20_000
  const ends = plan.deeds.reduce((last, deed) => (deed.do === "close" || deed.do === "crash" ? deed.at : last), healAt)
  const deeds: Array<Deed> = [...plan.deeds]
  for (let n = pick([0, 1, 3, 10]); n > 0; n--) deeds.push({ at: int(0, 2_000), do: "place" })
  for (let n = int(0, 3); n > 0; n--) deeds.push({ at: int(0, ends), do: "place" })
  for (let n = chance(0.3) ? int(1, 3) : 0; n > 0; n--) deeds.push({ at: int(0, ends), do: "cancel" })
  const verdict = plan.deeds.find((deed) => deed.do === "verdict")
  if (verdict !== undefined && plan.client.onUncertain === "lose") deeds.push({ at: verdict.at - 1, do: "reconcile" })
  const faults = [...plan.faults]
  for (let n = pick([0, 1, 1, 2]); n > 0; n--) {
    const length = plan.client.countdown * 1_000 + int(500, 9_000)
    const span = `from=${int(1_000, Math.max(1_000, healAt - length))}ms;for=${length}ms`
    faults.push(
      `${pick(["drop-answer", "drop-answer", "partition", "drop-request"])};endpoint=countdown-cancel-all;${span}`
    )
  }
  if (chance(0.2)) faults.push(`drop-answer;endpoint=unfilled-orders;times=${int(1, 3)}`)
  const lives = int(0, 4_000)
  const gap = int(0, 15_000)
  const hasRoom = plan.needle === undefined && !deeds.some((deed) => deed.do === "crash") && ends > lives + gap + 15_000
  const predecessor = plan.predecessor ?? (hasRoom && chance(0.3) ? { lives, gap } : undefined)
  if (predecessor !== undefined && chance(0.5)) faults.push(`drop-request;countdown=0;times=${int(1, 4)}`)
  const listStaleness = chance(0.3) ? pick([500, 8_000, 8_000]) : 0
  return {
    ...plan,
    client: { ...plan.client, onUncertain: "verify" },
    venue: { ...plan.venue, cancelPace: chance(0.4) ? int(100, 350) : plan.venue.cancelPace },
    faults,
    predecessor,
    deeds: deeds.sort((a, b) => a.at - b.at),
    evidence: {
      listStaleness,
      maxStaleness: listStaleness > 0 && chance(0.5) ? listStaleness : 0,
      placingLatency: chance(0.3) ? int(1, 900) : 0
    }
  }
}

export const draw = (seed: number, options: Draw = {}): Plan => {
  const plan = drawOne(seed, options)
  // Dice of its own, so that the other draws are what they were without it.
  const die = dice(seed + 0x5167_4e11)
  return die.chance(0.2) && !invalid(plan) ? withEvidence(plan, die) : plan
}

/** Whether the client must refuse its options. */
export const invalid = ({ client }: Pick<Plan, "client">): boolean =>
  !Number.isInteger(client.countdown) || client.countdown < 5 || client.countdown > 60

// ---------------------------------------------------------------------------------------------------------------------
// Smaller plans
// ---------------------------------------------------------------------------------------------------------------------

type Edit = (plan: Plan) => Plan

const calmVenue = (venue: Plan["venue"]): Plan["venue"] => ({
  ...venue,
  sweepPeriod: 0,
  triggerLatency: 0,
  cancelPace: 0,
  timeToApply: 0,
  timeToComplete: 0,
  clockStart: "apply",
  maintenance: undefined
})

/** The edits that make a plan simpler, by name. Faults and deeds are named by their place in the plan of the seed. */
const edits: Readonly<Record<string, Edit>> = {
  venue: (plan) => ({ ...plan, venue: calmVenue(plan.venue) }),
  maintenance: (plan) => ({ ...plan, venue: { ...plan.venue, maintenance: undefined } }),
  stamps: (plan) => ({ ...plan, venue: { ...plan.venue, stamps: "headers", wrongMachine: undefined } }),
  drift: (plan) => ({ ...plan, clock: { ...plan.clock, rate: 1 } }),
  offsets: (plan) => ({
    ...plan,
    clock: { rate: plan.clock.rate, wallOffset: 0, venueOffset: 0, machineSkew: 0, skew: 0, uncertainty: 0 }
  }),
  link: (plan) => ({ ...plan, link: { request: [10, 10], answer: [10, 10] } }),
  predecessor: (plan) => ({ ...plan, predecessor: undefined }),
  needle: (plan) => ({ ...plan, needle: undefined }),
  ties: (plan) => ({ ...plan, ties: { instants: "first-in", parties: "first-in" } }),
  deaf: (plan) => ({ ...plan, client: { ...plan.client, deaf: false } }),
  evidence: (plan) => ({ ...plan, evidence: undefined }),
  verify: (plan) => ({ ...plan, client: { ...plan.client, onUncertain: "lose" }, evidence: undefined }),
  liveness: (plan) => ({ ...plan, client: { ...plan.client, liveness: false } }),
  http: (plan) => ({ ...plan, stack: "port" })
}

/** The plan without the parts of these names: `fault:1`, `deed:3`, `link`, ... Unknown names throw. */
export const without = (plan: Plan, names: ReadonlyArray<string>): Plan => {
  const gone = (kind: string) =>
    new Set(names.filter((name) => name.startsWith(kind)).map((name) => +name.split(":")[1]!))
  const faults = gone("fault:")
  const deeds = gone("deed:")
  let next: Plan = {
    ...plan,
    faults: plan.faults.filter((_, index) => !faults.has(index)),
    deeds: plan.deeds.filter((_, index) => !deeds.has(index))
  }
  for (const name of names) {
    if (name.includes(":")) continue
    const edit = edits[name]
    if (edit === undefined)
      throw new Error(`--drop takes ${Object.keys(edits).join(", ")}, fault:N and deed:N, not "${name}"`)
    next = edit(next)
  }
  return next
}

/** All names that `without` knows for this plan, the largest parts first. The scope's end stays. */
export const parts = (plan: Plan): ReadonlyArray<string> => [
  ...plan.faults.map((_, index) => `fault:${index}`),
  ...plan.deeds.flatMap((deed, index) => (deed.do === "close" || deed.do === "crash" ? [] : [`deed:${index}`])),
  ...Object.keys(edits).filter((name) => JSON.stringify(edits[name]!(plan)) !== JSON.stringify(plan))
]
