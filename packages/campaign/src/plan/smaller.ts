/** Smaller plans, to find the parts that a broken promise needs. */
import type { Plan } from "./models.js"

type Edit = (plan: Plan) => Plan

const calmVenue = (venue: Plan["venue"]): Plan["venue"] => ({
  ...venue,
  sweepPeriod: 0,
  triggerLatency: 0,
  cancelPace: 0,
  placingLatency: 0,
  spares: false,
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
  checks: (plan) => ({ ...plan, checks: [] }),
  sharers: (plan) => ({ ...plan, sharers: undefined }),
  throwing: (plan) => ({ ...plan, throwing: [] }),
  port: (plan) => ({ ...plan, portDies: undefined }),
  clock: (plan) => ({ ...plan, clockDies: undefined }),
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
