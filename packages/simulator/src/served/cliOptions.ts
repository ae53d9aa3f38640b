/**
 * What the command line can say, read into values: every mistake is told with the option that it is in.
 */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as ControlApi from "./ControlApi.js"
import type * as Exchange from "../exchange/Exchange.js"
import * as Fault from "../network/Fault.js"
import type * as Server from "./Server.js"
import * as Venue from "../exchange/Venue.js"
import * as Numbers from "../exchange/numbers.js"

/** Reads the value of an option, or says what is wrong with it. */
const read = <A, B>(option: Options.Options<A>, use: (value: A) => Either.Either<B, string>): Options.Options<B> =>
  Options.mapEffect(option, (value) =>
    Either.mapLeft(use(value), (problem) => ValidationError.invalidValue(HelpDoc.p(problem)))
  )

const pairs = (text: string): Either.Either<Record<string, string>, string> => {
  const found: Record<string, string> = Object.create(null)
  for (const part of text.split(",")) {
    const equals = part.indexOf("=")
    if (equals < 1) return Either.left(`"${part}" is no name=value`)
    found[part.slice(0, equals).trim()] = part.slice(equals + 1).trim()
  }
  return Either.right(found)
}

const keyFields = ["key", "secret", "passphrase", "permission"] as const
const accountFields = ["uid", "mode", "accountMode", "countdownAccess", ...keyFields] as const

const decodeAccount = Schema.decodeUnknownEither(ControlApi.NewAccount, { errors: "all", onExcessProperty: "error" })
const decodeAccounts = Schema.decodeUnknownEither(Schema.NonEmptyArray(ControlApi.NewAccount), {
  errors: "all",
  onExcessProperty: "error"
})
const told = <A>(decoded: Either.Either<A, ParseResult.ParseError>): Either.Either<A, string> =>
  Either.mapLeft(decoded, (error) => ParseResult.TreeFormatter.formatErrorSync(error))

const parseAccount = (text: string): Either.Either<Exchange.Account, string> =>
  Either.mapLeft(
    Either.flatMap(pairs(text), (given) => {
      const unknown = Object.keys(given).find((name) => !(accountFields as ReadonlyArray<string>).includes(name))
      if (unknown !== undefined) return Either.left(`there is no "${unknown}"; there are ${accountFields.join(", ")}`)
      const { accountMode, countdownAccess, mode, uid } = given
      const key = Object.fromEntries(
        keyFields.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]))
      )
      // Told by hand, because what a schema says of a key shows the whole of it.
      if (uid === undefined) return Either.left("it needs a uid")
      const lacking = ["key", "secret", "passphrase"].filter((name) => given[name] === undefined)
      if (Object.keys(key).length > 0 && lacking.length > 0) {
        return Either.left(`a key needs key, secret and passphrase together; ${lacking.join(" and ")} missing`)
      }
      return told(
        decodeAccount({
          uid,
          ...(mode === undefined ? {} : { mode }),
          ...(accountMode === undefined ? {} : { accountMode }),
          ...(countdownAccess === undefined ? {} : { countdownAccess: countdownAccess !== "false" }),
          ...(Object.keys(key).length === 0 ? {} : { keys: [key] })
        })
      )
    }),
    (problem) => `--account "${text.replace(/(secret|passphrase)=[^,]*/g, "$1=…")}": ${problem}`
  )

const parseVenue = (entries: ReadonlyArray<string>): Either.Either<Venue.Options, string> => {
  const options: Record<string, unknown> = {}
  for (const entry of entries) {
    const equals = entry.indexOf("=")
    if (equals < 1) return Either.left(`--venue "${entry}" is no name=value, for example triggerLatency=500`)
    const [name, text] = [entry.slice(0, equals), entry.slice(equals + 1)]
    const field = Object.hasOwn(Venue.defaults, name) ? Venue.defaults[name as keyof Venue.Venue] : undefined
    if (field === undefined) {
      return Either.left(`--venue: there is no "${name}"; there are ${Object.keys(Venue.defaults).join(", ")}`)
    }
    // A code of the venue is digits and yet a text.
    if (typeof field === "string") options[name] = text
    else {
      try {
        options[name] = JSON.parse(text)
      } catch {
        return Either.left(`--venue ${name}: "${text}" is no JSON; its default is ${JSON.stringify(field)}`)
      }
    }
  }
  return Either.mapBoth(Venue.decode(options as Venue.Options), {
    onLeft: ({ problem }) => `--venue: ${problem.slice(problem.indexOf("\n") + 1)}`,
    onRight: () => options as Venue.Options
  })
}

