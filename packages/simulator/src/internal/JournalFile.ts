/**
 * The journal as a file that grows. A request is written once nothing more can become of it, whatever is left when the
 * server stops; everything else at once. Reading it again puts the requests back to where they were sent.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Journal from "../Journal.js"
import type { World } from "./World.js"

/** Requests without an answer that are kept back; an older one is written as it stands. */
const mostPending = 10_000

const instantOf = (entry: Journal.Entry): number =>
  entry._tag === "Request" ? entry.sentAt : "at" in entry ? entry.at : 0

const isDone = (entry: Journal.RequestRecord): boolean =>
  entry.receivedAt !== undefined || entry.abortedAt !== undefined

export class JournalFileError extends Schema.TaggedError<JournalFileError>(
  "@effect-deadman/simulator/JournalFileError"
)("JournalFileError", { message: Schema.String }) {}

/** Writes what the world does into a new file, until the scope closes. Fails when it cannot be made. */
export const write = (world: World, path: string): Effect.Effect<void, JournalFileError, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.try({
        try: () => {
          const file = Fs.openSync(path, "w")
          const pending = new Map<number, Journal.Entry>()
          let lines: Array<Journal.Entry> = []
          const flush = () => {
            if (lines.length === 0) return
            Fs.writeSync(file, Journal.toNdjson(lines))
            lines = []
          }
          const take = (entry: Journal.Entry) => {
            if (entry._tag !== "Request") return void lines.push(entry)
            if (isDone(entry)) {
              pending.delete(entry.id)
              return void lines.push(entry)
            }
            pending.set(entry.id, entry)
            if (pending.size <= mostPending) return
            const [oldest] = pending
            if (oldest === undefined) return
            pending.delete(oldest[0])
            lines.push(oldest[1])
          }
          for (const entry of world.journal.entries()) take({ ...entry })
          world.listeners.add(take)
          const timer = setInterval(flush, 200)
          return () => {
            world.listeners.delete(take)
            clearInterval(timer)
            lines.push(...pending.values())
            flush()
            Fs.closeSync(file)
          }
        },
        catch: (error) =>
          new JournalFileError({ message: `The journal cannot be written to ${path}: ${(error as Error).message}` })
      }),
      (close) => Effect.sync(close)
    )
  )

/** The entries of such a file in the order in which they began. */
export const inOrder = (entries: ReadonlyArray<Journal.Entry>): ReadonlyArray<Journal.Entry> =>
  entries
    .map((entry, index) => ({ entry, index, at: entry._tag === "Start" ? -Infinity : instantOf(entry) }))
    .sort((a, b) => a.at - b.at || a.index - b.index)
    .map(({ entry }) => entry)
