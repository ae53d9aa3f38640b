// Measures what each fault costs: real runners, a real PostgreSQL, a served exchange whose journal has the times.
//
//   node packages/cluster/bench/faults.mjs                  40 accounts, three rounds of every fault
//   node packages/cluster/bench/faults.mjs --faults kill,term --rounds 1 --accounts 12
//   node packages/cluster/bench/faults.mjs --faults kill --accounts 1000 --lease "9 seconds" \
//     --options '{"countdown":"60 seconds","interval":"9 seconds","arming":{"inherits":500}}'
//
// "Taken over" counts from the fault to the account being owned by another runner. "Gap" is the time between two writes
// of one account, as the countdown sees it.
import * as PostgresClient from "@effect-deadman/cluster/PostgresClient"
import * as Server from "@effect-deadman/simulator/Server"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import process from "node:process"
import * as Readline from "node:readline"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { postgres } from "../../examples/dist/fleet/postgres.js"

const { values } = parseArgs({
  options: {
    accounts: { type: "string", default: "40" },
    faults: { type: "string", default: "kill,term,stop,cut,away" },
    rounds: { type: "string", default: "3" },
    idle: { type: "string", default: "20" },
    lease: { type: "string" },
    options: { type: "string", default: "{}" }
  }
})
const accounts = Array.from({ length: Number(values.accounts) }, (_, index) => String(1_000_001 + index))
const script = fileURLToPath(new URL("../test/support/runner.mjs", import.meta.url))
const run = Effect.runPromise

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis))
const until = async (what, holds) => {
  const began = Date.now()
  while (!holds()) {
    if (Date.now() - began > 240_000) throw new Error(`never: ${what()}`)
    await sleep(50)
  }
}
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
const seconds = (millis) => (millis === undefined ? "-" : (millis / 1_000).toFixed(1))

/** A way to PostgreSQL that can be cut: it keeps all bytes, as a network that drops packets. */
const openWay = async (url) => {
  const { hostname, port } = new URL(url)
  const sockets = new Set()
  let isCut = false
  const server = Net.createServer((client) => {
    const upstream = Net.connect(Number(port), hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client]
    ]) {
      sockets.add(from)
      from.on("data", (bytes) => to.write(bytes))
      from.on("error", () => undefined)
      from.on("close", () => {
        sockets.delete(from)
        to.destroy()
      })
      if (isCut) from.pause()
    }
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  const through = new URL(url)
  through.port = String(server.address().port)
  return {
    url: through.href,
    cut: () => {
      isCut = true
      for (const socket of sockets) socket.pause()
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}

const start = (name, database, base) => {
  const env = {
    ...process.env,
    BITGET_BASE_URL: base,
    DATABASE_URL: database,
    RUNNER_NAME: name,
    RUNNER_ACCOUNTS: accounts.join(","),
    RUNNER_OPTIONS: values.options,
    ...(values.lease === undefined ? {} : { RUNNER_LEASE: values.lease })
  }
  const child = spawn(process.execPath, [script], { env, stdio: ["pipe", "pipe", "inherit"] })
  const runner = { name, child, states: new Map(), owned: [] }
  runner.ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)))
  void runner.ended.then((code) => {
    runner.code = code
  })
  Readline.createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text)
    if (line.kind === "failed") throw new Error(`${name}: ${line.message}`)
    if (line.kind !== "account") return
    if (line.state === "Owned" && runner.states.get(line.account)?.state !== "Owned") runner.owned.push(line)
    runner.states.set(line.account, line)
  })
  return runner
}

const ownedBy = (runner) => accounts.filter((account) => runner.states.get(account)?.state === "Owned")

/** How many accounts are in which state, as a runner says. */
const told = ({ name, states }) => {
  const counts = new Map()
  for (const { state } of states.values()) counts.set(state, (counts.get(state) ?? 0) + 1)
  return `${name} ${JSON.stringify(Object.fromEntries(counts))}`
}

/** All accounts are owned by these runners, each by one. */
const steady = (runners) =>
  until(
    () => `steady: ${runners.map(told)}`,
    () => {
      const dead = runners.find(({ code }) => code !== undefined)
      if (dead !== undefined) throw new Error(`${dead.name} has ended: ${dead.code}`)
      const held = runners.map(ownedBy)
      return held.every((mine) => mine.length > 0) && held.flat().length === accounts.length
    }
  )

const megabytes = ({ child }) =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(Fs.readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1_024)

/** The transactions of all clients. Each statement of a runner is one. */
const transactions = (url) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql`SELECT sum(xact_commit)::float8 AS commits FROM pg_stat_database`
    return rows[0].commits
  }).pipe(Effect.provide(PostgresClient.layer({ url })))

