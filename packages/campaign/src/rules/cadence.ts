/** Rules about the times of the beats: promise 17. */
import type { Plan } from "../Plan.js"
import { promisedPace, type Rule, s } from "./rule.js"

/** Deeds that change the cadence. */
const disturbing = new Set(["clock died", "suspend", "stall", "lapse", "beat", "interrupted-beat"])

/** 17: the cadence counts from send times on the monotonic clock, so no step of the wall clock changes it. */
const cadenceIsKept: Rule = (evidence, report) => {
  const { acquired, begun, calls, crash, deeds, lost, plan } = evidence
  // A client whose answer contradicts its clocks asks again at once.
  if (acquired?.result !== "armed" || plan.venue.wrongMachine !== undefined) return
  const { interval } = plan.client
  const disturbed = deeds.filter(({ what }) => disturbing.has(what))
  // Such a step, or a longer one beside a step back, shortens the rest of the window, so the next beat comes sooner.
  // To a watchdog any step looks like a suspend.
  const steps = plan.deeds.flatMap((deed) => (deed.do === "step-wall" ? [deed] : []))
  const hurried = steps.filter(
    ({ by }) =>
      by > 0 &&
      (by <= plan.client.countdown * 1_000 ||
        steps.some((other) => other.by < 0) ||
        plan.checks.some(({ kind }) => kind === "watchdog"))
  )
  const slack = 2 + interval * Math.abs(plan.clock.rate - 1) + Math.abs(plan.clock.rate - 1) * 60_000
  const end = Math.min(begun?.at ?? Infinity, crash?.at ?? Infinity, lost?.at ?? Infinity)
  let plan0: number | undefined
  for (let i = 0; i < calls.length; i++) {
    const call = calls[i]!
    if (call.at >= end) return
    const next = calls[i + 1]
    // The client may have ignored an answer at the instant of the timeout.
    if (call.end !== "acknowledged" || call.endAt! > call.at + plan.client.requestTimeout - slack) {
      plan0 = undefined
      continue
    }
    // A beat up to half a second late keeps its plan, and the plan is never ahead of the beat.
    const lowest = plan0 === undefined ? call.at - 500 : Math.max(plan0, call.at - 500)
    const answered = call.endAt! + promisedPace
    const earliest = Math.max(lowest + interval, answered)
    const latest = Math.max(call.at + interval, answered)
    const until = next?.at ?? Infinity
    const isDisturbed = disturbed.some(
      (deed) => deed.at <= Math.min(until, latest + slack) + 1 && deed.at + (deed.length ?? 0) + 70_000 >= call.at
    )
    const isHurried = hurried.some((deed) => deed.at >= call.at && deed.at <= until)
    if (isDisturbed || isHurried || latest + slack >= end || call.endAt! < acquired.at) {
      plan0 = undefined
      continue
    }
    plan0 = lowest + interval
    if (next === undefined || next.at > latest + slack || next.at < earliest - slack) {
      report(
        "17",
        call.at,
        `after the beat of ${s(call.at)} the next ${next === undefined ? "never came" : `came at ${s(next.at)}`}, planned from ${s(earliest)} to ${s(latest)}`
      )
      return
    }
  }
}

/** Deeds after which the exact plan of the beats is unknown. */
const unplanned = new Set([...disturbing, "port died"])

/**
 * 17, too: until something disturbs the host, every beat leaves within a millisecond of its plan: an interval after the
 * plan of the beat before, and after a failure as soon as the pace allows. A beat that is half a second late begins a
 * new plan.
 */
const keepsTheGrid: Rule = ({ acquired, begun, calls, crash, deeds, lost, plan }, report) => {
  const { client, clock, venue } = plan
  if (acquired?.result !== "armed" || clock.rate !== 1 || venue.wrongMachine !== undefined || client.deaf) return
  const disturbance = deeds.find(({ at, what }) => unplanned.has(what) || (what === "step-wall" && isForward(plan, at)))
  const end = Math.min(
    ...[begun, crash, lost, disturbance].map((entry) => entry?.at ?? Infinity),
    ...calls.filter(({ end }) => end === undefined).map(({ at }) => at)
  )
  let index = calls.findLastIndex((call) => call.seq < acquired.seq)
  const first = calls[index]
  if (first?.end !== "acknowledged") return
  let before = first
  let due = first.at + client.interval
  for (;;) {
    const isAnswered = before.end === "acknowledged" || before.end === "code" || before.end === "unreadable"
    const planned = Math.max(due, before.endAt!, (isAnswered ? before.endAt! : before.at) + promisedPace)
    if (planned + 2 >= end) return
    const beat = calls[++index]
    if (beat === undefined || beat.at < planned - 0.01 || beat.at > planned + 1.01) {
      const found = beat === undefined ? "never came" : `came at ${s(beat.at)}`
      return report("17", planned, `the beat that was planned for ${s(planned)} ${found}`)
    }
    // Within a few ms of its timeout the client may have ignored an answer.
    if (Math.abs(beat.endAt! - beat.at - client.requestTimeout) < 5 && beat.end !== "interrupted") return
    const late = beat.at - due
    if (Math.abs(late - promisedPace / 2) < 2) return
    if (beat.end === "acknowledged") due = (late < promisedPace / 2 ? due : beat.at) + client.interval
    else due = (beat.end === "code" || beat.end === "unreadable" ? beat.endAt! : beat.at) + promisedPace
    before = beat
  }
}

const isForward = (plan: Plan, at: number): boolean =>
  plan.deeds.some((deed) => deed.do === "step-wall" && deed.by > 0 && Math.abs(deed.at - at) < 1)

export const rules: ReadonlyArray<Rule> = [cadenceIsKept, keepsTheGrid]
