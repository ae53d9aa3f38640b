/**
 * The schemas of the control API. `ControlApi` exports them under its own name.
 *
 * Instants are ms since the epoch on the exchange's clock, durations are ms of the same clock. A duration in a request
 * can also be a text such as `"10 seconds"`.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Model from "../exchange/model.js"
import * as Numbers from "../exchange/numbers.js"
import { Entry, MarkRecord } from "../journal/records.js"

/** Refuses unknown fields, which may be misspelt, and reports all mistakes at once. */
const strict = { onExcessProperty: "error", errors: "all" } as const

/**
 * An instant.
 *
 * @since 0.1.0
 * @category models
 */
export const Instant = Model.Instant

/**
 * A duration in an answer, in ms.
 *
 * @since 0.1.0
 * @category models
 */
export const Millis = Numbers.millis.annotations({ description: "ms on the exchange's clock" })

/**
 * A duration in a request: ms, or a text such as `"10 seconds"`.
 *
 * @since 0.1.0
 * @category models
 */
export const Length = Numbers.length.annotations({ description: 'ms on the exchange\'s clock, or "10 seconds"' })

/**
 * A body of the control API with these fields and no others.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Body = <Fields extends Schema.Struct.Fields>(fields: Fields): Schema.Struct<Fields> =>
  Schema.Struct(fields).annotations({ parseOptions: strict })

/**
 * The state of one account's switch. The real exchange has no endpoint that reads it.
 *
 * @since 0.1.0
 * @category models
 */
export const Switch = Model.Switch

/**
 * @since 0.1.0
 * @category models
 */
export const Order = Model.Order

/**
 * A positive decimal number as a string, as the exchange writes numbers.
 *
 * @since 0.1.0
 * @category models
 */
export const Decimal = Schema.String.pipe(
  Schema.pattern(Model.decimal, {
    message: () => 'a positive number as a string, such as "0.01"'
  })
)

/**
 * The name of a market. The simulator accepts every name of this form.
 *
 * @since 0.1.0
 * @category models
 */
export const SymbolName = Schema.String.pipe(
  Schema.pattern(Model.symbolName, {
    message: () => 'a symbol such as "BTCUSDT": 1 to 40 capital letters and digits'
  })
)

/**
 * The name of a mark or of a hold, at most 200 characters.
 *
 * @since 0.2.0
 * @category models
 */
export const Name = Schema.NonEmptyString.pipe(Schema.maxLength(200))

/**
 * An order to place. The default is a limit buy of 0.01 BTCUSDT at 50000 in USDT-FUTURES.
 *
 * @since 0.1.0
 * @category models
 */
export const NewOrder = Schema.Struct({
  ...Model.NewOrder.fields,
  category: Schema.optional(Model.Category),
  symbol: Schema.optional(SymbolName),
  side: Schema.optional(Model.Side),
  orderType: Schema.optional(Model.OrderType),
  qty: Schema.optional(Decimal),
  price: Schema.optional(Decimal),
  clientOid: Schema.optional(
    Schema.String.pipe(
      Schema.pattern(Model.clientOid, { message: () => "1 to 32 letters, digits, and any of . : / _ -" })
    )
  )
}).annotations({ identifier: "NewOrder", parseOptions: strict })

/**
 * A key to declare. It signs with its `secret`, or with the private half of `rsaPublicKey` (PEM).
 *
 * @since 0.1.0
 * @category models
 */
export const ApiKey = Model.ApiKey.annotations({ identifier: "ApiKey", parseOptions: strict })

/**
 * An account to declare. Without keys it gets a key with test values: `test-key-<uid>`, `test-secret-<uid>`,
 * `test-passphrase-<uid>`.
 *
 * @since 0.1.0
 * @category models
 */
export const NewAccount = Schema.Struct({
  ...Model.Account.fields,
  uid: Schema.String.pipe(
    Schema.pattern(/^[A-Za-z0-9_-]{1,40}$/, {
      message: () => "a UID is 1 to 40 letters, digits, hyphens or underscores"
    })
  ),
  keys: Schema.optional(Schema.NonEmptyArray(ApiKey))
}).annotations({ identifier: "NewAccount", parseOptions: strict })

/**
 * An account, without its secrets.
 *
 * @since 0.1.0
 * @category models
 */
export const Account = Schema.Struct({
  uid: Schema.String,
  mode: Schema.Literal("unified", "classic"),
  countdownAccess: Schema.Boolean,
  switch: Switch,
  openOrders: Schema.Number
}).annotations({ identifier: "Account" })

/**
 * A fault in force. `seen` counts the requests that it could act on, `acted` those that it acted on.
 *
 * @since 0.1.0
 * @category models
 */
export const ActiveFault = Schema.Struct({
  id: Schema.Number,
  fault: Schema.String,
  since: Instant,
  seen: Schema.Number,
  acted: Schema.Number
}).annotations({ identifier: "ActiveFault" })

/**
 * @since 0.1.0
 * @category models
 */
