/** The exchange's journal as lines and bars. Pure. */
import type * as Journal from "@effect-deadman/simulator/Journal"
import type * as Paint from "./Paint.js"

/** State of one account after the journal entries read so far. */
export interface Chapter {
  /** When the switch fires, in ms of the exchange's clock. Absent while it is off. */
  readonly deadline: number | undefined
  /** The countdown that fills the bar, in ms. */
  readonly full: number
  readonly open: ReadonlySet<string>
  readonly beats: number
}

export const beginning: Chapter = { deadline: undefined, full: 0, open: new Set(), beats: 0 }

/** Folds one more entry of the account into the chapter. */
export const read = (chapter: Chapter, entry: Journal.Entry): Chapter => {
  switch (entry._tag) {
    case "Switch": {
      const running = entry.transition === "armed" || entry.transition === "refreshed"
      return {
        ...chapter,
        deadline: running ? entry.deadline : undefined,
        full: running ? (entry.seconds ?? 0) * 1_000 : chapter.full,
        beats: chapter.beats + (entry.transition === "refreshed" ? 1 : 0)
      }
    }
    case "Placed":
      return { ...chapter, open: new Set([...chapter.open, entry.orderId]) }
    case "Cancelled":
      return { ...chapter, open: new Set([...chapter.open].filter((id) => id !== entry.orderId)) }
    default:
      return chapter
  }
}

export interface Style {
  readonly full: string
  readonly empty: string
  readonly width: number
  readonly colour: Paint.Paint
}

export const seconds = (millis: number, digits = 1): string => `${(millis / 1_000).toFixed(digits)} s`

export const orders = (count: number): string => `${count} ${count === 1 ? "order" : "orders"}`

/** The bar of the time left on the countdown, followed by the number of open orders. */
export const bar = (chapter: Chapter, now: number, style: Style): string => {
  const left = chapter.deadline === undefined ? 0 : Math.max(0, chapter.deadline - now)
  const filled = chapter.full === 0 ? 0 : Math.min(style.width, Math.ceil((left / chapter.full) * style.width))
  const time = chapter.deadline === undefined ? "off" : seconds(left)
  const share = filled / style.width
  const role = share > 0.5 ? "calm" : share > 0.25 ? "soon" : "urgent"
  const gauge = style.colour(role, style.full.repeat(filled)) + style.empty.repeat(style.width - filled)
  return `[${gauge}] ${time.padStart(6)}  ${orders(chapter.open.size).padStart(8)}`
}

/** Maximal length of an event's name. */
export const nameWidth = 7

type Line = readonly [name: string, remark: string, role?: Paint.Role]

/** The name and the remark of an entry that gets a line. `before` is the chapter before the entry. */
export const event = (before: Chapter, entry: Journal.Entry): Line | undefined => {
  switch (entry._tag) {
    case "Switch":
      switch (entry.transition) {
        case "armed":
          return ["armed", "", "good"]
        case "refreshed":
          if ((entry.seconds ?? 0) * 1_000 < before.full) {
            return ["release", `the policy asks the exchange to cancel in ${entry.seconds} s`, "strong"]
          }
          return [`beat ${before.beats + 1}`, `refilled with ${seconds((before.deadline ?? entry.at) - entry.at)} left`]
        case "closed":
          return ['"0"', "the switch is off", "strong"]
        case "fired":
          return ["fired", "the exchange cancels every open order", "bad"]
      }
      break
    case "Placed":
      return ["order", ""]
    case "Cancelled":
      return before.open.size === 1 ? ["empty", "the book is empty"] : undefined
    case "Mark":
      return entry.name.length <= nameWidth ? [entry.name, "", "bad"] : ["", entry.name]
  }
  return undefined
}
