/** The command line of the sidecar. Pure. */
import * as Either from "effect/Either"

export interface Arguments {
  /** Seconds. */
  readonly countdown: number
  /** How long the program may take to end after the switch is lost, in seconds. */
  readonly grace: number
  readonly command: string
  readonly args: ReadonlyArray<string>
}

export const usage = `deadman run [--countdown <seconds>] [--grace <seconds>] -- <command> [arguments]

Runs a program in any language under the exchange's dead man's switch. Arms the switch before the program starts and
beats while it runs. The end of the program decides over its orders:

  exit code 0         the switch is turned off, orders stay
  anything else       the exchange cancels all orders in 5 s
  the switch is lost  the program gets SIGTERM and, after --grace (5), SIGKILL; exit code 70
  this process dies   the exchange cancels all orders when the countdown (10) ends

Forwards signals to the program and ends with its exit code.
Environment: BITGET_API_KEY, BITGET_SECRET_KEY or BITGET_RSA_PRIVATE_KEY, BITGET_PASSPHRASE, BITGET_BASE_URL`

/** Parses the command line. Fails with a message for the user. */
export const parse = (argv: ReadonlyArray<string>): Either.Either<Arguments, string> => {
  const split = argv.indexOf("--")
  const own = split < 0 ? argv : argv.slice(0, split)
  const [command, ...args] = split < 0 ? [] : argv.slice(split + 1)
  const [verb, ...flags] = own
  if (verb !== "run") return Either.left(`Unknown command: ${verb ?? "none"}. Use: deadman run.`)
  const numbers = { "--countdown": 10, "--grace": 5 }
  for (let index = 0; index < flags.length; index += 2) {
    const flag = flags[index] ?? ""
    const value = flags[index + 1] ?? ""
    if (flag !== "--countdown" && flag !== "--grace")
      return Either.left(`Unknown option: ${flag}. Use --countdown or --grace.`)
    if (!/^\d+$/.test(value)) return Either.left(`${flag} requires whole seconds, not "${value}".`)
    numbers[flag] = Number(value)
  }
  if (command === undefined) return Either.left("There is no program to run. Give it after --.")
  return Either.right({ countdown: numbers["--countdown"], grace: numbers["--grace"], command, args })
}
