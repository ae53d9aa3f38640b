/** The HTTP endpoints of `deadman run`: `/health` and `/metrics`. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as exitCodes from "../exitCodes.js"

/** Where to listen. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Parses `8080` or `0.0.0.0:8080`; `undefined` when it is neither. IPv6 addresses are in brackets. */
export const parse = (text: string): Address | undefined => {
  const [, host, digits = ""] = /^(?:\[?([^[\]\s]+?)\]?:)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  return digits === "" || port > 65_535 ? undefined : { host: host ?? "127.0.0.1", port }
}

/** The answer of an endpoint. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

const plain = (status: number, text: string): Answer => ({ status, type: "text/plain", body: `${text}\n` })

/** An answer that fails must not end the process, and with it the program. */
const told = (answer: () => Answer): Answer => {
  try {
    return answer()
  } catch (error) {
    return plain(500, error instanceof Error ? error.message : String(error))
  }
}

/** Serves one path until the scope closes. Fails when the address cannot be used. Returns the port. */
export const serve = (
  { host, port }: Address,
  path: string,
  answer: () => Answer
): Effect.Effect<number, exitCodes.Ending, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Http.Server, exitCodes.Ending>((resume) => {
      const server = Http.createServer((request, response) => {
        const isKnown = request.url?.split("?", 1)[0] === path && ["GET", "HEAD"].includes(request.method ?? "")
        const { body, status, type } = isKnown ? told(answer) : plain(404, `There is only GET ${path}`)
        response.writeHead(status, { "content-type": type, "cache-control": "no-store", connection: "close" })
        response.end(request.method === "HEAD" ? undefined : body)
      })
      server.once("error", (error) =>
        resume(
          new exitCodes.Ending({
            code: exitCodes.codes.usage,
            message: `${host}:${port} cannot serve ${path}: ${error.message}. Give another port. Nothing was armed.`
          })
        )
      )
      server.listen(port, host, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return typeof address === "object" && address !== null ? address.port : port
    })
  )
