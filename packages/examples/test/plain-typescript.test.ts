/** The seam for apps without Effect: as a process, and called from plain asynchronous code. */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import { protect } from "../src/plain-typescript/protect.js"
import { until } from "./support/journal.js"
import * as Template from "./support/template.js"

const { exchange, uid } = Template

const options = Effect.map(Server.Server, ({ url }) => {
  const { key, passphrase, secret } = Exchange.testKey(uid)
  return { apiKey: key, secretKey: secret ?? "", passphrase, baseUrl: url, countdownSeconds: 5 }
})

const state = Effect.map(Simulator.countdown(uid), ({ _tag }) => _tag)

describe("plain-typescript", { timeout: 60_000 }, () => {
  it.live("is a program that turns the switch off when it is stopped", () =>
    Effect.gen(function* () {
      const template = yield* Template.start("plain-typescript/main.js")
      yield* until(Effect.sync(() => template.text().includes("trading, protected")))
      assert.strictEqual(yield* state, "Armed")
      yield* template.kill("SIGTERM")
      assert.strictEqual(yield* template.ended, "exit code 0")
      assert.include(template.text(), "released: Disarmed")
      assert.strictEqual(yield* state, "Closed")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("`await using` arms, and turns the switch off at the end of the block", () =>
    Effect.gen(function* () {
      const given = yield* options
      const runtime = yield* Effect.runtime<Simulator.Simulator>()
      yield* Effect.promise(async () => {
        await using protection = await protect(given)
        await protection.ensureArmed(1_000)
        assert.isFalse(protection.lost.aborted)
        const refused = await protection.ensureArmed(60_000).catch((error: unknown) => error)
        assert.strictEqual((refused as { _tag: string })._tag, "NotArmed")
        assert.strictEqual(await Runtime.runPromise(runtime)(state), "Armed")
      })
      assert.strictEqual(yield* state, "Closed")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("`lost` is aborted with the reason, and `release` says what could be proven", () =>
    Effect.gen(function* () {
      const given = yield* options
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("code;code=40014;after=1;endpoint=countdown-cancel-all")
      yield* Effect.promise(async () => {
        const protection = await protect(given)
        await new Promise((resolve) => protection.lost.addEventListener("abort", resolve))
        assert.strictEqual(protection.lost.reason._tag, "SwitchLost")
        assert.instanceOf(protection.lost.reason, Error)
        assert.strictEqual(await protection.release(), "DisarmUnconfirmed")
        assert.strictEqual(await protection.release(), "DisarmUnconfirmed")
      })
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("a refused arm rejects with the venue's own error, typed", () =>
    Effect.gen(function* () {
      const given = yield* options
      const error = yield* Effect.flip(
        Effect.tryPromise({
          try: () => protect({ ...given, secretKey: "wrong" }),
          catch: (error) => error as { _tag: string; code: string; message: string }
        })
      )
      assert.strictEqual(error._tag, "CredentialsRefused")
      assert.strictEqual(error.code, "40009")
      assert.strictEqual(yield* state, "Closed")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )
})
