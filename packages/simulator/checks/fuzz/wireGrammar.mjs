// The grammar of raw HTTP, broken and whole, and of the WebSocket.
import * as fc from "fast-check"
import { maybe, odd } from "./values.mjs"

const account = fc.nat(7)
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
export const raw = fc.record({
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
export const ws = fc.record({
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
