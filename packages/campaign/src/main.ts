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
    `${problem}\nUsage: pnpm campaign [--seeds N] [--seed N] [--minutes M] [--processes N] [--shrink] [--drop a,b] [--stack port|http]`
  )
  process.exit(2)
}

const arguments_ = () => {
  try {
    return parseArgs({
      options: {
        seeds: { type: "string" },
        seed: { type: "string" },
        minutes: { type: "string" },
        processes: { type: "string" },
        shrink: { type: "boolean" },
        drop: { type: "string" },
        stack: { type: "string" }
      }
    }).values
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

const values = arguments_()

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

const draw = (): Plan.Draw => {
  const { stack } = values
  if (stack === undefined || stack === "port" || stack === "http") return { stack }
  return usage(`--stack takes port or http, not "${stack}"`)
}

const fail = ({ log, plan, verdict }: Campaign.Judged, dropped: ReadonlyArray<string>): void => {
  console.log(Report.failure(plan, log, verdict, dropped))
  const promise = verdict.breaches[0]?.promise
  if (values.shrink !== true || promise === undefined) return
  const smaller = Campaign.shrink(Plan.draw(plan.seed, draw()), promise)
  console.log(`\n---- the smallest plan found that breaks promise ${promise} ----\n`)
  console.log(Report.failure(smaller.judged.plan, smaller.judged.log, smaller.judged.verdict, smaller.dropped))
}

const one = (seed: number): void => {
  const dropped = values.drop === undefined ? [] : values.drop.split(",")
  let plan = Plan.draw(seed, draw())
  try {
    plan = Plan.without(plan, dropped)
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error))
  }
  const judged = Campaign.tryPlan(plan)
  if (judged.verdict.breaches.length > 0) process.exitCode = 1
  fail(judged, dropped)
  if (judged.verdict.breaches.length === 0) console.log("no promise is broken")
}

/** Prints the progress every ten seconds. */
const progress = () => {
  let last = Date.now()
  return (seeds: number, more = ""): void => {
    if (Date.now() - last < 10_000) return
    last = Date.now()
    console.error(`${seeds} seeds${more}`)
  }
}

const megabytes = (shares: ReadonlyArray<Processes.Share>): string =>
  `${Math.round(Math.max(...shares.map(({ bytes }) => bytes)) / 1e6)} MB`

const inOne = (options: Omit<Campaign.Options, "now" | "progress">): { tally: Campaign.Tally; pace: string } => {
  const began = Date.now()
  const tell = progress()
  const tally = Campaign.run({ ...options, now: Date.now, progress: ({ seeds }) => tell(seeds) })
  const seconds = (Date.now() - began) / 1_000
  return { tally, pace: `${seconds.toFixed(1)} s, ${Math.round(tally.seeds / seconds)} a second on one core` }
}

const inSeveral = async (
  options: Omit<Campaign.Options, "now" | "progress">,
  count: number
): Promise<{ tally: Campaign.Tally; pace: string }> => {
  const began = Date.now()
  const tell = progress()
  const { failed, shares, tally } = await Processes.run({
    ...options,
    program: Path.join(import.meta.dirname, "worker.js"),
    processes: count,
    now: Date.now,
    progress: ({ shares, tally }) => tell(tally.seeds, `, the largest process has ${megabytes(shares)}`)
  })
  const seconds = (Date.now() - began) / 1_000
  if (failed !== undefined) {
    const judged = Campaign.tryPlan(Plan.draw(failed, options.draw))
    if (judged.verdict.breaches.length === 0)
      throw new Error(
        `Seed ${failed} broke a promise in another process and none in this one, so it is not deterministic.`
      )
    tally.failure = judged
  }
  const each = shares.map((share) => Math.round(share.seeds / Math.max(share.seconds, 0.001))).join(", ")
  const pace = `${seconds.toFixed(1)} s, ${Math.round(tally.seeds / seconds)} a second in ${count} processes`
  return { tally, pace: `${pace}, ${each} a second each on a core of its own, at most ${megabytes(shares)}` }
}

const many = async (from: number, seeds: number, millis: number): Promise<void> => {
  const options = { from, seeds, until: Date.now() + millis, draw: draw() }
  const count = processes()
  const { pace, tally } = count === 1 ? inOne(options) : await inSeveral(options, count)
  if (tally.failure !== undefined) {
    process.exitCode = 1
    fail(tally.failure, [])
  }
  // After a breach, several processes end at different seeds.
  const which =
    tally.failure !== undefined && count > 1 ? `from seed ${from} on` : `seeds ${from} to ${from + tally.seeds - 1}`
  console.log(`${which}: ${tally.seeds} in ${pace}`)
  console.log(
    `${tally.httpSeeds} of them through the whole stack; ${(tally.simulatedMillis / tally.seeds / 1_000).toFixed(0)} simulated seconds each`
  )
  console.log("\nsituations, in so many seeds:")
  for (const [name, times] of tally.situations) console.log(`${String(times).padStart(9)}  ${name}`)
  console.log("\nexcused, in so many seeds:")
  for (const [name, times] of tally.excused) console.log(`${String(times).padStart(9)}  ${name}`)
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
