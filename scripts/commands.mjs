// Every command that the documentation names, and what executes it: here, as it is written, or a test or check that is
// named. A command that nobody executes fails this, and so does an entry of these lists that no page names any more.
//
//   node scripts/commands.mjs           after the build; about a quarter of a minute
//   node scripts/commands.mjs --slow    runs those that take longer instead: campaign and benchmarks, with small numbers
//   node scripts/commands.mjs --list    says what executes what, and runs nothing
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { createServer } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"

const root = Path.join(import.meta.dirname, "..")
const manifest = JSON.parse(Fs.readFileSync(Path.join(root, "package.json"), "utf8"))
const faults = []

// ---------------------------------------------------------------------------------------------------------------------
// What the pages name

const walk = (folder, wanted) =>
  Fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = Path.join(folder, entry.name)
    if (entry.isDirectory())
      return /^(node_modules|dist|api|peers|\.(?!changeset$).*)$/.test(entry.name) ? [] : walk(path, wanted)
    return wanted(path) ? [path] : []
  })

const templates = Path.join(root, "packages", "examples", "src")
const pages = walk(root, (path) => path.endsWith(".md") || (path.startsWith(templates) && path.endsWith(".ts")))

/** What a line begins with that somebody is to type. */
const program =
  /^(?:[A-Z_]+=\S+ )*(?:(?:npx|pnpm|npm|node|curl|tsc|vitest|changeset|effect-deadman-simulator) \S|\.ci\/run\b)/

/** Every page says `npx -y pnpm@<version>` where a clone is fresh, and `pnpm` elsewhere. */
const normal = (command, where) =>
  command.replace(/\bnpx -y (pnpm@\S+)/, (_, version) => {
    if (version !== manifest.packageManager) faults.push(`${where}: ${version} is not ${manifest.packageManager}`)
    return "pnpm"
  })

