/**
 * One timer for all heartbeats of a process: whoever is due next is called, and once a second it is looked whether the
 * hands of the clock have parted, because no timer tells of a suspend. A sleeping fiber of its own for each account
 * would be most of what an idle account costs, and a look of its own most of what a beat does.
 *
 * Nothing that is known depends on it: `status` looks at the clock itself.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as HeartbeatStatus from "../../HeartbeatStatus.js"
import { read, type Reading } from "../clock.js"

/** The clock is looked at this often. */
const lookEvery = 1_000

/**
 * What is called: `wake` when its instant has come, `look` when the hands have parted. One that throws has said nothing
 * of what it wants, and is called again.
 *
 * @internal
 */
export interface Member {
  readonly wake: () => void
  readonly look: () => void
  /** The clock does not work: nothing will be called until something is planned again. May not throw. */
  readonly stopped: (cause: Cause.Cause<never>) => void
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
}

/** @internal */
export interface Slot {
  readonly member: Member
  /** The monotonic instant; `Infinity` for none. */
  due: number
  /** Its place in the heap. */
  index: number
}

/** @internal */
export class Ticker {
  private readonly clock: Clock.Clock
  /** A heap, the soonest first. By hand: Effect 3 has no mutable queue that lets an entry move. */
  private readonly slots: Array<Slot> = []
  private fiber: Fiber.RuntimeFiber<void> | undefined
  /** The monotonic instant at which the fiber runs next; never while it runs. */
  private wakesAt = -Infinity
  private looksAt = -Infinity
  /** Whether the fiber has slept. */
  private slept = false
  private last: Reading = { mono: 0, wall: 0 }

  constructor(clock: Clock.Clock) {
    this.clock = clock
  }

  join(member: Member): Slot {
    const first = this.slots.length === 0
    // A clock that throws must leave no slot behind.
    if (first) {
      this.last = read(this.clock)
      this.looksAt = this.last.mono + lookEvery
    }
    const slot: Slot = { member, due: Infinity, index: this.slots.length }
    this.slots.push(slot)
    if (first) this.start(member)
    return slot
  }

  /** Who leaves last waits until the fiber has ended. */
  leave(slot: Slot): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.slots[slot.index] !== slot) return Effect.void
      const moved = this.slots.pop()!
      if (moved !== slot) {
        this.slots[slot.index] = moved
        moved.index = slot.index
        this.settle(moved)
      }
      const { fiber } = this
      if (this.slots.length > 0 || fiber === undefined) return Effect.void
      this.fiber = undefined
      return Effect.asVoid(Fiber.interrupt(fiber))
    })
  }

  /** Has the member called at that instant instead of the one that was planned. */
  plan(slot: Slot, due: number): void {
    if (slot.due === due || this.slots[slot.index] !== slot) return
    slot.due = due
    this.settle(slot)
    if (due >= this.wakesAt) return
    this.fiber?.unsafeInterruptAsFork(FiberId.none)
    this.start(slot.member)
  }

  private start(member: Member): void {
    this.wakesAt = -Infinity
    this.slept = false
    const fiber: Fiber.RuntimeFiber<void> = (this.fiber = member.fork(Effect.suspend(() => this.round(fiber))))
    // It carries every heartbeat: whoever interrupts it from outside has not ended them.
    fiber.addObserver((exit) => {
      const next = this.slots[0]
      if (this.fiber !== fiber || next === undefined) return
      if (this.slept || Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return this.start(next.member)
      // By a clock that works no more. To start again and again would leave the process no turn for anything else.
      this.fiber = undefined
      this.wakesAt = Infinity
      for (const slot of this.slots.slice()) slot.member.stopped(exit.cause)
    })
  }

  private round(fiber: Fiber.RuntimeFiber<void>): Effect.Effect<void> {
    if (this.fiber !== fiber) return Effect.void
    this.wakesAt = -Infinity
    const now = read(this.clock)
    if (now.mono >= this.looksAt) this.look(now)
    // Each at most once a round: who wants to be called again at once cannot keep the others from it.
    const due: Array<Slot> = []
    for (let next = this.slots[0]; next !== undefined && next.due <= now.mono; next = this.slots[0]) {
      next.due = Infinity
      this.settle(next)
      due.push(next)
    }
    for (const slot of due) {
      try {
        slot.member.wake()
      } catch {
        // The others are called all the same, and this one once more.
        this.plan(slot, now.mono + lookEvery)
      }
    }
    const next = this.slots[0]
    if (next === undefined || this.fiber !== fiber) return Effect.void
    this.wakesAt = Math.min(next.due, this.looksAt)
    // At least as long as asked for: timers take whole milliseconds.
    const left = Math.max(1, Math.ceil(this.wakesAt - read(this.clock).mono))
    return Effect.flatMap(this.clock.sleep(Duration.millis(left)), () => {
      this.slept = true
      return this.round(fiber)
    })
  }

  private look(now: Reading): void {
    this.looksAt = now.mono + lookEvery
    const parted = Math.abs(now.wall - this.last.wall - (now.mono - this.last.mono))
    if (parted <= HeartbeatStatus.clockTolerance / 2) return
    this.last = now
    // Those who look plan anew, which moves them.
    const slots = this.slots.slice()
    for (const slot of slots) {
      try {
        slot.member.look()
      } catch {
        this.plan(slot, now.mono)
      }
    }
  }

  /** Moves a slot to where its instant belongs. */
  private settle(slot: Slot): void {
    const { slots } = this
    let at = slot.index
    while (at > 0) {
      const above = (at - 1) >> 1
      if (slots[above]!.due <= slot.due) break
      this.put(slots[above]!, at)
      at = above
    }
    for (;;) {
      let below = 2 * at + 1
      if (below + 1 < slots.length && slots[below + 1]!.due < slots[below]!.due) below++
      if (below >= slots.length || slots[below]!.due >= slot.due) break
      this.put(slots[below]!, at)
      at = below
    }
    this.put(slot, at)
  }

  private put(slot: Slot, index: number): void {
    this.slots[index] = slot
    slot.index = index
  }
}
