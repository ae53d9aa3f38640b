// Runs shell commands. Each is a process group, as in a terminal, and ends with this process at the latest.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { root } from "./pack.mjs"

const living = new Set()
/** Signals the whole group, as a terminal does. */
const signal = (child, name) => living.has(child) && process.kill(-child.pid, name)
process.on("exit", () => living.forEach((child) => signal(child, "SIGKILL")))
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => process.exit(1))

const isForeign = (name) =>
  /^(BITGET|BOT)_|_(API_KEY|SECRET_KEY|PASSPHRASE)$|^(npm_|pnpm_|INIT_CWD$|NODE_PATH$)/i.test(name)

/** The variables for a program under test: without the caller's credentials, and without those of the running pnpm. */
export const cleanEnv = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForeign(name)))

/** The variables that the output of a command exports. */
export const exported = (output) =>
  Object.fromEntries([...output.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, ...pair]) => pair))

/**
 * Starts a command. `reached` waits until the output matches `until` or the command ends. `end` sends a signal, by default
 * that of Ctrl-C, and waits. `end` and `ended` give the exit code, `null` after a signal.
 */
export const start = (line, { bound = 300_000, cwd = root, env, until }) => {
  const child = spawn("sh", ["-c", line], { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true })
  living.add(child)
  const timer = setTimeout(() => signal(child, "SIGKILL"), bound)
  const ended = once(child, "close").then(([code]) => {
    clearTimeout(timer)
    living.delete(child)
    return code
  })
  const running = { output: "", ended, end: (name = "SIGINT") => (signal(child, name), ended) }
  const matched = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        running.output += text
        if (until?.test(running.output)) resolve()
      })
    }
  })
  running.reached = Promise.race([matched, ended])
  return running
}
