// Follows the READMEs as a new user, in an empty folder, with npm and the packed tarballs: their commands and code, in
// JavaScript and in TypeScript. Everything else comes from the registry. Keeps the folder after a failure.
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { companions, installLines, pack, published, root } from "./lib/pack.mjs"
import { cleanEnv, exported, start } from "./lib/shell.mjs"

/** The versions of TypeScript that must accept the published types. */
const compilers = ["5.9", "6", "7"]

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-deadman-smoke-"))
const env = cleanEnv()
const started = performance.now()
const say = (text) => console.log(`${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${text}`)

class Failed extends Error {}
const need = (holds, text) => {
  if (!holds) throw new Failed(text)
}

const run = (command, options = {}) => {
  const { cwd = folder, status: expected = 0 } = options
  const { error, status, stderr, stdout } = spawnSync(command, {
    shell: true,
    cwd,
    env,
    encoding: "utf8",
    timeout: 300_000
  })
  const output = `${stdout}${stderr}`.trim()
  need(error === undefined && status === expected, `\`${command}\` ended with ${status ?? error}:\n${output}`)
  return output
}

const write = (name, text) => Fs.writeFileSync(Path.join(folder, name), text)

// ---------------------------------------------------------------------------------------------------------------------
// The READMEs

const tarballs = Object.fromEntries(published.map((name) => [name, pack(name, Path.join(root, ".reports", "smoke"))]))

const page = (path) => Fs.readFileSync(Path.join(root, path), "utf8")

const installOf = (path, index = 0) => {
  const line = installLines(path, tarballs)[index]
  need(line !== undefined, `${path} has no line ${index + 1} that begins with \`npm install\``)
  return line
}

const blockOf = (path, part) => {
  const found = [...page(path).matchAll(/^```ts\n(.*?)^```/gms)].find(([, code]) => code.includes(part))
  need(found !== undefined, `${path} has no block of code with \`${part}\``)
  return found[1]
}

// ---------------------------------------------------------------------------------------------------------------------
// Processes

/** Starts a program of the folder in the background. */
const startProgram = (line, variables, until) =>
  start(`exec '${process.execPath}' ${line}`, { bound: 1_800_000, cwd: folder, env: { ...env, ...variables }, until })

/** Runs the quickstart against the served exchange. It must arm the switch, and turn it off on SIGTERM. */
const protectedProgram = async (name, file, venue) => {
  // A new connection each time, because the server may have closed an idle one while a compiler blocked this process.
  const headers = { connection: "close" }
  const account = `${venue.BITGET_BASE_URL}/_sim/accounts/1000001`
  const tag = async () => (await (await fetch(account, { headers })).json()).switch._tag
  need((await tag()) === "Closed", `before ${name} the switch must be off`)
  const program = startProgram(file, venue, /protected/)
  await Promise.race([program.reached, sleep(30_000, undefined, { ref: false })])
  need(program.output.includes("protected"), `${name} did not trade within 30 s:\n${program.output}`)
  need((await tag()) === "Armed", `${name} trades, and the switch is not armed:\n${program.output}`)
  const code = await program.end("SIGTERM")
  need(code === 0, `${name} ended with ${code}:\n${program.output}`)
  need((await tag()) === "Closed", `${name} has ended, and the switch is not off:\n${program.output}`)
  say(`${name}: armed, protected, disarmed by SIGTERM`)
}

/** From an empty folder to a protected program in Python, and the installed command. */
const anyLanguage = (venue) => {
  const place = Path.join(folder, "any-language")
  Fs.mkdirSync(place)
  const variables = Object.entries(venue).map(([name, value]) => `${name}='${value}'`)
  const packages = [...companions.cli, "cli"].map((name) => `--package '${tarballs[name]}'`)
  const bot = "python3 -c 'import time; print(6 * 7, flush=True); time.sleep(1)'"
  const began = performance.now()
  const first = run(`${variables.join(" ")} npx -y ${packages.join(" ")} deadman run -- ${bot}`, { cwd: place })
  const took = ((performance.now() - began) / 1_000).toFixed(1)
  need(/armed: 10 s/.test(first) && first.includes("42"), `npx did not protect the program:\n${first}`)
  need(first.includes("released: Disarmed"), `the switch is not off after the program:\n${first}`)
  say(`npx protects a program in Python, ${took} s after it was typed in an empty folder`)
  run(`${installOf("packages/cli/README.md")} --no-audit --no-fund --prefix '${Path.join(place, "global")}'`)
  const deadman = Path.join(place, "global", "bin", "deadman")
  const version = run(`'${deadman}' --version`)
  const checked = run(`${variables.join(" ")} '${deadman}' check`)
  need(/^ok +permission/m.test(checked), `deadman check found a fault:\n${checked}`)
  say(`the installed command works (${version})`)
}

