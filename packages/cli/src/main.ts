/**
 * The process around a command. Interrupts the command on every signal that would end the process, ends with its exit
 * code, and survives that the reader of stdout or stderr goes away.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Os from "node:os"
import process from "node:process"
import * as exitCodes from "./exitCodes.js"

/** Signals that stop, continue or inform a process by default. Only a command that supervises has a use for them. */
const others = ["SIGTSTP", "SIGCONT", "SIGWINCH"] as const

/** Receives what would end this process, or stop it. */
export interface Handler {
  readonly onSignal: (signal: NodeJS.Signals) => void
  /** An exception that nothing caught. */
  readonly onCrash: (error: unknown) => void
}

/** The signals of this process. */
export class Signals extends Context.Tag("@effect-deadman/cli/Signals")<
  Signals,
  {
    /** Hands every signal to the handler, instead of interrupting the command, until the scope closes. */
    readonly take: (handler: Handler) => Effect.Effect<void, never, Scope.Scope>
  }
>() {}

/** Signals that end a process by default. Those of a crash are not among them: the process cannot go on after them. */
const deadly = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGXCPU",
  "SIGIO",
  "SIGPWR",
  "SIGSTKFLT",
  "SIGSYS",
  "SIGTRAP",
  "SIGABRT"
] as const

/** Waits until what was written has left the process, for a second at most, because the reader may have stopped. */
const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 1_000).unref()
    stream.write("", () => resolve())
  })

const closed = (fd: number): void => {
  try {
    Fs.closeSync(fd)
  } catch {
    // It was closed before.
  }
}

/** Runs the command and ends the process with its exit code. */
export const run = (command: Effect.Effect<void, unknown, Signals>): void => {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})
  let received: NodeJS.Signals | undefined
  let handler: Handler | undefined

  const signals = Signals.of({
    take: (mine) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          handler = mine
          for (const signal of others) process.on(signal, mine.onSignal)
        }),
        () =>
          Effect.sync(() => {
            handler = undefined
            for (const signal of others) process.off(signal, mine.onSignal)
          })
      )
  })
  const fiber = Effect.runFork(Effect.provideService(command, Signals, signals))
  for (const signal of deadly) {
    // Not every system has each of them.
    if (!(signal in Os.constants.signals)) continue
    process.on(signal, () => {
      if (handler !== undefined) return handler.onSignal(signal)
      received ??= signal
      fiber.unsafeInterruptAsFork(fiber.id())
    })
  }

  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, (error: unknown) => {
      if (handler !== undefined) return handler.onCrash(error)
      process.stderr.write(`deadman: ${error instanceof Error ? error.stack : String(error)}\n`)
      process.exit(exitCodes.codes.defect)
    })
  }

  const keepAlive = setInterval(() => {}, 2_147_483_647)
  fiber.addObserver((exit) => {
    const code = Exit.match(exit, {
      onSuccess: () => 0,
      onFailure: (cause) =>
        Cause.isInterruptedOnly(cause)
          ? exitCodes.afterSignal(Os.constants.signals[received ?? "SIGINT"])
          : exitCodes.of(Cause.squash(cause))
    })
    clearInterval(keepAlive)
    void Promise.all([flushed(process.stdout), flushed(process.stderr)]).then(() => {
      // Node aborts at its end when its terminal has gone away, unless it is closed.
      for (const fd of [0, 1, 2]) closed(fd)
      process.exit(code)
    })
  })
}
