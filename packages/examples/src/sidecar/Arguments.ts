/** The command line of the sidecar. Pure. */
import * as Either from "effect/Either"

export interface Arguments {
  /** Seconds. */
  readonly countdown: number
  /** How long the program may take to end after the switch is lost, seconds. */
  readonly grace: number
  readonly command: string
  readonly args: ReadonlyArray<string>
}

export const usage = `deadman run [--countdown <seconds>] [--grace <seconds>] -- <command> [arguments]

Runs a program in any language under the venue's dead man's switch. The switch is armed before the program starts and
beats while it lives. What becomes of the orders depends on how the program ends:

  exit code 0         the switch is turned off, orders stay
  anything else       the countdown is shortened: the venue cancels all orders in 5 s
  the switch is lost  the program gets SIGTERM and, after --grace (5), SIGKILL; exit code 70
  this process dies   the venue cancels all orders when the countdown (10) has run out

Signals are passed on to the program. Its exit code is this command's.
Environment: BITGET_API_KEY, BITGET_SECRET_KEY or BITGET_RSA_PRIVATE_KEY, BITGET_PASSPHRASE, BITGET_BASE_URL`

/** What is wrong with the command line, or what it says. */
export const parse = (argv: ReadonlyArray<string>): Either.Either<Arguments, string> => {
  const split = argv.indexOf("--")
  const own = split < 0 ? argv : argv.slice(0, split)
  const [command, ...args] = split < 0 ? [] : argv.slice(split + 1)
  const [verb, ...flags] = own
  if (verb !== "run") return Either.left(`Unknown command: ${verb ?? "none"}.`)
  const numbers = { "--countdown": 10, "--grace": 5 }
  for (let index = 0; index < flags.length; index += 2) {
    const flag = flags[index] ?? ""
    const value = flags[index + 1] ?? ""
    if (flag !== "--countdown" && flag !== "--grace") return Either.left(`Unknown option: ${flag}.`)
    if (!/^\d+$/.test(value)) return Either.left(`${flag} wants whole seconds, not "${value}".`)
    numbers[flag] = Number(value)
  }
  if (command === undefined) return Either.left("There is no program to run: give it after --.")
  return Either.right({ countdown: numbers["--countdown"], grace: numbers["--grace"], command, args })
}
