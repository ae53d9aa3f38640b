/** Rules about the client's claims: promises 8 to 11, 15, 16 and 18, and the recovery. */
import { isFirstStampWrong, isHeard, isSilenced, stopsOf } from "../Evidence.js"
import type * as Log from "../Log.js"
import { recoveryTime } from "../Plan.js"
import { promisedPace, type Rule, s } from "./rule.js"

const safe = (claim: Log.Claim): boolean => claim.state === "Armed" || claim.state === "Jeopardy"

/** Deeds after which a client is not healthy. */
const troubling = new Set("suspend stall crash lapse beat interrupted-beat step-wall other-client".split(" "))

/** 8: `Armed` or `Jeopardy` implies that the exchange's timer runs. */
const armedMeansArmed: Rule = (evidence, report) => {
  const { begun, claims, crash, fires, plan, switched, tolerance } = evidence
  const stops = stopsOf(evidence)
  const drift = plan.client.countdown * 1_000 * (1 - plan.clock.rate) + 1
  for (const claim of claims) {
    if (!safe(claim) || claim.venueArmed) continue
    // A host whose clock is slow shows the edge of a countdown that much later.
    if (plan.clock.rate < 1 && fires.some(({ at }) => at <= claim.at && claim.at - at <= drift)) continue
    if (claim.how !== "standing") {
      report("8", claim.at, `${claim.how} ${claim.state} while the exchange's timer does not run`)
      continue
    }
    if (isSilenced(evidence, claim.at)) continue
    // The last report stands until the alarm fires, at that instant or a second after the host continued.
    const since = [...fires, ...switched.filter((one) => one.transition === "closed")].reduce(
      (last, one) => (one.at <= claim.at ? Math.max(last, one.at) : last),
      -Infinity
    )
    const stopped = stops.reduce((last, stop) => (stop.to <= claim.at ? Math.max(last, stop.to) : last), -Infinity)
    const due = Math.max(since + 15, stopped + 1_100) + tolerance
    // The release reports only its end.
    if (crash === undefined && claim.at > due && (begun === undefined || claim.seq < begun.seq)) {
      report("8", claim.at, `still ${claim.state}, ${s(claim.at - since)} after the exchange's timer has ended`)
    }
  }
}

/** 9: the exchange fires inside the window, and `Fired` is claimed only after a firing. */
const firesInsideTheWindow: Rule = (
  { acquired, begun, calls, claims, clockDiedAt, crash, fires, outcome, plan, tolerance },
  report
) => {
  const shorter = calls.find((call) => call.wire !== "0" && Number(call.wire) < plan.client.countdown)
  for (const fire of fires) {
    let latest: Log.Claim | undefined
    for (const claim of claims) {
      if (claim.at > fire.at || claim.earliest === undefined || claim.latest === undefined) continue
      const earliest = claim.at + claim.earliest
      if (
        claim.at < fire.at &&
        earliest !== Infinity &&
        fire.at < earliest - tolerance &&
        !(shorter && shorter.at <= fire.at)
      ) {
        report("9", fire.at, `fired ${s(earliest - fire.at)} before the earliest fire claimed at ${s(claim.at)}`)
      }
      if (claim.at < fire.at) latest = claim
    }
    if (latest !== undefined && (crash === undefined || crash.at >= fire.at)) {
      // A later write moves the edge. A report counts from its instant, and a write may leave before its delivery.
      const since = (call: Log.Call) => call.seq > latest.seq || (latest.how === "reported" && call.at >= latest.at)
      const sent = calls.some((call) => call.at <= fire.at && since(call))
      const edge = latest.at + latest.latest!
      if (!sent && fire.at > edge + tolerance) {
        report("9", fire.at, `fired ${s(fire.at - edge)} after the latest fire claimed at ${s(latest.at)}`)
      }
    }
    const isDated = outcome !== undefined && clockDiedAt > outcome.at
    if (isDated && fire.at > outcome.at && outcome.earliest !== undefined) {
      const [from, to] = [outcome.at + outcome.earliest, outcome.at + outcome.latest!]
      if (fire.at < from - tolerance || fire.at > to + tolerance) {
        report("9", fire.at, `fired at ${s(fire.at)}, ${outcome.outcome} claimed from ${s(from)} to ${s(to)}`)
      }
    }
  }
  for (const claim of claims) {
    if (claim.state !== "Fired" || (begun !== undefined && claim.at > begun.at)) continue
    if (!fires.some((fire) => fire.at <= claim.at + tolerance && fire.at >= (acquired?.at ?? 0) - 120_000)) {
      report("9", claim.at, "claimed Fired, and it has not fired")
    }
  }
}

