import type * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as fc from "fast-check"
import * as Http from "node:http"
import type * as Net from "node:net"
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Countdown from "@effect-deadman/core/Countdown"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import * as Offset from "../src/internal/client/offset.js"
import { credentials, envelope, inMemory, stack } from "./support/venue.js"
import { size } from "./support/size.js"

/** The exchange's rule: a timestamp within 30 s of its clock. */
const judge = (now: number, timestamp: string | undefined, path: string) => {
  const isTime = path === "/api/v2/public/time"
  const good = isTime || Math.abs(Number(timestamp) - now) <= 30_000
  return good
    ? {
        status: 200,
        body: envelope("00000", isTime ? { serverTime: String(Math.floor(now)) } : "success", Math.floor(now))
      }
    : { status: 400, body: envelope("40008", null, Math.floor(now)) }
}

const set = Effect.flatMap(CountdownCancelAll.CountdownCancelAll, (countdown) => countdown.set(Countdown.off))

const get = Effect.flatMap(BitgetClient.BitgetClient, (client) =>
  client.execute({ method: "GET", path: "/api/v3/account/settings", response: Schema.Unknown })
)

/** An in-memory exchange, whose clock is a function of the test's clock. */
const venue = (clock: (mono: number) => number) => {
  const paths: Array<string> = []
  const layer = inMemory(({ headers, url }) =>
    Effect.map(Clock.currentTimeMillis, (mono) => {
      paths.push(url.pathname)
      const { body, status } = judge(clock(mono), headers["access-timestamp"], url.pathname)
      return Response.json(body, { status })
    })
  )
  const syncs = () => paths.filter((path) => path === "/api/v2/public/time").length
  return { paths, layer, syncs }
}

const hour = 3_600_000

