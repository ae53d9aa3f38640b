// Checks the other runtimes of the README. Under Node 24 it runs the unit tests. Under Node 24, Bun and Deno the built
// core arms, beats and disarms against the served simulator over real HTTP.
//
// The runtimes come from npm. Each package contains its binary, or installs the one for this platform.
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pnpmLine, root } from "./lib/pack.mjs"
import { cleanEnv, exported, start } from "./lib/shell.mjs"

const packages = ["node@24", "bun@1", "deno@2"]
const program = Path.join("packages", "core", "checks", "runtime.mjs")

const folder = Path.join(root, ".reports", "runtimes")
Fs.mkdirSync(folder, { recursive: true })
Fs.writeFileSync(Path.join(folder, "package.json"), `{ "private": true }`)
const env = cleanEnv()
execFileSync("npm", ["install", "--no-audit", "--no-fund", ...packages], { cwd: folder, env, stdio: "pipe" })
const bin = (name) => `'${Path.join(folder, "node_modules", ".bin", name)}'`

class Failed extends Error {}

const run = async (name, line, variables) => {
  const running = start(line, { env: { ...env, ...variables }, bound: 1_800_000 })
  const code = await running.ended
  if (code !== 0) throw new Failed(`${name} ended with ${code}:\n${running.output}`)
  return running.output
}

const server = start(`${pnpmLine()} simulator serve --port 0`, { env, until: /BITGET_PASSPHRASE/, bound: 600_000 })
await server.reached
const exchange = exported(server.output)

/** All transitions of the switch at the exchange. */
const transitions = async () => {
  const response = await fetch(`${exchange.BITGET_BASE_URL}/_sim/journal.ndjson`)
  const entries = (await response.text())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
  return entries.filter(({ _tag }) => _tag === "Switch").map(({ transition }) => transition)
}

const lines = {
  "Node 24": `${bin("node")} ${program}`,
  Bun: `${bin("bun")} ${program}`,
  Deno: `${bin("deno")} run --allow-env --allow-net --allow-read ${program}`
}
const smoke = async (name, line) => {
  const before = (await transitions()).length
  await run(name, line, exchange)
  const seen = (await transitions()).slice(before).join(", ")
  if (seen !== "armed, refreshed, closed") throw new Failed(`${name}: the switch was ${seen || "never armed"}`)
  const [version] = (await run(name, `${line.split(" ")[0]} --version`)).split("\n")
  console.log(`${name} (${version}): ${seen}`)
}

try {
  for (const [name, line] of Object.entries(lines)) await smoke(name, line)
  await server.end()
  const vitest = Path.join("node_modules", "vitest", "vitest.mjs")
  const tested = await run("Node 24", `${bin("node")} ${vitest} run --reporter=dot --project unit`)
  console.log(/^ *Tests .*$/m.exec(tested)?.[0].trim())
} catch (error) {
  if (!(error instanceof Failed)) throw error
  console.error(error.message)
  process.exitCode = 1
} finally {
  await server.end()
}
