/** Rules about the program around the heartbeat: its liveness, its users, its defects, and refusals in a row. */
import { type Evidence, stopsOf } from "../Evidence.js"
import type * as Log from "../Log.js"
import { type Rule, s } from "./rule.js"

/** A check that passed is believed for so long, ms. */
const belief = 1_000

/** The beats that the running heartbeat sent. */
const beatsOf = ({ acquired, begun, calls }: Evidence): ReadonlyArray<Log.Call> =>
  acquired?.result !== "armed"
    ? []
    : calls.filter((call) => call.seq > acquired.seq && (begun === undefined || call.seq < begun.seq))

/** Whether the bot lapsed at an instant of the span. */
const lapsed = ({ deeds }: Evidence, from: number, to: number): boolean =>
  deeds.some((deed) => deed.what === "lapse" && deed.at <= to && deed.at + deed.length! >= from)

/** Whether the bot surely lapsed at the instant: a lapse that has begun, and none that has ended since. */
const surelyLapsed = ({ deeds }: Evidence, at: number): boolean => {
  const lapses = deeds.filter((deed) => deed.what === "lapse")
  const begun = lapses.filter((deed) => deed.at < at - 1)
  if (begun.length === 0) return false
  const last = Math.max(...begun.map((deed) => deed.at))
  return !begun.some((deed) => deed.at + deed.length! >= last && deed.at + deed.length! <= at + 1)
}

/** liveness: no beat leaves unless a check has just passed. */
const beatsAreChecked: Rule = (evidence, report) => {
  const { checked, plan } = evidence
  if (!plan.client.liveness) return
  const stops = stopsOf(evidence)
  let next = 0
  let last: Log.Checked | undefined
  for (const beat of beatsOf(evidence)) {
    while (next < checked.length && checked[next]!.seq < beat.seq) last = checked[next++]
    if (last === undefined || !last.alive) {
      report(
        "liveness",
        beat.at,
        `write ${beat.id} left ${last === undefined ? "without a" : "after a negative"} check`
      )
    } else if (beat.at > last.at + belief && !stops.some((stop) => stop.from <= beat.at && stop.to >= last!.at)) {
      report("liveness", beat.at, `write ${beat.id} left ${s(beat.at - last.at)} after the last check`)
    }
  }
}

/** liveness, too: a check passes only while the bot is alive, and fails only when it may be dead. */
const checksAreRight: Rule = (evidence, report) => {
  const { begun, checked, clockDiedAt, deeds, kicks, plan, tolerance } = evidence
  if (!plan.client.liveness) return
  const stops = stopsOf(evidence)
  const watchdogs = plan.checks.flatMap((check, number) => (check.kind === "watchdog" ? [{ ...check, number }] : []))
  const isPlain = watchdogs.length < plan.checks.length || plan.checks.length === 0
  const lastKicks = plan.checks.map(() => 0)
  let next = 0
  for (const { alive, at, from, seq } of checked) {
    for (; next < kicks.length && kicks[next]!.seq < seq; next++) lastKicks[kicks[next]!.check] = kicks[next]!.at
    const stopped = stops.some((stop) => stop.from <= at && stop.to >= from)
    const late = watchdogs.find(({ number, within }) => from - lastKicks[number]! > within + tolerance)
    if (alive) {
      if (late !== undefined) {
        const age = s(from - lastKicks[late.number]!)
        report("liveness", at, `alive, ${age} after the last kick of a watchdog of ${s(late.within)}`)
      }
      if (isPlain && !stopped && surelyLapsed(evidence, from)) report("liveness", at, "alive in a lapse")
      continue
    }
    const may = watchdogs.some(({ number, within }) => {
      const kicked = lastKicks[number]!
      if (at - kicked > within - tolerance) return true
      return deeds.some((deed) => deed.what === "step-wall" && deed.at >= kicked - tolerance && deed.at <= at)
    })
    const released = begun !== undefined && at >= begun.at - 1
    if (!may && !stopped && !released && at < clockDiedAt && !(isPlain && lapsed(evidence, from - 1, at + 1))) {
      report("liveness", at, "called dead, and every loop was kicked in time")
    }
  }
}

