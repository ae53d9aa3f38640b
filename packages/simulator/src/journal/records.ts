/**
 * The entries of a journal.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as Exchange from "../exchange/model.js"
import * as Venue from "../exchange/Venue.js"
import * as Numbers from "../exchange/numbers.js"

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

const { instant } = Numbers
const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(schema)

const account: Schema.Schema<DeclaredAccount> = Schema.Struct({
  uid: Schema.String,
  mode: maybe(Schema.Literal("unified", "classic")),
  accountMode: maybe(Schema.Literal("unified", "hybrid", "upgrading", "switching")),
  countdownAccess: maybe(Schema.Boolean)
})

const newOrder: Schema.Schema<Exchange.NewOrder> = Schema.Struct({
  category: Schema.Literal("SPOT", "MARGIN", "USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES"),
  symbol: Schema.String,
  side: Schema.Literal("buy", "sell"),
  orderType: Schema.Literal("limit", "market"),
  qty: Schema.String,
  price: maybe(Schema.String),
  timeInForce: maybe(Schema.Literal("gtc", "post_only", "ioc", "fok")),
  clientOid: maybe(Schema.String),
  posSide: maybe(Schema.Literal("long", "short")),
  reduceOnly: maybe(Schema.Literal("yes", "no"))
})

const window = Schema.Struct({ from: instant, to: instant })

/** The schema of an entry. */
export const schema: Schema.Schema<Entry> = Schema.Union(
  Schema.TaggedStruct("Start", {
    at: instant,
    seed: Numbers.integer,
    venue: Venue.schema,
    accounts: Schema.Array(account)
  }),
  Schema.TaggedStruct("Account", { at: instant, account }),
  Schema.TaggedStruct("Request", {
    id: Numbers.count,
    copyOf: maybe(Numbers.count),
    account: maybe(Schema.String),
    endpoint: Schema.String,
    method: Schema.String,
    body: Schema.String,
    sentAt: instant,
    arrivedAt: maybe(instant),
    appliedAt: maybe(instant),
    answeredAt: maybe(instant),
    receivedAt: maybe(instant),
    abortedAt: maybe(instant),
    status: maybe(Numbers.count),
    code: maybe(Schema.String),
    faults: Schema.Array(Schema.String)
  }),
  Schema.TaggedStruct("Switch", {
    account: Schema.String,
    at: instant,
    transition: Schema.Literal("armed", "refreshed", "closed", "fired"),
    deadline: maybe(instant),
    seconds: maybe(Numbers.seconds),
    from: maybe(instant),
    by: maybe(Numbers.count)
  }),
  Schema.TaggedStruct("Placed", {
    account: Schema.String,
    at: instant,
    orderId: Schema.String,
    order: newOrder,
    by: maybe(Numbers.count)
  }),
  Schema.TaggedStruct("Cancelled", {
    account: Schema.String,
    at: instant,
    orderId: Schema.String,
    cause: Schema.Literal("countdown", "request", "time_in_force"),
    by: maybe(Numbers.count)
  }),
  Schema.TaggedStruct("Filled", {
    account: Schema.String,
    at: instant,
    orderId: Schema.String,
    qty: Schema.String,
    price: Schema.String,
    cause: Schema.Literal("market", "control")
  }),
  Schema.TaggedStruct("Fault", {
    at: instant,
    change: Schema.Literal("added", "removed", "over"),
    fault: Schema.String
  }),
  Schema.TaggedStruct("Maintenance", {
    at: instant,
    phase: Schema.Literal("scheduled", "begun", "ended"),
    window
  }),
  Schema.TaggedStruct("Mark", { at: instant, name: Schema.String, account: maybe(Schema.String) }),
  Schema.TaggedStruct("Window", {
    account: Schema.String,
    at: instant,
    state: Schema.String,
    earliestFire: maybe(Numbers.edge),
    latestFire: maybe(Numbers.edge)
  })
)
