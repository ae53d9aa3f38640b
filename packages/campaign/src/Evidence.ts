/** Sorts a log for the rules. */
import type * as Log from "./Log.js"
import type { Plan } from "./Plan.js"

/** The records by kind, in order, and the instants from which an excuse holds. */
export interface Evidence {
  readonly plan: Plan
  readonly log: Log.Log
  /** The calls of the judged heartbeat. */
  readonly calls: ReadonlyArray<Log.Call>
  /** Those and the calls of the heartbeat before it. The id of a call is its place. */
  readonly allCalls: ReadonlyArray<Log.Call>
  readonly arrivals: ReadonlyArray<Log.Arrival>
  readonly applied: ReadonlyArray<Log.Arrival & { readonly appliedAt: number; readonly from: number }>
  readonly switched: ReadonlyArray<Log.Switched>
  readonly fires: ReadonlyArray<Log.Switched>
  readonly ordered: ReadonlyArray<Log.Ordered>
  readonly spared: ReadonlyArray<Log.Spared>
  readonly kicks: ReadonlyArray<Log.Kick>
  readonly checked: ReadonlyArray<Log.Checked>
  readonly uses: ReadonlyArray<Log.Use>
  readonly claims: ReadonlyArray<Log.Claim>
  readonly lists: ReadonlyArray<Log.Listed>
  readonly deeds: ReadonlyArray<Log.Deed>
  readonly acquired: Log.Acquired | undefined
  readonly begun: Log.Closing | undefined
  readonly ended: Log.Closing | undefined
  readonly outcome: Log.Outcome | undefined
  readonly lost: Log.Lost | undefined
  readonly crash: Log.Deed | undefined
  /** The first instant at which the clock of the judged heartbeat threw, `Infinity` for never. */
  readonly clockDiedAt: number
  /** The allowed error of an edge, ms: the fractions that clocks do not show, and the drift of the host's clock. */
  readonly tolerance: number
  /** The instants from which an excuse holds, `Infinity` for never. */
  readonly otherClientAt: number
  readonly heldAt: number
}

type Applied = Evidence["applied"][number]

export const gather = (plan: Plan, log: Log.Log): Evidence => {
  const byTag = new Map<Log.Entry["_tag"], Array<Log.Entry>>()
  for (const entry of log.entries) {
    const found = byTag.get(entry._tag)
    if (found === undefined) byTag.set(entry._tag, [entry])
    else found.push(entry)
  }
  const all = <Tag extends Log.Entry["_tag"]>(tag: Tag) =>
    (byTag.get(tag) ?? []) as Array<Extract<Log.Entry, { readonly _tag: Tag }>>
  const allCalls = all("Call")
  const arrivals = all("Arrival")
  const switched = all("Switched").filter((entry) => entry.account === "own")
  const deeds = all("Deed")
  const closing = all("Closing")
  const applied = arrivals
    .filter((arrival): arrival is Applied => arrival.appliedAt !== undefined)
    .sort((a, b) => a.appliedAt - b.appliedAt)
  const { maintenance, maintenanceTimer } = plan.venue
  return {
    plan,
    log,
    calls: allCalls.filter((call) => !call.before),
    allCalls,
    arrivals,
    applied,
    switched,
    fires: switched.filter((entry) => entry.transition === "fired"),
    ordered: all("Ordered"),
    spared: all("Spared"),
    kicks: all("Kick"),
    checked: all("Checked"),
    uses: all("Use"),
    claims: all("Claim"),
    lists: all("Listed"),
    deeds,
    acquired: all("Acquired").at(-1),
    begun: closing.findLast(({ phase }) => phase === "begun"),
    ended: closing.findLast(({ phase }) => phase === "ended"),
    outcome: all("Outcome").at(-1),
    lost: all("Lost").at(-1),
    crash: deeds.find((deed) => deed.what === "crash"),
    clockDiedAt: deeds.find((deed) => deed.what === "clock died")?.at ?? Infinity,
    tolerance: 2 + Math.max(120_000, log.end) * Math.abs(plan.clock.rate - 1),
    otherClientAt: applied.find((one) => one.call === undefined)?.appliedAt ?? Infinity,
    heldAt: maintenance !== undefined && maintenanceTimer !== "runs" ? maintenance.from : Infinity
  }
}

/**
 * Whether the last report does not stand any more: its clock has failed, the heartbeat is lost, and no alarm can go
 * without a clock. `status` still tells.
 */
export const isSilenced = ({ clockDiedAt, lost }: Evidence, at: number): boolean =>
  lost !== undefined && clockDiedAt <= at && lost.at <= at

/** Whether the client has surely heard an acknowledgement: it may have given up on one that came near its timeout. */
export const isHeard = ({ plan, tolerance }: Evidence, { at, end, endAt }: Log.Call): boolean =>
  end === "acknowledged" && endAt! < at + plan.client.requestTimeout - tolerance

/** Whether a machine with a wrong clock may have stamped the first answer that the client heard. */
export const isFirstStampWrong = (evidence: Evidence): boolean => {
  const { wrongMachine } = evidence.plan.venue
  if (wrongMachine === undefined) return false
  const first = evidence.calls.find((call) => isHeard(evidence, call))
  return first === undefined || wrongMachine.answer <= first.id
}

export interface Stop {
  readonly from: number
  readonly to: number
  readonly what: string
}

/** The spans in which the host stood still. Overlapping ones are merged. */
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
