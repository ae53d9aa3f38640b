/**
 * What the command line can say, read into values: every mistake is told with the option that it is in.
 */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Either from "effect/Either"
import type * as Exchange from "../exchange/Exchange.js"
import * as Fault from "../network/Fault.js"
import { parseAccount, parseAccountsFile, parseClock, parseStart, parseVenue } from "./optionValues.js"

/** Reads the value of an option, or says what is wrong with it. */
const read = <A, B>(option: Options.Options<A>, use: (value: A) => Either.Either<B, string>): Options.Options<B> =>
  Options.mapEffect(option, (value) =>
    Either.mapLeft(use(value), (problem) => ValidationError.invalidValue(HelpDoc.p(problem)))
  )

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
    return parseAccountsFile(...file.value)
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
