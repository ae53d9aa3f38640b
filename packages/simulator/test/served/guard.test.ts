import * as ControlApi from "@effect-deadman/simulator/ControlApi"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Guard from "../../src/served/guard.js"

/** Whether the guard lets a request pass, or its reason. Both ways to give a token must agree. */
const ask = (headers: Record<string, string>, token?: string, given = ""): true | string => {
  const by = (way: "bearer" | "query") => {
    const judged = Effect.flatMap(ControlApi.Guard, (guard) => guard[way](Redacted.make(given))).pipe(
      Effect.as(true as const),
      Effect.catchAll((refusal) => Effect.succeed(refusal.message)),
      Effect.provide(Guard.layer(token)),
      Effect.provideService(HttpServerRequest.HttpServerRequest, {
        headers
      } as unknown as HttpServerRequest.HttpServerRequest)
    )
    // Of a request it reads only the headers.
    return Effect.runSync(judged as Effect.Effect<true | string>)
  }
  const passes = by("bearer")
  assert.strictEqual(by("query"), passes)
  return passes
}

describe("the guard of the control API, without a token", () => {
  it("lets programs of the same machine pass", () => {
    for (const host of [
      "localhost",
      "localhost:8790",
      "LocalHost:8790",
      "127.0.0.1:8790",
      "127.255.255.254",
      "[::1]",
      "[::1]:8790"
    ]) {
      assert.isTrue(ask({ host }), host)
    }
  })

  it("refuses every other host, because a page may have its own name resolve to this machine", () => {
    for (const host of [
      "",
      "evil.example",
      "evil.example:8790",
      "localhost.evil.example:8790",
      "evil.localhost:8790",
      "evillocalhost",
      "127.0.0.1.evil.example",
      "evil.127.0.0.1",
      "127.0.0.evil",
      "127.0.0.1.1",
      "128.0.0.1",
      "[::1].evil.example",
      "evil.[::1]",
      "[::2]",
      "localhost:8790x",
      "localhost:",
      "x[::1]:8790",
      "localhost[]",
      "[]localhost"
    ]) {
      assert.isString(ask({ host }), host)
    }
    assert.include(ask({}), 'host ""')
  })

  it("lets the exchange's own page pass, and refuses the page of any other site", () => {
    for (const [host, origin] of [
      ["localhost:8790", "http://localhost:8790"],
      ["localhost:8790", "https://localhost:8790"],
      ["LocalHost:8790", "http://LOCALHOST:8790"],
      ["[::1]:8790", "http://[::1]:8790"]
    ] as const) {
      assert.isTrue(ask({ host, origin }), origin)
    }
    for (const origin of [
      "",
      "null",
      "http://evil.localhost:8790",
      "http://evillocalhost:8790",
      "http://localhost:8790.evil.example",
      "http://localhost:8791",
      "http://localhost",
      "http://127.0.0.1:8790",
      "http://evil.example/http://localhost:8790",
      "ftp://localhost:8790",
      "httpx://localhost:8790",
      "localhost:http://8790"
    ]) {
      assert.isString(ask({ host: "localhost:8790", origin }), origin)
    }
    assert.isFalse(Guard.isOwnPage({ origin: "http://localhost:8790" }), "a request without a host")
  })

  it("names host and origin, and the way out", () => {
    assert.match(
      String(ask({ host: "evil.example", origin: "http://evil.example" })),
      /same machine.*host "evil\.example", origin "http:\/\/evil\.example"\).*with a token/
    )
    assert.include(String(ask({ host: "evil.example" })), 'origin "none"')
  })
})

describe("the guard of the control API, with a token", () => {
  const token = "a-test-token"

  it("lets the token pass from any host and any page", () => {
    assert.isTrue(ask({ host: "evil.example", origin: "http://other.example" }, token, token))
  })

  it("refuses every other text, and the same machine without it", () => {
    for (const given of ["", "a", "a-test-toke", "a-test-tokeN", "a-test-token ", "ä-test-token"]) {
      const refusal = ask({ host: "localhost:8790" }, token, given)
      assert.match(String(refusal), /requires the token.*Authorization: Bearer <token>.*\?token=<token>/, given)
      assert.notInclude(String(refusal), token)
    }
  })
})

it("a loopback address is one of this machine, spelled as a listener takes it", () => {
  for (const host of ["localhost", "::1", "127.0.0.1", "127.1.22.255"]) assert.isTrue(Guard.isLoopback(host), host)
  for (const host of [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "127.0.0",
    "127.0.0.1.1",
    "x127.0.0.1",
    "127.0.0.1x",
    "127.0.0.1234"
  ]) {
    assert.isFalse(Guard.isLoopback(host), host)
  }
})
