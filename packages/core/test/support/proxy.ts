/** A TCP proxy with a given treatment for each direction of its connections. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"

/**
 * The treatment of the bytes that arrive: passed on, passed on later (ms), kept until the treatment changes, dropped, or
 * answered with a reset of both sides.
 */
export type Treatment = "pass" | "hold" | "swallow" | "reset" | { readonly delay: number }

export type Direction = "requests" | "answers"

export interface Proxy {
  readonly url: string
  readonly treat: (direction: Direction, treatment: Treatment) => Effect.Effect<void>
  /** The number of times that the treatment of a direction has applied. */
  readonly met: (direction: Direction) => number
}

export const make = (target: string): Effect.Effect<Proxy, never, Scope.Scope> => {
  const sockets = new Set<Net.Socket>()
  const treatments: Record<Direction, Treatment> = { requests: "pass", answers: "pass" }
  const met: Record<Direction, number> = { requests: 0, answers: 0 }
  /** Continues with what was kept. */
  const drains: Record<Direction, Set<() => void>> = { requests: new Set(), answers: new Set() }

  const pump = (direction: Direction, from: Net.Socket, to: Net.Socket): void => {
    const held: Array<{ readonly due: number; readonly bytes: Buffer }> = []
    let ended = false
    const end = (): void => {
      drains[direction].delete(drain)
      to.end()
    }
    const drain = (): void => {
      if (treatments[direction] === "hold") return
      while (held.length > 0 && held[0]!.due <= performance.now()) to.write(held.shift()!.bytes)
      if (held.length > 0) setTimeout(drain, held[0]!.due - performance.now() + 1)
      // Bytes that were delayed past the end of their sender still arrive.
      else if (ended) end()
    }
    from.on("data", (bytes) => {
      const treatment = treatments[direction]
      if (treatment !== "pass") met[direction]++
      if (treatment === "swallow") return
      if (treatment === "reset") {
        from.resetAndDestroy()
        to.resetAndDestroy()
        return
      }
      const delay = typeof treatment === "object" ? treatment.delay : 0
      held.push({ due: Math.max(held.at(-1)?.due ?? 0, performance.now() + delay), bytes })
      if (held.length === 1) drain()
    })
    drains[direction].add(drain)
    from.on("close", () => {
      ended = true
      if (held.length === 0) end()
    })
    from.on("error", () => undefined)
  }

  const { hostname, port } = new URL(target)
  const server = Net.createServer((client) => {
    const upstream = Net.connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
    }
    pump("requests", client, upstream)
    pump("answers", upstream, client)
  })

  return Effect.acquireRelease(
    Effect.async<Proxy>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as Net.AddressInfo
        resume(
          Effect.succeed({
            url: `http://127.0.0.1:${port}`,
            treat: (direction, treatment) =>
              Effect.sync(() => {
                treatments[direction] = treatment
                met[direction] = 0
                for (const drain of drains[direction]) drain()
              }),
            met: (direction) => met[direction]
          })
        )
      })
    }),
    () =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  )
}