/** 9, too: a heartbeat is lost as fired only after a firing, and not because of the wrong stamp of one machine. */
const lostForAReason: Rule = (evidence, report) => {
  const { acquired, calls, deeds, fires, lost, plan, tolerance } = evidence
  if (lost === undefined || acquired === undefined) return
  if (lost.reason === "Fired" && !fires.some((fire) => fire.at <= lost.at + tolerance)) {
    report("9", lost.at, "lost as fired, and it has not fired")
  }
  const { wrongMachine } = plan.venue
  if (lost.reason !== "MayHaveFired" || wrongMachine === undefined || plan.predecessor !== undefined) return
  // A firing, a stop or a jump of the wall clock is reason enough.
  if (fires.some((fire) => fire.at <= lost.at) || stopsOf(evidence).some((stop) => stop.from <= lost.at)) return
  if (deeds.some((deed) => deed.what === "step-wall" && deed.at <= lost.at)) return
  // A first stamp that is behind looks the same as a host that stood still together with its clocks.
  if (wrongMachine.by < 0 && isFirstStampWrong(evidence)) return
  // Its clocks are reason enough when an acknowledgement, or the loss, came after the countdown of the one before.
  const countdown = (plan.client.countdown * 1_000) / Math.max(1, plan.clock.rate)
  const acknowledged = calls.filter((call) => call.end === "acknowledged" && call.endAt! <= lost.at)
  const overdue = acknowledged.some((call) => {
    const next = acknowledged.find((one) => one.seq > call.seq && isHeard(evidence, one))
    return (next?.endAt ?? lost.at) >= call.at + countdown - tolerance
  })
  if (!overdue) report("9", lost.at, "lost as uncertain, and one answer of a wrong machine is the only reason")
}

/** 10: every order open at a crash is closed within countdown + the longest delay + the exchange's sweep. */
const crashClosesOrders: Rule = (evidence, report) => {
  const { applied, begun, claims, crash, log, ordered, plan } = evidence
  if (crash === undefined || begun !== undefined) return
  const last = claims.findLast((claim) => claim.at <= crash.at)
  if (last === undefined || !safe(last) || evidence.fires.some((fire) => fire.at >= last.at && fire.at <= crash.at))
    return
  // The last report before the host stopped stands. Promise 8 says how soon it must change.
  if (last.how === "standing" && !last.venueArmed) return
  const { cancelPace, sweepPeriod, timeToComplete, triggerLatency } = plan.venue
  const lastWrite = applied.reduce(
    (last, write) => (write.call === undefined ? last : Math.max(last, write.appliedAt)),
    0
  )
  const placing = plan.venue.placingLatency
  const by =
    Math.max(crash.at, lastWrite) + plan.client.countdown * 1_000 + sweepPeriod + triggerLatency + timeToComplete + 2
  const own = ordered.filter((entry) => entry.account === "own")
  for (const order of own) {
    if (order.what !== "placed" || order.at > crash.at) continue
    // It was not in the book yet.
    if (evidence.fires.some((fire) => fire.at >= order.at && fire.at <= order.at + placing)) continue
    const end = own.find((entry) => entry.what === "cancelled" && entry.order === order.order)
    const bound = by + cancelPace * own.length
    if (bound > log.end) continue
    if (end === undefined || end.at > bound) {
      report("10", bound, `order ${order.order} was open at the crash at ${s(crash.at)} and still at ${s(bound)}`)
    }
  }
}

/**
 * 11: within the budget (two failed beats in a row, and answers within the request timeout) the switch of a healthy
 * client never fires. Refusals are within the budget when they come at once, because the pace counts from the answer.
 */
