/**
 * The scheduler of a world: its ready tasks, its timers, and its clocks.
 *
 * Instants are nanoseconds since the start of the run, as plain numbers: exact for 104 days, within 4 ns for a year.
 *
 * @internal
 */
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import type { Scheduler, Task } from "effect/Scheduler"
import { type Timer as AnyTimer, Timers } from "./timers.js"
import { type AnyFiber, FirstIn, generator, type Ready, Seeded } from "./ready.js"
import { endFiber } from "./death.js"

export type Timer = AnyTimer<Party | undefined>

export const NANOS_PER_MILLI = 1_000_000

/** The rank of timers that fire after all others of their instant. */
const LATE = 2

/** A fiber that has run its budget of operations yields. The check comes once in so many operations. */
const YIELD_CHECK_MASK = 31

/**
 * The weight of a step that used up its budget of operations, so that a loop that never yields ends as soon as one that
 * does.
 */
const LONG_STEP = 32

/** The number of last steps whose fibers an error names. */
const RECENT = 32

/** Real time is read once in so many steps. */
const REAL_CHECK_MASK = 63

// Taken when the module loads, because a test may install fake timers later.
const realNow = performance.now.bind(performance)

/** The party that a fiber belongs to. Forks inherit it. */
export const currentParty: FiberRef.FiberRef<Party | undefined> = FiberRef.unsafeMake<Party | undefined>(undefined)

/** One member of the world. Its clock can diverge from the world's. */
export class Party {
  readonly world: VirtualScheduler
  readonly name: string
  /** The numbers of its suspensions and stalls. It runs while both are 0. */
  suspensions = 0
  stalls = 0
  /** Counts `resume`s. A stop that one of them ended must not be ended again by its own timer. */
  era = 0
  dead = false
  /** Once it is dead, fibers from this id on were forked after its end. */
  firstUnbornFiberId = 0
  stopped = false
  /** The lead of its wall clock over the world's, in nanoseconds. */
  wallOffset = 0
  /** Speed of its monotonic clock, which showed `monotonicBase` at the instant `monotonicSince`. */
  rate = 1
  monotonicBase: number
  monotonicSince: number
  /** Its timers while it is suspended. Their `due` is then the time that is left. */
  frozen: Array<Timer> = []
  readonly heldTasks: Array<Task> = []
  readonly heldFibers: Array<AnyFiber | undefined> = []

  constructor(world: VirtualScheduler, name: string) {
    this.world = world
    this.name = name
    this.monotonicBase = world.now
    this.monotonicSince = world.now
  }

  /** Its monotonic clock, in nanoseconds. */
  monotonic(now: number): number {
    return this.suspensions > 0 ? this.monotonicBase : this.monotonicBase + (now - this.monotonicSince) * this.rate
  }

  /** Fixes the monotonic clock at its current time, before its speed changes. */
  rebase(now: number): void {
    this.monotonicBase = this.monotonic(now)
    this.monotonicSince = now
  }
}

export interface WorldOptions {
  readonly seed: number
  readonly startMillis: number
  readonly instants: "first-in" | "seeded"
  readonly parties: "first-in" | "seeded"
  readonly maxSteps: number
  readonly maxStepsAtOnce: number
  /** Milliseconds of real time. */
  readonly maxRealTime: number
  /** Nanoseconds since the start. */
  readonly maxTime: number
  /** Whether time moves only when it is adjusted. */
  readonly manual: boolean
}

