/**
 * The judge: which promises a log breaks. It knows the venue's documentation and the plan, and shares no code with the
 * client or the simulator; of both it believes nothing but the records.
 */
import type * as Log from "./Log.js"
import { invalid, type Plan, recoveryTime } from "./Plan.js"

/** A promise by its number, or by a word where it has none. */
export interface Breach {
  readonly promise: string
  readonly at: number
  readonly what: string
}

/** A breach that the promise excepts, and why. */
export interface Excused extends Breach {
  readonly why: "another client wrote" | "the venue held its timers"
}

export interface Verdict {
  readonly breaches: ReadonlyArray<Breach>
  readonly excused: ReadonlyArray<Excused>
}

/** Answers that leave the countdown untouched, from the venue's table of codes; of all others nothing is known. */
const untouched = new Set(
  "429 40009 40014 40012 40018 25008 40084 40037 25000 40200 40008 40017 40301 40036 40038".split(" ")
)
/** Refusals that nothing but a person can heal. 40037 comes and goes at the venue, and 40008 once. */
const fatal = new Set(["40009", "40014", "40012", "40018", "25008", "40084"])

const promisedPace = 1_000
const reporterMillis = 1_000

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
  readonly deeds: ReadonlyArray<Log.Deed>
  readonly acquired: Log.Acquired | undefined
  readonly begun: Log.Closing | undefined
  readonly ended: Log.Closing | undefined
  readonly outcome: Log.Outcome | undefined
  readonly lost: Log.Lost | undefined
  readonly crash: Log.Deed | undefined
  /** Ms that an edge may be off: the fractions that clocks do not show, and the drift of the host's hand. */
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

export const judge = (evidence: Evidence): Verdict => {
  const breaches: Array<Breach> = []
  const excused: Array<Excused> = []
  const report = (promise: string, at: number, what: string): void => {
    const why = excuse(evidence, promise, at)
    if (why === undefined) breaches.push({ promise, at, what })
    else excused.push({ promise, at, what, why })
  }
  for (const rule of rules) rule(evidence, report)
  return { breaches, excused }
}

const byOthers = new Set(["8", "9", "10", "11", "12", "15"])
const byHeld = new Set(["9", "10", "12"])

const excuse = (evidence: Evidence, promise: string, at: number): Excused["why"] | undefined => {
  if (byOthers.has(promise) && at >= evidence.otherClientAt) return "another client wrote"
  if (byHeld.has(promise) && at >= evidence.heldAt) return "the venue held its timers"
  return undefined
}

type Report = (promise: string, at: number, what: string) => void
type Rule = (evidence: Evidence, report: Report) => void

const s = (ms: number): string => `${(ms / 1_000).toFixed(3)} s`

// ---------------------------------------------------------------------------------------------------------------------
// The exchange
// ---------------------------------------------------------------------------------------------------------------------

/** 1, 4: each write that took effect set the deadline, or closed the switch; nothing else did. */
const writesSetTheDeadline: Rule = ({ applied, plan, switched }, report) => {
  const own = switched.filter((entry) => entry.transition !== "fired")
  let next = 0
  let runs = false
  let fire = 0
  const fires = switched.filter((entry) => entry.transition === "fired")
  for (const write of applied) {
    // What has fired before is not running; of the same millisecond the switch's own records decide.
    while (fire < fires.length && fires[fire]!.at < write.appliedAt) {
      runs = false
      fire++
    }
    const seconds = Number(write.wire)
    // Writes that take effect in one millisecond may do so in either order.
    const mine = own.findIndex(
      (entry, index) =>
        index > next &&
        entry.at === write.appliedAt &&
        own[next]!.at === write.appliedAt &&
        entry.deadline === (seconds === 0 ? undefined : write.from + seconds * 1_000)
    )
    if (mine > next && own[next]!.deadline !== own[mine]!.deadline) own.splice(next, 0, ...own.splice(mine, 1))
    const record = own[next]
    if (seconds === 0) {
      if (record !== undefined && record.transition === "closed" && record.at === write.appliedAt) next++
      else if (runs && !fires.some((one) => one.at === write.appliedAt)) {
        report("4", write.appliedAt, `a "0" took effect at ${s(write.appliedAt)} and did not close the switch`)
      }
      runs = false
      continue
    }
    if (record === undefined || record.at !== write.appliedAt || record.transition === "closed") {
      report("1", write.appliedAt, `a write of "${write.wire}" took effect at ${s(write.appliedAt)} and moved nothing`)
      continue
    }
    next++
    runs = true
    if (plan.venue.maintenance === undefined && record.deadline !== write.from + seconds * 1_000) {
      report(
        "1",
        write.appliedAt,
        `the deadline of "${write.wire}" counted from ${s(write.from)} is ${s(record.deadline ?? NaN)}`
      )
    }
  }
  if (next < own.length) report("4", own[next]!.at, `the switch was ${own[next]!.transition} and no write did it`)
}