/** Each command with the places that name it. */
const named = new Map()
const name = (text, where) => {
  // What stands behind `#`, or far to the right, tells what the command does.
  const command = normal(
    text
      .replace(/\s+#\s.*$/gm, "")
      .trim()
      .replace(/(\S) {3,}.*$/, "$1"),
    where
  )
  named.set(command, [...(named.get(command) ?? []), where])
}

for (const path of pages) {
  const isSource = path.endsWith(".ts")
  let fence
  for (const [index, line] of Fs.readFileSync(path, "utf8").split("\n").entries()) {
    const where = `${Path.relative(root, path).replaceAll("\\", "/")}:${index + 1}`
    if (isSource && !/^\s*(?:\/\/|\/?\*)/.test(line)) continue
    const mark = isSource ? null : /^ *```(\S*)/.exec(line)
    if (mark !== null) {
      // Lines that share a variable of the shell are one command.
      if (fence?.language === "sh") {
        const lines = fence.lines.filter((text) => text.trim() !== "")
        for (const text of /^\w+=\S.*$/m.test(lines[0] ?? "") && !program.test(lines[0] ?? "")
          ? [lines.join("\n")]
          : lines) {
          name(text, fence.where)
        }
      }
      fence = fence === undefined ? { language: mark[1], lines: [], where } : undefined
    } else if (fence !== undefined) {
      fence.lines.push(line)
    } else if (!isSource && /^ {4}\S/.test(line) && program.test(line.trim())) {
      name(line, where)
    } else {
      for (const [, code] of line.matchAll(/`([^`]+)`/g)) if (program.test(code)) name(code, where)
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// What executes it

const free = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
const metricsPort = await free()
const scratch = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-deadman-commands-"))
process.on("exit", () => Fs.rmSync(scratch, { recursive: true, force: true }))

/** What the exchange that a template ran against says at the end. */
const off = /At the exchange: the switch of MAIN is off/
const url = (output) => /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? ""
const exported = (output) =>
  Object.fromEntries([...output.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, ...pair]) => pair))

/**
 * What runs here. It ends by itself with the exit code `code` (0); or, once it has said `until`, it is ended as Ctrl-C
 * does, and ends with that code then. By then it must have said all of `says`. `replace` puts smaller numbers, or what is
 * at hand, into the line. `meanwhile` are the commands that the pages name for the time it runs. `asWritten` goes through
 * npx and pnpm; all others begin where the script of `package.json` does after its builds, each of which runs once.
 */
const here = {
  // Those that take longest begin.
  "FEED_SECONDS=3 pnpm example watchdog": { code: 1, says: [/was not alive/, /MAIN has fired and cancelled 1 orders/] },
  "pnpm simulator serve": {
    replace: [["serve", "serve --port 0"]],
    until: /BITGET_PASSPHRASE/,
    meanwhile: {
      "pnpm --silent deadman run --countdown 10 -- python bot.py": {
        // Any program will do; this one is certainly there.
        replace: [["python bot.py", `'${process.execPath}' -e 'console.log(6 * 7)'`]],
        says: [/armed with 10 s\n[^]*42/],
        asWritten: true
      },
      "node packages/examples/dist/quickstart.js": { until: /trading, protected/ },
      [`curl --json '{"name":"crash"}' http://127.0.0.1:8790/_sim/journal/marks`]: { says: [/"crash"/] },
      [`curl --json '{"expectations":[{"expect":"ordersCancelled","within":10000,"after":"crash"}]}' http://127.0.0.1:8790/_sim/verify`]:
        { says: [/"judged"/] }
    }
  },
  // pnpm dies of Ctrl-C itself, after what it runs has ended.
  "pnpm example market-maker": {
    until: /reconciled/,
    says: [/MAIN is off, 0 orders are open/],
    asWritten: true,
    code: "SIGINT"
  },
  "pnpm example quickstart": { until: /trading, protected/, says: [off] },
  "PRICE=50000 QTY=0.01 pnpm example market-maker": { until: /reconciled/, says: [/MAIN is off, 0 orders are open/] },
  "pnpm example market-maker --live": { code: 1, says: [/BITGET_API_KEY/] },
  "pnpm example graceful-shutdown": { until: /armed/, says: [off, /Disarmed/] },
  "ENDING=failure pnpm example graceful-shutdown": {
    code: 1,
    says: [/CancellingSoon/, /MAIN (fires in \d\.\d s|has fired)/]
  },
  "pnpm example watchdog": { until: /in jeopardy/, says: [off] },
  "pnpm example many-accounts": {
    until: /MAIN: trading[^]*HEDGE: trading|HEDGE: trading[^]*MAIN: trading/,
    says: [/CLOSED is left out: .*40301/, off, /the switch of HEDGE is off/]
  },
  "pnpm example plain-typescript": { until: /trading, protected/, says: [/released: .*Disarmed/, off] },
  "pnpm example observability": {
    env: { METRICS_PORT: String(metricsPort) },
    until: /trading, protected/,
    says: [off],
    meanwhile: {
      "curl localhost:9464/metrics": { replace: [["9464", metricsPort]], says: [/^deadman_state\{.*\} 0/m] }
    }
  },
  "npx effect-deadman-simulator serve": { replace: [["serve", "serve --port 0"]], until: /BITGET_PASSPHRASE/ }
}

// Few seeds reach few situations; then it says so, and ends with 1.
const few = { code: 1, says: [/NEVER REACHED/, /^(?![^]*BROKEN)/] }

/** What takes longer: only with --slow, which is part of `pnpm check:all`. */
const slow = {
  "pnpm tarballs": { says: [/^npm install \S+core-\S+\.tgz .*\nnpm install .*simulator-\S+\.tgz/m] },
  "pnpm campaign --seed 4711": { says: [/no promise is broken/] },
  "pnpm campaign --seed 4711 --shrink": { says: [/no promise is broken/] },
  "pnpm campaign --seed 4711 --drop fault:0,deed:3,link": { says: [/no promise is broken/] },
  "pnpm campaign --seeds 10000": { replace: [["10000", "20"]], ...few },
  "pnpm campaign --seeds 10000 --seed 50000": { replace: [["10000", "20"]], ...few },
  "pnpm campaign --seeds 1000000 --processes 4": { replace: [["1000000 --processes 4", "20 --processes 2"]], ...few },
  "pnpm campaign --minutes 5": { replace: [["--minutes 5", "--minutes 0.02"]], ...few },
  "pnpm campaign --seeds 10000 --stack port": { replace: [["10000", "20"]], ...few },
  "pnpm campaign --seeds 2000 --stack http": { replace: [["2000", "20"]], ...few },
  "pnpm campaign --seeds 6000": { replace: [["6000", "20"]], ...few },
  "pnpm bench": { replace: [["main.mjs", "main.mjs --no-peers --rounds 1 --accounts 1 --seconds 3"]] },
  "pnpm bench --calls": { replace: [["--calls", "--calls --no-peers --rounds 1"]] },
  "pnpm bench --accounts 100,1000": { replace: [["100,1000", "2 --seconds 3"]] },
  "pnpm bench --countdown 60 --interval 18 --accounts 10000": {
    replace: [["60 --interval 18 --accounts 10000", "20 --interval 6 --accounts 2 --seconds 3"]]
  },
  "pnpm bench:simulator": { replace: [["calls.mjs", "calls.mjs --no-peers"]] }
}

/** What runs elsewhere: the file, and the words in it that say so. */
const elsewhere = {
  ".ci/run": [".ci/run", "node scripts/report.mjs"],
  "pnpm test": [".ci/run", "npx -y pnpm@10.34.9 test"],
  "pnpm check": [".ci/run", "npx -y pnpm@10.34.9 check"],
  "pnpm check:page": [".ci/run", "npx -y pnpm@10.34.9 check:page"],
  "tsc -b": ["scripts/check.mjs", 'bin("tsc", "-b")'],
  "pnpm check:ccxt": ["scripts/check.mjs", '"checks", "ccxt.mjs"'],
  "pnpm campaign:mutants": ["scripts/check.mjs", "mutants-main.js --only campaign"],
  "pnpm start": ["packages/examples/test/start.test.ts", 'run("demo/main.js"'],
  "pnpm start:live": ["packages/examples/test/start.test.ts", 'run("live.js"'],
  "pnpm example <template>": ["packages/examples/test/start.test.ts", '"unknown")'],
  "pnpm example <template> --live": ["packages/examples/test/start.test.ts", '"quickstart", "--live")'],
  "node <script>": ["packages/examples/test/bot.test.ts", "BotProcess.start("],
  "effect-deadman-simulator replay run.ndjson": ["packages/simulator/test/cli.test.ts", 'run("replay", file)'],
  "npx effect-deadman-simulator serve --port 8080 --clock manual": [
    "packages/simulator/test/Readme.test.ts",
    "/^npx effect-deadman-simulator (serve .*)$/m"
  ],
  "json='content-type: application/json'": ["packages/simulator/test/Readme.test.ts", 'readme.split("From a shell:")'],
  "npx vitest run packages/core/test/FireWindow.test.ts": [
    "vitest.config.ts",
    'include: ["packages/*/test/**/*.test.ts"]'
  ],
  "npx vitest run packages/examples/test/testing-your-bot.test.ts": [
    "vitest.config.ts",
    'include: ["packages/*/test/**/*.test.ts"]'
  ],
  "npm install @effect-deadman/core effect@3 @effect/platform@0.97 @effect/platform-node@0.108": [
    "scripts/smoke.mjs",
    'installOf("README.md")'
  ],
  "npm install --save-dev @effect-deadman/simulator @effect/cli@0.77 @effect/printer@0.51 @effect/printer-ansi@0.51": [
    "scripts/smoke.mjs",
    'installOf("README.md", 1)'
  ],
  "node bot.mjs": ["scripts/smoke.mjs", '"bot.mjs", venue)'],
  "npx vitest run": ["scripts/smoke.mjs", 'run("npx --no vitest run")'],
  "npm install @effect-deadman/core effect@3 @effect/platform@0.97": [
    "scripts/smoke.mjs",
    'installOf("packages/core/README.md")'
  ],
  "npm install --save-dev @effect-deadman/simulator vitest@3 @effect/vitest@0.30": [
    "scripts/smoke.mjs",
    'installOf("packages/simulator/README.md")'
  ]
}

const minutes = "a measurement that takes minutes whatever it is told; the page has its figures"

/** What nothing executes, and why. */
const never = {
  "pnpm format": "writes the sources; `pnpm check` runs its other half, format:check",
  "vitest run -u": "writes the snapshot that `pnpm test` compares",
  "pnpm changeset": "asks questions",
  "pnpm version-packages": "writes the versions of a release",
  "pnpm release": "publishes; `pnpm check` packs both packages and looks at the tarballs",
  "pnpm check:all": "would run itself; `pnpm release` begins with it",
  "pnpm bench:served": minutes,
  "pnpm bench:simulator:machine": minutes,
  "npx vitest bench --run packages/simulator/bench/VirtualTime.bench.ts": minutes,
  "node --max-semi-space-size=64": "a flag, not a command"
}

const during = Object.values(here).flatMap(({ meanwhile = {} }) => Object.keys(meanwhile))
const lists = {
  here: [...Object.keys(here), ...during],
  slow: Object.keys(slow),
  elsewhere: Object.keys(elsewhere),
  never: Object.keys(never)
}
const listOf = (command) =>
  Object.keys(lists).find((list) => lists[list].includes(command)) ??
  // A block of the shell is known by its first line.
  Object.keys(lists).find((list) => command.includes("\n") && lists[list].includes(command.split("\n")[0]))

for (const [command, where] of named) {
  if (listOf(command) === undefined) faults.push(`${where.join(", ")}: nobody executes \`${command}\``)
}
const firstLines = new Set([...named.keys()].map((command) => command.split("\n")[0]))
for (const command of Object.values(lists).flat()) {
  if (!firstLines.has(command)) faults.push(`scripts/commands.mjs: no page names \`${command}\` any more`)
}
for (const command of named.keys()) {
  for (const [file] of command.matchAll(/packages\/[\w./-]+/g)) {
    if (!Fs.existsSync(Path.join(root, file))) faults.push(`${named.get(command)}: there is no ${file}`)
  }
}
for (const [command, [file, words]] of Object.entries(elsewhere)) {
  const path = Path.join(root, file)
  if (!Fs.existsSync(path) || !Fs.readFileSync(path, "utf8").includes(words)) {
    faults.push(`scripts/commands.mjs: ${file} no longer has \`${words}\`, which is to execute \`${command}\``)
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Running

const own = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(BITGET|BOT)_|_(API_KEY|SECRET_KEY|PASSPHRASE)$/.test(name))
)

const living = new Set()
/** Everything that a command has started is in a group with it, as it is in a terminal. */
const signal = (child, name) => {
  try {
    process.kill(-child.pid, name)
  } catch {
    // It has ended by itself.
  }
}
process.on("exit", () => living.forEach((child) => signal(child, "SIGKILL")))
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => process.exit(1))

