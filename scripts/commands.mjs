// Runs the commands of the pages. Fails when an `sh` block of a page has a command that is in no list below, and when a
// list has a command that no page has.
//
//   node scripts/commands.mjs          runs `fast`: about a quarter of a minute after the build
//   node scripts/commands.mjs --slow   runs `slow`: campaign, benchmarks and templates, with small numbers
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pnpmLine, root } from "./lib/pack.mjs"
import { pages } from "./lib/pages.mjs"
import { cleanEnv, exported, start } from "./lib/shell.mjs"

// `as` runs in place of the command on the page. A command with `until` runs until its output matches, and ends by
// Ctrl-C. With `keep` it runs to the end of the list, and the commands after it get the variables that it exports.

const fast = [
  { command: "pnpm simulator serve", as: "pnpm simulator serve --port 0", until: /BITGET_PASSPHRASE/, keep: true },
  {
    command: "npx @effect-deadman/cli run -- python bot.py",
    as: `pnpm --silent deadman run -- '${process.execPath}' -e 'console.log(6 * 7)'`,
    says: /armed: 10 s[^]*42/
  },
  {
    command: "deadman check",
    as: "pnpm --silent deadman check",
    says: /^ok +permission/m
  },
  { command: `curl --json '{"name":"crash"}' http://127.0.0.1:8790/_sim/journal/marks`, says: /"crash"/ },
  {
    command: `curl --json '{"expectations":[{"expect":"ordersCancelled","within":10000,"after":"crash"}]}' http://127.0.0.1:8790/_sim/verify`,
    says: /"judged"/
  },
  { command: "pnpm example market-maker", until: /reconciled/, says: /MAIN is off, 0 orders are open/ }
]

// Few seeds reach few situations. Then the campaign reports that and ends with 1.
const few = { says: /^(?![^]*BROKEN)[^]*NEVER REACHED/, code: 1 }
const off = { until: /trading, protected/, says: /the switch of MAIN is off/ }

const slow = [
  { command: "pnpm tarballs", says: /^npm install \S+core-\S+\.tgz .*\nnpm install .*simulator-\S+\.tgz/m },
  { command: "pnpm campaign --seed 4711", says: /no promise is broken/ },
  { command: "pnpm campaign --seed 4711 --shrink", says: /no promise is broken/ },
  { command: "pnpm campaign --seed 4711 --drop fault:0,deed:3,link", says: /no promise is broken/ },
  { command: "pnpm campaign --seeds 10000", as: "pnpm campaign --seeds 20", ...few },
  { command: "pnpm campaign --seeds 10000 --seed 50000", as: "pnpm campaign --seeds 20 --seed 50000", ...few },
  { command: "pnpm campaign --seeds 2000 --judge second", as: "pnpm campaign --seeds 20 --judge second", ...few },
  { command: "pnpm campaign --seeds 1000000 --processes 4", as: "pnpm campaign --seeds 20 --processes 2", ...few },
  { command: "pnpm campaign --minutes 5", as: "pnpm campaign --minutes 0.02", ...few },
  { command: "pnpm campaign:cluster --seed 4711", says: /no promise is broken/ },
  { command: "pnpm campaign:cluster --seed 4711 --shrink", says: /no promise is broken/ },
  { command: "pnpm campaign:cluster --seeds 20000", as: "pnpm campaign:cluster --seeds 5", ...few },
  { command: "pnpm campaign:gaps --seeds 5000", as: "pnpm campaign:gaps --seeds 20", says: /10 resting orders/ },
  { command: "pnpm bench", as: "pnpm bench --no-peers --rounds 1 --accounts 1 --seconds 3" },
  { command: "pnpm bench --calls", as: "pnpm bench --calls --no-peers --rounds 1" },
  {
    command: "pnpm bench --countdown 60 --interval 18 --accounts 10000",
    as: "pnpm bench --countdown 20 --interval 6 --accounts 2 --seconds 3"
  },
  { command: "pnpm bench:simulator", as: "pnpm bench:simulator --no-peers" },
  { command: "pnpm example quickstart", ...off },
  { command: "pnpm example market-maker --live", says: /BITGET_API_KEY/, code: 1 },
  { command: "pnpm example watchdog", as: "FEED_SECONDS=3 pnpm example watchdog", says: /was not alive/, code: 1 },
  { command: "pnpm example many-accounts", until: /HEDGE: trading/, says: /the switch of HEDGE is off/ },
  { command: "pnpm example plain-typescript", ...off },
  { command: "pnpm example fleet", as: "FLEET_ACCOUNTS=6 pnpm example fleet", says: /All promises were kept/ }
]