/** 2: it fires once, not before the deadline and not later than the venue looks. */
const firesOnce: Rule = ({ plan, switched }, report) => {
  const { boundary, maintenance, sweepPeriod } = plan.venue
  let deadline: number | undefined
  for (const entry of switched) {
    if (entry.transition !== "fired") {
      deadline = entry.transition === "closed" ? undefined : entry.deadline
      continue
    }
    if (deadline === undefined) report("2", entry.at, "the switch fired although it was closed")
    else if (maintenance === undefined) {
      const latest = deadline + sweepPeriod + (boundary === "beat" ? 1 : 0)
      if (entry.at < deadline || entry.at > latest) {
        report("2", entry.at, `due at ${s(deadline)}, looked at until ${s(latest)}, fired at ${s(entry.at)}`)
      }
    }
    deadline = undefined
  }
}

/** 3, 5, 6: a firing cancels what was open then, of this account alone, and nothing that was placed later. */
const cancelsWhatWasOpen: Rule = ({ fires, log, ordered, plan }, report) => {
  const own = ordered.filter((entry) => entry.account === "own")
  for (const entry of ordered) {
    if (entry.account === "bystander" && entry.what === "cancelled") {
      report("5", entry.at, `an order of another account was cancelled (${entry.cause})`)
    }
  }
  const placed = own.filter((entry) => entry.what === "placed")
  const cancelled = new Map(own.filter((entry) => entry.what === "cancelled").map((entry) => [entry.order, entry]))
  const { cancelPace, triggerLatency } = plan.venue
  const span = triggerLatency + cancelPace * (placed.length + 1)
  for (const fire of fires) {
    for (const order of placed) {
      const end = cancelled.get(order.order)
      const open = order.at < fire.at && (end === undefined || end.at >= fire.at)
      if (open && fire.at + span < log.end && (end === undefined || end.at > fire.at + span)) {
        report(
          "3",
          fire.at,
          `order ${order.order} was open at the firing and was not cancelled by ${s(fire.at + span)}`
        )
      }
    }
  }
  for (const order of placed) {
    const end = cancelled.get(order.order)
    if (end === undefined) continue
    // An order of the very millisecond of the firing may be either.
    if (!fires.some((fire) => order.at <= fire.at && end.at >= fire.at && end.at <= fire.at + span)) {
      report("6", end.at, `order ${order.order}, placed at ${s(order.at)}, was cancelled and no firing is the reason`)
    }
  }
}

const replays: Rule = ({ log }, report) => {
  if (log.replay !== undefined) report("7", log.end, `the journal rebuilds another exchange:\n${log.replay}`)
}

// ---------------------------------------------------------------------------------------------------------------------
// The client
// ---------------------------------------------------------------------------------------------------------------------

const safe = (claim: Log.Claim): boolean => claim.state === "Armed" || claim.state === "Jeopardy"

interface Stop {
  readonly from: number
  readonly to: number
  readonly what: string
}

