import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import * as Http from "node:http"
import type * as Net from "node:net"
import { inspect } from "node:util"
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as Countdown from "@effect-deadman/core/Countdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as VenueError from "@effect-deadman/core/VenueError"
import { canary, credentials, envelope, stack } from "./support/venue.js"

/** Collects all output, and the secrets that must not be in it. */
const listener = () => {
  const heard: Array<string> = []
  const secrets = new Set<string>(Object.values(canary))
  const show = (value: unknown) =>
    inspect(value, { depth: 20, showHidden: true, getters: true, maxStringLength: null, maxArrayLength: null })
  const hear = (...values: ReadonlyArray<unknown>) => {
    for (const value of values) {
      heard.push(show(value))
      for (const print of [String, JSON.stringify, Inspectable.toStringUnknown]) {
        // Some values have no such form.
        const printed = Either.getOrUndefined(Either.try(() => print(value)))
        if (printed !== undefined) heard.push(printed)
      }
      if (value instanceof Error) heard.push(value.stack ?? "", value.message)
      if (Cause.isCause(value)) heard.push(Cause.pretty(value, { renderErrorCause: true }))
    }
  }
  const assertSilent = (where: string, from = 0) => {
    const all = heard.slice(from).join("\n")
    for (const secret of secrets) {
      const forms = [secret, Buffer.from(secret).toString("base64").replace(/=+$/, ""), encodeURIComponent(secret)]
      for (const form of forms) {
        const at = all.indexOf(form)
        if (at >= 0) assert.fail(`${where}: a secret leaked: ...${all.slice(Math.max(0, at - 200), at + 60)}...`)
      }
    }
  }
  return { heard, secrets, hear, assertSilent }
}

type Listener = ReturnType<typeof listener>

/** Loggers of every kind at once, which write to the listener. */
const loggers = ({ hear }: Listener) => {
  const write = (logger: Logger.Logger<unknown, unknown>) => Logger.map(logger, (output) => hear(output))
  return Layer.mergeAll(
    Logger.add(write(Logger.stringLogger)),
    Logger.add(write(Logger.logfmtLogger)),
    Logger.add(write(Logger.jsonLogger)),
    Logger.add(write(Logger.structuredLogger)),
    Logger.add(write(Logger.make(({ annotations, cause, message }) => [message, cause, [...annotations]]))),
    Logger.remove(Logger.defaultLogger),
    Logger.minimumLogLevel(LogLevel.All)
  )
}

const tracer = ({ hear }: Listener) =>
  Layer.setTracer(
    Tracer.make({
      span: (name, parent, context, links, startTime, kind) => {
        hear(name)
        const attributes = new Map<string, unknown>()
        return {
          _tag: "Span",
          spanId: name,
          traceId: "trace",
          sampled: true,
          status: { _tag: "Started", startTime },
          name,
          parent,
          context,
          links,
          kind,
          attributes,
          attribute: (key, value) => hear(key, value),
          event: (event, _, fields) => hear(event, fields),
          addLinks: (more) => hear(more),
          end: (_, exit) => hear(exit, Exit.isFailure(exit) ? exit.cause : undefined)
        }
      },
      context: (f) => f()
    })
  )

/**
 * A peer that echoes key, passphrase and signature in every part of its answer, and adds the signature to the secrets.
 */
const echo = (secrets: Set<string>, behaviour: { current: string }) =>
  Effect.acquireRelease(
    Effect.async<Http.Server>((resume) => {
      const server = Http.createServer((request, response) => {
        request.resume().on("end", () => {
          if (request.url === "/api/v2/public/time") {
            response.end(JSON.stringify(envelope("00000", null, Date.now())))
            return
          }
          const { headers } = request
          const [key, phrase, sign] = [headers["access-key"], headers["access-passphrase"], headers["access-sign"]]
          secrets.add(String(sign))
          const echoed = `key ${String(key)} passphrase ${String(phrase)} sign ${String(sign)}`
          switch (behaviour.current) {
            case "reset":
              return request.socket.resetAndDestroy()
            case "silent":
              return
            case "html":
              return response.writeHead(502, { "content-type": echoed }).end(`<html>${echoed}</html>`)
            case "json":
              return response.writeHead(500).end(JSON.stringify({ message: echoed }).replaceAll("/", "\\/"))
            case "code":
              return response.end(JSON.stringify({ ...envelope(echoed), msg: echoed }))
            case "good":
              return response.end(JSON.stringify(envelope("00000", { [echoed]: echoed })))
            default:
              return response.writeHead(400).end(JSON.stringify({ ...envelope(behaviour.current), msg: echoed }))
          }
        })
      }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )

/**
 * An HTTP client that logs its requests and failures. Not its answers, because only the caller can redact an echo
 * there.
 */
const logging = (layer: Layer.Layer<HttpClient.HttpClient>) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) =>
      client.pipe(
        HttpClient.tapRequest((request) => Effect.logInfo("request", request, { request })),
        HttpClient.tap((response) => Effect.logInfo("response", response.status)),
        HttpClient.tapError((error) => Effect.logError("failed", error))
      )
    )
  ).pipe(Layer.provide(layer))

