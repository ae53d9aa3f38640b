// Runs all tests several times beside a load on the same cores. Prints one line per run: seconds, tests that passed and
// failed, and the names of those that failed. Fails when any run was red.
//
//   node scripts/repeat.mjs                          ten times, beside four busy processes
//   node scripts/repeat.mjs --times 3 --load 0       without load
//   node scripts/repeat.mjs --times 20 -- packages/core/test/Heartbeat.test.ts
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { root } from "./lib/pack.mjs"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { times: { type: "string", default: "10" }, load: { type: "string", default: "4" } }
})
/** A run that takes longer hangs, ms. */
const longest = 30 * 60_000

const reports = Path.join(root, ".reports", "repeat")
Fs.mkdirSync(reports, { recursive: true })

/** Keeps one core busy until this process ends, also when it is killed. */
const busy = `process.on("disconnect", () => process.exit())
const work = () => { for (const end = Date.now() + 50; Date.now() < end; ); setImmediate(work) }
work()`
const load = Array.from({ length: Number(values.load) }, () =>
  spawn(process.execPath, ["-e", busy], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
)

/** One run of all tests. Resolves with its line, and whether it was green. */
const run = (number) =>
  new Promise((resolve) => {
    const started = performance.now()
    const file = Path.join(reports, `${number}.json`)
    Fs.rmSync(file, { force: true })
    const vitest = Path.join(root, "node_modules", "vitest", "vitest.mjs")
    const args = [vitest, "run", "--reporter=json", `--outputFile=${file}`, ...positionals]
    const log = Fs.openSync(Path.join(reports, `${number}.log`), "w")
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", log, log], timeout: longest })
    child.on("close", (code, signal) => {
      Fs.closeSync(log)
      const seconds = ((performance.now() - started) / 1_000).toFixed(0)
      const {
        numFailedTests = 0,
        numPassedTests = 0,
        testResults = []
      } = Fs.existsSync(file) ? JSON.parse(Fs.readFileSync(file, "utf8")) : {}
      const failed = testResults.flatMap(({ assertionResults, name, status }) => {
        const tests = assertionResults.filter((test) => test.status === "failed").map(({ fullName }) => fullName)
        const own = status === "failed" && tests.length === 0 ? ["the file itself"] : tests
        return own.map((test) => `\n    ${Path.relative(root, name)}: ${test}`)
      })
      const end = code === 0 ? "" : `, ended with ${code ?? signal}: ${file.replace(/json$/, "log")}`
      const line = `run ${number}: ${seconds} s, ${numPassedTests} passed, ${numFailedTests} failed${end}${failed.join("")}`
      resolve({ line, green: code === 0 && numPassedTests > 0 && failed.length === 0 })
    })
  })

let red = 0
try {
  for (let number = 1; number <= Number(values.times); number++) {
    const { green, line } = await run(number)
    console.log(line)
    if (!green) red++
  }
} finally {
  for (const child of load) child.kill("SIGKILL")
}
console.log(`${red} of ${values.times} runs red, beside ${values.load} busy processes`)
process.exit(red === 0 ? 0 : 1)
