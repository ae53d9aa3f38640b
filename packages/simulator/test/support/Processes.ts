/** Processes of a test. They end with the test in every case: passed, failed, timed out, or ended with its worker. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { once } from "node:events"
import * as Path from "node:path"
import { onTestFinished } from "vitest"

/**
 * The timeout of a test of processes, in ms. Only ends a test that hangs, because a busy machine may take a hundred times
 * as long as an idle one.
 */
export const patience = 600_000

/** The command of the build, as a shell runs it. */
export const bin = Path.join(import.meta.dirname, "..", "..", "bin.mjs")

const alive = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL")
})

const kept = <Child extends ChildProcess>(child: Child): Child => {
  alive.add(child)
  child.once("exit", () => alive.delete(child))
  onTestFinished(() => void child.kill("SIGKILL"))
  return child
}

/** Runs a command. Returns its output and exit code. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  env?: Readonly<Record<string, string | undefined>>
): Promise<{ readonly code: number; readonly out: string }> =>
  new Promise((resolve) => {
    kept(
      execFile(command, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr })
      )
    )
  })

/** Starts the served exchange. */
export const start = (...args: ReadonlyArray<string>) => {
  const child = kept(spawn(process.execPath, [bin, "serve", ...args], { stdio: ["ignore", "pipe", "inherit"] }))
  // "close" follows the end of its output.
  const ended = once(child, "close") as Promise<[number | null]>
  let out = ""
  child.stdout.setEncoding("utf8")
  child.stdout.on("data", (chunk: string) => (out += chunk))
  const prints = async (words: RegExp) => {
    while (!words.test(out)) {
      const [code] = await Promise.race([ended, once(child.stdout, "data") as Promise<[unknown]>])
      if (child.exitCode !== null) throw new Error(`the served exchange ended with ${String(code)}: ${out}`)
    }
  }
  return {
    pid: child.pid,
    out: () => out,
    prints,
    /** The JSON of the first whole line with these words. */
    line: async (words: RegExp): Promise<unknown> => {
      await prints(new RegExp(`${words.source}.*\\n`))
      return JSON.parse(out.split("\n").find((line) => words.test(line)) ?? "")
    },
    stop: async (signal: NodeJS.Signals) => {
      child.kill(signal)
      return (await ended)[0]
    }
  }
}

/** Starts the served exchange and waits until it listens. Returns the variables that it prints, and a way to end it. */
export const serve = async (...args: ReadonlyArray<string>) => {
  const server = start(...args)
  await server.prints(/BITGET_PASSPHRASE=.*\n/)
  const variables = Object.fromEntries(
    [...server.out().matchAll(/export (BITGET_\w+)='(.*)'/g)].map(([, name = "", value = ""]) => [name, value])
  )
  const { pid, stop } = server
  return { pid, variables, variable: (name: string) => variables[name] ?? "", stop }
}
