/**
 * The queues of tasks that can run now, and their order.
 *
 * @internal
 */
import type * as Fiber from "effect/Fiber"
import { PriorityBuckets, type Task } from "effect/Scheduler"

export type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** A queue of tasks. `take` returns the next task and leaves its fiber in `fiber`. */
export interface Ready {
  readonly size: number
  fiber: AnyFiber | undefined
  push(task: Task, priority: number, fiber: AnyFiber | undefined): void
  take(): Task | undefined
  clear(): void
}

/** Tasks with their fibers. It keeps its arrays when it empties, because a round takes only a few microseconds. */
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
 * First in, first out, in rounds. A task that becomes ready during a round runs in the next one. Rounds are sorted by
 * Effect's scheduling priority, as in Effect's own schedulers. Tasks of priority 0, the usual case, stay in two plain
 * arrays.
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

/**
 * Draws one of the owners with a ready task by the seed. The tasks of each owner run first in, first out.
 *
 * It does not shuffle fibers of one owner, because a Node process runs them in this order, and Effect relies on it. For
 * example, `Effect.forEach` with concurrency hangs when it is interrupted after it forked and before the fork has
 * started, which cannot happen in this order.
 */
export class Seeded implements Ready {
  fiber: AnyFiber | undefined = undefined
  size = 0
  /** The queues of all owners, and those of them that hold a task. */
  private readonly queues = new Map<unknown, FirstIn>()
  private readonly busy: Array<FirstIn> = []
  private readonly draw: () => number
  private readonly ownerOf: (fiber: AnyFiber) => unknown

  constructor(draw: () => number, ownerOf: (fiber: AnyFiber) => unknown) {
    this.draw = draw
    this.ownerOf = ownerOf
  }

  push(task: Task, priority: number, fiber: AnyFiber | undefined): void {
    this.size++
    const owner = fiber === undefined ? undefined : this.ownerOf(fiber)
    let queue = this.queues.get(owner)
    if (queue === undefined) this.queues.set(owner, (queue = new FirstIn()))
    if (queue.size === 0) this.busy.push(queue)
    queue.push(task, priority, fiber)
  }

  take(): Task | undefined {
    const count = this.busy.length
    if (count === 0) return undefined
    this.size--
    const at = count === 1 ? 0 : Math.floor(this.draw() * count)
    const queue = this.busy[at]!
    const task = queue.take()
    this.fiber = queue.fiber
    if (queue.size === 0) {
      const last = this.busy.pop()!
      if (last !== queue) this.busy[at] = last
    }
    return task
  }

  clear(): void {
    this.size = 0
    this.busy.length = 0
    this.queues.clear()
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