const healthyIsNotFiredUpon: Rule = (evidence, report) => {
  const { acquired, begun, calls, deeds, fires, lost, plan } = evidence
  const { client } = plan
  if (acquired?.result !== "armed" || client.deaf || plan.needle !== undefined) return
  if (plan.venue.maintenance !== undefined || plan.clock.rate !== 1) return
  const patience = Math.max(client.requestTimeout, promisedPace) - promisedPace
  for (const fire of fires) {
    if (begun !== undefined && fire.at >= begun.at) break
    if (deeds.some((deed) => troubling.has(deed.what) && deed.at <= fire.at)) break
    if (lost !== undefined && lost.at < fire.at) break
    const acknowledged = calls.findLast((call) => call.end === "acknowledged" && call.endAt! <= fire.at)
    if (acknowledged === undefined) continue
    const since = calls.filter((call) => call.seq >= acknowledged.seq && call.at <= fire.at)
    const failed = since.filter((call) => call.end !== "acknowledged")
    const late = since.some(
      (call) =>
        call.endAt !== undefined &&
        (call.end === "code" || call.end === "unreadable") &&
        call.endAt - call.at > patience
    )
    // The pace of a beat that was answered late can hold the next one back beyond the interval.
    const lateAnswer = since.some(
      (call) => call.end === "acknowledged" && call.endAt! - call.at > client.interval - promisedPace
    )
    const waiting = since.some((call) => call.endAt === undefined || call.endAt > fire.at)
    const losses = failed.filter((call) => call.endAt !== undefined && call.endAt <= fire.at).length + (waiting ? 1 : 0)
    if (losses <= 2 && !late && !lateAnswer) {
      report("11", fire.at, `fired after ${losses} failed beats in a row, but two are within the budget`)
    }
  }
}

/** 15: no silent re-arm after a possible fire. */
const noSilentRearm: Rule = (evidence, report) => {
  const { acquired, begun, calls, claims, deeds, fires, lost, tolerance } = evidence
  const stops = stopsOf(evidence)
  // With the record of the heartbeat before, its time counts, too.
  const record = deeds.findLast((deed) => deed.what === "record" && deed.at <= (acquired?.at ?? 0))
  for (const fire of fires) {
    if (acquired === undefined || fire.at <= (record ?? acquired).at) continue
    if (begun !== undefined && fire.at >= begun.at) break
    // The book was compared up to the last acknowledgement of that instant.
    const reconciled = deeds.find(
      (deed) =>
        deed.what === "reconcile" &&
        calls.some((call) => call.end === "acknowledged" && call.endSeq! < deed.seq && call.endAt! >= fire.at)
    )
    // After each stop the host has a second to read the clock. One that stops again before has not had it.
    const noticedBy = stops.reduce((by, stop) => (stop.from <= by ? Math.max(by, stop.to + 1_100) : by), fire.at + 15)
    for (const claim of claims) {
      if (claim.at <= fire.at || !safe(claim)) continue
      if (reconciled !== undefined && claim.seq > reconciled.seq) break
      if (claim.how === "standing" && isSilenced(evidence, claim.at)) break
      // The release reports only its end, so until then the last report is old.
      if (claim.how === "standing" && begun !== undefined && claim.at >= begun.at) break
      if (claim.how === "standing" && claim.at <= noticedBy + tolerance) continue
      report("15", claim.at, `${claim.how} ${claim.state}, ${s(claim.at - fire.at)} after the switch had fired`)
      break
    }
  }
  if (lost === undefined) return
  const armingCall = calls.find(
    (call) => call.seq > lost.seq && call.wire !== "0" && (begun === undefined || call.seq < begun.seq)
  )
  if (armingCall !== undefined)
    report("15", armingCall.at, `write ${armingCall.id} left although the switch was lost (${lost.reason})`)
}

