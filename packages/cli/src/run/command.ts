/** The command line of `deadman run`. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { codes, Ending } from "../exitCodes.js"
import { checked, optional, parsed, withDefault } from "../options.js"
import * as Ports from "./ports.js"

/** A length of time in seconds. */
const seconds = (name: string, least: number) => (value: number) =>
  value >= least && value <= 86_400
    ? Either.right(value)
    : Either.left(`--${name} requires seconds from ${least} to 86400, not ${value}`)

const address = (name: string) =>
  checked((text: string) => {
    const found = Ports.parse(text)
    return found === undefined
      ? Either.left(`--${name} requires a port, or an address with a port such as 0.0.0.0:8080, not "${text}"`)
      : Either.right(found)
  })

/** The options of `run`. */
export const options = {
  countdown: withDefault(
    Options.integer("countdown"),
    "Seconds after the last beat at which the exchange cancels all orders, from 5 to 60",
    10
  ),
  interval: optional(Options.float("interval"), "Seconds from one beat to the next", "three tenths of the countdown"),
  grace: parsed(
    withDefault(
      Options.float("grace"),
      "Seconds that the program may take to end after any stop, before it is killed",
      10
    ),
    seconds("grace", 0)
  ),
  release: Options.choice("release", ["cancelOnFailure", "disarm"] as const).pipe(
    Options.withDescription(
      "What the end of the program does. cancelOnFailure: exit code 0 turns the switch off and leaves the orders, " +
        "anything else has them cancelled in 5 s. disarm: turns the switch off in both cases. Default: cancelOnFailure"
    ),
    Options.withDefault("cancelOnFailure" as const)
  ),
  account: optional(
    Options.text("account"),
    "The label of the account in logs and metrics",
    "BITGET_ACCOUNT_LABEL, or default"
  ),
  log: Options.choice("log", ["text", "json"] as const).pipe(
    Options.withDescription("The form of the log on stderr. Default: text"),
    Options.withDefault("text" as const)
  ),
  metrics: parsed(
    optional(
      Options.text("metrics-port"),
      "Serves /metrics for Prometheus on this port of 127.0.0.1, or on address:port",
      "off"
    ),
    address("metrics-port")
  ),
  health: parsed(
    optional(
      Options.text("health-port"),
      "Serves /health on this port of 127.0.0.1, or on address:port: 200 only while the switch is armed",
      "off"
    ),
    address("health-port")
  ),
  statusFile: optional(Options.text("status-file"), "Keeps the state of the switch in this file, as JSON", "none"),
  livenessCommand: optional(
    Options.text("liveness-command"),
    "A line of the shell that succeeds while the program is alive. Beats stop when it fails for too long",
    "none"
  ),
  kickFile: optional(
    Options.text("kick-file"),
    "A file that the program touches while it is alive. Beats stop when it has not for too long",
    "none"
  ),
  livenessWithin: parsed(
    optional(
      Options.float("liveness-within"),
      "Seconds that the last sign of life may be old, counted from the start of the program",
      "the countdown"
    ),
    checked(seconds("liveness-within", 1))
  )
}

const exitCodes: ReadonlyArray<readonly [code: string, meaning: string]> = [
  ["n", "the program ended with exit code n"],
  ["128+n", "the program was ended by signal n, or deadman itself was before the program started"],
  [String(codes.usage), "an option or a variable cannot be used; nothing was armed"],
  [String(codes.unavailable), "the exchange did not acknowledge the switch in time; the program was not started"],
  [String(codes.lost), "the switch was lost, and the program was stopped"],
  [String(codes.refused), "the exchange refused key, permission, address or account; the program was not started"],
  [String(codes.notExecutable), "the program cannot be executed; nothing was armed"],
  [String(codes.notFound), "there is no such program; nothing was armed"]
]

const description = HelpDoc.blocks([
  HelpDoc.p(
    "Runs a program under the switch: deadman run [options] -- program arguments. Arms the switch before the program " +
      "starts, beats while it runs, passes signals on to it, and ends with its exit code. When the switch is lost, " +
      "stops the program."
  ),
  HelpDoc.p(
    "Stops reach the whole group of the program once: SIGTERM and the like as they come, and SIGKILL after --grace. " +
      "The program and its processes form a session of their own. On Linux a process that leaves the group is found by " +
      "a variable in its environment; elsewhere it is not."
  ),
  HelpDoc.p(
    "If deadman itself is killed, a watcher ends the program, and the exchange cancels all orders when the countdown " +
      "ends. Nothing ends the program when the watcher is killed in the same moment, when the host fails, or when " +
      "deadman is stopped by SIGSTOP and never continued. The exchange cancels the orders then, too, but a program " +
      "that still runs can place new ones."
  ),
  HelpDoc.p(
    "Environment: BITGET_API_KEY, BITGET_PASSPHRASE, BITGET_SECRET_KEY or BITGET_RSA_PRIVATE_KEY, BITGET_BASE_URL, " +
      "BITGET_DEMO_TRADING."
  ),
  HelpDoc.h1("EXIT CODES"),
  HelpDoc.p(exitCodes.map(([code, meaning]) => `${code.padEnd(7)}${meaning}`).join("\n"))
])

/** The command, which runs `program`: the words after `--`. */
export const command = (program: ReadonlyArray<string> | undefined) =>
  Command.make(
    "run",
    { ...options, words: Args.text({ name: "-- program arguments" }).pipe(Args.repeated) },
    ({ words, ...given }) =>
      Effect.gen(function* () {
        if (process.platform === "win32") {
          return yield* new Ending({
            code: codes.usage,
            message: "deadman run needs Linux or macOS. Use WSL on Windows."
          })
        }
        const [unexpected] = words
        if (unexpected?.startsWith("-") === true) {
          return yield* new Ending({
            code: codes.usage,
            message: `There is no option ${unexpected}. See deadman run --help.`
          })
        }
        if (unexpected !== undefined || program === undefined || program.length === 0) {
          return yield* new Ending({
            code: codes.usage,
            message: "Give the program after --, for example: deadman run --countdown 10 -- python bot.py"
          })
        }
        const { run } = yield* Effect.promise(() => import("./run.js"))
        yield* run({ ...given, program })
      })
  ).pipe(Command.withDescription(description))
