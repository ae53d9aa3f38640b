import * as Journal from "@effect-deadman/simulator/Journal"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as Timeline from "@effect-deadman/simulator/Timeline"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import * as JournalFile from "../../src/served/journalFile.js"
import { WorldTag } from "../../src/world/world.js"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "simulator-journal-"))
afterAll(() => Fs.rmSync(folder, { recursive: true }))

const uid = Simulator.demoUid
const serve = (options?: Server.Options) => Server.make({ clock: { mode: "manual", start: 0 }, ...options })
const worldOf = (context: Context.Context<Server.Server>) => Context.unsafeGet(context, WorldTag)

/** A run with two orders, one beat and the firing, 10 s later. */
const live = (context: Context.Context<Server.Server>) =>
  Effect.gen(function* () {
    const { clock, simulator } = Context.get(context, Server.Server)
    const order = { category: "USDT-FUTURES", symbol: "BTCUSDT", side: "buy", orderType: "market", qty: "1" } as const
    const resting = { ...order, orderType: "limit", price: "1" } as const
    yield* simulator.exchange.step({ _tag: "PlaceOrder", account: uid, order: resting })
    yield* simulator.exchange.step({ _tag: "PlaceOrder", account: uid, order: resting })
    yield* simulator.exchange.step({ _tag: "SetCountdown", account: uid, seconds: 10 })
    yield* clock.advance("20 seconds")
  })

const reset = (context: Context.Context<Server.Server>) =>
  Effect.promise(() => fetch(`${Context.get(context, Server.Server).url}/_sim/reset`, { method: "POST" }))

const replays = (path: string) => {
  const { runs, torn } = Either.getOrThrow(JournalFile.read(Fs.readFileSync(path, "utf8")))
  return { torn, states: runs.map((entries) => Either.getOrThrow(Journal.replay(entries))), runs }
}

describe("A journal file", () => {
  it.live("contains one run per reset, and each run replays", () =>
    Effect.gen(function* () {
      const path = Path.join(folder, "reset.ndjson")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const context = yield* serve({ faults: ["delay-answer;by=1h;account=1"] })
          yield* JournalFile.write(worldOf(context), path)
          const { url } = Context.get(context, Server.Server)
          yield* live(context)
          // A request in flight at the reset belongs to the first run only.
          const { simulator } = Context.get(context, Server.Server)
          const next = (wanted: (record: Journal.RequestRecord) => boolean) =>
            simulator.journal.events.pipe(
              Stream.filter((entry) => entry._tag === "Request" && wanted(entry)),
              Stream.runHead,
              Effect.fork,
              Effect.tap(() => Effect.yieldNow())
            )
          const sent = yield* next(() => true)
          const givenUp = yield* next((record) => record.abortedAt !== undefined)
          const stop = new AbortController()
          const lost = fetch(`${url}/api/v3/nowhere`, { signal: stop.signal, headers: { "x-simulator-fault": "hang" } })
          const gone = lost.then(String, String)
          yield* Fiber.join(sent)
          yield* reset(context)
          stop.abort()
          yield* Effect.promise(() => gone)
          yield* Fiber.join(givenUp)
          yield* live(context)
        })
      )
      const { runs, states, torn } = replays(path)
      assert.isFalse(torn)
      assert.lengthOf(states, 2)
      assert.deepStrictEqual(
        runs.map((run) => run.filter((entry) => entry._tag === "Request").length),
        [1, 0]
      )
      for (const run of runs) {
        assert.strictEqual(run.filter((entry) => entry._tag === "Switch" && entry.transition === "fired").length, 1)
        assert.strictEqual(run.filter((entry) => entry._tag === "Fault").length, 1)
      }
    })
  )

  it.live("ends with the requests that are still under way, and replays", () =>
    Effect.gen(function* () {
      const path = Path.join(folder, "end.ndjson")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const context = yield* serve()
          yield* JournalFile.write(worldOf(context), path)
          yield* live(context)
          const world = worldOf(context)
          const send = (fault: string) =>
            world.send({
              method: "GET",
              path: "/api/v2/public/time",
              headers: { "x-simulator-fault": fault },
              body: ""
            })
          send("hang")
          send("delay-answer;by=1h")
          assert.isDefined(send("delay-answer;by=0ms").outcome)
        })
      )
      const { runs, torn } = replays(path)
      assert.isFalse(torn)
      const requests = runs[0]!
        .flatMap((entry) => (entry._tag === "Request" ? [entry] : []))
        .sort((a, b) => a.id - b.id)
      assert.deepStrictEqual(
        requests.map(({ answeredAt, arrivedAt, receivedAt }) => [arrivedAt, answeredAt, receivedAt]),
        [
          [undefined, undefined, undefined],
          [20_000, 20_000, undefined],
          [20_000, 20_000, 20_000]
        ]
      )
    })
  )

  it.live("is never overwritten, neither by a restart nor by a second server", () =>
    Effect.gen(function* () {
      const path = Path.join(folder, "taken.ndjson")
      const write = Effect.flatMap(serve(), (context) => JournalFile.write(worldOf(context), path))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* write
          const second = yield* Effect.flip(Effect.scoped(write))
          assert.include(second.message, "exists already")
          assert.include(second.message, "another name")
        })
      )
      const before = Fs.readFileSync(path, "utf8")
      assert.include(before, '"_tag":"Start"')
      yield* Effect.flip(Effect.scoped(write))
      assert.strictEqual(Fs.readFileSync(path, "utf8"), before)
    })
  )

  it.live("ends with an error in the log when the disk is full, and the exchange continues", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => void logged.push(String(message)))
      const context = yield* serve()
      yield* JournalFile.write(worldOf(context), "/dev/full").pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      )
      yield* live(context)
      assert.lengthOf(logged, 1)
      assert.include(logged[0], "ENOSPC")
      assert.include(logged[0], "the exchange continues without it")
    }).pipe(Effect.scoped)
  )

  it.live("with an incomplete last line replays up to the instant before it", () =>
    Effect.gen(function* () {
      const path = Path.join(folder, "torn.ndjson")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const context = yield* serve()
          yield* JournalFile.write(worldOf(context), path)
          yield* live(context)
        })
      )
      const text = Fs.readFileSync(path, "utf8")
      // In the last instant the switch fires and cancels two orders. A cut inside it leaves the whole instant out.
      const fires = text.indexOf('"transition":"fired"')
      for (let cut = fires; cut < text.length - 1; cut += 7) {
        Fs.writeFileSync(path, text.slice(0, cut))
        const { states, torn } = replays(path)
        if (!torn) continue
        const [state] = states
        assert.strictEqual(state?.now, 0, `cut at ${cut}`)
      }
      Fs.writeFileSync(path, text.replace('"_tag":"Placed"', '"_tag":"Plac'))
      assert.isTrue(Either.isLeft(JournalFile.read(Fs.readFileSync(path, "utf8"))))
    })
  )

  it("with 130,000 beats can be drawn", () => {
    const entries = Array.from({ length: 130_000 }, (_, index): Journal.Entry => {
      const at = index * 3_000
      const transition = index === 0 ? "armed" : "refreshed"
      return { _tag: "Switch", account: uid, at, transition, deadline: at + 10_000, seconds: 10, from: at }
    })
    const now = 130_000 * 3_000
    // Draws the last minute only, because the whole page would have tens of megabytes.
    const page = Timeline.html({ seed: 1, start: 0, now, dropped: 0, entries }, { from: now - 60_000 })
    assert.include(page, "<dt>closest to firing</dt><dd>7.000 s</dd>")
  })
})