/** When the host was stopped, with the instants at which it went on; what overlaps is one. */
const stopsOf = (evidence: Evidence): ReadonlyArray<Stop> => {
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

/** 8: `Armed` or `Jeopardy` implies that the venue's timer runs. */
const armedMeansArmed: Rule = (evidence, report) => {
  const { begun, claims, crash, fires, switched, tolerance } = evidence
  const stops = stopsOf(evidence)
  for (const claim of claims) {
    if (!safe(claim) || claim.venueArmed) continue
    if (claim.how !== "standing") {
      report("8", claim.at, `${claim.how} ${claim.state} while the venue's timer does not run`)
      continue
    }
    // What was told last stands until the alarm goes: at the instant itself, or a second after the host went on.
    const since = [...fires, ...switched.filter((one) => one.transition === "closed")].reduce(
      (last, one) => (one.at <= claim.at ? Math.max(last, one.at) : last),
      -Infinity
    )
    const stopped = stops.reduce((last, stop) => (stop.to <= claim.at ? Math.max(last, stop.to) : last), -Infinity)
    const due = Math.max(since + 15, stopped + 1_100) + tolerance
    // The release tells only its end.
    if (crash === undefined && claim.at > due && (begun === undefined || claim.seq < begun.seq)) {
      report("8", claim.at, `still ${claim.state}, ${s(claim.at - since)} after the venue's timer has ended`)
    }
  }
}

/** 9: the venue fires inside the window, and what is called fired has fired. */
const firesInsideTheWindow: Rule = (
  { acquired, begun, calls, claims, crash, fires, outcome, plan, tolerance },
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
        report("9", fire.at, `fired ${s(earliest - fire.at)} before the earliest fire that was told at ${s(claim.at)}`)
      }
      if (claim.at < fire.at) latest = claim
    }
    if (latest !== undefined && (crash === undefined || crash.at >= fire.at)) {
      // What was sent since moves the edge. What is told is as of its instant, and a write may leave before it is heard.
      const since = (call: Log.Call) => call.seq > latest.seq || (latest.how === "told" && call.at >= latest.at)
      const sent = calls.some((call) => call.at <= fire.at && since(call))
      const edge = latest.at + latest.latest!
      if (!sent && fire.at > edge + tolerance) {
        report("9", fire.at, `fired ${s(fire.at - edge)} after the latest fire that was told at ${s(latest.at)}`)
      }
    }
    if (outcome !== undefined && fire.at > outcome.at && outcome.earliest !== undefined) {
      const [from, to] = [outcome.at + outcome.earliest, outcome.at + outcome.latest!]
      if (fire.at < from - tolerance || fire.at > to + tolerance) {
        report("9", fire.at, `fired at ${s(fire.at)}, ${outcome.outcome} had said from ${s(from)} to ${s(to)}`)
      }
    }
  }
  for (const claim of claims) {
    if (claim.state !== "Fired" || (begun !== undefined && claim.at > begun.at)) continue
    if (!fires.some((fire) => fire.at <= claim.at + tolerance && fire.at >= (acquired?.at ?? 0) - 120_000)) {
      report("9", claim.at, "told that it has fired, and it has not")
    }
  }
}

/** 9, too: a heartbeat is lost as fired only when it has, and not because one machine has stamped one answer wrongly. */
const lostForAReason: Rule = ({ acquired, calls, deeds, fires, lost, plan, tolerance }, report) => {
  if (lost === undefined || acquired === undefined) return
  if (lost.reason === "Fired" && !fires.some((fire) => fire.at <= lost.at + tolerance)) {
    report("9", lost.at, "lost as fired, and it has not fired")
  }
  const { wrongMachine } = plan.venue
  if (lost.reason !== "MayHaveFired" || wrongMachine === undefined || plan.predecessor !== undefined) return
  if (deeds.some((deed) => deed.what === "step-wall" && deed.at <= lost.at)) return
  // A first stamp that is behind looks the same as a host that has stood still together with its clocks.
  const first = calls.find((call) => call.end === "acknowledged")
  if (wrongMachine.by < 0 && (first === undefined || wrongMachine.answer <= first.id)) return
  // Its own clocks are reason enough where an acknowledgement, or the loss, came after the countdown of the one before.
  const countdown = (plan.client.countdown * 1_000) / Math.max(1, plan.clock.rate)
  const acknowledged = calls.filter((call) => call.end === "acknowledged" && call.endAt! <= lost.at)
  const overdue = acknowledged.some((call, index) => {
    const next = acknowledged[index + 1]?.endAt ?? lost.at
    return next >= call.at + countdown - tolerance
  })
  if (!overdue) report("9", lost.at, "lost as uncertain, and one answer of a wrong machine is the only reason")
}

