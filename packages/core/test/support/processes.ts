/** Child processes of a test: their lines, their signals, and their certain end. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import * as Readline from "node:readline"
import { fileURLToPath } from "node:url"
import { until } from "./patience.js"

/** A line of a child's output, a JSON object. */
export interface Line {
  readonly kind: string
  /** When it was written, ms since the epoch. */
  readonly saidAt: number
  readonly state?: string
  readonly at?: number
  readonly earliestFire?: number
  readonly latestFire?: number
  readonly outcome?: string
  readonly provenBy?: string
  readonly open?: boolean
  readonly reason?: string
  readonly timeLeft?: number
  readonly url?: string
}

export interface Child<L = Line> {
  readonly lines: ReadonlyArray<L>
  /** The lines of its standard error. */
  readonly complaints: ReadonlyArray<string>
  readonly write: (text: string) => Effect.Effect<void>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Its end: `code 0`, or the signal that killed it. */
  readonly ended: Effect.Effect<string>
}

const alive = new Set<ChildProcess.ChildProcess>()
process.on("exit", () => alive.forEach((child) => child.kill("SIGKILL")))

/**
 * Kills the child when this process ends. A child that is stopped by a signal does not notice the death of its parent
 * and would stay for ever. This guard waits for the end of its input, which comes with the end of this process.
 */
const guard = (pid: number): ChildProcess.ChildProcess =>
  ChildProcess.spawn("/bin/sh", ["-c", 'read -r line; kill -9 "$0"', String(pid)], {
    stdio: ["pipe", "ignore", "ignore"]
  })

/** Loading takes most of a second of a core, so few load at a time and do not starve the others. */
const loading = Effect.unsafeMakeSemaphore(3)

/**
 * Starts a script, by its name if it is beside this file, and succeeds when it is loaded. When the scope closes, kills
 * it, if it still runs, and waits for its end.
 */
export const start = <L extends { readonly kind: string } = Line>(
  script: string | URL,
  env: Readonly<Record<string, string>> = {}
): Effect.Effect<Child<L>, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const inherited = Object.entries(process.env).filter(([name]) => !/^(BITGET|BOT|NODE)_/.test(name))
      const child = ChildProcess.spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url))], {
        env: { ...Object.fromEntries(inherited), ...env },
        stdio: "pipe"
      })
      alive.add(child)
      const guarding = child.pid === undefined ? undefined : guard(child.pid)
      const lines: Array<L> = []
      const complaints: Array<string> = []
      const ended = Deferred.unsafeMake<string>(FiberId.none)
      Readline.createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line) as L))
      Readline.createInterface({ input: child.stderr }).on("line", (line) => complaints.push(line))
      child.stdin.on("error", () => undefined)
      // Both streams have ended by then, so no line is missing.
      child.once("close", (code, signal) => {
        alive.delete(child)
        guarding?.kill("SIGKILL")
        Deferred.unsafeDone(ended, Effect.succeed(signal ?? `code ${code}`))
      })
      return {
        lines,
        complaints,
        write: (text: string) => Effect.sync(() => void child.stdin.write(text)),
        signal: (signal: NodeJS.Signals) => Effect.sync(() => void child.kill(signal)),
        ended: Deferred.await(ended)
      }
    }),
    (child) => Effect.zipRight(child.signal("SIGKILL"), child.ended)
  ).pipe(
    Effect.tap((child) =>
      until(
        `${String(script)} is loaded`,
        Effect.sync(() => child.lines.some((line) => line.kind === "ready"))
      )
    ),
    loading.withPermits(1)
  )
