import type * as ControlApi from "@effect-deadman/simulator/ControlApi"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connect, served } from "../support/Control.js"

const uid = Simulator.demoUid

describe("Server's verification", () => {
  it.live("judges nothing about an unknown account, an empty span, an idle switch or a cleared journal", () =>
    Effect.gen(function* () {
      const control = yield* connect
      const verdictOf = (expectation: typeof ControlApi.Expectation.Type) =>
        Effect.map(control.verify.judge({ payload: { expectations: [expectation] } }), ({ holds, verdicts }) => {
          assert.strictEqual(verdicts[0]?.holds, holds)
          return [holds, verdicts[0]?.judged]
        })
      yield* control.accounts.placeOrder({ path: { uid }, payload: {} })
      assert.deepStrictEqual(yield* verdictOf({ expect: "neverFired" }), [false, false])
      yield* control.accounts.beat({ path: { uid }, payload: { countdown: "10" } })
      yield* control.clock.advance({ payload: { ms: 3_000 } })
      assert.deepStrictEqual(yield* verdictOf({ expect: "neverFired" }), [true, true])
      assert.deepStrictEqual(yield* verdictOf({ expect: "neverFired", account: "100001" }), [false, false])
      assert.deepStrictEqual(yield* verdictOf({ expect: "neverFired", from: 2_000, to: 1_000 }), [false, false])
      yield* control.journal.clear()
      assert.deepStrictEqual(yield* verdictOf({ expect: "neverFired" }), [false, false])
      yield* control.accounts.beat({ path: { uid }, payload: { countdown: "10" } })
      assert.deepStrictEqual(yield* verdictOf({ expect: "neverFired" }), [false, false])
    }).pipe(served())
  )

  it.live("refuses an expectation of beats without a number", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const response = yield* Effect.promise(() =>
        fetch(`${url}/_sim/verify`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ expectations: [{ expect: "beats" }] })
        })
      )
      const text = yield* Effect.promise(() => response.text())
      assert.strictEqual(response.status, 400, text)
      assert.include(text, "beats needs atLeast, atMost or both")
    }).pipe(served())
  )

  it.live("restores the initial faults on a reset, and records when they are over", () =>
    Effect.gen(function* () {
      const control = yield* connect
      const { simulator } = yield* Server.Server
      const changes = Effect.map(simulator.journal.entries, (entries) =>
        entries.flatMap((entry) => (entry._tag === "Fault" ? [entry.change] : []))
      )
      for (const _ of [1, 2]) {
        assert.deepStrictEqual(yield* changes, ["added"])
        yield* control.accounts.beat({ path: { uid }, payload: {} })
        assert.deepStrictEqual(yield* changes, ["added", "over"])
        assert.deepStrictEqual((yield* control.faults.list()).faults, [])
        yield* control.state.reset()
      }
    }).pipe(served({ faults: ["drop-answer;times=1"] }))
  )
})
