/**
 * The drivers of a world: at once, between turns of the event loop, and in the background.
 *
 * @internal
 */
import type { VirtualScheduler } from "./scheduler.js"

/** Runs until the program has ended, nothing is left to do, or a limit is reached. */
export const drive = (world: VirtualScheduler): void =>
  withoutLeaks(world, () => {
    do {
      world.runReady()
    } while (!world.finished && world.limit === undefined && world.fireNext())
  })

/** Runs everything that can run now, while time stands still. */
export const settle = (world: VirtualScheduler): void => withoutLeaks(world, () => world.runReady())

// Taken when the module loads, because a test may install fake timers later.
const realSetTimeout = globalThis.setTimeout
const realClearTimeout = globalThis.clearTimeout
const realSetImmediate: ((f: () => void) => unknown) | undefined = globalThis.setImmediate

/** One turn of the event loop. By its end, everything that follows from settled promises has happened. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    if (realSetImmediate === undefined) realSetTimeout(resolve, 0)
    else realSetImmediate(resolve)
  })

export interface Patience {
  /** Turns of the event loop to wait for outside work before time jumps. */
  readonly turns: number
  /** Real milliseconds to wait for outside work when nothing is due. */
  readonly millis: number
}

/** As `drive`, but gives promises and I/O a turn before each jump of time, and some real time when nothing is due. */
export const driveWithTurns = async (world: VirtualScheduler, patience: Patience): Promise<void> => {
  for (;;) {
    settle(world)
    if (world.finished || world.limit !== undefined) return
    for (let i = 0; i < patience.turns && !world.hasReady; i++) await turn()
    world.turned()
    if (world.hasReady || world.fireNext()) continue
    if (world.limit !== undefined || !(await workArrives(world, patience.millis))) return
  }
}

const workArrives = (world: VirtualScheduler, millis: number): Promise<boolean> =>
  new Promise((resolve) => {
    const end = (arrived: boolean) => {
      world.parked = undefined
      realClearTimeout(timer)
      resolve(arrived)
    }
    const timer = realSetTimeout(() => end(false), millis)
    world.parked = () => end(true)
  })

/**
 * Drives the world whenever something in it can run or is due, as long as the process lives. At a limit it ends the
 * programs, and then the world, if they do not end within their grace.
 */
export const driveInBackground = (world: VirtualScheduler, endPrograms: () => void): void => {
  const loop = async (): Promise<void> => {
    let ended = false
    for (;;) {
      world.runReady()
      if (world.limit !== undefined) {
        if (ended) return world.close()
        ended = true
        endPrograms()
      }
      await turn()
      world.turned()
      if (!world.hasReady && !world.fireNext()) break
    }
    world.rested()
    world.parked = begin
  }
  const begin = () => {
    world.parked = undefined
    void loop()
  }
  world.parked = begin
}

/** The interval, in ms, with which Effect waits for ever. */
const FOREVER = 2 ** 31 - 1

/**
 * `Effect.never` holds a real interval until it is interrupted. A fiber that a world leaves behind never is, and its
 * interval would keep the process from ending. So the world collects the intervals made while it runs, and clears them
 * when it closes.
 */
const withoutLeaks = (world: VirtualScheduler, body: () => void): void => {
  const setInterval = globalThis.setInterval
  const remember = Object.assign((...args: Parameters<typeof setInterval>) => {
    const interval = setInterval(...args)
    if (args[1] === FOREVER) world.onClose(() => clearInterval(interval))
    return interval
  }, setInterval)
  globalThis.setInterval = remember
  try {
    body()
  } finally {
    globalThis.setInterval = setInterval
  }
}
