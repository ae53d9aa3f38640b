// Requests over raw sockets, and the WebSocket.
import * as assert from "node:assert/strict"
import { keyOf, later, longest, patience, sign, uids } from "./bot.mjs"
import { write } from "./values.mjs"
import * as Judge from "./judge.mjs"
import * as Wire from "./wire.mjs"

const isWhole = ({ body, headers, method, target, version }) =>
  ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"].includes(method) &&
  version === "HTTP/1.1" &&
  ["none", "exact", "chunked"].includes(body) &&
  /^\/(api|_sim|health)[\w/-]*$/.test(target) &&
  headers.every((header) => header.startsWith("Upgrade: h2c"))

/** Node forgets what came in one piece with a request that offers an upgrade, behind it. */
const isCut = (requests) => requests.slice(0, -1).some(({ headers }) => headers.length > 0)

/** Node writes the `100 Continue` of a request that waits behind another into that request's answer. */
const isMixed = (requests) =>
  requests.length > 1 && requests.some(({ headers }) => headers.includes("Expect: 100-continue"))

export const raw = async (session, { cuts, end, requests }) => {
  const bytes = Buffer.concat(requests.map((request) => bytesOf(session, request)))
  const connection = Wire.connect(session.server.port)
  session.streams.push(connection)
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const place of [...places, bytes.length]) {
    if (connection.socket.writable) connection.socket.write(bytes.subarray(from, place))
    from = place
    if (place < bytes.length) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  if (end === "destroy") return void connection.socket.destroy()
  if (end === "half") connection.socket.end()
  if (end === "leave") {
    session.held = true
    return
  }
  const due =
    requests.every(isWhole) && !isCut(requests) && !session.faulty && end === "read" ? requests.length : Infinity
  const methods = requests.map(({ method }) => method)
  const complete = () => Wire.answers(connection.bytes, methods).found.length >= due
  const came = await Wire.until(connection, complete, due === Infinity ? patience / 2 : longest)
  const what = `raw ${JSON.stringify(requests).slice(0, 300)}`
  const { found } = Wire.answers(connection.bytes, methods)
  if (due !== Infinity) assert.ok(came && found.length >= due, `${what}: ${found.length} of ${due} answers`)
  for (const [index, answer] of found.entries()) {
    if (session.faulty || isMixed(requests)) Judge.clean(answer.text, what)
    else Judge.broken(answer, `${what}, answer ${index}`)
    if (due === Infinity) continue
    const { method, target } = requests[index]
    if (target.startsWith("/api") && method !== "HEAD") Judge.envelope(answer, `${what}, answer ${index}`)
  }
  connection.socket.destroy()
}

const bytesOf = (session, { body, headers, method, target, version }) => {
  const text = '{"countdown":"10"}'
  const framing = {
    none: "",
    exact: `Content-Length: ${text.length}\r\n`,
    short: `Content-Length: ${text.length + 50}\r\n`,
    long: `Content-Length: ${text.length - 8}\r\n`,
    utf8: "Content-Length: 4\r\n"
  }[body]
  const chunks = {
    chunked: `12\r\n${text}\r\n0\r\n\r\n`,
    badChunk: `12\r\n${text}x\r\nzz\r\n`,
    hugeChunk: `ffffffffffffffff\r\n${text}`
  }[body]
  const head = `${method} ${target} ${version}\r\nHost: 127.0.0.1:${session.server.port}\r\n${headers.map((header) => `${header}\r\n`).join("")}`
  return Buffer.concat([
    Buffer.from(`${head}${framing ?? "Transfer-Encoding: chunked\r\n"}\r\n`, "latin1"),
    Buffer.from(body === "none" ? "" : body === "utf8" ? [0xff, 0xc0, 0x80, 0xed] : (chunks ?? text))
  ])
}