const longest = 120_000

/** Runs a line of the shell; `started` is called once with what it has said when it has said `until`. */
const shell = (line, { env, started, until }) =>
  new Promise((resolve) => {
    const child = spawn("sh", ["-c", line], {
      cwd: root,
      env: { ...own, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true
    })
    living.add(child)
    let output = ""
    let waits = until !== undefined
    let late = false
    const timer = setTimeout(() => {
      late = true
      signal(child, "SIGKILL")
    }, longest)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text
        if (!waits || !until.test(output)) return
        waits = false
        void started(output).then(() => signal(child, "SIGINT"))
      })
    }
    child.on("close", (code, killed) => {
      clearTimeout(timer)
      living.delete(child)
      resolve({ code: late ? `nothing within ${longest / 1_000} s` : (code ?? killed), output, waits })
    })
  })

const builds = new Map()
/** A build that several scripts begin with runs once, and one after the other. */
let lastBuild = Promise.resolve()
const build = (line) => {
  const known = builds.get(line)
  if (known !== undefined) return known
  const next = lastBuild.then(() =>
    shell(line, { env: { PATH: `${Path.join(root, "node_modules", ".bin")}:${own.PATH}` } })
  )
  lastBuild = next
  builds.set(line, next)
  return next
}

const bin = (name) => `'${Path.join("node_modules", ".bin", name)}'`

