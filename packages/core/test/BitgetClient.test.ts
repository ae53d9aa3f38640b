import { assert, describe, it } from "@effect/vitest"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Crypto from "node:crypto"
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Countdown from "@effect-deadman/core/Countdown"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import type * as Credentials from "@effect-deadman/core/Credentials"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import * as VenueError from "@effect-deadman/core/VenueError"
import { type Arrived, canary, credentials, envelope, inMemory, stack, venueTime } from "./support/venue.js"

const isTime = (request: Arrived) => request.url.pathname.endsWith("/api/v2/public/time")

/** An exchange that records its requests, those for the time apart, and answers as given. */
const recording = (
  answer: (request: Arrived) => Effect.Effect<Response> | Response = () => Response.json(envelope("00000", "success"))
) => {
  const arrived: Array<Arrived> = []
  const times: Array<Arrived> = []
  const layer = inMemory((request) => {
    if (isTime(request)) {
      times.push(request)
      return Response.json(envelope("00000", { serverTime: "0" }))
    }
    arrived.push(request)
    return answer(request)
  })
  return { arrived, times, layer }
}

const set = (setting: Countdown.Setting) => Effect.flatMap(BitgetCountdown.make, (countdown) => countdown.set(setting))

const ten = Countdown.fromDuration("10 seconds").pipe((either) => {
  assert.strictEqual(either._tag, "Right")
  return either._tag === "Right" ? either.right : Countdown.off
})

const execute = <A, I>(request: BitgetClient.Request<A, I>) =>
  Effect.flatMap(BitgetClient.BitgetClient, (client) => client.execute(request))

const settings = { method: "GET", path: "/api/v3/account/settings", response: Schema.Unknown } as const

const hmac = (text: string) => Crypto.createHmac("sha256", canary.secretKey).update(text).digest("base64")

