// The simulated exchange as a process that can be killed. It writes `ready` when it is loaded, then listens on the port
// that it reads from its input. So a second process can take over a port at once.
import * as Server from "@effect-deadman/simulator/Server"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import { endWithParent, say } from "./parent.mjs"
import process from "node:process"

endWithParent()

// `endWithParent` has detached the input, but the process must live until it has its port.
process.stdin.ref()
process.stdin.once("data", (data) => {
  const port = Number(String(data))
  NodeRuntime.runMain(
    Effect.scoped(
      Effect.gen(function* () {
        const context = yield* Server.make({ port })
        const { url } = yield* Effect.provide(Server.Server, context)
        say({ kind: "listening", url })
        yield* Effect.never
      })
    )
  )
})
say({ kind: "ready" })