/** Each fault, and whether it moves the accounts of the first runner to the others. */
const faults = {
  kill: { says: "kill -9", moves: true, does: ({ first }) => first.child.kill("SIGKILL") },
  term: {
    says: "SIGTERM",
    moves: true,
    does: async ({ first }) => {
      first.child.kill("SIGTERM")
      const code = await first.ended
      if (code !== 0) throw new Error(`SIGTERM: it ended with ${code}`)
    }
  },
  stop: { says: "SIGSTOP", moves: true, does: ({ first }) => first.child.kill("SIGSTOP") },
  cut: { says: "cut off from PostgreSQL", moves: true, does: ({ way }) => way.cut() },
  away: {
    says: "PostgreSQL away for 35 s",
    moves: false,
    does: async ({ server }) => {
      await run(server.stop)
      await sleep(35_000)
      await run(server.start)
    }
  }
}

const measure = async (fault, server, { simulator, url: base }) => {
  const way = await openWay(Redacted.value(server.url))
  const began = Date.now()
  const database = Redacted.value(server.url)
  const runners = [start("desk-1", way.url, base), start("desk-2", database, base), start("desk-3", database, base)]
  try {
    await steady(runners)
    const started = Date.now() - began
    // Every runner has reported what it has armed.
    await sleep(5_000)
    const before = await run(transactions(server.url))
    await sleep(Number(values.idle) * 1_000)
    const perSecond = ((await run(transactions(server.url))) - before) / Number(values.idle)
    const resident = Math.max(...runners.map(megabytes))
    const [first, ...others] = runners
    const hit = fault.moves ? ownedBy(first) : accounts
    const since = Date.now()
    await fault.does({ first, server, way })
    await steady(fault.moves ? others : runners)
    const taken = others
      .flatMap(({ owned }) => owned)
      .filter(({ account, saidAt }) => fault.moves && saidAt >= since && hit.includes(account))
    return {
      started,
      perSecond,
      resident,
      hit: hit.length,
      taken: taken.map(({ saidAt }) => saidAt - since),
      held: taken.filter(({ continuity }) => continuity === "Held").length,
      ...judge(await run(simulator.journal.entries), hit, since)
    }
  } finally {
    for (const { child } of runners) child.kill("SIGKILL")
    way.close()
  }
}

const judge = (entries, hit, since) => {
  const ours = new Set(hit)
  const last = new Map()
  let gap = 0
  let fired = 0
  let zeros = 0
  for (const { _tag, account, at, transition } of entries) {
    if (_tag !== "Switch") continue
    if (transition === "closed") zeros++
    if (!ours.has(account)) continue
    if (transition === "fired") {
      if (at >= since) fired++
      continue
    }
    if (at >= since) gap = Math.max(gap, at - (last.get(account) ?? at))
    last.set(account, at)
  }
  return { gap, fired, zeros }
}

const round = (fault) =>
  Effect.gen(function* () {
    const server = yield* postgres
    const served = yield* Server.Server
    return yield* Effect.promise(() => measure(fault, server, served))
  }).pipe(
    Effect.scoped,
    Effect.provide(Server.layer({ accounts: accounts.map((uid) => ({ uid })), journalSize: 1_000_000 })),
    run
  )

const cores = Os.availableParallelism()
const load = () => Os.loadavg()[0].toFixed(1)
console.log(`${accounts.length} accounts, 3 runners, Node ${process.version}, ${cores} cores, load ${load()}`)
console.log(
  "fault | median, last taken over (s) | largest gap (s) | fired | zeros | held | start (s) | statements/s | MB | load"
)
for (const name of values.faults.split(",")) {
  const fault = faults[name]
  if (fault === undefined) throw new Error(`There is no fault ${name}. Give some of ${Object.keys(faults).join(",")}.`)
  const results = []
  for (let index = 0; index < Number(values.rounds); index++) results.push(await round(fault))
  const over = (pick) => median(results.map(pick))
  const moved = results.every(({ taken }) => taken.length > 0)
  console.log(
    [
      fault.says,
      moved
        ? `${seconds(over(({ taken }) => median(taken)))}, ${seconds(over(({ taken }) => Math.max(...taken)))}`
        : "-",
      seconds(over(({ gap }) => gap)),
      results.map(({ fired }) => fired).join(" "),
      results.map(({ zeros }) => zeros).join(" "),
      moved ? results.map(({ held, taken }) => `${held}/${taken.length}`).join(" ") : "-",
      seconds(over(({ started }) => started)),
      over(({ perSecond }) => perSecond).toFixed(1),
      over(({ resident }) => resident),
      load()
    ].join(" | ")
  )
}
