/** Effect's log as lines of `deadman`. They go to stderr, because stdout belongs to the program. */
import * as Cause from "effect/Cause"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import type { Level } from "./line.js"

const levels: Readonly<Partial<Record<LogLevel.LogLevel["_tag"], Level>>> = {
  Fatal: "error",
  Error: "error",
  Warning: "warning",
  Info: "info"
}

/** Hands each message to `say`. */
export const layer = (say: (level: Level, message: string) => void): Layer.Layer<never> =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ cause, logLevel, message }) => {
      const words = (Array.isArray(message) ? message : [message]).map(String)
      const reason = Cause.isEmpty(cause) ? [] : [Cause.pretty(cause)]
      say(levels[logLevel._tag] ?? "debug", [...words, ...reason].join(" "))
    })
  )
