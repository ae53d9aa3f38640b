/** The draws of every seed: options, faults, clocks, and deeds. */
import { type Dice, dice } from "./dice.js"
import { type Deed, type Draw, inOrder, invalid, type Plan, recoveryTime, stackOf } from "./models.js"

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
    placingLatency: 0,
    spares: false,
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

const deedsOf = (die: Dice, plan: Omit<Plan, "deeds" | "predecessor">, healAt: number): ReadonlyArray<Deed> => {
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
  return inOrder(deeds)
}

export const drawOne = (seed: number, options: Draw): Plan => {
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
  const plan: Omit<Plan, "deeds" | "predecessor"> = {
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
    evidence: undefined,
    checks: [],
    sharers: undefined,
    throwing: [],
    portDies: undefined,
    clockDies: undefined,
    ties: { instants: pick(["first-in", "seeded"]), parties: pick(["first-in", "seeded"]) }
  }
  const deeds = deedsOf(die, plan, healAt)
  const predecessor =
    plan.needle === undefined && !invalid(plan) && !deeds.some((deed) => deed.do === "crash") && chance(0.1)
      ? { lives: int(0, 3_000), gap: chance(0.5) ? 0 : int(0, 10_000), ends: "closes" as const }
      : undefined
  if (predecessor !== undefined && chance(0.5)) {
    faults.push(`delay-request;by=uniform(${chance(0.5) ? 2 : 10}s,29s);countdown=0;times=${int(1, 2)}`)
  }
  return { ...plan, predecessor, deeds }
}
