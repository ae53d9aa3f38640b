/**
 * The program of the command `serve`.
 */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Exchange from "../exchange/Exchange.js"
import type * as Fault from "../network/Fault.js"
import * as Venue from "../exchange/Venue.js"
import type * as Journal from "../journal/Journal.js"
import { type World, WorldTag } from "../world/world.js"
import * as Simulator from "../world/Simulator.js"
import * as JournalFile from "./journalFile.js"
import * as Server from "./Server.js"

/** The options of the command line, parsed. */
export interface Given {
  readonly port: number
  readonly host: string
  readonly token: Option.Option<string>
  readonly account: ReadonlyArray<Exchange.Account>
  readonly accounts: ReadonlyArray<Exchange.Account>
  readonly venue: Venue.Options
  readonly venueFile: Venue.Options
  readonly fault: ReadonlyArray<Fault.Fault>
  readonly clock: { readonly mode: Server.ClockMode; readonly speed: number | undefined }
  readonly start: number | undefined
  readonly seed: number
  readonly log: "text" | "json"
  readonly journal: Option.Option<string>
  readonly journalSize: number
}

/** The variables that a bot of the account reads, to paste into a shell. */
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

interface Started {
  readonly url: string
  readonly websocketUrl: string
  readonly accounts: ReadonlyArray<Exchange.Account>
  readonly clock: Given["clock"]
  readonly seed: number
  readonly token: string | undefined
}

const banner = ({ accounts, clock, seed, token, url, websocketUrl }: Started): ReadonlyArray<string> => {
  const speed = clock.speed === undefined ? "" : `:${clock.speed}`
  const [first] = accounts
  return [
    `The simulated exchange listens on ${url} (WebSocket ${websocketUrl})`,
    `  page          ${url}/${token === undefined ? "" : "#token=<token>"}`,
    `  control API   ${url}/_sim/docs`,
    `  clock ${clock.mode}${speed}, seed ${seed}, ${accounts.length} account${accounts.length === 1 ? "" : "s"}; stop with Ctrl-C`,
    "",
    ...(first === undefined ? [] : environment(url, first))
  ]
}

/** The message and the fields of an entry that is logged. */
const logged = (entry: Journal.Entry): Readonly<Record<string, unknown>> | undefined => {
  switch (entry._tag) {
    case "Switch": {
      const { account, deadline, transition } = entry
      return transition === "fired" ? { message: "the switch has fired", account, deadline } : undefined
    }
    case "Cancelled": {
      const { account, cause, orderId } = entry
      return cause === "countdown" ? { message: "order cancelled by the switch", account, orderId } : undefined
    }
    case "Fault":
      return { message: `fault ${entry.change}`, fault: entry.fault }
    case "Maintenance":
      return { message: `maintenance ${entry.phase}`, ...entry.window }
    default:
      return undefined
  }
}

/** Logs the start, what happens to accounts and network, and the end, as JSON lines with the exchange's time. */
const logLines = (world: World, { accounts, clock, seed, url, websocketUrl }: Started) => {
  const line = (at: number, fields: Readonly<Record<string, unknown>>) =>
    JSON.stringify({ time: new Date(at).toISOString(), level: "info", ...fields })
  const now = (fields: Readonly<Record<string, unknown>>) =>
    Effect.flatMap(
      Effect.sync(() => world.pump()),
      (at) => Console.log(line(at, fields))
    )
  const uids = accounts.map(({ uid }) => uid)
  return Effect.acquireRelease(
    Effect.gen(function* () {
      const console = yield* Effect.console
      yield* now({ message: "listening", url, websocketUrl, accounts: uids, clock: clock.mode, seed })
      const listener = (entry: Journal.Entry) => {
        const fields = logged(entry)
        if (fields !== undefined && "at" in entry) console.unsafe.log(line(entry.at, fields))
      }
      world.listeners.add(listener)
      return listener
    }),
    (listener) =>
      Effect.zipRight(
        Effect.sync(() => world.listeners.delete(listener)),
        now({ message: "stopped" })
      )
  )
}

/** Serves until it is interrupted. */
export const serve = (given: Given) =>
  Effect.scoped(
    Effect.gen(function* () {
      const declared = [...given.account, ...given.accounts]
      const accounts = declared.length === 0 ? [{ uid: Simulator.demoUid }] : declared
      const token = Option.getOrUndefined(given.token)
      const { host, journalSize, port, seed } = given
      const venue = Venue.override(given.venueFile, given.venue)
      const clock = { ...given.clock, start: given.start }
      const options = { port, host, token, accounts, venue, faults: given.fault, seed, journalSize, clock }
      const context = yield* Server.make(options)
      const { url, websocketUrl } = Context.get(context, Server.Server)
      if (Option.isSome(given.journal)) {
        yield* JournalFile.write(Context.unsafeGet(context, WorldTag), given.journal.value)
      }
      const world = Context.unsafeGet(context, WorldTag)
      const started = { url, websocketUrl, accounts, clock, seed, token }
      if (given.log === "text") yield* Console.log(banner(started).join("\n"))
      else yield* logLines(world, started)
      return yield* Effect.never
    })
  )
