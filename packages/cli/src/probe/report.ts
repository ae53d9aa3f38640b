/** The findings as a page for people. Pure. */
import type { Advice, Bounds, Finding, Findings, Order } from "./model.js"
import type { Measured } from "./venueFile.js"

const meanings: Readonly<Record<string, string>> = {
  sweepPeriod: "how often the exchange looks at its timers; 0 is always",
  triggerLatency: "from the firing to the first cancel",
  clockStart: "the instant of the call that the countdown counts from",
  cancelUpdatedTime: "what updatedTime of a cancelled order is",
  cancelPace: "from one cancel to the next; 0 is at once",
  cancelOrder: "which order goes first",
  cancelReason: "cancelReason of a cancelled order",
  sparedOrders: "categories that the switch does not cancel",
  timeToApply: "from the acceptance of a call to its effect, createdTime of an order",
  timeToComplete: "from its effect to the end of the answer",
  requestTime: "which of the two instants requestTime is",
  placingLatency: "from an order's creation to its entry into the list",
  listStaleness: "how far the list of open orders is behind",
  shorterCountdown: "a shorter countdown over a longer one",
  refusedCountdown: "what a refused call does to a running countdown",
  "badCountdown.tooShort": "the code for a countdown of 4 s",
  failureStatus: "the HTTP status of a refusal",
  limitedCountdownApplies: "whether a call over the limit takes effect",
  offWhenClosed: 'the answer to "0" when nothing is armed'
}

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())
}

const shown = (value: string | number | boolean | ReadonlyArray<string>): string =>
  typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "object"
      ? value.length === 0
        ? "none"
        : value.join(", ")
      : String(value)

const range = ({ max, min }: Bounds): string => (min === max ? `${min} ms` : `${min} to ${max} ms`)

const measuredRows = (findings: ReadonlyArray<Finding>) =>
  findings.flatMap(({ option, result }) => {
    if (result._tag !== "Measured") return []
    const { bounds, value } = result
    const unit = bounds === undefined ? "" : " ms"
    return [[option, `${shown(value)}${unit}`, bounds === undefined ? "" : range(bounds), meanings[option] ?? ""]]
  })

const describe = ({ category, symbol, timeInForce }: Order): string => `${category} ${symbol} ${timeInForce}`

/** The default of a bot's option in ms, and what was measured; whether the default suffices. */
const adviceRows = (advice: Advice): ReadonlyArray<ReadonlyArray<string>> => {
  const row = (what: string, seen: Bounds | undefined, option: string, standard: number) => {
    if (seen === undefined) return [[what, "not seen", "", ""]]
    const verdict =
      seen.max <= standard
        ? `the default of ${standard} ms holds`
        : seen.min <= standard
          ? `the default of ${standard} ms may hold; ${seen.max} ms is sure`
          : `the default of ${standard} ms is too short: set ${seen.max} ms or more`
    return [[what, range(seen), option, verdict]]
  }
  const skew = { min: advice.skew, max: advice.skew }
  return [
    ...row("from the deadline to the first cancel", advice.firstCancel, "triggerLatency", 1_000),
    ...row("from the first cancel to the last", advice.cancelling, "cancelLatency", 5_000),
    ...row("until a placed order is listed", advice.placing, "placingLatency", 1_000),
    ...row("how far the list is behind", advice.staleness, "maxStaleness", 0),
    ...row("contradictions between the exchange's stamps", skew, "stampTolerance", 1_000)
  ]
}

/** The whole page. */
export const print = (found: Findings, measured: Measured, file: string): string => {
  const { advice, findings, firings, kinds, partialPage } = found
  const unidentified = findings.flatMap(({ option, result }) =>
    result._tag === "NotIdentified" ? [[option, result.reason]] : []
  )
  const fates = kinds.map(({ code, fate, order }) => [
    describe(order),
    fate === "cancelled" ? fate : fate === "survived" ? "SURVIVED" : `not placed: ${code ?? ""}`
  ])
  const atomic = partialPage
    ? "A list had some orders of a firing and not the others: the cancels are not atomic."
    : "No list had some orders of a firing and not the others: nothing speaks against atomic cancels."
  return [
    `${measured.exchange}${measured.demo ? ", demo trading" : ""}, ${measured.at}: the switch fired ${firings} times`,
    "",
    "MEASURED: the option of the simulator, its value, and what it can also be",
    ...table(measuredRows(findings)),
    "",
    "KINDS OF ORDERS",
    ...(fates.length === 0 ? ["  none was tried"] : table(fates)),
    "",
    "WHAT A BOT'S OPTIONS REST ON",
    ...table(adviceRows(advice)),
    ...(firings === 0 ? [] : [`  ${atomic}`]),
    "",
    "NOT IDENTIFIED: the simulator keeps its default",
    ...table(unidentified),
    "",
    `Written to ${file}. Simulate this exchange:`,
    `  npx @effect-deadman/simulator serve --venue-file ${file}`,
    ""
  ].join("\n")
}
