// Raw sockets: HTTP answers and WebSocket frames, read without the help of a client that would repair them.
import * as Crypto from "node:crypto"
import * as Net from "node:net"

/** A connection that collects what arrives. */
export const connect = (port) => {
  const socket = Net.connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true })
  const connection = { socket, bytes: Buffer.alloc(0), ended: false, notify: () => {} }
  socket.on("data", (chunk) => {
    connection.bytes = Buffer.concat([connection.bytes, chunk])
    connection.notify()
  })
  const end = () => {
    connection.ended = true
    connection.notify()
  }
  socket.on("end", end)
  socket.on("close", end)
  // A connection that the peer breaks off is a fact to judge, and no error here.
  socket.on("error", end)
  return connection
}

/** Waits until `done()` holds, the peer has ended, or `ms` have passed. */
export const until = (connection, done, ms) =>
  new Promise((resolve) => {
    const look = () => {
      if (!done() && !connection.ended) return
      clearTimeout(timer)
      connection.notify = () => {}
      resolve(true)
    }
    const timer = setTimeout(() => {
      connection.notify = () => {}
      resolve(false)
    }, ms)
    connection.notify = look
    look()
  })

/** The complete answers among these bytes, and what is left. An answer of `HEAD` has no body. */
export const answers = (bytes, methods = []) => {
  const found = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf("\r\n\r\n")
    if (end < 0) return { found, rest }
    const [first, ...lines] = rest.subarray(0, end).toString("latin1").split("\r\n")
    const headers = {}
    for (const line of lines) {
      const colon = line.indexOf(":")
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
    }
    const status = Number(first.split(" ")[1])
    let length = Number(headers["content-length"] ?? 0)
    if (methods[found.length] === "HEAD" || status < 200 || status === 204) length = 0
    const chunked = headers["transfer-encoding"] === "chunked"
    const from = end + 4
    const last = chunked ? rest.indexOf("\r\n0\r\n\r\n", from - 2) : from + length
    if (chunked ? last < 0 : last > rest.length) return { found, rest }
    found.push({ status, headers, text: rest.subarray(from, last).toString(), first, chunked })
    rest = rest.subarray(chunked ? last + 7 : last)
    if (status === 101) return { found, rest }
    if (status === 100) found.pop()
  }
}

export const handshake = (path, port, headers = {}) =>
  [
    `GET ${path} HTTP/1.1`,
    ...Object.entries({
      Host: `127.0.0.1:${port}`,
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": Crypto.randomBytes(16).toString("base64"),
      ...headers
    }).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`])),
    "",
    ""
  ].join("\r\n")

/** A frame of a client. `first` is its first byte, so that every flag and opcode can be given. */
export const frame = (first, payload, masked = true) => {
  const body = Buffer.from(payload)
  const mask = masked ? Buffer.from([17, 34, 51, 68]) : Buffer.alloc(0)
  const bit = masked ? 128 : 0
  let head
  if (body.length < 126) head = Buffer.from([first, bit | body.length])
  else if (body.length < 65_536) head = Buffer.from([first, bit | 126, body.length >> 8, body.length & 255])
  else {
    head = Buffer.alloc(10)
    head[0] = first
    head[1] = bit | 127
    head.writeBigUInt64BE(BigInt(body.length), 2)
  }
  if (masked) for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3]
  return Buffer.concat([head, mask, body])
}

/** The complete frames of a server among these bytes. */
export const frames = (bytes) => {
  const found = []
  let at = 0
  while (bytes.length - at >= 2) {
    let length = bytes[at + 1] & 127
    let head = 2
    if (length === 126) {
      if (bytes.length - at < 4) break
      length = bytes.readUInt16BE(at + 2)
      head = 4
    } else if (length === 127) {
      if (bytes.length - at < 10) break
      length = Number(bytes.readBigUInt64BE(at + 2))
      head = 10
    }
    if (bytes.length - at < head + length) break
    found.push({ opcode: bytes[at] & 15, payload: bytes.subarray(at + head, at + head + length) })
    at += head + length
  }
  return found
}
