// The benchmark of the client over loopback HTTP: the cost of a call, and heartbeats of many accounts.
//
//   pnpm bench                      everything, with the other client libraries, installed into bench/peers on first use
//   pnpm bench --no-peers           without them
//   pnpm bench --calls              only the calls
//   pnpm bench --accounts 1,1000    only fleets of these sizes
//   pnpm bench --countdown 60 --interval 18 --accounts 10000
//                                   with these, in seconds, instead of 10 and 3
//   pnpm bench --seconds 10         measures a fleet for so long, and for one interval at least
//   pnpm bench --client fetch       fleets over fetch instead of NodeHttpClient.layerUndici
//
// Everything takes five to six minutes.
import { fork, spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as Os from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { printTable } from "../../simulator/bench/table.mjs"
import { calls } from "./calls.mjs"

const { values } = parseArgs({
  options: {
    "no-peers": { type: "boolean", default: false },
    calls: { type: "boolean", default: false },
    accounts: { type: "string" },
    countdown: { type: "string", default: "10" },
    interval: { type: "string", default: "3" },
    seconds: { type: "string", default: "10" },
    client: { type: "string", default: "undici" },
    rounds: { type: "string", default: "15" }
  }
})
const everything = !values.calls && values.accounts === undefined
const sizes = (values.accounts ?? "1,100,1000,10000").split(",").map(Number)
if (sizes.some((size) => !Number.isInteger(size) || size < 1)) {
  throw new Error(`--accounts takes whole numbers separated by commas, not "${values.accounts}"`)
}
const seconds = Number(values.seconds)
const countdown = Number(values.countdown) * 1_000
const interval = Number(values.interval) * 1_000
if (!(seconds >= 3)) throw new Error(`--seconds takes a number of at least 3, not "${values.seconds}"`)
if (!["undici", "fetch"].includes(values.client)) throw new Error("--client takes undici or fetch")

const peers = join(import.meta.dirname, "peers")
const withPeers = !values["no-peers"]
const measuresCalls = everything || values.calls
if (measuresCalls && withPeers && !existsSync(join(peers, "node_modules"))) {
  console.log("Installing bitget-api and ccxt into packages/core/bench/peers, about 80 MB.")
  const install = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
  const done = spawnSync("npm", install, { cwd: peers, stdio: ["ignore", "ignore", "inherit"] })
  if (done.status !== 0) throw new Error("the peers could not be installed; to measure without them use --no-peers")
}

const children = new Set()
process.on("exit", () => children.forEach((child) => child.kill()))
const start = (file, args = [], execArgv = []) => {
  const child = fork(join(import.meta.dirname, file), args, { execArgv })
  children.add(child)
  child.on("exit", () => children.delete(child))
  return child
}
/** The first message of a child. Fails when it ends or the time is over before. */
const message = (child, limit) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill()
      reject(new Error(`${child.spawnargs[1]} sent nothing for ${limit / 1_000} s`))
    }, limit)
    child.once("message", (value) => {
      clearTimeout(timer)
      resolve(value)
    })
    child.once("exit", (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`${child.spawnargs[1]} ended with ${code ?? signal}`))
    })
  })

const versions = ["effect", "@effect/platform", "@effect/platform-node"].map((name) => {
  const file = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return `${name} ${JSON.parse(readFileSync(file, "utf8")).version}`
})
const cpus = Os.cpus()
console.log(`${cpus.length} x ${cpus[0].model}, ${Os.type()} ${Os.release()}, Node ${process.versions.node}`)
console.log(versions.join(", "))
const load = () => Os.loadavg()[0].toFixed(1)
console.log(`Load at the start: ${load()}`)

const venue = start("venue.mjs")
const url = await message(venue, 10_000)

if (measuresCalls) await calls(url, { withPeers, rounds: Number(values.rounds) })

if (everything || values.accounts !== undefined) {
  const ms = (value) => (value === undefined ? "" : value < 10 ? value.toFixed(2) : value.toFixed(0))
  const kB = (bytes) => (bytes / 1_000).toFixed(1)
  const number = (value) => value.toLocaleString("en-US")
  const plans = sizes.map((accounts) => ({ accounts, countdown, interval, spread: true }))
  if (everything) {
    plans.splice(3, 0, { accounts: 1_000, countdown, interval, spread: false })
    // The same accounts with a countdown that one process can keep.
    plans.push({ accounts: 10_000, countdown: 60_000, interval: 18_000, spread: true })
  }
  const rows = []
  for (const plan of plans) {
    const named = [
      `${number(plan.accounts)}${plan.spread ? "" : ", armed at once"}`,
      `${plan.countdown / 1_000} / ${plan.interval / 1_000}`
    ]
    console.error(`${named.join(", ")} s ...`)
    const options = JSON.stringify({ ...plan, url, client: values.client, seconds })
    const fleet = start("fleet.mjs", [options], ["--expose-gc"])
    const limit = 2 * plan.interval + Math.max(plan.interval, seconds * 1_000) + 90_000
    const result = await message(fleet, limit).catch((error) => error.message)
    rows.push(
      typeof result === "string"
        ? [...named, result, ...Array.from({ length: 9 }, () => "")]
        : [
            ...named,
            result.kept === plan.accounts ? "all" : number(result.kept),
            number(result.beats),
            number(result.failures),
            result.beats === 0 ? "" : result.cpuPerBeat.toFixed(0),
            `${(result.core * 100).toFixed(1)} %`,
            `${ms(result.lateness.p50)} / ${ms(result.lateness.p99)} / ${ms(result.lateness.max)}`,
            `${ms(result.answers.p50)} / ${ms(result.answers.p99)}`,
            // The process itself outweighs a few accounts.
            ...(plan.accounts < 100 ? ["", ""] : [kB(result.heldPerAccount), kB(result.growthPerAccount)]),
            (result.rss / 1e6).toFixed(0)
          ]
    )
  }
  printTable(
    `Heartbeats in one process, over ${values.client}, for ${seconds} s or one interval. Lateness and answers in ms.`,
    [
      "accounts",
      "countdown / interval, s",
      "kept armed",
      "beats",
      "failed",
      "CPU µs per beat",
      "of a core",
      "lateness p50 / p99 / max",
      "answer p50 / p99",
      "kB per account",
      "growth",
      "RSS MB"
    ],
    rows
  )
}
console.log(`\nLoad at the end: ${load()}`)
venue.disconnect()
