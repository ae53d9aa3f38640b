/** `deadman probe` as a process, against a served exchange. */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import { until } from "../../../core/test/support/patience.js"
import * as Deadman from "../support/deadman.js"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "deadman-probe-"))
afterAll(() => Fs.rmSync(folder, { recursive: true }))

const probe = (...options: ReadonlyArray<string>) => Deadman.start([Deadman.node, Deadman.bin, "probe", ...options])

const served = (demo: boolean) =>
  Effect.provide(Server.layer({ accounts: [{ uid: Deadman.uid, keys: [{ ...Exchange.testKey(Deadman.uid), demo }] }] }))

/** What the exchange was asked to change. */
const writes = Effect.gen(function* () {
  const { journal } = yield* Simulator.Simulator
  const entries = yield* journal.entries
  return entries.filter((entry) => entry._tag === "Request" && entry.method === "POST").length
})

describe("deadman probe", { concurrent: true }, () => {
  it.live("undoes everything on Ctrl-C, and leaves no file", () =>
    Effect.gen(function* () {
      const output = Path.join(folder, "interrupted.json")
      const running = yield* probe("--output", output)
      const isArmed = Effect.map(Simulator.countdown(), ({ _tag }) => _tag === "Armed")
      yield* until("the switch to be armed", isArmed)
      yield* running.kill("SIGINT")
      assert.strictEqual(yield* running.ended, 130, running.text())
      assert.include(running.text(), "cancels its orders and turns the switch off")
      assert.notInclude(running.text(), "LEFT BEHIND")
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      assert.deepStrictEqual(yield* Simulator.openOrders(), [])
      assert.isFalse(Fs.existsSync(output))
    }).pipe(Effect.scoped, served(true))
  )

  it.live("places no order on the live exchange without --yes, and never one with a demo key", () =>
    Effect.gen(function* () {
      const alone = yield* probe("--live", "--output", Path.join(folder, "live.json"))
      assert.strictEqual(yield* alone.ended, 64)
      assert.include(alone.text(), "Add --yes")
      const demo = yield* probe("--live", "--yes", "--output", Path.join(folder, "live.json"))
      assert.strictEqual(yield* demo.ended, 77, demo.text())
      assert.strictEqual(yield* writes, 0)
      assert.isFalse(Fs.existsSync(Path.join(folder, "live.json")))
    }).pipe(Effect.scoped, served(true))
  )

  it.live("overwrites no file, and says before it begins where it cannot write", () =>
    Effect.gen(function* () {
      const output = Path.join(folder, "venue.json")
      Fs.writeFileSync(output, "kept")
      const taken = yield* probe("--output", output)
      assert.strictEqual(yield* taken.ended, 64)
      assert.include(taken.text(), `${output} exists`)
      assert.strictEqual(Fs.readFileSync(output, "utf8"), "kept")
      const nowhere = yield* probe("--output", Path.join(folder, "no", "venue.json"))
      assert.strictEqual(yield* nowhere.ended, 64)
      assert.include(nowhere.text(), "cannot be written")
      assert.strictEqual(yield* writes, 0)
    }).pipe(Effect.scoped, served(true))
  )

  it.live("says what to do where other orders are open", () =>
    Effect.gen(function* () {
      yield* Simulator.placeOrder({ category: "SPOT", clientOid: "by-hand" })
      const running = yield* probe("--live", "--yes", "--output", Path.join(folder, "foreign.json"))
      assert.strictEqual(yield* running.ended, 64)
      assert.match(running.text(), /open orders in SPOT .*by-hand.*Cancel them yourself/)
      assert.strictEqual(yield* writes, 0)
    }).pipe(Effect.scoped, served(false))
  )
})
