/** Where and when bots run. */
import type { Evidence, Span } from "../Evidence.js"
import type { Report } from "./rule.js"

/** The time that a process has after a pause to notice it, ms. */
const noticeWithin = 300
/** The heartbeat looks at its edges once a second. */
const alarmWithin = 1_500

export const works = ({ applied, fired, isAwake, pauses, ranAt, spans, unexplained }: Evidence, report: Report) => {
  for (const [index, one] of spans.entries()) {
    for (const two of spans.slice(index + 1)) {
      if (one.account !== two.account) continue
      const at = together(one, two, pauses)
      if (at === undefined) continue
      report("one bot at a time", at, `the bots of ${one.account} on ${one.boot} and ${two.boot} run at once`)
    }
    const { account, boot, from, to } = one
    if (!ranAt(account, from))
      report("a bot begins protected", from, `the bot of ${account} on ${boot} begins unprotected`)
    if (unexplained(account, from) !== undefined) {
      report("a bot begins reconciled", from, `the bot of ${account} on ${boot} begins after a firing`)
    }
    for (const { account: other, at } of fired) {
      if (other !== account || !(from < at && at < to) || !isAwake(boot, at - alarmWithin, at)) continue
      report("a bot ends before the switch fires", at, `the bot of ${account} on ${boot} runs`)
    }
    for (const { account: other, appliedAt, countdown } of applied) {
      if (countdown !== 0 || other !== account || !(from < appliedAt && appliedAt < to)) continue
      if (!isAwake(boot, appliedAt - alarmWithin, appliedAt)) continue
      report("a bot ends before the switch is off", appliedAt, `the bot of ${account} on ${boot} runs`)
    }
  }
}

/** An instant at which both really run, and have had the time to notice that they were stopped. */
const together = (one: Span, two: Span, pauses: Evidence["pauses"]): number | undefined => {
  let pieces: ReadonlyArray<readonly [number, number]> = [[Math.max(one.from, two.from), Math.min(one.to, two.to)]]
  for (const { boot } of [one, two]) {
    for (const pause of pauses.get(boot) ?? []) {
      pieces = pieces.flatMap(([from, to]) => [
        [from, Math.min(to, pause.from)] as const,
        [Math.max(from, pause.to + noticeWithin), to] as const
      ])
    }
  }
  return pieces.find(([from, to]) => to > from)?.[0]
}