export const ws = async (session, { end, path, shake, steps }) => {
  const headers = {
    evil: { Origin: `http://evil.127.0.0.1:${session.server.port}` },
    origin: { Origin: "null" },
    noKey: { "Sec-WebSocket-Key": null },
    badKey: { "Sec-WebSocket-Key": "x" },
    version: { "Sec-WebSocket-Version": "7" },
    deflate: { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }
  }[shake]
  const hello = Wire.handshake(path, session.server.port, headers)
  const connection = Wire.connect(session.server.port)
  session.streams.push(connection)
  const { socket } = connection
  socket.write(shake === "post" ? hello.replace("GET", "POST") : hello)
  const what = `WebSocket ${path} ${shake} ${JSON.stringify(steps).slice(0, 300)}`
  const answered = () => Wire.answers(connection.bytes).found.length > 0
  const isLive = path.endsWith("/live")
  const came = await Wire.until(connection, answered, isLive ? patience : longest)
  const [shaken] = Wire.answers(connection.bytes).found
  if (shaken === undefined) {
    assert.ok(came || isLive || session.faulty, `${what}: no answer to the handshake`)
    return void socket.destroy()
  }
  if (shaken.status !== 101) {
    const refusal = shake === "" && !session.faulty ? Judge.broken : (answer) => Judge.clean(answer.text, what)
    refusal(shaken, what)
    return void socket.destroy()
  }
  assert.ok(!["evil", "origin"].includes(shake), `a page of another site may use the WebSocket: ${what}`)
  const read = () => Wire.frames(Wire.answers(connection.bytes).rest)
  let due = 0
  for (const step of steps) {
    if (!socket.writable) break
    due += take(session, step, socket)
  }
  const wanted = session.faulty || steps.length > 3 ? Infinity : due
  await Wire.until(connection, () => read().length >= wanted, wanted === Infinity ? patience / 2 : longest)
  const got = read()
  if (wanted !== Infinity && wanted > 0) assert.ok(got.length > 0 || connection.ended, `${what}: no message`)
  for (const { opcode, payload } of got) {
    if (opcode === 1) Judge.message(payload.toString(), what)
    else assert.ok([8, 9, 10].includes(opcode), `${what}: a frame with opcode ${opcode}`)
  }
  if (end === "close") socket.end(Wire.frame(0x88, [3, 232]))
  if (end === "half") socket.end()
  if (end === "destroy") socket.destroy()
}

/** Sends one step. Returns how many messages it is owed at least. */
const take = (session, step, socket) => {
  const text = (value) => socket.write(Wire.frame(0x81, value))
  switch (step.s) {
    case "login": {
      const uid = [...uids, ...later][step.account]
      const { key, passphrase, secret } = keyOf(uid)
      const timestamp = step.flaw === "stamp" ? "1" : String(Math.floor(session.now))
      const arg = {
        apiKey: step.flaw === "proto" ? "__proto__" : key,
        passphrase,
        timestamp,
        sign: step.flaw === "sign" ? "x" : sign(secret, `${timestamp}GET/user/verify`)
      }
      text(write({ op: "login", args: [step.flaw === "odd" ? { ...arg, sign: step.odd, timestamp: step.odd } : arg] }))
      return 1
    }
    case "subscribe": {
      const arg = write({ instType: "UTA", topic: step.odd === undefined ? step.topic : step.odd })
      text(`{"op":"${step.op}","args":[${Array.from({ length: step.times }, () => arg).join(",")}]}`)
      return 1
    }
    case "text":
      text(typeof step.odd === "string" ? (step.odd.toWellFormed?.() ?? step.odd) : write(step.odd))
      return 1
    case "op":
      text(write({ op: step.odd, args: step.odd }))
      return 1
    case "ping":
      for (let i = 0; i < step.times; i++) text("ping")
      return 1
    case "fragments": {
      const bytes = Buffer.from('{"op":"subscribe","args":[{"instType":"UTA","topic":"order"}]}')
      const size = Math.ceil(bytes.length / (step.parts + 1))
      for (let at = 0; at < bytes.length; at += size) {
        const isLast = at + size >= bytes.length
        socket.write(Wire.frame((isLast ? 0x80 : 0) | (at === 0 ? 1 : 0), bytes.subarray(at, at + size)))
        if (step.between) socket.write(Wire.frame(0x89, "hi"))
      }
      return 1
    }
    case "frame":
      socket.write(Wire.frame(step.first, step.bytes, step.masked))
      return 0
    default:
      if (step.cut) socket.write(Wire.frame(0x88, [step.code >> 8, step.code & 255]).subarray(0, 5))
      else socket.write(Wire.frame(0x88, [step.code >> 8, step.code & 255]))
      return 0
  }
}
