// What a child process owes the test that started it: an end, and its lines.
import process from "node:process"

/** No child outlives its test, nor the longest test. */
export const endWithParent = () => {
  const end = () => process.kill(process.pid, "SIGKILL")
  process.stdin.on("end", end).on("error", end).resume()
  process.stdin.unref()
  setTimeout(end, 300_000).unref()
}

/**
 * A JSON line for the test. Into a pipe Node writes it at once, so a line before a request was written before that
 * request; only what a slow reader leaves no room for waits. (`Fs.writeSync` throws `EAGAIN` there.)
 */
export const say = (line) => void process.stdout.write(`${JSON.stringify({ saidAt: Date.now(), ...line })}\n`)