export const ClockMode = Schema.Literal("real", "scaled", "manual", "auto").annotations({
  identifier: "ClockMode",
  description:
    "real: runs with the host. scaled: runs `speed` times as fast. manual: stands until it is advanced. auto: jumps to " +
    "the next due instant while no request is in flight and there is no hold."
})

/**
 * @since 0.1.0
 * @category models
 */
export const Clock = Schema.Struct({
  now: Instant,
  mode: ClockMode,
  speed: Schema.Number.annotations({ description: "ms of the exchange per ms of the host; 0 while it stands" }),
  nextDue: Schema.optional(Instant),
  holds: Schema.Array(Schema.Struct({ name: Schema.String, since: Instant })),
  sleeping: Schema.Array(Schema.Struct({ name: Schema.String, until: Instant }))
}).annotations({ identifier: "Clock" })

/**
 * An entry of the journal. Its `_tag` decides which fields it has.
 *
 * @since 0.1.0
 * @category models
 */
export const JournalEntry = Schema.encodedSchema(Entry).annotations({ identifier: "JournalEntry" })

/**
 * A mark, as the journal has it.
 *
 * @since 0.1.0
 * @category models
 */
export const Mark = Schema.encodedSchema(MarkRecord).annotations({ identifier: "Mark" })

/**
 * A page of the journal, oldest first. `next` is the `after` of the following page.
 *
 * @since 0.1.0
 * @category models
 */
export const JournalPage = Schema.Struct({
  entries: Schema.Array(JournalEntry),
  next: Schema.Number,
  total: Schema.Number.annotations({ description: "all entries since the journal was last cleared" }),
  dropped: Schema.Number.annotations({ description: "how many of these the journal has dropped" })
}).annotations({ identifier: "JournalPage" })

/**
 * @since 0.1.0
 * @category models
 */
export const State = Schema.Struct({
  version: Schema.String,
  startedAt: Instant,
  clock: Clock,
  seed: Schema.Union(Schema.Number, Schema.String),
  maintenance: Schema.Boolean,
  windows: Schema.Array(Schema.Struct({ from: Instant, to: Instant })),
  faults: Schema.Array(ActiveFault),
  accounts: Schema.Array(
    Schema.Struct({ ...Account.fields, orders: Schema.Array(Order).annotations({ description: "open, oldest first" }) })
  ),
  journal: Schema.Struct({ total: Schema.Number, dropped: Schema.Number })
}).annotations({ identifier: "State" })

const event = Schema.Union(
  Schema.String.annotations({ description: 'the last mark of that name, or "12 seconds" since the start' }),
  Millis.annotations({ description: "ms since the start" })
)
const of = { account: Schema.optional(Schema.String) }
const span = { ...of, from: Schema.optional(event), to: Schema.optional(event) }

/**
 * An expectation about a run. `Expect` describes each of them. An event is the name of a mark, or the time since the
 * start.
 *
 * @since 0.1.0
 * @category models
 */
export const Expectation = Schema.Union(
  Schema.Struct({ expect: Schema.Literal("ordersCancelled"), within: Length, after: event, ...of }),
  Schema.Struct({ expect: Schema.Literal("ordersStillOpen"), at: event, ...of }),
  Schema.Struct({ expect: Schema.Literal("armedThroughout"), ...span }),
  Schema.Struct({
    expect: Schema.Literal("firedOnce"),
    after: Schema.optional(event),
    within: Schema.optional(Length),
    ...of
  }),
  Schema.Struct({ expect: Schema.Literal("neverFired"), ...span }),
  Schema.Struct({ expect: Schema.Literal("closedAfterFire"), ...of }),
  Schema.Struct({
    expect: Schema.Literal("beatsNeverFasterThan"),
    pace: Length,
    seen: Schema.optional(Schema.Literal("sent", "arrived")),
    ...span
  }),
  Schema.Struct({ expect: Schema.Literal("beatsNeverSlowerThan"), pace: Length, ...span }),
  Schema.Struct({
    expect: Schema.Literal("beats"),
    atLeast: Schema.optional(Numbers.count),
    atMost: Schema.optional(Numbers.count),
    ...span
  }).pipe(
    Schema.filter(({ atLeast, atMost }) => atLeast !== undefined || atMost !== undefined, {
      message: () => "beats needs atLeast, atMost or both: without them it holds over anything"
    })
  )
).annotations({ identifier: "Expectation", parseOptions: strict })

/**
 * The result of an expectation. `judged` is false when the run cannot be judged: it is too short, the event was never
 * marked, the account is unknown, the span ends before it starts, the journal is incomplete, or there was nothing to
 * judge. Then `holds` is false too, and `report` says why.
 *
 * @since 0.1.0
 * @category models
 */
export const Verdict = Schema.Struct({
  expect: Schema.String,
  holds: Schema.Boolean,
  judged: Schema.Boolean,
  report: Schema.optional(Schema.String)
}).annotations({ identifier: "Verdict" })
