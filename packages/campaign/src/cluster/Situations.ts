/** The situations that the cluster's campaign has to reach. It has shown nothing about one that it never reached. */
import type { Evidence, Write } from "./Evidence.js"
import type * as Log from "./Log.js"
import type { Deed } from "./Plan.js"

const did = ({ plan }: Evidence, test: (deed: Deed) => boolean): boolean => plan.deeds.some(test)

const claimed = ({ claims }: Evidence, test: (claim: Log.Claim) => boolean): boolean => claims.some(test)

const stated = ({ statements }: Evidence, test: (statement: Log.Statement) => boolean): boolean => statements.some(test)

const isZero = ({ countdown }: Write): boolean => countdown === 0

const situations: Readonly<Record<string, (evidence: Evidence) => boolean>> = {
  fired: ({ fired }) => fired.length > 0,
  "Held proven by the next owner": (evidence) => claimed(evidence, ({ continuity }) => continuity === "Held"),
  "MayHaveFired claimed by the next owner": (evidence) =>
    claimed(evidence, ({ continuity }) => continuity === "MayHaveFired"),
  "Fired proven by the next owner": (evidence) => claimed(evidence, ({ continuity }) => continuity === "Fired"),
  "First after a release": ({ claims, outcomes }) =>
    claims.some(
      ({ account, at, continuity }) =>
        continuity === "First" && outcomes.some((one) => one.account === account && one.nextAt < at)
    ),
  "taken over after kill -9": (evidence) => takenOverFrom(evidence, "crash"),
  "taken over after a stop in order": (evidence) => takenOverFrom(evidence, "stopped"),
  "taken over from a runner that is paused": (evidence) => takenOverFrom(evidence, "pauses"),
  "Doubtful, and Owned again": ({ claims }) =>
    claims.some(
      (one, index) =>
        one.state === "Doubtful" &&
        claims.slice(index).some((two) => two.boot === one.boot && two.account === one.account && two.state === "Owned")
    ),
  "the old owner beat until the next was armed": (evidence) =>
    claimed(evidence, ({ state }) => state === "HandingOver") && interleaved(evidence),
  "grace was over": ({ claims, plan, writes }) =>
    plan.settings.grace > 0 &&
    writes.some(({ end }) => end === "acknowledged") &&
    claims.some(
      (one, index) =>
        (one.state === "Doubtful" || one.state === "HandingOver") &&
        claims.slice(index).some((two) => two.boot === one.boot && two.account === one.account && two.state === "Idle")
    ),
  "a runner woke up superseded": ({ pauses, tenures }) =>
    [...pauses].some(([boot, all]) =>
      all.some(({ from, to }) =>
        tenures.some(
          (one) =>
            one.at > from &&
            one.at < to &&
            one.boot !== boot &&
            tenures.some((own) => own.boot === boot && own.account === one.account && own.epoch === one.epoch - 1)
        )
      )
    ),
  "a process was ousted by one of its name": ({ processes }) =>
    processes.some(
      ({ boot, runner, what }) =>
        what === "goes on" &&
        processes.some((one) => one.runner === runner && one.boot > boot && one.what === "ready") &&
        processes.every((one) => !(one.boot === boot && one.what === "crash"))
    ),
  "the start of a twin refused": ({ processes }) =>
    processes.some(({ detail, what }) => what === "refused" && detail?.includes("Another process") === true),
  "two runners believed at once": ({ engine }) =>
    engine.some((one) => {
      if (!one.isMine) return false
      const others = engine.filter(
        ({ account, at, boot }) => account === one.account && boot !== one.boot && at <= one.at
      )
      return [...new Set(others.map(({ boot }) => boot))].some(
        (boot) => others.findLast((other) => other.boot === boot)!.isMine
      )
    }),
  "a take-over carried out, its answer lost": (evidence) =>
    stated(evidence, ({ answeredAt, isDone, what }) => what === "takeOver" && isDone && answeredAt === undefined),
  "a permit given, its answer lost": (evidence) =>
    stated(evidence, ({ answeredAt, isDone, what }) => what === "permit" && isDone && answeredAt === undefined),
  "a permit refused": (evidence) => stated(evidence, ({ isDone, what }) => what === "permit" && !isDone),
  "a permit refused to an old epoch": (evidence) =>
    stated(evidence, ({ epoch, isDone, rows, what }) => what === "permit" && !isDone && rows[0]!.epoch > epoch!),
  "a sign-off carried out, its answer lost": (evidence) =>
    stated(evidence, ({ answeredAt, what }) => what === "signOff" && answeredAt === undefined),
  "a statement carried out long after it was asked": (evidence) =>
    stated(evidence, ({ askedAt, at, what }) => what !== "read" && at - askedAt > 4_000),
  "an arming applied, its answer lost": ({ applied, writes }) =>
    applied.some(
      (write) =>
        write.countdown > 0 &&
        write.end === "lost" &&
        !writes.some((one) => one.account === write.account && one.epoch === write.epoch && one.at < write.at)
    ),
  "a beat applied after its sender gave up": ({ applied }) =>
    applied.some((write) => !isZero(write) && write.endAt !== undefined && write.appliedAt > write.endAt),
  'a "0" applied, its answer lost': ({ applied }) => applied.some((write) => isZero(write) && write.end === "lost"),
  'a "0" applied after its sender gave up': ({ applied }) =>
    applied.some((write) => isZero(write) && write.endAt !== undefined && write.appliedAt > write.endAt),
  "refused for the pace": ({ plan, writes }) => plan.exchange.isPaced && writes.some(({ end }) => end === "refused"),
  Disarmed: ({ outcomes }) => outcomes.some(({ untilAt }) => untilAt === undefined),
  DisarmUnconfirmed: ({ outcomes }) => outcomes.some(({ untilAt }) => untilAt !== undefined),
  "fired after DisarmUnconfirmed, in time": ({ fired, outcomes }) =>
    outcomes.some(
      ({ account, at, nextAt, untilAt }) =>
        untilAt !== undefined && fired.some((one) => one.account === account && one.at > at && one.at < nextAt)
    ),
  "a release asked while nothing owned the account": ({ released }) =>
    released.some(({ askedAt, at, result }) => at - askedAt > 5_000 && result.startsWith("Disarm")),
  "a release withdrawn": ({ released }) => released.some(({ result }) => result.includes("withdrawn")),
  "no take-over while a permitted 0 may arrive": ({ statements }) =>
    statements.some((permit, index) => {
      if (permit.what !== "permit" || !permit.isDone) return false
      const next = statements
        .slice(index)
        .find(
          (one) => one.account === permit.account && one.what === "takeOver" && one.isDone && one.epoch! > permit.epoch!
        )
      return next !== undefined && next.rows[0]!.wanted === "protect" && next.at - permit.at > 8_000
    }),
  "waited for its turn to arm": (evidence) =>
    evidence.plan.accounts > evidence.plan.settings.atOnce && claimed(evidence, ({ state }) => state === "Waiting"),
  "slow arming during a take-over": (evidence) =>
    did(
      evidence,
      (deed) =>
        deed.do === "slow" &&
        evidence.tenures.some(({ at, epoch }) => epoch > 1 && at > deed.at && at < deed.at + deed.length)
    ),
  "a bot failed and began again": ({ bots }) =>
    bots.some(
      (one) =>
        one.what === "work fails" &&
        bots.some((two) => two.what === "work" && two.account === one.account && two.at > one.at)
    ),
  "the book compared after a firing": ({ bots, fired }) =>
    bots.some(
      (one) => one.what === "reconciled" && fired.some((two) => two.account === one.account && two.at < one.at)
    ),
  "a bot elsewhere was silent for too long": (evidence) =>
    did(evidence, (deed) => deed.do === "silence" && deed.length > 5_000 + evidence.plan.bot.kickWithin!),
  "no grace": ({ plan, tenures }) => plan.settings.grace === 0 && tenures.some(({ epoch }) => epoch > 1),
  suspended: (evidence) => did(evidence, (deed) => deed.do === "suspend"),
  "wall clock stepped forward": (evidence) => did(evidence, (deed) => deed.do === "step-wall" && deed.by > 0),
  "wall clock stepped back": (evidence) => did(evidence, (deed) => deed.do === "step-wall" && deed.by < 0),
  "cut off from the store, beating on": (evidence) => cutFrom(evidence, "store"),
  "cut off from the exchange": (evidence) => cutFrom(evidence, "exchange"),
  "the store was away": (evidence) => did(evidence, (deed) => deed.do === "outage")
}

const takenOverFrom = ({ processes, tenures }: Evidence, what: Log.Process["what"]): boolean =>
  tenures.some((next) => {
    const before = tenures.find((one) => one.account === next.account && one.epoch === next.epoch - 1)
    if (before === undefined || before.boot === next.boot) return false
    const last = processes.findLast((one) => one.boot === before.boot && one.at <= next.at)
    return last?.what === what
  })

/** An owner beat between two writes of the next one, or after its first. */
const interleaved = ({ applied }: Evidence): boolean =>
  applied.some(
    (one, index) =>
      one.countdown > 0 &&
      applied.slice(0, index).some((two) => two.account === one.account && two.epoch > one.epoch && two.epoch > 0)
  )

const cutFrom = (evidence: Evidence, from: "store" | "exchange"): boolean =>
  evidence.plan.deeds.some(
    (deed) =>
      deed.do === "cut" &&
      deed.from === from &&
      evidence.writes.some(
        (write) => write.runner === ["anna", "bert", "carl"][deed.runner] && write.at > deed.at + 5_000
      )
  )

export const names: ReadonlyArray<string> = Object.keys(situations)

export const reached = (evidence: Evidence): ReadonlyArray<string> =>
  names.filter((name) => situations[name]!(evidence))
