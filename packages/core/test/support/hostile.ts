import * as Effect from "effect/Effect"
import * as Net from "node:net"
import * as Zlib from "node:zlib"

/**
 * The reaction of a peer that has read a whole request. On the bare socket, because no HTTP library misbehaves like
 * this.
 */
export type Behaviour = (socket: Net.Socket) => void

const json = JSON.stringify({ code: "00000", msg: "success", requestTime: 1_728_625_799_912, data: "success" })

const answer =
  (status: string, headers: Record<string, string | number>, body: string | Uint8Array): Behaviour =>
  (socket) => {
    const lines = Object.entries({ connection: "close", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`)
    socket.end(body)
  }

const sized = (status: string, type: string, body: string): Behaviour =>
  answer(status, { "content-type": type, "content-length": Buffer.byteLength(body) }, body)

const huge = JSON.stringify({ code: "00000", msg: "x".repeat(10_000_000), requestTime: 1, data: "success" })

const bomb = Zlib.gzipSync(huge)

const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n`

export const behaviours = {
  good: sized("200 OK", "application/json", json),
  resetAfterTheRequest: (socket) => socket.resetAndDestroy(),
  closedAfterTheRequest: (socket) => socket.end(),
  resetAfterHints: (socket) => {
    socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n", () => socket.resetAndDestroy())
  },
  noAnswer: () => undefined,
  halfOfTheHeaders: (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-ty"),
  headersWithoutABody: (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n"),
  bodyThatTricklesForEver: (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    const timer = setInterval(() => socket.write(chunked(" ")), 10)
    socket.on("close", () => clearInterval(timer))
  },
  noHttp: (socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"),
  truncated: answer("200 OK", { "content-type": "application/json", "content-length": 500 }, json.slice(0, 20)),
  truncatedChunks: answer("200 OK", { "transfer-encoding": "chunked" }, chunked(json.slice(0, 20))),
  resetInTheBody: (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n{", () => socket.resetAndDestroy())
  },
  halfOfTheJson: sized("200 OK", "application/json", json.slice(0, 30)),
  gzipGarbage: answer("200 OK", { "content-encoding": "gzip", "content-length": 40 }, Buffer.alloc(40, 0xa7)),
  gzipBomb: answer("200 OK", { "content-encoding": "gzip", "content-length": bomb.length }, bomb),
  tenMegabytes: sized("200 OK", "application/json", huge),
  tenMegabytesUnannounced: answer("200 OK", { "transfer-encoding": "chunked" }, `${chunked(huge)}0\r\n\r\n`),
  redirect: answer("302 Found", { location: "/elsewhere", "content-length": 0 }, ""),
  htmlPage: sized("502 Bad Gateway", "text/html", "<html><body>Bad\n gateway</body></html>"),
  gatewayJson: sized("503 Service Unavailable", "application/json", '{"message":"failure to get a peer"}'),
  rateLimitPage: sized("429 Too Many Requests", "text/html", "<html>slow down</html>"),
  zeroBytes: answer("200 OK", { "content-length": 0 }, ""),
  noContent: answer("204 No Content", {}, ""),
  bytesThatAreNoText: answer("200 OK", { "content-length": 3 }, Buffer.from([0xff, 0xfe, 0x80])),
  jsonThatIsNoObject: sized("200 OK", "application/json", "null"),
  wrongContentType: sized("200 OK", "text/html; charset=koi8-r", json),
  refusalAsHtml: sized("400 Bad Request", "text/html", json.replace("00000", "40084")),
  http10: (socket) => socket.end(`HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n${json}`)
} satisfies Record<string, Behaviour>

export type Name = keyof typeof behaviours

/**
 * A peer on the loopback host. It answers requests for the time correctly, and any other by the behaviour in its path.
 */
export const make = Effect.acquireRelease(
  Effect.async<{
    readonly url: string
    readonly open: Set<Net.Socket>
    readonly requests: Array<string>
    readonly server: Net.Server
  }>((resume) => {
    const open = new Set<Net.Socket>()
    const requests: Array<string> = []
    const server = Net.createServer({ allowHalfOpen: true }, (socket) => {
      open.add(socket)
      socket.on("close", () => open.delete(socket))
      socket.on("error", () => undefined)
      socket.on("end", () => socket.end())
      let text = ""
      socket.on("data", (data) => {
        text += data.toString("latin1")
        const head = text.indexOf("\r\n\r\n")
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
        if (head < 0 || text.length < head + 4 + length) return
        const [, path = ""] = text.split(" ", 2)
        text = ""
        requests.push(path)
        const name = path.split("/")[1] ?? ""
        const behaviour = path.endsWith("/public/time") ? "good" : name
        ;(behaviours as Record<string, Behaviour>)[behaviour]?.(socket)
      })
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address() as Net.AddressInfo
      resume(Effect.succeed({ url: `http://127.0.0.1:${address.port}`, open, requests, server }))
    })
  }),
  ({ open, server }) =>
    Effect.async<void>((resume) => {
      for (const socket of open) socket.destroy()
      server.close(() => resume(Effect.void))
    })
)
