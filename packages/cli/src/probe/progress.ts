/** What a measurement says while it runs. Pure. */
import type { Purpose } from "./model.js"

export type Progress =
  | { readonly _tag: "Begins"; readonly account: string; readonly exchange: string; readonly minutes: number }
  | {
      readonly _tag: "Experiment"
      readonly number: number
      readonly of: number
      readonly purpose: Purpose
      readonly attempt: number
    }
  | { readonly _tag: "Waits"; readonly seconds: number }
  | { readonly _tag: "Undoes" }
  | { readonly _tag: "Left"; readonly what: string }

const purposes: Readonly<Record<Purpose, string>> = {
  listing: "how fast the list of open orders follows",
  kinds: "which kinds of orders the switch cancels",
  firing: "when the switch fires",
  cancels: "how several orders are cancelled",
  closed: '"0" when nothing is armed',
  shorter: "a shorter countdown over a longer one",
  refused: "a refused call over a running countdown",
  limited: "a call over the limit"
}

/** One line. */
export const line = (progress: Progress): string => {
  switch (progress._tag) {
    case "Begins":
      return `measures account ${progress.account} at ${progress.exchange}, about ${progress.minutes} minutes; Ctrl-C undoes everything`
    case "Experiment": {
      const again = progress.attempt > 1 ? `, attempt ${progress.attempt}` : ""
      return `${progress.number}/${progress.of} ${purposes[progress.purpose]}${again}`
    }
    case "Waits":
      return `an answer was lost: waits ${progress.seconds} s, until the exchange can no longer accept that call`
    case "Undoes":
      return "cancels its orders and turns the switch off"
    case "Left":
      return `LEFT BEHIND: ${progress.what}`
  }
}
