// Checks the files in `deploy` as far as the tools of this machine can: promtool, systemd-analyze, Python, and the bot
// under `deadman run` against the served simulator. Says which tools are missing.
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { cleanEnv, exported, start } from "../../../scripts/lib/shell.mjs"

const deploy = Path.join(import.meta.dirname, "..", "deploy")
const at = (...parts) => Path.join(import.meta.dirname, "..", "..", ...parts)

const faults = []
const isThere = (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0
const run = (program, args, { good = [0], input } = {}) => {
  const { output, status } = spawnSync(program, args, { cwd: deploy, encoding: "utf8", input })
  console.log(`${good.includes(status) ? "ok    " : "FAILED"} ${program} ${args.join(" ")}`)
  if (!good.includes(status)) faults.push(`${program} ${args.join(" ")}:\n${output.filter(Boolean).join("")}`)
}
const missing = (program, why) => console.log(`missing ${program}: ${why}`)

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "deadman-deploy-"))

if (isThere("promtool")) {
  run("promtool", ["check", "rules", "prometheus-rules.yaml"])
  run("promtool", ["test", "rules", "prometheus-rules.test.yaml"])
} else missing("promtool", "the rules were not checked; on Debian it is in the package prometheus")

if (isThere("systemd-analyze")) {
  // It looks for the program, which is not installed here.
  const unit = Path.join(folder, "deadman.service")
  const text = Fs.readFileSync(Path.join(deploy, "deadman.service"), "utf8")
  Fs.writeFileSync(unit, text.replace("/usr/local/bin/deadman", process.execPath))
  run("systemd-analyze", ["verify", unit])
} else missing("systemd-analyze", "the unit was not checked")

if (isThere("python3")) {
  const env = cleanEnv()
  const server = start(`node '${at("simulator", "bin.mjs")}' serve --port 0`, { env, until: /BITGET_PASSPHRASE/ })
  await server.reached
  const variables = { ...env, ...exported(server.output) }
  const url = variables.BITGET_BASE_URL
  const orders = async () => (await (await fetch(`${url}/_sim/accounts/1000001`)).json()).openOrders
  const line = `exec node '${at("cli", "bin.mjs")}' run --metrics-port 0 -- python3 '${Path.join(deploy, "bot.py")}'`
  const bot = start(line, { env: variables, until: /placed order/ })
  await bot.reached
  const [metrics] = /http:\S+\/metrics/.exec(bot.output) ?? []
  if (metrics === undefined) faults.push(`the bot did not place its order:\n${bot.output}`)
  else {
    // After the first beat every metric has a value.
    while (!/deadman_slack_ms_count\{[^}]*\} [1-9]/.test(await (await fetch(metrics)).text())) await sleep(200)
    const text = await (await fetch(metrics)).text()
    // 3 is an opinion on names: core's lengths of time are in ms.
    if (isThere("promtool")) run("promtool", ["check", "metrics"], { good: [0, 3], input: text })
    for (const name of new Set(
      Fs.readFileSync(Path.join(deploy, "prometheus-rules.yaml"), "utf8").match(/deadman_\w+/g)
    )) {
      if (!text.includes(`\n${name}`)) faults.push(`the rules use ${name}, which is not among the metrics:\n${text}`)
    }
  }
  const code = await bot.end()
  if (code !== 0 || !bot.output.includes("cancelled the order"))
    faults.push(`the bot ended with ${code}:\n${bot.output}`)
  else console.log(`ok     deadman run -- python3 bot.py (${await orders()} orders left)`)
  await server.end()
} else missing("python3", "the bot was not run")

Fs.rmSync(folder, { recursive: true })
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
