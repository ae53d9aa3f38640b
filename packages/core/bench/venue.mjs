// An exchange that answers every request with success and fresh stamps. A process of its own, so that the figures are
// those of the client. Listens on the loopback interface and ends with the process that started it.
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
// Longer than any pause between two beats, because only the client closes connections.
server.keepAliveTimeout = 120_000
server.listen(0, "127.0.0.1", () => process.send(`http://127.0.0.1:${server.address().port}`))
process.on("disconnect", () => process.exit(0))
