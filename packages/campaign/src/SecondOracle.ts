/**
 * A second judge, written from the promises alone and without a look at the first one (`Oracle.ts`). It replays the
 * exchange's timer in one pass over the records, in the order of time, and compares each claim of the client with the
 * timer of that instant. It needs no code of the client, of the simulator or of the first judge.
 *
 * Not judged here: 7 (a comparison inside the exchange), 17 (needs a model of the cadence), 19 and 20 (counted by the
 * runner, because neither the exchange's records nor the client's claims show them).
 */
import type * as Log from "./Log.js"
import type { Plan } from "./Plan.js"

export interface Finding {
  readonly promise: string
  /** Ms since the start of the run. */
  readonly at: number
  readonly what: string
}

export interface Verdict {
  readonly breaches: ReadonlyArray<Finding>
  readonly excused: ReadonlyArray<Finding>
}

/** The promises that this judge judges. */
export const judged: ReadonlySet<string> = new Set("1 2 3 4 5 6 8 9 10 11 12 13 14 15 16 18".split(" "))

/** A signature is good for 30 s, and a request on its way for longer changes nothing. */
const longestDelay = 30_000
/** Two further tries fit between a failed beat and the earliest fire, so the switch survives two failures in a row. */
const budget = 2
/** No timer reports a suspend. A program that compares its clocks once a second may notice it that late. */
const notice = 1_000

interface Step {
  readonly at: number
  readonly seq: number
  readonly entry: Log.Entry
  /** Whether this is the end of the call and not its start. */
  readonly ends: boolean
}

/** A good write at the exchange. `deadline` is absent for a `0`, `call` for a write of another client. */
interface Write {
  readonly at: number
  readonly deadline: number | undefined
  readonly call: Log.Call | undefined
}

/** The edges of the client's last statement, ms since the start of the run. */
interface Window {
  readonly at: number
  readonly earliest: number
  readonly latest: number
}

const isSafe = (state: string | undefined): boolean => state === "Armed" || state === "Jeopardy"

/** The records by time. The exchange's clock counts whole ms, and the full stack adds its records at the end. */
const inOrder = (plan: Plan, entries: ReadonlyArray<Log.Entry>): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  for (const entry of entries) {
    const at = entry._tag === "Arrival" ? (entry.appliedAt ?? entry.at) : entry.at
    steps.push({ at, seq: entry.seq, entry, ends: false })
    if (entry._tag === "Call" && entry.endAt !== undefined)
      steps.push({ at: entry.endAt, seq: entry.endSeq!, entry, ends: true })
  }
  const rank = ({ entry: { _tag } }: Step) =>
    plan.stack === "port" || _tag === "Arrival" || _tag === "Switched" || _tag === "Ordered" ? 0 : 1
  return steps.sort((a, b) => Math.floor(a.at) - Math.floor(b.at) || rank(a) - rank(b) || a.seq - b.seq)
}

