/**
 * The simulated exchange on real sockets, for bots in any language. It is the same exchange, network and journal as in
 * memory, on a clock that runs, stands or jumps.
 *
 * | Path | Content |
 * |---|---|
 * | `/api/...` | the exchange's REST endpoints |
 * | `/v3/ws/private` | its private WebSocket: login, the channel `order`, ping |
 * | `/` | a page to watch the exchange and to break the network |
 * | `/health` | 200 while the server answers, without a token |
 * | `/_sim/...` | the control API, see `ControlApi`; `/_sim/docs` to try it, `/_sim/openapi.json` |
 *
 * Every answer carries the exchange's time as `x-sim-now`. A fault that refuses connections resets them instead,
 * because an open connection cannot be refused.
 *
 * Needs `@effect/platform-node`.
 *
 * @since 0.1.0
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiSwagger from "@effect/platform/HttpApiSwagger"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import type * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Socket from "@effect/platform/Socket"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Http from "node:http"
import type * as Net from "node:net"
import * as Decoding from "./decoding.js"
import * as Guard from "./guard.js"
import * as Health from "./health.js"
import * as Control from "./handlers.js"
import { Driver } from "./driver.js"
import { Incoming, longestBody, pathOf } from "./incoming.js"
import * as Served from "./views.js"
import { type Mode, ServedClock } from "./clock.js"
import * as LivePage from "./livePage.js"
import * as Numbers from "../exchange/numbers.js"
import * as PrivateStream from "./privateStream.js"
import * as VenueSockets from "./venueSockets.js"
import { WebSockets } from "./webSockets.js"
import { WorldTag } from "../world/world.js"

import * as Simulator from "../world/Simulator.js"

/**
 * How time passes. `real` runs with the host; `scaled` runs `speed` times as fast; `manual` stands until it is
 * advanced; `auto` jumps to the next due instant while no request is in flight and there is no hold.
 *
 * @since 0.1.0
 * @category models
 */
export type ClockMode = Mode

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends Simulator.Options {
  /** The port to listen on. Default 0: any free port. */
  readonly port?: number | undefined
  /** The address to listen on. Default 127.0.0.1, which other machines cannot reach. */
  readonly host?: string | undefined
  /** The token that the control API requires. Without it the host must be a loopback address. */
  readonly token?: string | undefined
  readonly clock?:
    | {
        /** Default `"real"`. */
        readonly mode?: ClockMode | undefined
        /** For `scaled`: seconds of the exchange per second of the host, from 0.001 to 100000. Default 10. */
        readonly speed?: number | undefined
        /** The exchange's time at the start, in ms since the epoch. Default: the host's time. */
        readonly start?: number | undefined
      }
    | undefined
}

/**
 * Options that contradict each other, or a value out of range. The message says which, and what to give instead.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidServerOptions extends Schema.TaggedError<InvalidServerOptions>(
  "@effect-deadman/simulator/InvalidServerOptions"
)("InvalidServerOptions", { message: Schema.String }) {}

/**
 * A served exchange.
 *
 * @since 0.1.0
 * @category tags
 */
export class Server extends Context.Tag("@effect-deadman/simulator/Server")<
  Server,
  {
    /** The base URL for a bot, for example `http://127.0.0.1:8080`. */
    readonly url: string
    /** The URL of the private WebSocket for a bot. */
    readonly websocketUrl: string
    /** The test controls of the exchange. */
    readonly simulator: Context.Tag.Service<Simulator.Simulator>
    readonly clock: {
      /** Advances the clock. Completes with the exchange's time when everything due by then has happened. */
      readonly advance: (duration: Duration.DurationInput) => Effect.Effect<number, InvalidServerOptions>
      /** Changes how time passes from now on. `speed` is for `"scaled"`. */
      readonly set: (mode: ClockMode, speed?: number) => Effect.Effect<void, InvalidServerOptions>
    }
  }
>() {}

const validate = (options: Options): Effect.Effect<void, InvalidServerOptions> => {
  const fail = (message: string) => new InvalidServerOptions({ message })
  const { clock, host = "127.0.0.1", port = 0, token } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    return fail(`The port ${port} is out of range: give a whole number from 1 to 65535, or 0 for any free port.`)
  }
  if (token === "") return fail("The token is empty: give at least one character, or no token.")
  if (token === undefined && !Guard.isLoopback(host)) {
    return fail(
      `Other machines can reach the host "${host}" and control the exchange: give a token as well, or listen on 127.0.0.1.`
    )
  }
  const { speed, start } = clock ?? {}
  if (start !== undefined && !Numbers.isStart(start)) {
    return fail(`The clock cannot start at ${start}: give whole ms since the epoch, up to the year 9900.`)
  }
  return speed === undefined ? Effect.void : validateSpeed(speed)
}

