import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ports from "../../src/run/ports.js"

describe("an address", () => {
  const table: ReadonlyArray<readonly [text: string, address: Ports.Address | undefined]> = [
    ["8080", { host: "127.0.0.1", port: 8080 }],
    ["0.0.0.0:8080", { host: "0.0.0.0", port: 8080 }],
    ["[::]:0", { host: "::", port: 0 }],
    ["localhost:1", { host: "localhost", port: 1 }],
    ["65536", undefined],
    ["port", undefined],
    ["", undefined],
    ["host:", undefined]
  ]
  for (const [text, address] of table) {
    it(`${JSON.stringify(text)}`, () => assert.deepStrictEqual(Ports.parse(text), address))
  }
})

describe("an endpoint", () => {
  it.live("serves one path, and survives an answer that fails", () =>
    Effect.gen(function* () {
      let broken = false
      const port = yield* Ports.serve({ host: "127.0.0.1", port: 0 }, "/health", () => {
        if (broken) throw new Error("broken")
        return { status: 503, type: "text/plain", body: "no" }
      })
      const ask = (path: string) =>
        Effect.promise(async () => {
          const answer = await fetch(`http://127.0.0.1:${port}${path}`)
          return [answer.status, (await answer.text()).trim()]
        })
      assert.deepStrictEqual(yield* ask("/health?x=1"), [503, "no"])
      assert.deepStrictEqual(yield* ask("/"), [404, "There is only GET /health"])
      broken = true
      assert.deepStrictEqual(yield* ask("/health"), [500, "broken"])
      const taken = yield* Effect.flip(
        Ports.serve({ host: "127.0.0.1", port }, "/metrics", () => ({ status: 200, type: "text/plain", body: "" }))
      )
      assert.strictEqual(taken.code, 64)
    }).pipe(Effect.scoped)
  )
})
