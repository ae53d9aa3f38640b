/** Which beats a runner may send, and how many switches it arms at once. */
import type { Evidence, Write } from "../Evidence.js"
import type { Report } from "./rule.js"

/** What a clock of the host may jump unnoticed, and drift; and the period in which the engine is asked. */
const slack = 350
const tick = 250
/** A runner does not wait for longer than a second for an answer, ms. */
const heardWithin = 900
/** Without a sign from the store a runner beats for so long at least, whatever `grace` is, ms. */
const unconfirmed = 4_000

export const beats = (evidence: Evidence, report: Report) => {
  const { bots, engine, isAwake, plan, statements, tenureOf, writes } = evidence
  const { countdown, grace } = plan.settings
  const { kickWithin } = plan.bot
  for (const write of writes) {
    const { account, at, boot, epoch } = write
    if (write.countdown === 0) continue
    if (write.countdown * 1_000 !== countdown) report("one countdown", at, `${boot} sent ${write.countdown} s`)
    const heard = statements.filter((one) => one.boot === boot && (one.answeredAt ?? Infinity) <= at)
    const rowsOf = heard.flatMap((one) => {
      const row = one.rows.find((row) => row.account === account)
      return row === undefined ? [] : [{ one, row }]
    })
    const confirmed = rowsOf
      .filter(({ one, row }) => (one.what === "report" || one.what === "takeOver") && row.epoch === epoch && one.isDone)
      .reduce((last, { one }) => Math.max(last, one.askedAt), -Infinity)
    const allowed = Math.max(grace, unconfirmed) + slack
    if (at - confirmed > allowed) {
      report(
        "grace is a bound",
        at,
        `${boot} beat for ${account} ${Math.round(at - confirmed)} ms after it was confirmed`
      )
    }
    const since = at - grace - 1_000 - 2 * tick
    const told = engine.filter((one) => one.boot === boot && one.account === account && one.at <= at)
    const last = told.at(-1)
    // An arming that has begun is brought to its end, and a release asks for its permit for as long as it may beat. One
    // that is withdrawn hands over from then on.
    /** Whether a countdown of this epoch was acknowledged before the instant. */
    const isArmedBy = (instant: number) =>
      writes.some(
        (one) =>
          one.boot === boot &&
          one.account === account &&
          one.epoch === epoch &&
          one.end === "acknowledged" &&
          one.endAt! < instant
      )
    const isReleasing = [since, at].some((instant) => evidence.ofAccount(account, instant)?.wanted === "release")
    if (
      isArmedBy(since) &&
      !isReleasing &&
      last !== undefined &&
      !last.isMine &&
      last.at < since &&
      isAwake(boot, since - 5_000, at)
    ) {
      report(
        "grace is a bound",
        at,
        `${boot} beat for ${account}, which it has lost ${Math.round(at - last.at)} ms ago`
      )
    }
    const reports = rowsOf.filter(({ one }) => one.what === "report" && one.answeredAt! - one.askedAt < heardWithin)
    if (reports.some(({ one, row }) => one.answeredAt! < at && row.ackedEpoch > epoch)) {
      report("superseded is silent", at, `${boot} beat for ${account} after it had heard that a newer epoch is armed`)
    }
    // A release is carried out also when its bot is dead, and an arming that has begun is brought to its end.
    if (kickWithin !== undefined && isArmedBy(at) && evidence.ofAccount(account, at)?.wanted === "protect") {
      const lately = reports.filter(({ one }) => one.answeredAt! >= at - 3_000)
      const isOld = lately.every(
        ({ one, row }) => row.wanted === "protect" && (row.kickedAt === undefined || one.at - row.kickedAt > kickWithin)
      )
      if (isOld && lately.some(({ one }) => one.answeredAt! < at - 1_100)) {
        report("a dead bot is not beaten for", at, `${boot} beat for ${account}, which was not kicked`)
      }
    }
    const failed = bots.findLast(
      (one) => one.boot === boot && one.account === account && one.what === "work fails" && one.at < at - 1
    )
    if (failed !== undefined && tenureOf(boot, account, failed.at)?.epoch === epoch) {
      report("a bot that failed is not beaten for", at, `${boot} beat for ${account}, whose work failed`)
    }
  }
  armings(evidence, report)
}

/** A write arms as long as its epoch has no acknowledgement. */
const armings = ({ goneAt, plan, writes }: Evidence, report: Report) => {
  const isAcked = new Set<string>()
  const key = ({ account, boot, epoch }: Write) => `${boot} ${account} ${epoch}`
  const edges: Array<readonly [at: number, by: 1 | -1, boot: string]> = []
  const acks = writes.filter(({ end }) => end === "acknowledged").sort((a, b) => a.endAt! - b.endAt!)
  let index = 0
  for (const write of writes) {
    for (; index < acks.length && acks[index]!.endAt! <= write.at; index++) isAcked.add(key(acks[index]!))
    if (write.countdown === 0 || isAcked.has(key(write))) continue
    edges.push([write.at, 1, write.boot], [write.endAt ?? goneAt.get(write.boot) ?? Infinity, -1, write.boot])
  }
  edges.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const open = new Map<string, number>()
  for (const [at, by, boot] of edges) {
    const now = (open.get(boot) ?? 0) + by
    open.set(boot, now)
    if (by > 0 && now > plan.settings.atOnce) {
      return report(
        "arming is bounded",
        at,
        `${boot} arms ${now} accounts at once, and may arm ${plan.settings.atOnce}`
      )
    }
  }
}
