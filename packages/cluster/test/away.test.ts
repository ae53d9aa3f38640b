import { StoreUnavailable } from "@effect-deadman/cluster/ClusterError"
import { SqlError } from "@effect/sql/SqlError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as Fiber from "effect/Fiber"
import * as Away from "../src/internal/away.js"

const failed = (code?: string) =>
  new SqlError({ cause: Object.assign(new Error("no"), code === undefined ? {} : { code }), message: "Failed" })

describe("a start while PostgreSQL is away", () => {
  it("waits for what passes: no way to the server, a server that starts or ends, resources, tables made meanwhile", () => {
    for (const code of [undefined, "ECONNREFUSED", "EPIPE", "57P03", "57P01", "08006", "53300", "40001", "42P07"]) {
      assert.isTrue(Away.isAway(failed(code)), code)
    }
    assert.isTrue(Away.isAway(new StoreUnavailable({ operation: "join", detail: "no answer within 5000 ms" })))
  })

  it("does not wait where the server refuses: password, database, permission, syntax, however deep the error lies", () => {
    for (const code of ["28P01", "28000", "3D000", "42501", "42601", "42703"]) {
      assert.isFalse(Away.isAway(failed(code)), code)
      assert.isFalse(Away.isAway(new StoreUnavailable({ operation: "join", detail: "no", cause: failed(code) })), code)
    }
  })

  it.effect("gives up after a minute", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.either(Away.waitForStore(Effect.fail(failed("ECONNREFUSED")))))
      yield* TestClock.adjust("59 seconds")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Left")
    })
  )
})
