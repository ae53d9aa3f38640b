/**
 * The entries of a journal.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Account, CancelCause, FillCause, MaintenanceChange, NewOrder, SwitchChange } from "../exchange/model.js"
import * as Numbers from "../exchange/numbers.js"
import * as Venue from "../exchange/Venue.js"

const { count, instant } = Numbers
const text = Schema.String
const { optional } = Schema

/**
 * An account without its keys.
 *
 * @since 0.1.0
 * @category models
 */
export const DeclaredAccount = Account.omit("keys")

/**
 * @since 0.1.0
 * @category models
 */
export type DeclaredAccount = typeof DeclaredAccount.Type

/**
 * The beginning: with it a journal can be replayed without knowing anything else.
 *
 * @since 0.1.0
 * @category models
 */
export const StartRecord = Schema.TaggedStruct("Start", {
  at: instant,
  seed: Numbers.integer,
  venue: Venue.schema,
  accounts: Schema.Array(DeclaredAccount)
}).annotations({ identifier: "StartRecord" })

/**
 * @since 0.1.0
 * @category models
 */
export type StartRecord = typeof StartRecord.Type

/**
 * An account was declared later, or declared anew.
 *
 * @since 0.1.0
 * @category models
 */
export const AccountRecord = Schema.TaggedStruct("Account", { at: instant, account: DeclaredAccount }).annotations({
  identifier: "AccountRecord"
})

/**
 * @since 0.1.0
 * @category models
 */
export type AccountRecord = typeof AccountRecord.Type

/**
 * A request. An instant that never came is absent: a lost response has no `receivedAt`, a lost request no `arrivedAt`.
 * While a request is under way its record fills up.
 *
 * @since 0.1.0
 * @category models
 */
export const RequestRecord = Schema.TaggedStruct("Request", {
  id: count,
  /** The request that this one is a copy of, when the network made it. */
  copyOf: optional(count),
  account: optional(text),
  endpoint: text,
  method: text,
  /** The first 200 characters of the body of a call to a known endpoint. */
  body: text,
  sentAt: instant,
  arrivedAt: optional(instant),
  appliedAt: optional(instant),
  answeredAt: optional(instant),
  receivedAt: optional(instant),
  /** When the client stopped waiting. */
  abortedAt: optional(instant),
  status: optional(count),
  /** The code of the exchange's response, also when the client never received it. */
  code: optional(text),
  /** The texts of the faults that met it. */
  faults: Schema.Array(text)
}).annotations({ identifier: "RequestRecord" })

/**
 * @since 0.1.0
 * @category models
 */
export type RequestRecord = typeof RequestRecord.Type

/**
 * A switch was armed, refreshed or closed, or it fired.
 *
 * @since 0.1.0
 * @category models
 */
export type SwitchRecord = SwitchChange

/**
 * @since 0.1.0
 * @category models
 */
export const PlacedRecord = Schema.TaggedStruct("Placed", {
  account: text,
  at: instant,
  orderId: text,
  order: NewOrder,
  /** When it enters the book; absent when it did so at once. */
  entersAt: optional(instant),
  /** The request that placed it. */
  by: optional(count)
}).annotations({ identifier: "PlacedRecord" })

/**
 * @since 0.1.0
 * @category models
 */
export type PlacedRecord = typeof PlacedRecord.Type

/**
 * @since 0.1.0
 * @category models
 */
export const CancelRecord = Schema.TaggedStruct("Cancelled", {
  account: text,
  at: instant,
  orderId: text,
  cause: CancelCause,
  /** The request that asked for it. */
  by: optional(count)
}).annotations({ identifier: "CancelRecord" })

/**
 * @since 0.1.0
 * @category models
 */
export type CancelRecord = typeof CancelRecord.Type

/**
 * @since 0.1.0
 * @category models
 */
export const FillRecord = Schema.TaggedStruct("Filled", {
  account: text,
  at: instant,
  orderId: text,
  qty: text,
  price: text,
  cause: FillCause
}).annotations({ identifier: "FillRecord" })

/**
 * @since 0.1.0
 * @category models
 */
export type FillRecord = typeof FillRecord.Type

/**
 * A fault of the network was added or removed, or is over: it has acted as often as it may, or its span has ended.
 *
 * @since 0.1.0
 * @category models
 */
export const FaultRecord = Schema.TaggedStruct("Fault", {
  at: instant,
  change: Schema.Literal("added", "removed", "over"),
  fault: text
}).annotations({ identifier: "FaultRecord" })

/**
 * @since 0.1.0
 * @category models
 */
export type FaultRecord = typeof FaultRecord.Type

/**
 * A release window was scheduled, or it has begun or ended.
 *
 * @since 0.1.0
 * @category models
 */
export type MaintenanceRecord = MaintenanceChange

/**
 * A remark of a test, for example `"crash"`.
 *
 * @since 0.1.0
 * @category models
 */
export const MarkRecord = Schema.TaggedStruct("Mark", { at: instant, name: text, account: optional(text) }).annotations(
  {
    identifier: "MarkRecord"
  }
)

/**
 * @since 0.1.0
 * @category models
 */
export type MarkRecord = typeof MarkRecord.Type

/**
 * The state that the bot assumed, and the edges of the window in which the switch may fire. The bot's side records it,
 * for pictures and assertions.
 *
 * @since 0.1.0
 * @category models
 */
export const WindowRecord = Schema.TaggedStruct("Window", {
  account: text,
  at: instant,
  state: text,
  earliestFire: optional(Numbers.edge),
  latestFire: optional(Numbers.edge)
}).annotations({ identifier: "WindowRecord" })

/**
 * @since 0.1.0
 * @category models
 */
export type WindowRecord = typeof WindowRecord.Type

/**
 * An entry of the journal; its `_tag` says which.
 *
 * @since 0.1.0
 * @category models
 */
export const Entry = Schema.Union(
  StartRecord,
  AccountRecord,
  RequestRecord,
  SwitchChange,
  PlacedRecord,
  CancelRecord,
  FillRecord,
  FaultRecord,
  MaintenanceChange,
  MarkRecord,
  WindowRecord
).annotations({ identifier: "JournalEntry" })

/**
 * @since 0.1.0
 * @category models
 */
export type Entry = typeof Entry.Type
