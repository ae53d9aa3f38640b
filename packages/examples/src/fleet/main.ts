// `pnpm example fleet` starts a PostgreSQL, a simulated exchange and three runners that share forty accounts. It kills one
// runner, stops another, takes PostgreSQL away, and compares what the exchange has recorded with what was promised.
// FLEET_ACCOUNTS is the number of accounts. DATABASE_URL takes another server, which is not taken away.
import type * as ClusterStatus from "@effect-deadman/cluster/ClusterStatus"
import * as StatusApi from "@effect-deadman/cluster/StatusApi"
import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as ChildProcess from "node:child_process"
import { fileURLToPath } from "node:url"
import * as BotProcess from "../demo/BotProcess.js"
import { postgres } from "./postgres.js"
import * as Verdict from "./Verdict.js"

/** The defaults of the cluster, ms. */
const countdown = 30_000

class FleetFailed extends Data.TaggedError("FleetFailed")<{ readonly message: string }> {}

interface Account {
  readonly name: string
  readonly uid: string
}

type Seen = (typeof StatusApi.Account)["Type"]

const accountsOf = (count: number): ReadonlyArray<Account> =>
  Array.from({ length: count }, (_, index) => ({
    name: `A${String(index + 1).padStart(2, "0")}`,
    uid: String(1_000_001 + index)
  }))

const keysOf = (accounts: ReadonlyArray<Account>): Record<string, string> =>
  Object.fromEntries(
    accounts.flatMap(({ name, uid }) => {
      const key = Exchange.testKey(uid)
      return [
        [`${name}_API_KEY`, key.key],
        [`${name}_SECRET_KEY`, key.secret ?? ""],
        [`${name}_PASSPHRASE`, key.passphrase]
      ]
    })
  )

/** Kills the process when this one ends, also by a signal that no program survives. */
const guard = (pid: number): void => {
  if (process.platform === "win32") return
  ChildProcess.spawn("/bin/sh", ["-c", 'read -r line; kill -9 "$0"', String(pid)], {
    stdio: ["pipe", "ignore", "ignore"]
  }).unref()
}

const script = fileURLToPath(new URL("./runner.js", import.meta.url))

