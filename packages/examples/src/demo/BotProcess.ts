/** A bot as a process of its own, which does not outlive the scope it was started in, nor does what it has started. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import * as Readline from "node:readline"

export interface BotProcess {
  readonly pid: number
  /** How it ended: an exit code, or the signal that killed it. */
  readonly ended: Effect.Effect<string>
  readonly kill: (signal: "SIGKILL" | "SIGTERM" | "SIGINT") => Effect.Effect<void>
}

/** What is set for the caller's own use must not reach a bot that is to talk to the simulator, and only to it. */
const inherited = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BITGET|BOT)_/.test(name)))

/** Starts `node <script>`. When the scope closes it is killed, if it still lives, and waited for. */
export const start = (
  script: string,
  options: {
    readonly env: Readonly<Record<string, string>>
    readonly args?: ReadonlyArray<string> | undefined
    /** Each line that it writes, to either stream. */
    readonly onLine?: ((line: string) => void) | undefined
  }
): Effect.Effect<BotProcess, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const child = ChildProcess.spawn(process.execPath, [script, ...(options.args ?? [])], {
        env: { ...inherited(), ...options.env },
        stdio: ["ignore", "pipe", "pipe"],
        // A process group of its own, to be killed as a whole.
        detached: true
      })
      const ended = yield* Deferred.make<string>()
      // "close" comes after both streams have ended: no line is missed.
      child.once("close", (code, signal) => {
        Deferred.unsafeDone(ended, Effect.succeed(signal ?? `exit code ${code}`))
      })
      for (const stream of [child.stdout, child.stderr]) {
        Readline.createInterface({ input: stream }).on("line", (line) => options.onLine?.(line))
      }
      yield* Effect.async<void, Error>((resume) => {
        child.once("spawn", () => resume(Effect.void))
        child.once("error", (error) => resume(Effect.fail(error)))
      })
      return {
        pid: child.pid ?? 0,
        ended: Deferred.await(ended),
        kill: (signal: "SIGKILL" | "SIGTERM" | "SIGINT") => Effect.sync(() => void child.kill(signal))
      }
    }),
    (bot) => Effect.zipRight(Effect.ignore(Effect.try(() => process.kill(-bot.pid, "SIGKILL"))), bot.ended)
  )
