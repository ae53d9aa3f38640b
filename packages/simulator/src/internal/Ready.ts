/**
 * What can run now, and in which order it does.
 *
 * @internal
 */
import type * as Fiber from "effect/Fiber"
import { PriorityBuckets, type Task } from "effect/Scheduler"

export type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** A queue that hands out tasks one at a time: `take` answers the task and leaves its fiber in `fiber`. */
export interface Ready {
  readonly size: number
  fiber: AnyFiber | undefined
  push(task: Task, priority: number, fiber: AnyFiber | undefined): void
  take(): Task | undefined
  clear(): void
}

/**
 * First in, first out, in rounds: what becomes ready during a round runs in the next one, sorted by Effect's scheduling
 * priority as Effect's own schedulers do. All tasks of priority 0, the usual case, stay in two plain arrays.
 */
export class FirstIn implements Ready {
  fiber: AnyFiber | undefined = undefined
  private tasks: Array<Task> = []
  private fibers: Array<AnyFiber | undefined> = []
  private at = 0
  private nextTasks: Array<Task> = []
  private nextFibers: Array<AnyFiber | undefined> = []
  private others: PriorityBuckets<readonly [Task, AnyFiber | undefined]> | undefined = undefined
  private othersSize = 0

  get size(): number {
    return this.tasks.length - this.at + this.nextTasks.length + this.othersSize
  }

  push(task: Task, priority: number, fiber: AnyFiber | undefined): void {
    if (priority === 0) {
      this.nextTasks.push(task)
      this.nextFibers.push(fiber)
    } else {
      this.others ??= new PriorityBuckets()
      this.others.scheduleTask([task, fiber], priority)
      this.othersSize++
    }
  }

  take(): Task | undefined {
    if (this.at === this.tasks.length) {
      if (this.nextTasks.length === 0 && this.othersSize === 0) return undefined
      this.turn()
    }
    const at = this.at++
    this.fiber = this.fibers[at]
    return this.tasks[at]
  }

  clear(): void {
    this.tasks = []
    this.fibers = []
    this.at = 0
    this.nextTasks = []
    this.nextFibers = []
    this.others = undefined
    this.othersSize = 0
    this.fiber = undefined
  }

  private turn(): void {
    const tasks = this.tasks
    const fibers = this.fibers
    tasks.length = 0
    fibers.length = 0
    this.at = 0
    if (this.othersSize === 0) {
      this.tasks = this.nextTasks
      this.fibers = this.nextFibers
      this.nextTasks = tasks
      this.nextFibers = fibers
      return
    }
    const add = (entry: readonly [Task, AnyFiber | undefined]) => {
      tasks.push(entry[0])
      fibers.push(entry[1])
    }
    const buckets = this.others!.buckets
    this.others!.buckets = []
    this.othersSize = 0
    for (const [priority, entries] of buckets) if (priority < 0) entries.forEach(add)
    for (let i = 0; i < this.nextTasks.length; i++) add([this.nextTasks[i]!, this.nextFibers[i]])
    for (const [priority, entries] of buckets) if (priority > 0) entries.forEach(add)
    this.nextTasks.length = 0
    this.nextFibers.length = 0
  }
}

/** Any of those that are ready, by a seeded draw: each seed tries another interleaving. Priorities are ignored. */
export class Seeded implements Ready {
  fiber: AnyFiber | undefined = undefined
  private readonly tasks: Array<Task> = []
  private readonly fibers: Array<AnyFiber | undefined> = []
  private readonly draw: () => number

  constructor(draw: () => number) {
    this.draw = draw
  }

  get size(): number {
    return this.tasks.length
  }

  push(task: Task, _priority: number, fiber: AnyFiber | undefined): void {
    this.tasks.push(task)
    this.fibers.push(fiber)
  }

  take(): Task | undefined {
    const size = this.tasks.length
    if (size === 0) return undefined
    const at = size === 1 ? 0 : Math.floor(this.draw() * size)
    const task = this.tasks[at]
    this.fiber = this.fibers[at]
    const lastTask = this.tasks.pop()!
    const lastFiber = this.fibers.pop()
    if (at < size - 1) {
      this.tasks[at] = lastTask
      this.fibers[at] = lastFiber
    }
    return task
  }

  clear(): void {
    this.tasks.length = 0
    this.fibers.length = 0
    this.fiber = undefined
  }
}

/** A small seeded generator (the public-domain "mulberry32"): a number in [0, 1). */
export const generator = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
