import * as AccountStore from "@effect-deadman/cluster/AccountStore"
import * as ClusterHeartbeats from "@effect-deadman/cluster/ClusterHeartbeats"
import type { ClusterStatus } from "@effect-deadman/cluster/ClusterStatus"
import * as Ownership from "@effect-deadman/cluster/Ownership"
import * as StatusApi from "@effect-deadman/cluster/StatusApi"
import * as Countdown from "@effect-deadman/core/Countdown"
import type { CountdownCancelAll } from "@effect-deadman/core/CountdownCancelAll"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as Schema from "effect/Schema"

const port = (account: string): CountdownCancelAll["Type"] => ({
  account,
  range: Countdown.range,
  pace: Duration.seconds(1),
  horizon: Effect.succeed(Duration.seconds(30)),
  set: () => Effect.map(Clock.currentTimeMillis, (at) => ({ acceptedAt: at, completedAt: at, requestTime: at }))
})

const healthy: ClusterStatus = {
  runner: "anna",
  at: 1_000,
  storeAge: 500,
  grace: 60_000,
  isOusted: false,
  waiting: 0,
  accounts: [
    {
      account: "MAIN",
      wanted: "protect",
      state: "Owned",
      since: 900,
      isMine: true,
      epoch: 3,
      owner: "anna",
      continuity: "Held",
      gap: 4_200,
      isWorking: true,
      heartbeat: undefined,
      failure: undefined
    }
  ]
}

/** Asks the API of a runner with this status. */
const get = (path: string, status: Partial<ClusterStatus> = {}) =>
  Effect.promise(async () => {
    const cluster = { status: Effect.succeed({ ...healthy, ...status }) } as ClusterHeartbeats.ClusterHeartbeats
    const { dispose, handler } = HttpApiBuilder.toWebHandler(
      Layer.mergeAll(
        Layer.provide(StatusApi.layer, Layer.succeed(ClusterHeartbeats.ClusterHeartbeats, cluster)),
        HttpServer.layerContext
      )
    )
    try {
      const answer = await handler(new Request(`http://localhost${path}`))
      return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() }
    } finally {
      await dispose()
    }
  })

describe("the statuses of a runner", () => {
  it.effect("a runner that works is healthy", () =>
    Effect.gen(function* () {
      const { status, text } = yield* get("/health")
      assert.strictEqual(status, 200)
      assert.deepInclude(JSON.parse(text), { _tag: "Healthy", runner: "anna", storeAge: 500 })
    })
  )

  it.effect("a runner without a store is healthy for `grace`, and 503 afterwards", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* get("/health", { storeAge: 60_000 })).status, 200)
      const { status, text } = yield* get("/health", { storeAge: 60_001 })
      assert.strictEqual(status, 503)
      assert.strictEqual(Schema.decodeUnknownSync(Schema.parseJson(StatusApi.Unhealthy))(text).storeAge, 60_001)
    })
  )

  it.effect("a runner whose name another process has taken is 503", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* get("/health", { isOusted: true })).status, 503)
    })
  )

  it.effect("the accounts are JSON", () =>
    Effect.gen(function* () {
      const { text } = yield* get("/accounts")
      const { accounts } = Schema.decodeUnknownSync(Schema.parseJson(StatusApi.Accounts))(text)
      assert.deepInclude(accounts[0], { account: "MAIN", state: "Owned", continuity: "Held", gap: 4_200 })
    })
  )

  it.effect("the metrics are the text that Prometheus reads, with escaped labels and cumulative buckets", () =>
    Effect.gen(function* () {
      const counter = Metric.counter("status_test_total", { description: "a\nb" })
      yield* Metric.update(Metric.tagged(counter, "who", 'a"b\\c\nd'), 2)
      const boundaries = MetricBoundaries.fromIterable([1, 10])
      const histogram = Metric.histogram("status-test_ms", boundaries)
      for (const value of [1, 5, 50]) yield* Metric.update(histogram, value)
      const { text, type } = yield* get("/metrics")
      assert.strictEqual(type, "text/plain; version=0.0.4; charset=utf-8")
      const lines = text.split("\n")
      for (const line of [
        "# HELP status_test_total a\\nb",
        "# TYPE status_test_total counter",
        'status_test_total{who="a\\"b\\\\c\\nd"} 2',
        "# TYPE status_test_ms histogram",
        'status_test_ms_bucket{le="1"} 1',
        'status_test_ms_bucket{le="10"} 2',
        'status_test_ms_bucket{le="+Inf"} 3',
        "status_test_ms_sum 56",
        "status_test_ms_count 3"
      ]) {
        assert.include(lines, line)
      }
    })
  )

  it.live("a runner counts its take-overs and its accounts by state", () =>
    Effect.gen(function* () {
      const working = yield* Deferred.make<void>()
      const cluster = yield* ClusterHeartbeats.make({
        lookup: (account) => Effect.succeed(port(account)),
        work: () => Effect.zipRight(Deferred.succeed(working, undefined), Effect.never)
      })
      yield* cluster.protect("COUNTED")
      yield* Deferred.await(working)
      const { text } = yield* Effect.repeat(Effect.delay(get("/metrics"), "100 millis"), {
        until: ({ text }) => text.includes('deadman_cluster_accounts{runner="meter",state="Owned"} 1')
      })
      assert.include(text, 'deadman_cluster_take_overs_total{runner="meter",continuity="First"} 1')
      assert.match(text, /deadman_cluster_lateness_ms_count\{runner="meter"\} \d/)
      assert.match(text, /deadman_cluster_store_age_ms\{runner="meter"\} \d/)
    }).pipe(
      Effect.scoped,
      Effect.provide([
        AccountStore.layerMemory,
        Layer.succeed(Ownership.Ownership, {
          runner: { name: "meter", boot: "1" },
          isMine: () => true,
          takeOverWithin: Duration.seconds(8)
        })
      ])
    )
  )
})