/** 10: after a crash, every order that was open is closed by then + countdown + the longest delay + the venue's look. */
const crashClosesOrders: Rule = (evidence, report) => {
  const { applied, begun, claims, crash, log, ordered, plan } = evidence
  if (crash === undefined || begun !== undefined) return
  const last = claims.findLast((claim) => claim.at <= crash.at)
  if (last === undefined || !safe(last) || evidence.fires.some((fire) => fire.at >= last.at && fire.at <= crash.at))
    return
  // What stands is what was told before the host stopped; how soon it has to be taken back is for promise 8 to say.
  if (last.how === "standing" && !last.venueArmed) return
  const { cancelPace, sweepPeriod, timeToComplete, triggerLatency } = plan.venue
  const lastWrite = applied.reduce(
    (last, write) => (write.call === undefined ? last : Math.max(last, write.appliedAt)),
    0
  )
  const by =
    Math.max(crash.at, lastWrite) + plan.client.countdown * 1_000 + sweepPeriod + triggerLatency + timeToComplete + 2
  const own = ordered.filter((entry) => entry.account === "own")
  for (const order of own) {
    if (order.what !== "placed" || order.at > crash.at) continue
    const end = own.find((entry) => entry.what === "cancelled" && entry.order === order.order)
    const bound = by + cancelPace * own.length
    if (bound > log.end) continue
    if (end === undefined || end.at > bound) {
      report("10", bound, `order ${order.order} was open at the crash at ${s(crash.at)} and still at ${s(bound)}`)
    }
  }
}

/**
 * 11: within the budget (two beats in a row that fail, and answers within the request timeout) a healthy client is never
 * fired upon. Refusals are within it when they come at once: the pace counts from the answer.
 */
const healthyIsNotFiredUpon: Rule = (evidence, report) => {
  const { acquired, begun, calls, deeds, fires, lost, plan } = evidence
  const { client } = plan
  if (acquired?.result !== "armed" || client.deaf || plan.needle !== undefined) return
  if (plan.venue.maintenance !== undefined || plan.clock.rate !== 1) return
  const troubled = new Set([
    "suspend",
    "stall",
    "crash",
    "lapse",
    "beat",
    "interrupted-beat",
    "step-wall",
    "other-client"
  ])
  const patience = Math.max(client.requestTimeout, promisedPace) - promisedPace
  for (const fire of fires) {
    if (begun !== undefined && fire.at >= begun.at) break
    if (deeds.some((deed) => troubled.has(deed.what) && deed.at <= fire.at)) break
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
      report("11", fire.at, `fired upon after ${losses} failed beats in a row, two are within the budget`)
    }
  }
}

/** 12: after `Disarmed` nothing fires, after `DisarmUnconfirmed` nothing fires after its instant. */
const disarmedIsDisarmed: Rule = ({ fires, outcome, tolerance }, report) => {
  if (outcome === undefined) return
  for (const fire of fires) {
    if (fire.at <= outcome.at) continue
    if (outcome.outcome === "Disarmed") report("12", fire.at, `fired ${s(fire.at - outcome.at)} after Disarmed`)
    if (outcome.outcome === "DisarmUnconfirmed" && fire.at > outcome.at + outcome.latest! + tolerance) {
      const until = outcome.at + outcome.latest!
      report("12", fire.at, `fired ${s(fire.at - until)} after the instant of DisarmUnconfirmed`)
    }
  }
}

