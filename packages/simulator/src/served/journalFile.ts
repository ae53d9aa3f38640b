/**
 * The journal as a growing file. A request is written when it is complete, or when the server stops; other entries are
 * written at once. Reading sorts the requests back to where they were sent.
 *
 * A file has one run per reset of the exchange, and each run begins with its `Start`.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Journal from "../journal/Journal.js"
import type { World } from "../world/world.js"

/** The most incomplete requests to keep back. Older ones are written as they are. */
const mostPending = 10_000

const instantOf = (entry: Journal.Entry): number =>
  entry._tag === "Request" ? entry.sentAt : "at" in entry ? entry.at : 0

const isDone = (entry: Journal.RequestRecord): boolean =>
  entry.receivedAt !== undefined || entry.abortedAt !== undefined

export class JournalFileError extends Schema.TaggedError<JournalFileError>(
  "@effect-deadman/simulator/JournalFileError"
)("JournalFileError", { message: Schema.String }) {}

/** Opens a new file, or an existing device or pipe, in which nothing can be overwritten. */
const open = (path: string): number => {
  const found = Fs.statSync(path, { throwIfNoEntry: false })
  return Fs.openSync(path, found === undefined || found.isFile() ? "wx" : "w")
}

const problemOf = (path: string, error: unknown): string =>
  (error as NodeJS.ErrnoException).code === "EEXIST"
    ? `${path} exists already, and another exchange may be writing it. Move it away, or give another name.`
    : `The journal cannot be written to ${path}: ${(error as Error).message}`

/**
 * Writes the journal of the world into a new file until the scope closes. Fails when the file cannot be created. When a
 * later write fails, for example because the disk is full, logs an error, ends the file, and lets the exchange
 * continue.
 */
export const write = (world: World, path: string): Effect.Effect<void, JournalFileError, Scope.Scope> =>
  Effect.flatMap(Effect.runtime<never>(), (runtime) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.try({
          try: () => {
            const file = open(path)
            const pending = new Map<number, Journal.Entry>()
            let lines: Array<Journal.Entry> = []
            let bytes = 0
            let newest = 0
            let before = 0
            let ended = false
            const end = () => {
              ended = true
              world.listeners.delete(take)
              clearInterval(timer)
              Fs.closeSync(file)
            }
            /** False when the write failed and the file has ended. */
            const flush = (): boolean => {
              if (lines.length === 0) return true
              const text = Journal.toNdjson(lines)
              lines = []
              try {
                Fs.writeFileSync(file, text)
                bytes += Buffer.byteLength(text)
                return true
              } catch (error) {
                Runtime.runFork(
                  runtime,
                  Effect.logError(
                    `The journal ${path} ends here, and the exchange continues without it: ${(error as Error).message}. ` +
                      "Make room on the disk, and start again with another file."
                  )
                )
                cutBack(file, bytes)
                end()
                return false
              }
            }
            const take = (entry: Journal.Entry) => {
              if (entry._tag === "Start") {
                // A reset loses the requests in flight, and their later changes belong to no run.
                lines.push(...pending.values())
                pending.clear()
                before = newest
              }
              if (entry._tag !== "Request") return void lines.push(entry)
              if (entry.id <= before) return
              newest = Math.max(newest, entry.id)
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
            const timer = setInterval(flush, 200)
            world.listeners.add(take)
            for (const entry of world.journal.entries()) take({ ...entry })
            flush()
            return () => {
              if (ended) return
              lines.push(...pending.values())
              if (flush()) end()
            }
          },
          catch: (error) => new JournalFileError({ message: problemOf(path, error) })
        }),
        (close) => Effect.sync(close)
      )
    )
  )

/** Removes the part of a line that a failed write may have left. */
const cutBack = (file: number, bytes: number): void => {
  try {
    Fs.ftruncateSync(file, bytes)
  } catch {
    // A device or a pipe cannot be truncated.
  }
}

/** The entries of a run in the order in which they began. */
const inOrder = (entries: ReadonlyArray<Journal.Entry>): ReadonlyArray<Journal.Entry> =>
  entries
    .map((entry, index) => ({ entry, index, at: entry._tag === "Start" ? -Infinity : instantOf(entry) }))
    .sort((a, b) => a.at - b.at || a.index - b.index)
    .map(({ entry }) => entry)

/**
 * Reads the runs of such a file. An incomplete last line, after a killed writer or an early copy, is left out with all
 * entries of its instant, because more of them may be missing.
 */
export const read = (
  text: string
): Either.Either<
  { readonly runs: ReadonlyArray<ReadonlyArray<Journal.Entry>>; readonly torn: boolean },
  Journal.JournalSyntaxError
> =>
  Either.gen(function* () {
    const whole = text.lastIndexOf("\n") + 1
    const last = Journal.fromNdjson(text.slice(whole))
    const torn = Either.isLeft(last) && whole > 0
    const all = yield* Journal.fromNdjson(torn ? text.slice(0, whole) : text)
    const end = all.reduce((end, entry) => (entry._tag === "Request" ? end : Math.max(end, entry.at)), -Infinity)
    const entries = all.filter((entry) => !torn || entry._tag === "Start" || entry._tag === "Request" || entry.at < end)
    const runs: Array<Array<Journal.Entry>> = []
    for (const entry of entries) {
      const run = runs.at(-1)
      if (run === undefined || entry._tag === "Start") runs.push([entry])
      else run.push(entry)
    }
    return { runs: runs.length === 0 ? [[]] : runs.map(inOrder), torn }
  })