/** 12, too: until the last user leaves, the heartbeat sends nothing but its countdown. */
const isReleasedByTheLast: Rule = (evidence, report) => {
  const { countdown } = evidence.plan.client
  const other = beatsOf(evidence).find((call) => call.wire !== String(countdown))
  if (other !== undefined) report("12", other.at, `write ${other.id} of "${other.wire}" left before the release`)
}

/** shared: a user that asks for an armed heartbeat has it at once. */
const usersShare: Rule = (evidence, report) => {
  const { acquired, uses } = evidence
  if (acquired?.result !== "armed") return
  const stops = stopsOf(evidence)
  for (const asks of uses) {
    if (asks.what !== "asks" || asks.seq < acquired.seq) continue
    const answer = uses.find(({ seq, user }) => user === asks.user && seq > asks.seq)
    const stopped = stops.some((stop) => stop.to >= asks.at && stop.from <= (answer?.at ?? Infinity))
    if (answer === undefined ? evidence.crash !== undefined : stopped || answer.how === "interruption") continue
    if (answer?.what !== "holds" || answer.at > asks.at + 1) {
      report("shared", asks.at, `user ${asks.user} asked for an armed heartbeat: ${answer?.what} ${answer?.how ?? ""}`)
    }
  }
}

/** lost, too: a port that throws ends the heartbeat. */
const defectsEndIt: Rule = ({ acquired, begun, crash, deeds, lost }, report) => {
  const died = deeds.find(({ seq, what }) => what === "port died" && seq > (acquired?.seq ?? Infinity))
  if (died === undefined || acquired?.result !== "armed" || crash !== undefined) return
  if (begun !== undefined && begun.at <= died.at + 1) return
  if (lost === undefined || lost.at > died.at + 1)
    report("lost", died.at, "the port has thrown, and it did not end the heartbeat")
}

/** Refusals that end a heartbeat only when so many come in a row, by the documentation. */
const inARow: Readonly<Record<string, number>> = { "40037": 3, "40008": 2 }

/** Codes that never end a heartbeat. */
const passing = new Set("25000 40200 40808 40010 45001 31337 429 40725 40015".split(" "))

/** lost, too: a refusal that comes and goes ends the heartbeat only when it repeats, with no success between. */
const refusalsCountInARow: Rule = (evidence, report) => {
  const { begun, calls, crash, lost, plan } = evidence
  if (plan.client.deaf || evidence.acquired?.result !== "armed") return
  let run = 0
  let code: string | undefined
  for (const call of calls) {
    if (call.endSeq === undefined || call.endSeq > Math.min(begun?.seq ?? Infinity, crash?.seq ?? Infinity)) break
    run = call.code === code && call.end === "code" ? run + 1 : 1
    code = call.end === "code" ? call.code : undefined
    if (code === undefined) continue
    const limit = inARow[code]
    const ends = lost !== undefined && lost.reason === "Refused" && lost.at <= call.endAt! + 1 && lost.seq > call.endSeq
    const wrong = passing.has(code) || (limit !== undefined && run < limit)
    if (ends && wrong) report("lost", call.endAt!, `${code}, ${run} in a row, ended the heartbeat`)
    if (limit !== undefined && run >= limit && call.seq > evidence.acquired.seq && lost === undefined) {
      report("lost", call.endAt!, `${code}, ${run} in a row, did not end the heartbeat`)
    }
  }
}

export const rules: ReadonlyArray<Rule> = [
  beatsAreChecked,
  checksAreRight,
  isReleasedByTheLast,
  usersShare,
  defectsEndIt,
  refusalsCountInARow
]
