/** The program of the command `run`. */
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as Prometheus from "@effect-deadman/core/Prometheus"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import process from "node:process"
import * as exchange from "../exchange.js"
import * as exitCodes from "../exitCodes.js"
import { explain } from "../explain.js"
import * as Main from "../main.js"
import * as Line from "./line.js"
import * as LivenessSigns from "./liveness.js"
import * as logger from "./logger.js"
import * as Output from "./output.js"
import * as Ports from "./ports.js"
import * as Program from "./program.js"
import * as Release from "./release.js"
import * as Report from "./report.js"
import * as Standstill from "./standstill.js"
import * as StatusFile from "./statusFile.js"
import * as Supervise from "./supervise.js"
import * as Tie from "./tie.js"
import * as Tree from "./tree.js"
import * as Which from "./which.js"

/** The options of the command line, parsed. Lengths of time are in seconds. */
export interface Given {
  readonly program: ReadonlyArray<string>
  readonly countdown: number
  readonly interval: number | undefined
  readonly grace: number
  readonly release: Release.Name
  readonly account: string | undefined
  readonly log: Line.Format
  readonly metrics: Ports.Address | undefined
  readonly health: Ports.Address | undefined
  readonly statusFile: string | undefined
  readonly livenessCommand: string | undefined
  readonly kickFile: string | undefined
  readonly livenessWithin: number | undefined
}

/** The end of the program with another exit code than 0. */
class ProgramFailed extends exitCodes.Ending {}

/** The longest time for the last lines to be written, in ms. */
const lastLines = 1_000

type Say = (level: Line.Level, message: string) => void

/** The endpoints that were asked for. They outlive the switch, so that they can tell how it was released. */
const endpoints = Effect.fnUntraced(function* (given: Given, current: () => Report.Report, say: Say) {
  if (given.health !== undefined) {
    const port = yield* Ports.serve(given.health, "/health", () => {
      const report = current()
      return { status: Report.httpStatus(report), type: "application/json", body: `${JSON.stringify(report)}\n` }
    })
    say("info", `health on http://${given.health.host}:${port}/health`)
  }
  if (given.metrics !== undefined) {
    const port = yield* Ports.serve(given.metrics, "/metrics", () => ({
      status: 200,
      type: "text/plain; version=0.0.4; charset=utf-8",
      body: Prometheus.text(Metric.unsafeSnapshot(), (name) => name.startsWith("deadman_"))
    }))
    say("info", `metrics on http://${given.metrics.host}:${port}/metrics`)
  }
})