/** Starts a runner, and gives what its status page says. */
const startRunner = (name: string, env: Record<string, string>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const bot = yield* BotProcess.start(script, { env: { ...env, RUNNER: name }, onLine: (line) => lines.push(line) })
    guard(bot.pid)
    const address = Effect.sync(() =>
      lines.flatMap((line) => /statuses: (http[^\s"]+)/.exec(line)?.[1] ?? []).find(() => true)
    )
    const url = yield* Effect.raceFirst(
      Effect.repeat(Effect.delay(address, "50 millis"), { until: (found) => found !== undefined }),
      Effect.flatMap(bot.ended, (how) => new FleetFailed({ message: `${name}: ${how}\n${lines.join("\n")}` }))
    )
    const client = yield* HttpApiClient.make(StatusApi.Api, { baseUrl: url ?? "" })
    const seen = Effect.map(client.accounts(), ({ accounts }) => accounts).pipe(
      Effect.orElseSucceed((): ReadonlyArray<Seen> => [])
    )
    return { ...bot, name, url: url ?? "", seen, lines }
  })

type Runner = Effect.Effect.Success<ReturnType<typeof startRunner>>

const owned: ClusterStatus.AccountState = "Owned"

/** Each account with its owner, once every account is owned by one of the runners and its work runs there. */
const owners = (accounts: ReadonlyArray<Account>, runners: ReadonlyArray<Runner>) =>
  Effect.gen(function* () {
    for (;;) {
      const found = new Map<string, { readonly runner: Runner; readonly seen: Seen }>()
      for (const runner of runners) {
        for (const seen of yield* runner.seen) {
          if (seen.state === owned && seen.isWorking) found.set(seen.account, { runner, seen })
        }
      }
      const busy = new Set([...found.values()].map(({ runner }) => runner))
      if (found.size === accounts.length && busy.size === runners.length) return found
      yield* Effect.sleep("200 millis")
    }
  })

type Owners = Effect.Effect.Success<ReturnType<typeof owners>>

const seconds = (millis: number): string => `${(millis / 1_000).toFixed(1)} s`

const print = (line = "") => Effect.sync(() => console.log(line))

/** A line for every five accounts. */
const table = (accounts: ReadonlyArray<Account>, found: Owners) =>
  Effect.gen(function* () {
    const cells = accounts.map(({ name }) => {
      const { runner, seen } = found.get(name)!
      return `${name} ${runner.name} ${seen.heartbeat === "Armed" ? "armed" : (seen.heartbeat ?? "-")}`.padEnd(20)
    })
    for (let at = 0; at < cells.length; at += 5)
      yield* print(
        `  ${cells
          .slice(at, at + 5)
          .join("")
          .trimEnd()}`
      )
  })

const program = Effect.gen(function* () {
  const count = yield* Config.withDefault(Config.integer("FLEET_ACCOUNTS"), 40)
  const given = yield* Config.option(Config.nonEmptyString("DATABASE_URL"))
  const accounts = accountsOf(count)
  const server = Option.isSome(given) ? undefined : yield* postgres
  const url = server === undefined ? Option.getOrThrow(given) : Redacted.value(server.url)
  const journalSize = 200_000
  yield* Effect.provide(
    fleet(accounts, url, server),
    Server.layer({ accounts: accounts.map(({ uid }) => ({ uid })), journalSize })
  )
})

type Outage = { readonly stop: Effect.Effect<void>; readonly start: Effect.Effect<void> }

const fleet = (accounts: ReadonlyArray<Account>, database: string, outage: Outage | undefined) =>
  Effect.gen(function* () {
    const exchange = yield* Server.Server
    const { journal, time } = yield* Simulator.Simulator
    const uids = new Map(accounts.map(({ name, uid }) => [name, uid]))
    const env = {
      ...keysOf(accounts),
      ACCOUNTS: accounts.map(({ name }) => name).join(","),
      BITGET_BASE_URL: exchange.url,
      DATABASE_URL: database
    }
    yield* print(`PostgreSQL: ${outage === undefined ? "the one of DATABASE_URL" : new URL(database).host}`)
    yield* print(`Exchange:   ${exchange.url}, simulated, ${accounts.length} accounts`)
    const runners = yield* Effect.forEach(["desk-1", "desk-2", "desk-3"], (name) => startRunner(name, env), {
      concurrency: 3
    })
    const [first, second, third] = runners as [Runner, Runner, Runner]
    for (const { name, url } of runners) yield* print(`Runner:     ${name}, ${url}/health /accounts /metrics`)
    yield* print()
    let found = yield* owners(accounts, runners)
    yield* table(accounts, found)
    // The store gets the stamps of the exchange once a second; without them the next owner could prove nothing.
    yield* Effect.sleep("3 seconds")

    let isKept = true
    const trial = (
      title: string,
      promise: string,
      victims: ReadonlyArray<Runner>,
      fault: Effect.Effect<unknown, FleetFailed>,
      survivors: ReadonlyArray<Runner>
    ) =>
      Effect.gen(function* () {
        const hit = [...found].flatMap(([name, { runner }]) => (victims.includes(runner) ? [name] : []))
        const since = yield* time.now
        yield* print()
        yield* print(`${title} (${hit.length} accounts)`)
        yield* print(`  promised  ${promise}`)
        yield* fault
        found = yield* owners(accounts, survivors)
        const took = (yield* time.now) - since
        const moved = hit.filter((name) => !victims.includes(found.get(name)!.runner))
        const proven = moved.filter((name) => found.get(name)!.seen.continuity === "Held")
        const facts = Verdict.facts(yield* journal.entries, {
          hit: hit.map((name) => uids.get(name) ?? ""),
          since
        })
        const kept = facts.fired === 0 && facts.zeros === 0 && proven.length === moved.length
        isKept &&= kept
        yield* print(
          `  happened  all traded again after ${seconds(took)}; longest gap between two writes ` +
            `${seconds(facts.longestGap)} of ${seconds(countdown)}; ${facts.fired} fired, ${facts.zeros} turned off; ` +
            (moved.length === 0 ? "none moved" : `${proven.length} of ${moved.length} take-overs proven`)
        )
        yield* print(`  ${kept ? "kept" : "BROKEN"}`)
      })

    yield* trial(
      "kill -9 of desk-1",
      "the others take its accounts over before a switch fires, and prove that none has",
      [first],
      first.kill("SIGKILL"),
      [second, third]
    )
    yield* trial(
      "SIGTERM to desk-2",
      "it leaves in order, turns nothing off, and desk-3 goes on",
      [second],
      Effect.flatMap(Effect.zipRight(second.kill("SIGTERM"), second.ended), (how) =>
        how === "exit code 0" ? Effect.void : new FleetFailed({ message: `desk-2 ended with ${how}` })
      ),
      [third]
    )
    if (outage === undefined) yield* print("\nPostgreSQL is not taken away, because it is yours.")
    else {
      const beats = Effect.map(journal.entries, (all) => all.filter(({ _tag }) => _tag === "Switch").length)
      yield* trial(
        "PostgreSQL away",
        "the trading stops, because another runner might have the accounts; no beat is missed for 60 s",
        [third],
        Effect.gen(function* () {
          yield* outage.stop
          const before = yield* beats
          // Three beats of each account: longer than the work goes on without an answer.
          yield* Effect.repeat(Effect.delay(beats, "200 millis"), {
            until: (now) => now >= before + 3 * accounts.length
          })
          yield* outage.start
        }),
        [third]
      )
    }
    yield* print()
    yield* print(isKept ? "All promises were kept." : "A promise was broken.")
    if (!isKept) return yield* new FleetFailed({ message: "a promise was broken" })
  })

program.pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer), NodeRuntime.runMain)
