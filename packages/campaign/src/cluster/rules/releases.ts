/** What may send `0`, and what a release says. */
import type { Evidence } from "../Evidence.js"
import type { Report } from "./rule.js"

export const releases = (
  { applied, fired, ofAccount, outcomes, ranAt, statements, tenures, writes }: Evidence,
  report: Report
) => {
  for (const { account, at, boot, countdown, epoch } of writes) {
    if (countdown !== 0) continue
    const isPermitted = statements.some(
      (one) =>
        one.what === "permit" &&
        one.isDone &&
        one.boot === boot &&
        one.account === account &&
        one.epoch === epoch &&
        (one.answeredAt ?? Infinity) <= at &&
        one.rows[0]!.epoch === epoch &&
        one.rows[0]!.wanted === "release"
    )
    if (!isPermitted) report("zero by permit", at, `${boot} sent a 0 for ${account} without a permit of epoch ${epoch}`)
  }
  for (const { account, appliedAt, countdown, epoch } of applied) {
    if (countdown !== 0) continue
    const row = ofAccount(account, appliedAt)
    if (row === undefined || row.wanted !== "protect" || row.epoch <= epoch) continue
    // One that took over for a release which was withdrawn is in doubt for as long as that.
    if (tenures.find((one) => one.account === account && one.epoch === row.epoch)?.wanted === "release") continue
    if (applied.some((one) => one.account === account && one.epoch === row.epoch && one.appliedAt < appliedAt)) {
      report(
        "no stray zero",
        appliedAt,
        `a 0 of epoch ${epoch} turned off ${account}, which epoch ${row.epoch} protects`
      )
    }
  }
  for (const { account, at, nextAt, untilAt } of outcomes) {
    if (untilAt === undefined) {
      if (ranAt(account, at)) report("Disarmed is true", at, `the timer of ${account} runs`)
      const later = applied.find(
        (one) => one.account === account && one.countdown > 0 && one.appliedAt > at && one.appliedAt < nextAt
      )
      if (later !== undefined) {
        report("Disarmed is true", later.appliedAt, `${later.boot} set the countdown of ${account} after that`)
      }
      continue
    }
    // The store tells whole milliseconds.
    const late = fired.find((one) => one.account === account && one.at > untilAt + 2 && one.at < nextAt)
    if (late !== undefined)
      report("nothing fires after until", late.at, `${account} fired ${late.at - untilAt} ms late`)
  }
}