// Commands that equal one of these, or continue it, do not run here.
const notRun = {
  "pnpm test": ".ci/run runs it",
  "pnpm check": ".ci/run runs it",
  "pnpm check:all": "this script is a part of it",
  "pnpm campaign:mutants": "scripts/check.mjs runs it",
  "pnpm campaign:cluster:mutants": "scripts/check.mjs runs it",
  "pnpm mutate": "takes hours; packages/campaign/MUTATION.md has its scores",
  "pnpm bench --accounts": "`pnpm bench` runs with this option above",
  "pnpm bench:simulator:machine": "takes minutes; the page has its figures",
  "pnpm start": "packages/examples/test/start.test.ts runs it",
  "pnpm format": "writes the sources; `pnpm check` runs format:check",
  "pnpm changeset": "asks questions",
  "pnpm version-packages": "writes the versions of a release",
  "pnpm release": "publishes; scripts/packages.mjs inspects the tarballs",
  "npm install": "scripts/smoke.mjs reads these lines from the pages and runs them",
  "node bot.mjs": "scripts/smoke.mjs runs it",
  "deadman run": "packages/cli/test/run.test.ts runs it around other programs",
  "deadman probe": "takes three minutes; packages/cli/test/probe runs it",
  "npx vitest run": "scripts/smoke.mjs runs it",
  "npx @effect-deadman/simulator serve": "scripts/smoke.mjs runs it",
  "json='content-type:": "packages/simulator/test/Readme.test.ts runs the block",
  "curl -s": "packages/simulator/test/Readme.test.ts runs the block"
}

const { packageManager } = JSON.parse(Fs.readFileSync(Path.join(root, "package.json"), "utf8"))
const faults = []
const runs = new Set([...fast, ...slow].map(({ command }) => command))
const isKnown = (command) =>
  runs.has(command) || Object.keys(notRun).some((entry) => `${command} `.startsWith(`${entry} `))

/** A page with `pnpm` in place of the pinned one by npx. */
const short = (text) => text.replaceAll(`npx -y ${packageManager} `, "pnpm ")
const texts = pages().map(({ path, text }) => ({ path, text: short(text) }))
for (const { path, text } of texts) {
  if (/pnpm@\d/.test(text)) faults.push(`${path}: name ${packageManager} and no other version`)
  for (const [, block] of text.matchAll(/^ *```sh\n(.*?)^ *```/gms)) {
    for (const line of block.split("\n")) {
      const command = line.replace(/\s+#\s.*$/, "").trim()
      if (command !== "" && !isKnown(command)) {
        faults.push(`${path}: add \`${command}\` to a list in scripts/commands.mjs`)
      }
    }
  }
}
for (const command of [...runs, ...Object.keys(notRun)]) {
  if (!texts.some(({ text }) => text.includes(command))) faults.push(`no page has \`${command}\``)
}
for (const reason of Object.values(notRun)) {
  const [file] = /\S+\.(?:mjs|ts)\b/.exec(reason) ?? [""]
  if (!Fs.existsSync(Path.join(root, file))) faults.push(`there is no ${file}`)
}

/** The variables for the commands, plus those that a kept one exports. */
const env = cleanEnv()
const kept = []

const run = async ({ as, code = 0, command, keep = false, says, until }) => {
  const began = performance.now()
  const line = (as ?? command).replace(/\bpnpm\b/, pnpmLine()).replace(/http:\/\/127\.0\.0\.1:\d+/, env.BITGET_BASE_URL)
  const running = start(line, { env, until })
  await running.reached
  if (keep) kept.push(running)
  // After Ctrl-C pnpm ends by the signal, after its command.
  const exit = keep ? code : until === undefined ? await running.ended : ((await running.end()) ?? code)
  if (keep) Object.assign(env, exported(running.output))
  const missing = [until, says].find((words) => words?.test(running.output) === false)
  if (exit !== code) faults.push(`\`${line}\` ended with ${exit}, not ${code}:\n${running.output}`)
  else if (missing !== undefined) faults.push(`\`${line}\` did not print ${missing}:\n${running.output}`)
  console.log(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${command}`)
}

if (faults.length === 0) for (const entry of process.argv.includes("--slow") ? slow : fast) await run(entry)
await Promise.all(kept.map((running) => running.end()))
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
