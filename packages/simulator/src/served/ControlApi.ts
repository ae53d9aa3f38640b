/**
 * The control API of the served exchange. `Server` serves it under `/_sim`, with its OpenAPI document at
 * `/_sim/openapi.json` and a page to try it at `/_sim/docs`. A program in TypeScript gets a client from
 * `HttpApiClient.make(ControlApi.Api)`, a program in another language from the OpenAPI document.
 *
 * Instants are ms since the epoch on the exchange's clock, durations are ms of the same clock.
 *
 * @since 0.1.0
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import * as Numbers from "../exchange/numbers.js"
import {
  ClockHeld,
  InvalidFault,
  NoSuchAccount,
  NoSuchFault,
  NoSuchHold,
  NoSuchOrder,
  Refused,
  TooManyFaults,
  Unauthorized
} from "./errors.js"
import {
  Account,
  ActiveFault,
  Body,
  Clock,
  ClockMode,
  Decimal,
  Expectation,
  Instant,
  JournalPage,
  Length,
  Mark,
  Name,
  NewAccount,
  NewOrder,
  Order,
  State,
  Verdict
} from "./models.js"
import { version } from "./version.js"

export * from "./errors.js"
export * from "./models.js"

/**
 * Protects the control API. With a token, requires the token. Without one, the exchange listens on loopback only, and
 * the guard refuses requests that another site's page sends through a browser on this machine.
 *
 * @since 0.1.0
 * @category middleware
 */
export class Guard extends HttpApiMiddleware.Tag<Guard>()("@effect-deadman/simulator/Guard", {
  failure: Unauthorized,
  security: {
    bearer: HttpApiSecurity.bearer,
    query: HttpApiSecurity.apiKey({ in: "query", key: "token" })
  }
}) {}

/**
 * Refuses unknown query parameters, because a misspelt `?acount=1` would mean all accounts.
 *
 * @since 0.1.0
 * @category middleware
 */
export class KnownQuery extends HttpApiMiddleware.Tag<KnownQuery>()("@effect-deadman/simulator/KnownQuery", {
  failure: HttpApiError.HttpApiDecodeError
}) {}

const uid = HttpApiSchema.param("uid", Schema.String)
const orderId = HttpApiSchema.param("orderId", Schema.String)
const events = HttpApiSchema.Text({ contentType: "text/event-stream" })
const orders = Schema.Struct({ orders: Schema.Array(Order) })

const described = (summary: string, description?: string) =>
  OpenApi.annotations(description === undefined ? { summary } : { summary, description })

// ---------------------------------------------------------------------------------------------------------------------
// Endpoints
// ---------------------------------------------------------------------------------------------------------------------

