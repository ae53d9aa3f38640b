/**
 * The journal as far as the page has it, and the orders that its entries name.
 */
import type * as Exchange from "../../exchange/model.js"
import type * as Journal from "../../journal/Journal.js"
import type { Entry } from "./control.js"

/** The number of entries to keep, which is more than a minute at the exchange's rate limit. */
const kept = 2_000

/** For how long an order that is no longer open stays in the list of its account (ms). */
const remembered = 60_000

/** An order as the page names it. */
export type Named = Pick<Exchange.NewOrder, "side" | "qty" | "symbol" | "price">

/** An order that is no longer open. */
export interface Gone {
  readonly orderId: string
  readonly order: Named
  readonly placedAt: number
  readonly at: number
  readonly how: Journal.CancelRecord["cause"] | "filled"
}

export class JournalCopy {
  entries: Array<Entry> = []
  private readonly places = new Map<string, number>()
  private readonly placed = new Map<string, { readonly order: Named; readonly at: number }>()

  clear(): void {
    this.entries = []
    this.places.clear()
    this.placed.clear()
  }

  /** Adds entries. A request takes the place of its earlier steps. */
  take(fresh: ReadonlyArray<Entry>): void {
    for (const entry of fresh) this.takeOne(entry)
    if (this.entries.length > 2 * kept) this.forget()
  }

  /** Puts older entries, as the server returns them, before those that have arrived meanwhile. */
  takeOlder(older: ReadonlyArray<Entry>): void {
    const newer = this.entries
    this.clear()
    this.take(older)
    const known = new Set(this.entries.map((entry) => JSON.stringify(entry)))
    this.take(newer.filter((entry) => entry._tag === "Request" || !known.has(JSON.stringify(entry))))
  }

  /** The order of this id, unless its placing is too long ago. */
  order(orderId: string): Named | undefined {
    return this.placed.get(orderId)?.order
  }

  /** The orders of an account that were open within the last minute and no longer are. */
  gone(account: string, now: number): ReadonlyArray<Gone> {
    const gone: Array<Gone> = []
    for (let index = this.entries.length - 1; index >= 0; index--) {
      const entry = this.entries[index]
      if (entry === undefined || ("at" in entry && entry.at < now - remembered)) break
      if ((entry._tag !== "Cancelled" && entry._tag !== "Filled") || entry.account !== account) continue
      const placed = this.placed.get(entry.orderId)
      if (placed === undefined || gone.some(({ orderId }) => orderId === entry.orderId)) continue
      const how = entry._tag === "Filled" ? "filled" : entry.cause
      gone.push({ orderId: entry.orderId, order: placed.order, placedAt: placed.at, at: entry.at, how })
    }
    return gone
  }

  /** The last beat that armed or refilled the switch of an account. */
  lastBeat(account: string): Journal.SwitchRecord | undefined {
    return this.entries.findLast(
      (entry): entry is Journal.SwitchRecord =>
        entry._tag === "Switch" &&
        entry.account === account &&
        (entry.transition === "armed" || entry.transition === "refreshed")
    )
  }

  private takeOne(entry: Entry): void {
    if (entry._tag === "Placed") this.placed.set(entry.orderId, { order: entry.order, at: entry.at })
    if (entry._tag === "Request") {
      const place = this.places.get(String(entry.id))
      if (place !== undefined) {
        this.entries[place] = entry
        return
      }
      this.places.set(String(entry.id), this.entries.length)
    }
    this.entries.push(entry)
  }

  private forget(): void {
    const older = this.entries.slice(0, -kept)
    this.entries = this.entries.slice(-kept)
    this.places.clear()
    this.entries.forEach((entry, index) => {
      if (entry._tag === "Request") this.places.set(String(entry.id), index)
    })
    for (const entry of older) {
      if (entry._tag === "Cancelled" || entry._tag === "Filled") this.placed.delete(entry.orderId)
    }
  }
}
