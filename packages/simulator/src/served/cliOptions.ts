/**
 * The options of `serve`.
 */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Exchange from "../exchange/Exchange.js"
import * as Fault from "../network/Fault.js"
import { parseAccount, parseAccountsFile, parseClock, parseStart, parseVenue, parseVenueFile } from "./optionValues.js"

/** Parses the value of an option, or fails with the problem. */
const parsed = <A, B>(option: Options.Options<A>, use: (value: A) => Either.Either<B, string>): Options.Options<B> =>
  Options.mapEffect(option, (value) =>
    Either.mapLeft(use(value), (problem) => ValidationError.invalidValue(HelpDoc.p(problem)))
  )

/** The help of a plain default does not name it, so its description does. */
const withDefault = <A extends string | number>(option: Options.Options<A>, description: string, value: A) =>
  option.pipe(Options.withDescription(`${description}. Default: ${value}`), Options.withDefault(value))

const optional = <A>(option: Options.Options<A>, description: string) =>
  option.pipe(Options.withDescription(description), Options.optional)

const repeated = <A>(option: Options.Options<A>, description: string) =>
  option.pipe(Options.withDescription(`${description}. Can be given several times`), Options.repeated)

const accounts = (file: Option.Option<readonly [name: string, text: string]>) =>
  Option.match(file, {
    onNone: () => Either.right<ReadonlyArray<Exchange.Account>>([]),
    onSome: ([name, text]) => parseAccountsFile(name, text)
  })

/** The options of `serve`. */
export const serve = {
  port: withDefault(Options.integer("port"), "The port to listen on; 0 takes any free one", 8790),
  host: withDefault(
    Options.text("host"),
    "The address to listen on; addresses other than loopback require --token",
    "127.0.0.1"
  ),
  token: optional(Options.text("token"), "The token that the control API requires. Default: none, on loopback only"),
  account: parsed(
    repeated(
      Options.text("account"),
      "An account: uid=42,key=...,secret=...,passphrase=... and optionally permission=read, mode=classic, " +
        "countdownAccess=false. Default: one demo account"
    ),
    (texts) => Either.all(texts.map(parseAccount))
  ),
  accounts: parsed(
    optional(
      Options.fileText("accounts"),
      'A JSON file with accounts: [{"uid":"42","keys":[{"key":...}]}]. Default: none'
    ),
    accounts
  ),
  venue: parsed(
    repeated(
      Options.text("venue"),
      "An assumption about the exchange: name=value, for example triggerLatency=500. Default: the most likely values"
    ),
    parseVenue
  ),
  venueFile: parsed(
    optional(
      Options.fileText("venue-file"),
      "A file of assumptions as `deadman probe` writes it; --venue changes single ones. Default: none"
    ),
    (file) => (Option.isNone(file) ? Either.right({}) : parseVenueFile(...file.value))
  ),
  fault: parsed(
    repeated(
      Options.text("fault"),
      'A network fault from the start, for example "drop-answer;after=2;times=3". Default: none'
    ),
    (texts) => Either.mapLeft(Either.all(texts.map(Fault.parse)), (error) => error.message)
  ),
  clock: parsed(
    withDefault(Options.text("clock"), "How time passes: real, scaled:10, manual or auto", "real"),
    parseClock
  ),
  start: parsed(
    optional(
      Options.text("start"),
      "The exchange's time at the start, for example 2026-01-01T00:00:00Z. Default: the host's time"
    ),
    (text) => (Option.isNone(text) ? Either.right(undefined) : parseStart(text.value))
  ),
  seed: withDefault(Options.integer("seed"), "The seed of all randomness", 0),
  log: withDefault(
    Options.choice("log", ["text", "json"]),
    "What is printed: text for a terminal, or json, a line for each of start, firing, cancel, fault, maintenance and end",
    "text"
  ),
  journal: optional(
    Options.file("journal"),
    "A new file that receives the whole journal, one JSON object per line. Default: none"
  ),
  journalSize: withDefault(
    Options.integer("journal-size"),
    "How many journal entries stay in memory; older ones are dropped and counted",
    10_000
  )
}
