/**
 * A binary heap of timers that knows the place of each timer, so that it can remove an interrupted sleep at once.
 *
 * @internal
 */

/** A call at `due`. Timers of one instant are ordered by `rank`, then by `sequence`. */
export interface Timer<Owner> {
  /** Instant on the heap's axis. */
  due: number
  /** Order within an instant, before the order of registration. */
  readonly rank: number
  readonly sequence: number
  readonly fire: () => void
  readonly owner: Owner
  /** Its place in the heap, -1 while it is not in it. */
  index: number
}

const before = <Owner>(a: Timer<Owner>, b: Timer<Owner>): boolean =>
  a.due !== b.due ? a.due < b.due : a.rank !== b.rank ? a.rank < b.rank : a.sequence < b.sequence

export class Timers<Owner> {
  private readonly items: Array<Timer<Owner>> = []

  get size(): number {
    return this.items.length
  }

  peek(): Timer<Owner> | undefined {
    return this.items[0]
  }

  push(timer: Timer<Owner>): void {
    this.items.push(timer)
    this.rise(timer, this.items.length - 1)
  }

  /** Whether the timer was still waiting. */
  remove(timer: Timer<Owner>): boolean {
    const hole = timer.index
    if (hole < 0) return false
    timer.index = -1
    const last = this.items.pop()!
    if (last !== timer) {
      if (hole > 0 && before(last, this.items[(hole - 1) >> 1]!)) this.rise(last, hole)
      else this.sink(last, hole)
    }
    return true
  }

  /** Takes out all timers of one owner, soonest first. */
  extract(owner: Owner): Array<Timer<Owner>> {
    const taken: Array<Timer<Owner>> = []
    const kept: Array<Timer<Owner>> = []
    for (const timer of this.items) (timer.owner === owner ? taken : kept).push(timer)
    if (taken.length === 0) return taken
    this.items.length = 0
    for (const timer of kept) this.push(timer)
    for (const timer of taken) timer.index = -1
    return taken.sort((a, b) => (before(a, b) ? -1 : 1))
  }

  /** All timers, in no order. */
  all(): ReadonlyArray<Timer<Owner>> {
    return this.items
  }

  clear(): void {
    for (const timer of this.items) timer.index = -1
    this.items.length = 0
  }

  private rise(timer: Timer<Owner>, from: number): void {
    const items = this.items
    let at = from
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = items[up]!
      if (!before(timer, parent)) break
      items[at] = parent
      parent.index = at
      at = up
    }
    items[at] = timer
    timer.index = at
  }

  private sink(timer: Timer<Owner>, from: number): void {
    const items = this.items
    const size = items.length
    let at = from
    for (;;) {
      let down = at * 2 + 1
      if (down >= size) break
      let child = items[down]!
      if (down + 1 < size && before(items[down + 1]!, child)) child = items[++down]!
      if (!before(child, timer)) break
      items[at] = child
      child.index = at
      at = down
    }
    items[at] = timer
    timer.index = at
  }
}
