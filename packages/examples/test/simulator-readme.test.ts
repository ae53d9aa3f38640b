/** Runs the examples of the simulator's README. `first-test.test.ts` holds its first test, line for line. */
import { BitgetClient, BitgetCountdown, Credentials, Heartbeat } from "@effect-deadman/core"
import { Expect, Faults, Simulator } from "@effect-deadman/simulator"
import { it } from "@effect-deadman/simulator/VirtualTimeVitest"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readFileSync } from "node:fs"

const readme = readFileSync(new URL("../../simulator/README.md", import.meta.url), "utf8")

const block = (info: string): string => {
  const found = new RegExp(`^\`\`\`${info}\n(.*?)^\`\`\``, "ms").exec(readme)?.[1]
  assert.isDefined(found, `the README has a block "${info}"`)
  return found ?? ""
}

const worldWith = (options?: Simulator.Options) =>
  BitgetCountdown.layer.pipe(
    Layer.provide(BitgetClient.layerConfig),
    Layer.provide(Credentials.layerConfig),
    Layer.provide(Simulator.layerCredentials),
    Layer.provideMerge(Simulator.layer(options))
  )

describe("the simulator's README", () => {
  it("its first test equals the file that runs, in fewer than fifteen lines", () => {
    const code = block("ts")
    assert.strictEqual(code, readFileSync(new URL("first-test.test.ts", import.meta.url), "utf8"))
    const test = code.slice(code.indexOf("it.virtual"))
    assert.isBelow(test.trim().split("\n").length, 15)
  })

  it.virtual("shows the message of a failure as it is", () =>
    Effect.gen(function* () {
      yield* Heartbeat.make({ countdown: "10 seconds" })
      yield* Simulator.placeOrder()
      yield* Effect.sleep("7 seconds")
      yield* Faults.crash()
      yield* Effect.sleep("15 seconds")
      const failed = yield* Effect.flip(Expect.ordersCancelled({ within: "8 seconds", after: "crash" }))
      // The page is named by the line of the README's first test in place of this one.
      const line =
        block("ts")
          .split("\n")
          .findIndex((text) => text.includes("Expect.ordersCancelled")) + 1
      const message = failed.message.replace(/[^/\\]+\.html/, `first.test.ts-${line}.html`)
      assert.strictEqual(`${message.trimEnd()}\n`, block("text timeline=failure"))
    }).pipe(Effect.provide(worldWith()))
  )

  it.virtual("shows a timeline as it is", () =>
    Effect.gen(function* () {
      yield* Heartbeat.make({ countdown: "10 seconds" })
      yield* Simulator.placeOrder()
      yield* Simulator.placeOrder({ side: "sell", price: "52000" })
      yield* Effect.sleep("1 second")
      yield* Faults.during(Effect.sleep("5 seconds"), "drop-answer;times=1")
      yield* Effect.sleep("12 seconds")
      yield* Faults.crash()
      yield* Effect.sleep("11 seconds")
      assert.strictEqual(`${yield* Simulator.timeline()}\n`, block("text timeline=run"))
    }).pipe(Effect.provide(worldWith({ link: { request: "15ms", answer: "15ms" } })))
  )
})
