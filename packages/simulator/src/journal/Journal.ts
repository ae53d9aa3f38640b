/**
 * The record of a run, in order: every request with its five instants, every change of a switch, every order and cancel
 * with its cause. It is bounded: beyond its size it drops the oldest entries and counts them.
 *
 * Instants are ms of the exchange's clock. No record ever holds a key, a passphrase or a signature.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Exchange from "../exchange/Exchange.js"
import { Entry } from "./records.js"
import * as Replay from "./replay.js"

/**
 * @since 0.1.0
 */
export type * from "./records.js"

/**
 * A journal that keeps its newest entries.
 *
 * @since 0.1.0
 * @category models
 */
export interface Journal {
  /** The kept entries, oldest first. */
  readonly entries: () => ReadonlyArray<Entry>
  /** The number of kept entries. */
  readonly size: () => number
  /** The number of dropped entries. */
  readonly dropped: () => number
  readonly append: (entry: Entry) => void
  readonly clear: () => void
}

/**
 * An empty journal of at most `size` entries (default 10,000).
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options?: { readonly size?: number | undefined }): Journal => {
  const size = Math.max(1, Math.floor(options?.size ?? 10_000))
  let ring: Array<Entry> = []
  let total = 0
  return {
    entries: () => (total <= size ? ring.slice() : [...ring.slice(total % size), ...ring.slice(0, total % size)]),
    size: () => Math.min(total, size),
    dropped: () => Math.max(0, total - size),
    append: (entry) => {
      if (total < size) ring.push(entry)
      else ring[total % size] = entry
      total++
    },
    clear: () => {
      ring = []
      total = 0
    }
  }
}

/**
 * The entries as NDJSON: one JSON object per line, fields in a fixed order, so that equal journals are equal bytes.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toNdjson = (entries: Iterable<Entry>): string => {
  let text = ""
  for (const entry of entries) text += `${JSON.stringify(entry)}\n`
  return text
}

/**
 * The text is not a journal.
 *
 * @since 0.1.0
 * @category errors
 */
export class JournalSyntaxError extends Schema.TaggedError<JournalSyntaxError>(
  "@effect-deadman/simulator/JournalSyntaxError"
)("JournalSyntaxError", { line: Schema.Number, problem: Schema.String }) {
  override get message(): string {
    return `Line ${this.line} is not an entry of a journal (one JSON object per line, as toNdjson writes it):\n${this.problem}`
  }
}

const decode = Schema.decodeUnknownEither(Schema.parseJson(Entry))

/**
 * The entries of a text that `toNdjson` has written. Empty lines are skipped.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromNdjson = (text: string): Either.Either<ReadonlyArray<Entry>, JournalSyntaxError> => {
  const entries: Array<Entry> = []
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    const entry = decode(line)
    if (Either.isLeft(entry)) {
      const problem = ParseResult.TreeFormatter.formatErrorSync(entry.left)
      return Either.left(new JournalSyntaxError({ line: index + 1, problem }))
    }
    entries.push(entry.right)
  }
  return Either.right(entries)
}

/**
 * The journal cannot be replayed, because its beginning is missing, or because the replayed exchange does something
 * else.
 *
 * @since 0.1.0
 * @category errors
 */
export class ReplayError extends Schema.TaggedError<ReplayError>("@effect-deadman/simulator/ReplayError")(
  "ReplayError",
  { entry: Schema.Number, problem: Schema.String }
) {
  override get message(): string {
    return `The journal cannot be replayed, at entry ${this.entry}: ${this.problem}`
  }
}

/**
 * The exchange rebuilt from its journal, as it was at the instant `now` (default: that of the last entry).
 *
 * A replay repeats only events from outside: countdowns set, orders placed, filled and cancelled on request, release
 * windows. The exchange repeats its own work, and the entries must be the same. Keys and rate limits are not rebuilt.
 * `Exchange.snapshot` of both states is equal.
 *
 * @since 0.1.0
 * @category conversions
 */
export const replay = (
  entries: ReadonlyArray<Entry>,
  options?: { readonly now?: number | undefined }
): Either.Either<Exchange.State, ReplayError> =>
  Either.mapLeft(Replay.run(entries, options?.now), (failure) => new ReplayError(failure))
