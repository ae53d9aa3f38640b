/**
 * Plants known bugs, one at a time, in a copy of the client. Prints how soon the campaign and the unit tests find them.
 *
 *   pnpm campaign:mutants                         all bugs, with campaign and unit tests
 *   pnpm campaign:mutants --only campaign         or: --only tests
 *   pnpm campaign:mutants --mutant 3,7            only these, without the check that an unchanged copy passes
 *   pnpm campaign:mutants --seeds 20000           stops after so many seeds
 *   pnpm campaign:mutants --judge second          by the second judge alone, or: first
 */
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { onEnd } from "./ending.js"
import * as Mutants from "./Mutants.js"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    mutant: { type: "string" },
    judge: { type: "string" },
    seeds: { type: "string", default: "20000" }
  }
})

const root = Path.resolve(import.meta.dirname, "../../..")
const tsc = Path.join(root, "node_modules/typescript/bin/tsc")

interface Ended {
  /** `undefined` when it did not end in time and was killed. */
  readonly status: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** The leader of a process group, so that its children (vitest's workers) end with it. */
let group: number | undefined
let place = ""

const killGroup = (): void => {
  try {
    if (group !== undefined) process.kill(-group, "SIGKILL")
  } catch {
    // It has already ended.
  }
}

onEnd(() => {
  killGroup()
  if (place !== "") Fs.rmSync(place, { recursive: true, force: true })
})

const node = (args: ReadonlyArray<string>, options: { readonly cwd?: string; readonly longest: number }) =>
  new Promise<Ended>((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true
    })
    group = child.pid
    const output = { stdout: "", stderr: "" }
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => (output[stream] += text))
    }
    let late = false
    const timer = setTimeout(() => {
      late = true
      killGroup()
    }, options.longest)
    child.once("error", reject)
    child.once("close", (code) => {
      clearTimeout(timer)
      // A worker that outlives its leader has to end, too.
      killGroup()
      group = undefined
      resolve({ status: late ? undefined : (code ?? 1), ...output })
    })
  })

/** Copies client and campaign into a workspace that borrows everything else. */
const copy = (): void => {
  place = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-deadman-mutant-"))
  const [core, campaign] = ["core", "campaign"].map((name) => Path.join(place, "packages", name)) as [string, string]
  Fs.mkdirSync(core, { recursive: true })
  Fs.mkdirSync(campaign)
  for (const part of ["src", "test", "dist", "docs", "README.md", "package.json", "tsconfig.src.json"]) {
    Fs.cpSync(Path.join(root, "packages/core", part), Path.join(core, part), { recursive: true })
  }
  for (const part of ["dist", "package.json"]) {
    Fs.cpSync(Path.join(root, "packages/campaign", part), Path.join(campaign, part), { recursive: true })
  }
  for (const part of ["vitest.config.ts", "tsconfig.base.json", "package.json"]) {
    Fs.cpSync(Path.join(root, part), Path.join(place, part))
  }
  for (const part of [
    "node_modules",
    "scripts",
    "packages/core/node_modules",
    "packages/simulator",
    "packages/virtual-time"
  ]) {
    Fs.symlinkSync(Path.join(root, part), Path.join(place, part))
  }
  // The campaign imports the client of the copy, and everything else from its place.
  const borrowed = Path.join(root, "packages/campaign/node_modules")
  const own = Path.join(campaign, "node_modules")
  for (const name of [
    ...Fs.readdirSync(borrowed),
    ...["core", "simulator", "virtual-time"].map((n) => `@effect-deadman/${n}`)
  ]) {
    if (name === "@effect-deadman" || name.startsWith(".")) continue
    Fs.mkdirSync(Path.dirname(Path.join(own, name)), { recursive: true })
    Fs.symlinkSync(name === "@effect-deadman/core" ? core : Path.join(borrowed, name), Path.join(own, name))
  }
}