const State_ = HttpApiGroup.make("state")
  .add(
    HttpApiEndpoint.get("read", "/state")
      .addSuccess(State)
      .annotateContext(described("The state of the whole exchange."))
  )
  .add(
    HttpApiEndpoint.get("live", "/live")
      .addSuccess(events)
      .annotateContext(
        described(
          "Events for the page, whenever its content changes.",
          "Server-sent events, at most ten per second: `state` (the same as `/state`) at first and after a reset, then " +
            "`changes` (the same, with changed accounts only, and all UIDs in `uids`), and `entries` (an array of journal " +
            "entries, with a request again after each of its steps). `skipped` counts entries that did not fit."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("reset", "/reset")
      .addSuccess(State)
      .annotateContext(
        described(
          "Restores the accounts, orders, faults and journal of the server's start.",
          "The clock continues. Requests in flight are lost."
        )
      )
  )
  .middleware(KnownQuery)
  .middleware(Guard)

const Accounts = HttpApiGroup.make("accounts")
  .add(
    HttpApiEndpoint.get("list", "/accounts")
      .addSuccess(Schema.Struct({ accounts: Schema.Array(Account) }))
      .annotateContext(described("All accounts."))
  )
  .add(
    HttpApiEndpoint.put("declare", "/accounts")
      .setPayload(NewAccount)
      .addSuccess(Account)
      .addError(Refused)
      .annotateContext(described("Declares an account, or changes the keys and rights of one."))
  )
  .add(
    HttpApiEndpoint.get("read")`/accounts/${uid}`
      .addSuccess(Account)
      .addError(NoSuchAccount)
      .annotateContext(described("One account and its switch."))
  )
  .add(
    HttpApiEndpoint.get("orders")`/accounts/${uid}/orders`
      .setUrlParams(Schema.Struct({ state: Schema.optional(Schema.Literal("open", "closed", "all")) }))
      .addSuccess(orders)
      .addError(NoSuchAccount)
      .annotateContext(described("The orders of one account, oldest first. Default: open orders only."))
  )
  .add(
    HttpApiEndpoint.post("placeOrder")`/accounts/${uid}/orders`
      .setPayload(NewOrder)
      .addSuccess(Order)
      .addError(NoSuchAccount)
      .addError(Refused)
      .annotateContext(described("Places an order directly, without network, signature and rate limit."))
  )
  .add(
    HttpApiEndpoint.del("cancelOrders")`/accounts/${uid}/orders`
      .addSuccess(orders)
      .addError(NoSuchAccount)
      .annotateContext(described("Cancels all open orders of one account."))
  )
  .add(
    HttpApiEndpoint.del("cancelOrder")`/accounts/${uid}/orders/${orderId}`
      .addSuccess(Order)
      .addError(NoSuchAccount)
      .addError(NoSuchOrder)
      .annotateContext(described("Cancels one open order."))
  )
  .add(
    HttpApiEndpoint.post("fillOrder")`/accounts/${uid}/orders/${orderId}/fill`
      .setPayload(Body({ qty: Schema.optional(Decimal), price: Schema.optional(Decimal) }))
      .addSuccess(Order)
      .addError(NoSuchAccount)
      .addError(NoSuchOrder)
      .addError(Refused)
      .annotateContext(described("Fills an open order, completely or by `qty`."))
  )
  .add(
    HttpApiEndpoint.post("beat")`/accounts/${uid}/beat`
      .setPayload(
        Body({
          countdown: Schema.optional(Schema.String.annotations({ description: "default `10`" })),
          timeout: Schema.optional(Length.annotations({ description: "default 2000" }))
        })
      )
      .addSuccess(Schema.Struct({ request: Schema.Number }))
      .addError(NoSuchAccount)
      .addError(Refused)
      .annotateContext(
        described(
          "Sends one countdown request as a bot of this account would: signed, and subject to all faults.",
          "Answers at once with the number of the request in the journal. The bot gives up after `timeout` on the " +
            "exchange's clock."
        )
      )
  )
  .middleware(KnownQuery)
  .middleware(Guard)

const Faults = HttpApiGroup.make("faults")
  .add(
    HttpApiEndpoint.get("list", "/faults")
      .addSuccess(Schema.Struct({ faults: Schema.Array(ActiveFault) }))
      .annotateContext(described("The faults in force."))
  )
  .add(
    HttpApiEndpoint.post("add", "/faults")
      .setPayload(
        Body({
          fault: Schema.String.annotations({
            description: "for example `drop-answer;times=3` or `delay-request;by=200ms;account=1000001`"
          })
        })
      )
      .addSuccess(ActiveFault)
      .addError(InvalidFault)
      .addError(TooManyFaults)
      .annotateContext(described("Adds a fault of the network."))
  )
  .add(
    HttpApiEndpoint.del(
      "remove"
    )`/faults/${HttpApiSchema.param("id", Schema.compose(Schema.NumberFromString, Numbers.count))}`
      .addSuccess(ActiveFault)
      .addError(NoSuchFault)
      .annotateContext(described("Removes a fault."))
  )
  .add(
    HttpApiEndpoint.del("heal", "/faults")
      .addSuccess(Schema.Struct({ removed: Schema.Number }))
      .annotateContext(described("Removes all faults."))
  )
  .add(
    HttpApiEndpoint.post("maintenance", "/maintenance")
      .setPayload(Body({ after: Schema.optional(Length.annotations({ description: "default 0" })), for: Length }))
      .addSuccess(Schema.Struct({ from: Instant, to: Instant }))
      .annotateContext(
        described("Schedules a maintenance window, in which the exchange answers requests with a maintenance code.")
      )
  )
  .middleware(KnownQuery)
  .middleware(Guard)

const Clock_ = HttpApiGroup.make("clock")
  .add(HttpApiEndpoint.get("read", "/clock").addSuccess(Clock).annotateContext(described("The exchange's clock.")))
  .add(
    HttpApiEndpoint.put("set", "/clock")
      .setPayload(
        Body({
          mode: ClockMode,
          speed: Schema.optional(Numbers.speed.annotations({ description: "for `scaled`; default 10" }))
        })
      )
      .addSuccess(Clock)
      .annotateContext(described("Changes how time passes from now on. The clock never goes back."))
  )
  .add(
    HttpApiEndpoint.post("advance", "/clock/advance")
      .setPayload(Body({ ms: Length }))
      .addSuccess(Clock)
      .addError(ClockHeld)
      .annotateContext(
        described(
          "Advances the clock, and answers when everything due by then has happened.",
          "Wakes each sleeper at its instant, and waits there until it sleeps again or releases its hold. A running " +
            "clock jumps and continues from there."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("sleep", "/clock/sleep")
      .setPayload(
        Body({
          as: Schema.optional(
            Name.annotations({
              description: "a hold that is released while asleep and taken again on waking"
            })
          ),
          ms: Length
        })
      )
      .addSuccess(Schema.Struct({ now: Instant }))
      .annotateContext(described("Answers after this duration. A bot in virtual time sleeps with it."))
  )
  .add(
    HttpApiEndpoint.post("hold", "/clock/holds")
      .setPayload(Body({ name: Name }))
      .addSuccess(Clock)
      .annotateContext(
        described(
          "Holds the clock. In mode `auto` it does not jump while there is a hold.",
          "A second hold of the same name changes nothing."
        )
      )
  )
  .add(
    HttpApiEndpoint.del("release")`/clock/holds/${HttpApiSchema.param("name", Schema.String)}`
      .addSuccess(Clock)
      .addError(NoSuchHold)
      .annotateContext(described("Releases a hold."))
  )
  .middleware(KnownQuery)
  .middleware(Guard)

const Verify = HttpApiGroup.make("verify")
  .add(
    HttpApiEndpoint.post("judge", "/verify")
      .setPayload(Body({ expectations: Schema.NonEmptyArray(Expectation) }))
      .addSuccess(Schema.Struct({ holds: Schema.Boolean, verdicts: Schema.Array(Verdict) }))
      .annotateContext(
        described(
          "Verifies the run so far.",
          "Answers 200 also when an expectation fails. The outer `holds` is true when every expectation holds."
        )
      )
  )
  .middleware(KnownQuery)
  .middleware(Guard)

const Journal = HttpApiGroup.make("journal")
  .add(
    HttpApiEndpoint.get("page", "/journal")
      .setUrlParams(
        Schema.Struct({
          after: Schema.optional(Schema.compose(Schema.NumberFromString, Numbers.count)),
          limit: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 10_000)))
        })
      )
      .addSuccess(JournalPage)
      .annotateContext(described("Entries of the journal, from the oldest one, or after the given one."))
  )
  .add(
    HttpApiEndpoint.get("file", "/journal.ndjson")
      .addSuccess(HttpApiSchema.Text({ contentType: "application/x-ndjson" }))
      .annotateContext(described("The whole journal as a file, one JSON object per line."))
  )
  .add(
    HttpApiEndpoint.get("events", "/journal/events")
      .addSuccess(events)
      .annotateContext(
        described(
          "Every entry from now on, as server-sent events named `entry`.",
          "A request is sent again after each of its steps. A slow reader gets an event `gap` with the number of " +
            "events that it missed."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("mark", "/journal/marks")
      .setPayload(Body({ name: Name, account: Schema.optional(Name) }))
      .addSuccess(Mark)
      .annotateContext(described("Adds a mark to the journal, for example `crash`."))
  )
  .add(
    HttpApiEndpoint.del("clear", "/journal")
      .addSuccess(Schema.Struct({ cleared: Schema.Number }))
      .annotateContext(described("Empties the journal. Then no run can be verified until the next reset."))
  )
  .add(
    HttpApiEndpoint.get("timeline", "/timeline")
      .setUrlParams(Schema.Struct({ account: Schema.optional(Schema.String) }))
      .addSuccess(HttpApiSchema.Text({ contentType: "text/html" }))
      .annotateContext(described("The run so far as a page without external resources."))
  )
  .add(
    HttpApiEndpoint.get("timelineText", "/timeline.txt")
      .setUrlParams(Schema.Struct({ account: Schema.optional(Schema.String) }))
      .addSuccess(HttpApiSchema.Text())
      .annotateContext(described("The run so far as text."))
  )
  .middleware(KnownQuery)
  .middleware(Guard)

/**
 * The control API.
 *
 * @since 0.1.0
 * @category api
 */
export const Api = HttpApi.make("effect-deadman-simulator")
  .add(State_)
  .add(Accounts)
  .add(Faults)
  .add(Clock_)
  .add(Journal)
  .add(Verify)
  .prefix("/_sim")
  .annotateContext(
    OpenApi.annotations({
      title: "effect-deadman simulator: control",
      version,
      description:
        "Controls the simulated exchange: accounts, orders, faults, clock and journal. Instants are ms since the epoch " +
        "on the exchange's clock, which every answer carries as `x-sim-now`."
    })
  )