export class VirtualScheduler implements Scheduler {
  readonly options: WorldOptions
  now = 0
  steps = 0
  wakes = 0
  /** The limit that ended the run. */
  limit: "steps" | "instant" | "real time" | "time" | undefined = undefined
  maxSteps: number
  private maxStepsAtOnce: number
  /** The steps since time last moved. One that used up its whole budget of operations weighs more. */
  private still = 0
  /** The start of a stretch without a turn of the event loop and without a step of time, in real ms. */
  private busySince: number | undefined = undefined
  /** The fibers of the last steps, in a ring. */
  private readonly last = Array.from<AnyFiber | undefined>({ length: RECENT })
  /** Set by the driver. Ends `runReady` after the current step. */
  finished = false
  /** Called when something becomes ready or due while no driver runs. */
  parked: (() => void) | undefined = undefined
  readonly timers = new Timers<Party | undefined>()
  readonly parties = new Map<string, Party>()
  /**
   * The id of the first fiber of the run. Ids in the trace count from it, because Effect's count through the process.
   */
  firstFiberId = 0
  private ready: Ready
  private sequence = 0
  private readonly drawRank: (() => number) | undefined
  private readonly startNanos: bigint
  /** With `manual`, the instant beyond which no timer fires. */
  private horizon: number
  private readonly adjusting = new Set<Timer>()
  private readonly releases: Array<() => void> = []
  private hashA = 0x811c9dc5 | 0
  private hashB = 0x2f0b4a27 | 0

  constructor(options: WorldOptions) {
    this.options = options
    this.maxSteps = options.maxSteps
    this.maxStepsAtOnce = options.maxStepsAtOnce
    this.horizon = options.manual ? 0 : Infinity
    this.startNanos = BigInt(options.startMillis) * BigInt(NANOS_PER_MILLI)
    this.drawRank = options.instants === "seeded" ? generator(options.seed ^ 0x5bd1e995) : undefined
    this.ready =
      options.parties === "seeded"
        ? new Seeded(generator(options.seed), (fiber) => fiber.getFiberRef(currentParty))
        : new FirstIn()
  }

  // Scheduler

  shouldYield(fiber: AnyFiber): number | false {
    const count = fiber.currentOpCount
    if ((count & YIELD_CHECK_MASK) !== 0 || count <= fiber.getFiberRef(FiberRef.currentMaxOpsBeforeYield)) return false
    this.still += LONG_STEP - 1
    return fiber.getFiberRef(FiberRef.currentSchedulingPriority)
  }

  scheduleTask(task: Task, priority: number, fiber?: AnyFiber): void {
    this.ready.push(task, priority, fiber)
    if (this.parked !== undefined) this.parked()
  }

  // Driving

  /** Runs ready tasks until there are none, `finished` is set, or a limit is reached. */
  runReady(): void {
    const ready = this.ready
    for (;;) {
      if (this.steps >= this.maxSteps) {
        if (ready.size > 0) this.limit ??= "steps"
        return
      }
      if (this.still >= this.maxStepsAtOnce && ready.size > 0) {
        this.limit ??= "instant"
        return
      }
      if ((this.steps & REAL_CHECK_MASK) === 0 && this.ranLong() && ready.size > 0) {
        this.limit ??= "real time"
        return
      }
      const task = ready.take()
      if (task === undefined) return
      const fiber = ready.fiber
      if (fiber !== undefined) {
        if (this.parties.size > 0) {
          const party = fiber.getFiberRef(currentParty)
          if (party !== undefined && party.stopped) {
            if (party.dead) {
              // A fiber forked after its end never begins and reports nothing, because a dead process runs no callback.
              if (fiber.id().id < party.firstUnbornFiberId) endFiber(fiber)
            } else {
              party.heldTasks.push(task)
              party.heldFibers.push(fiber)
            }
            continue
          }
        }
        this.mix(fiber.id().id - this.firstFiberId)
      }
      this.last[this.steps % RECENT] = fiber
      this.steps++
      this.still++
      task()
      if (this.finished) return
    }
  }

  /** Notes that time has moved, so that the steps before do not count as one loop with the next. */
  moved(): void {
    this.still = 0
    this.busySince = undefined
  }

  /** Notes that the event loop had its turn. */
  turned(): void {
    this.busySince = undefined
  }

  /** Gives so many more steps to a program that the world ends. */
  grant(steps: number): void {
    this.limit = undefined
    this.maxSteps = this.steps + steps
    this.maxStepsAtOnce = Infinity
    this.moved()
  }

