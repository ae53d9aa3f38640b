// The load of the benchmark, in its own process: some connections with one request after the other on each, the same
// bytes for every server. It reads only status and length, so that its own cost stays low. Takes tasks and sends counts
// by messages.
import { createHmac } from "node:crypto"
import * as Net from "node:net"

const path = "/api/v3/trade/countdown-cancel-all"

/** One request per account, signed once, because the exchange under test accepts old timestamps. */
const requests = (accounts, port) =>
  Array.from({ length: accounts }, (_, index) => {
    const uid = `bench-${index}`
    // Different countdowns, because bots do not all beat in the order of their deadlines.
    const body = JSON.stringify({ countdown: String(10 + ((index * 7_919) % 51)) })
    const timestamp = String(Date.now())
    const sign = createHmac("sha256", `test-secret-${uid}`).update(`${timestamp}POST${path}${body}`).digest("base64")
    return Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\naccess-key: test-key-${uid}\r\naccess-sign: ${sign}\r\n` +
        `access-timestamp: ${timestamp}\r\naccess-passphrase: test-passphrase-${uid}\r\n\r\n${body}`
    )
  })

const headEnd = Buffer.from("\r\n\r\n")

/** The turn continues from run to run, so that no account calls twice within a second. */
let all = []
let next = 0

const run = ({ accounts, connections, milliseconds, port }) =>
  new Promise((resolve, reject) => {
    if (all.length === 0) all = requests(accounts, port)
    let done = 0
    let failed = 0
    const latencies = []
    const end = performance.now() + milliseconds
    const began = performance.now()
    let open = connections
    // A client that sleeps between two answers slows a slow server further, because the writer of the answer pays for
    // waking it. This one stays awake.
    const stayAwake = () => {
      if (open > 0) setImmediate(stayAwake)
    }
    stayAwake()
    const close = (socket) => {
      socket.destroy()
      if (--open === 0)
        resolve({ done, failed, seconds: (performance.now() - began) / 1_000, latencies: summary(latencies) })
    }
    for (let connection = 0; connection < connections; connection++) {
      const socket = Net.connect({ port, host: "127.0.0.1", noDelay: true })
      let sentAt = 0
      let buffer = Buffer.alloc(0)
      const send = () => {
        if (performance.now() >= end) return close(socket)
        sentAt = performance.now()
        socket.write(all[next++ % all.length])
      }
      socket.on("connect", send)
      socket.on("error", (error) => reject(new Error(`port ${port}, ${done} answers: ${error.message}`)))
      socket.on("data", (chunk) => {
        buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk])
        const at = buffer.indexOf(headEnd)
        if (at < 0) return
        const head = buffer.toString("latin1", 0, at)
        const length = /content-length: (\d+)/i.exec(head)
        if (length === null) return reject(new Error(`an answer without a length: ${head}`))
        if (buffer.length < at + 4 + Number(length[1])) return
        if (head.startsWith("HTTP/1.1 200")) done++
        else if (failed++ === 0) console.error(buffer.toString())
        if ((done & 15) === 0) latencies.push(performance.now() - sentAt)
        buffer = Buffer.alloc(0)
        send()
      })
    }
  })

const summary = (values) => {
  values.sort((a, b) => a - b)
  const at = (share) => values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}

process.on("message", async (task) => process.send(await run(task)))
