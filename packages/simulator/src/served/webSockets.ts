/**
 * The connections that have become WebSockets. The HTTP server no longer knows them: it neither bounds them nor ends
 * them when it closes.
 */
import type { Socket } from "node:net"

/** A peer that has not closed its end so long (ms) after it was told is cut off. */
const grace = 1_000

/** The venue's own messages have a few hundred bytes. A longer one ends its connection before it is there as a whole. */
const longestMessage = 65_536

/** What is on a connection once it speaks the protocol. */
export interface Peer {
  readonly close: (code: number, reason: string) => void
}

export class WebSockets {
  private readonly connections = new Map<Socket, Peer | undefined>()

  /** A connection that asks to become a WebSocket. */
  add(socket: Socket): void {
    this.connections.set(socket, undefined)
    socket.once("close", () => this.connections.delete(socket))
  }

  /** The connection has become one. The result is to be called for each message that has come. */
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

  /** Closes all with 1001, and calls back when none is left. */
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
