/**
 * Plants known bugs, one at a time, in a copy of this package and tells how long the campaign and the unit tests take to
 * notice.
 *
 *   pnpm campaign:mutants                         all, campaign and unit tests
 *   pnpm campaign:mutants --only campaign         or: --only tests
 *   pnpm campaign:mutants --mutant 3,7            these alone, without the check that an unchanged copy passes
 *   pnpm campaign:mutants --seeds 20000           gives up after so many seeds
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import * as Mutants from "./Mutants.js"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    mutant: { type: "string" },
    seeds: { type: "string", default: "20000" }
  }
})

const core = Path.resolve(import.meta.dirname, "../..")
const root = Path.resolve(core, "../..")
const tsc = Path.join(root, "node_modules/typescript/bin/tsc")

/** A copy of the package in a workspace of its own, which borrows everything else. */
const copy = (): string => {
  const place = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-deadman-mutant-"))
  const own = Path.join(place, "packages/core")
  Fs.mkdirSync(own, { recursive: true })
  for (const part of ["src", "test", "campaign", "package.json", "tsconfig.src.json"]) {
    Fs.cpSync(Path.join(core, part), Path.join(own, part), { recursive: true })
  }
  Fs.cpSync(Path.join(core, "dist"), Path.join(own, "dist"), { recursive: true })
  for (const part of ["vitest.config.ts", "tsconfig.base.json", "package.json"]) {
    Fs.cpSync(Path.join(root, part), Path.join(place, part))
  }
  Fs.symlinkSync(Path.join(core, "node_modules"), Path.join(own, "node_modules"))
  Fs.symlinkSync(Path.join(root, "node_modules"), Path.join(place, "node_modules"))
  Fs.symlinkSync(Path.join(root, "packages/simulator"), Path.join(place, "packages/simulator"))
  return place
}

const plant = (place: string, mutant: Mutants.Mutant): void => {
  for (const change of mutant.changes) {
    const file = Path.join(place, "packages/core/src", change.file)
    Fs.writeFileSync(file, Mutants.apply(Fs.readFileSync(file, "utf8"), change, mutant.name))
  }
  // Unused names are no errors here: what a bug leaves behind is not the point.
  const build = spawnSync(
    process.execPath,
    [
      tsc,
      "-p",
      "packages/core/tsconfig.src.json",
      "--incremental",
      "false",
      "--composite",
      "false",
      "--noUnusedLocals",
      "false"
    ],
    { cwd: place, encoding: "utf8" }
  )
  if (build.status !== 0) throw new Error(`The mutant "${mutant.name}" does not compile:\n${build.stdout}`)
}

const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`

const byCampaign = (place: string): string | undefined => {
  const began = performance.now()
  const run = spawnSync(
    process.execPath,
    [Path.join(place, "packages/core/campaign/dist/main.js"), "--seeds", values.seeds],
    {
      encoding: "utf8",
      maxBuffer: 1 << 28
    }
  )
  const took = seconds(began)
  const seed = /^replay: pnpm campaign --seed (\d+)/m.exec(run.stdout)?.[1]
  const promise = /^BROKEN: promise (\S+)/m.exec(run.stdout)?.[1]
  if (seed === undefined || promise === undefined) return undefined
  return `${Number(seed) + 1} seeds, ${took}, promise ${promise}`
}

const longestTests = 240_000

const byTests = (place: string): string | undefined => {
  const began = performance.now()
  const run = spawnSync(
    process.execPath,
    [
      Path.join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--root",
      place,
      "--bail",
      "1",
      "--reporter",
      "json",
      "--exclude",
      "**/Campaign*.test.ts",
      // The tests of what the bugs are in; those with real sockets and processes depend on the load of the machine.
      ...["Countdown", "FireWindow", "Heartbeat", "Liveness"].map((name) => `packages/core/test/${name}`)
    ],
    { cwd: place, encoding: "utf8", maxBuffer: 1 << 28, timeout: longestTests, killSignal: "SIGKILL" }
  )
  const took = seconds(began)
  // A bug can be a loop without end: who runs the tests notices that, too.
  if (run.error !== undefined) return `${took}, they did not end`
  const failed = /"status":"failed","title":"((?:[^"\\]|\\.)*)"/.exec(run.stdout)?.[1]
  if (run.status === 0) return undefined
  if (failed === undefined)
    throw new Error(`The unit tests did not run: ${run.stderr.slice(0, 2_000)}${run.stdout.slice(0, 500)}`)
  return `${took}, "${(JSON.parse(`"${failed}"`) as string).slice(0, 100)}"`
}

/** Whether a copy with nothing planted passes: else a finding would prove nothing. */
const sound = (): void => {
  const place = copy()
  try {
    plant(place, { name: "none", changes: [] })
    const found = values.only === "tests" ? byTests(place) : byCampaignShort(place)
    if (found !== undefined) throw new Error(`The client without a mutant fails already: ${found}`)
  } finally {
    Fs.rmSync(place, { recursive: true, force: true })
  }
}

const byCampaignShort = (place: string): string | undefined => {
  const all = values.seeds
  values.seeds = "300"
  const found = byCampaign(place)
  values.seeds = all
  return found
}

const chosen = values.mutant?.split(",").map(Number)
if (chosen === undefined) sound()
let missed = 0
for (const [index, mutant] of Mutants.mutants.entries()) {
  if (chosen !== undefined && !chosen.includes(index + 1)) continue
  const place = copy()
  try {
    plant(place, mutant)
    console.log(`${index + 1}. ${mutant.name}`)
    if (values.only !== "tests") {
      const found = byCampaign(place)
      if (found === undefined) missed++
      console.log(`   campaign:   ${found ?? `NOT FOUND in ${values.seeds} seeds`}`)
    }
    if (values.only !== "campaign") console.log(`   unit tests: ${byTests(place) ?? "NOT FOUND"}`)
  } finally {
    Fs.rmSync(place, { recursive: true, force: true })
  }
}
if (missed > 0) {
  console.log(`\n${missed} were not found`)
  process.exitCode = 1
}
