// A switch for a program in any language. Arms before the program starts, beats while it runs, forwards signals, and
// chooses the release by the exit code. When the switch is lost, logs an error and stops the program.
// Run: `pnpm --silent deadman run --countdown 10 -- python bot.py`.
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as Credentials from "@effect-deadman/core/Credentials"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Release from "@effect-deadman/core/Release"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as ChildProcess from "node:child_process"
import * as Os from "node:os"
import * as Arguments from "./Arguments.js"

/** As in sysexits.h and in shells. */
const exitCodes = { usage: 64, lost: 70, notStarted: 127, interrupted: 130 }

class ChildFailed extends Data.TaggedError("ChildFailed")<{ readonly code: number; readonly message: string }> {}
class NotStarted extends Data.TaggedError("NotStarted")<{ readonly message: string }> {}

let child: ChildProcess.ChildProcess | undefined

const start = ({ args, command, grace }: Arguments.Arguments) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const ended = yield* Deferred.make<void, ChildFailed | NotStarted>()
      // In the process group of this process, so that it keeps the terminal.
      const spawned = ChildProcess.spawn(command, args, { stdio: "inherit" })
      child = spawned
      spawned.once("error", (error) => {
        Deferred.unsafeDone(ended, Exit.fail(new NotStarted({ message: `cannot run ${command}: ${error.message}` })))
      })
      spawned.once("exit", (code, signal) => {
        const number = signal === null ? (code ?? 1) : 128 + Os.constants.signals[signal]
        const how = signal === null ? `with exit code ${number}` : `by ${signal}`
        const message = `the program ended ${how}, so the exchange cancels its orders`
        Deferred.unsafeDone(ended, number === 0 ? Exit.void : Exit.fail(new ChildFailed({ code: number, message })))
      })
      return { spawned, ended }
    }),
    // The program still runs only when the switch was lost.
    ({ ended, spawned }) =>
      Effect.suspend(() => {
        if (spawned.exitCode !== null || spawned.signalCode !== null || spawned.pid === undefined) return Effect.void
        spawned.kill("SIGTERM")
        return Deferred.await(ended).pipe(
          Effect.interruptible,
          Effect.exit,
          Effect.timeoutOption(`${grace} seconds`),
          Effect.tap((exit) => Effect.sync(() => Option.isNone(exit) && spawned.kill("SIGKILL")))
        )
      })
  )

/** A program that never started has no orders. After any other failure the exchange cancels soon. */
const byExit: Release.Policy = (exit, lost) => {
  const failure = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
  return failure instanceof NotStarted ? "Disarm" : Release.cancelOnFailure(exit, lost)
}

const run = Effect.fnUntraced(function* (options: Arguments.Arguments) {
  const heartbeat = yield* Heartbeat.make({ countdown: `${options.countdown} seconds`, release: byExit })
  yield* Effect.logInfo(`armed with ${options.countdown} s`)
  const { ended } = yield* start(options)
  yield* heartbeat.guard(Deferred.await(ended))
}, Effect.scoped)

const exchange = BitgetCountdown.layer.pipe(
  Layer.provide(BitgetClient.layerConfig),
  Layer.provide([Credentials.layerConfig, FetchHttpClient.layer])
)

/** Logs to stderr, because stdout belongs to the program. */
const stderr = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ logLevel, message }) => {
    const text = (Array.isArray(message) ? message : [message]).map(String).join(" ")
    process.stderr.write(`deadman: ${logLevel.label.toLowerCase()}: ${text}\n`)
  })
)

const parsed = Arguments.parse(process.argv.slice(2))
if (Either.isLeft(parsed)) {
  process.stderr.write(`deadman: ${parsed.left}\n\n${Arguments.usage}\n`)
  process.exitCode = exitCodes.usage
} else {
  const fiber = Effect.runFork(
    run(parsed.right).pipe(
      Effect.provide(exchange),
      Effect.tapError((error) => Effect.logError(error.message)),
      Effect.provide(stderr)
    )
  )
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    process.on(signal, () => {
      if (child === undefined) fiber.unsafeInterruptAsFork(fiber.id())
      // A key of the terminal has already reached the program.
      else if (!(process.stdin.isTTY && (signal === "SIGINT" || signal === "SIGQUIT"))) child.kill(signal)
    })
  }
  const exit = await Effect.runPromise(Fiber.await(fiber))
  process.exitCode = Exit.match(exit, {
    onSuccess: () => 0,
    onFailure: (cause) => {
      const failure = Option.getOrUndefined(Cause.failureOption(cause))
      if (failure === undefined) return Cause.isInterruptedOnly(cause) ? exitCodes.interrupted : 1
      if (failure._tag === "ChildFailed") return failure.code
      return failure._tag === "SwitchLost" ? exitCodes.lost : failure._tag === "NotStarted" ? exitCodes.notStarted : 1
    }
  })
}
