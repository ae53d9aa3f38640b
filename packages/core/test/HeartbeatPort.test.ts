/** The port of another exchange: its own range, pace and error. Nothing in the heartbeat knows Bitget. */
import { assert, describe, it } from "@effect/vitest"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { CountdownFailed } from "@effect-deadman/core/HeartbeatError"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Release from "@effect-deadman/core/Release"
import type * as Clock from "effect/Clock"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import { collecting, inWorld } from "./support/port.js"
import * as World from "./support/world.js"

// The code of the recipes, word for word.
class OtherFailed extends Schema.TaggedError<OtherFailed>()("OtherFailed", {
  message: Schema.String,
  applied: Schema.Literal("no", "unknown"), // "no" only where the exchange surely did nothing
  retryable: Schema.Boolean,
  httpStatus: Schema.optional(Schema.Number) // absent when no answer came
}) {}

const Answer = Schema.Struct({ error: Schema.optional(Schema.String), time: Schema.Number })

const otherExchange = Layer.effect(
  CountdownCancelAll.CountdownCancelAll,
  Effect.map(HttpClient.HttpClient, (http) => {
    const endpoint = "https://other.example"
    const set = Effect.fnUntraced(
      function* (setting: CountdownCancelAll.Setting) {
        const body = HttpBody.unsafeJson({ seconds: setting === "off" ? 0 : setting })
        const response = yield* http.post(`${endpoint}/deadman`, { body })
        const answer = yield* HttpClientResponse.schemaBodyJson(Answer)(response)
        return { ...answer, status: response.status }
      },
      Effect.mapError(({ message }) => new OtherFailed({ message, applied: "unknown", retryable: true })),
      Effect.filterOrFail(
        ({ error }) => error === undefined,
        ({ error, status }) =>
          new OtherFailed({
            message: `${error}`,
            applied: status < 500 ? "no" : "unknown",
            retryable: status === 429 || status >= 500,
            httpStatus: status
          })
      ),
      // By the exchange's clock: what it can prove after a gap.
      Effect.map(({ time }) => ({ acceptedAt: time, completedAt: time, requestTime: time }))
    )
    return {
      account: "other-1",
      endpoint,
      set,
      range: { min: 10, max: 120 }, // whole seconds
      pace: Duration.seconds(2), // from one write of the account to the next
      horizon: Effect.succeed(Duration.seconds(5)) // how long a delayed request is still accepted
    }
  })
)
// Up to here.

type Reply = "good" | "lost" | "locked"

/** That exchange: a switch of 0 or 10 to 120 s, one write every 2 s, and the fate of its answers. */
const exchange = (reply: (n: number) => Reply) => {
  const writes: Array<readonly [at: number, seconds: number, status: number]> = []
  let deadline = Infinity
  const client = HttpClient.make((request, _url, _signal) =>
    Effect.delay(
      Effect.flatMap(Effect.clock, (clock: Clock.Clock) => {
        const now = clock.unsafeCurrentTimeMillis()
        const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
        const { seconds } = JSON.parse(body) as { readonly seconds: number }
        const last = writes.at(-1)
        const kind = reply(writes.length)
        const [status, error] =
          kind === "locked"
            ? [403, "The key is locked"]
            : seconds !== 0 && !(Number.isInteger(seconds) && seconds >= 10 && seconds <= 120)
              ? [400, "0 or 10 to 120"]
              : last !== undefined && now - last[0] < 2_000
                ? [429, "Too fast"]
                : [200, undefined]
        writes.push([now, seconds, status as number])
        if (status === 200) deadline = seconds === 0 ? Infinity : now + 1_000 * seconds
        // Not a web `Response`, because a promise reads its body, outside of virtual time.
        const response = { status, headers: {}, json: Effect.succeed({ error, time: now }) }
        return kind === "lost"
          ? Effect.never
          : Effect.succeed(response as unknown as HttpClientResponse.HttpClientResponse)
      }),
      50
    )
  )
  return { client, writes, isArmedAt: (now: number) => deadline !== Infinity && now < deadline }
}

const served = (
  { client }: ReturnType<typeof exchange>,
  effect: Effect.Effect<void, unknown, CountdownCancelAll.CountdownCancelAll | Scope.Scope>,
  logger = collecting().logger
) => {
  // Its layer takes the place of the client that the world provides.
  const over = Layer.provide(otherExchange, Layer.succeed(HttpClient.HttpClient, client))
  inWorld(undefined as never, Effect.provide(effect, over) as Effect.Effect<void, unknown, Scope.Scope>, logger)
}

const options = { countdown: "30 seconds" } as const

