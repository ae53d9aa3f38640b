import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { join } from "node:path"
import * as Processes from "../support/Processes.js"
import * as Served from "../support/Served.js"

const start = Date.UTC(2026, 0, 1)
const at = (mode: Server.ClockMode, options?: Server.Options) =>
  Effect.provide(Server.layer({ ...options, clock: { mode, start } }))

const control = (method: string, path: string, body?: unknown) =>
  Effect.flatMap(Server.Server, ({ url }) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}/_sim${path}`, {
        method,
        headers: { "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const json = (await response.json()) as Record<string, unknown>
      return { ...json, status: response.status, now: Number(json["now"] ?? response.headers.get("x-sim-now")) }
    })
  )

const beat = (countdown: string) =>
  Effect.flatMap(Server.Server, ({ url, simulator }) =>
    Effect.flatMap(simulator.time.now, (now) => Effect.promise(() => Served.beat(url, countdown, { timestamp: now })))
  )

/** Ten minutes of heartbeats by a Python script, and its verdicts. */
const python = (mode: "auto" | "manual") =>
  Effect.flatMap(Server.Server, ({ url }) =>
    Effect.promise(async () => {
      const script = join(import.meta.dirname, "../support/heartbeats.py")
      const { code, out } = await Processes.run("python3", [script, url, mode, "600"])
      assert.strictEqual(code, 0, `this test needs Python 3 on the PATH: ${out}`)
      return JSON.parse(out) as { beats: number; simulated: number; holds: boolean; verdicts: unknown }
    })
  )

describe("Server's clock", { timeout: Processes.patience }, () => {
  it.live("manual: stands until it is advanced, and an advance does everything due", () =>
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      assert.strictEqual((yield* beat("10")).code, "00000")
      const before = yield* control("POST", "/clock/advance", { ms: 9_999 })
      assert.strictEqual(before.now, start + 9_999)
      assert.strictEqual((yield* Simulator.countdown())._tag, "Armed")
      const after = yield* control("POST", "/clock/advance", { ms: 1 })
      assert.strictEqual(after.now, start + 10_000)
      assert.deepInclude(yield* Simulator.countdown(), { _tag: "Fired", at: start + 10_000 })
    }).pipe(at("manual"))
  )

  it.live("manual: a delayed answer arrives when the clock reaches its instant", () =>
    Effect.gen(function* () {
      const sent = yield* Effect.fork(beat("10"))
      yield* Effect.repeat(control("GET", "/journal"), { until: (page) => JSON.stringify(page).includes("answeredAt") })
      yield* control("POST", "/clock/advance", { ms: 5_000 })
      const answer = yield* Fiber.join(sent)
      assert.strictEqual(answer.headers.get("x-sim-now"), String(start + 2_000))
    }).pipe(at("manual", { faults: ["delay-answer;by=2s"] }))
  )

  it.live("manual: an advance wakes a sleeper at its instant, and waits until it sleeps again", () =>
    Effect.gen(function* () {
      const woken: Array<number> = []
      const asleep = yield* Deferred.make<void>()
      const sleeper = Effect.gen(function* () {
        for (let turn = 0; turn < 3; turn++) {
          const sleep = control("POST", "/clock/sleep", { as: "bot", ms: 2_000 })
          if (turn === 0) {
            const fiber = yield* Effect.fork(sleep)
            yield* Effect.repeat(control("GET", "/clock"), {
              until: (clock) => JSON.stringify(clock).includes("until")
            })
            yield* Deferred.succeed(asleep, undefined)
            woken.push((yield* Fiber.join(fiber)).now - start)
          } else {
            // The clock stands between waking and the next sleep.
            assert.strictEqual((yield* beat("5")).code, "00000")
            woken.push((yield* sleep).now - start)
          }
        }
        yield* control("DELETE", "/clock/holds/bot")
      })
      const bot = yield* Effect.fork(sleeper)
      yield* Deferred.await(asleep)
      const done = yield* control("POST", "/clock/advance", { ms: 10_000 })
      yield* Fiber.join(bot)
      assert.deepStrictEqual(woken, [2_000, 4_000, 6_000])
      assert.strictEqual(done.now, start + 10_000)
      assert.deepInclude(yield* Simulator.countdown(), { _tag: "Fired", at: start + 9_000 })
    }).pipe(at("manual"))
  )

  it.live("auto: stands while it is held, and then jumps to the next due instant", () =>
    Effect.gen(function* () {
      yield* control("POST", "/clock/holds", { name: "script" })
      yield* Simulator.placeOrder()
      yield* beat("60")
      assert.strictEqual((yield* control("GET", "/clock")).now, start)
      assert.strictEqual((yield* Simulator.countdown())._tag, "Armed")
      const slept = yield* control("POST", "/clock/sleep", { as: "script", ms: 60_000 })
      assert.strictEqual(slept.now, start + 60_000)
      assert.deepInclude(yield* Simulator.countdown(), { _tag: "Fired", at: start + 60_000 })
    }).pipe(at("auto"))
  )

  it.live("auto: refuses to release a hold that does not exist", () =>
    Effect.gen(function* () {
      const answer = yield* control("DELETE", "/clock/holds/missing")
      assert.strictEqual(answer.status, 404)
      assert.include(JSON.stringify(answer), "NoSuchHold")
    }).pipe(at("auto"))
  )

  it.live("scaled: a countdown of a minute fires in 0.6 s at speed 100", () =>
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      assert.strictEqual((yield* beat("60")).code, "00000")
      const slept = yield* control("POST", "/clock/sleep", { ms: 60_001 })
      assert.isAtLeast(slept.now, start + 60_000)
      assert.strictEqual((yield* Simulator.countdown())._tag, "Fired")
    }).pipe(
      Effect.provide(
        // At this speed a request that takes 300 ms is half a minute old, beyond the default window.
        Server.layer({ clock: { mode: "scaled", speed: 100, start }, venue: { timestampWindow: 86_400_000 } })
      )
    )
  )

  it.live("continues from its instant when its mode changes", () =>
    Effect.gen(function* () {
      const { clock } = yield* Server.Server
      yield* Simulator.placeOrder()
      yield* beat("60")
      yield* clock.advance("10 seconds")
      const set = yield* control("PUT", "/clock", { mode: "scaled", speed: 1_000 })
      assert.isAtLeast(set.now, start + 10_000)
      yield* control("POST", "/clock/sleep", { ms: 50_001 })
      assert.strictEqual((yield* Simulator.countdown())._tag, "Fired")
      const stands = yield* control("PUT", "/clock", { mode: "manual" })
      assert.strictEqual((yield* control("GET", "/clock")).now, stands.now)
    }).pipe(at("manual"))
  )

  for (const mode of ["auto", "manual"] as const) {
    it.live(`${mode}: the exchange judges ten minutes of heartbeats of a Python script, and its crash`, () =>
      Effect.gen(function* () {
        const run = yield* python(mode)
        assert.isTrue(run.holds, JSON.stringify(run.verdicts, null, 2))
        assert.strictEqual(run.beats, 200)
        assert.strictEqual(run.simulated, 600)
      }).pipe(at(mode))
    )
  }
})
