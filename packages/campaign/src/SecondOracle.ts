/**
 * A second judge, written from the promises alone and without a look at the first one (`Oracle.ts`). In one pass over
 * the records, by time, it replays the exchange's timer and compares each claim of the client with it. It uses no code of
 * the client, of the simulator or of the first judge.
 *
 * Not judged here: 7 (a comparison inside the exchange), 13 and 17 (questions of the client's own clock), 19 and 20
 * (neither records nor claims show them).
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
export const judged: ReadonlySet<string> = new Set("1 2 3 4 5 6 8 9 10 11 12 14 15 16 18".split(" "))

/** A signature is good for 30 s, and a request on its way for longer changes nothing. */
const longestDelay = 30_000
/** No timer reports a suspend. A program that compares its clocks once a second may notice it that late. */
const notice = 1_000

/** A good write at the exchange. `deadline` is absent for a `0`, `call` for a write of another client. */
interface Write {
  readonly at: number
  readonly deadline: number | undefined
  readonly call: Log.Call | undefined
}

const isSafe = (state: string | undefined): boolean => state === "Armed" || state === "Jeopardy"

/** The records by time. The exchange's clock counts whole ms, and the full stack adds its records at the end. */
const inOrder = (plan: Plan, entries: ReadonlyArray<Log.Entry>) => {
  const steps: Array<{ readonly at: number; readonly seq: number; readonly entry: Log.Entry; ends: boolean }> = []
  for (const entry of entries) {
    const at = entry._tag === "Arrival" ? (entry.appliedAt ?? entry.at) : entry.at
    steps.push({ at, seq: entry.seq, entry, ends: false })
    if (entry._tag === "Call" && entry.endAt !== undefined)
      steps.push({ at: entry.endAt, seq: entry.endSeq!, entry, ends: true })
  }
  const rank = ({ _tag }: Log.Entry) =>
    plan.stack === "port" || _tag === "Arrival" || _tag === "Switched" || _tag === "Ordered" ? 0 : 1
  return steps.sort((a, b) => Math.floor(a.at) - Math.floor(b.at) || rank(a.entry) - rank(b.entry) || a.seq - b.seq)
}

