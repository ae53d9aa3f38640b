/**
 * The commands: `serve` and `replay`.
 */
import * as Args from "@effect/cli/Args"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Exchange from "../exchange/Exchange.js"
import type * as History from "../journal/History.js"
import * as Journal from "../journal/Journal.js"
import * as Server from "./Server.js"
import * as Simulator from "../world/Simulator.js"
import * as Timeline from "../timeline/Timeline.js"
import * as cliOptions from "./cliOptions.js"
import * as JournalFile from "./journalFile.js"
import { version } from "./views.js"
import { type World, WorldTag } from "../world/world.js"

/** What a bot takes for the first account, to paste into a shell. */
const environment = (url: string, account: Exchange.Account): ReadonlyArray<string> => {
  const key = account.keys?.[0] ?? Exchange.testKey(account.uid)
  const quoted = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`
  return [
    `export BITGET_BASE_URL=${quoted(url)}`,
    `export BITGET_API_KEY=${quoted(key.key)}`,
    ...(key.secret === undefined ? [] : [`export BITGET_SECRET_KEY=${quoted(key.secret)}`]),
    `export BITGET_PASSPHRASE=${quoted(key.passphrase)}`
  ]
}

const serve = Command.make("serve", cliOptions.serve, (given) =>
  Effect.scoped(
    Effect.gen(function* () {
      const declared = [...given.account, ...given.accounts]
      const accounts = declared.length === 0 ? [{ uid: Simulator.demoUid }] : declared
      const token = Option.getOrUndefined(given.token)
      const context = yield* Server.make({
        port: given.port,
        host: given.host,
        token,
        accounts,
        venue: given.venue,
        faults: given.fault,
        seed: given.seed,
        journalSize: given.journalSize,
        clock: { ...given.clock, start: given.start }
      })
      const { url, websocketUrl } = Context.get(context, Server.Server)
      const world: World = Context.unsafeGet(context, WorldTag)
      if (Option.isSome(given.journal)) yield* JournalFile.write(world, given.journal.value)
      const [first] = accounts
      yield* Console.log(
        [
          `The simulated exchange listens on ${url} (WebSocket ${websocketUrl})`,
          `  watch and break it   ${url}/${token === undefined ? "" : "#token=<token>"}`,
          `  control it           ${url}/_sim/docs`,
          `  clock ${given.clock.mode}${given.clock.speed === undefined ? "" : `:${given.clock.speed}`}, seed ${given.seed}, ${accounts.length === 1 ? "one account" : `${accounts.length} accounts`}; stop with Ctrl-C`,
          "",
          ...(first === undefined ? [] : environment(url, first))
        ].join("\n")
      )
      return yield* Effect.never
    })
  )
).pipe(Command.withDescription("Serves the exchange to bots in any language, with a page to watch and break it"))

/** The exchange rebuilt from a run, told in one line, and the run as what draws it takes it. */
const rebuilt = Effect.fnUntraced(function* (entries: ReadonlyArray<Journal.Entry>) {
  const state = yield* Journal.replay(entries)
  const [start] = entries
  if (start?._tag !== "Start") return yield* Effect.dieMessage("a journal that was replayed begins with its start")
  const accounts = Exchange.accounts(state)
  const open = accounts.reduce((sum, { declared }) => sum + Exchange.openOrders(state, declared.uid).length, 0)
  yield* Console.log(
    `Rebuilt from ${entries.length} entries, and equal to what they tell: ` +
      `${accounts.length} account${accounts.length === 1 ? "" : "s"}, ${open} open order${open === 1 ? "" : "s"}, seed ${start.seed}.`
  )
  const evidence: History.Evidence = { seed: start.seed, start: start.at, now: state.now, dropped: 0, entries }
  return evidence
})

const replay = Command.make(
  "replay",
  {
    file: Args.file({ name: "journal.ndjson", exists: "yes" }).pipe(
      Args.withDescription("A journal as serve --journal, or GET /_sim/journal.ndjson, has written it")
    ),
    html: Options.file("html").pipe(
      Options.withDescription("Writes the timeline there as a page of its own instead of printing it"),
      Options.optional
    ),
    account: Options.text("account").pipe(Options.withDescription("Only this account's timeline"), Options.optional)
  },
  ({ account, file, html }) =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const { runs, torn } = yield* JournalFile.read(yield* files.readFileString(file))
      if (torn) {
        yield* Console.log("The last line is torn: it is left out, with all that happened in the same instant.")
      }
      const options = { account: Option.getOrUndefined(account) }
      for (const [index, entries] of runs.entries()) {
        const evidence = yield* rebuilt(entries)
        const name = runs.length === 1 ? file : `${file}, run ${index + 1} of ${runs.length}`
        if (Option.isNone(html)) {
          yield* Console.log(`\n${Timeline.text(evidence, options)}`)
        } else if (index === runs.length - 1) {
          yield* files.writeFileString(html.value, Timeline.html(evidence, { ...options, title: name }))
          yield* Console.log(`The timeline${runs.length === 1 ? "" : " of the last run"} is in ${html.value}`)
        }
      }
    })
).pipe(Command.withDescription("Rebuilds the exchange from a journal, verifies it, and tells what happened"))

const command = Command.make("effect-deadman-simulator").pipe(
  Command.withDescription("A simulated Bitget with a countdown that counts down, and every network fault that hurts"),
  Command.withSubcommands([serve, replay])
)

const cli = Command.run(command, { name: "effect-deadman-simulator", version, executable: "effect-deadman-simulator" })

/** What went wrong in a line or two: for what this package or the system knows to go wrong no stack is of use. */
const explain = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (typeof error !== "object" || error === null) return String(error)
  const inner = (error as { readonly cause?: unknown }).cause
  if (inner instanceof Error && (inner as NodeJS.ErrnoException).code === "EADDRINUSE") {
    return `${inner.message}: another program listens there. Give another --port, or --port 0 for any that is free.`
  }
  if (inner instanceof Error && (inner as NodeJS.ErrnoException).syscall === "listen") return inner.message
  if ("_tag" in error && "message" in error) return String(error.message)
  return Cause.pretty(cause)
}

/** Runs the command, and ends the process with 0, or with 1 when something was wrong. */
export const run = (argv: ReadonlyArray<string>): void => {
  const main: Effect.Effect<void, unknown, NodeContext.NodeContext> = cli(argv)
  main.pipe(
    Effect.tapErrorCause((cause) =>
      // A mistake on the command line has been told already.
      Cause.isInterruptedOnly(cause) || ValidationError.isValidationError(Cause.squash(cause))
        ? Effect.void
        : Console.error(explain(cause))
    ),
    Effect.provide(Layer.mergeAll(NodeContext.layer, CliConfig.layer({ showBuiltIns: false }))),
    NodeRuntime.runMain({ disableErrorReporting: true })
  )
}
