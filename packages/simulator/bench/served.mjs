// The served exchange under load, in one run: requests per second against bare node:http (the limit) and against Prism
// (a mock of an OpenAPI document), memory, and the lateness of firings.
//
//   pnpm bench:served              everything (installs Prism into bench/served/peers on first use)
//   pnpm bench:served --no-peers   without Prism
//   pnpm bench:served --only=load|memory|firing
//
// Every server gets the same bytes from the same client over the same number of connections, in turns. The simulator
// verifies each signature, counts each call against account and address, restarts a countdown, and writes its journal.
// Each account calls at most once per second, because the exchange refuses more.
import * as Server from "@effect-deadman/simulator/Server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { fork, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { median, printTable, range } from "./table.mjs"

const here = Path.join(import.meta.dirname, "served")
const only = process.argv.find((arg) => arg.startsWith("--only="))?.slice(7)
// Enough that none of them calls twice in a second on a fast machine, because the exchange would refuse that.
const accounts = 80_000
const connections = 32
const rounds = 7
const milliseconds = 3_000

const ask = async (child, message) => {
  child.send(message)
  const [answer] = await once(child, "message")
  return answer
}

const own = async (name, count = 0, execArgv = []) => {
  const child = fork(Path.join(here, "servers.mjs"), [name, String(count)], { execArgv })
  const [{ port }] = await once(child, "message")
  return { port, usage: () => ask(child, "usage"), stop: () => child.kill() }
}

const prism = async () => {
  const folder = Path.join(here, "peers")
  if (!Fs.existsSync(Path.join(folder, "node_modules"))) {
    const install = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    const done = spawnSync("npm", install, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] })
    if (done.status !== 0) throw new Error("Prism could not be installed; to measure without it use --no-peers")
  }
  const bin = Path.join(folder, "node_modules", "@stoplight", "prism-cli", "dist", "index.js")
  const free = Net.createServer().listen(0, "127.0.0.1")
  await once(free, "listening")
  const { port } = free.address()
  free.close()
  const args = [bin, "mock", "-m", "false", "-v", "silent", "-h", "127.0.0.1", "-p", String(port)]
  const child = spawn(process.execPath, [...args, Path.join(here, "openapi.json")], { stdio: "ignore" })
  for (let answers = false; !answers;) {
    answers = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => new Promise((resolve) => setTimeout(resolve, 100, false))
    )
  }
  return { port, usage: async () => undefined, stop: () => child.kill() }
}

const load = async () => {
  const servers = [
    { name: "bare node:http, a constant (the limit)", ...(await own("bare")), runs: [] },
    { name: "this exchange: signature, limits, countdown, journal", ...(await own("simulator", accounts)), runs: [] }
  ]
  if (!process.argv.includes("--no-peers"))
    servers.push({ name: "Prism 5.14.2, a constant", ...(await prism()), runs: [] })
  for (const server of servers) server.client = fork(Path.join(here, "client.mjs"))
  for (let round = -2; round < rounds; round++) {
    for (const { client, port, runs, usage } of servers) {
      const before = await usage()
      const run = await ask(client, { accounts, connections, milliseconds, port })
      const after = await usage()
      if (run.failed > 0) throw new Error(`${run.failed} requests were not answered with 200`)
      const cpu = before === undefined ? undefined : (after.cpu - before.cpu) / run.done
      // The first rounds warm up.
      if (round >= 0) runs.push({ perSecond: run.done / run.seconds, cpu, ...run.latencies })
    }
  }
  for (const { client, stop } of servers) {
    client.kill()
    stop()
  }
  const of = (runs, field) => runs.map((run) => run[field])
  const limit = of(servers[0].runs, "perSecond")
  printTable(
    `Requests per second: ${connections} connections, ${accounts} accounts, ${rounds} rounds of ${milliseconds / 1_000} s in turns`,
    ["Server", "Median", "Range", "Of the limit", "CPU per request", "p50", "p99"],
    servers.map(({ name, runs }) => {
      // Round by round, because both then shared the machine with the same programs.
      const shares = runs.map((run, round) => (100 * run.perSecond) / limit[round])
      const cpu = of(runs, "cpu")
      return [
        name,
        median(of(runs, "perSecond")),
        range(of(runs, "perSecond")),
        `${median(shares)} %`,
        cpu.includes(undefined) ? "" : `${median(cpu)} us`,
        `${median(of(runs, "p50"))} ms`,
        `${median(of(runs, "p99"))} ms`
      ]
    })
  )
}