describe("the heartbeat over another exchange", () => {
  it("runs over the code that the recipe shows", () => {
    const [, code] =
      /word for word\.\n([^]*?)\n\/\/ Up to here/.exec(Fs.readFileSync(import.meta.filename, "utf8")) ?? []
    const recipes = Fs.readFileSync(new URL("../docs/recipes.md", import.meta.url), "utf8")
    assert.isTrue(code !== undefined && recipes.includes(code))
  })

  it("arms, beats at its own pace, and disarms", () => {
    const other = exchange(() => "good")
    const { lines, logger } = collecting()
    served(
      other,
      Effect.gen(function* () {
        const { close, heartbeat } = yield* World.open(options)
        yield* Effect.sleep("20 seconds")
        yield* heartbeat.beat
        yield* Effect.flip(heartbeat.ensureArmed({ margin: "31 seconds" }))
        // Two manual beats in a row, and the release: 2 s after the answer of the one before.
        yield* heartbeat.beat
        yield* close
        const status = yield* heartbeat.status
        assert.strictEqual(status._tag === "Released" && status.outcome._tag, "Disarmed")
        assert.isFalse(other.isArmedAt(status.at))
      }),
      logger
    )
    assert.deepStrictEqual(other.writes, [
      [50, 30, 200],
      [9_050, 30, 200],
      [18_050, 30, 200],
      [20_100, 30, 200],
      [22_150, 30, 200],
      [24_200, 0, 200]
    ])
    assert.deepStrictEqual(lines, [
      "INFO armed: 30 s, account other-1, https://other.example",
      "INFO released: Disarmed"
    ])
  })

  it("respects its countdowns: 120 s is fine, 5 s is refused before anything is sent", () => {
    const other = exchange(() => "good")
    served(
      other,
      Effect.gen(function* () {
        const refused = yield* Effect.flip(World.open({ countdown: "5 seconds" }))
        assert.strictEqual(refused._tag, "InvalidOptions")
        assert.match(refused.message, /10 s <= countdown <= 120 s/)
        assert.isEmpty(other.writes)
        const { close } = yield* World.open({ countdown: "2 minutes" })
        yield* close
      })
    )
    assert.deepStrictEqual(
      other.writes.map(([, seconds]) => seconds),
      [120, 0]
    )
  })

  it("cancels soon by the shortest countdown of that exchange", () => {
    const other = exchange(() => "good")
    served(
      other,
      Effect.gen(function* () {
        const { heartbeat, scope } = yield* World.open({ ...options, release: Release.cancelOnFailure })
        yield* Effect.sleep("4 seconds")
        yield* Scope.close(scope, Exit.fail("failure"))
        const status = yield* heartbeat.status
        assert.strictEqual(status._tag === "Released" && status.outcome._tag, "CancellingSoon")
      })
    )
    assert.deepStrictEqual(
      other.writes.map(([, seconds]) => seconds),
      [30, 10]
    )
  })

  it("fails to arm with that exchange's own error, within a neutral one", () => {
    const other = exchange(() => "locked")
    served(
      other,
      Effect.gen(function* () {
        const error = yield* Effect.flip(World.open(options))
        assert(error instanceof CountdownFailed)
        assert.deepStrictEqual(
          [error.reason, error.applied, error.retryable, error.httpStatus, error.message],
          ["OtherFailed", "no", false, 403, "OtherFailed: The key is locked"]
        )
        assert.instanceOf(error.cause, OtherFailed)
      })
    )
    assert.lengthOf(other.writes, 1)
  })

  it("is lost by its refusal, with the time left, and counts it under its own tag", () => {
    const other = exchange((n) => (n === 2 ? "locked" : "good"))
    served(
      other,
      Effect.gen(function* () {
        const { close, heartbeat } = yield* World.open(options)
        const error = yield* Effect.flip(heartbeat.awaitLost)
        assert.deepStrictEqual([error.reason, error.cause?._tag], ["Refused", "CountdownFailed"])
        assert.match(error.message, /cancels all orders in 20\.9 s.*OtherFailed: The key is locked/)
        yield* close
        const status = yield* heartbeat.status
        assert.strictEqual(status._tag === "Released" && status.outcome._tag, "Expiring")
      })
    )
    const counted = Metric.unsafeSnapshot().some(
      ({ metricKey }) =>
        metricKey.name === "deadman_beats_total" &&
        metricKey.tags.some(({ value }) => value === "other-1") &&
        metricKey.tags.some(({ value }) => value === "OtherFailed")
    )
    assert.isTrue(counted)
    assert.lengthOf(other.writes, 3, "no 0")
  })

  it("tries again where it can: at the pace after an answer, after the sending without one, and respects the horizon", () => {
    const other = exchange((n) => (n === 1 || n === 2 ? "lost" : "good"))
    served(
      other,
      Effect.gen(function* () {
        const { close, heartbeat } = yield* World.open({ ...options, requestTimeout: "1 second" })
        yield* Effect.sleep("11500 millis")
        const status = yield* heartbeat.status
        assert.strictEqual(status._tag, "Jeopardy")
        // Sent at 11 s, acceptable for 5 s, then 30 s, and the latency of the trigger.
        assert.strictEqual(status._tag === "Jeopardy" && status.latestFire, 11_000 + 5_000 + 30_000 + 1_000)
        yield* Effect.sleep("2 seconds")
        assert.strictEqual((yield* heartbeat.status)._tag, "Armed")
        yield* close
      })
    )
    assert.deepStrictEqual(other.writes.map(([at]) => at).slice(0, 4), [50, 9_050, 11_050, 13_050])
  })

  it("accepts a code that is not text, and treats a failure that is not the port's as a defect", () => {
    const failing = (failure: unknown) => {
      const error: { cause?: unknown } = {}
      inWorld(
        {
          account: "careless",
          range: { min: 10, max: 120 },
          pace: Duration.seconds(2),
          horizon: Effect.succeed(Duration.seconds(5)),
          set: () => Effect.fail(failure as CountdownCancelAll.CountdownError)
        },
        Effect.map(Effect.exit(Effect.scoped(Heartbeat.make())), (exit) => void (error.cause = exit))
      )
      return error.cause as Exit.Exit<never, { readonly _tag: string; readonly code: unknown }>
    }
    const numbered = { _tag: "Refused", message: "no", applied: "no", retryable: false, code: -1021 }
    const exit = failing(numbered)
    assert(Exit.isFailure(exit) && exit.cause._tag === "Fail")
    assert.deepStrictEqual([exit.cause.error._tag, exit.cause.error.code], ["CountdownFailed", -1021])
    for (const none of [undefined, "text", { ...numbered, applied: "maybe" }, new Error("bug")]) {
      const exit = failing(none)
      assert.isTrue(Exit.isFailure(exit) && exit.cause._tag === "Die", String(none))
    }
  })
})
