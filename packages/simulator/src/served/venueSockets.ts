/**
 * The venue's endpoints on real sockets: a request off the wire into the world, and what comes of it back onto the wire,
 * also when that is a connection that breaks, half an answer, or none.
 */
import type * as Http from "node:http"
import type { Driver } from "./driver.js"
import type { Outcome } from "../world/world.js"

/** A longer body is not read to its end; the venue's own are a few hundred bytes (place-batch a few thousand). */
const longestBody = 1_048_576

/** The header with the exchange's time, in ms since the epoch. */
export const nowHeader = "x-sim-now"

/** Node's form of an IPv4 address on a socket that speaks both. */
const addressOf = (request: Http.IncomingMessage): string =>
  (request.socket.remoteAddress ?? "127.0.0.1").replace(/^::ffff:/, "")

const answer = (response: Http.ServerResponse, outcome: Outcome, now: number): void => {
  // A connection that a fault ends breaks as when a peer has crashed.
  if (outcome._tag !== "Answer") return void response.socket?.resetAndDestroy()
  const { body, headers, status, whole } = outcome
  // Pairs, because node looks each name of an object up again.
  const head = ["content-length", String(Buffer.byteLength(whole ?? body)), nowHeader, String(now)]
  for (const name in headers) head.push(name, headers[name] ?? "")
  response.writeHead(status, head)
  if (whole === undefined) response.end(body)
  else response.write(body, () => response.socket?.destroy())
}

const handle = (
  driver: Driver,
  request: Http.IncomingMessage,
  response: Http.ServerResponse,
  body: string,
  waits: () => void,
  goesOn: () => void
): void => {
  const { world } = driver
  const pending = world.send({
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers: request.headers as Readonly<Record<string, string | undefined>>,
    body,
    ip: addressOf(request)
  })
  const settle = (outcome: Outcome) => answer(response, outcome, pending.record.receivedAt ?? world.state.now)
  if (pending.outcome !== undefined) return settle(pending.outcome)
  pending.listener = (outcome) => {
    goesOn()
    settle(outcome)
  }
  response.on("close", () => {
    if (pending.outcome === undefined) world.abort(pending)
  })
  waits()
}

/** Handles a request of node's own server as one to the venue. */
export const make =
  (driver: Driver) =>
  (request: Http.IncomingMessage, response: Http.ServerResponse): void => {
    let inTheWay = false
    const goesOn = () => {
      if (inTheWay) return
      inTheWay = true
      driver.enter()
    }
    const waits = () => {
      if (!inTheWay) return
      inTheWay = false
      driver.leave()
    }
    goesOn()
    response.on("finish", waits)
    response.on("close", waits)

    let body = ""
    let refused = false
    request.setEncoding("utf8")
    request.on("data", (chunk: string) => {
      if (refused) return
      body += chunk
      if (body.length <= longestBody) return
      refused = true
      body = ""
      response.writeHead(413, { "content-type": "text/plain", connection: "close" })
      response.end(`The body is longer than ${longestBody} characters, which the venue does not read.\n`)
    })
    request.on("end", () => {
      if (!refused) handle(driver, request, response, body, waits, goesOn)
    })
  }