export const judge = (plan: Plan, { end, entries }: Pick<Log.Log, "end" | "entries">): Verdict => {
  const { client, venue } = plan
  const breaches: Array<Finding> = []
  const excused: Array<Finding> = []
  const broken = (promise: string, at: number, what: string): void => void breaches.push({ promise, at, what })
  const unless = (excuse: boolean, promise: string, at: number, what: string): void =>
    void (excuse ? excused : breaches).push({ promise, at, what })

  const total = client.countdown * 1_000
  // The host's clock may be slightly fast or slow, which no client can see. Its edges are off by that share.
  const slack = 1 + Math.abs(plan.clock.rate - 1) * (total + 2 * longestDelay)
  /** A release of the exchange may pause the timer or hold its firing back, which no documentation describes. */
  const release = venue.maintenanceTimer === "runs" ? undefined : venue.maintenance
  const heldBack = ({ at, deadline }: Write): number =>
    release !== undefined && at < release.to && deadline! + venue.sweepPeriod > release.from
      ? release.to - release.from
      : 0
  const calls = entries.filter((entry): entry is Log.Call => entry._tag === "Call")
  /** A service that ignores interruptions ends its calls long after the client has given up on them. */
  const inTime = (call: Log.Call): boolean => !client.deaf || call.endAt! - call.at <= client.requestTimeout
  const answered = (call: Log.Call, by: number): boolean =>
    ["acknowledged", "code", "unreadable"].includes(call.end!) && call.endAt! <= by && inTime(call)

  // The exchange: its timer and its book.
  let timer: Write | undefined
  let changedAt = -1
  let fire: (Write & { readonly firedAt: number }) | undefined
  const due: Array<Write> = []
  const arrived: Array<number> = []
  const applied: Array<number> = []
  const open = new Set<string>()
  const doomed = new Set<string>()
  let doomedUntil = 0
  let crash: { readonly orders: Set<string>; readonly until: number } | undefined
  // The client: its writes and its claims.
  let sent: Log.Call | undefined
  let acknowledged: Log.Call | undefined
  let window: Window | undefined
  let reported: string | undefined
  /** The instant from which the last report is a lie, unless the client corrects it. */
  let lieAt: number | undefined
  let safeAt = -Infinity
  let alive = false
  let watched = false
  let closing: Log.Closing | undefined
  let lost: string | undefined
  let outcome: Log.Outcome | undefined
  /** The last firing of the client's own timer that the client has neither reported nor been told about. */
  let hidden: number | undefined
  let compared = -Infinity
  let listedAt = -Infinity
  let doubt: { readonly at: number; passed: boolean } | undefined
  // The host: its last stop, the earliest fire of all that was sent before it, and its clocks.
  let stop = { from: -Infinity, until: -Infinity, left: Infinity, notice: 0, seen: true }
  let stalled = 0
  let lapsedUntil = -Infinity
  let diverged = false

  const onArrival = (arrival: Log.Arrival): void => {
    const { appliedAt, call: id, from } = arrival
    const call = id === undefined ? undefined : calls[id]
    if (id !== undefined && arrived[id] === undefined) {
      arrived[id] = arrival.at
      // In order and in time: the write before was answered before this one left.
      const gap = id > 0 && answered(calls[id - 1]!, call!.at) ? arrival.at - arrived[id - 1]! : Infinity
      if (gap < 1_000 - slack) broken("14", arrival.at, `write ${id} arrived ${gap} ms after the one before`)
    }
    if (appliedAt === undefined) return
    if (id !== undefined) applied[id] = appliedAt
    if (from === undefined || from < arrival.at || from > appliedAt + venue.timeToComplete)
      return broken("1", appliedAt, `a countdown that was applied at ${appliedAt} counts from ${from}`)
    const seconds = Number(arrival.wire)
    // A `0` over a closed switch succeeds and changes nothing.
    if (seconds !== 0) due.push({ at: appliedAt, deadline: from + seconds * 1_000, call })
    else if (timer !== undefined || due.length > 0) due.push({ at: appliedAt, deadline: undefined, call })
  }

  const onSwitched = ({ account, at, deadline, transition }: Log.Switched): void => {
    if (account !== "own") return broken("5", at, `the switch of another account: ${transition}`)
    changedAt = at
    if (transition === "fired") return onFired(at)
    const write = due.shift()
    if (write?.at !== at) return broken("4", at, `${transition} without a good write`)
    const expected = write.deadline === undefined ? "closed" : timer === undefined ? "armed" : "refreshed"
    if (transition !== expected || (expected !== "closed" && deadline !== write.deadline))
      broken("1", at, `${transition} until ${deadline}, not ${expected} until ${write.deadline}`)
    if (write.deadline === undefined) return ended(write, at)
    timer = write
    // A claim has to allow for every write that had been sent, whenever it is applied.
    if (write.call !== undefined && window !== undefined && write.call.at < window.at) within(window, write, at)
  }

  const onFired = (at: number): void => {
    if (timer === undefined) return broken("2", at, "fired while the switch was closed")
    const { call, deadline } = timer
    if (at < deadline! || at > deadline! + venue.sweepPeriod + heldBack(timer))
      broken("2", at, `fired ${at - deadline!} ms after the deadline`)
    fire = { ...timer, firedAt: at }
    for (const order of open) doomed.add(order)
    doomedUntil = at + venue.triggerLatency + venue.cancelPace * doomed.size
    open.clear()
    // The exchange records no holder, so the client cannot know a firing of another client's countdown.
    if (call !== undefined) {
      const late = window !== undefined && call.at < window.at ? at + venue.triggerLatency - window.latest : 0
      if (late > slack) unless(heldBack(timer) > 0, "9", at, `fired ${late} ms after the latest fire`)
      if (alive || watched) hidden = at
      tolerated(at)
      if (outcome !== undefined && call.seq < outcome.seq) silent(outcome, at)
    }
    ended(timer, at)
  }

  /** Checks that the firing was beyond what a healthy client has to survive. */
  const tolerated = (at: number): void => {
    // A stopped host, a loop that is not alive and the end of the heartbeat stop the beats on purpose.
    if (
      !alive ||
      closing !== undefined ||
      lost !== undefined ||
      acknowledged === undefined ||
      acknowledged.wire === "0"
    )
      return
    if (stop.until >= acknowledged.at || lapsedUntil >= acknowledged.at) return
    const failures = sent!.id - acknowledged.id
    const missed = calls[sent!.id]!.end === "acknowledged" ? 1 : 0
    // A slow clock makes the beats late, and a schedule without a spare millisecond then has no room for the last one.
    if (failures - missed <= budget - (plan.clock.rate < 1 ? 1 : 0))
      broken("11", at, `fired after ${failures - missed} failed writes`)
  }

  /** The timer has ended, by a firing or by a `0`. */
  const ended = (by: Write, at: number): void => {
    timer = undefined
    if (alive && isSafe(reported) && by.call !== undefined) lieAt = Math.max(at, stop.until + stop.notice)
  }

  const onOrdered = ({ account, at, cause, order, what }: Log.Ordered): void => {
    if (account !== "own") return what === "placed" ? undefined : broken("5", at, `order ${order} of another account`)
    if (what === "placed") return void open.add(order)
    if (crash?.orders.delete(order) === true && at > crash.until) broken("10", at, `order ${order} was closed too late`)
    if (cause !== "countdown") return void (open.delete(order) || doomed.delete(order))
    if (!doomed.delete(order)) broken("6", at, `order ${order} was cancelled, but no firing met it`)
    else if (at > doomedUntil) broken("3", at, `order ${order} was cancelled ${at - doomedUntil} ms too late`)
  }

  const onCall = (call: Log.Call): void => {
    // What had left before the stop could still be acknowledged after it.
    if (call.at <= stop.from) stop.left = call.at + total
    if (lost !== undefined && closing === undefined)
      broken("15", call.at, `a write of ${call.wire} after the switch was lost`)
    if (sent !== undefined) {
      const gap = call.at - (answered(sent, call.at) ? sent.endAt! : sent.at)
      if (gap < 1_000 - slack) broken("14", call.at, `write ${call.id} left ${gap} ms after the one before`)
      if (!client.deaf && !(sent.endAt! <= call.at)) broken("14", call.at, `write ${call.id} overlaps the one before`)
    }
    if (call.left) sent = call
  }

  const within = ({ earliest, latest }: Window, { deadline }: Write, at: number): void => {
    if (deadline! < earliest - slack) broken("9", at, `can fire ${earliest - deadline!} ms before the earliest fire`)
    if (deadline! > latest + slack) broken("9", at, `can fire ${deadline! - latest} ms after the latest fire`)
  }

  const onWindow = ({ at, earliest, latest }: Log.Claim | Log.Outcome): void => {
    if (latest === undefined) return
    window = { at, earliest: at + (earliest ?? -Infinity), latest: at + latest }
    if (timer?.call !== undefined && changedAt !== Math.floor(at)) within(window, timer, at)
    // The earliest fire counts from the send of the last acknowledged write, or from a shorter one that may have landed.
    if (acknowledged === undefined || acknowledged.wire === "0") return
    for (let id = acknowledged.id; id <= sent!.id; id++) {
      const { at: from, end, endAt, wire } = calls[id]!
      const refused = (end === "code" || end === "refused-connection") && endAt! <= at
      const late = window.earliest - from - Number(wire) * 1_000
      if (!refused && from < at && wire !== "0" && late > slack)
        return broken("16", at, `the earliest fire is ${late} ms too late for write ${id}`)
    }
  }

  const onClaim = (claim: Log.Claim): void => {
    const { at, how, provenBy, state } = claim
    // The full stack does not record the order within one millisecond.
    const known = plan.stack === "port" || changedAt !== Math.floor(at)
    if (known && claim.venueArmed !== (timer !== undefined)) broken("1", at, "the timer differs from its records")
    // A report stands until the next one, which `lieAt` judges.
    if (how === "standing") return
    const safe = isSafe(state)
    if (safe && known && timer === undefined)
      unless(fire !== undefined && fire.call === undefined, "8", at, `${state}, but the timer does not run`)
    onWindow(claim)
    if (at >= stop.until && !stop.seen) {
      stop.seen = true
      if (state === "Armed" && stop.until > stop.left + slack) broken("18", at, "Armed after the host stood still")
    }
    // One machine with a wrong clock is refuted by the host's clocks, unless these stood still or diverged.
    const misled = venue.wrongMachine !== undefined && diverged
    if (state === "Fired") {
      if (fire === undefined || fire.firedAt <= safeAt) unless(misled, "9", at, "Fired, but nothing has fired")
      hidden = undefined
    }
    if (provenBy === "owner") reconciled()
    if (safe && hidden !== undefined && hidden < at) {
      const stale = provenBy === "sighting" && plan.evidence!.listStaleness > plan.evidence!.maxStaleness
      const excuse = stale || (provenBy === "acknowledgement" && misled)
      unless(excuse, "15", at, `${state} by ${provenBy}, over the firing at ${hidden}`)
      hidden = undefined
    }
    if (!safe) {
      doubt ??= { at, passed: false }
      doubt.passed ||= claim.earliest !== undefined && claim.earliest <= 0
    } else if (how === "reported") {
      if (doubt !== undefined) believed(claim, doubt)
      doubt = undefined
    }
    if (safe) safeAt = at
    if (how !== "reported") return
    reported = state
    if (!safe) lieAt = undefined
  }

  /** A state that is safe again after a doubt has a reason. */
  const believed = ({ at, provenBy, state }: Log.Claim, doubt: { at: number; passed: boolean }): void => {
    if (lost === "MayHaveFired" || lost === "Fired") broken("15", at, `${state} after the switch was lost`)
    if (provenBy === undefined) broken("15", at, `${state} after a doubt, without a proof`)
    if (provenBy === "sighting" && listedAt < doubt.at) broken("15", at, `${state} by a sighting without a list`)
    // Only stamps settle a window that has passed. Before that, an unresolved write may have become too old to land.
    if (provenBy === "acknowledgement" && doubt.passed && (venue.stamps === "none" || venue.stamps === "zero"))
      broken("15", at, `${state} by stamps that the exchange does not send`)
  }

  /** The owner has compared the book up to an acknowledgement, and has seen the firings before that write. */
  const reconciled = (): void => void (hidden !== undefined && hidden <= compared && (hidden = undefined))

  const onDeed = ({ at, length = 0, what }: Log.Deed): void => {
    if (what === "suspend" || what === "stall") {
      if (at >= stop.until) {
        const left = sent === undefined || !alive ? Infinity : sent.at + total
        stop = { from: at, until: at, left, notice: 0, seen: closing !== undefined }
      }
      stop.until = Math.max(stop.until, at + length)
      if (what === "suspend") stop.notice = notice
      else stalled += length
    }
    if (what === "suspend" || what === "step-wall") diverged = true
    else if (what === "lapse") lapsedUntil = Math.max(lapsedUntil, at + length)
    else if (what === "reconcile") compared = acknowledged === undefined ? compared : applied[acknowledged.id]!
    else if (what === "reconciled") reconciled()
    else if (what === "record") {
      // Another heartbeat's record: its successor answers for what fires from here on.
      watched = true
      hidden = undefined
    } else if (what === "crash") {
      alive = watched = false
      // Judged is what the client's own timer protects, unless a later write of another client or a late `0` undoes it.
      if (timer?.call === undefined || plan.deeds.some((deed) => deed.do === "other-client" && deed.at >= at)) return
      const until = at + total + longestDelay + plan.clock.uncertainty + venue.sweepPeriod + venue.triggerLatency
      const orders = new Set([...open, ...doomed])
      const pause = release === undefined ? 0 : release.to - release.from
      crash = { orders, until: until + pause + venue.cancelPace * orders.size }
    }
  }

  const onClosing = (entry: Log.Closing): void => {
    if (entry.phase === "begun") closing = entry
    else {
      // The bound counts on the monotonic clock, and a loop that stands still cannot see it pass.
      const took = closing === undefined ? -Infinity : entry.mono - closing.mono
      if (took > client.releaseTimeout + stalled + slack) broken("13", entry.at, `the scope closed after ${took} ms`)
      alive = false
    }
  }

  /** Checks a firing of an earlier write against an outcome that excludes it. */
  const silent = ({ at: since, latest, outcome }: Log.Outcome, at: number): void => {
    const until = outcome === "Disarmed" ? since : outcome === "DisarmUnconfirmed" ? since + latest! : Infinity
    if (at > until + slack) broken("12", at, `fired ${at - until} ms after the instant of ${outcome}`)
  }

  /** Checks what must have happened before this instant. */
  const elapse = (at: number): void => {
    if (due.length > 0 && at > due[0]!.at) broken("1", at, `the write applied at ${due.shift()!.at} changed nothing`)
    if (timer !== undefined && at > timer.deadline! + venue.sweepPeriod + heldBack(timer)) {
      broken("2", at, `has not fired at ${timer.deadline}`)
      timer = undefined
    }
    if (lieAt !== undefined && at > lieAt + slack) {
      broken("8", at, `the report ${reported} stands ${at - lieAt} ms after the timer has ended`)
      lieAt = undefined
    }
  }

  const onEntry = (entry: Log.Entry): void => {
    if (entry._tag === "Arrival") onArrival(entry)
    else if (entry._tag === "Switched") onSwitched(entry)
    else if (entry._tag === "Ordered") onOrdered(entry)
    else if (entry._tag === "Call") onCall(entry)
    else if (entry._tag === "Claim") onClaim(entry)
    else if (entry._tag === "Deed") onDeed(entry)
    else if (entry._tag === "Closing") onClosing(entry)
    else if (entry._tag === "Lost") lost = entry.reason
    else if (entry._tag === "Acquired") alive = entry.result === "armed"
    else if (entry._tag === "Listed") listedAt = entry.result === "listed" ? entry.at : listedAt
    else if (entry._tag === "Outcome") {
      outcome = entry
      lieAt = undefined
      onWindow(entry)
    }
  }

  for (const { at, ends, entry } of inOrder(plan, entries)) {
    elapse(at)
    if (!ends) onEntry(entry)
    else if (entry._tag === "Call" && entry.end === "acknowledged" && entry.id > (acknowledged?.id ?? -1))
      acknowledged = inTime(entry) ? entry : acknowledged
  }
  elapse(end)
  if (doomed.size > 0 && end > doomedUntil) broken("3", end, `${doomed.size} orders outlived the firing`)
  if (crash !== undefined && crash.orders.size > 0 && end > crash.until)
    broken("10", end, `${crash.orders.size} orders outlived the crash`)
  return { breaches, excused }
}
