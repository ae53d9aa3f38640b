/**
 * Plants known bugs, one at a time, in a bundle of the cluster's campaign and prints how soon it finds them. The sources
 * stay as they are.
 *
 *   pnpm campaign:cluster:mutants                  all
 *   pnpm campaign:cluster:mutants --mutant 3,7     these alone, without the check that an unchanged bundle passes
 *   pnpm campaign:cluster:mutants --seeds 20000    gives up after so many seeds
 */
import * as Esbuild from "esbuild"
import { type ChildProcess, execFile } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { onEnd } from "../ending.js"
import { apply } from "../Mutants.js"
import type { Mutant } from "../Mutants.js"
import { mutants } from "./Mutants.js"

const { values } = parseArgs({
  options: { mutant: { type: "string" }, seeds: { type: "string", default: "20000" } }
})

const root = Path.resolve(import.meta.dirname, "../../../..")
const cluster = Path.join(root, "packages/cluster/src")
const place = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-deadman-cluster-mutant-"))
let running: ChildProcess | undefined
onEnd(() => {
  running?.kill("SIGKILL")
  Fs.rmSync(place, { recursive: true, force: true })
})

/** The longest time of one campaign, ms. A bug can be an endless loop. */
const longest = 1_800_000

const bundle = async (mutant: Mutant): Promise<string> => {
  const outfile = Path.join(place, "campaign.mjs")
  await Esbuild.build({
    entryPoints: [Path.join(root, "packages/campaign/src/cluster/main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
    plugins: [
      {
        name: "plant",
        setup: (build) => {
          build.onResolve({ filter: /^@effect-deadman\/cluster\// }, ({ path }) => ({
            path: Path.join(cluster, `${path.split("/").slice(2).join("/")}.ts`)
          }))
          build.onLoad({ filter: /packages.cluster.src.*\.ts$/ }, ({ path }) => ({
            loader: "ts",
            contents: mutant.changes
              .filter(({ file }) => Path.join(cluster, file) === path)
              .reduce((text, change) => apply(text, change, mutant.name), Fs.readFileSync(path, "utf8"))
          }))
        }
      }
    ]
  })
  return outfile
}

const campaign = async (mutant: Mutant, seeds: string): Promise<string | undefined> => {
  const program = await bundle(mutant)
  const began = performance.now()
  const stdout = await new Promise<string>((resolve, reject) => {
    running = execFile(
      process.execPath,
      ["--max-semi-space-size=64", "--single-threaded-gc", program, "--seeds", seeds],
      { timeout: longest, maxBuffer: 1e9 },
      // Few seeds do not reach every situation: that is no failure here.
      (error, out, err) =>
        out.includes(" seeds") || out.includes("BROKEN") ? resolve(out) : reject(new Error(String(error) + err))
    )
  })
  const seed = /^replay: pnpm campaign:cluster --seed (\d+)/m.exec(stdout)?.[1]
  const promise = /^BROKEN: ([^,]+),/m.exec(stdout)?.[1]
  const took = `${((performance.now() - began) / 1_000).toFixed(1)} s`
  return seed === undefined ? undefined : `${Number(seed) + 1} seeds, ${took}, "${promise}"`
}

const chosen = values.mutant?.split(",").map(Number)
if (chosen === undefined) {
  const found = await campaign({ name: "none", changes: [] }, "200")
  if (found !== undefined) throw new Error(`The cluster without a mutant fails already: ${found}`)
  console.log("0. nothing planted: 200 seeds pass")
}
let missed = 0
for (const [index, mutant] of mutants.entries()) {
  if (chosen !== undefined && !chosen.includes(index + 1)) continue
  const found = await campaign(mutant, values.seeds)
  if (found === undefined) missed++
  console.log(`${index + 1}. ${mutant.name}\n   ${found ?? `NOT FOUND in ${values.seeds} seeds`}`)
}
if (missed > 0) {
  console.log(`\n${missed} were not found`)
  process.exitCode = 1
}
