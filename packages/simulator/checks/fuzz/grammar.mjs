// What the fuzz sends, as plain values: fast-check draws and shrinks them, and a failure prints them. They name accounts
// and orders by their place, and `act.mjs` puts in what the exchange has at that moment. So most requests are almost
// valid: signed and complete, with one thing odd.
import * as fc from "fast-check"

/** Values in the wrong place. A text with @@ stands for one that is too long to print, see `write`. */
const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1.5,
    5,
    1e12,
    1e12 + 1,
    2 ** 53,
    -62135596800001,
    "",
    " ",
    "0",
    "05",
    "-1",
    "5.0",
    "61",
    "1e400",
    "NaN",
    "null",
    "\u0000",
    "\ud800",
    "🙂",
    "\u202e",
    "__proto__",
    "constructor",
    "toString",
    "off",
    [],
    {},
    [[]],
    [null],
    { length: 3 },
    { toString: 1 },
    "1 second",
    "0.5 seconds",
    "Infinity",
    "2026-01-01",
    "@@number:1e400",
    "@@number:-0",
    "@@number:123456789012345678901234567890",
    "@@deep:30000",
    "@@deep:400",
    "@@long:300",
    "@@long:70000",
    "@@many:3000",
    "@@keys:300",
    '@@raw:{"__proto__":{"countdown":"10"}}',
    "@@raw:01"
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.integer().map(String),
  fc.double(),
  fc.jsonValue({ maxDepth: 2 })
)

/** JSON of a value, with the long texts written out. */
export const write = (value) =>
  (JSON.stringify(value) ?? "null").replace(
    /"@@(number|deep|long|many|keys|raw):((?:[^"\\]|\\.)*)"/g,
    (_, kind, of) => {
      const size = Number(of)
      if (kind === "deep") return "[".repeat(size) + "]".repeat(size)
      if (kind === "long") return `"${"x".repeat(size)}"`
      if (kind === "many") return `[${"{},".repeat(size - 1)}{}]`
      if (kind === "keys") return `{${Array.from({ length: size }, (_, i) => `"k${i}":${i}`).join(",")}}`
      return JSON.parse(`"${of}"`)
    }
  )

/** Absent `weight` times as often as present. */
const maybe = (arbitrary, weight = 3) =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
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

const target = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "/api/v2/public/time",
      "/api/v3/trade/place-order",
      "/_sim/state",
      "/_sim/faults",
      "/health",
      "/api/v9/nothing",
      "/"
    )
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "http://127.0.0.1/api/v2/public/time",
      "https://api.bitget.com/_sim/state",
      "http://[::1",
      "//",
      "//evil/_sim",
      "*",
      "/%",
      "/%E0%A4%A",
      "/_sim/accounts/%E0%A4%A",
      "/_sim/%00",
      "/_sim/journal?limit=%ZZ",
      "/_sim/journal?after=-1",
      "/_sim/journal?after=1&after=2",
      "/_sim?__proto__=1",
      "/_simulator",
      "/_sim/../api",
      "/_sim//state",
      "/?token",
      "/#",
      "/api/v2/public/time?a=%FF",
      "/v3/ws/private",
      "x",
      "/\u0080",
      `/api/${"a".repeat(9_000)}`,
      "/_sim/faults/1e3"
    )
  }
)
const headers = fc.array(
  fc.constantFrom(
    "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",
    "Expect: 100-continue",
    "Expect: 42",
    "Connection: close",
    "Connection: keep-alive",
    "Content-Type: text/plain",
    "__proto__: x",
    "X: \u00ff",
    "X:",
    "X : y",
    " folded: x",
    "\u0000: x",
    `X: ${"y".repeat(20_000)}`,
    "Origin: http://evil.localhost",
    "Transfer-Encoding: gzip",
    "Content-Length: 5",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Host: a",
    "ACCESS-KEY: a\r\nACCESS-KEY: b",
    "X-Simulator-Fault: hang",
    "X-Simulator-Fault: refuse-connection",
    "X-Simulator-Fault: delay-answer;by=20ms"
  ),
  { maxLength: 2 }
)
const raw = fc.record({
  t: fc.constant("raw"),
  requests: fc.array(
    fc.record({
      method: fc.oneof(
        fc.constantFrom("GET", "POST"),
        fc.constantFrom("HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "CONNECT", "get", "PURGE", "FOO", "")
      ),
      target,
      version: fc.oneof(
        { weight: 6, arbitrary: fc.constant("HTTP/1.1") },
        fc.constantFrom("HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "", "HTTP/1.1 x")
      ),
      headers,
      body: fc.constantFrom("none", "none", "exact", "short", "long", "chunked", "badChunk", "hugeChunk", "utf8")
    }),
    { minLength: 1, maxLength: 4 }
  ),
  cuts: fc.array(fc.nat(400), { maxLength: 3 }),
  /** What ends the connection after the last byte. */
  end: fc.constantFrom("read", "read", "half", "destroy", "leave")
})

const step = fc.oneof(
  fc.record({
    s: fc.constant("login"),
    account,
    flaw: fc.constantFrom("", "", "", "sign", "stamp", "odd", "proto"),
    odd
  }),
  fc.record({
    s: fc.constant("subscribe"),
    op: fc.constantFrom("subscribe", "unsubscribe"),
    topic: fc.constantFrom("order", "fill", "__proto__"),
    times: fc.constantFrom(1, 2, 1_200),
    odd: maybe(odd)
  }),
  fc.record({ s: fc.constant("text"), odd }),
  fc.record({ s: fc.constant("op"), odd }),
  fc.record({ s: fc.constant("ping"), times: fc.constantFrom(1, 3, 12) }),
  fc.record({ s: fc.constant("fragments"), parts: fc.nat(20), between: fc.boolean() }),
  fc.record({
    s: fc.constant("frame"),
    first: fc.nat(255),
    bytes: fc.uint8Array({ maxLength: 140 }).map((bytes) => [...bytes]),
    masked: fc.oneof(fc.constant(true), fc.boolean())
  }),
  fc.record({ s: fc.constant("close"), code: fc.constantFrom(1000, 1001, 1005, 1006, 4999, 0), cut: fc.boolean() })
)
const ws = fc.record({
  t: fc.constant("ws"),
  path: fc.oneof(
    { weight: 6, arbitrary: fc.constant("/v3/ws/private") },
    fc.constantFrom(
      "/v3/ws/public",
      "/v3/ws/private?x=%FF",
      "/_sim/state",
      "/_sim/live",
      "/api/v2/public/time",
      "/",
      "/health"
    )
  ),
  shake: fc.oneof(
    { weight: 8, arbitrary: fc.constant("") },
    fc.constantFrom("evil", "origin", "noKey", "badKey", "version", "post", "deflate")
  ),
  steps: fc.array(step, { maxLength: 6 }),
  end: fc.constantFrom("close", "destroy", "half", "leave")
})

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
