/**
 * Parses the texts that the command's options take. Every problem names its option and says what to give instead.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Exchange from "../exchange/Exchange.js"
import * as Numbers from "../exchange/numbers.js"
import * as Venue from "../exchange/Venue.js"
import * as VenueFile from "../exchange/VenueFile.js"
import { didYouMean } from "../network/nearest.js"
import * as Models from "./models.js"
import type * as Server from "./Server.js"

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

const decodeAccount = Schema.decodeUnknownEither(Models.NewAccount, { errors: "all", onExcessProperty: "error" })
const decodeAccounts = Schema.decodeUnknownEither(Schema.NonEmptyArray(Models.NewAccount), {
  errors: "all",
  onExcessProperty: "error"
})
const explained = <A>(decoded: Either.Either<A, ParseResult.ParseError>): Either.Either<A, string> =>
  Either.mapLeft(decoded, (error) => ParseResult.TreeFormatter.formatErrorSync(error))

export const parseAccount = (text: string): Either.Either<Exchange.Account, string> =>
  Either.mapLeft(
    Either.flatMap(pairs(text), (given) => {
      const unknown = Object.keys(given).find((name) => !(accountFields as ReadonlyArray<string>).includes(name))
      if (unknown !== undefined) {
        const fields = accountFields.join(", ")
        return Either.left(`there is no "${unknown}"; there are ${fields}${didYouMean(unknown, accountFields)}`)
      }
      const { accountMode, countdownAccess, mode, uid } = given
      const key = Object.fromEntries(
        keyFields.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]))
      )
      // Checked here, because a schema's message would show the whole key.
      if (uid === undefined) return Either.left("it needs a uid")
      const lacking = ["key", "secret", "passphrase"].filter((name) => given[name] === undefined)
      if (Object.keys(key).length > 0 && lacking.length > 0) {
        return Either.left(`a key needs key, secret and passphrase together; ${lacking.join(" and ")} missing`)
      }
      return explained(
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

export const parseVenue = (entries: ReadonlyArray<string>): Either.Either<Venue.Options, string> => {
  const options: Record<string, unknown> = {}
  for (const entry of entries) {
    const equals = entry.indexOf("=")
    if (equals < 1) return Either.left(`--venue "${entry}" is no name=value, for example triggerLatency=500`)
    const [name, text] = [entry.slice(0, equals), entry.slice(equals + 1)]
    const field = Object.hasOwn(Venue.defaults, name) ? Venue.defaults[name as keyof Venue.Venue] : undefined
    if (field === undefined) {
      const names = Object.keys(Venue.defaults)
      return Either.left(`--venue: there is no "${name}"; there are ${names.join(", ")}${didYouMean(name, names)}`)
    }
    // A code is a string of digits.
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

export const parseVenueFile = (path: string, text: string): Either.Either<Venue.Options, string> =>
  Either.mapBoth(VenueFile.parse(path, text), {
    onLeft: ({ message }) => `--venue-file: ${message}`,
    onRight: ({ venue }) => venue
  })

export const parseClock = (
  text: string
): Either.Either<{ mode: Server.ClockMode; speed: number | undefined }, string> => {
  const [mode = "", factor] = text.split(":", 2)
  const problem = `--clock "${text}" is no clock: give real, scaled:10, manual or auto; a speed is 0.001 to 100000`
  if (mode === "scaled") {
    const speed = Number(factor ?? "10")
    return Numbers.isSpeed(speed) ? Either.right({ mode, speed }) : Either.left(problem)
  }
  if (factor !== undefined || (mode !== "real" && mode !== "manual" && mode !== "auto")) return Either.left(problem)
  return Either.right({ mode, speed: undefined })
}

export const parseStart = (text: string): Either.Either<number, string> => {
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  return Numbers.isStart(at)
    ? Either.right(at)
    : Either.left(`--start "${text}" is no instant: give one such as 2026-01-01T00:00:00Z, or ms since the epoch`)
}

export const parseAccountsFile = (
  name: string,
  text: string
): Either.Either<ReadonlyArray<Exchange.Account>, string> => {
  try {
    return Either.mapLeft(explained(decodeAccounts(JSON.parse(text))), (problem) => `--accounts ${name}: ${problem}`)
  } catch (error) {
    return Either.left(`--accounts ${name} is no JSON: ${String(error)}`)
  }
}
