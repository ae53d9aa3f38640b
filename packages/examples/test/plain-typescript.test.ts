/** `protect` for apps without Effect: as a process, and called from plain asynchronous code. */
import type * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import { vi } from "vitest"
import { protect } from "../src/plain-typescript/protect.js"
import { until } from "../../core/test/support/patience.js"
import * as Template from "./support/template.js"

const { exchange, uid } = Template

/** Counts the open clients, because `protect` must close each client that it builds. */
const { open } = vi.hoisted(() => ({ open: { count: 0 } }))
vi.mock("@effect-deadman/core/BitgetClient", async (original) => {
  const module = await original<typeof import("@effect-deadman/core/BitgetClient")>()
  const counted = Effect.acquireRelease(
    Effect.sync(() => open.count++),
    () => Effect.sync(() => open.count--)
  )
  return {
    ...module,
    layer: (options: BitgetClient.Options) => Layer.merge(module.layer(options), Layer.scopedDiscard(counted))
  }
})

let tests = 0

/** A new account per call, because a process remembers unresolved writes, which a busy machine can cause. */
const options = Effect.map(Server.Server, ({ url }) => {
  const { key, passphrase, secret } = Exchange.testKey(uid)
  return {
    account: `test ${++tests}`,
    apiKey: key,
    secretKey: secret ?? "",
    passphrase,
    baseUrl: url,
    countdownSeconds: 5
  }
})

const state = Effect.map(Simulator.countdown(uid), ({ _tag }) => _tag)

describe("plain-typescript", () => {
  it.live("is a program that turns the switch off when it is stopped", () =>
    Effect.gen(function* () {
      const template = yield* Template.start("plain-typescript/main.js")
      yield* until(
        "it trades",
        Effect.sync(() => template.text().includes("trading, protected"))
      )
      assert.strictEqual(yield* state, "Armed")
      yield* template.kill("SIGTERM")
      assert.strictEqual(yield* template.ended, "exit code 0")
      assert.match(template.text(), /^released: Disarm/m)
      assert.strictEqual(yield* state, "Closed")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("arms before the body, and turns the switch off when the body has succeeded", () =>
    Effect.gen(function* () {
      const given = yield* options
      const runtime = yield* Effect.runtime<Simulator.Simulator>()
      const outcomes: Array<string> = []
      const value = yield* Effect.promise(() =>
        protect({ ...given, onReleased: (outcome) => outcomes.push(outcome) }, async ({ ensureArmed, lost }) => {
          await ensureArmed(1_000)
          assert.isFalse(lost.aborted)
          const refused = await ensureArmed(60_000).catch((error: unknown) => error)
          assert.strictEqual((refused as { _tag: string })._tag, "NotArmed")
          assert.strictEqual(await Runtime.runPromise(runtime)(state), "Armed")
          assert.strictEqual(open.count, 1)
          return 42
        })
      )
      assert.strictEqual(value, 42)
      assert.lengthOf(outcomes, 1)
      assert.match(outcomes[0] ?? "", /^Disarm/)
      assert.strictEqual(open.count, 0)
      assert.strictEqual(yield* state, "Closed")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("a clean stop never aborts `lost`, so an app that exits on `lost` still sends its 0", () =>
    Effect.gen(function* () {
      const given = yield* options
      let aborted = false
      const kept = yield* Effect.promise(() =>
        protect(given, async (protection) => {
          protection.lost.addEventListener("abort", () => (aborted = true))
          return protection
        })
      )
      assert.isFalse(aborted)
      assert.isFalse(kept.lost.aborted)
      assert.strictEqual(yield* state, "Closed")
      const late = yield* Effect.promise(() => kept.ensureArmed().catch((error: unknown) => error))
      assert.deepInclude(late, { _tag: "NotArmed", state: "Released" })
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("a body that rejects rejects `protect` with its own error, and the exchange cancels its orders in 5 s", () =>
    Effect.gen(function* () {
      const given = yield* options
      for (const broken of [
        () => Promise.reject(new RangeError("no margin")),
        () => {
          throw new RangeError("no margin")
        }
      ]) {
        const error = yield* Effect.promise(() =>
          protect({ ...given, countdownSeconds: 30 }, broken).catch((error: unknown) => error)
        )
        assert.instanceOf(error, RangeError)
        const left = yield* Simulator.countdown(uid)
        assert.strictEqual(left._tag === "Armed" ? left.seconds : left._tag, 5)
      }
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("`lost` is aborted with the reason while the body runs", () =>
    Effect.gen(function* () {
      const given = yield* options
      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("code;code=40014;after=1;endpoint=countdown-cancel-all")
      const outcomes: Array<string> = []
      yield* Effect.promise(() =>
        protect({ ...given, onReleased: (outcome) => outcomes.push(outcome) }, async ({ lost }) => {
          await new Promise((resolve) => lost.addEventListener("abort", resolve))
          assert.strictEqual(lost.reason._tag, "SwitchLost")
          assert.instanceOf(lost.reason, Error)
        })
      )
      assert.lengthOf(outcomes, 1)
      assert.notStrictEqual(outcomes[0], "Disarmed")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )

  it.live("a refused arming rejects with the typed error of the exchange, and leaves no client open", () =>
    Effect.gen(function* () {
      const given = yield* options
      const error = yield* Effect.flip(
        Effect.tryPromise({
          try: () => protect({ ...given, secretKey: "wrong" }, () => assert.fail("the body ran without protection")),
          catch: (error) => error as { _tag: string; code: string; message: string }
        })
      )
      assert.strictEqual(error._tag, "CredentialsRefused")
      assert.strictEqual(error.code, "40009")
      assert.strictEqual(open.count, 0)
      assert.strictEqual(yield* state, "Closed")
    }).pipe(Effect.scoped, Effect.provide(exchange))
  )
})
