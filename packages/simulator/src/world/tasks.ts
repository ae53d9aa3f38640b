/**
 * The work that waits for its instant: a binary heap, earliest first, and at one instant in the order of arrival.
 */
interface Task {
  readonly at: number
  readonly rank: number
  readonly run: (at: number) => void
}

const before = (a: Task, b: Task): boolean => (a.at === b.at ? a.rank < b.rank : a.at < b.at)

export class Tasks {
  private readonly items: Array<Task> = []
  private added = 0

  /** When the first is due; `Infinity` when none waits. */
  get next(): number {
    return this.items[0]?.at ?? Infinity
  }

  add(at: number, run: (at: number) => void): void {
    const task = { at, rank: this.added++, run }
    const { items } = this
    let place = items.length
    for (let up = (place - 1) >> 1; place > 0 && before(task, items[up]!); up = (place - 1) >> 1) {
      items[place] = items[up]!
      place = up
    }
    items[place] = task
  }

  /** Takes out the first. */
  take(): Task | undefined {
    const { items } = this
    const first = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let place = 0
    for (;;) {
      let child = place * 2 + 1
      if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child++
      if (child >= items.length || !before(items[child]!, last)) break
      items[place] = items[child]!
      place = child
    }
    items[place] = last
    return first
  }

  clear(): void {
    this.items.length = 0
  }
}
