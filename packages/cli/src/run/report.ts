/** The state of the switch, as other programs read it: the body of the health endpoint and the status file. Pure. */
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"

/** Instants are ISO 8601, on the wall clock of this host. */
export interface Report {
  /** `Arming` before the first acknowledgement, then the state of the heartbeat. */
  readonly state: "Arming" | HeartbeatStatus.Status["_tag"]
  readonly account: string
  readonly at: string
  /** The process id of `deadman`. */
  readonly pid: number
  /** The soonest instant at which the exchange may cancel everything. The report is worth nothing after it. */
  readonly earliestFire?: string
  readonly latestFire?: string
  /** Failures in a row. */
  readonly failures?: number
  /** The last failure, or the reason of the loss. */
  readonly cause?: string
  /** The outcome of the release. */
  readonly outcome?: string
}

const instant = (millis: number): string =>
  Number.isFinite(millis) && Math.abs(millis) <= 8.64e15 ? new Date(millis).toISOString() : "unknown"

/** The report before the switch is armed. */
export const arming = (account: string, pid: number, at: number): Report => ({
  state: "Arming",
  account,
  at: instant(at),
  pid
})

/** The report of a state. */
export const of = (status: HeartbeatStatus.Status, pid: number): Report => {
  const shared = { state: status._tag, account: status.account, at: instant(status.at), pid }
  if (status._tag === "Released") return { ...shared, outcome: status.outcome._tag }
  const cause = status.lost?.message ?? status.cause?.message
  return {
    ...shared,
    earliestFire: instant(status.earliestFire),
    latestFire: instant(status.latestFire),
    failures: status.failures,
    ...(cause === undefined ? {} : { cause })
  }
}

/** The HTTP status of the health endpoint: 200 only while the switch is armed. */
export const httpStatus = ({ state }: Report): 200 | 503 => (state === "Armed" ? 200 : 503)
