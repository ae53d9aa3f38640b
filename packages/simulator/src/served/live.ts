/**
 * The stream of events behind the live page.
 */
import type * as Stream from "effect/Stream"
import type * as Journal from "../journal/Journal.js"
import * as EventStream from "./eventStream.js"
import * as Served from "./views.js"

/** Milliseconds between two messages to a page, and the entries in one of them. */
const liveEvery = 100
const liveEntries = 200

/** The state and the newest entries, collected over a tenth of a second. */
export const make = (served: Served.Served): Stream.Stream<Uint8Array> =>
  EventStream.make({
    attach: (outbox) => {
      const { world } = served
      const next = Served.changes(served)
      const newest = () => {
        const { isWhole, view } = next()
        return EventStream.event(isWhole ? "state" : "changes", view)
      }
      let fresh = new Map<Journal.Entry | number, Journal.Entry>()
      let skipped = 0
      let timer: NodeJS.Timeout | undefined
      const flush = () => {
        timer = undefined
        const entries = [...fresh.values()]
        if (entries.length > 0) {
          const written = outbox.write(EventStream.event("entries", { entries, skipped }))
          skipped = written ? 0 : skipped + entries.length
        }
        outbox.newest(newest)
        fresh = new Map()
      }
      const listener = (entry: Journal.Entry) => {
        const key = entry._tag === "Request" ? entry.id : entry
        if (fresh.size < liveEntries || fresh.has(key)) fresh.set(key, entry)
        else skipped++
        timer ??= setTimeout(flush, liveEvery)
      }
      // Some changes leave no entry: the clock is advanced, a hold is taken, a fault acts.
      const look = setInterval(() => (timer ??= setTimeout(flush, liveEvery)), 1_000)
      world.listeners.add(listener)
      flush()
      return () => {
        world.listeners.delete(listener)
        clearTimeout(timer)
        clearInterval(look)
      }
    }
  })