const parseClock = (text: string): Either.Either<{ mode: Server.ClockMode; speed: number | undefined }, string> => {
  const [mode = "", factor] = text.split(":", 2)
  const problem = `--clock "${text}" is no clock: give real, scaled:10, manual or auto; a speed is 0.001 to 100000`
  if (mode === "scaled") {
    const speed = Number(factor ?? "10")
    return Numbers.isSpeed(speed) ? Either.right({ mode, speed }) : Either.left(problem)
  }
  if (factor !== undefined || (mode !== "real" && mode !== "manual" && mode !== "auto")) return Either.left(problem)
  return Either.right({ mode, speed: undefined })
}

const parseStart = (text: string): Either.Either<number, string> => {
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  return Numbers.isStart(at)
    ? Either.right(at)
    : Either.left(`--start "${text}" is no instant: give one such as 2026-01-01T00:00:00Z, or ms since the epoch`)
}

const port = Options.integer("port").pipe(
  Options.withDescription("Where to listen; 0 takes any port that is free"),
  Options.withDefault(8790)
)
const host = Options.text("host").pipe(
  Options.withDescription("The address to listen on; any but loopback wants --token"),
  Options.withDefault("127.0.0.1")
)
const token = Options.text("token").pipe(Options.withDescription("What the control API asks for"), Options.optional)
const account = read(
  Options.text("account").pipe(
    Options.withDescription(
      "An account, again for each: uid=42,key=...,secret=...,passphrase=... and, where wanted, permission=read, " +
        "mode=classic, countdownAccess=false. Without any there is one demo account"
    ),
    Options.repeated
  ),
  (texts) => Either.all(texts.map(parseAccount))
)
const accounts = read(
  Options.fileText("accounts").pipe(
    Options.withDescription('A JSON file with accounts: [{"uid":"42","keys":[{"key":...}]}]'),
    Options.optional
  ),
  (file): Either.Either<ReadonlyArray<Exchange.Account>, string> => {
    if (file._tag === "None") return Either.right([])
    const [name, text] = file.value
    try {
      return Either.mapLeft(told(decodeAccounts(JSON.parse(text))), (problem) => `--accounts ${name}: ${problem}`)
    } catch (error) {
      return Either.left(`--accounts ${name} is no JSON: ${String(error)}`)
    }
  }
)
const venue = read(
  Options.text("venue").pipe(
    Options.withDescription("How the venue behaves where nobody knows, again for each: triggerLatency=500"),
    Options.repeated
  ),
  parseVenue
)
const fault = read(
  Options.text("fault").pipe(
    Options.withDescription('A fault of the network from the start, again for each: "drop-answer;after=2;times=3"'),
    Options.repeated
  ),
  (texts) => Either.mapLeft(Either.all(texts.map(Fault.parse)), (error) => error.message)
)
const clock = read(
  Options.text("clock").pipe(
    Options.withDescription("How time passes: real, scaled:10, manual or auto"),
    Options.withDefault("real")
  ),
  parseClock
)
const start = read(
  Options.text("start").pipe(
    Options.withDescription("What the clock shows at the start; the host's time unless told otherwise"),
    Options.optional
  ),
  (text) => (text._tag === "None" ? Either.right(undefined) : parseStart(text.value))
)
const seed = Options.integer("seed").pipe(
  Options.withDescription("Where all randomness comes from"),
  Options.withDefault(0)
)
const journal = Options.file("journal").pipe(
  Options.withDescription("A file that is given the whole journal, one JSON object a line"),
  Options.optional
)
const journalSize = Options.integer("journal-size").pipe(
  Options.withDescription("How many entries are kept in memory; older ones are dropped, and counted"),
  Options.withDefault(10_000)
)

/** The options of `serve`. */
export const serve = { port, host, token, account, accounts, venue, fault, clock, start, seed, journal, journalSize }