const memory = async () => {
  // It collects before each reading, because the amount of garbage at an instant means nothing.
  const server = await own("simulator", accounts, ["--expose-gc"])
  const client = fork(Path.join(here, "client.mjs"))
  // It grows until every account has sent a beat and the journal is full.
  await ask(client, { accounts, connections, milliseconds: 15_000, port: server.port })
  const rows = []
  let total = 0
  for (let at = 0; at <= 60; at += 10) {
    const { heapUsed, rss } = await server.usage()
    rows.push([`${at} s`, `${Math.round(rss / 1e6)} MB`, `${Math.round(heapUsed / 1e6)} MB`, String(total)])
    if (at < 60) total += (await ask(client, { accounts, connections, milliseconds: 10_000, port: server.port })).done
  }
  client.kill()
  server.stop()
  printTable("Memory while it answers", ["After", "RSS", "Heap after a collection", "Requests"], rows)
}

const firing = async () => {
  const rows = []
  for (const armed of [1, 1_000, 10_000]) {
    const late = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const scope = yield* Scope.Scope
          const uids = Array.from({ length: armed }, (_, index) => `bench-${index}`)
          const context = yield* Effect.provideService(
            Server.make({ accounts: uids.map((uid) => ({ uid })), journalSize: 100_000 }),
            Scope.Scope,
            scope
          )
          const { simulator } = Context.get(context, Server.Server)
          const lateness = []
          const samples = armed === 1 ? 50 : armed
          const heard = yield* simulator.journal.events.pipe(
            Stream.filter((entry) => entry._tag === "Switch" && entry.transition === "fired"),
            Stream.take(samples),
            Stream.runForEach((entry) => Effect.sync(() => lateness.push(performance.now() + offset - entry.deadline))),
            Effect.fork
          )
          yield* Effect.yieldNow()
          const offset = (yield* simulator.time.now) - performance.now()
          if (armed === 1) {
            // One after the other, because a single firing has no median.
            for (let turn = 0; turn < samples; turn++) {
              const from = (yield* simulator.time.now) - 4_800
              yield* simulator.exchange.step({ _tag: "SetCountdown", account: uids[0], seconds: 5, from })
              yield* Effect.sleep(300)
            }
          } else {
            // Deadlines spread over five seconds, like those of independent bots.
            const now = yield* simulator.time.now
            for (const [index, account] of uids.entries()) {
              const from = now + Math.round((index * 5_000) / armed)
              yield* simulator.exchange.step({ _tag: "SetCountdown", account, seconds: 5, from })
            }
          }
          yield* heard
          return lateness
        })
      )
    )
    late.sort((a, b) => a - b)
    const at = (share) =>
      `${Math.max(0, late[Math.min(late.length - 1, Math.floor(late.length * share))]).toFixed(1)} ms`
    rows.push([String(armed), String(late.length), at(0.5), at(0.99), at(1)])
  }
  printTable(
    "Fired after the deadline, in real time (to a millisecond)",
    ["Armed accounts", "Firings", "p50", "p99", "Max"],
    rows
  )
}

console.log(
  `Node ${process.version}, ${Os.cpus()[0]?.model}, ${Os.availableParallelism()} cores, load ${Os.loadavg()[0].toFixed(1)}`
)
if (only === undefined || only === "load") await load()
if (only === undefined || only === "memory") await memory()
if (only === undefined || only === "firing") await firing()
process.exit(0)
