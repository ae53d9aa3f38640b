// No child outlives the test that started it, nor its time.
import process from "node:process"

export const endWithParent = () => {
  const end = () => process.kill(process.pid, "SIGKILL")
  process.stdin.on("end", end).on("error", end).resume()
  process.stdin.unref()
  setTimeout(end, 60_000).unref()
}