  /**
   * Restores the limits once nothing can run or is due, because then another program or a result from outside follows.
   */
  rested(): void {
    this.maxSteps = this.options.maxSteps
    this.maxStepsAtOnce = this.options.maxStepsAtOnce
    this.moved()
  }

  /** The fibers that ran last, each once. */
  get recent(): ReadonlyArray<AnyFiber> {
    return [...new Set(this.last)].filter((fiber) => fiber !== undefined)
  }

  private ranLong(): boolean {
    const now = realNow()
    this.busySince ??= now
    return now - this.busySince > this.options.maxRealTime
  }

  get hasReady(): boolean {
    return this.ready.size > 0
  }

  /** Moves to the next deadline and wakes one sleeper. Returns false when there is none within the limits. */
  fireNext(): boolean {
    const timer = this.timers.peek()
    if (timer === undefined || timer.due > this.horizon || timer.due === Infinity) return false
    if (timer.due > this.now) {
      if (timer.due > this.options.maxTime) {
        this.now = Math.max(this.now, this.options.maxTime)
        this.limit ??= "time"
        return false
      }
      this.now = timer.due
      this.moved()
      this.mixTime()
    }
    this.timers.remove(timer)
    this.wakes++
    timer.fire()
    return true
  }

  /** Ends the world. Nothing in it runs any more, and it drops results from outside. */
  close(): void {
    this.timers.clear()
    this.ready.clear()
    this.ready = dropped
    this.parked = undefined
    for (const release of this.releases) release()
    this.releases.length = 0
  }

  /** Registers a release for when the world closes. */
  onClose(release: () => void): void {
    this.releases.push(release)
  }

  // Timers

  /** Fires after `nanos` of the party's monotonic time. */
  schedule(nanos: number, party: Party | undefined, fire: () => void): Timer {
    const rank = this.drawRank === undefined ? 0 : this.drawRank()
    const timer: Timer = { due: nanos, rank, sequence: this.sequence++, fire, owner: party, index: -1 }
    if (party === undefined) {
      timer.due = this.now + nanos
      this.timers.push(timer)
    } else if (party.suspensions > 0) {
      party.frozen.push(timer)
    } else {
      timer.due = this.now + (party.rate === 1 ? nanos : Math.ceil(nanos / party.rate))
      this.timers.push(timer)
    }
    if (this.parked !== undefined) this.parked()
    return timer
  }

  /** Calls a plain function after so many ms of the world's time. The result cancels the call. */
  unsafeSchedule(millis: number, run: () => void): () => void {
    const timer = this.schedule(Math.round(Math.max(0, millis) * NANOS_PER_MILLI), undefined, run)
    return () => this.cancel(timer)
  }

  cancel(timer: Timer): void {
    if (this.timers.remove(timer) || timer.owner === undefined) return
    const { frozen } = timer.owner
    const at = frozen.indexOf(timer)
    if (at >= 0) frozen.splice(at, 1)
  }

  /** Lets `nanos` of the world's time pass and then, after everything that was due by then, calls `done`. */
  advance(nanos: number, done: () => void): Timer {
    const timer: Timer = {
      due: this.now + nanos,
      rank: LATE,
      sequence: this.sequence++,
      owner: undefined,
      index: -1,
      fire: () => {
        this.endAdvance(timer)
        done()
      }
    }
    this.timers.push(timer)
    if (this.options.manual) {
      this.adjusting.add(timer)
      this.horizon = Math.max(this.horizon, timer.due)
    }
    if (this.parked !== undefined) this.parked()
    return timer
  }

  cancelAdvance(timer: Timer): void {
    this.timers.remove(timer)
    this.endAdvance(timer)
  }

  /** Sets the world's time, back too. Timers stay due at their instants. */
  setNow(nanos: number): void {
    this.now = nanos
    this.moved()
    this.settleHorizon()
    this.mixTime()
  }

  /** The instants at which sleepers wake, in the world's time, soonest first. */
  sleeps(): Array<number> {
    const due: Array<number> = []
    for (const timer of this.timers.all()) if (timer.rank !== LATE) due.push(timer.due)
    return due.sort((a, b) => a - b)
  }

