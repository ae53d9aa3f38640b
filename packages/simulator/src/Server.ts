/**
 * The simulated exchange behind real sockets, for bots in any language: the same machine, protocol, network and journal
 * as in memory, on a clock that runs.
 *
 * Needs `@effect/platform-node`.
 *
 * @since 0.1.0
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import type * as Fault from "./Fault.js"
import { Driver, ServedClock } from "./internal/ServedClock.js"
import * as VenueSockets from "./internal/VenueSockets.js"
import { WorldTag } from "./internal/WorldTag.js"
import * as Simulator from "./Simulator.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends Simulator.Options {
  /** Where to listen. Default 0: any port that is free. */
  readonly port?: number | undefined
  /** The address to listen on. Default 127.0.0.1, which no other machine reaches. */
  readonly host?: string | undefined
}

/**
 * A served exchange.
 *
 * @since 0.1.0
 * @category tags
 */
export class Server extends Context.Tag("@effect-deadman/simulator/Server")<
  Server,
  {
    /** What a bot takes as the venue's base URL, for example `http://127.0.0.1:8080`. */
    readonly url: string
    /** The control surface of the exchange that is served. */
    readonly simulator: Context.Tag.Service<Simulator.Simulator>
  }
>() {}

/**
 * Serves an exchange until the scope closes; requests that are under way then lose their connection. Fails when it
 * cannot listen there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options?: Options
) => Effect.Effect<
  Context.Context<Server | Simulator.Simulator>,
  Fault.FaultSyntaxError | HttpServerError.ServeError,
  Scope.Scope
> = Effect.fnUntraced(function* (options: Options = {}) {
  const clock = new ServedClock(undefined, 1)
  const context = yield* Effect.withClock(Simulator.make(options), clock)
  const simulator = Context.get(context, Simulator.Simulator)
  const world = Context.unsafeGet(context, WorldTag)
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const driver = new Driver(world, clock)
      driver.start()
      return driver
    }),
    (driver) => Effect.sync(() => driver.stop())
  )

  const host = options.host ?? "127.0.0.1"
  const server = Http.createServer({ noDelay: true })
  const http = yield* NodeHttpServer.make(() => server, { port: options.port ?? 0, host })
  // Runs before the server waits for its connections to end, which one that is held by a fault never would.
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  server.on("request", VenueSockets.make(world))
  const port = http.address._tag === "TcpAddress" ? http.address.port : 0
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`
  return Context.empty().pipe(
    Context.add(Simulator.Simulator, simulator),
    Context.add(Server, Server.of({ url, simulator }))
  )
})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<Server | Simulator.Simulator, Fault.FaultSyntaxError | HttpServerError.ServeError> =>
  Layer.scopedContext(make(options))
