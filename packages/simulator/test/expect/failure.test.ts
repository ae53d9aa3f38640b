import * as Expect from "@effect-deadman/simulator/Expect"
import * as Faults from "@effect-deadman/simulator/Faults"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { matchers } from "@effect-deadman/simulator/vitest"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import { expect } from "vitest"
import { framesOutside } from "../../src/expect/failure.js"

expect.extend(matchers)

const run = Effect.gen(function* () {
  yield* Simulator.placeOrder()
  yield* Faults.crash()
})

/** The line of this file that calls it. */
const here = (): number => Number(/failure\.test\.ts:(\d+)/.exec(new Error().stack?.split("\n")[2] ?? "")?.[1])

const pageOf = (message: string): string => /the run as a page: (\S+\.html)$/m.exec(message)?.[1] ?? ""

describe("A failed expectation", () => {
  it.effect("names the line of the test, and writes the run as a page", () =>
    Effect.gen(function* () {
      yield* run
      const line = here() + 1
      const failed = yield* Effect.flip(Expect.ordersCancelled({ within: 0, after: "crash" }))
      // As a runner prints it.
      const [pretty] = Cause.prettyErrors(Cause.fail(failed))
      assert.match(/^ +at .*$/m.exec(pretty?.stack ?? "")?.[0] ?? "", new RegExp(`failure\\.test\\.ts:${line}:`))
      const page = pageOf(pretty?.message ?? "")
      assert.match(page, new RegExp(`failure\\.test\\.ts-${line}\\.html$`))
      assert.include(Fs.readFileSync(page, "utf8"), "<svg")
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it("has no frame of this package, from the build or mapped to its sources", () => {
    const folder = "/app/node_modules/@effect-deadman/simulator"
    const rooms = [`${folder}/dist/expect/`, `${folder}/src/expect/`]
    const own = "    at next (/app/test/src/expect/first.test.ts:22:19)"
    const mapped = `    at new Expectation (${folder}/src/expect/expectation.ts:31:5)`
    const built = `    at ordersCancelled (file://${folder}/dist/expect/orders.js:43:3)`
    assert.strictEqual(framesOutside(["Error", mapped, built, own].join("\n"), rooms), own)
  })

  it.effect("of a matcher, with and without `not`, writes the run as a page too", () =>
    Effect.gen(function* () {
      yield* run
      const recorded = yield* Simulator.record
      const line = here() + 1
      const failed = () => expect(recorded).toHaveOrdersCancelled({ within: 0, after: "crash" })
      const reversed = () => expect(recorded).not.toHaveOrdersStillOpen({ at: "crash" })
      for (const [index, fails] of [failed, reversed].entries()) {
        try {
          fails()
          assert.fail("it has passed")
        } catch (error) {
          const page = pageOf((error as Error).message)
          assert.match(page, new RegExp(`failure\\.test\\.ts-${line + index}\\.html$`))
          assert.include(Fs.readFileSync(page, "utf8"), "<svg")
        }
      }
    }).pipe(Effect.provide(Simulator.layer()))
  )
})
