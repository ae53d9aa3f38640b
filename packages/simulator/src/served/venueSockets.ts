/**
 * The exchange's endpoints on real sockets. Passes each request to the world, and puts the outcome on the socket: an
 * answer, a part of one, a broken connection, or silence.
 */
import type * as Http from "node:http"
import type { Driver } from "./driver.js"
import { longestBody } from "./incoming.js"
import type { Outcome } from "../world/world.js"

/** The header with the exchange's time, in ms since the epoch. */
export const nowHeader = "x-sim-now"

/** The address of the client, without node's prefix of IPv4 addresses on IPv6 sockets. */
const addressOf = (request: Http.IncomingMessage): string =>
  (request.socket.remoteAddress ?? "127.0.0.1").replace(/^::ffff:/, "")

const answer = (request: Http.IncomingMessage, response: Http.ServerResponse, outcome: Outcome, now: number): void => {
  // A connection that a fault ends looks like one of a crashed peer. The response has no socket while an earlier one of
  // the same connection is under way.
  if (outcome._tag !== "Answer") return void request.socket.resetAndDestroy()
  const { body, headers, status, whole } = outcome
  // An array of pairs, because node handles it faster than an object.
  const head = ["content-length", String(Buffer.byteLength(whole ?? body)), nowHeader, String(now)]
  for (const name in headers) head.push(name, headers[name] ?? "")
  response.writeHead(status, head)
  if (whole === undefined) response.end(body)
  else response.write(body, () => request.socket.destroy())
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
  const settle = (outcome: Outcome) => answer(request, response, outcome, pending.record.receivedAt ?? world.state.now)
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

/** Handles a request of node's server as one to the exchange. */
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
      const now = driver.world.pump()
      const msg = `The body is longer than ${longestBody} characters: send a shorter one.`
      const text = JSON.stringify({ code: "simulator", msg, requestTime: now, data: null })
      const head = { "content-type": "application/json", "content-length": text.length, connection: "close" }
      response.writeHead(413, { ...head, [nowHeader]: String(now) }).end(text)
    })
    request.on("end", () => {
      if (!refused) handle(driver, request, response, body, waits, goesOn)
    })
  }