const behaviours = [
  "reset",
  "silent",
  "html",
  "json",
  "code",
  "good",
  ...VenueError.groups.map((group) => group.codes[0] ?? "99999")
]

const clients: Record<string, Layer.Layer<HttpClient.HttpClient>> = {
  "node:http": NodeHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  fetch: FetchHttpClient.layer
}

describe("redaction", () => {
  for (const [name, client] of Object.entries(clients)) {
    it.live(`${name}: no key, passphrase, secret or signature in errors, logs, spans, metrics or defects`, () =>
      Effect.gen(function* () {
        const listened = listener()
        const behaviour = { current: "" }
        const server = yield* echo(listened.secrets, behaviour)
        const { port } = server.address() as Net.AddressInfo
        const response = Schema.Struct({ accountMode: Schema.String })
        const program = Effect.gen(function* () {
          const bitget = yield* BitgetClient.BitgetClient
          const countdown = yield* CountdownCancelAll.CountdownCancelAll
          const signed = yield* Credentials.Credentials
          listened.hear(bitget, countdown, signed, bitget.clock)
          for (const current of behaviours) {
            behaviour.current = current
            const write = countdown.set(Countdown.off)
            const read = bitget.execute({ method: "GET", path: "/api/v3/account/settings", response })
            const before = listened.heard.length
            for (const call of [write, read] as ReadonlyArray<Effect.Effect<unknown, VenueError.VenueError>>) {
              const exit = yield* call.pipe(
                Effect.tapErrorCause((cause) => Effect.logError("call failed", cause)),
                Effect.withLogSpan("call"),
                Effect.withSpan("call"),
                Effect.exit
              )
              if (Exit.isSuccess(exit)) continue
              assert.isTrue(VenueError.isVenueError(Cause.squash(exit.cause)))
              listened.hear(exit, exit.cause, Cause.squash(exit.cause), ...Cause.prettyErrors(exit.cause))
              listened.assertSilent(`${name}, ${current}`, before)
            }
          }
          listened.hear(yield* Metric.snapshot)
        })
        yield* program.pipe(
          Effect.provide(stack({ baseUrl: `http://127.0.0.1:${port}`, timeout: "300 millis" })),
          Effect.provide(logging(client)),
          Effect.provide(loggers(listened)),
          Effect.provide(tracer(listened))
        )
        assert.isAbove(listened.secrets.size, 20, "signatures were seen")
        assert.isTrue(listened.heard.some((line) => line.includes("<redacted>")))
        listened.assertSilent(name)
      }).pipe(Effect.scoped)
    )
  }

  it.live("an HTTP client that dies with an error that quotes the headers causes no defect", () =>
    Effect.gen(function* () {
      const listened = listener()
      const dying = Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request) => {
          if (request.method === "POST")
            throw new TypeError(`invalid headers ${JSON.stringify({ ...request.headers })}`)
          return Effect.die(new Error(`no time: ${request.url}`))
        })
      )
      const exit = yield* Effect.flatMap(CountdownCancelAll.CountdownCancelAll, (countdown) =>
        countdown.set(Countdown.off)
      ).pipe(Effect.provide(stack()), Effect.provide(dying), Effect.exit)
      assert.isTrue(Exit.isFailure(exit) && Cause.isFailType(exit.cause))
      listened.hear(exit)
      const clock = Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request) => Effect.die(new Error(JSON.stringify({ ...request.headers }))))
      )
      const read = Effect.flatMap(BitgetClient.BitgetClient, (client) =>
        client.execute({ method: "GET", path: "/api/v3/account/settings", response: Schema.Unknown, signed: false })
      )
      listened.hear(yield* read.pipe(Effect.provide(stack()), Effect.provide(clock), Effect.exit))
      listened.assertSilent("defects")
    })
  )

  it.effect("refused credentials are not quoted", () =>
    Effect.gen(function* () {
      const listened = listener()
      const redacted = { apiKey: Redacted.make(canary.apiKey), passphrase: Redacted.make(canary.passphrase) }
      const attempts: ReadonlyArray<Credentials.Options> = [
        { ...redacted, secretKey: Redacted.make(`${canary.secretKey}\n`) },
        { ...redacted, privateKey: Redacted.make(canary.secretKey) },
        { ...redacted, account: canary.apiKey, secretKey: Redacted.make(canary.secretKey) }
      ]
      for (const attempt of attempts) {
        const exit = yield* Effect.exit(Credentials.make(attempt))
        assert.isTrue(Exit.isFailure(exit))
        listened.hear(exit)
      }
      listened.hear(yield* Effect.provide(Credentials.Credentials, credentials))
      listened.assertSilent("credentials")
    })
  )
})