/** The line that the shell is given, and what must have been built before. */
const expand = (command, { asWritten = false }) => {
  if (asWritten) return { line: command.replace("pnpm", `npx -y ${manifest.packageManager}`), before: [] }
  const script = /^((?:[A-Z_]+=\S+ )*)pnpm (?:--silent )?([\w:]+)(.*)$/s.exec(command)
  if (script === null) {
    const line = command
      .replace(/^(npx )?effect-deadman-simulator\b/, `'${process.execPath}' packages/simulator/dist/bin.js`)
      .replace(/^npx vitest\b/, bin("vitest"))
      .replace(/^curl\b/, "curl -sS")
    return { line, before: [] }
  }
  const [, variables, name, rest] = script
  const steps = manifest.scripts[name]?.split(" && ")
  if (steps === undefined) throw new Error(`package.json has no script "${name}"`)
  return { line: `${variables}${steps.pop()}${rest}`, before: steps }
}

const run = async (command, spec, variables = {}) => {
  const began = performance.now()
  const fail = (text) => faults.push(`${named.get(command)?.join(", ")}: \`${command}\` ${text}`)
  const { before, line: whole } = expand(command, spec)
  let line = whole
  for (const [from, to] of spec.replace ?? []) {
    if (!line.includes(from)) return fail(`has no ${from} to replace`)
    line = line.replace(from, to)
  }
  for (const step of before) {
    const { code, output } = await build(step)
    if (code !== 0) return fail(`begins with \`${step}\`, which ended with ${code}:\n${output}`)
  }
  const { code, output, waits } = await shell(`exec env ${line}`, {
    env: { ...variables, ...spec.env },
    until: spec.until,
    started: async (said) => {
      for (const [other, its] of Object.entries(spec.meanwhile ?? {})) {
        const server = url(said)
        const replace = [
          ...(its.replace ?? []),
          ...(other.includes("127.0.0.1:8790") ? [["http://127.0.0.1:8790", server]] : [])
        ]
        await run(other, { ...its, replace }, exported(said))
      }
    }
  })
  const seconds = ((performance.now() - began) / 1_000).toFixed(1).padStart(5)
  console.log(`${seconds} s  ${command}`)
  const expected = spec.code ?? 0
  if (waits) return fail(`ended with ${code} before it said ${spec.until}:\n${output}`)
  if (code !== expected) return fail(`ended with ${code}, and not with ${expected}:\n${output}`)
  const missing = (spec.says ?? []).find((words) => !words.test(output))
  if (missing !== undefined) fail(`did not say ${missing}:\n${output}`)
}

if (process.argv.includes("--list")) {
  for (const command of named.keys()) {
    const list = listOf(command)
    const [first] = command.split("\n")
    console.log(
      `${command}\n    ${list === "never" ? `never: ${never[command]}` : list === "elsewhere" ? elsewhere[first][0] : list}`
    )
  }
} else if (faults.length === 0) {
  // They wait for most of their time.
  const queue = Object.entries(process.argv.includes("--slow") ? slow : here)
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(...next)
  }
  await Promise.all(Array.from({ length: process.argv.includes("--slow") ? 2 : 6 }, worker))
}
console.log(
  `${named.size} commands: ${lists.here.length} run here, ${lists.slow.length} with --slow, ${lists.elsewhere.length} elsewhere, ${lists.never.length} by nobody`
)
if (faults.length > 0) {
  for (const fault of faults) console.error(fault)
  process.exit(1)
}
