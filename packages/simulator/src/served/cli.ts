/**
 * The command line: `serve` and `replay`. Their programs are imported when they run, so that help and mistakes are quick.
 */
import * as Args from "@effect/cli/Args"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as cliOptions from "./cliOptions.js"
import { version } from "./version.js"

const serve = Command.make("serve", cliOptions.serve, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("./serve.js")),
    (program) => program.serve(given)
  )
).pipe(Command.withDescription("Serves the exchange to bots in any language, with a page to watch it and to break it"))

const replay = Command.make(
  "replay",
  {
    file: Args.file({ name: "journal.ndjson", exists: "yes" }).pipe(
      Args.withDescription("A journal written by serve --journal or read from GET /_sim/journal.ndjson")
    ),
    html: Options.file("html").pipe(
      Options.withDescription("Writes the timeline to this file as a page. Default: prints it as text"),
      Options.optional
    ),
    account: Options.text("account").pipe(
      Options.withDescription("Shows this account only. Default: all"),
      Options.optional
    )
  },
  (given) =>
    Effect.flatMap(
      Effect.promise(() => import("./replay.js")),
      (program) => program.replay(given)
    )
).pipe(Command.withDescription("Rebuilds the exchange from a journal, verifies it, and prints the timeline"))

const name = "effect-deadman-simulator"

const cli = Command.run(
  Command.make(name).pipe(
    Command.withDescription("A simulated Bitget with a countdown that runs, and faults of the network on demand"),
    Command.withSubcommands([serve, replay])
  ),
  { name, version, executable: name }
)

/** One or two lines for the failures that this package or the system expects, and the whole cause for others. */
const explain = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (typeof error !== "object" || error === null) return String(error)
  const inner = (error as { readonly cause?: unknown }).cause
  if (inner instanceof Error && (inner as NodeJS.ErrnoException).code === "EADDRINUSE") {
    return `${inner.message}: another program listens there. Give another --port, or --port 0 for any free one.`
  }
  if (inner instanceof Error && (inner as NodeJS.ErrnoException).syscall === "listen") return inner.message
  if ("_tag" in error && "message" in error) return String(error.message)
  return Cause.pretty(cause)
}

/** Runs the command of these arguments. Prints what went wrong, and then fails with it. */
export const command = (argv: ReadonlyArray<string>): Effect.Effect<void, unknown> => {
  const main: Effect.Effect<void, unknown, NodeContext.NodeContext> = cli(argv)
  return main.pipe(
    Effect.tapErrorCause((cause) =>
      // The command line has printed its own mistakes already.
      Cause.isInterruptedOnly(cause) || ValidationError.isValidationError(Cause.squash(cause))
        ? Effect.void
        : Console.error(explain(cause))
    ),
    Effect.provide(Layer.mergeAll(NodeContext.layer, CliConfig.layer({ showBuiltIns: false })))
  )
}

/** Runs the command, and ends the process with 0, or with 1 after a failure. */
export const run = (argv: ReadonlyArray<string>): void =>
  NodeRuntime.runMain(command(argv), { disableErrorReporting: true })
