/**
 * The campaign from the command line.
 *
 *   pnpm campaign --seeds 10000                 seeds 0 to 9999, or until a promise breaks
 *   pnpm campaign --seed 4711                   one seed, with its plan and its run
 *   pnpm campaign --seeds 10000 --seed 50000    10,000 seeds from 50000 on
 *   pnpm campaign --minutes 5                   as many seeds as fit
 *   pnpm campaign --seeds 1000000 --processes 4   in four processes
 *   pnpm campaign --seed 4711 --shrink          also prints a smaller plan that breaks the same promise
 *   --drop fault:0,deed:3,link                  without these parts of the plan (with one seed)
 *   --judge first|second                        counts the breaches of this judge alone (in one process)
 *   --stack port|http                           runs all seeds with this stack (default: one in ten with http)
 */
import * as Path from "node:path"
import { parseArgs } from "node:util"
import * as Campaign from "./Campaign.js"
import * as Plan from "./Plan.js"
import * as Processes from "./Processes.js"
import * as Report from "./Report.js"

const usage = (problem: string): never => {
  console.error(
    `${problem}\nUsage: pnpm campaign [--seeds N] [--seed N] [--minutes M] [--processes N] [--shrink] [--drop a,b] [--stack port|http] [--judge first|second]`
  )
  process.exit(2)
}