// ---------------------------------------------------------------------------------------------------------------------

const main = async () => {
  run("npm init -y")
  run(`${installOf("README.md")} --no-audit --no-fund`)
  say("installed by the line of the README")
  const copies = run("find node_modules -path '*node_modules/effect/package.json'").split("\n")
  need(copies.length === 1, `there are several copies of effect, which do not work together:\n${copies.join("\n")}`)

  const alone = Path.join(folder, "core-alone")
  Fs.mkdirSync(alone)
  write("core-alone/package.json", `{ "private": true, "type": "module" }`)
  run(`${installOf("packages/core/README.md")} --no-audit --no-fund`, { cwd: alone })
  write("core-alone/heartbeat.js", blockOf("packages/core/README.md", "heartbeat.guard"))
  run(`${process.execPath} heartbeat.js`, { cwd: alone })
  say("core alone, installed by the line of its README, loads the code of its README")

  const code = blockOf("README.md", "NodeRuntime.runMain")
  write("bot.mjs", code)
  write("internal.mjs", `await import("@effect-deadman/core/internal/heartbeat/engine")`)
  const closed = run(`${process.execPath} internal.mjs`, { status: 1 })
  need(closed.includes("ERR_PACKAGE_PATH_NOT_EXPORTED"), `an internal module could be imported:\n${closed}`)

  run(`${installOf("packages/simulator/README.md")} --no-audit --no-fund`)
  write("first.test.ts", blockOf("packages/simulator/README.md", "it.virtual"))
  const tested = run("npx --no vitest run")
  need(/1 passed/.test(tested), `the first test of the simulator's README did not run:\n${tested}`)
  say("the first test passes")

  const command = Path.join("node_modules", ".bin", "effect-deadman-simulator")
  const server = startProgram(`${command} serve --port 0`, {}, /BITGET_PASSPHRASE='.*'\n/)
  await server.reached
  const venue = exported(server.output)
  need(venue.BITGET_BASE_URL !== undefined, `the simulator does not serve:\n${server.output}`)
  say("the simulator serves")
  anyLanguage(venue)
  await protectedProgram("JavaScript", "bot.mjs", venue)

  run("npm install --no-audit --no-fund --save-dev @types/node@20")
  write("bot.mts", code)
  for (const version of compilers) {
    const place = Path.join(folder, `typescript-${version}`)
    Fs.mkdirSync(place)
    Fs.writeFileSync(Path.join(place, "package.json"), `{ "private": true }`)
    run(`npm install --no-audit --no-fund typescript@${version}`, { cwd: place })
    const outDir = `out-${version}`
    const options = {
      target: "es2022",
      module: "nodenext",
      strict: true,
      exactOptionalPropertyTypes: true,
      types: ["node"]
    }
    const config = (name, more, files) =>
      write(name, JSON.stringify({ compilerOptions: { ...options, ...more }, files }))
    // Checks the published types themselves, and all that they name.
    config(`program.${version}.json`, { skipLibCheck: false, rootDir: ".", outDir }, ["bot.mts"])
    // TypeScript 7 finds contradictions between the types of vitest 3 and of its chai.
    config(`test.${version}.json`, { skipLibCheck: true, noEmit: true }, ["first.test.ts"])
    const tsc = Path.join(place, "node_modules", ".bin", "tsc")
    const name = run(`${tsc} --version`).replace("Version", "TypeScript")
    run(`${tsc} -p program.${version}.json`)
    run(`${tsc} -p test.${version}.json`)
    await protectedProgram(name, Path.join(outDir, "bot.mjs"), venue)
  }
  await server.end("SIGTERM")
}

try {
  await main()
  Fs.rmSync(folder, { recursive: true, force: true })
  say("done")
} catch (error) {
  if (!(error instanceof Failed)) throw error
  console.error(error.message)
  console.error(`The folder stays for inspection: ${folder}`)
  process.exit(1)
}
