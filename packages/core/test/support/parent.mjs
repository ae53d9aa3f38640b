// No child outlives the test that started it, nor the longest test.
import process from "node:process"

export const endWithParent = () => {
  const end = () => process.kill(process.pid, "SIGKILL")
  process.stdin.on("end", end).on("error", end).resume()
  process.stdin.unref()
  setTimeout(end, 300_000).unref()
}
