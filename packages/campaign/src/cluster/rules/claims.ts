/** What owners claim of the switch: that it runs, that it held, that it fired. */
import type { Evidence } from "../Evidence.js"
import type { Report } from "./rule.js"

const isArmed = (heartbeat: string | undefined): boolean => heartbeat === "Armed" || heartbeat === "Jeopardy"

/** The time within which an owner hears that another has taken over, ms. */
const staleFor = 5_000

export const claims = (evidence: Evidence, report: Report) => {
  const { applied, claims, fired, tenureOf, tenures, unexplained } = evidence
  for (const { account, at, boot, continuity, heartbeat, runs, state } of claims) {
    if (heartbeat === undefined) continue
    const own = tenureOf(boot, account, at)
    if (own === undefined) {
      report("claims", at, `${boot} has a heartbeat for ${account} without having taken it over`)
      continue
    }
    const isNews = tenures.some(
      (one) => one.account === account && one.epoch > own.epoch && one.at <= at && at - one.at <= staleFor
    )
    if (state === "Owned" && isArmed(heartbeat) && !runs && !isNews) {
      report("8", at, `${boot} owns ${account} and claims ${heartbeat}, but the timer does not run`)
    }
    const last = unexplained(account, at)
    if (last !== undefined && isArmed(heartbeat)) {
      report("15", at, `${boot} claims ${heartbeat} for ${account}, which fired at ${last}`)
    }
    const first = applied.find((one) => one.account === account && one.epoch === own.epoch && one.countdown > 0)
    if (first === undefined) continue
    const before = applied.findLast(
      (one) => one.account === account && one.epoch < own.epoch && one.appliedAt < first.appliedAt
    )
    const firedBefore = fired.some(
      (one) => one.account === account && one.at <= first.appliedAt && one.at > (before?.appliedAt ?? 0)
    )
    if (firedBefore && (continuity === "First" || continuity === "Held")) {
      report("a firing is announced", at, `${boot} claims ${continuity} for ${account}, which fired`)
    }
    if (!firedBefore && continuity === "Fired") {
      report("Fired is true", at, `${boot} claims that ${account} fired, which it did not`)
    }
    if (continuity === "First" && before !== undefined && before.countdown > 0) {
      report("First is true", at, `${boot} claims First for ${account}, which ran`)
    }
  }
}