const plant = async (mutant: Mutants.Mutant): Promise<void> => {
  for (const change of mutant.changes) {
    const file = Path.join(place, "packages/core/src", change.file)
    Fs.writeFileSync(file, Mutants.apply(Fs.readFileSync(file, "utf8"), change, mutant.name))
  }
  // A bug may leave names unused.
  const loose = ["--incremental", "--composite", "--noUnusedLocals"].flatMap((option) => [option, "false"])
  const build = await node([tsc, "-p", "packages/core/tsconfig.src.json", ...loose], { cwd: place, longest: 120_000 })
  if (build.status !== 0) throw new Error(`The mutant "${mutant.name}" does not compile:\n${build.stdout}`)
}

const longestTests = 240_000
const longestCampaign = 600_000

const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`

const byCampaign = async (seeds: string): Promise<string | undefined> => {
  const began = performance.now()
  const main = Path.join(place, "packages/campaign/dist/main.js")
  const run = await node([main, "--seeds", seeds, ...(values.judge === undefined ? [] : ["--judge", values.judge])], {
    longest: longestCampaign
  })
  const took = seconds(began)
  if (run.status === undefined) return `${took}, it did not end`
  const seed = /^replay: pnpm campaign --seed (\d+)/m.exec(run.stdout)?.[1]
  const told = values.judge === "second" ? /^BROKEN \(second judge\): promise (\S+)/m : /^BROKEN.*?: promise (\S+)/m
  const promise = told.exec(run.stdout)?.[1]
  if (seed !== undefined && promise !== undefined) return `${Number(seed) + 1} seeds, ${took}, promise ${promise}`
  // A few seeds need not reach every situation.
  if (run.status !== 0 && !run.stdout.includes("NEVER REACHED"))
    throw new Error(`The campaign did not run: ${run.stderr}${run.stdout.slice(-2_000)}`)
  return undefined
}

const byTests = async (): Promise<string | undefined> => {
  const began = performance.now()
  const run = await node(
    [
      Path.join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--root",
      place,
      "--bail",
      "1",
      "--reporter",
      "json",
      // Only the tests of the modules with the bugs, because those with sockets and processes depend on the load.
      ...["Countdown", "FireWindow", "Heartbeat", "Liveness", "Sighting"].map((name) => `packages/core/test/${name}`)
    ],
    { cwd: place, longest: longestTests }
  )
  const took = seconds(began)
  // A bug can be an endless loop, which counts as found.
  if (run.status === undefined) return `${took}, they did not end`
  const failed = /"status":"failed","title":"((?:[^"\\]|\\.)*)"/.exec(run.stdout)?.[1]
  if (run.status === 0) return undefined
  if (failed === undefined)
    throw new Error(`The unit tests did not run: ${run.stderr.slice(0, 2_000)}${run.stdout.slice(0, 500)}`)
  return `${took}, "${(JSON.parse(`"${failed}"`) as string).slice(0, 100)}"`
}

/** Checks that an unchanged copy passes. Otherwise a finding would prove nothing. */
const sound = async (): Promise<void> => {
  await plant({ name: "none", changes: [] })
  const began = performance.now()
  const found =
    (values.only === "tests" ? undefined : await byCampaign("300")) ??
    (values.only === "campaign" ? undefined : await byTests())
  if (found !== undefined) throw new Error(`The client already fails without a mutant: ${found}`)
  console.log(`0. nothing planted: all pass, ${seconds(began)}`)
}

const inCopy = async (run: () => Promise<void>): Promise<void> => {
  copy()
  try {
    await run()
  } finally {
    Fs.rmSync(place, { recursive: true, force: true })
  }
}

const chosen = values.mutant?.split(",").map(Number)
if (chosen === undefined) await inCopy(sound)
let missed = 0
for (const [index, mutant] of Mutants.mutants.entries()) {
  if (chosen !== undefined && !chosen.includes(index + 1)) continue
  await inCopy(async () => {
    await plant(mutant)
    console.log(`${index + 1}. ${mutant.name}`)
    if (values.only !== "tests") {
      const found = await byCampaign(values.seeds)
      if (found === undefined) missed++
      console.log(`   campaign:   ${found ?? `NOT FOUND in ${values.seeds} seeds`}`)
    }
    if (values.only !== "campaign") console.log(`   unit tests: ${(await byTests()) ?? "NOT FOUND"}`)
  })
}
if (missed > 0) {
  console.log(`\n${missed} were not found`)
  process.exitCode = 1
}
