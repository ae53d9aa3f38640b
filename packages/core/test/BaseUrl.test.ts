import * as BaseUrl from "@effect-deadman/core/BaseUrl"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"

const make = (input: string, allowInsecureHttp?: boolean) =>
  Either.match(BaseUrl.make(input, { allowInsecureHttp }), {
    onLeft: ({ reason }) => reason,
    onRight: ({ origin, prefix }) => [origin, prefix]
  })

describe("BaseUrl", () => {
  it("is the origin and the path before the exchange's own, without a slash at the end", () => {
    assert.deepStrictEqual(make(BaseUrl.venue), ["https://api.bitget.com", ""])
    assert.deepStrictEqual(make("https://proxy.example:8443/"), ["https://proxy.example:8443", ""])
    assert.deepStrictEqual(make("https://proxy.example/bitget/eu//"), ["https://proxy.example", "/bitget/eu"])
  })

  it("sends no passphrase in clear text over a network: plain http is for the own host only", () => {
    for (const host of ["localhost", "bot.localhost", "127.0.0.1", "127.255.255.255", "[::1]"]) {
      assert.deepStrictEqual(make(`http://${host}:8790`), [`http://${host}:8790`, ""], host)
    }
    for (const host of [
      "localhost.example.com",
      "evillocalhost",
      "127.0.0.1.example.com",
      "127.0.0.example.com",
      "128.0.0.1",
      "10.127.0.0.1.example.com",
      "[::2]",
      "simulator"
    ]) {
      assert.strictEqual(make(`http://${host}`), "plainHttp", host)
      assert.strictEqual(make(`http://${host}`, false), "plainHttp", host)
      assert.deepStrictEqual(make(`http://${host}`, true), [`http://${host}`, ""], "allowed by the caller")
      assert.deepStrictEqual(make(`https://${host}`), [`https://${host}`, ""])
    }
  })

  it("is refused with the reason", () => {
    for (const [input, reason] of [
      ['"https://api.bitget.com"', "quoted"],
      ["api.bitget.com", "unparsable"],
      ["", "unparsable"],
      ["ftp://localhost", "scheme"],
      ["https://user@api.bitget.com", "userInfo"],
      ["https://:password@api.bitget.com", "userInfo"],
      ["https://api.bitget.com?key=value", "query"],
      ["https://api.bitget.com#part", "query"]
    ] as const) {
      assert.strictEqual(make(input), reason, input)
      assert.strictEqual(make(input, true), input.startsWith("ftp") ? "scheme" : reason, input)
    }
  })

  it("says what is wrong and what to do, and never shows the URL", () => {
    for (const [input, advice] of [
      ["'https://secret'", /quotes.*remove them/],
      ["secret", /not a URL/],
      ["ftp://secret", /only https/],
      ["http://secret", /clear text; use https, or set allowInsecureHttp/],
      ["https://secret:secret@localhost", /user or a password; send them as headers/],
      ["https://localhost?secret", /query or a fragment/]
    ] as const) {
      const { _tag, message } = Either.getOrThrow(Either.flip(BaseUrl.make(input)))
      assert.strictEqual(_tag, "InvalidBaseUrl")
      assert.match(message, advice)
      assert.include(message, BaseUrl.venue)
      assert.notInclude(message, "secret")
    }
  })
})
