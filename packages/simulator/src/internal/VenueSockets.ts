/**
 * The venue's endpoints on real sockets: a request off the wire into the world, and what comes of it back onto the wire,
 * also when that is a connection that breaks, half an answer, or none.
 */
import type * as Http from "node:http"
import type { Outcome, Pending, World } from "./World.js"

/** A longer body is not read to its end; the venue's own are a few hundred bytes (place-batch a few thousand). */
const longestBody = 1_048_576

/** The header with the exchange's time, in ms since the epoch. */
export const nowHeader = "x-sim-now"

/** Node's form of an IPv4 address on a socket that speaks both. */
const addressOf = (request: Http.IncomingMessage): string =>
  (request.socket.remoteAddress ?? "127.0.0.1").replace(/^::ffff:/, "")

/** Ends the connection as a peer that has crashed does. */
const breakOff = (response: Http.ServerResponse): void => {
  response.socket?.resetAndDestroy()
}

const answer = (world: World, response: Http.ServerResponse, outcome: Outcome): void => {
  if (outcome._tag !== "Answer") return breakOff(response)
  const { body, headers, status, whole } = outcome
  const length = Buffer.byteLength(whole ?? body)
  response.writeHead(status, { ...headers, [nowHeader]: world.state.now, "content-length": length })
  if (whole === undefined) response.end(body)
  else response.write(body, () => response.socket?.destroy())
}

const handle = (world: World, request: Http.IncomingMessage, response: Http.ServerResponse, body: string): void => {
  const pending: Pending = world.send({
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers: request.headers as Readonly<Record<string, string | undefined>>,
    body,
    ip: addressOf(request)
  })
  if (pending.outcome !== undefined) return answer(world, response, pending.outcome)
  pending.listener = (outcome) => answer(world, response, outcome)
  response.on("close", () => {
    if (pending.outcome === undefined) world.abort(pending)
  })
}

/** Handles a request of node's own server as one to the venue. */
export const make =
  (world: World) =>
  (request: Http.IncomingMessage, response: Http.ServerResponse): void => {
    let chunks = ""
    request.setEncoding("utf8")
    request.on("data", (chunk: string) => {
      chunks += chunk
      if (chunks.length > longestBody) {
        response.writeHead(413, { "content-type": "text/plain", connection: "close" })
        response.end(`The body is longer than ${longestBody} characters, which the venue does not read.\n`)
        request.removeAllListeners("data")
        request.removeAllListeners("end")
        request.resume()
      }
    })
    request.on("end", () => handle(world, request, response, chunks))
  }
