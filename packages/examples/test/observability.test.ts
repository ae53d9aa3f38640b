/** The template's metrics, traces and logs, and the secrets that none of them contains. */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { until } from "../../core/test/support/patience.js"
import { own } from "./support/journal.js"
import * as Template from "./support/template.js"

/** A server that keeps the bodies that it receives. */
const collector = Effect.acquireRelease(
  Effect.async<{ server: Http.Server; port: number; received: Array<string> }>((resume) => {
    const received: Array<string> = []
    const server = Http.createServer((request, response) => {
      let body = ""
      request.setEncoding("utf8").on("data", (text) => (body += text))
      request.on("end", () => {
        received.push(body)
        response.setHeader("content-type", "application/json").end("{}")
      })
    })
    server.listen(0, "127.0.0.1", () => {
      resume(Effect.succeed({ server, port: (server.address() as AddressInfo).port, received }))
    })
  }),
  ({ server }) =>
    Effect.sync(() => {
      server.closeAllConnections()
      server.close()
    })
)

/** A port that is free at the call. */
const freePort = Effect.map(Effect.scoped(collector), ({ port }) => port)

describe("observability", () => {
  it.live("slack and state are in the metrics, arming and release in the traces, and no secret is anywhere", () =>
    Effect.gen(function* () {
      const { port: collectorPort, received } = yield* collector
      const port = yield* freePort
      const template = yield* Template.start("observability.js", {
        env: { METRICS_PORT: String(port), OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collectorPort}` }
      })
      const scrape = Effect.promise(() =>
        fetch(`http://127.0.0.1:${port}/metrics`).then(
          (response) => response.text(),
          () => ""
        )
      )
      yield* until(
        "a beat in the metrics",
        Effect.map(scrape, (text) => /^deadman_slack_ms_count\{.*\} [1-9]/m.test(text))
      )
      const text = yield* scrape
      assert.match(text, /^deadman_state\{.*account="default".*\} 0$/m)
      assert.match(text, /^deadman_beats_total\{.*outcome="acknowledged".*\} [1-9]/m)
      assert.match(text, /^deadman_slack_ms_bucket\{.*le="10000".*\} [1-9]/m)

      const { network } = yield* Simulator.Simulator
      yield* network.addUntilRemoved("rate-limit;times=1;endpoint=countdown-cancel-all")
      yield* until(
        "a failed beat in the metrics",
        Effect.map(scrape, (text) => /^deadman_beats_total\{.*outcome="RateLimited".*\} 1/m.test(text))
      )
      yield* template.kill("SIGTERM")
      assert.strictEqual(yield* template.ended, "exit code 0", template.text())

      const traces = received.join("\n")
      for (const span of ["deadman.arm", "deadman.beat", "deadman.release"]) assert.include(traces, `"name":"${span}"`)
      const logs = template.text().split("\n")
      for (const line of logs) assert.property(JSON.parse(line), "message")
      assert.isTrue(logs.some((line) => /released(: Disarmed|, but the disarm is unconfirmed)/.test(line)))

      const { key, passphrase, secret } = Exchange.testKey(Template.uid)
      for (const secretValue of [key, passphrase, secret ?? key]) {
        for (const output of [text, traces, template.text()]) assert.notInclude(output, secretValue)
      }
    }).pipe(Effect.scoped, Effect.provide(Template.exchange))
  )

  it.live("a metrics port in use ends it before the arming", () =>
    Effect.gen(function* () {
      const { port } = yield* collector
      const template = yield* Template.start("observability.js", { env: { METRICS_PORT: String(port) } })
      assert.strictEqual(yield* template.ended, "exit code 1", template.text())
      assert.include(template.text(), "EADDRINUSE")
      assert.lengthOf(yield* own(Template.uid, "Switch"), 0)
    }).pipe(Effect.scoped, Effect.provide(Template.exchange))
  )
})
