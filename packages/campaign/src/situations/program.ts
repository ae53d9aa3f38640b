/** The situations that the program around the heartbeat makes: its liveness, users, defects, refusals and orders. */
import { type Evidence, stopsOf } from "../Evidence.js"
import type { Check, Throwing } from "../Plan.js"

type Situation = (evidence: Evidence) => boolean

const watchdogs = ({ plan }: Evidence): boolean => plan.checks.some(({ kind }) => kind === "watchdog")

const negative =
  (kind: Check["kind"]): Situation =>
  ({ checked, plan }) =>
    plan.checks.some((check) => check.kind === kind) && checked.some(({ alive }) => !alive)

const throws =
  (what: Throwing): Situation =>
  ({ acquired, ended, plan }) =>
    plan.throwing.includes(what) && acquired?.result === "armed" && ended !== undefined

/** In which part of the life the deed was done. */
const during =
  (what: string, part: "arming" | "beating" | "releasing"): Situation =>
  ({ acquired, begun, deeds }) =>
    deeds.some((deed) => {
      if (deed.what !== what) return false
      if (acquired === undefined || deed.seq < acquired.seq) return part === "arming"
      return part === (begun === undefined || deed.seq < begun.seq ? "beating" : "releasing")
    })

const armedAfter =
  (...whats: ReadonlyArray<string>): Situation =>
  ({ acquired, deeds }) =>
    acquired?.result === "armed" && deeds.some(({ what }) => whats.includes(what))

/** The lengths of the runs of refusals with one code, in order, with successes between them. */
const runsOf = ({ acquired, calls }: Evidence): ReadonlyArray<number> => {
  const runs = [0]
  for (const call of calls) {
    if (acquired?.result !== "armed" || call.seq < acquired.seq) continue
    if (call.end === "acknowledged" && runs[0]! > 0) runs.unshift(0)
    if (call.code === "40037") runs[0]!++
  }
  return runs.filter((run) => run > 0)
}

export const situations: Readonly<Record<string, Situation>> = {
  "a watchdog stops the beats": (evidence) => watchdogs(evidence) && evidence.checked.some(({ alive }) => !alive),
  "kicked again after a lapse, and armed": ({ checked, claims, plan }) =>
    plan.checks.length > 0 &&
    checked.some(
      (check, index) =>
        check.alive &&
        checked[index - 1]?.alive === false &&
        claims.some(({ seq, state }) => seq > check.seq && state === "Armed")
    ),
  "a watchdog sees a suspend": (evidence) =>
    watchdogs(evidence) &&
    stopsOf(evidence).some(
      ({ to, what }) =>
        what === "suspend" &&
        evidence.checked.some(({ alive, at }) => !alive && at >= to && at < to + 3_000) &&
        !evidence.deeds.some((deed) => deed.what === "lapse" && deed.at <= to + 3_000)
    ),
  "a named check hangs": negative("hangs"),
  "a named check throws": negative("throws"),
  "lost by a watchdog": (evidence) => watchdogs(evidence) && evidence.lost?.reason === "NotAlive",
  "several users hold one heartbeat": ({ uses }) =>
    new Set(uses.flatMap(({ user, what }) => (what === "holds" ? [user] : []))).size > 1,
  "a user asks during the arming": ({ acquired, uses }) =>
    acquired?.result === "armed" &&
    uses.some(({ seq, user, what }) => user > 0 && what === "asks" && seq < acquired.seq),
  "the bot leaves, and another user stays": ({ begun, uses }) =>
    begun !== undefined && uses.some(({ at, user, what }) => user === 0 && what === "leaves" && at < begun.at),
  "a user is interrupted in the arming of the others": ({ acquired, uses }) =>
    acquired?.result === "armed" &&
    uses.some(({ how, seq, what }) => what === "fails" && how === "interruption" && seq < acquired.seq),
  "asked during the release of the heartbeat before, and armed": ({ acquired, allCalls, uses }) =>
    acquired?.result === "armed" &&
    uses.some(
      ({ at, what }) =>
        what === "asks" && allCalls.some((call) => call.before && (call.endAt ?? Infinity) > at && call.wire === "0")
    ),
  "armed after an acquisition that failed": armedAfter("before failed"),
  "armed after an acquisition that was interrupted": armedAfter("before interrupted"),
  "armed after a release whose port threw": armedAfter("port died before"),
  "armed after a release that died": armedAfter("before died"),
  "40037 again after a success, and not lost": (evidence) =>
    runsOf(evidence).filter((run) => run === 2).length > 1 && evidence.lost === undefined,
  "lost by refusals in a row": (evidence) => runsOf(evidence)[0] === 3 && evidence.lost?.reason === "Refused",
  "onTransition throws": throws("onTransition"),
  "onAcknowledged throws": throws("onAcknowledged"),
  "the release policy throws": throws("release"),
  "the logger throws": throws("logger"),
  "the tracer throws": throws("tracer"),
  "the evidence throws": (evidence) => evidence.plan.evidence !== undefined && throws("evidence")(evidence),
  "the port throws in the acquisition": during("port died", "arming"),
  "the port throws in a beat": during("port died", "beating"),
  "the port throws in the release": during("port died", "releasing"),
  "the clock throws in the acquisition": during("clock died", "arming"),
  "the clock throws while it beats": during("clock died", "beating"),
  "the clock throws in the release": during("clock died", "releasing"),
  "a firing spares orders": ({ fires, spared }) =>
    fires.some((fire) => spared.some(({ at, what }) => what === "placed" && at < fire.at)),
  "fired while an order was being placed": ({ fires, ordered, plan }) =>
    plan.venue.placingLatency > 0 &&
    fires.some((fire) =>
      ordered.some(({ at, what }) => what === "placed" && at <= fire.at && at + plan.venue.placingLatency > fire.at)
    )
}
