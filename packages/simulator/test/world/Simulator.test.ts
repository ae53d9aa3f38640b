import * as Latency from "@effect-deadman/simulator/Latency"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Bot from "../support/Bot.js"

describe("Simulator", () => {
  it.effect("the same scenario twice gives the same journal, byte for byte", () => {
    const scenario = Effect.gen(function* () {
      yield* Simulator.placeOrder()
      yield* Bot.setCountdown("10")
      yield* TestClock.adjust("3 seconds")
      yield* Bot.setCountdown("10")
      yield* Bot.setCountdown("61")
      yield* Simulator.mark("crash")
      yield* TestClock.adjust("20 seconds")
      yield* Bot.setCountdown("0")
      const simulator = yield* Simulator.Simulator
      return yield* simulator.journal.ndjson
    }).pipe(Effect.provide(Simulator.layer()))
    return Effect.gen(function* () {
      yield* TestClock.setTime(0)
      const first = yield* scenario
      yield* TestClock.setTime(0)
      const second = yield* scenario
      assert.strictEqual(second, first)
      assert.include(first, `"transition":"fired"`)
    })
  })

  it.effect("a bot that crashes has no open order ten seconds after its last beat", () =>
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      yield* Simulator.placeOrder({ category: "SPOT" })
      assert.strictEqual((yield* Bot.setCountdown("10")).code, "00000")
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Bot.setCountdown("10")).code, "00000")
      yield* TestClock.adjust("9999 millis")
      assert.lengthOf(yield* Simulator.openOrders(), 2)
      const armed = yield* Simulator.countdown()
      assert.isTrue(armed._tag === "Armed" && armed.remaining === 1)
      yield* TestClock.adjust("1 millis")
      assert.lengthOf(yield* Simulator.openOrders(), 0)
      assert.strictEqual((yield* Simulator.countdown())._tag, "Fired")
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("a request that the client abandons still arrives, and a lost answer was still sent", () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.Simulator
      yield* simulator.network.addUntilRemoved("delay-request;by=4s;times=1")
      yield* simulator.network.addUntilRemoved("drop-answer;after=1;times=1")
      const slow = yield* Effect.fork(Bot.setCountdown("10"))
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.interrupt(slow)
      assert.strictEqual((yield* Simulator.countdown())._tag, "Closed")
      yield* TestClock.adjust("3 seconds")
      const armed = yield* Simulator.countdown()
      assert.isTrue(armed._tag === "Armed" && armed.remaining === 10_000)

      yield* TestClock.adjust("1 seconds")
      const unheard = yield* Effect.fork(Bot.setCountdown("60"))
      yield* TestClock.adjust("2 seconds")
      assert.isNull(unheard.unsafePoll())
      const refreshed = yield* Simulator.countdown()
      assert.isTrue(refreshed._tag === "Armed" && refreshed.remaining === 58_000)
      const [first, second] = (yield* simulator.journal.entries).filter((entry) => entry._tag === "Request")
      assert.deepInclude(first, {
        sentAt: 0,
        abortedAt: 1_000,
        arrivedAt: 4_000,
        appliedAt: 4_000,
        receivedAt: undefined
      })
      assert.deepInclude(second, { sentAt: 5_000, answeredAt: 5_000, receivedAt: undefined, code: "00000" })
      assert.deepStrictEqual(second?.faults, ["drop-answer;after=1;times=1"])
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("a firing comes as a push", () =>
    Effect.gen(function* () {
      const pushed = yield* Effect.fork(Stream.runHead(Simulator.fired))
      yield* TestClock.adjust("1 seconds")
      yield* Bot.setCountdown("5")
      yield* TestClock.adjust("4999 millis")
      assert.isNull(pushed.unsafePoll())
      yield* TestClock.adjust("1 millis")
      const push = Option.getOrThrow(yield* Fiber.join(pushed))
      assert.deepInclude(push, { account: "1000001", at: 6_000, deadline: 6_000 })
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("the bot's configuration has the credentials, and every other value from its own provider", () =>
    Effect.gen(function* () {
      const read = (name: string) => Effect.orElseSucceed(Config.string(name), () => "nothing")
      assert.strictEqual(yield* read("BITGET_API_KEY"), "test-key-7")
      assert.strictEqual(yield* read("BITGET_SECRET_KEY"), "test-secret-7")
      assert.strictEqual(yield* read("BITGET_PASSPHRASE"), "test-passphrase-7")
      assert.match(yield* read("BITGET_BASE_URL"), /^https?:/)
      assert.strictEqual(yield* read("STRATEGY"), "patient")
      assert.strictEqual(yield* read("NOTHING"), "nothing")
    }).pipe(
      Effect.provide(Simulator.layerCredentials),
      Effect.provide(Simulator.layer({ accounts: [{ uid: "7" }, { uid: "8" }] })),
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["STRATEGY", "patient"]])))
    )
  )

  it.effect("the exchange's clock can be ahead of the bot's", () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.Simulator
      assert.strictEqual(yield* simulator.time.now, 3_600_000)
      assert.strictEqual((yield* Bot.setCountdown("5")).code, "40008")
      assert.strictEqual((yield* Bot.setCountdown("5", { clockAhead: 3_600_000 })).code, "00000")
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* Simulator.countdown(), { _tag: "Fired", at: 3_605_000 })
    }).pipe(Effect.provide(Simulator.layer({ venueOffset: "1 hour" })))
  )

  it.effect("a release window that began before the simulator is on from the start, and ends", () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.Simulator
      assert.isTrue(Exchange.inMaintenance(yield* simulator.exchange.state))
      yield* TestClock.adjust("3 seconds")
      assert.isFalse(Exchange.inMaintenance(yield* simulator.exchange.state))
      const phases = (yield* simulator.journal.entries).flatMap((entry) =>
        entry._tag === "Maintenance" ? [[entry.at, entry.phase]] : []
      )
      assert.deepStrictEqual(phases, [
        [0, "begun"],
        [2_000, "ended"]
      ])
    }).pipe(Effect.provide(Simulator.layer({ venue: { maintenance: [{ from: -1_000, to: 2_000 }] } })))
  )

  for (const venueOffset of ["-20 seconds", -20_000] as const) {
    it.effect(`the exchange's clock can be behind: ${venueOffset}`, () =>
      Effect.gen(function* () {
        const simulator = yield* Simulator.Simulator
        assert.strictEqual(yield* simulator.time.now, -20_000)
      }).pipe(Effect.provide(Simulator.layer({ venueOffset })))
    )
  }

  it.effect("a link has its latency each way, given as text or as a value", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Bot.setCountdown("10"))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).code, "00000")
      const simulator = yield* Simulator.Simulator
      const request = (yield* simulator.journal.entries).find((entry) => entry._tag === "Request")
      assert.deepInclude(request, { sentAt: 0, arrivedAt: 20, appliedAt: 20, answeredAt: 20, receivedAt: 50 })
    }).pipe(Effect.provide(Simulator.layer({ link: { request: "20ms", answer: Latency.constant(30) } })))
  )

  it.effect("names the mistake in options, accounts and orders", () =>
    Effect.gen(function* () {
      const message = (options: Simulator.Options) =>
        Effect.map(Effect.flip(Effect.scoped(Simulator.make(options))), (error) => error.message)
      assert.include(yield* message({ venue: { sweepPeriod: -1 } }), "sweepPeriod")
      assert.include(yield* message({ faults: ["drop-everything"] }), "drop-everything")
      assert.include(yield* message({ accounts: [] }), "there is none")
      assert.include(yield* message({ accounts: [{ uid: "1" }, { uid: "1" }] }), "the UID 1 is there twice")
      assert.include(
        yield* message({ link: { request: "slow" } }),
        'The option `link.request` of the simulator is "slow"; it must be a duration ("200ms") or one of uniform'
      )
      assert.include(yield* message({ link: { answer: { _tag: "Constant", millis: -1 } } }), "`link.answer`")
      assert.include(yield* message({ link: { answer: { _tag: "Constant", millis: Number.NaN } } }), "`link.answer`")
      assert.include(yield* message({ link: { request: { _tag: "Uniform", min: 2, max: 1 } } }), "at least 2ms")
      assert.include(yield* message({ venueOffset: Infinity }), "`venueOffset` of the simulator is Infinity")
      assert.include(yield* message({ venueOffset: "0.5 millis" }), '"0.5 millis"')
      assert.include(yield* message({ seed: 0.5 }), "`seed` of the simulator is 0.5")
      assert.include(yield* message({ journalSize: 0 }), "1 or more")
      const keys = [{ key: "shared", passphrase: "p", secret: "s" }]
      const twice = yield* message({
        accounts: [
          { uid: "1", keys },
          { uid: "2", keys }
        ]
      })
      assert.include(twice, "a key of account 2 is there twice")
      assert.notInclude(twice, "shared")

      const unknown = yield* Effect.flip(Simulator.openOrders("9"))
      assert.include(unknown.message, `no account "9"`)
      assert.include(unknown.message, Simulator.demoUid)
      const near = yield* Effect.flip(Simulator.openOrders(`${Simulator.demoUid}1`))
      assert.include(near.message, `did you mean \`${Simulator.demoUid}\`?`)
      yield* Simulator.placeOrder({ clientOid: "a" })
      const refused = yield* Effect.flip(Simulator.placeOrder({ clientOid: "a" }))
      assert.deepInclude(refused, { _tag: "ExchangeRefused", code: "25212" })
    }).pipe(Effect.provide(Simulator.layer()))
  )

  for (const traced of [true, false]) {
    it.effect(`its client behaves as those of platform, ${traced ? "with" : "without"} spans`, () =>
      Effect.gen(function* () {
        const time = HttpClientRequest.get("http://bitget.test/api/v2/public/time?x=1#y")
        const response = yield* HttpClient.execute(time)
        assert.strictEqual(response.status, 200)
        assert.strictEqual(response.headers["content-type"], "application/json")
        const text = yield* response.text
        assert.strictEqual(response.headers["content-length"], String(text.length))
        assert.deepStrictEqual(yield* response.json, JSON.parse(text))
        assert.strictEqual(new TextDecoder().decode(yield* response.arrayBuffer), text)
        assert.strictEqual(yield* Stream.mkString(Stream.decodeText(response.stream)), text)
        assert.include(JSON.stringify(response), `"status":200`)
        const filtered = yield* HttpClient.execute(HttpClientRequest.get("http://bitget.test/none")).pipe(
          Effect.flatMap(HttpClientResponse.filterStatusOk),
          Effect.flip
        )
        assert.deepInclude(filtered, { _tag: "ResponseError", reason: "StatusCode" })
        assert.deepInclude(yield* Effect.flip(HttpClient.get("http://[bad")), { reason: "InvalidUrl" })

        const { network } = yield* Simulator.Simulator
        for (const [fault, text, json, length] of [
          ["empty-body;times=1;endpoint=time", "", "null", "0"],
          // A truncated body announces no length, because a client that trusts it would wait for the rest.
          ["truncated-body;keep=10;times=1;endpoint=time", `{"code":"0`, "ResponseError", undefined]
        ] as const) {
          yield* network.addUntilRemoved(fault)
          const broken = yield* HttpClient.execute(time)
          assert.strictEqual(broken.headers["content-length"], length)
          assert.strictEqual(yield* broken.text, text)
          const read = yield* Effect.match(broken.json, { onFailure: (error) => error._tag, onSuccess: String })
          assert.strictEqual(read, json)
        }
        yield* network.addUntilRemoved("refuse-connection;times=1;endpoint=time")
        const refused = yield* Effect.flip(HttpClient.execute(time))
        assert.deepInclude(refused, { _tag: "RequestError", reason: "Transport" })

        const form = HttpClientRequest.bodyFormData(HttpClientRequest.post("http://bitget.test/"), new FormData())
        assert.deepInclude(yield* Effect.flip(HttpClient.execute(form)), { _tag: "RequestError", reason: "Encode" })
      }).pipe(Effect.withTracerEnabled(traced), Effect.provide(Simulator.layer()))
    )
  }

  it.effect("ends with its scope: no sleeper is left, and the streams end", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Simulator.make().pipe(Scope.extend(scope))
      const reader = yield* Simulator.events.pipe(Stream.runDrain, Effect.provide(context), Effect.fork)
      yield* Bot.setCountdown("5").pipe(Effect.provide(context))
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(reader)
      yield* TestClock.adjust("10 seconds")
    })
  )
})
