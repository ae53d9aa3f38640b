/** Prints a broken promise: the drawn options, the run, the breach, and the one command that replays it. */
import type * as Log from "./Log.js"
import type { Breach } from "./Oracle.js"
import type { Plan } from "./Plan.js"

const s = (ms: number): string => (ms / 1_000).toFixed(3)

const textOf = (entry: Log.Entry): ReadonlyArray<readonly [number, string]> => {
  switch (entry._tag) {
    case "Write": {
      const name = `${entry.boot} ${entry.account} "${entry.countdown}"`
      const sent = [entry.at, `${name} sent`] as const
      const applied =
        entry.appliedAt === undefined ? [] : [[entry.appliedAt, `${name} of ${s(entry.at)} APPLIED`] as const]
      const ended = entry.endAt === undefined ? [] : [[entry.endAt, `${name} of ${s(entry.at)} ${entry.end}`] as const]
      return [sent, ...applied, ...ended]
    }
    case "Fired":
      return [[entry.at, `** ${entry.account} FIRED`]]
    case "Statement": {
      if (entry.what === "report" || entry.what === "read" || entry.what === "kick") return []
      const row = entry.rows[0]
      const left =
        row === undefined
          ? ""
          : ` -> ${row.wanted}, epoch ${row.epoch}, armed ${row.ackedEpoch}${row.outcome === undefined ? "" : `, ${row.outcome}`}` +
            (row.untilAt === undefined ? "" : ` until ${s(row.untilAt)}`)
      const answered = entry.answeredAt === undefined ? ", answer lost" : ""
      return [
        [
          entry.at,
          `${entry.boot} ${entry.what} ${entry.account ?? ""} ${entry.epoch ?? ""} of ${s(entry.askedAt)}` +
            `${entry.isDone ? "" : " REFUSED"}${answered}${left}`
        ]
      ]
    }
    case "Bot":
      return [[entry.at, `${entry.boot} ${entry.account} ${entry.what}`]]
    case "Claim":
      return [
        [
          entry.at,
          `   ${entry.boot} ${entry.account}: ${entry.state}, epoch ${entry.epoch}, ${entry.continuity ?? "-"}, ` +
            `${entry.heartbeat ?? "-"} (${entry.runs ? "runs" : "does not run"})`
        ]
      ]
    case "Engine":
      return [[entry.at, `engine: ${entry.account} ${entry.isMine ? "is" : "is not"} of ${entry.boot}`]]
    case "Process":
      return [
        [
          entry.at,
          `-- ${entry.boot} ${entry.what}${entry.detail === undefined ? "" : `: ${entry.detail.slice(0, 200)}`}`
        ]
      ]
    case "Deed":
      return [[entry.at, `-- ${entry.what}`]]
    case "Released":
      return [[entry.at, `release of ${entry.account}, asked at ${s(entry.askedAt)}: ${entry.result}`]]
  }
}

/** What happened, leaving out claims that repeat the one before. */
const timeline = ({ entries }: Log.Log): string => {
  const said = new Map<string, string>()
  const rows = entries.flatMap((entry) => {
    if (entry._tag === "Claim") {
      const { at: _, ...claim } = entry
      const text = JSON.stringify(claim)
      const key = `${entry.boot} ${entry.account}`
      if (said.get(key) === text) return []
      said.set(key, text)
    }
    return textOf(entry)
  })
  return rows
    .sort((a, b) => a[0] - b[0])
    .map(([at, text]) => `${s(at).padStart(9)}  ${text}`)
    .join("\n")
}

const options = (plan: Plan): string =>
  Object.entries(plan)
    .filter(([name]) => name !== "deeds")
    .map(([name, value]) => `${name.padEnd(9)} ${JSON.stringify(value)}`)
    .concat(plan.deeds.map((deed, index) => `deed:${index}    ${JSON.stringify(deed)}`))
    .join("\n")

/** The command that runs a plan again. */
const replay = (plan: Plan, dropped: ReadonlyArray<number>): string =>
  `pnpm campaign:cluster --seed ${plan.seed}${dropped.length === 0 ? "" : ` --drop ${dropped.join(",")}`}`

export const failure = (
  plan: Plan,
  log: Log.Log,
  breaches: ReadonlyArray<Breach>,
  dropped: ReadonlyArray<number>
): string =>
  [
    options(plan),
    "",
    timeline(log),
    "",
    ...breaches.map(({ at, promise, what }) => `BROKEN: ${promise}, at ${s(at)}: ${what}`),
    `replay: ${replay(plan, dropped)}`
  ].join("\n")
