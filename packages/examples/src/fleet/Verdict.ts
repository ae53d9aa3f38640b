// Compares what the exchange has recorded with what was promised.
import type * as Journal from "@effect-deadman/simulator/Journal"

export interface Trial {
  /** The accounts that the fault has hit, by their UID at the exchange. */
  readonly hit: ReadonlyArray<string>
  /** When the fault began, ms of the exchange's clock. */
  readonly since: number
}

export interface Facts {
  /** The longest time between two writes of an account that was hit, ms. */
  readonly longestGap: number
  readonly fired: number
  readonly zeros: number
}

/** Reads the journal from the fault on. A gap that began before the fault counts as a whole. */
export const facts = (entries: ReadonlyArray<Journal.Entry>, { hit, since }: Trial): Facts => {
  const last = new Map<string, number>()
  let longestGap = 0
  let fired = 0
  let zeros = 0
  for (const entry of entries) {
    if (entry._tag !== "Switch" || !hit.includes(entry.account)) continue
    if (entry.transition === "fired") {
      if (entry.at >= since) fired++
      continue
    }
    if (entry.at >= since) {
      if (entry.transition === "closed") zeros++
      longestGap = Math.max(longestGap, entry.at - (last.get(entry.account) ?? entry.at))
    }
    last.set(entry.account, entry.at)
  }
  return { longestGap, fired, zeros }
}
