// Metrics for Prometheus, traces by OTLP, logs as JSON. Alert on `deadman_slack_ms` (the time left when a beat is
// acknowledged, which shrinks long before anything fires) and on `deadman_state`.
// Run: `pnpm example observability`, then `curl localhost:9464/metrics`. Traces go to OTEL_EXPORTER_OTLP_ENDPOINT, if set.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Release from "@effect-deadman/core/Release"
import * as Metrics from "@effect/opentelemetry/Metrics"
import * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as OtlpTracer from "@effect/opentelemetry/OtlpTracer"
import * as Resource from "@effect/opentelemetry/Resource"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"

const serviceName = "my-bot"

/** Serves every metric of Effect, those of the heartbeat included, to each scrape. */
const metrics = Layer.unwrapEffect(
  Effect.gen(function* () {
    const port = yield* Config.withDefault(Config.port("METRICS_PORT"), 9464)
    const exporter = new PrometheusExporter({ port, host: "127.0.0.1", preventServerStart: true })
    // Started here, because the exporter does not report a port in use.
    yield* Effect.tryPromise(() => exporter.startServer())
    return Metrics.layer(() => exporter)
  })
).pipe(Layer.provide(Resource.layer({ serviceName })))

/** Exports a span for the arming, the release and each failed beat. Good beats make none. */
const traces = Layer.unwrapEffect(
  Effect.map(Config.option(Config.nonEmptyString("OTEL_EXPORTER_OTLP_ENDPOINT")), (endpoint) =>
    Option.match(endpoint, {
      onNone: () => Layer.empty,
      onSome: (url) => OtlpTracer.layer({ url: `${url}/v1/traces`, resource: { serviceName } })
    })
  )
).pipe(Layer.provide([FetchHttpClient.layer, OtlpSerialization.layerJson]))

const program = Effect.gen(function* () {
  const heartbeat = yield* Heartbeat.make({ countdown: "10 seconds", release: Release.cancelOnFailure })
  yield* heartbeat.guard(Effect.repeat(Effect.logInfo("trading, protected"), Schedule.spaced("5 seconds")))
}).pipe(Effect.scoped)

const exchange = BitgetCountdown.layer.pipe(
  Layer.provide(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

// The telemetry closes last, so that it exports the span of the release too.
program.pipe(
  Effect.provide(exchange),
  Effect.provide(Layer.mergeAll(metrics, traces, Logger.json)),
  NodeRuntime.runMain({ disablePrettyLogger: true })
)
