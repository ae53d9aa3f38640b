/**
 * Requests as node reads them, with one difference: only a handshake of the private WebSocket is an upgrade. Any other
 * offer to upgrade is ignored, as HTTP allows. Java's client offers HTTP/2 with each request.
 */
import * as Http from "node:http"
import * as PrivateStream from "./privateStream.js"

/**
 * The longest body to read: in characters at the exchange's endpoints, in bytes at the control API. Real bodies have a
 * few hundred bytes, and place-batch a few thousand.
 */
export const longestBody = 1_048_576

const token = "[\\w!#$%&'*+.^`|~-]+"
const protocols = new RegExp(`^${token}(\\s*,\\s*${token})*$`)

/** The path of a request. A client behind a proxy sends the whole URL. */
export const pathOf = ({ url = "/" }: Http.IncomingMessage): string => {
  const path = url.replace(/^https?:\/\/[^/?]*/i, "")
  return path === "" || path.startsWith("?") ? `/${path}` : path
}

/** Whether the WebSocket's library accepts the handshake. It never completes one that it refuses. */
const isHandshake = (request: Http.IncomingMessage): boolean => {
  const { headers, method } = request
  return (
    method === "GET" &&
    pathOf(request).split("?", 1)[0] === PrivateStream.path &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers["sec-websocket-key"] ?? "") &&
    /^(8|13)$/.test(headers["sec-websocket-version"] ?? "") &&
    protocols.test(headers["sec-websocket-protocol"] ?? "none")
  )
}

export class Incoming extends Http.IncomingMessage {
  private offersUpgrade = false

  /** Node sets it to whether the request offers an upgrade, and asks whether it is one. */
  get upgrade(): boolean {
    return this.offersUpgrade && (this.method === "CONNECT" || isHandshake(this))
  }

  set upgrade(offered: boolean | null) {
    this.offersUpgrade = offered === true
  }
}
