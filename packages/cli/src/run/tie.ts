/** The tie between this process and its watcher: a pipe that the kernel cuts, whatever this process dies of. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import process from "node:process"
import { fileURLToPath } from "node:url"
import type { Format, Level } from "./line.js"

/** The pause before a watcher that has died is started again, in ms. */
const pause = 1_000

export interface Tie {
  /** Tells the watcher which group to end. */
  readonly watch: (group: number) => void
}

/** Starts the watcher, and another one when it dies. The end of the scope ends it. */
export const make = (options: {
  readonly marker: string
  readonly grace: number
  readonly format: Format
  readonly say: (level: Level, message: string) => void
}): Effect.Effect<Tie, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        let group: number | undefined
        let isDone = false
        let timer: NodeJS.Timeout | undefined
        let watcher: ChildProcess.ChildProcess | undefined

        const tell = (text: string): void => void watcher?.stdin?.write(`${text}\n`)
        const start = (): void => {
          const child = ChildProcess.spawn(
            process.execPath,
            [
              fileURLToPath(new URL("watcher.js", import.meta.url)),
              options.marker,
              String(options.grace),
              options.format
            ],
            // A session of its own, so that no signal to this process's group reaches it. No variables: those of the
            // program are not its own.
            { stdio: ["pipe", "ignore", "inherit"], detached: true, env: {} }
          )
          watcher = child
          child.stdin.on("error", () => {})
          let isOver = false
          const over = (how: string): void => {
            if (isOver || isDone) return
            isOver = true
            options.say(
              "warning",
              `the watcher ${how}: starts another. Until then SIGKILL here leaves the program alive`
            )
            timer = setTimeout(start, pause)
          }
          child.once("error", (error) => over(`cannot run (${error.message})`))
          child.once("exit", (code, signal) => over(`has ended (${signal ?? code})`))
          if (group !== undefined) tell(`group ${group}`)
        }
        start()
        return {
          watch: (id: number) => {
            group = id
            tell(`group ${id}`)
          },
          end: () => {
            isDone = true
            clearTimeout(timer)
            watcher?.stdin?.end("done\n")
          }
        }
      }),
      ({ end }) => Effect.sync(end)
    ),
    ({ watch }) => ({ watch })
  )
