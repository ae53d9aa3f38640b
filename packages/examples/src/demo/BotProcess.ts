/** A bot as a separate process. The end of the scope kills it and every process that it has started. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import * as Readline from "node:readline"

export interface BotProcess {
  readonly pid: number
  /** Succeeds at the end of the process with its exit code or the signal that killed it. */
  readonly ended: Effect.Effect<string>
  readonly kill: (signal: "SIGKILL" | "SIGTERM" | "SIGINT") => Effect.Effect<void>
}

/** The environment without the caller's own settings, because the bot must reach the simulator only. */
const inherited = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BITGET|BOT)_/.test(name)))

/** Starts `node <script>`. The end of the scope kills the process and waits for it. */
export const start = (
  script: string,
  options: {
    readonly env: Readonly<Record<string, string>>
    readonly args?: ReadonlyArray<string> | undefined
    /** Called with each line of stdout and stderr. */
    readonly onLine?: ((line: string) => void) | undefined
  }
): Effect.Effect<BotProcess, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const child = ChildProcess.spawn(process.execPath, [script, ...(options.args ?? [])], {
        env: { ...inherited(), ...options.env },
        stdio: ["ignore", "pipe", "pipe"],
        // Its own process group, which can be killed as a whole.
        detached: true
      })
      const ended = yield* Deferred.make<string>()
      // "close" follows the end of both streams, so no line is missed.
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