  private endAdvance(timer: Timer): void {
    if (!this.options.manual) return
    this.adjusting.delete(timer)
    this.settleHorizon()
  }

  private settleHorizon(): void {
    if (!this.options.manual) return
    this.horizon = this.now
    for (const timer of this.adjusting) this.horizon = Math.max(this.horizon, timer.due)
  }

  // Clocks

  wallMillis(party: Party | undefined): number {
    const nanos = party === undefined ? this.now : this.now + party.wallOffset
    return this.options.startMillis + Math.floor(nanos / NANOS_PER_MILLI)
  }

  monotonicNanos(party: Party | undefined): bigint {
    return this.startNanos + BigInt(Math.round(party === undefined ? this.now : party.monotonic(this.now)))
  }

  // Parties

  party(name: string): Party {
    let party = this.parties.get(name)
    if (party === undefined) {
      party = new Party(this, name)
      this.parties.set(name, party)
    }
    return party
  }

  suspend(party: Party): void {
    if (party.dead) return
    if (party.suspensions === 0) {
      party.rebase(this.now)
      party.frozen = this.timers.extract(party)
      for (const timer of party.frozen) timer.due = (timer.due - this.now) * party.rate
    }
    party.suspensions++
    party.stopped = true
    this.mix(-2)
  }

  stall(party: Party): void {
    if (party.dead) return
    party.stalls++
    party.stopped = true
    this.mix(-3)
  }

  endSuspend(party: Party): void {
    if (party.dead || party.suspensions === 0) return
    party.suspensions--
    if (party.suspensions === 0) {
      party.monotonicSince = this.now
      this.thaw(party)
      this.release(party)
    }
  }

  endStall(party: Party): void {
    if (party.dead || party.stalls === 0) return
    party.stalls--
    this.release(party)
  }

  /** Ends a party as `kill -9` ends a process: no further step, no finalizer. The caller ends its fibers. */
  crash(party: Party): void {
    party.dead = true
    party.firstUnbornFiberId = FiberId.unsafeMake().id
    party.stopped = true
    party.stalls = 0
    party.suspensions = 0
    party.frozen = []
    this.timers.extract(party)
    party.heldTasks.length = 0
    party.heldFibers.length = 0
    this.mix(-4)
  }

  setRate(party: Party, rate: number): void {
    if (party.suspensions > 0) {
      party.rate = rate
      return
    }
    party.rebase(this.now)
    const timers = this.timers.extract(party)
    for (const timer of timers) timer.due = (timer.due - this.now) * party.rate
    party.rate = rate
    party.frozen = timers
    this.thaw(party)
  }

  private thaw(party: Party): void {
    for (const timer of party.frozen) {
      timer.due = this.now + (party.rate === 1 ? timer.due : Math.ceil(timer.due / party.rate))
      this.timers.push(timer)
    }
    party.frozen = []
  }

  private release(party: Party): void {
    party.stopped = party.suspensions > 0 || party.stalls > 0
    if (party.stopped) return
    for (let i = 0; i < party.heldTasks.length; i++) this.scheduleTask(party.heldTasks[i]!, 0, party.heldFibers[i])
    party.heldTasks.length = 0
    party.heldFibers.length = 0
  }

  // Trace

  /** A digest of the fibers that ran, with instant and order. Equal runs have equal digests. */
  trace(): string {
    const hex = (n: number) => (n >>> 0).toString(16).padStart(8, "0")
    return hex(this.hashA) + hex(this.hashB)
  }

  private mix(value: number): void {
    this.hashA = Math.imul(this.hashA ^ value, 0x01000193)
    this.hashB = Math.imul((this.hashB << 5) ^ (this.hashB >>> 27) ^ value, 0x2545f491)
  }

  private mixTime(): void {
    this.mix(this.now | 0)
    this.mix(Math.floor(this.now / 4294967296) ^ 0x40000000)
  }
}

const dropped: Ready = {
  size: 0,
  fiber: undefined,
  push: () => {},
  take: () => undefined,
  clear: () => {}
}
