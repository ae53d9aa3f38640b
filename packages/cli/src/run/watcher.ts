/**
 * The watcher: a process of its own that ends the program when `deadman` dies of something that it cannot catch. It
 * reads a pipe whose other end `deadman` holds. The kernel closes that end whatever `deadman` dies of.
 *
 * Reads lines: `group <id>` names the program, `done` says that nothing is left to watch. Arguments: the marker, the grace
 * in ms, and the format of its lines.
 */
import * as Fs from "node:fs"
import process from "node:process"
import { type Format, line } from "./line.js"
import * as Tree from "./tree.js"

const [marker = "", grace = "0", format = "text"] = process.argv.slice(2)
/** How long SIGKILL is repeated, in ms. */
const killing = 5_000

// It outlives what ends the others. SIGKILL can still end it, and `deadman` then starts another.
for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const) {
  process.on(signal, () => {})
}

let group: number | undefined
let isDone = false
let rest = ""

/** Never waits for the reader of stderr, which may have gone away or stopped. */
const say = (message: string): void =>
  Fs.write(2, `${line(format as Format, "error", message, Date.now())}\n`, () => {})

const after = (wait: number, work: () => void): void => void setTimeout(work, wait)

/** The program may have left its group, also before its group was known here. No process has the group 0. */
const tree = (): Tree.Tree => ({ group: group ?? 0, marker })

const kill = (until: number): void => {
  if (Tree.signalAll(tree(), "SIGKILL").length > 0 && Date.now() < until) after(50, () => kill(until))
}

const wait = (until: number): void => {
  if (Tree.remaining(tree()) === 0) return
  if (Date.now() < until) return after(50, () => wait(until))
  kill(Date.now() + killing)
  say("the program has not ended within the grace: kills it")
}

const ended = (): void => {
  if (isDone) return
  isDone = true
  if (Tree.remaining(tree()) === 0) return
  Tree.signalAll(tree(), "SIGTERM")
  Tree.signalAll(tree(), "SIGCONT")
  say("deadman has died while the program ran. The exchange cancels all orders soon: stops the program")
  wait(Date.now() + Number(grace))
}

process.stdin.setEncoding("utf8")
process.stdin.on("data", (text: string) => {
  const lines = (rest + text).split("\n")
  rest = lines.pop() ?? ""
  for (const line of lines) {
    if (line === "done") isDone = true
    else if (line.startsWith("group ")) group = Number(line.slice("group ".length))
  }
})
process.stdin.on("end", ended)
process.stdin.on("error", ended)
process.stdin.on("close", ended)
