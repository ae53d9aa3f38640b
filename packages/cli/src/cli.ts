/**
 * The command line of `deadman`. The program of a subcommand is imported when it runs, so that help and mistakes are
 * quick.
 */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { explain } from "./explain.js"
import * as Main from "./main.js"
import * as Probe from "./probe/command.js"
import * as Check from "./check/command.js"
import * as Run from "./run/command.js"
import { version } from "./version.js"

const name = "deadman"

/** The command line, with the words after `--`, which belong to the program. */
const cli = (program: ReadonlyArray<string> | undefined) =>
  Command.run(
    Command.make(name).pipe(
      Command.withDescription("Bitget's dead man's switch for a trading bot in any language"),
      Command.withSubcommands([Run.command(program), Check.command, Probe.command])
    ),
    { name, version, executable: name }
  )

/** Runs the command of these arguments. Prints what went wrong, and then fails with it. */
export const command = (argv: ReadonlyArray<string>): Effect.Effect<void, unknown, Main.Signals> => {
  const split = argv.indexOf("--")
  const [own, program] = split < 0 ? [argv, undefined] : [argv.slice(0, split), argv.slice(split + 1)]
  const main: Effect.Effect<void, unknown, NodeContext.NodeContext | Main.Signals> = cli(program)(own)
  return main.pipe(
    Effect.tapErrorCause((cause) =>
      // The command line has printed its own mistakes already, and `run` all that it had to say.
      Cause.isInterruptedOnly(cause) || ValidationError.isValidationError(Cause.squash(cause)) || explain(cause) === ""
        ? Effect.void
        : Console.error(`deadman: error: ${explain(cause)}`)
    ),
    Effect.provide(Layer.mergeAll(NodeContext.layer, CliConfig.layer({ showBuiltIns: false })))
  )
}

/** Runs the command, and ends the process. */
export const run = (argv: ReadonlyArray<string>): void => Main.run(command(argv))
