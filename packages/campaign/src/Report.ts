/** Prints a broken promise: the drawn options, the run, the breach, and the command that replays it. */
import type * as Log from "./Log.js"
import type { Plan } from "./Plan.js"
import type { Verdict } from "./Oracle.js"
import * as SecondOracle from "./SecondOracle.js"

const s = (ms: number): string => (ms / 1_000).toFixed(3)

const columns = [30, 34, 34]

const row = (at: number, cells: readonly [string, string, string]): string =>
  `${s(at).padStart(9)}  ${cells.map((cell, index) => cell.padEnd(columns[index]!)).join("  ")}`.trimEnd()

/** The run in fixed columns: bot, network and host, exchange. */
const timeline = (log: Log.Log): string => {
  const rows: Array<readonly [at: number, seq: number, text: string]> = []
  for (const entry of log.entries) {
    const put = (at: number, bot: string, way: string, exchange: string, seq = entry.seq) =>
      rows.push([at, seq, row(at, [bot, way, exchange])])
    switch (entry._tag) {
      case "Call":
        put(entry.at, `write ${entry.id}: "${entry.wire}" ->`, "", "")
        if (entry.endAt !== undefined) {
          put(
            entry.endAt,
            `write ${entry.id}: ${entry.end}${entry.code === undefined ? "" : ` ${entry.code}`}`,
            "",
            "",
            entry.endSeq
          )
        }
        break
      case "Arrival": {
        const what = entry.call === undefined ? "another client's write" : `write ${entry.call}`
        const name = entry.copy > 0 ? `copy ${entry.copy} of ${what}` : what
        put(
          entry.appliedAt ?? entry.at,
          "",
          `${name} ${entry.appliedAt === undefined ? "arrives" : "is applied"}`,
          entry.appliedAt === undefined ? `refused: ${entry.code}` : ""
        )
        break
      }
      case "Switched":
        put(
          entry.at,
          "",
          "",
          entry.transition === "fired"
            ? "FIRED"
            : entry.transition === "closed"
              ? "closed"
              : `${entry.transition} until ${s(entry.deadline ?? NaN)}`
        )
        break
      case "Ordered":
        put(entry.at, "", "", `order ${entry.order.slice(-2)} of ${entry.account} ${entry.what}`)
        break
      case "Claim": {
        const window =
          entry.earliest === undefined ? "" : ` [${s(entry.at + entry.earliest)}, ${s(entry.at + entry.latest!)}]`
        put(
          entry.at,
          `${entry.how === "reported" ? "** " : "   "}${entry.state}${window}${entry.provenBy === undefined ? "" : ` by ${entry.provenBy}`}`,
          "",
          `(${entry.venueArmed ? "runs" : "does not run"})`
        )
        break
      }
      case "Listed":
        put(entry.sentAt, `open orders from before ${s(entry.before)}?`, "", "")
        put(
          entry.at,
          `open orders: ${entry.result}${entry.createdAt === undefined ? "" : `, one of ${s(entry.createdAt)}`}`,
          "",
          ""
        )
        break
      case "Deed":
        put(entry.at, "", `-- ${entry.what}${entry.length === undefined ? "" : ` for ${s(entry.length)}`}`, "")
        break
      case "Acquired":
        put(entry.at, `acquired: ${entry.result}${entry.failure === undefined ? "" : ` ${entry.failure}`}`, "", "")
        break
      case "Lost":
        put(entry.at, `** lost: ${entry.reason}`, "", "")
        break
      case "Closing":
        put(entry.at, entry.phase === "begun" ? "closing" : "closed", "", "")
        break
      case "Outcome": {
        const until = entry.latest === undefined ? "" : ` until ${s(entry.at + entry.latest)}`
        put(entry.at, `** ${entry.outcome}${until}`, "", "")
      }
    }
  }
  rows.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  return [
    row(0, ["bot", "network and host", "exchange"]).replace("0.000", "  t/s"),
    ...rows.map(([, , text]) => text)
  ].join("\n")
}

/** All drawn options, one line each. */
const options = (plan: Plan): string =>
  [
    `seed     ${plan.seed}, ${plan.stack === "http" ? "the whole stack: HTTP, signature, verification" : "the port over the exchange and the network"}`,
    ...Object.entries(plan)
      .filter(([name]) => !["seed", "stack", "faults", "deeds"].includes(name))
      .map(([name, value]) => `${name.padEnd(8)} ${JSON.stringify(value)}`),
    ...plan.faults.map((fault, index) => `fault:${index}  ${fault}`),
    ...plan.deeds.map((deed, index) => `deed:${index}   ${JSON.stringify(deed)}`)
  ].join("\n")

/** The promises that both judge, and that only one of them finds broken. */
export const differences = (verdict: Verdict, second: SecondOracle.Verdict): ReadonlyArray<string> => {
  if (verdict.breaches.length === 0 && second.breaches.length === 0) return []
  const [one, two] = [verdict, second].map(({ breaches }) => new Set(breaches.map(({ promise }) => promise)))
  return [...SecondOracle.judged].filter((promise) => one!.has(promise) !== two!.has(promise))
}

export const failure = (
  plan: Plan,
  log: Log.Log,
  verdict: Verdict,
  dropped: ReadonlyArray<string>,
  second: SecondOracle.Verdict = { breaches: [], excused: [] }
): string => {
  const drop = dropped.length === 0 ? "" : ` --drop ${dropped.join(",")}`
  return [
    options(plan),
    "",
    timeline(log),
    ...(log.timeline === undefined ? [] : ["", log.timeline()]),
    "",
    ...verdict.excused.map((one) => `excused: promise ${one.promise} at ${s(one.at)}: ${one.what} (${one.why})`),
    ...second.excused.map((one) => `excused by the second judge: promise ${one.promise} at ${s(one.at)}: ${one.what}`),
    ...verdict.breaches.map((one) => `BROKEN: promise ${one.promise} at ${s(one.at)}: ${one.what}`),
    ...second.breaches.map((one) => `BROKEN (second judge): promise ${one.promise} at ${s(one.at)}: ${one.what}`),
    ...differences(verdict, second).map((promise) => `the judges differ on promise ${promise}`),
    `replay: pnpm campaign --seed ${plan.seed}${drop}`
  ].join("\n")
}