/** 13: closing the scope returns within its bound. */
const closingIsBounded: Rule = (evidence, report) => {
  const { acquired, begun, crash, deeds, ended, plan } = evidence
  if (crash !== undefined) return
  const stalled = deeds.reduce((sum, deed) => (deed.what === "stall" ? sum + deed.length! : sum), 0)
  const bound = plan.client.releaseTimeout + reporterMillis + 10 + stalled
  if (begun !== undefined && (ended === undefined || ended.mono - begun.mono > bound)) {
    const took = ended === undefined ? "for ever" : s(ended.mono - begun.mono)
    report("13", begun.at, `closing the scope took ${took}, its bound is ${s(bound)}`)
  }
  if (acquired === undefined && ended === undefined) report("13", 0, "the acquisition never ended")
}

/** 14: writes keep a second between them, and at most one is in flight. */
const paceIsKept: Rule = ({ allCalls: calls, arrivals, plan, tolerance }, report) => {
  const pace = promisedPace / Math.max(1, plan.clock.rate) - 1
  for (let i = 1; i < calls.length; i++) {
    const [before, call] = [calls[i - 1]!, calls[i]!]
    // An answer that came after the request was given up is not heard.
    // The release of the heartbeat before gives up what is in flight when its own time is over.
    const givenUp = before.before !== call.before
    const heard =
      before.endAt !== undefined &&
      before.endAt <= before.at + plan.client.requestTimeout - tolerance &&
      !(givenUp && plan.client.deaf)
    const answered = heard && (before.end === "acknowledged" || before.end === "code")
    const from = answered ? before.endAt! : before.at
    if (call.at - from < pace) {
      const since = answered ? "the answer" : "the sending"
      report("14", call.at, `write ${call.id} left ${s(call.at - from)} after ${since} of the one before`)
    }
    const over = Math.min(
      before.endAt ?? Infinity,
      before.at + plan.client.requestTimeout / Math.max(1, plan.clock.rate)
    )
    if (givenUp) continue
    if (call.at < over - tolerance) report("14", call.at, `write ${call.id} left while the one before was in flight`)
  }
  const first = new Map<number, Log.Arrival>()
  for (const arrival of arrivals) if (arrival.copy === 0 && arrival.call !== undefined) first.set(arrival.call, arrival)
  for (let i = 1; i < calls.length; i++) {
    const [a, b] = [first.get(i - 1), first.get(i)]
    if (a === undefined || b === undefined) continue
    const later = b.at - calls[i]!.at - (a.at - calls[i - 1]!.at)
    if (later >= 0 && b.at - a.at < pace - 1) {
      report("14", b.at, `writes ${i - 1} and ${i} reached the venue ${s(b.at - a.at)} apart, neither was late`)
    }
  }
}