describe("BitgetClient", () => {
  it.effect("sends a countdown as the exchange's page describes it, signed over the bytes that are sent", () =>
    Effect.gen(function* () {
      const { arrived, layer } = recording()
      yield* Effect.all([set(ten), set(Countdown.off)]).pipe(Effect.provide(stack()), Effect.provide(layer))
      assert.deepStrictEqual(
        arrived.map((request) => request.body),
        ['{"countdown":"10"}', '{"countdown":"0"}']
      )
      for (const { body, headers, method, url } of arrived) {
        assert.strictEqual(method, "POST")
        assert.strictEqual(url.href, "http://127.0.0.1:9/api/v3/trade/countdown-cancel-all")
        assert.strictEqual(headers["access-key"], canary.apiKey)
        assert.strictEqual(headers["access-passphrase"], canary.passphrase)
        assert.strictEqual(headers["access-timestamp"], String(venueTime))
        assert.strictEqual(headers["access-sign"], hmac(`${venueTime}POST/api/v3/trade/countdown-cancel-all${body}`))
        assert.strictEqual(headers["content-type"], "application/json")
        assert.strictEqual(headers["locale"], "en-US")
        assert.notProperty(headers, "paptrading")
        assert.notProperty(headers, "traceparent")
      }
    }).pipe(Effect.withSpan("parent"))
  )

  it.effect("signs any query as it is sent, without the fields that are undefined", () =>
    Effect.gen(function* () {
      const { arrived, layer } = recording()
      const query = { symbol: "BTCUSDT", cursor: undefined, note: "a b&c=d'\"#?+/%ü*~" }
      yield* execute({ ...settings, query }).pipe(Effect.provide(stack()), Effect.provide(layer))
      const { headers, url } = arrived[0] ?? assert.fail("nothing arrived")
      assert.strictEqual(url.searchParams.get("note"), query.note)
      assert.isFalse(url.searchParams.has("cursor"))
      assert.strictEqual(headers["access-sign"], hmac(`${venueTime}GET/api/v3/account/settings${url.search}`))
    })
  )

  it.effect("a proxy's prefix is sent and not signed; demo trading, locale and extra headers are sent", () =>
    Effect.gen(function* () {
      const { arrived, layer, times } = recording()
      const options = {
        baseUrl: "http://localhost:9/venue/",
        demoTrading: true,
        locale: "de-DE",
        headers: { "x-proxy": "1", "access-key": "not this" }
      }
      yield* execute(settings).pipe(Effect.provide(stack(options)), Effect.provide(layer))
      const { headers, url } = arrived[0] ?? assert.fail("nothing arrived")
      assert.strictEqual(url.pathname, "/venue/api/v3/account/settings")
      assert.strictEqual(headers["access-sign"], hmac(`${venueTime}GET/api/v3/account/settings`))
      assert.include(headers, { paptrading: "1", locale: "de-DE", "x-proxy": "1", "access-key": canary.apiKey })
      assert.strictEqual(times[0]?.url.pathname, "/venue/api/v2/public/time")
    })
  )

  it.effect("an unsigned call holds nothing of the credentials and needs no clock", () =>
    Effect.gen(function* () {
      const { arrived, layer, times } = recording()
      yield* execute({ ...settings, signed: false }).pipe(Effect.provide(stack()), Effect.provide(layer))
      assert.isEmpty(times)
      assert.isEmpty(Object.keys(arrived[0]?.headers ?? { access: "" }).filter((name) => name.startsWith("access")))
    })
  )

  it.effect("decodes the data by its schema, and gives the exchange's stamps", () =>
    Effect.gen(function* () {
      const headers = { "X-BG-REQUEST-ACCEPT-TIME": "1728625799910", "X-BG-RESPONSE-COMPLETE-TIME": "1728625799915" }
      const data = { uid: "7", accountMode: "unified" }
      const { layer } = recording(() => Response.json(envelope("00000", data, 1_728_625_799_912), { headers }))
      const response = Schema.Struct({ uid: Schema.NumberFromString, accountMode: Schema.String })
      const answer = yield* execute({ ...settings, response }).pipe(Effect.provide(stack()), Effect.provide(layer))
      assert.deepStrictEqual(answer, {
        data: { uid: 7, accountMode: "unified" },
        httpStatus: 200,
        requestTime: 1_728_625_799_912,
        acceptedAt: 1_728_625_799_910,
        completedAt: 1_728_625_799_915
      })
      const error = yield* execute({ ...settings, response: Schema.Struct({ mode: Schema.String }) }).pipe(
        Effect.provide(stack()),
        Effect.provide(layer),
        Effect.flip
      )
      assert.deepInclude(error, { _tag: "UnreadableAnswer", reason: "unexpectedData", code: "00000" })
      assert.include(error.message, '["mode"]')
    })
  )

  it.effect("stamps that are not instants are left out and fail nothing", () =>
    Effect.gen(function* () {
      const headers = { "X-BG-REQUEST-ACCEPT-TIME": "soon", "X-BG-RESPONSE-COMPLETE-TIME": "-1" }
      const body = { code: "00000", msg: "success", requestTime: null, data: "success" }
      const { layer } = recording(() => Response.json(body, { headers }))
      const acknowledgement = yield* set(ten).pipe(Effect.provide(stack()), Effect.provide(layer))
      assert.deepStrictEqual(acknowledgement, {
        acceptedAt: undefined,
        completedAt: undefined,
        requestTime: undefined
      })
    })
  )

  const codes = [...VenueError.groups.flatMap((group) => group.codes), "99999"]
  for (const status of [200, 400]) {
    it.effect(`every code of the table ends in its class at HTTP ${status}`, () =>
      Effect.gen(function* () {
        for (const code of codes) {
          const { arrived, layer } = recording(() => Response.json(envelope(code), { status }))
          const error = yield* set(ten).pipe(Effect.provide(stack()), Effect.provide(layer), Effect.flip)
          const expected = VenueError.fromCode({
            code,
            venueMessage: "words",
            httpStatus: status,
            requestTime: venueTime
          })
          assert.deepStrictEqual({ ...error }, { ...expected })
          assert.strictEqual(error.message, expected.message)
          assert.lengthOf(arrived, 1, "a write is sent once")
        }
      })
    )
  }

  it.effect("a numeric code counts, and success with a failing status is contradictory", () =>
    Effect.gen(function* () {
      const numeric = recording(() => Response.json({ code: 429, msg: "Too Many Requests" }, { status: 429 }))
      const limited = yield* set(ten).pipe(Effect.provide(stack()), Effect.provide(numeric.layer), Effect.flip)
      assert.deepInclude(limited, { _tag: "RateLimited", code: "429", applied: "no" })
      const doubtful = recording(() => Response.json(envelope("00000", "success"), { status: 500 }))
      const error = yield* set(ten).pipe(Effect.provide(stack()), Effect.provide(doubtful.layer), Effect.flip)
      assert.deepInclude(error, { _tag: "UnreadableAnswer", reason: "contradictory", applied: "unknown" })
    })
  )

  it.effect("the code is read under an HttpClient that fails on statuses", () =>
    Effect.gen(function* () {
      const { layer } = recording(() => Response.json(envelope("40084"), { status: 400 }))
      const strict = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, HttpClient.filterStatusOk)
      ).pipe(Layer.provide(layer))
      const error = yield* set(ten).pipe(Effect.provide(stack()), Effect.provide(strict), Effect.flip)
      assert.strictEqual(error._tag, "NotUnifiedAccount")
    })
  )

  it.effect("after a refused timestamp the clock is synced at once; a GET is sent again, a write is not", () =>
    Effect.gen(function* () {
      let refusals = 1
      const { arrived, layer, times } = recording(() =>
        refusals-- > 0 ? Response.json(envelope("40008"), { status: 400 }) : Response.json(envelope("00000", "ok"))
      )
      yield* Effect.gen(function* () {
        const { data } = yield* execute(settings)
        assert.strictEqual(data, "ok")
        assert.lengthOf(arrived, 2)
        assert.lengthOf(times, 2)
        refusals = 1
        const error = yield* Effect.flip(set(ten))
        assert.deepInclude(error, { _tag: "TimestampRefused", applied: "no", retryable: true })
        assert.lengthOf(arrived, 3)
        assert.lengthOf(times, 3)
        refusals = 2
        assert.strictEqual((yield* Effect.flip(execute(settings)))._tag, "TimestampRefused")
        assert.lengthOf(arrived, 5, "one more attempt only")
      }).pipe(Effect.provide(stack()), Effect.provide(layer))
    })
  )

  it.effect("a refused timestamp is reported even when the sync after it times out", () =>
    Effect.gen(function* () {
      let times = 0
      const layer = inMemory((request) => {
        if (!isTime(request)) return Response.json(envelope("40008"), { status: 400 })
        return times++ === 0 ? Response.json(envelope("00000")) : Effect.never
      })
      const fiber = yield* Effect.fork(
        set(ten).pipe(Effect.provide(stack({ timeout: "2 seconds" })), Effect.provide(layer), Effect.flip)
      )
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "TimestampRefused", applied: "no" })
    })
  )

  it.live("a bound longer than any timer does not end the call at once", () =>
    Effect.gen(function* () {
      const { layer } = recording(() =>
        Effect.delay(
          Effect.sync(() => Response.json(envelope("00000"))),
          "20 millis"
        )
      )
      yield* set(ten).pipe(Effect.provide(stack({ timeout: "30 days" })), Effect.provide(layer))
    })
  )

  it.effect("when the exchange's time cannot be learnt nothing is sent, and the failure says so", () =>
    Effect.gen(function* () {
      const failing = (answer: () => Effect.Effect<Response> | Response) =>
        Effect.gen(function* () {
          const arrived: Array<Arrived> = []
          const layer = inMemory((request) => {
            if (isTime(request)) return answer()
            arrived.push(request)
            return Response.json(envelope("00000"))
          })
          const fiber = yield* Effect.fork(set(ten).pipe(Effect.provide(stack()), Effect.provide(layer), Effect.flip))
          yield* TestClock.adjust("5 seconds")
          const error = yield* Fiber.join(fiber)
          assert.isEmpty(arrived)
          assert.include(error, { applied: "no" })
          return error._tag
        })
      assert.strictEqual(yield* failing(() => Response.json(envelope("429"), { status: 429 })), "RateLimited")
      assert.strictEqual(yield* failing(() => new Response("<html>", { status: 502 })), "UnreadableAnswer")
      assert.strictEqual(yield* failing(() => Response.json({ code: "00000" })), "UnreadableAnswer")
      assert.strictEqual(yield* failing(() => Effect.never), "RequestTimeout")
    })
  )

  it.effect("the bound holds for an uninterruptible HttpClient inside an uninterruptible region", () =>
    Effect.gen(function* () {
      const layer = inMemory((request) =>
        isTime(request) ? Response.json(envelope("00000")) : Effect.uninterruptible(Effect.never)
      )
      const fiber = yield* set(ten).pipe(
        Effect.provide(stack({ timeout: "2 seconds" })),
        Effect.provide(layer),
        Effect.flip,
        Effect.uninterruptible,
        Effect.fork
      )
      yield* TestClock.adjust("1999 millis")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(fiber)
      assert.deepInclude(error, { _tag: "RequestTimeout", applied: "unknown", timeoutMillis: 2000 })
    })
  )

  it.effect("a transport failure proves that nothing was done only when there never was a connection", () =>
    Effect.gen(function* () {
      const system = (code: string, syscall = "connect") =>
        Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
      const below = (cause: unknown) => new TypeError("fetch failed", { cause })
      const cases: ReadonlyArray<readonly [cause: unknown, reason: string, applied: string, detail: string]> = [
        [system("ECONNREFUSED"), "refused", "no", "ECONNREFUSED"],
        [below(system("ECONNREFUSED")), "refused", "no", "ECONNREFUSED"],
        [below(below(system("ENETUNREACH"))), "refused", "no", "ENETUNREACH"],
        [new AggregateError([system("ECONNREFUSED"), system("EHOSTUNREACH")]), "refused", "no", "ECONNREFUSED"],
        [new AggregateError([system("ECONNREFUSED"), system("ETIMEDOUT")]), "lost", "unknown", "ECONNREFUSED"],
        [below(system("ENOTFOUND")), "unresolved", "no", "ENOTFOUND"],
        [system("EAI_AGAIN"), "unresolved", "no", "EAI_AGAIN"],
        [system("EHOSTUNREACH", "read"), "lost", "unknown", "EHOSTUNREACH"],
        [system("ECONNRESET"), "lost", "unknown", "ECONNRESET"],
        [below(system("UND_ERR_SOCKET")), "lost", "unknown", "UND_ERR_SOCKET"],
        [system("CERT_HAS_EXPIRED"), "lost", "unknown", "CERT_HAS_EXPIRED"],
        [
          new TypeError("NetworkError when attempting to fetch"),
          "lost",
          "unknown",
          "NetworkError when attempting to fetch"
        ],
        ["a string", "lost", "unknown", ""],
        [undefined, "lost", "unknown", ""]
      ]
      for (const [cause, reason, applied, detail] of cases) {
        const layer = Layer.succeed(
          HttpClient.HttpClient,
          HttpClient.make((request) =>
            request.method === "GET"
              ? Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(envelope("00000"))))
              : new HttpClientError.RequestError({ request, reason: "Transport", cause })
          )
        )
        const error = yield* set(ten).pipe(Effect.provide(stack()), Effect.provide(layer), Effect.flip)
        const expected: object = { _tag: "TransportFailure", reason, applied, detail, retryable: true }
        assert.deepInclude({ ...error } as object, expected)
      }
    })
  )

  it.effect("an interrupted call aborts its request", () =>
    Effect.gen(function* () {
      const signals: Array<AbortSignal> = []
      const layer = inMemory((request, signal) => {
        if (isTime(request)) return Response.json(envelope("00000"))
        signals.push(signal)
        return Effect.never
      })
      const fiber = yield* Effect.fork(set(ten).pipe(Effect.provide(stack()), Effect.provide(layer)))
      yield* TestClock.adjust("1 millis")
      assert.isFalse(signals[0]?.aborted)
      const exit = yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.isInterrupted(exit))
      yield* Effect.yieldNow()
      assert.isTrue(signals[0]?.aborted)
    })
  )

  it.effect("a base URL is https, or on the loopback host, or allowed", () =>
    Effect.gen(function* () {
      const build = (baseUrl: string, allowInsecureHttp = false) =>
        Layer.build(BitgetClient.layer({ baseUrl, allowInsecureHttp })).pipe(
          Effect.scoped,
          Effect.provide(Layer.merge(credentials, recording().layer)),
          Effect.map(() => "fine"),
          Effect.catchTag("InvalidBaseUrl", (error) => {
            assert.notInclude(error.message, "hidden")
            return Effect.succeed(error.reason)
          })
        )
      for (const good of [
        "https://api.bitget.com",
        "http://localhost",
        "http://127.0.0.1:80/",
        "http://[::1]:8080/x"
      ]) {
        assert.strictEqual(yield* build(good), "fine")
      }
      assert.strictEqual(yield* build("http://simulator:8080"), "plainHttp")
      assert.strictEqual(yield* build("http://127.0.0.1.example.com"), "plainHttp")
      assert.strictEqual(yield* build("http://simulator:8080", true), "fine")
      assert.strictEqual(yield* build("ftp://localhost"), "scheme")
      assert.strictEqual(yield* build("api.bitget.com"), "unparsable")
      assert.strictEqual(yield* build("https://user:hidden@api.bitget.com"), "userInfo")
      assert.strictEqual(yield* build("https://api.bitget.com?key=hidden"), "query")
    })
  )

  it.effect("constructors that do not read the configuration require a base URL, and without one send nothing", () =>
    Effect.gen(function* () {
      const { arrived, layer, times } = recording()
      const keys = { apiKey: Redacted.make("k"), passphrase: Redacted.make("p"), secretKey: Redacted.make("s") }
      const clock = ServerClock.layer({ baseUrl: "http://127.0.0.1:9" })
      const call = Effect.flatMap(BitgetClient.BitgetClient, (client) => client.execute(settings))
      type Surroundings = Credentials.Credentials | ServerClock.ServerClock | HttpClient.HttpClient | Scope.Scope
      const attempts: ReadonlyArray<Effect.Effect<unknown, unknown, Surroundings>> = [
        // @ts-expect-error the base URL is missing
        Effect.provide(call, BitgetClient.layer({ timeout: "2 seconds" })),
        // @ts-expect-error the base URL is missing
        Effect.flatMap(BitgetClient.make({ locale: "de-DE" }), (client) => client.execute(settings)),
        // @ts-expect-error the base URL is missing
        Effect.flatMap(ServerClock.make({}), (made) => made.sync),
        // @ts-expect-error the base URL is missing
        Effect.flatMap(BitgetCountdown.makeAccount(keys, {}), (countdown) => countdown.set(ten)),
        // @ts-expect-error the base URL is missing
        Effect.suspend(() => BitgetCountdown.makeAccount(keys))
      ]
      for (const attempt of attempts) {
        const exit = yield* attempt.pipe(
          Effect.scoped,
          Effect.provide(clock),
          Effect.provide(Layer.merge(credentials, layer)),
          Effect.exit
        )
        assert.isTrue(Exit.isFailure(exit))
      }
      assert.isEmpty([...arrived, ...times])
    })
  )

  it.effect("the countdown names the address of its calls, with the prefix of a proxy", () =>
    Effect.gen(function* () {
      const { layer } = recording()
      const { endpoint } = yield* Effect.provide(
        CountdownCancelAll.CountdownCancelAll,
        Layer.provide(stack({ baseUrl: "https://proxy.example/venue/" }), layer)
      )
      assert.strictEqual(endpoint, "https://proxy.example/venue")
    })
  )

  it.effect("takes its options from the environment", () =>
    Effect.gen(function* () {
      const { arrived, layer } = recording()
      const withEnv = (env: Record<string, string>) =>
        Effect.flatMap(BitgetClient.BitgetClient, (client) =>
          Effect.as(client.execute(settings), Duration.toMillis(client.timeout))
        ).pipe(
          Effect.provide(BitgetClient.layerConfig),
          Effect.provide(Layer.merge(credentials, layer)),
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env))))
        )
      assert.strictEqual(yield* withEnv({}), 5000)
      assert.strictEqual(arrived[0]?.url.origin, "https://api.bitget.com")
      const env = {
        BITGET_BASE_URL: "http://simulator:8080",
        BITGET_ALLOW_INSECURE_HTTP: "true",
        BITGET_DEMO_TRADING: "true",
        BITGET_LOCALE: "zh-CN",
        BITGET_TIMEOUT: "2 seconds"
      }
      assert.strictEqual(yield* withEnv(env), 2000)
      assert.strictEqual(arrived[1]?.url.origin, "http://simulator:8080")
      assert.include(arrived[1]?.headers, { paptrading: "1", locale: "zh-CN" })
      const error = yield* Effect.flip(withEnv({ BITGET_BASE_URL: "http://simulator:8080" }))
      assert.include(String(error), "BITGET_BASE_URL")
      for (const [name, value] of Object.entries(env)) {
        const quoted = yield* Effect.flip(withEnv({ ...env, [name]: `"${value}"` }))
        assert.include(String(quoted), name)
        assert.include(String(quoted), "it is enclosed in quotes", "as an env file keeps them")
      }
    })
  )
})
