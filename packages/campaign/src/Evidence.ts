/** Sorts a log for the rules: the records by kind, in order, and the instants from which an excuse holds. */
import type * as Log from "./Log.js"
import type { Plan } from "./Plan.js"

/** The records by kind, in order, with what the promises need of them. */
export interface Evidence {
  readonly plan: Plan
  readonly log: Log.Log
  /** Of the heartbeat that is judged. */
  readonly calls: ReadonlyArray<Log.Call>
  /** And of the one before it; a call's id is its place. */
  readonly allCalls: ReadonlyArray<Log.Call>
  readonly arrivals: ReadonlyArray<Log.Arrival>
  readonly applied: ReadonlyArray<Log.Arrival & { readonly appliedAt: number; readonly from: number }>
  readonly switched: ReadonlyArray<Log.Switched>
  readonly fires: ReadonlyArray<Log.Switched>
  readonly ordered: ReadonlyArray<Log.Ordered>
  readonly claims: ReadonlyArray<Log.Claim>
  readonly lists: ReadonlyArray<Log.Listed>
  readonly deeds: ReadonlyArray<Log.Deed>
  readonly acquired: Log.Acquired | undefined
  readonly begun: Log.Closing | undefined
  readonly ended: Log.Closing | undefined
  readonly outcome: Log.Outcome | undefined
  readonly lost: Log.Lost | undefined
  readonly crash: Log.Deed | undefined
  /** Ms that an edge may be off: the fractions that clocks do not show, and the drift of the host's clock. */
  readonly tolerance: number
  /** The instants from which an excuse holds; `Infinity` for never. */
  readonly otherClientAt: number
  readonly heldAt: number
}

const isApplied = (
  arrival: Log.Arrival
): arrival is Log.Arrival & { readonly appliedAt: number; readonly from: number } => arrival.appliedAt !== undefined

export const gather = (plan: Plan, log: Log.Log): Evidence => {
  const allCalls: Array<Log.Call> = []
  const arrivals: Array<Log.Arrival> = []
  const switched: Array<Log.Switched> = []
  const ordered: Array<Log.Ordered> = []
  const claims: Array<Log.Claim> = []
  const lists: Array<Log.Listed> = []
  const deeds: Array<Log.Deed> = []
  let acquired: Log.Acquired | undefined
  let begun: Log.Closing | undefined
  let ended: Log.Closing | undefined
  let outcome: Log.Outcome | undefined
  let lost: Log.Lost | undefined
  for (const entry of log.entries) {
    switch (entry._tag) {
      case "Call":
        allCalls.push(entry)
        break
      case "Arrival":
        arrivals.push(entry)
        break
      case "Switched":
        if (entry.account === "own") switched.push(entry)
        break
      case "Ordered":
        ordered.push(entry)
        break
      case "Claim":
        claims.push(entry)
        break
      case "Listed":
        lists.push(entry)
        break
      case "Deed":
        deeds.push(entry)
        break
      case "Acquired":
        acquired = entry
        break
      case "Closing":
        if (entry.phase === "begun") begun = entry
        else ended = entry
        break
      case "Lost":
        lost = entry
        break
      case "Outcome":
        outcome = entry
    }
  }
  const applied = arrivals.filter(isApplied).sort((a, b) => a.appliedAt - b.appliedAt)
  const soonest = (instants: ReadonlyArray<number>): number => Math.min(Infinity, ...instants)
  const { maintenance, maintenanceTimer } = plan.venue
  return {
    plan,
    log,
    calls: plan.predecessor === undefined ? allCalls : allCalls.filter((call) => !call.before),
    allCalls,
    arrivals,
    applied,
    switched,
    fires: switched.filter((entry) => entry.transition === "fired"),
    ordered,
    claims,
    lists,
    deeds,
    acquired,
    begun,
    ended,
    outcome,
    lost,
    crash: deeds.find((deed) => deed.what === "crash"),
    tolerance: 2 + 120_000 * Math.abs(plan.clock.rate - 1),
    otherClientAt: soonest(applied.filter((one) => one.call === undefined).map((one) => one.appliedAt)),
    heldAt: maintenance !== undefined && maintenanceTimer !== "runs" ? maintenance.from : Infinity
  }
}

export interface Stop {
  readonly from: number
  readonly to: number
  readonly what: string
}

/** The times during which the host was stopped. Those that overlap are one. */
export const stopsOf = (evidence: Evidence): ReadonlyArray<Stop> => {
  const stops: Array<Stop> = []
  for (const deed of evidence.deeds) {
    if (deed.what !== "suspend" && deed.what !== "stall") continue
    const last = stops.at(-1)
    const to = deed.at + deed.length!
    if (last === undefined || deed.at > last.to) stops.push({ from: deed.at, to, what: deed.what })
    else stops[stops.length - 1] = { ...last, to: Math.max(last.to, to) }
  }
  return stops
}
