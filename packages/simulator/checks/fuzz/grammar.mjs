// What the fuzz sends, as plain values: fast-check draws and shrinks them, and a failure prints them. They name accounts
// and orders by their place, and `act.mjs` puts in what the exchange has at that moment. So most requests are almost
// valid: signed and complete, with one thing odd.
import * as fc from "fast-check"
import { maybe, odd } from "./values.mjs"
import { raw, ws } from "./wireGrammar.mjs"

const account = fc.nat(7)
const order = fc.nat(5)
const text = fc.string({ maxLength: 8 })

const kinds =
  "delay-request delay-answer drop-request drop-answer duplicate reorder partition partition-request partition-answer refuse-connection reset status empty-body truncated-body garbage-body rate-limit maintenance error-after-apply hang code".split(
    " "
  )
const settings = fc.constantFrom(
  "by=5ms",
  "by=exp(3ms)",
  "by=lognormal(2ms,0.5,20ms)",
  "by=uniform(0ms,9ms)",
  "by=uniform(9ms,1ms)",
  "by=1h",
  "copies=10",
  "hold=20ms",
  "direction=request",
  "direction=answer",
  "status=503",
  "page=ring-balancer",
  "keep=0",
  "keep=7",
  "code=40010",
  "code=45001",
  "times=1",
  "times=2",
  "after=1",
  "probability=0.5",
  "countdown=on",
  "from=0ms",
  "for=50ms",
  "to=1ms",
  "endpoint=private",
  "endpoint=place-order",
  "account=1000001",
  "account=__proto__",
  "by=1e9h",
  "probability=2",
  "copies=11",
  "times=0",
  "=",
  "by",
  ";",
  "toString=1",
  "__proto__=1",
  "keep=1e3"
)
const fault = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...kinds), fc.array(settings, { maxLength: 3 })) },
  { weight: 1, arbitrary: fc.tuple(text, fc.array(fc.oneof(settings, text), { maxLength: 3 })) }
)
const faultText = fault.map(([kind, settings]) => [kind, ...settings].join(";"))

const api = fc.record({
  t: fc.constant("api"),
  account,
  endpoint: fc.nat(9),
  order,
  /** Fields of the body or the query, in place of the good ones. */
  fields: fc.array(
    fc.tuple(fc.oneof(fc.nat(9), fc.constantFrom("__proto__", "toString", "cursor", "limit", "startTime")), odd),
    { maxLength: 1 }
  ),
  flaw: fc.oneof(
    { weight: 6, arbitrary: fc.constant("") },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        ..."badSign oddSign emptySign noSign noKey unknownKey protoKey oldStamp textStamp hugeStamp noStamp badPass noPass".split(
          " "
        ),
        ..."contentType charset paptrading method slash case query percent noJson cut array null deep huge utf8 empty".split(
          " "
        )
      )
    }
  ),
  fault: maybe(faultText, 7),
  waits: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) })
})

const length = fc.constantFrom(0, 1, 10, 999, 1_000, 5_000, 10_000, "10 seconds", "5 minutes", 1e9, 1e12)
const decimal = fc.constantFrom(
  "0.01",
  "1",
  "0.005",
  "99999999999999999999.99999999999999999999",
  "0.00000000000000000001"
)
const newOrder = {
  category: maybe(fc.constantFrom("SPOT", "MARGIN", "USDT-FUTURES", "COIN-FUTURES")),
  side: maybe(fc.constantFrom("buy", "sell")),
  orderType: maybe(fc.constantFrom("limit", "market")),
  qty: maybe(decimal),
  price: maybe(decimal),
  timeInForce: maybe(fc.constantFrom("gtc", "post_only", "ioc", "fok")),
  clientOid: maybe(fc.constantFrom("a", "b", "c")),
  reduceOnly: maybe(fc.constantFrom("yes", "no"))
}
const key = fc.record(
  {
    key: fc.constantFrom("key-1", "key-2", "key-1000001", "__proto__"),
    secret: fc.constant("@secret"),
    passphrase: fc.constant("@passphrase"),
    rsaPublicKey: fc.constantFrom("@rsa", "@ed25519", "@x25519", "@ec", "@dsa", "no key"),
    permission: fc.constantFrom("trade", "read"),
    ipWhitelist: fc.constantFrom([], ["127.0.0.1"], ["10.0.0.1"]),
    demo: fc.boolean()
  },
  { requiredKeys: ["key", "passphrase"] }
)
const mark = fc.constantFrom("a", "b", "1 second", "constructor")
const event = fc.oneof(mark, fc.nat(10_000))
const expectation = fc.record(
  {
    expect: fc.constantFrom(
      ..."ordersCancelled ordersStillOpen armedThroughout firedOnce neverFired closedAfterFire beatsNeverFasterThan beatsNeverSlowerThan beats".split(
        " "
      )
    ),
    within: length,
    after: event,
    at: event,
    from: event,
    to: event,
    pace: length,
    atLeast: fc.nat(3),
    account: fc.constantFrom("1000001", "nobody")
  },
  { requiredKeys: ["expect"] }
)

