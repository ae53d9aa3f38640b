/**
 * The entries of a journal as they stand in a file.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Exchange from "../exchange/Exchange.js"
import type * as Journal from "./Journal.js"
import * as Venue from "../exchange/Venue.js"
import * as Numbers from "../exchange/numbers.js"

const { instant } = Numbers
const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(schema)

const account: Schema.Schema<Journal.DeclaredAccount> = Schema.Struct({
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

const entry: Schema.Schema<Journal.Entry> = Schema.Union(
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

const decode = Schema.decodeUnknownEither(Schema.parseJson(entry))

/** One line of a file, or what is wrong with it. */
export const decodeLine = (line: string): Either.Either<Journal.Entry, string> =>
  Either.mapLeft(decode(line), (error) => ParseResult.TreeFormatter.formatErrorSync(error))