const validateSpeed = (speed: number): Effect.Effect<void, InvalidServerOptions> =>
  Numbers.isSpeed(speed)
    ? Effect.void
    : new InvalidServerOptions({
        message: `The clock's speed ${speed} is out of range: give a number from 0.001 to 100000.`
      })

/**
 * Serves an exchange until the scope closes. Then requests in flight lose their connection, and WebSockets are closed
 * with 1001, or destroyed a second later. Fails when it cannot listen.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options?: Options
) => Effect.Effect<
  Context.Context<Server | Simulator.Simulator>,
  Simulator.InvalidOptions | InvalidServerOptions | HttpServerError.ServeError,
  Scope.Scope
> = Effect.fnUntraced(function* (options: Options = {}) {
  yield* validate(options)
  const clock = new ServedClock(options.clock?.start, options.clock?.mode ?? "real", options.clock?.speed ?? 10)
  const context = yield* Effect.withClock(Simulator.make(options), clock)
  const simulator = Context.get(context, Simulator.Simulator)
  const world = Context.unsafeGet(context, WorldTag)
  const driver = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const driver = new Driver(world, clock)
      driver.start()
      return driver
    }),
    (driver) => Effect.sync(() => driver.stop())
  )
  const served: Served.Served = {
    world,
    driver,
    reset: Served.resetter(world, {
      accounts: options.accounts ?? [{ uid: Simulator.demoUid }],
      venue: options.venue
    })
  }

  const host = options.host ?? "127.0.0.1"
  const server = Http.createServer({ noDelay: true, keepAliveTimeout: 60_000, IncomingMessage: Incoming })
  const sockets = new WebSockets()
  // A separate scope, because the platform's server waits for all connections before it closes the rest of its scope.
  // WebSockets, and connections that a fault holds, never end by themselves.
  const listening = yield* Effect.acquireRelease(Scope.make(), (scope, exit) =>
    Effect.zipRight(
      Effect.async<void>((resume) => {
        server.close()
        server.closeAllConnections()
        sockets.stop(() => resume(Effect.void))
      }),
      Scope.close(scope, exit)
    )
  )
  const http = yield* Scope.extend(
    NodeHttpServer.make(() => server, { port: options.port ?? 0, host }),
    listening
  )
  yield* Scope.extend(http.serve(yield* controlApp(served, options.token, sockets)), listening)
  // The exchange's requests bypass the router, because a fault must be able to hold or break their sockets.
  const [control] = server.listeners("request") as [Http.RequestListener]
  const venue = VenueSockets.make(driver)
  server.off("request", control)
  const [upgrade] = server.listeners("upgrade") as [(...args: Array<unknown>) => void]
  server.off("upgrade", upgrade)
  server.on("upgrade", (request: Http.IncomingMessage, socket: Net.Socket, head: Buffer) => {
    sockets.add(socket)
    request.url = pathOf(request)
    if (Guard.isOwnPage(request.headers)) upgrade(request, socket, head)
    else socket.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
  })
  server.on("request", (request, response) => {
    request.url = pathOf(request)
    if (isControl(request.url)) {
      // The control API accepts JSON only, but curl and fetch send other content types by default.
      request.headers["content-type"] = "application/json"
      control(request, response)
    } else venue(request, response)
  })

  const port = http.address._tag === "TcpAddress" ? http.address.port : 0
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`
  return Context.empty().pipe(
    Context.add(WorldTag, world),
    Context.add(Simulator.Simulator, simulator),
    Context.add(
      Server,
      Server.of({
        url: `http://${authority}`,
        websocketUrl: `ws://${authority}/v3/ws/private`,
        simulator,
        clock: {
          advance: (duration) =>
            Effect.async<number, InvalidServerOptions>((resume) => {
              const ms = Duration.toMillis(duration)
              if (!Numbers.isMillis(ms)) {
                const message = `The clock cannot be advanced by ${ms} ms: give whole milliseconds, at most 31 years.`
                return resume(new InvalidServerOptions({ message }))
              }
              const takeBack = driver.advance(ms, (now) => resume(Effect.succeed(now)))
              return Effect.sync(() => void takeBack())
            }),
          set: (mode, speed = 10) =>
            Effect.zipRight(
              validateSpeed(speed),
              Effect.sync(() => driver.set(mode, speed))
            )
        }
      })
    )
  )
})

const isControl = (url: string): boolean =>
  url.startsWith("/_sim") || ["/", "/favicon.ico", Health.path].includes(url.split("?", 1)[0] ?? "")

const badBody = (message: string) =>
  HttpServerResponse.unsafeJson({ _tag: "HttpApiDecodeError", issues: [], message }, { status: 400 })

const noJson = badBody(
  "The body of this request is no JSON: send an object, at least {}. /_sim/docs describes each body."
)

const unreadable = badBody(
  "The body of this request has more than 1 MB or more than 100 levels: send a smaller one. /_sim/docs describes each body."
)

const notFound = HttpServerResponse.unsafeJson(
  { _tag: "NoSuchRoute", message: "There is nothing at this path. /_sim/docs describes the control API." },
  { status: 404 }
)

/** The control API, its documentation, the page, and the private WebSocket. */
const controlApp = (served: Served.Served, token: string | undefined, sockets: WebSockets) =>
  Effect.gen(function* () {
    const docs = Layer.mergeAll(
      HttpApiBuilder.middlewareOpenApi({ path: "/_sim/openapi.json" }),
      HttpApiSwagger.layer({ path: "/_sim/docs" }),
      LivePage.layer,
      Health.layer(served)
    )
    const app = yield* HttpApiBuilder.httpApp.pipe(
      Effect.provide(
        docs.pipe(
          Layer.provideMerge(Control.layer(served, token)),
          Layer.provideMerge(Layer.mergeAll(HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer))
        )
      )
    )
    const context = yield* Effect.context<HttpRouter.HttpRouter.DefaultServices>()
    return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      request.url.split("?", 1)[0] === PrivateStream.path
        ? privateStream(served, request, sockets)
        : Effect.zipRight(Decoding.readable, app)
    ).pipe(
      Effect.catchAllCause((cause) => {
        const error = Cause.squash(cause)
        if (Predicate.isTagged(error, "RouteNotFound")) return Effect.succeed(notFound)
        if (Predicate.isTagged(error, "Unreadable")) return Effect.succeed(unreadable)
        return Predicate.isTagged(error, "RequestError") ? Effect.succeed(noJson) : Effect.failCause(cause)
      }),
      HttpIncomingMessage.withMaxBodySize(Option.some(longestBody)),
      Effect.map((response) =>
        HttpServerResponse.setHeaders(response, {
          "content-security-policy": "frame-ancestors 'none'",
          ...response.headers,
          [VenueSockets.nowHeader]: String(served.world.pump())
        })
      ),
      Effect.withClock(Clock.make()),
      Effect.provide(context)
    )
  }).pipe(Effect.provide(NodeHttpServer.layerContext))

