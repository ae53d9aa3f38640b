// A bot for tests. Writes its process id and the stops that reach it to the file BOT_LOG, because its terminal may go
// away, and winds down after the first stop.
//
//   node bot.mjs          ends with 0 after a while; a second stop while it winds down ends it with 9
//   node bot.mjs deaf     ignores every stop
//   node bot.mjs leader   starts a bot in a session of its own, as a daemon does, and goes on
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import process from "node:process"
import { fileURLToPath } from "node:url"

const kind = process.argv[2] ?? "bot"
const say = (text) => {
  Fs.appendFileSync(process.env.BOT_LOG, `${kind} ${process.pid} ${text}\n`)
  process.stdout.write(`${text}\n`)
}
process.stdout.on("error", () => {})
const end = (code) => {
  // Node aborts at its end when its terminal has gone away, unless it is closed.
  for (const fd of [0, 1, 2]) Fs.closeSync(fd)
  process.exit(code)
}

let stops = 0
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"]) {
  process.on(signal, () => {
    stops += 1
    say(`${signal} ${stops}`)
    if (kind === "deaf") return
    if (stops > 1) end(9)
    setTimeout(() => {
      say("bye")
      end(0)
    }, 1_200)
  })
}
process.on("SIGUSR2", () => say("SIGUSR2"))
if (kind === "leader") {
  spawn(process.execPath, [fileURLToPath(import.meta.url), "daemon"], { detached: true, stdio: "inherit" }).unref()
}
setInterval(() => {}, 1_000)
say("runs")
