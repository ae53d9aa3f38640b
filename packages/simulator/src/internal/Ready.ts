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

/** Tasks with their fibers. It keeps its arrays when it empties: a round is over every few microseconds. */
class Round {
  readonly tasks: Array<Task> = []
  readonly fibers: Array<AnyFiber | undefined> = []
  /** The part of the arrays that counts. */
  from = 0
  to = 0

  add(task: Task, fiber: AnyFiber | undefined): void {
    const at = this.to++
    this.tasks[at] = task
    this.fibers[at] = fiber
  }

  empty(): void {
    this.from = 0
    this.to = 0
  }
}

/**
 * First in, first out, in rounds: what becomes ready during a round runs in the next one, sorted by Effect's scheduling
 * priority as Effect's own schedulers do. All tasks of priority 0, the usual case, stay in two plain arrays.
 */
export class FirstIn implements Ready {
  fiber: AnyFiber | undefined = undefined
  private round = new Round()
  private next = new Round()
  private others: PriorityBuckets<readonly [Task, AnyFiber | undefined]> | undefined = undefined
  private othersSize = 0

  get size(): number {
    return this.round.to - this.round.from + this.next.to + this.othersSize
  }

  push(task: Task, priority: number, fiber: AnyFiber | undefined): void {
    if (priority === 0) {
      this.next.add(task, fiber)
    } else {
      this.others ??= new PriorityBuckets()
      this.others.scheduleTask([task, fiber], priority)
      this.othersSize++
    }
  }

  take(): Task | undefined {
    if (this.round.from === this.round.to) {
      if (this.next.to === 0 && this.othersSize === 0) return undefined
      this.turn()
    }
    const round = this.round
    const at = round.from++
    this.fiber = round.fibers[at]
    return round.tasks[at]
  }

  clear(): void {
    this.round = new Round()
    this.next = new Round()
    this.others = undefined
    this.othersSize = 0
    this.fiber = undefined
  }

  private turn(): void {
    const round = this.round
    const next = this.next
    round.empty()
    if (this.othersSize === 0) {
      this.round = next
      this.next = round
      return
    }
    const buckets = this.others!.buckets
    this.others!.buckets = []
    this.othersSize = 0
    const add = ([task, fiber]: readonly [Task, AnyFiber | undefined]) => round.add(task, fiber)
    for (const [priority, entries] of buckets) if (priority < 0) entries.forEach(add)
    for (let i = 0; i < next.to; i++) round.add(next.tasks[i]!, next.fibers[i])
    for (const [priority, entries] of buckets) if (priority > 0) entries.forEach(add)
    next.empty()
  }
}

interface Line {
  readonly fiber: AnyFiber | undefined
  readonly tasks: Array<Task>
}

/**
 * Any of the fibers that are ready, by a seeded draw: each seed tries another interleaving. The tasks of one fiber keep their
 * order, as they do in Effect's own schedulers: its combinators rely on a fiber being started before it is interrupted.
 * Priorities are ignored.
 */
export class Seeded implements Ready {
  fiber: AnyFiber | undefined = undefined
  size = 0
  private readonly lines: Array<Line> = []
  private readonly byFiber = new Map<AnyFiber, Line>()
  private readonly draw: () => number

  constructor(draw: () => number) {
    this.draw = draw
  }

  push(task: Task, _priority: number, fiber: AnyFiber | undefined): void {
    this.size++
    const line = fiber === undefined ? undefined : this.byFiber.get(fiber)
    if (line !== undefined) {
      line.tasks.push(task)
      return
    }
    const added: Line = { fiber, tasks: [task] }
    this.lines.push(added)
    if (fiber !== undefined) this.byFiber.set(fiber, added)
  }

  take(): Task | undefined {
    const count = this.lines.length
    if (count === 0) return undefined
    this.size--
    const at = count === 1 ? 0 : Math.floor(this.draw() * count)
    const line = this.lines[at]!
    this.fiber = line.fiber
    if (line.tasks.length > 1) return line.tasks.shift()
    const last = this.lines.pop()!
    if (last !== line) this.lines[at] = last
    if (line.fiber !== undefined) this.byFiber.delete(line.fiber)
    return line.tasks[0]
  }

  clear(): void {
    this.size = 0
    this.lines.length = 0
    this.byFiber.clear()
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