/** 16: no answer, however late, makes the window longer than the countdown from the sending of its write. */
const countsFromTheSending: Rule = ({ calls, claims, plan, tolerance }, report) => {
  for (const claim of claims) {
    if (claim.earliest === undefined || claim.earliest === Infinity) continue
    let longest = -Infinity
    for (const call of calls) {
      if (call.seq > claim.seq) break
      if (call.end !== "acknowledged" || call.endSeq! > claim.seq) continue
      // After a "0" an unresolved beat can only restart the countdown, and not before that "0" was sent.
      longest = Math.max(longest, call.at + (Number(call.wire) || plan.client.countdown) * 1_000)
    }
    if (longest !== -Infinity && claim.at + claim.earliest > longest + tolerance) {
      report(
        "16",
        claim.at,
        `the earliest fire is claimed as ${s(claim.at + claim.earliest)}, by the send times it is ${s(longest)}`
      )
    }
  }
}

/** 18: after a suspend longer than the time that was left, the first state seen is not `Armed`. */
const wakesUpInDoubt: Rule = (evidence, report) => {
  const { acquired, calls, claims, crash } = evidence
  for (const stop of stopsOf(evidence)) {
    if (acquired === undefined || acquired.at > stop.from) continue
    if (crash !== undefined && crash.at <= stop.to) continue
    const left = calls.reduce(
      (last, call) =>
        call.at <= stop.from && call.end !== undefined ? Math.max(last, call.at + Number(call.wire) * 1_000) : last,
      -Infinity
    )
    if (left === -Infinity || left + evidence.tolerance >= stop.to) continue
    const first = claims.find((claim) => claim.how !== "standing" && claim.at >= stop.to)
    if (
      first !== undefined &&
      first.state === "Armed" &&
      !claims.some((claim) => claim.at > stop.to - 1 && claim.at < first.at)
    ) {
      report("18", first.at, `the first state after a ${stop.what} of ${s(stop.to - stop.from)} is Armed`)
    }
  }
}

/** Once all faults are healed, an armed and healthy client is armed again, or has reported the reason why not. */
const recovers: Rule = ({ acquired, allCalls, begun, calls, claims, deeds, otherClientAt, plan }, report) => {
  const verdict = deeds.find((deed) => deed.what === "verdict")
  if (verdict === undefined || acquired?.result !== "armed") return
  if (begun !== undefined && begun.at <= verdict.at) return
  const heal = deeds.find((deed) => deed.what === "heal")
  // A shrunk plan may have lost it.
  if (heal === undefined) return
  const after = Math.max(heal.at, ...deeds.map((deed) => deed.at + (deed.length ?? 0)).filter((at) => at < verdict.at))
  if (acquired.at > heal.at || verdict.at - heal.at < recoveryTime(plan) || after > verdict.at) return
  // A client whose answer contradicts its clocks is in doubt until the next one.
  if (plan.venue.wrongMachine !== undefined) return
  const { answer, request } = plan.link
  const slowest = request[1] + answer[1] + plan.venue.timeToApply + plan.venue.timeToComplete
  if (slowest >= plan.client.requestTimeout) return
  // While a "0" of the heartbeat before may still arrive, the client cannot call the switch armed. After a suspend it
  // does not know how much of that time has passed.
  const suspended = deeds.reduce((sum, deed) => (deed.what === "suspend" ? sum + deed.length! : sum), 0)
  const oldest = verdict.at - 31_000 - plan.clock.uncertainty - suspended - recoveryTime(plan)
  if (allCalls.some((call) => call.before && call.wire === "0" && call.at > oldest)) return
  // Nor after a "0" of which it knows only that the port threw.
  if (deeds.some(({ at, what }) => what === "port died before" && at > oldest)) return
  // A copy from before the healing can use up the limit of a second. A write under way has no answer yet.
  if (calls.findLast((call) => (call.endAt ?? Infinity) <= verdict.at)?.code === "429") return
  const claim = claims.find((claim) => claim.how === "read" && claim.at >= verdict.at)
  if (claim === undefined || claim.state === "Armed" || claim.lost !== undefined || otherClientAt < verdict.at) return
  report("recovery", verdict.at, `${s(verdict.at - heal.at)} after the healing the state is ${claim.state}`)
}

export const rules: ReadonlyArray<Rule> = [
  armedMeansArmed,
  firesInsideTheWindow,
  lostForAReason,
  crashClosesOrders,
  healthyIsNotFiredUpon,
  noSilentRearm,
  countsFromTheSending,
  wakesUpInDoubt,
  recovers
]