/** Arms, runs the program to its end, and releases by it. The ends of `outer` come after the release. */
const supervised = Effect.fnUntraced(function* (given: Given, file: string, say: Say, outer: Scope.Scope) {
  const { account } = yield* CountdownCancelAll.CountdownCancelAll
  let current = (): Report.Report => Report.arming(account, process.pid, Date.now())
  const publish = given.statusFile === undefined ? Effect.void : StatusFile.make(given.statusFile, () => current())
  // A file that cannot be written is a mistake now, and later no reason to stop.
  yield* Effect.mapError(
    publish,
    ({ message }) =>
      new exitCodes.Ending({
        code: exitCodes.codes.usage,
        message: `The status file cannot be written: ${message}. Nothing was armed.`
      })
  )
  yield* Scope.extend(
    endpoints(given, () => current(), say),
    outer
  )

  const countdown = given.countdown * 1_000
  const interval = given.interval === undefined ? undefined : given.interval * 1_000
  const liveness = yield* LivenessSigns.make({
    command: given.livenessCommand,
    file: given.kickFile,
    within: given.livenessWithin === undefined ? countdown : given.livenessWithin * 1_000,
    every: interval ?? countdown * 0.3
  })
  const heartbeat = yield* Heartbeat.make({
    countdown,
    interval,
    liveness,
    release: Release.policy(given.release),
    // Orders of an earlier run may be in the book, which a 0 would leave there unprotected.
    abandon: "LetExpire",
    onTransition: ({ to }) => {
      // After the release there is no heartbeat to ask.
      if (to._tag === "Released") current = () => Report.of(to, process.pid)
      return publish
    },
    onAcknowledged: () => publish
  })
  const status = (): HeartbeatStatus.Status => Effect.runSync(heartbeat.status)
  current = () => Report.of(status(), process.pid)
  yield* Effect.catchAll(publish, ({ message }) =>
    Effect.sync(() => say("warning", `the status file cannot be written: ${message}`))
  )

  const grace = given.grace * 1_000
  const marker = `DEADMAN_TREE_${Crypto.randomBytes(8).toString("hex")}`
  const [name = "", ...args] = given.program
  const tie = yield* Tie.make({ marker, grace, format: given.log, say })
  const stoodStill = yield* Standstill.make
  let isSuspended = false
  let running: Program.Running | undefined
  /** Signals that come before the program runs. */
  const early: Array<NodeJS.Signals> = []
  const lost = (message: string): void => running?.offer({ _tag: "Lost", message })
  const onSignal = (signal: NodeJS.Signals): void => {
    if (running === undefined) return void early.push(signal)
    if (signal === "SIGTSTP") isSuspended = true
    // Many send SIGCONT after a stop, so that it arrives: this process has not stood still then.
    if (signal === "SIGCONT" && (stoodStill() || isSuspended)) {
      isSuspended = false
      // This process has stood still, and the switch with it. That is to be said before anything else happens.
      const now = status()
      if (now._tag !== "Released" && now.lost !== undefined) lost(now.lost.message)
      else if (now._tag !== "Released") {
        const left = ((now.earliestFire - now.at) / 1_000).toFixed(1)
        say("warning", `continues after a stop: the switch is ${now._tag}, ${left} s left`)
      }
    }
    running.offer({ _tag: "Signal", signal, at: Program.now() })
  }
  const signals = yield* Main.Signals
  // From here to the end, also while the switch is released: nothing interrupts what follows.
  yield* Scope.extend(
    signals.take({
      onSignal,
      onCrash: (error) => lost(`deadman has failed: ${error instanceof Error ? error.stack : String(error)}`)
    }),
    outer
  )
  yield* heartbeat.ensureArmed()
  running = yield* Program.start({ file, name, args, marker, grace, tie, say })
  early.forEach(onSignal)
  const { finished } = running
  yield* Effect.forkScoped(
    Effect.catchAllCause(heartbeat.awaitLost, (cause) => {
      const error = Cause.squash(cause)
      return Effect.sync(() => lost(error instanceof Error ? error.message : String(error)))
    })
  )
  const state = yield* Effect.uninterruptible(Effect.promise(() => finished))
  const code = Supervise.exitCode(state)
  if (code !== 0) return yield* new ProgramFailed({ code, message: Supervise.ending(state) })
}, Effect.scoped)

/** Runs the program under the switch. Fails with the exit code, after everything is said. */
export const run = (given: Given): Effect.Effect<void, exitCodes.Ending, Main.Signals> =>
  Effect.gen(function* () {
    const output = Output.make(2)
    const say: Say = (level, message) => output.line(Line.line(given.log, level, message, Date.now()))
    const program = Effect.gen(function* () {
      const scope = yield* Effect.scope
      const file = Which.locate(given.program[0] ?? "", process.env["PATH"] ?? "")
      if (typeof file !== "string") return yield* file
      if (!Tree.findsStrays) {
        say("info", "on this system a process that leaves the program's group is not found, and so not stopped")
      }
      const layer = BitgetCountdown.layer.pipe(Layer.provide(exchange.layerOf(given.account)))
      yield* Effect.provide(supervised(given, file, say, scope), layer)
    })
    yield* program.pipe(
      Effect.scoped,
      Effect.catchAllCause((cause) => {
        if (Cause.isInterruptedOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
        say("error", explain(cause))
        return Effect.fail(new exitCodes.Ending({ code: exitCodes.of(Cause.squash(cause)), message: "" }))
      }),
      Effect.provide(logger.layer(say)),
      Effect.ensuring(Effect.promise(() => output.flushed(lastLines)))
    )
  })
