// Mutation tests: changes a module in one place at a time and runs its tests. A change that no test notices survives.
//
//   node scripts/mutate.mjs                                  all modules of scripts/mutation/modules.mjs
//   node scripts/mutate.mjs packages/core/src/FireWindow.ts  only these
//   node scripts/mutate.mjs --scores                         runs nothing, prints the last scores
//
// Results are kept in .reports/mutation. A run over all continues with the first module that has no result, and runs a
// mutant again only after a change of its module or a new test. A run of named modules runs their survivors again.
import { Stryker } from "@stryker-mutator/core"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { modules } from "./mutation/modules.mjs"
import { root } from "./lib/pack.mjs"

process.chdir(root)

const reports = Path.join(".reports", "mutation")
const sandbox = Path.join(reports, "sandbox")
const resultOf = (module) => Path.join(reports, `${module.replaceAll("/", "+")}.json`)

/** A hung mutant and a busy machine look the same, so the bound is generous. */
const timeoutMS = 30_000

/**
 * Stryker runs a survivor again only where a test of a new name covers it, and never one that acts while loading. A
 * mutant that ended by the time bound may be a survivor, too.
 */
const forgetSurvivors = (module) => {
  if (!Fs.existsSync(resultOf(module))) return
  const report = JSON.parse(Fs.readFileSync(resultOf(module), "utf8"))
  for (const file of Object.values(report.files)) {
    file.mutants = file.mutants.filter(({ status }) => status === "Killed")
  }
  Fs.writeFileSync(resultOf(module), JSON.stringify(report))
}

const run = async (module) => {
  if (named.length > 0) forgetSurvivors(module)
  // Of a run that was killed.
  Fs.rmSync(sandbox, { recursive: true, force: true })
  process.env.MUTATE_TESTS = JSON.stringify(modules[module])
  await new Stryker({
    mutate: [module],
    testRunner: "vitest",
    plugins: ["@stryker-mutator/vitest-runner", "./scripts/mutation/ignored.mjs"],
    ignorers: ["texts"],
    vitest: { configFile: "scripts/mutation/vitest.config.ts", related: false },
    coverageAnalysis: "perTest",
    // Leaves a core for other work.
    concurrency: Math.max(1, Os.availableParallelism() - 1),
    timeoutMS,
    incremental: true,
    incrementalFile: resultOf(module),
    reporters: ["html", "progress-append-only"],
    htmlReporter: { fileName: resultOf(module).replace(/json$/, "html") },
    tempDirName: sandbox,
    ignorePatterns: [".*", "**/dist/**", "**/.tsbuild/**", "**/.reports/**", "**/bench/**", "**/checks/**"],
    // vitest does not check types, so the sandbox needs no change of them.
    disableTypeChecks: false,
    logLevel: "warn"
  }).runMutationTest()
}

const readResult = (module) =>
  Fs.existsSync(resultOf(module)) ? JSON.parse(Fs.readFileSync(resultOf(module), "utf8")).files[module] : undefined

/** The text of a place in a source, in one line. */
const excerpt = (source, { start, end }) => {
  const lines = source.split("\n").slice(start.line - 1, end.line)
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1)
  lines[0] = lines[0].slice(start.column - 1)
  return lines.join(" ").replace(/\s+/g, " ")
}

const short = (text) => (text.length > 100 ? `${text.slice(0, 97)}...` : text)

const print = (module) => {
  const result = readResult(module)
  if (result === undefined) return console.log(`${"not run".padStart(24)}  ${module}`)
  const { mutants, source } = result
  const count = (...states) => mutants.filter(({ status }) => states.includes(status)).length
  const killed = count("Killed", "Timeout")
  const valid = killed + count("Survived", "NoCoverage")
  const score = valid === 0 ? 100 : (100 * killed) / valid
  console.log(`${score.toFixed(1).padStart(5)} %  ${`${killed} of ${valid}`.padStart(14)}  ${module}`)
  for (const { location, mutatorName, replacement, status } of mutants) {
    if (status !== "Survived" && status !== "NoCoverage") continue
    const place = `${module}:${location.start.line}:${location.start.column}`
    const untested = status === "NoCoverage" ? " (no test runs it)" : ""
    console.log(`    ${place} ${mutatorName}${untested}`)
    console.log(`      - ${short(excerpt(source, location))}\n      + ${short(replacement.replace(/\s+/g, " "))}`)
  }
}

const args = process.argv.slice(2)
const named = args.filter((arg) => !arg.startsWith("--"))
const unknown = [...named.filter((name) => !(name in modules)), ...args.filter((arg) => /^--(?!scores$)/.test(arg))]
if (unknown.length > 0) {
  console.error(`Not in scripts/mutation/modules.mjs: ${unknown.join(", ")}. Add the module with its tests.`)
  process.exit(2)
}
const chosen = named.length > 0 ? named : Object.keys(modules)
for (const module of chosen) {
  try {
    if (!args.includes("--scores")) await run(module)
    print(module)
  } catch (error) {
    // For example because its tests fail without a change. The other modules still run.
    console.error(`${module}: ${error.message}`)
    process.exitCode = 1
  }
}