/** 15: no silent re-arm after a possible fire. */
const noSilentRearm: Rule = (evidence, report) => {
  const { acquired, begun, calls, claims, deeds, fires, lost, tolerance } = evidence
  const stops = stopsOf(evidence)
  for (const fire of fires) {
    if (acquired === undefined || fire.at <= acquired.at) continue
    if (begun !== undefined && fire.at >= begun.at) break
    // The book was compared up to the acknowledgement that the client had then.
    const reconciled = deeds.find(
      (deed) =>
        deed.what === "reconcile" &&
        calls.some((call) => call.end === "acknowledged" && call.endSeq! < deed.seq && call.endAt! >= fire.at)
    )
    // A host that is stopped again before it has looked at the clock has not had its second.
    const goes = stops.reduce(
      (last, stop) => (stop.from <= last + (last === fire.at ? 15 : 1_100) ? Math.max(last, stop.to) : last),
      fire.at
    )
    for (const claim of claims) {
      if (claim.at <= fire.at || !safe(claim)) continue
      if (reconciled !== undefined && claim.seq > reconciled.seq) break
      // The release tells only its end, so what stands meanwhile is old.
      if (claim.how === "standing" && begun !== undefined && claim.at >= begun.at) break
      if (claim.how === "standing" && claim.at <= Math.max(goes + 1_100, fire.at + 15) + tolerance) continue
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

/** The last write that is due, by the policy, by the loss of the heartbeat and by how its scope closes. */
const lastWrite = (
  release: Plan["client"]["release"],
  how: string,
  loss: string | undefined
): "0" | "5" | undefined => {
  if (release === "always Disarm") return "0"
  if (release === "always CancelSoon") return "5"
  if (release === "letExpire") return undefined
  if (release === "disarm") return loss === undefined ? "0" : undefined
  if (loss !== undefined) return loss === "Refused" || loss === "Defect" ? undefined : "5"
  return how === "failure" || (how === "interruption" && release === "cancelUnlessDone") ? "5" : "0"
}

/** How the scope may have closed: a host that stands still closes it when it goes on, with what has come meanwhile. */
const closings = ({ begun, deeds, plan }: Evidence): ReadonlyArray<string> => {
  const close = plan.deeds.find((deed) => deed.do === "close")
  if (close?.do !== "close" || !deeds.some((deed) => deed.what === "close")) return ["interruption"]
  const interrupted = close.at + (close.interruptedAfter ?? Infinity) <= begun!.at + 1
  return interrupted ? [close.how, "interruption"] : [close.how]
}

/** 12, too: once the scope closes, nothing is written but what the policy asks for; a lost heartbeat is not disarmed. */
const closingWritesTheLast: Rule = (evidence, report) => {
  const { acquired, begun, calls, claims, lost } = evidence
  if (begun === undefined || acquired?.result !== "armed") return
  // Of one instant either may have been first, and what is lost then may go unheard.
  const losses: Array<string | undefined> = lost === undefined || lost.at >= begun.at ? [undefined] : []
  if (lost !== undefined && lost.at <= begun.at + 1) losses.push(lost.reason)
  const unsafe = claims.find((claim) => claim.at >= begun.at && claim.at <= begun.at + 1 && claim.seq > begun.seq)
  if (unsafe?.state === "MayHaveFired" || unsafe?.state === "Fired") losses.push(unsafe.state)
  const { release } = evidence.plan.client
  const wanted = new Set<string | undefined>(
    closings(evidence).flatMap((how) => losses.map((loss) => lastWrite(release, how, loss)))
  )
  // A beat of the very instant may still have been before it.
  const other = calls.find((call) => call.at > begun.at && !wanted.has(call.wire))
  if (other !== undefined) {
    report("12", other.at, `write ${other.id} of "${other.wire}" left after the scope had begun to close`)
  }
}

/** 16: no answer, however late, makes the window longer than the countdown from the sending of its write. */
const countsFromTheSending: Rule = ({ calls, claims, plan, tolerance }, report) => {
  for (const claim of claims) {
    if (claim.earliest === undefined || claim.earliest === Infinity) continue
    let longest = -Infinity
    for (const call of calls) {
      if (call.seq > claim.seq) break
      if (call.end !== "acknowledged" || call.endSeq! > claim.seq) continue
      // After a "0" a stray beat can only start the countdown anew, and not before that "0" was sent.
      longest = Math.max(longest, call.at + (Number(call.wire) || plan.client.countdown) * 1_000)
    }
    if (longest !== -Infinity && claim.at + claim.earliest > longest + tolerance) {
      report(
        "16",
        claim.at,
        `the earliest fire is told as ${s(claim.at + claim.earliest)}, by the sendings it is ${s(longest)}`
      )
    }
  }
}

/** 17: the cadence counts from send times on the monotonic hand; no step of the wall clock changes it. */
const cadenceIsKept: Rule = (evidence, report) => {
  const { acquired, begun, calls, crash, deeds, lost, plan } = evidence
  // A client whose answer contradicts its clocks asks again at once.
  if (acquired?.result !== "armed" || plan.venue.wrongMachine !== undefined) return
  const { interval } = plan.client
  const disturbed = deeds.filter(
    (deed) =>
      deed.what === "suspend" ||
      deed.what === "stall" ||
      deed.what === "lapse" ||
      deed.what === "beat" ||
      deed.what === "interrupted-beat"
  )
  const slack = 2 + interval * Math.abs(plan.clock.rate - 1) + Math.abs(plan.clock.rate - 1) * 60_000
  const end = Math.min(begun?.at ?? Infinity, crash?.at ?? Infinity, lost?.at ?? Infinity)
  let plan0: number | undefined
  for (let i = 0; i < calls.length; i++) {
    const call = calls[i]!
    if (call.at >= end) return
    const next = calls[i + 1]
    // An answer of the very instant of the timeout may not have been heard.
    if (call.end !== "acknowledged" || call.endAt! > call.at + plan.client.requestTimeout - slack) {
      plan0 = undefined
      continue
    }
    // Up to half a second behind its plan a beat keeps it, and the plan is never ahead of the beat.
    const lowest = plan0 === undefined ? call.at - 500 : Math.max(plan0, call.at - 500)
    const answered = call.endAt! + promisedPace
    const earliest = Math.max(lowest + interval, answered)
    const latest = Math.max(call.at + interval, answered)
    const until = next?.at ?? Infinity
    plan0 = lowest + interval
    if (
      disturbed.some(
        (deed) => deed.at <= Math.min(until, latest + slack) + 1 && deed.at + (deed.length ?? 0) + 70_000 >= call.at
      )
    ) {
      plan0 = undefined
      continue
    }
    if (latest + slack >= end || call.endAt! < acquired.at) {
      plan0 = undefined
      continue
    }
    if (next === undefined || next.at > latest + slack || next.at < earliest - slack) {
      report(
        "17",
        call.at,
        `the beat of ${s(call.at)} is followed by one at ${next === undefined ? "no time" : s(next.at)}, planned from ${s(earliest)} to ${s(latest)}`
      )
      return
    }
  }
}

/** 18: after a suspend longer than what was left, the first state seen is not `Armed`. */
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

/** 19: nothing is left, and the acquisition arms or fails, never half. */
const leavesNothing: Rule = (evidence, report) => {
  const { acquired, calls, ended, log, plan } = evidence
  if (log.defect !== undefined) report("19", log.end, `the run failed: ${log.defect}`)
  const { leftover } = log
  if (leftover !== undefined && log.defect === undefined) {
    for (const [what, count] of Object.entries(leftover)) {
      if (count !== 0) report("19", log.end, `${count} ${what} left behind`)
    }
  }
  if (acquired === undefined || acquired.result === "armed" || ended === undefined) return
  const touched = calls.findLast(
    (call) =>
      call.left &&
      call.wire !== "0" &&
      !(call.code !== undefined && untouched.has(call.code)) &&
      call.end !== "refused-connection"
  )
  const room = plan.client.requestTimeout + 2 * promisedPace
  // A host that stands still while the bound runs has no time left to send anything.
  const stopped = stopsOf(evidence).some(
    (stop) => touched !== undefined && stop.to >= touched.at && stop.from <= ended.at
  )
  if (plan.client.abandon === "LetExpire") {
    const off = calls.find((call) => call.wire === "0")
    if (off !== undefined)
      report("19", off.at, `the acquisition ${acquired.result} and sent "0", which abandon forbids`)
    return
  }
  if (
    touched !== undefined &&
    !stopped &&
    plan.client.releaseTimeout > room &&
    !calls.some((call) => call.seq > touched.seq && call.wire === "0")
  ) {
    report("19", touched.at, `the acquisition ${acquired.result} and left write ${touched.id} without a "0"`)
  }
}

/** 20: no secret in any output. */
const tellsNoSecret: Rule = ({ log }, report) => {
  if (log.output === undefined) return
  for (const secret of log.secrets) {
    if (log.output.includes(secret)) report("20", 0, `the output holds ${secret}`)
  }
  const signature = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=/.exec(log.output)
  if (signature !== null) report("20", 0, `the output holds what looks like a signature: ${signature[0]}`)
}

/** A refusal that nothing can heal ends the heartbeat or the acquisition; options that cannot work are refused. */
const believesRefusals: Rule = ({ acquired, begun, calls, claims, crash, plan, tolerance }, report) => {
  if (invalid(plan)) {
    if (acquired?.failure !== "InvalidOptions" || calls.length > 0) {
      report(
        "options",
        0,
        `a countdown of ${plan.client.countdown} s was not refused: ${acquired?.result}, ${calls.length} calls`
      )
    }
    return
  }
  if (acquired?.failure === "InvalidOptions") report("options", 0, "options that hold were refused")
  // A service that is deaf to interruptions answers requests that were given up long ago: nobody hears it.
  const inTime = (call: Log.Call) => call.endAt! < call.at + plan.client.requestTimeout - tolerance
  const refusal = calls.find(
    (call) => call.end === "code" && fatal.has(call.code!) && (!plan.client.deaf || inTime(call))
  )
  if (refusal === undefined) return
  const again = calls.find(
    (call) => call.seq > refusal.endSeq! && call.wire !== "0" && (begun === undefined || call.seq < begun.seq)
  )
  if (again !== undefined) report("lost", again.at, `write ${again.id} left after the refusal ${refusal.code}`)
  const read = claims.find(
    (claim) => claim.how === "read" && claim.seq > refusal.endSeq! + 1 && claim.at > refusal.endAt!
  )
  if (
    crash === undefined &&
    read !== undefined &&
    read.lost === undefined &&
    (begun === undefined || refusal.endSeq! < begun.seq)
  ) {
    report("lost", read.at, `the refusal ${refusal.code} did not end the heartbeat`)
  }
}

/** Once all is healed, an armed and healthy client is armed again, or has said why not. */
const recovers: Rule = ({ acquired, allCalls, begun, calls, claims, deeds, otherClientAt, plan }, report) => {
  const verdict = deeds.find((deed) => deed.what === "verdict")
  if (verdict === undefined || acquired?.result !== "armed") return
  if (begun !== undefined && begun.at <= verdict.at) return
  const heal = deeds.find((deed) => deed.what === "heal")
  // A plan that is being shrunk may have lost it.
  if (heal === undefined) return
  const after = Math.max(heal.at, ...deeds.map((deed) => deed.at + (deed.length ?? 0)).filter((at) => at < verdict.at))
  if (acquired.at > heal.at || verdict.at - heal.at < recoveryTime(plan) || after > verdict.at) return
  // A client whose answer contradicts its clocks is in doubt until the next one.
  if (plan.venue.wrongMachine !== undefined) return
  const { answer, request } = plan.link
  const slowest = request[1] + answer[1] + plan.venue.timeToApply + plan.venue.timeToComplete
  if (slowest >= plan.client.requestTimeout) return
  // A "0" of the heartbeat before that may still arrive keeps the switch from being called armed; while it was suspended
  // the client cannot know how much of that time has passed.
  const suspended = deeds.reduce((sum, deed) => (deed.what === "suspend" ? sum + deed.length! : sum), 0)
  const oldest = verdict.at - 31_000 - plan.clock.uncertainty - suspended - recoveryTime(plan)
  if (allCalls.some((call) => call.before && call.wire === "0" && call.at > oldest)) return
  // A copy from before the healing can take the one place of a second. What is under way has told the client nothing yet.
  if (calls.findLast((call) => (call.endAt ?? Infinity) <= verdict.at)?.code === "429") return
  const claim = claims.find((claim) => claim.how === "read" && claim.at >= verdict.at)
  if (claim === undefined || claim.state === "Armed" || claim.lost !== undefined || otherClientAt < verdict.at) return
  report("recovery", verdict.at, `${s(verdict.at - heal.at)} after all was healed the state is ${claim.state}`)
}

const rules: ReadonlyArray<Rule> = [
  writesSetTheDeadline,
  firesOnce,
  cancelsWhatWasOpen,
  replays,
  armedMeansArmed,
  firesInsideTheWindow,
  lostForAReason,
  crashClosesOrders,
  healthyIsNotFiredUpon,
  disarmedIsDisarmed,
  closingIsBounded,
  paceIsKept,
  noSilentRearm,
  closingWritesTheLast,
  countsFromTheSending,
  cadenceIsKept,
  wakesUpInDoubt,
  leavesNothing,
  tellsNoSecret,
  believesRefusals,
  recovers
]
