/**
 * The served exchange's control surface over HTTP, as a description: `Server` serves it under `/_sim`, with OpenAPI at
 * `/_sim/openapi.json` and a page to try it at `/_sim/docs`. A test in TypeScript makes a client of it with
 * `HttpApiClient.make(ControlApi.Api)`, one in any other language from the OpenAPI document.
 *
 * Instants are ms since the epoch on the exchange's clock, lengths are ms of the same clock.
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
 * The control API is never reachable by accident. With a token, the token is asked for. Without one the exchange listens
 * on loopback only, and what a page of another site sends from this machine's browser is refused.
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
 * Refuses a query with a parameter that the endpoint does not have: `?acount=1` would mean all accounts otherwise.
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
  .add(HttpApiEndpoint.get("read", "/state").addSuccess(State).annotateContext(described("The whole exchange, now.")))
  .add(
    HttpApiEndpoint.get("live", "/live")
      .addSuccess(events)
      .annotateContext(
        described(
          "What the page shows, whenever it changes.",
          "Server-sent events, at most ten a second: `state` (the same as `/state`) at first and after a reset, then " +
            "`changes` (the same, but `accounts` has those only that have changed, and `uids` names all), and `entries` " +
            "(an array of journal entries; a request comes again each time it has got further). `skipped` says how " +
            "many entries were left out because they came faster than they were read."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("reset", "/reset")
      .addSuccess(State)
      .annotateContext(
        described(
          "Puts accounts, orders, faults and journal back to what the server was started with.",
          "The clock goes on. Requests under way are lost."
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
      .annotateContext(described("Its orders, oldest first: open ones, unless `state` says otherwise."))
  )
  .add(
    HttpApiEndpoint.post("placeOrder")`/accounts/${uid}/orders`
      .setPayload(NewOrder)
      .addSuccess(Order)
      .addError(NoSuchAccount)
      .addError(Refused)
      .annotateContext(described("Puts an order into the book, past network, signature and rate limit."))
  )
  .add(
    HttpApiEndpoint.del("cancelOrders")`/accounts/${uid}/orders`
      .addSuccess(orders)
      .addError(NoSuchAccount)
      .annotateContext(described("Cancels all its open orders."))
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
      .annotateContext(described("Fills an open order, all of it or `qty`."))
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
          "Sends one countdown request as a bot of this account would: signed, and through all faults.",
          "Answers at once with the request's number in the journal, where its way can be followed. The bot gives up " +
            "after `timeout` on the exchange's clock."
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
      .annotateContext(described("Adds a fault of the network, in the one grammar for faults."))
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
        described("Schedules a release window of the venue, in which it answers requests with an error of that kind.")
      )
  )
  .middleware(KnownQuery)
  .middleware(Guard)

const Clock_ = HttpApiGroup.make("clock")
  .add(HttpApiEndpoint.get("read", "/clock").addSuccess(Clock).annotateContext(described("What the clock shows.")))
  .add(
    HttpApiEndpoint.put("set", "/clock")
      .setPayload(
        Body({
          mode: ClockMode,
          speed: Schema.optional(Numbers.speed.annotations({ description: "for `scaled`; default 10" }))
        })
      )
      .addSuccess(Clock)
      .annotateContext(described("Changes how time passes, from now on. Time itself never goes back."))
  )
  .add(
    HttpApiEndpoint.post("advance", "/clock/advance")
      .setPayload(Body({ ms: Length }))
      .addSuccess(Clock)
      .addError(ClockHeld)
      .annotateContext(
        described(
          "Moves the clock, and answers when everything that was due by then has happened.",
          "Whoever sleeps on the clock is woken at its own instant, and the clock waits there until it sleeps again or " +
            "gives up its hold. A clock that runs jumps, and runs on from there."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("sleep", "/clock/sleep")
      .setPayload(
        Body({
          as: Schema.optional(
            Schema.NonEmptyString.annotations({ description: "gives up this hold while asleep, and has it on waking" })
          ),
          ms: Length
        })
      )
      .addSuccess(Schema.Struct({ now: Instant }))
      .annotateContext(described("Answers when so much time has passed: the `sleep` of a bot in virtual time."))
  )
  .add(
    HttpApiEndpoint.post("hold", "/clock/holds")
      .setPayload(Body({ name: Schema.NonEmptyString }))
      .addSuccess(Clock)
      .annotateContext(
        described(
          "Holds the clock: in `auto` it does not jump until every hold is given up.",
          "Holding twice under one name is holding once."
        )
      )
  )
  .add(
    HttpApiEndpoint.del("release")`/clock/holds/${HttpApiSchema.param("name", Schema.String)}`
      .addSuccess(Clock)
      .addError(NoSuchHold)
      .annotateContext(described("Gives up a hold."))
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
          "Judges the run until now.",
          "Answers 200 whether it holds or not; `holds` at the top is true when every expectation does."
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
      .annotateContext(described("Entries of the journal, from the oldest that it has or from after the given one."))
  )
  .add(
    HttpApiEndpoint.get("file", "/journal.ndjson")
      .addSuccess(HttpApiSchema.Text({ contentType: "application/x-ndjson" }))
      .annotateContext(described("The whole journal as a file, one JSON object a line."))
  )
  .add(
    HttpApiEndpoint.get("events", "/journal/events")
      .addSuccess(events)
      .annotateContext(
        described(
          "Every entry from now on, as server-sent events named `entry`.",
          "A request comes again each time it has got further. A reader that is too slow gets an event `gap` with how " +
            "many it missed."
        )
      )
  )
  .add(
    HttpApiEndpoint.post("mark", "/journal/marks")
      .setPayload(Body({ name: Schema.NonEmptyString, account: Schema.optional(Schema.String) }))
      .addSuccess(Mark)
      .annotateContext(described("Notes something in the journal, for example `crash`."))
  )
  .add(
    HttpApiEndpoint.del("clear", "/journal")
      .addSuccess(Schema.Struct({ cleared: Schema.Number }))
      .annotateContext(described("Empties the journal. Until the next reset no run can be judged from it."))
  )
  .add(
    HttpApiEndpoint.get("timeline", "/timeline")
      .setUrlParams(Schema.Struct({ account: Schema.optional(Schema.String) }))
      .addSuccess(HttpApiSchema.Text({ contentType: "text/html" }))
      .annotateContext(described("The run until now as a page of its own, with nothing outside it."))
  )
  .add(
    HttpApiEndpoint.get("timelineText", "/timeline.txt")
      .setUrlParams(Schema.Struct({ account: Schema.optional(Schema.String) }))
      .addSuccess(HttpApiSchema.Text())
      .annotateContext(described("The run until now as text."))
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
