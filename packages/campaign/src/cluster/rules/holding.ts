/** What the cluster achieves: one fault of a runner fires nothing, and once all is well every account is as it is wanted. */
import type { Evidence } from "../Evidence.js"
import type * as Log from "../Log.js"
import type { Report } from "./rule.js"
import { runnerName } from "../Plan.js"
import type { Deed, Plan } from "../Plan.js"

/** The longest time of a stop in order, ms: the clean-up of the work, a write under way, the statements. */
const stopTime = 10_000

export const holding = (evidence: Evidence, report: Report) => {
  const { isAwake, plan, processes } = evidence
  // A release that is under way tries for a countdown to turn the switch off.
  const stopsWithin = stopTime + plan.settings.countdown
  for (const { at, boot, what } of processes) {
    if (what !== "stop" || !processes.some((one) => one.boot === boot && one.what === "ready" && one.at <= at)) continue
    const end = processes.find((one) => one.boot === boot && (one.what === "stopped" || one.what === "crash"))
    const late = end === undefined ? evidence.log.end : end.at
    if (late > at + stopsWithin && isAwake(boot, at, at + stopsWithin)) {
      report("a stop is bounded", at, `${boot} has not stopped after ${stopsWithin} ms`)
    }
  }
  budget(evidence, report)
  recovery(evidence, report)
}

const isBusy = ({ exchange, store }: Plan): boolean =>
  exchange.loseAnswer + exchange.loseRequest + exchange.late + store.loseAnswer + store.loseRequest + store.late > 0 ||
  exchange.there[1] + exchange.back[1] > 800 ||
  store.there[1] + store.back[1] > 600

/** Until when a deed disturbs, by itself and by what follows from it. */
const disturbs = (deed: Deed): ReadonlyArray<readonly [number, number]> => {
  if (deed.do === "crash" || deed.do === "stop") {
    const back = deed.at + deed.backAfter
    return [
      [deed.at, deed.at],
      [back, back + 8_000]
    ]
  }
  return [[deed.at, deed.at + ("length" in deed ? deed.length : 0)]]
}

/** The faults of one runner that the inequality of a take-over covers, and an outage that grace covers. */
const isCovered = (deed: Deed, { settings }: Plan): boolean => {
  switch (deed.do) {
    case "crash":
    case "stop":
    case "shuffle":
    case "step-wall":
      return true
    case "stall":
    case "suspend":
      return !deed.twin
    case "cut":
      return deed.from === "store"
    case "outage":
      return deed.length < settings.grace - 5_000
    default:
      return false
  }
}

const budget = ({ claims, fired, ofAccount, plan }: Evidence, report: Report) => {
  if (isBusy(plan) || plan.bot.kickWithin !== undefined) return
  const { countdown } = plan.settings
  for (const { account, at } of fired) {
    const from = at - countdown - 15_000
    const steady = claims.some(
      (one) =>
        one.account === account &&
        one.state === "Owned" &&
        one.heartbeat === "Armed" &&
        one.at > from &&
        one.at < at - countdown + 1_000
    )
    if (!steady) continue
    if (ofAccount(account, from)?.wanted !== "protect" || ofAccount(account, at)?.wanted !== "protect") continue
    const meanwhile = plan.deeds.filter((deed) => disturbs(deed).some(([a, b]) => a <= at && b + 12_000 >= from))
    const isOne = meanwhile.length <= 1 && meanwhile.every((deed) => isCovered(deed, plan))
    if (!isOne) continue
    const spans = meanwhile.flatMap(disturbs).filter(([a, b]) => a <= at && b + 12_000 >= from)
    // The end and the next start of a process are two.
    if (spans.length > 1) continue
    report("one fault fires nothing", at, `${account} fired`)
  }
}

const recovery = ({ accounts, claims, goneAt, log, ofAccount, plan, spans, tenures }: Evidence, report: Report) => {
  const { end } = log
  for (const account of accounts) {
    const row = ofAccount(account, end)
    if (row === undefined) continue
    const runs = log.running.includes(account)
    if (row.wanted === "release") {
      if (row.outcome === undefined) report("recovery", end, `the release of ${account} has no outcome`)
      else if (runs) report("recovery", end, `${account} is released and its timer runs`)
      continue
    }
    if (!runs) {
      report("recovery", end, `${account} is to be protected and its timer does not run`)
      continue
    }
    // These wait for a person.
    if (plan.bot.kickWithin !== undefined || plan.bot.reconcile === "none") continue
    const isOwned = (one: Log.Claim): boolean =>
      one.account === account && one.at >= log.lastLook && one.state === "Owned" && one.heartbeat === "Armed"
    const owners = new Set(claims.filter(isOwned).map(({ boot }) => boot))
    // The owner before hears within seconds that it is one no more.
    const isNews = tenures.some((one) => one.account === account && one.at > end - 6_000)
    if (owners.size !== 1 && !(isNews && owners.size > 1)) {
      report("recovery", end, `${account} has ${owners.size} owners that are armed`)
    }
    const works = spans.filter((one) => one.account === account && one.to === Infinity && !goneAt.has(one.boot))
    if (works.length !== 1 && !isNews) report("recovery", end, `${account} has ${works.length} bots`)
  }
  for (let index = 0; index < plan.runners; index++) {
    const runner = runnerName(index)
    const boots = new Set(claims.filter((one) => one.at >= log.lastLook).map(({ boot }) => boot.split("-")[0]))
    if (!boots.has(runner)) report("recovery", end, `runner ${runner} is not back`)
  }
}