const orUsage = <A>(read: () => A): A => {
  try {
    return read()
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

const { values } = orUsage(() =>
  parseArgs({
    options: {
      seeds: { type: "string" },
      seed: { type: "string" },
      minutes: { type: "string" },
      processes: { type: "string" },
      shrink: { type: "boolean" },
      drop: { type: "string" },
      stack: { type: "string" },
      judge: { type: "string" }
    }
  })
)

const whole = (name: "seeds" | "seed" | "processes"): number | undefined => {
  const text = values[name]
  if (text === undefined) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : usage(`--${name} takes a whole number, not "${text}"`)
}

const minutes = (): number | undefined => {
  if (values.minutes === undefined) return undefined
  const value = Number(values.minutes)
  return value > 0 ? value : usage(`--minutes takes a number above 0, not "${values.minutes}"`)
}

const processes = (): number => {
  const value = whole("processes") ?? 1
  return value >= 1 && value <= 64 ? value : usage(`--processes takes a number from 1 to 64, not ${value}`)
}

const { stack } = values
const draw: Plan.Draw =
  stack === undefined || stack === "port" || stack === "http"
    ? { stack }
    : usage(`--stack takes port or http, not "${stack}"`)

const judge: Campaign.Judge =
  values.judge === undefined
    ? "both"
    : values.judge === "first" || values.judge === "second"
      ? values.judge
      : usage(`--judge takes first or second, not "${values.judge}"`)

const fail = (judged: Campaign.Judged, dropped: ReadonlyArray<string>): void => {
  const { log, plan, second, verdict } = judged
  console.log(Report.failure(plan, log, verdict, dropped, second))
  const [promise] = Campaign.broken(judged, judge)
  if (values.shrink !== true || promise === undefined) return
  const smaller = Campaign.shrink(Plan.draw(plan.seed, draw), promise)
  console.log(`\n---- the smallest plan found that breaks promise ${promise} ----\n`)
  const { judged: least } = smaller
  console.log(Report.failure(least.plan, least.log, least.verdict, smaller.dropped, least.second))
}

const one = (seed: number): void => {
  const dropped = values.drop === undefined ? [] : values.drop.split(",")
  const judged = Campaign.tryPlan(orUsage(() => Plan.without(Plan.draw(seed, draw), dropped)))
  if (Campaign.broken(judged, judge).length > 0) process.exitCode = 1
  fail(judged, dropped)
  if (Campaign.broken(judged, judge).length === 0) console.log("no promise is broken")
}

let lastProgress = Date.now()

/** Prints the progress every ten seconds. */
const progress = (seeds: number, more = ""): void => {
  if (Date.now() - lastProgress < 10_000) return
  lastProgress = Date.now()
  console.error(`${seeds} seeds${more}`)
}

const megabytes = (shares: ReadonlyArray<Processes.Share>): string =>
  `${Math.round(Math.max(...shares.map(({ bytes }) => bytes)) / 1e6)} MB`

type Seeds = Pick<Campaign.Options, "from" | "seeds" | "until" | "now">

const inSeveral = async (seeds: Seeds, count: number): Promise<{ tally: Campaign.Tally; where: string }> => {
  const { failed, shares, tally } = await Processes.run({
    ...seeds,
    draw,
    program: Path.join(import.meta.dirname, "worker.js"),
    processes: count,
    progress: ({ shares, tally }) => progress(tally.seeds, `, the largest process has ${megabytes(shares)}`)
  })
  if (failed !== undefined) {
    const judged = Campaign.tryPlan(Plan.draw(failed, draw))
    if (Campaign.broken(judged).length === 0)
      throw new Error(
        `Seed ${failed} broke a promise in another process and none in this one, so it is not deterministic.`
      )
    tally.failure = judged
  }
  const each = shares.map((share) => Math.round(share.seeds / Math.max(share.seconds, 0.001))).join(", ")
  const where = `in ${count} processes, ${each} a second each on its own core, at most ${megabytes(shares)}`
  return { tally, where }
}

const inOne = (seeds: Seeds): { tally: Campaign.Tally; where: string } => {
  const planOf = (seed: number) => Plan.draw(seed, draw)
  return {
    tally: Campaign.run({ ...seeds, planOf, judge, progress: (tally) => progress(tally.seeds) }),
    where: "on one core"
  }
}

const many = async (from: number, seeds: number, millis: number): Promise<void> => {
  const began = Date.now()
  const options = { from, seeds, until: began + millis, now: Date.now }
  const count = processes()
  if (count > 1 && judge !== "both") usage("--judge needs a single process")
  const { tally, where } = count === 1 ? inOne(options) : await inSeveral(options, count)
  const seconds = (Date.now() - began) / 1_000
  if (tally.failure !== undefined) {
    process.exitCode = 1
    fail(tally.failure, [])
  }
  // After a breach, several processes end at different seeds.
  const which =
    tally.failure !== undefined && count > 1 ? `from seed ${from} on` : `seeds ${from} to ${from + tally.seeds - 1}`
  const pace = Math.round(tally.seeds / seconds)
  console.log(`${which}: ${tally.seeds} in ${seconds.toFixed(1)} s, ${pace} a second ${where}`)
  console.log(
    `${tally.httpSeeds} of them through the whole stack; ${(tally.simulatedMillis / tally.seeds / 1_000).toFixed(0)} simulated seconds each`
  )
  console.log("\nsituations, in so many seeds:")
  for (const [name, times] of tally.situations) console.log(`${String(times).padStart(9)}  ${name}`)
  console.log("\nexcused, in so many seeds:")
  for (const [name, times] of tally.excused) console.log(`${String(times).padStart(9)}  ${name}`)
  console.log("\nexcused by the second judge, in so many seeds:")
  for (const [name, times] of tally.excusedBySecond) console.log(`${String(times).padStart(9)}  ${name}`)
  console.log(`\nthe two judges agree on ${tally.agreed} of ${tally.seeds} seeds`)
  const missing = Campaign.missing(tally)
  if (tally.failure === undefined && missing.length > 0) {
    process.exitCode = 1
    console.log(`\nNEVER REACHED, so nothing is proven about: ${missing.join("; ")}`)
  }
  if (process.exitCode === undefined) console.log("\nno promise is broken")
}

if (values.seed !== undefined && values.seeds === undefined && values.minutes === undefined) one(whole("seed")!)
else {
  const bound = minutes()
  const seeds = whole("seeds") ?? (bound === undefined ? 10_000 : Number.MAX_SAFE_INTEGER)
  await many(whole("seed") ?? 0, seeds, bound === undefined ? Infinity : bound * 60_000)
}