/** Method, path and the good body of each route of the control API. Lists of one route weigh it. */
const routes = [
  ["GET", "/_sim/state"],
  ["GET", "/_sim/accounts"],
  [
    "PUT",
    "/_sim/accounts",
    {
      uid: fc.constantFrom("1000001", "new-1", "new-2", "__proto__", "constructor"),
      keys: maybe(fc.array(key, { maxLength: 2 }), 1),
      mode: maybe(fc.constantFrom("unified", "classic")),
      countdownAccess: maybe(fc.boolean())
    }
  ],
  ["GET", "/_sim/accounts/{uid}"],
  ["GET", "/_sim/accounts/{uid}/orders"],
  ["GET", "/_sim/accounts/{uid}/orders?state=all"],
  ["POST", "/_sim/accounts/{uid}/orders", newOrder],
  ["POST", "/_sim/accounts/{uid}/orders", newOrder],
  ["DELETE", "/_sim/accounts/{uid}/orders"],
  ["DELETE", "/_sim/accounts/{uid}/orders/{order}"],
  ["POST", "/_sim/accounts/{uid}/orders/{order}/fill", { qty: maybe(decimal, 2), price: maybe(decimal, 2) }],
  [
    "POST",
    "/_sim/accounts/{uid}/beat",
    { countdown: maybe(fc.constantFrom("5", "10", "60", "0")), timeout: maybe(length) }
  ],
  ["GET", "/_sim/faults"],
  ["POST", "/_sim/faults", { fault: faultText }],
  ["POST", "/_sim/faults", { fault: faultText }],
  ["DELETE", "/_sim/faults/{fault}"],
  ["DELETE", "/_sim/faults"],
  ["POST", "/_sim/maintenance", { for: length, after: maybe(length) }],
  ["GET", "/_sim/clock"],
  [
    "PUT",
    "/_sim/clock",
    { mode: fc.constantFrom("real", "scaled", "manual", "auto"), speed: maybe(fc.constantFrom(1, 100, 0.001, 100_000)) }
  ],
  ["POST", "/_sim/clock/advance", { ms: length }],
  ["POST", "/_sim/clock/advance", { ms: length }],
  ["POST", "/_sim/clock/sleep", { ms: length, as: maybe(fc.constantFrom("bot", "__proto__")) }],
  ["POST", "/_sim/clock/holds", { name: fc.constantFrom("bot", "__proto__") }],
  ["DELETE", "/_sim/clock/holds/{name}"],
  ["POST", "/_sim/verify", { expectations: fc.array(expectation, { minLength: 1, maxLength: 4 }) }],
  ["GET", "/_sim/journal"],
  ["GET", "/_sim/journal?after=1&limit=10"],
  ["GET", "/_sim/journal.ndjson"],
  ["GET", "/_sim/journal/events"],
  ["POST", "/_sim/journal/marks", { name: mark, account: maybe(fc.constantFrom("1000001", "nobody")) }],
  ["DELETE", "/_sim/journal"],
  ["GET", "/_sim/timeline"],
  ["GET", "/_sim/timeline.txt?account=1000001"],
  ["GET", "/_sim/live"],
  ["POST", "/_sim/reset"],
  ["GET", "/_sim/openapi.json"],
  ["GET", "/_sim/docs"],
  ["GET", "/health"],
  ["GET", "/"]
]

const control = fc.oneof(
  ...routes.map(([method, path, body]) =>
    fc.record({
      t: fc.constant("control"),
      method: fc.constant(method),
      path: fc.constant(path),
      account,
      order,
      body: body === undefined ? fc.constant(undefined) : fc.record(body).map(Object.entries),
      fields:
        body === undefined
          ? fc.constant([])
          : fc.array(
              fc.tuple(fc.oneof(fc.constantFrom(...Object.keys(body)), fc.constantFrom("__proto__", "extra")), odd),
              { maxLength: 1 }
            ),
      flaw: fc.oneof(
        { weight: 8, arbitrary: fc.constant("") },
        {
          weight: 2,
          arbitrary: fc.constantFrom(
            ..."origin evil null host method query percent uid order noJson cut noBody array null deep huge utf8".split(
              " "
            )
          )
        }
      ),
      odd,
      waits: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) })
    })
  )
)

/** A sequence of requests, from a fresh exchange on. */
export const sequence = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: api },
    { weight: 6, arbitrary: control },
    { weight: 2, arbitrary: raw },
    { weight: 2, arbitrary: ws }
  ),
  { minLength: 1, maxLength: 40, size: "max" }
)