export const judge = (plan: Plan, { end, entries }: Pick<Log.Log, "end" | "entries">): Verdict => {
  const { client, clock, evidence, venue } = plan
  const breaches: Array<Finding> = []
  const excused: Array<Finding> = []
  const unless = (excuse: boolean, promise: string, at: number, what: string): void =>
    void (excuse ? excused : breaches).push({ promise, at, what })
  const broken = (promise: string, at: number, what: string): void => unless(false, promise, at, what)

  const total = client.countdown * 1_000
  // The host's clock may be slightly fast or slow, which no client can see. Its edges are off by that share.
  const slack = 1 + Math.abs(clock.rate - 1) * Math.max(end, total + 2 * longestDelay)
  /** A release of the exchange may pause the timer or hold its firing back, which no documentation describes. */
  const release = venue.maintenanceTimer === "runs" ? undefined : venue.maintenance
  const heldBack = ({ at, deadline }: Write): number =>
    release === undefined || at >= release.to || deadline! + venue.sweepPeriod <= release.from
      ? 0
      : release.to - release.from
  const calls = entries.filter((entry): entry is Log.Call => entry._tag === "Call")
  /** Ms by the host's clock by which an answer came before the end of its time. At 0 either may be first. */
  const spare = ({ at, endAt }: Log.Call): number => client.requestTimeout - (endAt! - at) * clock.rate
  /** A service that ignores interruptions ends its calls long after the client has given up on them. */
  const inTime = (call: Log.Call): boolean => !client.deaf || spare(call) > -0.01
  const answered = (call: Log.Call, by: number): boolean =>
    ["acknowledged", "code", "unreadable"].includes(call.end!) && call.endAt! <= by && inTime(call)

  // The exchange: its timer, and its book.
  let timer: Write | undefined
  let endedBy: Write | undefined
  let changedAt = -1
  /** Whether a write has followed one of another client, or has restarted a timer that a release held past its deadline. */
  let isExtended = false
  let firedAt = -Infinity
  const due: Array<Write> = []
  const applied: Array<number> = []
  const open = new Map<string, number>()
  const doomed = new Set<string>()
  let doomedUntil = 0
  let crash: { readonly orders: Set<string>; readonly until: number } | undefined
  // The client: its writes, and its claims. Absolute edges are ms since the start of the run.
  let sent: Log.Call | undefined
  let acknowledged: Log.Call | undefined
  let window: { readonly at: number; readonly earliest: number; readonly latest: number } | undefined
  let reported: string | undefined
  /** The instant from which the last report is a lie, unless the client corrects it. */
  let lieAt: number | undefined
  let safeAt = -Infinity
  /** Whether somebody answers for what fires: the heartbeat itself, or one that has another one's record. */
  let alive = false
  let watched = false
  let closing = false
  let lost: string | undefined
  let outcome: Log.Outcome | undefined
  /** The last firing of the client's own timer that the client has neither reported nor been told about. */
  let hidden: number | undefined
  let compared = -Infinity
  let listedAt = -Infinity
  let doubt: { readonly at: number; passed: boolean } | undefined
  // The host: its last stop, with the earliest fire of all that was sent before it, and its clocks.
  let stop = { from: -Infinity, until: -Infinity, left: Infinity, notice: 0, seen: true }
  let lapsedUntil = -Infinity
  /** Whether the host's clock has never thrown. Without a clock no alarm goes, and no answer has a time. */
  let isDated = true
  let diverged = false

  const onArrival = ({ appliedAt, at, call: id, from, wire }: Log.Arrival): void => {
    const call = id === undefined ? undefined : calls[id]
    if (appliedAt === undefined) return
    if (id !== undefined) applied[id] = appliedAt
    if (from === undefined || from < at || from > appliedAt + venue.timeToComplete)
      return broken("1", appliedAt, `a countdown that was applied at ${appliedAt} counts from ${from}`)
    // A `0` over a closed switch succeeds and changes nothing.
    if (wire !== "0") due.push({ at: appliedAt, deadline: from + Number(wire) * 1_000, call })
    else if (timer !== undefined || due.length > 0) due.push({ at: appliedAt, deadline: undefined, call })
  }

  const onSwitched = ({ account, at, deadline, transition }: Log.Switched): void => {
    if (account !== "own") return broken("5", at, `the switch of another account: ${transition}`)
    changedAt = at
    if (transition === "fired") return onFired(at)
    // Writes of one millisecond may be applied in either order.
    const match = due.findIndex((one) => one.at === at && one.deadline === deadline)
    const [write] = due.splice(Math.max(0, match), 1)
    if (write?.at !== at) return broken("4", at, `${transition} without a good write`)
    const expected = write.deadline === undefined ? "closed" : timer === undefined ? "armed" : "refreshed"
    const isMoved = expected !== "closed" && heldBack(write) === 0 && deadline !== write.deadline
    if (transition !== expected || isMoved)
      broken("1", at, `${transition} until ${deadline}, not ${expected} until ${write.deadline}`)
    if (expected === "closed") return onEnded(write, at)
    const before = timer ?? endedBy
    const isHeldBack = timer !== undefined && heldBack(timer) > 0 && at > timer.deadline!
    isExtended ||= isHeldBack || (before !== undefined && before.call === undefined)
    timer = write
    // A claim has to allow for every write that had been sent, whenever it is applied.
    if (write.call !== undefined && window !== undefined && write.call.at < window.at) within(write, at)
  }

  const onFired = (at: number): void => {
    if (timer === undefined) return broken("2", at, "fired while the switch was closed")
    const { call, deadline } = timer
    const isLate = at > deadline! + venue.sweepPeriod + heldBack(timer)
    if (at < deadline! || isLate) broken("2", at, `fired ${at - deadline!} ms after the deadline`)
    firedAt = at
    // The full stack does not record the order within one millisecond. A `0` after the firing changes nothing.
    const zero = due.findIndex((one) => one.at === at && one.deadline === undefined)
    if (plan.stack === "http" && zero >= 0) due.splice(zero, 1)
    for (const [order, placedAt] of open) {
      // An order on its way into the book was not open, and stays.
      if (placedAt + venue.placingLatency > at) crash?.orders.delete(order)
      else if (open.delete(order)) doomed.add(order)
    }
    doomedUntil = at + venue.triggerLatency + venue.cancelPace * doomed.size
    // The exchange records no holder, so the client cannot know a firing of another client's countdown.
    if (call !== undefined) {
      const late = window !== undefined && call.at < window.at ? at + venue.triggerLatency - window.latest : 0
      if (late > slack) unless(heldBack(timer) > 0, "9", at, `fired ${late} ms after the latest fire`)
      if (alive || watched) hidden = at
      if (alive && !closing && lost === undefined && acknowledged !== undefined) tolerated(at, acknowledged)
      const quiet = outcome?.outcome === "Disarmed" ? 0 : outcome?.earliest === undefined ? outcome?.latest : undefined
      if (quiet !== undefined && call.seq < outcome!.seq && at > outcome!.at + quiet + slack)
        unless(heldBack(timer) > 0, "12", at, `fired after ${outcome!.outcome} said that nothing would`)
    }
    onEnded(timer, at)
  }

  /** Checks that a firing was beyond what a healthy client has to survive: two failed writes in a row. */
  const tolerated = (at: number, acknowledged: Log.Call): void => {
    // A host that stops and a loop that is not alive stop the beats on purpose.
    if (acknowledged.wire === "0" || Math.max(stop.until, lapsedUntil) >= acknowledged.at) return
    // The pace counts from an answer, so slow answers use up the time of a further try.
    const slow = ({ at, end, endAt }: Log.Call) =>
      endAt! - at + 1_000 > (end === "acknowledged" ? client.interval : Math.max(client.requestTimeout, 1_000))
    if (calls.slice(acknowledged.id, sent!.id).some((call) => answered(call, at) && slow(call))) return
    const isUnderWay = sent!.end === "acknowledged" && sent !== acknowledged && inTime(sent!)
    const failures = sent!.id - acknowledged.id - (isUnderWay ? 1 : 0)
    // A slow clock makes the beats late, and a schedule without a spare millisecond then has no room for the last one.
    if (failures <= (clock.rate < 1 ? 1 : 2)) broken("11", at, `fired after ${failures} failed writes`)
  }

  /** The timer has ended, by a firing or by a `0`. */
  const onEnded = (by: Write, at: number): void => {
    timer = undefined
    endedBy = by
    // The release reports only its end. Until then `status` knows better, and is judged.
    if (alive && isDated && !closing && isSafe(reported) && by.call !== undefined) lieAt = at
  }

  const onOrdered = ({ account, at, cause, order, what }: Log.Ordered): void => {
    if (account !== "own") return what === "placed" ? undefined : broken("5", at, `order ${order} of another account`)
    if (what === "placed") return void open.set(order, at)
    if (crash?.orders.delete(order) === true && at > crash.until) broken("10", at, `order ${order} was closed too late`)
    if (cause !== "countdown") return void (open.delete(order) || doomed.delete(order))
    if (!doomed.delete(order)) broken("6", at, `order ${order} was cancelled, but no firing met it`)
    else if (at > doomedUntil) broken("3", at, `order ${order} was cancelled ${at - doomedUntil} ms too late`)
  }

  const onCall = (call: Log.Call): void => {
    // A write that had left before the stop could still be acknowledged after it.
    if (call.at <= stop.from) stop.left = call.at + total
    if (lost !== undefined && !closing) broken("15", call.at, `a write of ${call.wire} after the switch was lost`)
    if (sent !== undefined) {
      // Two writes reach the exchange a second apart, in order and in time, if the second leaves that long after the answer.
      // A release whose time is over gives up its write in flight, and a failed clock gives an answer no time.
      const isMissed = client.deaf && (sent.before !== call.before || spare(sent) < 0.01)
      const isHeard = answered(sent, call.at) && isDated && !isMissed
      const gap = call.at - (isHeard ? sent.endAt! : sent.at)
      const overlaps = !client.deaf && !(sent.endAt! <= call.at)
      if (gap < 1_000 - slack || overlaps) broken("14", call.at, `write ${call.id} left ${gap} ms after the one before`)
    }
    if (call.left) sent = call
  }

  const within = ({ deadline }: Write, at: number): void => {
    const [early, late] = [window!.earliest - deadline!, deadline! - window!.latest]
    if (early > slack) broken("9", at, `can fire ${early} ms before the earliest fire`)
    if (late > slack) broken("9", at, `can fire ${late} ms after the latest fire`)
  }

  const onWindow = ({ at, earliest, latest }: Log.Claim | Log.Outcome): void => {
    if (latest === undefined) return
    window = { at, earliest: at + (earliest ?? -Infinity), latest: at + latest }
    if (timer?.call !== undefined && changedAt !== Math.floor(at)) within(timer, at)
    // The earliest fire counts from the send of the last acknowledged write, or of a shorter one that may have landed.
    if (acknowledged === undefined || acknowledged.wire === "0") return
    for (let id = acknowledged.id; id <= sent!.id; id++) {
      const { at: from, end, endAt, wire } = calls[id]!
      const refused = (end === "code" || end === "refused-connection") && endAt! <= at
      const late = window.earliest - from - Number(wire) * 1_000
      if (late > slack && !refused && from < at && wire !== "0")
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
    const last = timer ?? endedBy
    const isDrift = clock.rate < 1 && at - firedAt <= total * (1 - clock.rate) + 1
    if (safe && known && timer === undefined && !isDrift)
      unless(last !== undefined && last.call === undefined, "8", at, `${state}, but the timer does not run`)
    onWindow(claim)
    if (at >= stop.until && !stop.seen) {
      stop.seen = true
      if (state === "Armed" && stop.until > stop.left + slack) broken("18", at, "Armed after the host stood still")
    }
    // One machine with a wrong clock is refuted by the host's clocks, unless these stood still or diverged.
    const misled = venue.wrongMachine !== undefined && diverged
    if (state === "Fired") {
      const untold = last !== undefined && (last.call === undefined || isExtended || heldBack(last) > 0)
      if (firedAt <= safeAt) unless(misled || untold, "9", at, "Fired, but nothing has fired")
      hidden = undefined
    }
    if (provenBy === "owner") reconciled()
    if (safe && hidden !== undefined && hidden < at) {
      // A list may settle the firing, and an acknowledgement later the rest of the doubt.
      const stale = evidence !== undefined && evidence.listStaleness > evidence.maxStaleness && listedAt > hidden
      const excuse = stale || (provenBy === "acknowledgement" && misled)
      unless(excuse, "15", at, `${state} by ${provenBy}, over the firing at ${hidden}`)
      hidden = undefined
    }
    if (safe) safeAt = at
    else (doubt ??= { at, passed: false }).passed ||= claim.earliest !== undefined && claim.earliest <= 0
    if (how !== "reported") return
    reported = state
    if (!safe) return void (lieAt = undefined)
    // Only stamps settle a window that has passed. Before that, an unresolved write may have become too old to land.
    const stamps = venue.stamps === "headers" || venue.stamps === "requestTime"
    const groundless =
      provenBy === undefined ||
      (provenBy === "sighting" && listedAt < (doubt?.at ?? 0)) ||
      (provenBy === "acknowledgement" && doubt?.passed === true && !stamps)
    // A write under way may still prove that the switch held. The heartbeat stays lost, and says so.
    if (doubt !== undefined && (groundless || (lost !== undefined && claim.lost === undefined)))
      broken("15", at, `${state} by ${provenBy}, after a doubt that nothing has ended`)
    doubt = undefined
  }

  /** The owner has compared the book up to an acknowledgement, and has seen the firings before that write. */
  const reconciled = (): void => void (hidden !== undefined && hidden <= compared && (hidden = undefined))

  const onDeed = ({ at, length = 0, what }: Log.Deed): void => {
    if (what === "suspend" || what === "stall") {
      const left = sent === undefined || !alive ? Infinity : sent.at + total
      if (at >= stop.until) stop = { from: at, until: at, left, notice: 0, seen: closing || !isSafe(reported) }
      stop.until = Math.max(stop.until, at + length)
      if (what === "suspend") stop.notice = notice
    }
    if (what === "suspend" || what === "step-wall") diverged = true
    // A watchdog takes a step of the wall clock for a suspend.
    if (what === "step-wall" && plan.checks.length > 0) lapsedUntil = Math.max(lapsedUntil, at)
    if (what.startsWith("clock died")) [isDated, lieAt] = [false, undefined]
    if (what === "lapse") lapsedUntil = Math.max(lapsedUntil, at + length)
    if (what === "reconcile" && acknowledged !== undefined) compared = applied[acknowledged.id]!
    if (what === "reconciled") {
      reconciled()
      // What is left is a late `0` of an earlier heartbeat, which an acknowledgement may end.
      if (doubt !== undefined) doubt.passed = false
    }
    if (what === "record") [watched, hidden] = [true, undefined]
    if (what !== "crash") return
    // A client that arms, doubts or turns off leaves writes behind, and promises no more than the state that it has reported.
    const isProtected = alive && !closing && isSafe(reported)
    alive = watched = false
    lieAt = undefined
    // Judged is what the client's own timer protects, unless a later write of another client may undo it.
    if (
      !isProtected ||
      timer?.call === undefined ||
      plan.deeds.some((deed) => deed.do === "other-client" && deed.at >= at)
    )
      return
    const orders = new Set([...open.keys(), ...doomed])
    const pause = release === undefined ? 0 : release.to - release.from
    const until = at + total + longestDelay + clock.uncertainty + venue.sweepPeriod + venue.triggerLatency
    crash = { orders, until: until + pause + venue.cancelPace * orders.size }
  }

  /** Checks what must have happened before this instant. */
  const elapse = (at: number): void => {
    if (due.length > 0 && at > due[0]!.at) broken("1", at, `the write applied at ${due.shift()!.at} changed nothing`)
    if (timer !== undefined && Math.floor(at) > timer.deadline! + venue.sweepPeriod + heldBack(timer)) {
      broken("2", at, `has not fired at ${timer.deadline}`)
      timer = undefined
    }
    if (lieAt === undefined || at <= Math.max(lieAt, stop.until + stop.notice) + slack) return
    broken("8", at, `the report ${reported} stands ${at - lieAt} ms after the timer has ended`)
    lieAt = undefined
  }

  for (const { at, ends, entry } of inOrder(plan, entries)) {
    elapse(at)
    if (ends) {
      const call = entry as Log.Call
      if (call.end === "acknowledged" && call.id > (acknowledged?.id ?? -1))
        // After a stop the client may read an answer before it notices that the time is over. Without a clock it never does.
        acknowledged = inTime(call) || stop.until >= call.at || !isDated ? call : acknowledged
    } else if (entry._tag === "Arrival") onArrival(entry)
    else if (entry._tag === "Switched") onSwitched(entry)
    else if (entry._tag === "Ordered") onOrdered(entry)
    else if (entry._tag === "Call") onCall(entry)
    else if (entry._tag === "Claim") onClaim(entry)
    else if (entry._tag === "Deed") onDeed(entry)
    else if (entry._tag === "Lost") lost = entry.reason
    else if (entry._tag === "Acquired") [alive, reported] = [entry.result === "armed", "Armed"]
    else if (entry._tag === "Listed" && entry.result === "listed") listedAt = entry.at
    else if (entry._tag === "Closing") {
      ;[closing, alive] = [true, alive && entry.phase === "begun"]
      // Its own `0` may be applied within the same millisecond.
      if (lieAt !== undefined && lieAt >= Math.floor(entry.at)) lieAt = undefined
    } else if (entry._tag === "Outcome") {
      outcome = entry
      if (isDated) onWindow(entry)
    }
  }
  elapse(end)
  if (doomed.size > 0 && end > doomedUntil) broken("3", end, `${doomed.size} orders outlived the firing`)
  if (crash !== undefined && crash.orders.size > 0 && end > crash.until)
    broken("10", end, `${crash.orders.size} orders outlived the crash`)
  return { breaches, excused }
}
