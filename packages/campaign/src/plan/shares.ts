/** Draws that only a share of the seeds has. Each gives the plan unchanged where it does not fit. */
import type { Dice } from "./dice.js"
import {
  type Check,
  type Deed,
  healAt,
  inOrder,
  type Plan,
  type Predecessor,
  type Sharer,
  type Throwing
} from "./models.js"

type Add = (plan: Plan, die: Dice) => Plan

const closesAt = ({ deeds }: Plan): number =>
  deeds.find((deed) => deed.do === "close" || deed.do === "crash")?.at ?? 60_000

/** Watchdogs with their loops and other named checks, of which some fail while the bot lapses. */
const withChecks: Add = (plan, { chance, int, pick }) => {
  const { countdown, interval, requestTimeout } = plan.client
  // Three checks of at least 150 ms have to fit.
  const room = countdown * 1_000 - 450 - 2 * Math.max(requestTimeout, 1_000) - requestTimeout
  if (room < 1_000) return plan
  const checks: Array<Check> = []
  for (let n = int(1, 2); n > 0; n--) {
    const every = int(400, 1_500)
    const within = every + int(300, 3_000)
    checks.push({ kind: "watchdog", every, within, lapses: checks.length === 0 || chance(0.5) })
  }
  if (chance(0.5)) checks.push({ kind: pick(["fails", "throws", "hangs"]) })
  const deeds: Array<Deed> = [...plan.deeds]
  for (let n = int(1, 2); n > 0; n--) {
    const length = chance(0.5) ? int(1_000, 6_000) : int(6_000, 25_000)
    deeds.push({ at: int(0, Math.max(0, healAt(plan) - length - 2_000)), do: "lapse", length })
  }
  // No clock shows the sleep of a host whose wall clock is set back meanwhile.
  if (chance(0.5) && !deeds.some((deed) => deed.do === "step-wall" && deed.by < 0)) {
    deeds.push({ at: int(0, Math.max(0, healAt(plan) - 8_000)), do: "suspend", length: int(1_500, 7_000) })
  }
  return {
    ...plan,
    client: { ...plan.client, liveness: true, interval: Math.min(interval, Math.floor(room)) },
    checks,
    deeds: inOrder(deeds)
  }
}

/** Users that come and go, so that the last one of them releases the heartbeat. */
const withSharers: Add = (plan, { chance, int, pick }) => {
  if (plan.evidence !== undefined || plan.needle !== undefined) return plan
  const ends = closesAt(plan)
  const hows = ["success", "success", "failure", "interruption", "defect"] as const
  const sharers: Array<Sharer> = []
  for (let n = int(1, 4); n > 0; n--) {
    const comes = chance(0.4) ? int(0, 300) : int(0, ends)
    const left = Math.max(0, ends - comes)
    const stays = chance(0.3) ? int(0, 500) : chance(0.3) ? left + int(0, 15_000) : int(0, left)
    sharers.push({ comes, stays, how: pick(hows) })
  }
  const crashes = plan.deeds.some((deed) => deed.do === "crash")
  const predecessor =
    !crashes && chance(0.4) ? { lives: int(0, 3_000), gap: int(0, 1_500), ends: "closes" as const } : undefined
  return { ...plan, sharers, predecessor: plan.predecessor ?? predecessor }
}

/** An earlier heartbeat that is interrupted, is refused, or dies in its release. */
const withHardPredecessor: Add = (plan, { chance, int, pick }) => {
  const crashes = plan.deeds.some((deed) => deed.do === "crash")
  if (crashes || plan.needle !== undefined || plan.sharers !== undefined) return plan
  const ends = pick<Predecessor["ends"]>(["closes", "interrupted", "interrupted", "port dies", "clock dies"])
  const faults = [...plan.faults]
  if (ends === "closes") {
    const refusal = pick(["code;code=40014", "code;code=40037", "drop-answer", "drop-request", "code;code=40010"])
    const times = refusal.startsWith("code;code=400") ? 1 : int(1, 12)
    faults.push(`${refusal};countdown=on;times=${times}`)
  }
  const lives = chance(0.5) ? int(0, 200) : int(0, 4_000)
  return { ...plan, faults, predecessor: { lives, gap: chance(0.5) ? 0 : int(0, 5_000), ends } }
}

/** Refusals of one code or two, in runs with successes between them. */
const withRefusals: Add = (plan, { chance, int, pick }) => {
  const faults: Array<string> = chance(0.5) ? [] : [...plan.faults]
  const final = chance(0.3)
  let after = int(1, 3)
  for (let n = int(2, 5); n > 0; n--) {
    const code = pick(["40037", "40037", "40008", "25000", "45001"])
    const times = code === "40008" ? 1 : code === "40037" ? int(1, final ? 3 : 2) : int(1, 3)
    faults.push(`code;code=${code};countdown=on;after=${after};times=${times}`)
    after += times + (chance(0.2) ? 0 : int(1, 3))
  }
  return { ...plan, faults }
}

/** Code of the user that throws. */
const withThrowing: Add = (plan, { chance }) => {
  const all: ReadonlyArray<Throwing> = ["onTransition", "onAcknowledged", "release", "logger", "tracer", "evidence"]
  return { ...plan, throwing: all.filter(() => chance(0.4)) }
}

/** A port that throws in a span of its calls. */
const withDyingPort: Add = (plan, { chance, int, pick }) => ({
  ...plan,
  portDies: {
    call: chance(0.3) ? int(0, 1) : int(0, 12),
    times: pick([1, 1, 2, 1_000]),
    where: pick(["set", "set", "horizon"])
  }
})

/** A clock that throws in a span of its readings. */
const withDyingClock: Add = (plan, { chance, int, pick }) =>
  plan.checks.length > 0
    ? plan
    : {
        ...plan,
        clockDies: { reading: chance(0.3) ? int(0, 40) : int(0, 600), times: pick([1, 1, 2, 5, 50, 1_000_000]) }
      }

/** An exchange that takes its time to place, and spares some orders. */
const withSparedOrders: Add = (plan, { chance, int }) =>
  plan.evidence !== undefined
    ? plan
    : {
        ...plan,
        venue: { ...plan.venue, spares: chance(0.7), placingLatency: chance(0.5) ? int(1, 900) : 0 },
        deeds: plan.deeds.map((deed) => (deed.do === "place" && chance(0.5) ? { ...deed, reduceOnly: true } : deed))
      }

/** Each with the share of the seeds that has it, and the salt of its dice. */
export const shares: ReadonlyArray<{ readonly salt: number; readonly share: number; readonly add: Add }> = [
  { salt: 0x1a2b_3c01, share: 0.08, add: withChecks },
  { salt: 0x1a2b_3c02, share: 0.08, add: withSharers },
  { salt: 0x1a2b_3c03, share: 0.06, add: withHardPredecessor },
  { salt: 0x1a2b_3c04, share: 0.06, add: withRefusals },
  { salt: 0x1a2b_3c05, share: 0.08, add: withThrowing },
  { salt: 0x1a2b_3c06, share: 0.04, add: withDyingPort },
  { salt: 0x1a2b_3c07, share: 0.05, add: withDyingClock },
  { salt: 0x1a2b_3c08, share: 0.08, add: withSparedOrders }
]