describe("ServerClock", () => {
  it("an estimate holds the exchange's offset within its uncertainty under any delays", () => {
    const delay = fc.double({ min: 0, max: 2_000, noNaN: true })
    fc.assert(
      fc.property(
        fc.double({ min: 1e12, max: 2e12, noNaN: true }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        delay,
        delay,
        delay,
        fc.constantFrom("both", "bodyOnly"),
        (ahead, sentAt, there, busy, back, stamps) => {
          const acceptedAt = Math.floor(sentAt + there + ahead)
          const completedAt = Math.floor(sentAt + there + busy + ahead)
          const sample = {
            sentAt,
            receivedAt: sentAt + there + busy + back,
            acceptedAt: stamps === "both" ? acceptedAt : undefined,
            completedAt: stamps === "both" ? completedAt : undefined,
            requestTime: Math.floor(sentAt + there + busy / 2 + ahead)
          }
          const estimate = Offset.estimate(sample) ?? assert.fail("no estimate")
          // A float of this size is exact to a quarter of a microsecond.
          assert.isAtMost(Math.abs(estimate.ahead - ahead), estimate.half + 0.001)
          const round = there + busy + back
          assert.isAtMost(estimate.half, (round + 1 + round * Offset.drift) / 2 + 0.001)
        }
      ),
      { numRuns: 2000 }
    )
  })

  const step = fc.record({
    pause: fc.double({ min: 0, max: 3e6, noNaN: true }),
    there: fc.double({ min: 0, max: 1_000, noNaN: true }),
    back: fc.double({ min: 0, max: 1_000, noNaN: true })
  })
  const rate = fc.double({ min: -Offset.drift, max: Offset.drift, noNaN: true })
  const staysTrue = fc.property(rate, fc.array(step, { minLength: 1, maxLength: 50 }), (rate, steps) => {
    const venueAt = (mono: number) => 1.7e12 + mono * (1 + rate)
    let mono = 0
    let current: Offset.Estimate | undefined
    const holds = (estimate: Offset.Estimate) =>
      assert.isAtMost(Math.abs(mono + estimate.ahead - venueAt(mono)), Offset.uncertainty(estimate, mono) + 0.001)
    for (const { back, pause, there } of steps) {
      mono += pause
      if (current !== undefined) holds(current)
      const stamp = Math.floor(venueAt(mono + there))
      const receivedAt = mono + there + back
      const times = { acceptedAt: undefined, completedAt: undefined, requestTime: stamp }
      const next = Offset.estimate({ sentAt: mono, receivedAt, ...times }) ?? assert.fail("no estimate")
      mono = receivedAt
      holds(next)
      current = current === undefined ? next : Offset.surer(current, next)
      assert.isAtMost(Offset.uncertainty(current, mono), next.half, "never less sure than the last answer")
    }
  })

  it("the estimate stays true over any series of answers while the clocks drift apart by up to 200 millionths", () => {
    fc.assert(staysTrue, { numRuns: 1000 })
  })

  it("the drift within the round trip counts: the series of seed 33 stays true", () => {
    fc.assert(staysTrue, { numRuns: 1000, seed: 33 })
  })

  it("stamps that contradict the round trip or each other prove nothing", () => {
    const times = { sentAt: 0, receivedAt: 10, requestTime: undefined }
    assert.isUndefined(Offset.estimate({ ...times, acceptedAt: undefined, completedAt: undefined }))
    assert.isUndefined(Offset.estimate({ ...times, acceptedAt: 1000, completedAt: 2000 }))
    assert.isUndefined(Offset.estimate({ ...times, acceptedAt: 2000, completedAt: 1000 }))
    // At 1000 the first was not over yet, so no time at all is too short.
    const atOnce = { ...times, receivedAt: 0, acceptedAt: 1000 }
    assert.isUndefined(Offset.estimate({ ...atOnce, completedAt: 1001 }))
    assert.isDefined(Offset.estimate({ ...atOnce, completedAt: 1000 }))
    const estimate = Offset.estimate({ ...times, acceptedAt: 1000, completedAt: 2000, requestTime: 1000 })
    assert.approximately(estimate?.ahead ?? NaN, 995.5 + 0.001, 1e-9)
    assert.approximately(estimate?.half ?? NaN, 5.5 + 0.001, 1e-9)
  })

  it("the surer of two answers counts, an older one is less sure, and two that exclude each other do not agree", () => {
    const sure = { ahead: 1000, half: 5, at: 0 }
    const vague = (ahead: number, at: number) => ({ ahead, half: 500, at })
    assert.strictEqual(Offset.surer(sure, vague(1400, 1000)), sure)
    const later = vague(1400, 2_500_000)
    assert.strictEqual(Offset.surer(sure, later), later, "505 ms are not surer than 500 ms")
    const equal = { ...sure, ahead: 1001 }
    assert.strictEqual(Offset.surer(sure, equal), equal, "the newer of two equally sure ones")
    assert.isTrue(Offset.agree(sure, vague(1505, 0)))
    assert.isFalse(Offset.agree(sure, vague(1506, 0)))
    assert.isFalse(Offset.agree(sure, vague(494, 0)))
  })

  for (const [name, ahead] of [
    ["an hour ahead", hour],
    ["an hour behind", -hour],
    ["right", 0]
  ] as const) {
    it.live(`over real sockets, an exchange that is ${name} takes the first write, and the host's clock may jump`, () =>
      Effect.gen(function* () {
        const server = yield* Effect.acquireRelease(
          Effect.async<Http.Server>((resume) => {
            const server = Http.createServer((request, response) => {
              request.resume().on("end", () => {
                const timestamp = request.headers["access-timestamp"]
                const { body, status } = judge(Date.now() + ahead, String(timestamp), request.url ?? "")
                response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
              })
            }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
          }),
          (server) => Effect.sync(() => server.close())
        )
        const { port } = server.address() as Net.AddressInfo
        let wall = 0
        const live = Clock.make()
        const stepped: Clock.Clock = Object.assign(Object.create(live) as Clock.Clock, {
          currentTimeMillis: Effect.sync(() => Date.now() + wall),
          unsafeCurrentTimeMillis: () => Date.now() + wall
        })
        const program = Effect.gen(function* () {
          const clock = yield* ServerClock.ServerClock
          assert.isUndefined(yield* clock.offset)
          assert.isUndefined(yield* clock.uncertainty)
          yield* set
          const offset = (yield* clock.offset) ?? assert.fail("no offset")
          const unsure = (yield* clock.uncertainty) ?? assert.fail("no uncertainty")
          assert.isAtMost(Math.abs(offset - ahead), unsure + 5)
          wall = 12 * hour
          yield* set
          wall = -12 * hour
          yield* set
          assert.approximately((yield* clock.offset) ?? NaN, ahead + 12 * hour, unsure + 50)
        })
        yield* program.pipe(
          Effect.provide(stack({ baseUrl: `http://127.0.0.1:${port}` })),
          Effect.provide(NodeHttpClient.layer),
          Effect.withClock(stepped)
        )
      }).pipe(Effect.scoped)
    )
  }

  const hours = size(3, 24)
  for (const rate of [1.002, 0.998]) {
    it.effect(
      `an exchange clock at ${rate} times the host's is followed for ${hours} hours, and no call is refused`,
      () =>
        Effect.gen(function* () {
          const { layer, paths, syncs } = venue((mono) => 1.7e12 + mono * rate)
          yield* Effect.gen(function* () {
            for (let call = 0; call < hours * 6; call++) {
              yield* set
              yield* TestClock.adjust("10 minutes")
            }
          }).pipe(Effect.provide(stack()), Effect.provide(layer))
          assert.lengthOf(paths, hours * 6 + syncs())
          assert.isAtMost(syncs(), hours * 6, "one per contradiction")
        })
    )
  }

  const noon = 1.7e12

  /**
   * An exchange whose clock is noon plus the test's clock, with the test's answers to writes and to requests for the
   * time.
   */
  const clockUnder = (answer: (now: number) => object, time: (now: number) => object = (now) => timeAt(now, now)) => {
    const signedAt: Array<number> = []
    let syncs = 0
    const layer = inMemory(({ headers, url }) =>
      Effect.map(Clock.currentTimeMillis, (mono) => {
        if (url.pathname === "/api/v2/public/time") {
          syncs += 1
          return Response.json(time(noon + mono))
        }
        signedAt.push(Number(headers["access-timestamp"]) - mono)
        return Response.json(answer(noon + mono))
      })
    )
    return { layer, signedAt, syncs: () => syncs }
  }
  const timeAt = (serverTime: number, requestTime: number) =>
    envelope("00000", { serverTime: String(serverTime) }, requestTime)

  it.effect("the time is data.serverTime, under any stamps", () =>
    Effect.gen(function* () {
      for (const requestTime of [0, 1, 1000, noon / 1000, noon + hour]) {
        const { layer, signedAt } = clockUnder(
          (now) => envelope("00000", "success", now),
          (now) => timeAt(now, requestTime)
        )
        yield* Effect.provide(set, stack()).pipe(Effect.provide(layer))
        assert.deepStrictEqual(signedAt, [noon], String(requestTime))
      }
    })
  )

  it.effect("the stamps give the time where data.serverTime is missing or not an instant", () =>
    Effect.gen(function* () {
      for (const data of [null, "success", {}, { serverTime: "0" }, { serverTime: "soon" }, { serverTime: -1 }]) {
        const { layer, signedAt } = clockUnder(
          (now) => envelope("00000", "success", now),
          (now) => envelope("00000", data, now)
        )
        yield* Effect.provide(set, stack()).pipe(Effect.provide(layer))
        assert.deepStrictEqual(signedAt, [noon], JSON.stringify(data))
      }
    })
  )

  it.effect(
    "one answer with an absurd stamp between good ones changes no signature, and starts a sync unless the stamp is zero",
    () =>
      Effect.gen(function* () {
        for (const [requestTime, expected] of [
          [0, 1],
          [1, 2],
          [noon / 1000, 2],
          [noon + 60_000, 2],
          [9e14, 2]
        ] as const) {
          let stamp: number | undefined
          const { layer, signedAt, syncs } = clockUnder((now) =>
            envelope(stamp === undefined ? "00000" : "45001", null, stamp ?? now)
          )
          yield* Effect.gen(function* () {
            yield* set
            stamp = requestTime
            assert.strictEqual((yield* Effect.flip(set))._tag, "OutcomeUnknown")
            stamp = undefined
            yield* set
            yield* TestClock.adjust("3 seconds")
            yield* set
          }).pipe(Effect.provide(stack()), Effect.provide(layer))
          assert.deepStrictEqual(signedAt, [noon, noon, noon, noon], String(requestTime))
          assert.strictEqual(syncs(), expected, String(requestTime))
        }
      })
  )

  it.effect("an exchange with only absurd stamps is asked for the time once a second at most", () =>
    Effect.gen(function* () {
      const { layer, signedAt, syncs } = clockUnder(() => envelope("00000", null, 1000))
      yield* Effect.gen(function* () {
        for (let call = 0; call < 100; call++) {
          yield* set
          yield* TestClock.adjust("100 millis")
        }
      }).pipe(Effect.provide(stack()), Effect.provide(layer))
      assert.deepStrictEqual(new Set(signedAt), new Set([noon]))
      assert.strictEqual(syncs(), 1 + 10)
    })
  )

  it.effect("an exchange clock that jumps by less than 30 s is learnt by the sync that its stamps start", () =>
    Effect.gen(function* () {
      let ahead = 0
      const { layer, signedAt } = clockUnder(
        (now) => envelope("00000", null, now + ahead),
        (now) => timeAt(now + ahead, now + ahead)
      )
      yield* Effect.gen(function* () {
        yield* set
        ahead = 20_000
        yield* set
        yield* TestClock.adjust("3 seconds")
        yield* set
      }).pipe(Effect.provide(stack()), Effect.provide(layer))
      assert.deepStrictEqual(signedAt, [noon, noon, noon + 20_000])
    })
  )

  it.effect("a sync in the background delays no call, and ends with the clock's scope", () =>
    Effect.gen(function* () {
      const asked: Array<AbortSignal> = []
      const layer = inMemory(({ url }, signal) => {
        if (url.pathname !== "/api/v2/public/time") return Response.json(envelope("00000", null, noon))
        asked.push(signal)
        return asked.length === 1 ? Response.json(timeAt(noon + hour, noon + hour)) : Effect.never
      })
      yield* Effect.zipRight(set, set).pipe(
        Effect.zipLeft(TestClock.adjust("1 millis")),
        Effect.provide(stack()),
        Effect.provide(layer)
      )
      assert.lengthOf(asked, 2)
      yield* Effect.yieldNow()
      assert.isTrue(asked[1]?.aborted)
    })
  )

  it.effect("an exchange clock that jumps is learnt from the refusal: reads work at once, a write the next time", () =>
    Effect.gen(function* () {
      let ahead = 0
      const { layer, syncs } = venue((mono) => 1.7e12 + mono + ahead)
      yield* Effect.gen(function* () {
        yield* set
        ahead = 60_000
        yield* TestClock.adjust("1 second")
        yield* get
        assert.strictEqual(syncs(), 2)
        ahead = -hour
        yield* TestClock.adjust("1 second")
        assert.deepInclude(yield* Effect.flip(set), { _tag: "TimestampRefused", applied: "no", retryable: true })
        yield* set
        assert.strictEqual(syncs(), 3)
      }).pipe(Effect.provide(stack()), Effect.provide(layer))
    })
  )

  it.effect(
    "the uncertainty grows with age, and the horizon of a write is 30 s plus the uncertainty, on a clock that drifts",
    () =>
      Effect.gen(function* () {
        const { layer } = venue((mono) => 1.7e12 + mono)
        yield* Effect.gen(function* () {
          const clock = yield* ServerClock.ServerClock
          const countdown = yield* CountdownCancelAll.CountdownCancelAll
          assert.strictEqual(Duration.toMillis(yield* countdown.horizon), 40_008, "a call may ask for the time first")
          yield* clock.sync
          assert.approximately((yield* clock.uncertainty) ?? NaN, 0.5, 1e-3)
          assert.approximately(Duration.toMillis(yield* countdown.horizon), 30_006.5, 1e-3)
          yield* TestClock.adjust("10000 seconds")
          assert.approximately((yield* clock.uncertainty) ?? NaN, 2000.5, 1e-3)
          assert.approximately(Duration.toMillis(yield* countdown.horizon), 32_006.9, 1e-3)
        }).pipe(Effect.provide(stack()), Effect.provide(layer))
      })
  )

  it.effect("concurrent first callers share one request, and interrupting some of them does not end it", () =>
    Effect.gen(function* () {
      const signals: Array<AbortSignal> = []
      const slow = inMemory((_, signal) => {
        signals.push(signal)
        return Effect.delay(
          Effect.sync(() => Response.json(envelope("00000", null))),
          "1 second"
        )
      })
      yield* Effect.gen(function* () {
        const clock = yield* ServerClock.ServerClock
        const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.fork(clock.now))
        yield* TestClock.adjust("500 millis")
        for (const fiber of fibers.slice(0, 99)) yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("500 millis")
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(fibers[99] ?? fibers[0] ?? assert.fail())))
        assert.lengthOf(signals, 1)
      }).pipe(Effect.provide(ServerClock.layer({ baseUrl: "http://localhost" })), Effect.provide(slow))
    })
  )

  it.effect("interrupting all callers aborts the request, and the next caller sends a new one", () =>
    Effect.gen(function* () {
      const signals: Array<AbortSignal> = []
      let hang = true
      const first: Layer.Layer<HttpClient.HttpClient> = inMemory((_, signal) => {
        signals.push(signal)
        return hang ? Effect.never : Response.json(envelope("00000", null))
      })
      yield* Effect.gen(function* () {
        const clock = yield* ServerClock.ServerClock
        const fibers = yield* Effect.forEach(Array.from({ length: 3 }), () => Effect.fork(clock.now))
        yield* TestClock.adjust("1 millis")
        yield* Effect.forEach(fibers, Fiber.interrupt)
        yield* TestClock.adjust("1 millis")
        assert.isTrue(signals[0]?.aborted)
        hang = false
        yield* clock.now
        assert.lengthOf(signals, 2)
      }).pipe(Effect.provide(ServerClock.layer({ baseUrl: "http://localhost" })), Effect.provide(first))
    })
  )

  it.effect("the clients of many accounts share one clock", () =>
    Effect.gen(function* () {
      const { layer, syncs } = venue((mono) => 1.7e12 + mono)
      const options = { baseUrl: "http://localhost" }
      const account = Layer.provide(
        BitgetCountdown.layer,
        Layer.provide(BitgetClient.layerSharedClock(options), credentials)
      )
      yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.provide(set, Layer.fresh(account)), {
        concurrency: "unbounded"
      }).pipe(Effect.provide(ServerClock.layer(options)), Effect.provide(layer))
      assert.strictEqual(syncs(), 1)
    })
  )
})
