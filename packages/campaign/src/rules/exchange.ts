/** Rules about the exchange: promises 1 to 7. */
import { type Rule, s } from "./rule.js"

/** 1, 4: only the writes that took effect set the deadline or closed the switch. */
const writesSetTheDeadline: Rule = ({ applied, plan, switched }, report) => {
  const own = switched.filter((entry) => entry.transition !== "fired")
  let next = 0
  let runs = false
  let fire = 0
  const fires = switched.filter((entry) => entry.transition === "fired")
  for (const write of applied) {
    // A switch that has fired does not run. Within one millisecond the switch's own records decide.
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
  if (next < own.length) report("4", own[next]!.at, `the switch was ${own[next]!.transition} without a write`)
}

/** 2: it fires once, not before the deadline and not later than the exchange's sweep. */
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
        report("2", entry.at, `due at ${s(deadline)}, swept until ${s(latest)}, fired at ${s(entry.at)}`)
      }
    }
    deadline = undefined
  }
}

/** 3, 5, 6: a firing cancels the open orders of this account alone, and no order that was placed later. */
const cancelsWhatWasOpen: Rule = ({ deeds, fires, log, ordered, plan }, report) => {
  const own = ordered.filter((entry) => entry.account === "own")
  for (const entry of ordered) {
    if (entry.account === "bystander" && entry.what === "cancelled") {
      report("5", entry.at, `an order of another account was cancelled (${entry.cause})`)
    }
  }
  const placed = own.filter((entry) => entry.what === "placed")
  const cancelled = new Map(own.filter((entry) => entry.what === "cancelled").map((entry) => [entry.order, entry]))
  const { cancelPace, triggerLatency } = plan.venue
  const placing = plan.venue.placingLatency
  const span = triggerLatency + cancelPace * (placed.length + 1)
  for (const fire of fires) {
    for (const order of placed) {
      const end = cancelled.get(order.order)
      const open = order.at + placing < fire.at && (end === undefined || end.at >= fire.at)
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
    if (
      end === undefined ||
      (end.cause === "request" && deeds.some(({ at, what }) => what === "cancel" && Math.floor(at) === end.at))
    )
      continue
    // An order of the same millisecond as the firing may come before or after it.
    if (!fires.some((fire) => order.at <= fire.at && end.at >= fire.at && end.at <= fire.at + span)) {
      report("6", end.at, `order ${order.order}, placed at ${s(order.at)}, was cancelled without a firing`)
    }
  }
}

/** 3, too: a firing spares the orders that the exchange says it does. */
const sparesSomeOrders: Rule = ({ spared }, report) => {
  for (const { at, cause, order, what } of spared) {
    if (what === "cancelled" && cause !== "request")
      report("3", at, `the spared order ${order} was cancelled (${cause})`)
  }
}

const replays: Rule = ({ log }, report) => {
  if (log.replay !== undefined) report("7", log.end, `the journal rebuilds another exchange:\n${log.replay}`)
}

export const rules: ReadonlyArray<Rule> = [
  writesSetTheDeadline,
  firesOnce,
  cancelsWhatWasOpen,
  sparesSomeOrders,
  replays
]
