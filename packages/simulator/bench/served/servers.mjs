// One server of the benchmark, in its own process: bare or simulator. Sends its port.
import * as Http from "node:http"

const accounts = Number(process.argv[3] ?? 0)

const bare = () => {
  const answer = '{"code":"00000","msg":"success","requestTime":1728625799912,"data":"success"}'
  const server = Http.createServer({ noDelay: true }, (request, response) => {
    let body = ""
    request.setEncoding("utf8")
    request.on("data", (chunk) => (body += chunk))
    request.on("end", () => {
      response.writeHead(200, {
        "content-type": "application/json",
        "content-length": answer.length,
        "x-bg-request-accept-time": "1728625799912",
        "x-bg-response-complete-time": "1728625799912",
        "x-mbx-used-remain-limit": "0",
        "x-sim-now": "1728625799912"
      })
      response.end(answer)
    })
  })
  server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }))
}

const simulator = async () => {
  const Effect = await import("effect/Effect")
  const Scope = await import("effect/Scope")
  const Context = await import("effect/Context")
  const Server = await import("@effect-deadman/simulator/Server")
  const scope = Effect.runSync(Scope.make())
  const context = await Effect.runPromise(
    Effect.provideService(
      Server.make({
        accounts: Array.from({ length: accounts }, (_, index) => ({ uid: `bench-${index}` })),
        // Everything is on. Only the limits that one machine with all bots must exceed are lifted.
        venue: { timestampWindow: 3_600_000, ipLimit: 1_000_000_000 }
      }),
      Scope.Scope,
      scope
    )
  )
  process.send({ port: Number(new URL(Context.get(context, Server.Server).url).port) })
}

process.on("SIGTERM", () => process.exit(0))
process.on("message", (message) => {
  if (message !== "usage") return
  globalThis.gc?.()
  const { system, user } = process.cpuUsage()
  const { heapUsed, rss } = process.memoryUsage()
  process.send({ cpu: user + system, heapUsed, rss })
})
if (process.argv[2] === "bare") bare()
else await simulator()
