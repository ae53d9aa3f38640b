// The rules for what the served exchange may answer, whatever it was asked.
import * as assert from "node:assert/strict"

/** Every code that an answer of the exchange can have without faults. */
const codes = new Set(
  "00000 40002 40005 40006 40007 40008 40009 40011 40012 40014 40017 40018 40037 40084 40110 40301 40404 40919 400172 25204 25212 25227 45001 429 simulator".split(
    " "
  )
)
const tags = new Set(
  "HttpApiDecodeError NoSuchRoute NoSuchAccount NoSuchOrder NoSuchFault NoSuchHold InvalidFault TooManyFaults Refused ClockHeld Unauthorized".split(
    " "
  )
)
/** What every secret and passphrase of the fuzz begins with. */
export const secret = "s3cr3t-"

/** No output shows a stack trace, a path of the source, or a secret. */
export const clean = (text, what) => {
  const stack = /\n\s+at .*\(?.*:\d+:\d+|node_modules|\/(src|dist)\/\w+\/|RangeError|TypeError/.exec(text)
  assert.equal(stack?.[0], undefined, `${what} shows the inside of the program: ${text.slice(0, 400)}`)
  assert.ok(!text.includes(secret), `${what} shows a secret: ${text.slice(0, 400)}`)
}

const json = (answer, what) => {
  assert.match(answer.headers["content-type"] ?? "", /^application\/json/, `${what}: ${brief(answer)}`)
  try {
    return JSON.parse(answer.text)
  } catch {
    return assert.fail(`${what} is no JSON: ${brief(answer)}`)
  }
}
export const brief = ({ status, text }) => `status ${status}, ${JSON.stringify(text.slice(0, 300))}`

/** An answer of the exchange's endpoints, without a fault on its way. */
export const envelope = (answer, what) => {
  assert.ok([200, 400, 404, 413, 429].includes(answer.status), `${what}: ${brief(answer)}`)
  const body = json(answer, what)
  assert.deepEqual(Object.keys(body), ["code", "msg", "requestTime", "data"], `${what}: ${brief(answer)}`)
  assert.ok(codes.has(body.code), `${what} has an undocumented code: ${brief(answer)}`)
  assert.equal(typeof body.msg, "string", what)
  assert.ok(Number.isSafeInteger(body.requestTime), `${what}: ${brief(answer)}`)
  assert.equal(body.code === "00000", answer.status === 200, `${what}: ${brief(answer)}`)
  assert.match(answer.headers["x-sim-now"] ?? "", /^\d+(\.\d+)?$/, what)
  return body
}

/** An answer of the control API. Returns the error, or `undefined`. */
export const controlled = (answer, what) => {
  assert.match(answer.headers["x-sim-now"] ?? "", /^\d+(\.\d+)?$/, what)
  if (answer.status < 400) return void assert.equal(answer.status, 200, `${what}: ${brief(answer)}`)
  assert.ok([400, 401, 404, 409, 413, 422].includes(answer.status), `${what}: ${brief(answer)}`)
  const body = json(answer, what)
  assert.ok(tags.has(body._tag), `${what} has no documented error: ${brief(answer)}`)
  assert.ok(typeof body.message === "string" && body.message.length > 10, `${what}: ${brief(answer)}`)
  return body
}

/** What node answers itself, before the exchange has a request: nothing but a status. */
const ofTransport = (answer) => [400, 408, 413, 417, 431, 505].includes(answer.status) && answer.text === ""

/** An answer to broken HTTP. */
export const broken = (answer, what) => {
  clean(answer.text, what)
  if (ofTransport(answer) || answer.status === 101 || (answer.status === 403 && answer.text === "")) return
  const type = answer.headers["content-type"] ?? ""
  if (/^text\/(html|plain|event-stream)/.test(type) && answer.status === 200) return
  if (answer.text === "" && answer.headers["x-sim-now"] !== undefined && answer.status < 500) return
  const body = json(answer, what)
  if ("code" in body && "requestTime" in body) envelope(answer, what)
  else controlled(answer, what)
}

/** A text message of the private WebSocket. */
export const message = (text, what) => {
  clean(text, what)
  if (text === "pong") return text
  let body
  try {
    body = JSON.parse(text)
  } catch {
    return assert.fail(`${what} got a message that is no JSON: ${text.slice(0, 200)}`)
  }
  if (body.action === "snapshot") assert.ok(Array.isArray(body.data) && typeof body.ts === "number", what)
  else if (body.event === "error")
    assert.ok(body.code >= 30_001 && body.code <= 30_016, `${what}: ${text.slice(0, 200)}`)
  else assert.ok(["login", "subscribe", "unsubscribe"].includes(body.event), `${what}: ${text.slice(0, 200)}`)
  return body
}
