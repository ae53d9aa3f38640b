import * as Fault from "@effect-deadman/simulator/Fault"
import * as Journal from "@effect-deadman/simulator/Journal"
import * as Latency from "@effect-deadman/simulator/Latency"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"

const bad = ["1e999", "-1e999", "1e300", "-1", "1.5"]

const request = (method: string, path: string, body: string) =>
  Effect.flatMap(Server.Server, ({ url }) =>
    Effect.promise(async () => {
      const headers = { "content-type": "application/json" }
      const response = await fetch(`${url}/_sim${path}`, { method, headers, body })
      return { status: response.status, text: await response.text() }
    })
  )

describe("A number from outside is whole, finite and bounded, or refused", () => {
  it.live("in every body of the control API, and the clock goes on", () =>
    Effect.gen(function* () {
      const account = `/accounts/${Simulator.demoUid}`
      for (const value of bad) {
        const bodies: ReadonlyArray<readonly [method: string, path: string, body: string]> = [
          ["POST", "/clock/advance", `{"ms":${value}}`],
          ["POST", "/clock/sleep", `{"ms":${value}}`],
          ["POST", `${account}/beat`, `{"timeout":${value}}`],
          ["POST", "/maintenance", `{"for":${value}}`],
          ["POST", "/maintenance", `{"for":1000,"after":${value}}`],
          ["PUT", "/clock", `{"mode":"scaled","speed":${value === "1.5" ? "1e-300" : value}}`],
          ["POST", "/verify", `{"expectations":[{"expect":"ordersCancelled","within":${value},"after":"crash"}]}`],
          ["POST", "/verify", `{"expectations":[{"expect":"firedOnce","within":1,"after":${value}}]}`],
          ["POST", "/verify", `{"expectations":[{"expect":"beatsNeverFasterThan","pace":${value}}]}`],
          ["POST", "/verify", `{"expectations":[{"expect":"beats","atLeast":${value}}]}`]
        ]
        for (const [method, path, body] of bodies) {
          const answer = yield* request(method, path, body)
          assert.strictEqual(answer.status, 400, `${path} ${body}: ${answer.text}`)
        }
      }
      const before = JSON.parse((yield* request("POST", "/clock/advance", '{"ms":0}')).text) as { now: number }
      const after = JSON.parse((yield* request("POST", "/clock/advance", '{"ms":60000}')).text) as { now: number }
      assert.strictEqual(after.now - before.now, 60_000)
    }).pipe(Effect.provide(Server.layer({ clock: { mode: "manual" } })))
  )

  it.live("in every query and path of the control API", () =>
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const status = (method: string, path: string) =>
        Effect.promise(async () => {
          const response = await fetch(`${url}/_sim${path}`, { method })
          await response.text()
          return response.status
        })
      for (const value of ["Infinity", "NaN", "1.5", "-1"]) {
        assert.strictEqual(yield* status("GET", `/journal?after=${value}`), 400, `after=${value}`)
        assert.strictEqual(yield* status("GET", `/journal?limit=${value}`), 400, `limit=${value}`)
        assert.strictEqual(yield* status("DELETE", `/faults/${value}`), 400, `/faults/${value}`)
      }
    }).pipe(Effect.provide(Server.layer()))
  )

  it.live("in the arguments of a served clock", () =>
    Effect.gen(function* () {
      const { clock, simulator } = yield* Server.Server
      for (const ms of [Infinity, 1.5, 1e300]) {
        const refused = yield* Effect.flip(clock.advance(ms))
        assert.strictEqual(refused._tag, "InvalidServerOptions")
      }
      for (const speed of [Infinity, NaN, 0, -1, 1e-300]) {
        assert.strictEqual((yield* Effect.flip(clock.set("scaled", speed)))._tag, "InvalidServerOptions")
        const options = yield* Effect.flip(Effect.scoped(Server.make({ clock: { speed } })))
        assert.strictEqual(options._tag, "InvalidServerOptions")
      }
      const start = yield* Effect.flip(Effect.scoped(Server.make({ clock: { start: Number.MAX_SAFE_INTEGER } })))
      assert.strictEqual(start._tag, "InvalidServerOptions")
      // An instant between two readings of the clock is due at the next one.
      const now = yield* simulator.time.now
      yield* simulator.exchange.step({ _tag: "Maintenance", window: { from: now + 1_000.5, to: now + 2_000.5 } })
      assert.strictEqual(yield* clock.advance("10 seconds"), now + 10_000)
    }).pipe(Effect.provide(Server.layer({ clock: { mode: "manual" } })))
  )

  it("in a journal file", () => {
    const entries: ReadonlyArray<Journal.Entry> = [
      { _tag: "Start", at: 0, seed: 1, venue: Venue.defaults, accounts: [{ uid: "1" }] },
      { _tag: "Mark", at: 5, name: "mark" },
      { _tag: "Switch", account: "1", at: 5, transition: "armed", seconds: 10, deadline: 10_005, from: 5, by: 1 },
      { _tag: "Maintenance", at: 5, phase: "scheduled", window: { from: 5, to: 7 } },
      { _tag: "Window", account: "1", at: 5, state: "Armed", earliestFire: 10_004.5, latestFire: 12_000 },
      {
        _tag: "Request",
        id: 1,
        endpoint: "time",
        method: "GET",
        body: "",
        sentAt: 5,
        arrivedAt: 5,
        receivedAt: 6,
        status: 200,
        faults: []
      }
    ]
    assert.isTrue(Either.isRight(Journal.fromNdjson(Journal.toNdjson(entries))))
    for (const entry of entries) {
      const line = Journal.toNdjson([entry]).trimEnd()
      for (const [found, name] of line.matchAll(/"(\w+)":-?\d[\d.]*/g)) {
        for (const value of name === "earliestFire" || name === "latestFire" ? ["1e999", "1e300"] : ["1e999", "1.5"]) {
          const changed = line.replace(found, `"${name}":${value}`)
          assert.isTrue(Either.isLeft(Journal.fromNdjson(changed)), changed)
        }
      }
    }
  })

  it("in a fault, a latency and a venue", () => {
    for (const value of ["1.5ms", "1e999ms", `${"9".repeat(400)}ms`, "9007199254740991ms", "-1ms", "400000h"]) {
      for (const text of [
        `delay-request;by=${value}`,
        `reorder;hold=${value}`,
        `drop-answer;from=${value}`,
        `drop-answer;to=${value}`,
        `drop-answer;for=${value}`
      ]) {
        assert.isTrue(Either.isLeft(Fault.parse(text)), text)
      }
      for (const text of [`uniform(0ms,${value})`, `exp(${value})`, `exp(1ms,${value})`, `lognormal(${value},1)`]) {
        assert.isTrue(Either.isLeft(Latency.parse(text)), text)
      }
    }
    assert.isTrue(Either.isLeft(Fault.parse("drop-answer;from=200000h;for=200000h")))
    const wild = Either.getOrThrow(Latency.parse("lognormal(200000h,10)"))
    for (let index = 0; index < 1_000; index++) assert.isAtMost(Latency.sample(wild, 1, "wild", index), 1e12)
    for (const value of [Infinity, 1e300, 1.5, -1, NaN]) {
      assert.isTrue(Either.isLeft(Venue.decode({ triggerLatency: value })), `triggerLatency ${value}`)
      assert.isTrue(Either.isLeft(Venue.decode({ openOrderCap: value })), `openOrderCap ${value}`)
      assert.isTrue(Either.isLeft(Venue.decode({ maintenance: [{ from: value, to: 1e17 }] })), `maintenance ${value}`)
    }
  })
})
