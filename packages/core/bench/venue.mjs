// A venue that only answers: success, with fresh stamps, to whatever it is sent. A process of its own, so that what is
// measured is the client. Listens on the loopback interface, ends with the process that has started it.
import { createServer } from "node:http"

const server = createServer((request, response) => {
  const accepted = Date.now()
  request.resume()
  request.on("end", () => {
    const now = Date.now()
    const data = request.url === "/api/v2/public/time" ? `{"serverTime":"${now}"}` : `"success"`
    const body = `{"code":"00000","msg":"success","requestTime":${now},"data":${data}}`
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": body.length,
      "x-bg-request-accept-time": String(accepted),
      "x-bg-response-complete-time": String(now)
    })
    response.end(body)
  })
})
// Longer than any pause between two beats: connections are the client's to close.
server.keepAliveTimeout = 120_000
server.listen(0, "127.0.0.1", () => process.send(`http://127.0.0.1:${server.address().port}`))
process.on("disconnect", () => process.exit(0))
