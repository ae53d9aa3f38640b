/** Rules about the client's actions: promises 12 to 14, 19 and 20, refusals and options. */
import { type Evidence, stopsOf } from "../Evidence.js"
import type * as Log from "../Log.js"
import { invalid, type Plan } from "../Plan.js"
import { promisedPace, type Rule, s } from "./rule.js"

/** Codes that leave the countdown unchanged, by the exchange's table. After all others it is unknown. */
const untouched = new Set(
  "429 40009 40014 40012 40018 25008 40084 40037 25000 40200 40008 40017 40301 40036 40038".split(" ")
)
/** Refusals that only a person can heal. 40037 comes and goes at the exchange, and 40008 comes once. */
const fatal = new Set(["40009", "40014", "40012", "40018", "25008", "40084"])

/** The time that the release waits for the last reports of transitions, ms. */
const reporterMillis = 1_000

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
const paceIsKept: Rule = ({ allCalls: calls, arrivals, deeds, plan, tolerance }, report) => {
  // Without a reading of the answer the pace counts from the last one, that of the sending.
  const undated = new Set(deeds.flatMap(({ at, what }) => (what.startsWith("clock died") ? [at] : [])))
  const pace = promisedPace / Math.max(1, plan.clock.rate) - 1
  for (let i = 1; i < calls.length; i++) {
    const [before, call] = [calls[i - 1]!, calls[i]!]
    // The client ignores an answer after the timeout. The release of the heartbeat before abandons its write in flight
    // when its own time is over.
    const givenUp = before.before !== call.before
    const heard =
      before.endAt !== undefined &&
      before.endAt <= before.at + plan.client.requestTimeout - tolerance &&
      !(givenUp && plan.client.deaf) &&
      !undated.has(before.endAt)
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
      report("14", b.at, `writes ${i - 1} and ${i} reached the exchange ${s(b.at - a.at)} apart, neither was late`)
    }
  }
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
  return how === "failure" || how === "defect" || (how === "interruption" && release === "cancelUnlessDone") ? "5" : "0"
}

/** From best to worst. */
const exits = ["success", "interruption", "failure", "defect"]

/** The ways in which the scope may have closed. A stopped host closes it when it continues. */
const closings = ({ begun, deeds, plan, uses }: Evidence): ReadonlyArray<string> => {
  if (plan.sharers !== undefined) {
    const left = uses.filter(({ what }) => what === "leaves").map(({ how }) => exits.indexOf(how!))
    return [exits[Math.max(...left)]!]
  }
  const close = plan.deeds.find((deed) => deed.do === "close")
  if (close?.do !== "close" || !deeds.some((deed) => deed.what === "close")) return ["interruption"]
  const interrupted = close.at + (close.interruptedAfter ?? Infinity) <= begun!.at + 1
  return interrupted ? [close.how, "interruption"] : [close.how]
}

/**
 * 12, too: once the scope closes, the client writes only what the policy asks for, and never disarms a lost heartbeat.
 */
const closingWritesTheLast: Rule = (evidence, report) => {
  const { acquired, begun, calls, claims, lost } = evidence
  if (begun === undefined || acquired?.result !== "armed") return
  // Within one instant either may be first, and the release may not notice a loss.
  const losses: Array<string | undefined> = lost === undefined || lost.at >= begun.at ? [undefined] : []
  if (lost !== undefined && lost.at <= begun.at + 1) losses.push(lost.reason)
  const unsafe = claims.find((claim) => claim.at >= begun.at && claim.at <= begun.at + 1 && claim.seq > begun.seq)
  if (unsafe?.state === "MayHaveFired" || unsafe?.state === "Fired") losses.push(unsafe.state)
  // The default decides for a policy that throws.
  const release = evidence.plan.throwing.includes("release") ? "disarm" : evidence.plan.client.release
  const wanted = new Set<string | undefined>(
    closings(evidence).flatMap((how) => losses.map((loss) => lastWrite(release, how, loss)))
  )
  // A beat of the same instant may have come before it.
  const other = calls.find((call) => call.at > begun.at && !wanted.has(call.wire))
  if (other !== undefined) {
    report("12", other.at, `write ${other.id} of "${other.wire}" left after the scope had begun to close`)
  }
}

/** 19: nothing is left behind, and the acquisition either arms or fails completely. */
const leavesNothing: Rule = (evidence, report) => {
  const { acquired, calls, deeds, ended, log, plan } = evidence
  if (log.defect !== undefined) report("19", log.end, `the run failed: ${log.defect}`)
  const { leftover } = log
  if (leftover !== undefined && log.defect === undefined) {
    for (const [what, count] of Object.entries(leftover)) {
      if (count !== 0) report("19", log.end, `${count} ${what} left behind`)
    }
  }
  if (acquired?.failure === "AccountInUse") report("19", acquired.at, "a heartbeat that has ended holds the account")
  if (acquired === undefined || acquired.result === "armed" || ended === undefined) return
  const touched = calls.findLast(
    (call) =>
      call.left &&
      call.wire !== "0" &&
      !(call.code !== undefined && untouched.has(call.code)) &&
      call.end !== "refused-connection"
  )
  const room = plan.client.requestTimeout + 2 * promisedPace
  // A host that stops within the bound has no time left to send anything.
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
    !deeds.some(({ seq, what }) => seq > touched.seq && (what === "port died" || what === "clock died")) &&
    plan.client.releaseTimeout > room &&
    !calls.some((call) => call.seq > touched.seq && call.wire === "0")
  ) {
    report("19", touched.at, `the acquisition ${acquired.result} and left write ${touched.id} without a "0"`)
  }
}

/** 20: no secret in any output. */
const leaksNoSecret: Rule = ({ log }, report) => {
  if (log.output === undefined) return
  for (const secret of log.secrets) {
    if (log.output.includes(secret)) report("20", 0, `the output holds ${secret}`)
  }
  const signature = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=/.exec(log.output)
  if (signature !== null) report("20", 0, `the output seems to hold a signature: ${signature[0]}`)
}

/** A refusal that nothing can heal ends the heartbeat or the acquisition. Options that cannot work are refused. */
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
  if (acquired?.failure === "InvalidOptions") report("options", 0, "valid options were refused")
  // A service that ignores interruptions also answers requests after their timeout. The client ignores those answers.
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

export const rules: ReadonlyArray<Rule> = [
  disarmedIsDisarmed,
  closingIsBounded,
  paceIsKept,
  closingWritesTheLast,
  leavesNothing,
  leaksNoSecret,
  believesRefusals
]
