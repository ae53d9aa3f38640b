/** Judges each promise by the exchange's journal alone. Pure. */
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Paint from "./Paint.js"
import { orders, seconds } from "./Story.js"

export interface Row {
  readonly happened: string
  readonly promised: string
  readonly held: boolean
}

/** The marks that the demonstration sets in the journal. The mark for the end of a process begins with `ended`. */
export const marks = {
  kill: "SIGKILL",
  stop: "SIGTERM",
  exception: "throws",
  ended: "ended",
  end: "watched for longer than the countdown"
} as const

export interface Trial {
  readonly account: string
  /** In ms. */
  readonly countdown: number
  /** Allowance for the exchange and the network, in ms. */
  readonly latency: number
}

const of = <Tag extends Journal.Entry["_tag"]>(entries: ReadonlyArray<Journal.Entry>, tag: Tag, account: string) =>
  entries.filter(
    (entry): entry is Extract<Journal.Entry, { readonly _tag: Tag }> =>
      entry._tag === tag && "account" in entry && entry.account === account
  )

const read = (entries: ReadonlyArray<Journal.Entry>, account: string) => {
  const switches = of(entries, "Switch", account)
  return {
    mark: (name: string) => of(entries, "Mark", account).find((mark) => mark.name.startsWith(name)),
    placed: of(entries, "Placed", account),
    cancels: of(entries, "Cancelled", account),
    written: switches.filter((entry) => entry.transition === "armed" || entry.transition === "refreshed"),
    fired: switches.filter((entry) => entry.transition === "fired"),
    closed: switches.filter((entry) => entry.transition === "closed")
  }
}

const missing = (promised: string): Row => ({ happened: "did not happen", promised, held: false })

/** The main promise: every order is cancelled in time after the kill. */
export const cancelled = (entries: ReadonlyArray<Journal.Entry>, trial: Trial): Row => {
  const { cancels, mark, placed } = read(entries, trial.account)
  const kill = mark(marks.kill)
  const bound = trial.countdown + trial.latency
  const promised = `all its orders are cancelled within ${seconds(bound)} of the kill`
  if (kill === undefined || placed.length === 0) return missing(promised)
  const last = Math.max(...cancels.map((entry) => entry.at))
  return {
    happened:
      cancels.length === 0
        ? `none of ${orders(placed.length)} was cancelled`
        : `${cancels.length} of ${orders(placed.length)}, ${seconds(last - kill.at, 2)} after the kill`,
    promised,
    held: placed.every((order) =>
      cancels.some(
        (entry) => entry.orderId === order.orderId && entry.cause === "countdown" && entry.at - kill.at <= bound
      )
    )
  }
}

/** The promises for a bot that is killed. */
export const crash = (entries: ReadonlyArray<Journal.Entry>, trial: Trial): ReadonlyArray<Row> => {
  const { cancels, fired, mark, placed, written } = read(entries, trial.account)
  const kill = mark(marks.kill)
  const [first] = placed
  const [armed] = written
  const last = written.at(-1)
  const [firing] = fired

  const armedFirst = "no order before the switch is armed"
  const alive = "while the bot lives, nothing is cancelled"
  const notEarly = `not before ${seconds(trial.countdown)} without a beat`
  return [
    armed === undefined || first === undefined
      ? missing(armedFirst)
      : {
          happened: `armed ${seconds(first.at - armed.at, 2)} before the first order`,
          promised: armedFirst,
          held: armed.at <= first.at
        },
    kill === undefined || written.length < 3
      ? missing(alive)
      : {
          happened: `${written.length - 1} beats, never less than ${seconds(leastLeft(written))} left`,
          promised: alive,
          held: leastLeft(written) > 0 && [...fired, ...cancels].every((entry) => entry.at > kill.at)
        },
    cancelled(entries, trial),
    last === undefined || firing === undefined
      ? missing(notEarly)
      : {
          happened:
            `fired ${fired.length === 1 ? "once" : `${fired.length} times`}, ` +
            `${seconds(firing.at - last.at, 2)} after the last beat`,
          promised: notEarly,
          held: fired.length === 1 && firing.at - last.at >= trial.countdown
        }
  ]
}

