// Runs the checks, two at a time. Prints one line per check, and the output of those that fail.
//
//   node scripts/check.mjs            the checks that every change must pass, about a minute
//   node scripts/check.mjs --all      the slow checks, too
//   node scripts/check.mjs size knip  only these
import { spawn } from "node:child_process"
import * as Path from "node:path"
import { root } from "./lib/pack.mjs"

const node = (script, ...args) => [process.execPath, Path.join("scripts", script), ...args]
const bin = (name, ...args) => [Path.join("node_modules", ".bin", name), ...args]

const campaign = Path.join("node_modules", ".bin", "tsc -b packages/campaign/tsconfig.src.json")

const wholeTests = [
  "FireWindow",
  "HeartbeatHostile",
  "HeartbeatTestClock",
  "Heartbeats",
  "HostileVenue",
  "ServerClock"
].map((name) => `packages/core/test/${name}.test.ts`)

/** All others need its output. */
const build = { name: "types", command: bin("tsc", "-b") }

const fast = [
  // First, because it is the longest of these and mostly waits.
  { name: "commands", command: node("commands.mjs") },
  { name: "lint", command: bin("oxlint") },
  // No import cycle, no pure module that imports a shell, no room that imports upwards.
  {
    name: "walls",
    command: bin(
      "depcruise",
      "--config",
      ".dependency-cruiser.mjs",
      "packages/core/src",
      "packages/cli/src",
      "packages/cluster/src",
      "packages/simulator/src",
      "packages/virtual-time/src",
      "packages/campaign/src",
      "packages/examples/src"
    )
  },
  { name: "format", command: bin("prettier", "--check", "--log-level", "warn", ".") },
  { name: "knip", command: bin("knip", "--no-progress") },
  { name: "packages", command: node("packages.mjs") },
  { name: "size", command: node("size.mjs") },
  { name: "examples", command: node("examples.mjs") },
  { name: "options", command: node("options.mjs") }
]

const slow = [
  // Campaign and benchmarks of the documentation, with small numbers.
  { name: "long commands", command: node("commands.mjs", "--slow") },
  { name: "effects", command: node("effects.mjs") },
  { name: "api docs", command: bin("typedoc") },
  // The command `deadman` around real processes that are stopped in every way.
  { name: "deadman", command: ["env", "SLOW=1", ...bin("vitest", "run", "--project", "slow", "packages/cli")] },
  // The files that users copy: unit, rules, bot.
  { name: "deploy", command: [process.execPath, Path.join("packages", "cli", "checks", "deploy.mjs")] },
  // The steps of a new user: install the packed packages in an empty folder, and run them.
  { name: "smoke", command: node("smoke.mjs") },
  // Node 24, Bun and Deno.
  { name: "runtimes", command: node("runtimes.mjs") },
  // The tests with a small size in `pnpm test`, in the size of the documented figures.
  {
    name: "whole tests",
    command: ["env", "WHOLE=1", ...bin("vitest", "run", ...wholeTests)]
  },
  // The heartbeat as a process over a proxy: kills, stops, a blocked event loop, an exchange that goes away.
  { name: "processes", command: ["env", "SLOW=1", ...bin("vitest", "run", "--project", "slow", "packages/core")] },
  // Every fault of a cluster, with real runners and a real PostgreSQL.
  {
    name: "cluster",
    command: ["env", "SLOW=1", ...bin("vitest", "run", "--project", "slow", "packages/cluster")]
  },
  // The live page of the served exchange in a browser.
  { name: "page", command: [process.execPath, Path.join("packages", "simulator", "checks", "page.mjs")] },
  // A minute of almost valid requests to the served exchange as a process.
  { name: "fuzz", command: [process.execPath, Path.join("packages", "simulator", "checks", "fuzz.mjs")] },
  // With an independent client, which is too large to be installed with the workspace.
  { name: "ccxt", command: [process.execPath, Path.join("packages", "simulator", "checks", "ccxt.mjs")] },
  // This many seeds reach every situation. The campaign fails when it never reached one.
  { name: "campaign", command: ["sh", "-c", `${campaign} && node packages/campaign/dist/main.js --seeds 10000`] },
  // The cluster's, with the same rule.
  {
    name: "cluster campaign",
    command: [
      "sh",
      "-c",
      `${campaign} && node --max-semi-space-size=64 --single-threaded-gc packages/campaign/dist/cluster/main.js --seeds 20000`
    ]
  },
  {
    name: "cluster mutants",
    command: ["sh", "-c", `${campaign} && node packages/campaign/dist/cluster/mutantsMain.js`]
  },
  // Checks that the campaign still finds the planted bugs. Last, because nothing may build while it copies the
  // packages.
  {
    name: "mutants",
    command: ["sh", "-c", `${campaign} && node packages/campaign/dist/mutantsMain.js --only campaign`]
  }
]

const wanted = process.argv.slice(2)
const all = wanted.includes("--all")
const names = wanted.filter((argument) => !argument.startsWith("--"))
const known = [build, ...fast, ...slow]
for (const name of names) {
  if (!known.some((check) => check.name === name)) {
    console.error(`there is no check "${name}"; name one of: ${known.map((check) => check.name).join(", ")}`)
    process.exit(2)
  }
}
const chosen = names.length > 0 ? known.filter((check) => names.includes(check.name)) : all ? known : [build, ...fast]

const run = ({ command: [program, ...args], name }) =>
  new Promise((resolve) => {
    const started = performance.now()
    const output = []
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    child.stdout.on("data", (chunk) => output.push(chunk))
    child.stderr.on("data", (chunk) => output.push(chunk))
    const end = (good) => {
      const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(6)
      console.log(`${good ? "ok    " : "FAILED"} ${seconds} s  ${name}`)
      if (!good) console.log(Buffer.concat(output).toString().trimEnd())
      resolve(good)
    }
    child.on("error", (error) => {
      output.push(Buffer.from(String(error)))
      end(false)
    })
    child.on("close", (code) => end(code === 0))
  })

const failed = []
const queue = chosen.filter((check) => check !== build)
if (chosen.includes(build) && !(await run(build))) {
  failed.push(build.name)
  // The others would check an old build.
  queue.length = 0
}
const worker = async () => {
  for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
    if (!(await run(check))) failed.push(check.name)
  }
}
await Promise.all([worker(), worker()])
if (failed.length > 0) {
  console.error(`failed: ${failed.join(", ")}`)
  process.exit(1)
}
