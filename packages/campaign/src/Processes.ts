/**
 * The campaign in several processes. One hands out the seeds in order, a range at a time to a free process, and adds up
 * the reports. The first broken promise ends all of them.
 */
import { type ChildProcess, fork } from "node:child_process"
import * as Campaign from "./Campaign.js"
import * as Plan from "./Plan.js"

/** The next seeds of a process. */
interface Range {
  readonly from: number
  readonly seeds: number
  readonly draw: Plan.Draw | undefined
}

/** The result of a range. */
interface Report {
  readonly tally: Campaign.Tally
  /** The seed that broke a promise. It is run once more to show how. */
  readonly failed: number | undefined
  readonly seconds: number
  /** The memory of the whole process. */
  readonly bytes: number
}

/** The work of one process so far. */
export interface Share {
  seeds: number
  /** Spent on seeds, without the start of the process. */
  seconds: number
  bytes: number
}

export interface Result {
  readonly tally: Campaign.Tally
  readonly failed: number | undefined
  readonly shares: ReadonlyArray<Share>
}

/** Long enough that handing it out costs nothing, short enough that no process waits long for the others at the end. */
const longestRange = 200

/** The ranges of a campaign, in order. */
export const ranges = (options: {
  readonly from: number
  readonly seeds: number
  readonly processes: number
}): (() => Omit<Range, "draw"> | undefined) => {
  const { processes, seeds } = options
  const longest = Math.max(1, Math.min(longestRange, Math.ceil(seeds / processes / 8)))
  let given = 0
  return () => {
    if (given >= seeds) return undefined
    const range = { from: options.from + given, seeds: Math.min(longest, seeds - given) }
    given += range.seeds
    return range
  }
}

/**
 * Tries seeds from `from` on, until it has tried `seeds` of them, the time is over, or a promise broke. It leaves out
 * no seed between the first and the last. After a failure, it does not count reports of the other processes.
 */
export const run = (options: {
  /** The module that each process runs. It calls `serve`. */
  readonly program: string
  readonly processes: number
  readonly from: number
  readonly seeds: number
  readonly until: number
  readonly draw?: Plan.Draw | undefined
  readonly now: () => number
  readonly progress?: ((result: Result) => void) | undefined
}): Promise<Result> =>
  new Promise((resolve, reject) => {
    const next = ranges(options)
    const tally = Campaign.nothing()
    const shares: Array<Share> = []
    const working = new Set<ChildProcess>()

    const stop = (child: ChildProcess): void => {
      working.delete(child)
      child.kill()
    }
    const end = (failed: number | undefined): void => {
      for (const child of working) stop(child)
      resolve({ tally, failed, shares })
    }
    const give = (child: ChildProcess): Range | undefined => {
      const range = options.now() < options.until ? next() : undefined
      if (range === undefined) {
        stop(child)
        if (working.size === 0) end(undefined)
        return undefined
      }
      const whole: Range = { ...range, draw: options.draw }
      child.send(whole)
      return whole
    }
    const begin = (): void => {
      const child = fork(options.program, { serialization: "advanced" })
      const share: Share = { seeds: 0, seconds: 0, bytes: 0 }
      shares.push(share)
      working.add(child)
      let range = give(child)
      child.on("message", (message) => {
        if (!working.has(child)) return
        const report = message as Report
        share.seeds += report.tally.seeds
        share.seconds += report.seconds
        share.bytes = report.bytes
        Campaign.add(tally, report.tally)
        if (report.failed !== undefined) return end(report.failed)
        options.progress?.({ tally, failed: undefined, shares })
        range = give(child)
      })
      const broken = (why: string): void => {
        if (!working.delete(child)) return
        for (const other of working) stop(other)
        const what = range === undefined ? "" : ` that tried seeds ${range.from} to ${range.from + range.seeds - 1}`
        reject(new Error(`The process${what} ${why}: these seeds are not judged.`))
      }
      child.on("error", (error) => broken(`could not be used (${error.message})`))
      child.on("exit", (code, signal) => broken(`ended by itself (${code ?? signal})`))
    }
    for (let n = 0; n < options.processes; n++) begin()
  })

/** Tries the ranges that the parent process sends, as long as it lives. */
export const serve = (planOf: (seed: number, draw?: Plan.Draw) => Plan.Plan = Plan.draw): void => {
  process.on("message", (message) => {
    const { draw, from, seeds } = message as Range
    const began = performance.now()
    const tally = Campaign.run({ from, seeds, until: Infinity, planOf: (seed) => planOf(seed, draw), now: () => 0 })
    const failed = tally.failure?.plan.seed
    // A message cannot hold the functions of a log.
    tally.failure = undefined
    const seconds = (performance.now() - began) / 1_000
    process.send!({ tally, failed, seconds, bytes: process.memoryUsage.rss() } satisfies Report)
  })
  process.once("disconnect", () => process.exit())
}
