/** One line of the log, as text for people or as JSON for machines. Pure, and imports nothing of Effect. */

export type Format = "text" | "json"
export type Level = "debug" | "info" | "warning" | "error"

/** `time` is ms since the epoch. Text has no time, because whatever collects it adds one. */
export const line = (format: Format, level: Level, message: string, time: number): string =>
  format === "json"
    ? JSON.stringify({ time: new Date(time).toISOString(), source: "deadman", level, message })
    : `deadman: ${level}: ${message.replaceAll("\n", "\n  ")}`
