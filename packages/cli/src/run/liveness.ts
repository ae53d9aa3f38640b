/**
 * Signs of life from outside of the program: a command that succeeds, or a file that the program touches. A beat is
 * withheld while the last sign is older than allowed.
 */
import * as Liveness from "@effect-deadman/core/Liveness"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import process from "node:process"

export interface Options {
  /** A line of the shell. */
  readonly command: string | undefined
  readonly file: string | undefined
  /** The greatest age of the last sign, in ms. */
  readonly within: number
  /** The pause between two runs of the command, in ms. */
  readonly every: number
}

/** Runs a line of the shell in a group of its own, and ends the group after `bound` ms. */
const succeeds = (line: string, bound: number): Effect.Effect<boolean> =>
  Effect.async((resume) => {
    const child = ChildProcess.spawn("sh", ["-c", line], { stdio: "ignore", detached: true })
    const end = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
      } catch {
        // It has ended.
      }
    }
    const timer = setTimeout(end, bound)
    child.once("error", () => resume(Effect.succeed(false)))
    child.once("exit", (code) => {
      clearTimeout(timer)
      resume(Effect.succeed(code === 0))
    })
    return Effect.sync(end)
  })

/** The time of the last change of a file, `undefined` when there is none. */
const touchedAt = (file: string): Effect.Effect<number | undefined> =>
  Effect.async((resume) =>
    Fs.stat(file, (error, stats) => resume(Effect.succeed(error === null ? stats.mtimeMs : undefined)))
  )

const command = (line: string, { every, within }: Options) =>
  Effect.gen(function* () {
    const watchdog = yield* Liveness.watchdog(within, { name: `liveness command ${JSON.stringify(line)}` })
    yield* succeeds(line, within).pipe(
      Effect.tap((isAlive) => (isAlive ? watchdog.kick : Effect.void)),
      Effect.delay(every),
      Effect.forever,
      Effect.forkScoped
    )
    return watchdog.check
  })

const file = (path: string, { within }: Options) =>
  Effect.gen(function* () {
    const watchdog = yield* Liveness.watchdog(within, { name: `kick file ${path}` })
    // Compares changes and not ages, because the time of a file is one of the wall clock, which may be set.
    let last = yield* touchedAt(path)
    return Effect.gen(function* () {
      const at = yield* touchedAt(path)
      if (at !== undefined && at !== last) yield* watchdog.kick
      last = at
      yield* watchdog.check
    })
  })

/** The check of all signs; `undefined` when none is asked for. The time until the first sign counts from now. */
export const make = (
  options: Options
): Effect.Effect<Effect.Effect<void, Liveness.LivenessFailed> | undefined, never, Scope.Scope> =>
  Effect.gen(function* () {
    const checks = [
      ...(options.command === undefined ? [] : [yield* command(options.command, options)]),
      ...(options.file === undefined ? [] : [yield* file(options.file, options)])
    ]
    return checks.length === 0 ? undefined : Effect.all(checks, { discard: true })
  })
