/**
 * What happened, in order: every request with its five instants, every change of a switch, every order and cancel with
 * its cause. Bounded: beyond its size the oldest records are dropped, and counted.
 *
 * Instants are ms of the venue's clock. No record ever holds a key, a passphrase or a signature.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Exchange from "../exchange/Exchange.js"
import * as JournalSchema from "./records.js"
import * as Replay from "./replay.js"
import type * as Venue from "../exchange/Venue.js"

/**
 * How it all began: with it a journal can be replayed without knowing anything else.
 *
 * @since 0.1.0
 * @category models
 */
export interface StartRecord {
  readonly _tag: "Start"
  readonly at: number
  readonly seed: number
  readonly venue: Venue.Venue
  readonly accounts: ReadonlyArray<DeclaredAccount>
}

/**
 * An account as the journal knows it: without its keys.
 *
 * @since 0.1.0
 * @category models
 */
export type DeclaredAccount = Omit<Exchange.Account, "keys">

/**
 * An account was declared later, or declared anew.
 *
 * @since 0.1.0
 * @category models
 */
export interface AccountRecord {
  readonly _tag: "Account"
  readonly at: number
  readonly account: DeclaredAccount
}

/**
 * A request. An instant that never came is absent: a lost answer has no `receivedAt`, a lost request no `arrivedAt`.
 * While a request is under way its record fills up.
 *
 * @since 0.1.0
 * @category models
 */
export interface RequestRecord {
  readonly _tag: "Request"
  readonly id: number
  /** The request that this one is a copy of, when the network made it. */
  readonly copyOf?: number | undefined
  readonly account?: string | undefined
  readonly endpoint: string
  readonly method: string
  /** The body of a call to a known endpoint, at most 200 characters of it. */
  readonly body: string
  readonly sentAt: number
  readonly arrivedAt?: number | undefined
  readonly appliedAt?: number | undefined
  readonly answeredAt?: number | undefined
  readonly receivedAt?: number | undefined
  /** When the client gave up waiting. */
  readonly abortedAt?: number | undefined
  readonly status?: number | undefined
  /** The code of the venue's answer, also when the client never saw it. */
  readonly code?: string | undefined
  /** The names of the faults that met it. */
  readonly faults: ReadonlyArray<string>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface SwitchRecord {
  readonly _tag: "Switch"
  readonly account: string
  readonly at: number
  readonly transition: "armed" | "refreshed" | "closed" | "fired"
  readonly deadline?: number | undefined
  readonly seconds?: number | undefined
  /** What the countdown was counted from. */
  readonly from?: number | undefined
  readonly by?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface PlacedRecord {
  readonly _tag: "Placed"
  readonly account: string
  readonly at: number
  readonly orderId: string
  readonly order: Exchange.NewOrder
  readonly by?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CancelRecord {
  readonly _tag: "Cancelled"
  readonly account: string
  readonly at: number
  readonly orderId: string
  readonly cause: Exchange.CancelCause
  readonly by?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface FillRecord {
  readonly _tag: "Filled"
  readonly account: string
  readonly at: number
  readonly orderId: string
  readonly qty: string
  readonly price: string
  readonly cause: "market" | "control"
}

/**
 * A fault of the network was added or removed, or is over: it has acted as often as it may, or its span has ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface FaultRecord {
  readonly _tag: "Fault"
  readonly at: number
  readonly change: "added" | "removed" | "over"
  readonly fault: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface MaintenanceRecord {
  readonly _tag: "Maintenance"
  readonly at: number
  readonly phase: "scheduled" | "begun" | "ended"
  readonly window: Venue.Window
}

/**
 * Something that a test has noted, for example `"crash"`.
 *
 * @since 0.1.0
 * @category models
 */
export interface MarkRecord {
  readonly _tag: "Mark"
  readonly at: number
  readonly name: string
  readonly account?: string | undefined
}

/**
 * What the bot believed: its state, and the edges of the window in which the venue may fire. Recorded by the bot's own
 * side, for pictures and assertions.
 *
 * @since 0.1.0
 * @category models
 */
export interface WindowRecord {
  readonly _tag: "Window"
  readonly account: string
  readonly at: number
  readonly state: string
  readonly earliestFire?: number | undefined
  readonly latestFire?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export type Entry =
  | StartRecord
  | AccountRecord
  | RequestRecord
  | SwitchRecord
  | PlacedRecord
  | CancelRecord
  | FillRecord
  | FaultRecord
  | MaintenanceRecord
  | MarkRecord
  | WindowRecord

/**
 * A journal that keeps its newest entries.
 *
 * @since 0.1.0
 * @category models
 */
export interface Journal {
  /** The entries that are kept, oldest first. */
  readonly entries: () => ReadonlyArray<Entry>
  /** How many that is. */
  readonly size: () => number
  /** How many were dropped. */
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
 * The entries as NDJSON: one JSON object a line, fields in a fixed order, so that equal journals are equal bytes.
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
 * A text that is no journal.
 *
 * @since 0.1.0
 * @category errors
 */
export class JournalSyntaxError extends Schema.TaggedError<JournalSyntaxError>(
  "@effect-deadman/simulator/JournalSyntaxError"
)("JournalSyntaxError", { line: Schema.Number, problem: Schema.String }) {
  override get message(): string {
    return `Line ${this.line} is no entry of a journal (one JSON object a line, as toNdjson writes them):\n${this.problem}`
  }
}

/**
 * The entries of a text that `toNdjson` has written. Empty lines are passed over.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromNdjson = (text: string): Either.Either<ReadonlyArray<Entry>, JournalSyntaxError> => {
  const entries: Array<Entry> = []
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    const entry = JournalSchema.decodeLine(line)
    if (Either.isLeft(entry)) return Either.left(new JournalSyntaxError({ line: index + 1, problem: entry.left }))
    entries.push(entry.right)
  }
  return Either.right(entries)
}

/**
 * A journal from which the exchange cannot be rebuilt: its beginning is missing, or what it tells is not what the
 * exchange does.
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
 * Only what came from outside is taken from the journal: countdowns set, orders placed, filled and cancelled on request,
 * release windows. What the exchange does by itself it does again, and it must be what the journal tells. Keys and rate
 * limits are not rebuilt, `Exchange.snapshot` is what is equal.
 *
 * @since 0.1.0
 * @category conversions
 */
export const replay = (
  entries: ReadonlyArray<Entry>,
  options?: { readonly now?: number | undefined }
): Either.Either<Exchange.State, ReplayError> =>
  Either.mapLeft(Replay.run(entries, options?.now), (failure) => new ReplayError(failure))