/** The promises for a bot that gets SIGTERM. */
export const stop = (entries: ReadonlyArray<Journal.Entry>, trial: Trial): ReadonlyArray<Row> => {
  const { cancels, closed, fired, mark, placed, written } = read(entries, trial.account)
  const asked = mark(marks.stop)
  const ended = mark(marks.ended)
  const end = mark(marks.end)
  const off = closed.at(-1)

  // By default the countdown bounds the release.
  const disarms = `SIGTERM turns the switch off within ${seconds(trial.countdown)}`
  const exits = "and the bot ends by itself, with exit code 0"
  const stays = `its orders stay, for longer than ${seconds(trial.countdown + trial.latency)}`
  return [
    asked === undefined || off === undefined
      ? missing(disarms)
      : {
          happened: `the "0" came ${seconds(off.at - asked.at, 2)} after the signal`,
          promised: disarms,
          held:
            off.at >= asked.at && off.at - asked.at <= trial.countdown && written.every((entry) => entry.at <= off.at)
        },
    asked === undefined || ended === undefined
      ? missing(exits)
      : {
          happened: `${ended.name}, ${seconds(ended.at - asked.at, 2)} after the signal`,
          promised: exits,
          held: ended.name.endsWith("exit code 0")
        },
    asked === undefined || end === undefined || placed.length === 0
      ? missing(stays)
      : {
          happened:
            `${placed.length - cancels.length} of ${orders(placed.length)} open ` +
            `${seconds(end.at - asked.at, 2)} after the signal`,
          promised: stays,
          held: cancels.length === 0 && fired.length === 0 && end.at - asked.at > trial.countdown + trial.latency
        }
  ]
}

/**
 * The promises for a bot whose strategy throws under `Release.cancelOnFailure`: the last write leaves 5 s, and is sent
 * within the pace of a second.
 */
export const exception = (entries: ReadonlyArray<Journal.Entry>, trial: Trial): ReadonlyArray<Row> => {
  const { cancels, fired, mark, placed, written } = read(entries, trial.account)
  const thrown = mark(marks.exception)
  const ended = mark(marks.ended)
  const last = written.at(-1)
  const bound = 6_000 + trial.latency
  const shortens = "an exception leaves 5 s on the countdown, not the rest"
  const gone = `all its orders are cancelled within ${seconds(bound)} of the exception`
  const exits = "and the bot ends with exit code 1"
  return [
    thrown === undefined || last === undefined
      ? missing(shortens)
      : {
          happened: `a last write of ${last.seconds ?? 0} s, ${seconds(last.at - thrown.at, 2)} after the exception`,
          promised: shortens,
          held: last.seconds === 5 && last.at - thrown.at <= bound - 5_000 && fired.length === 1
        },
    thrown === undefined || cancels.length === 0 || placed.length === 0
      ? missing(gone)
      : {
          happened:
            `${cancels.length} of ${orders(placed.length)}, ` +
            `${seconds(Math.max(...cancels.map((entry) => entry.at)) - thrown.at, 2)} after the exception`,
          promised: gone,
          held: placed.every((order) =>
            cancels.some(
              (entry) => entry.orderId === order.orderId && entry.cause === "countdown" && entry.at - thrown.at <= bound
            )
          )
        },
    ended === undefined
      ? missing(exits)
      : { happened: ended.name, promised: exits, held: ended.name.endsWith("exit code 1") }
  ]
}

/** The shortest time that was left on the countdown at a beat, in ms. */
const leastLeft = (written: ReadonlyArray<Journal.SwitchRecord>): number =>
  Math.min(...written.slice(1).map((entry, index) => (written[index]?.deadline ?? entry.at) - entry.at))

/** The closing table. */
export const table = (rows: ReadonlyArray<Row>, colour: Paint.Paint = Paint.plain): ReadonlyArray<string> => {
  const cells = [
    ["what happened", "what was promised", "held"] as const,
    ...rows.map((row) => [row.happened, row.promised, row.held ? "yes" : "NO"] as const)
  ]
  const width = (column: 0 | 1) => Math.max(...cells.map((row) => row[column].length))
  const widths = [width(0), width(1)] as const
  const line = (row: readonly [string, string, string]) =>
    `  ${row[0].padEnd(widths[0])}   ${row[1].padEnd(widths[1])}   ${row[2] === "held" ? row[2] : colour(row[2] === "yes" ? "good" : "bad", row[2])}`
  const rule = `  ${"-".repeat(widths[0])}   ${"-".repeat(widths[1])}   ----`
  return cells.flatMap((row, index) => (index === 0 ? [line(row), rule] : [line(row)]))
}
