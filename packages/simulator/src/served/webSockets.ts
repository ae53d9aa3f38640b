/**
 * The connections that have become WebSockets. The HTTP server neither bounds nor closes them.
 */
import type { Socket } from "node:net"

/** How long a peer may take to close its end, in ms. */
const grace = 1_000

/**
 * The longest message, in bytes. Real messages have a few hundred. A longer one ends its connection before it is
 * complete.
 */
const longestMessage = 65_536

/** The WebSocket of a connection after the handshake. */
export interface Peer {
  readonly close: (code: number, reason: string) => void
}

export class WebSockets {
  private readonly connections = new Map<Socket, Peer | undefined>()

  /** Adds a connection before its handshake. */
  add(socket: Socket): void {
    this.connections.set(socket, undefined)
    socket.once("close", () => this.connections.delete(socket))
  }

  /** Adds the WebSocket of a connection. Call the result for each received message. */
  opened(socket: Socket, peer: Peer): () => void {
    if (this.connections.has(socket)) this.connections.set(socket, peer)
    let bytes = 0
    socket.on("data", (chunk) => {
      bytes += chunk.length
      if (bytes <= longestMessage) return
      peer.close(1009, `a message has at most ${longestMessage} bytes`)
      socket.destroySoon()
    })
    return () => {
      bytes = 0
    }
  }

  /** Closes all with 1001, and calls `done` after the last. */
  stop(done: () => void): void {
    if (this.connections.size === 0) return done()
    const cut = setTimeout(() => {
      for (const socket of this.connections.keys()) socket.destroy()
    }, grace)
    for (const [socket, peer] of this.connections) {
      socket.once("close", () => {
        if (this.connections.size > 0) return
        clearTimeout(cut)
        done()
      })
      if (peer === undefined) socket.destroy()
      else peer.close(1001, "the exchange stops")
    }
  }
}