/** One connection to the private WebSocket, until either end closes it. */
const privateStream = (served: Served.Served, request: HttpServerRequest.HttpServerRequest, sockets: WebSockets) =>
  Effect.gen(function* () {
    const socket = yield* request.upgrade
    const write = yield* socket.writer
    const connection = (request.source as Http.IncomingMessage).socket
    let session: PrivateStream.Session | undefined
    let received = () => {}
    const onOpen = Effect.sync(() => {
      const wire: PrivateStream.Wire = {
        send: (text) => void Effect.runFork(write(text)),
        close: (code, reason) => void Effect.runFork(write(new Socket.CloseEvent(code, reason))),
        backlog: () => connection.writableLength
      }
      session = new PrivateStream.Session(served.world, wire)
      received = sockets.opened(connection, wire)
    })
    yield* socket
      .runRaw(
        (message) => {
          received()
          session?.receive(typeof message === "string" ? message : new TextDecoder().decode(message))
        },
        { onOpen }
      )
      .pipe(
        Effect.catchAll(() => Effect.void),
        Effect.ensuring(Effect.sync(() => session?.end()))
      )
    return HttpServerResponse.empty()
  }).pipe(Effect.scoped)

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<
  Server | Simulator.Simulator,
  Simulator.InvalidOptions | InvalidServerOptions | HttpServerError.ServeError
> => Layer.scopedContext(make(options))
