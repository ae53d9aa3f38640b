// Runs inside the served exchange and measures it: the longest turn of the event loop, the heap, and the open connections.
//
// A turn counts the time that it lasted, at most the processor time that the process used meanwhile. So a machine that
// is busy with other work is no false alarm. A turn that sleeps uses no processor time, and the canary finds it.
const used = () => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1_000
}
let longest = 0
let at = performance.now()
let cpu = used()
const look = () => {
  const [now, then] = [performance.now(), used()]
  // A timer of 10 ms is not part of the turn.
  longest = Math.max(longest, Math.min(now - at, then - cpu) - 10)
  at = now
  cpu = then
}
setInterval(look, 10).unref()

const asks = {
  /** The longest turn since the last call, in ms. */
  turn: () => {
    look()
    const turn = longest
    longest = 0
    return turn
  },
  /** The number of open connections. */
  connections: () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length,
  /** Bytes that live after a collection. */
  memory: () => {
    globalThis.gc()
    const { arrayBuffers, external, heapUsed } = process.memoryUsage()
    look()
    longest = 0
    return heapUsed + external + arrayBuffers
  }
}
process.on("message", (what) => process.send(asks[what]()))
process.on("disconnect", () => process.exit(1))
process.channel.unref()
