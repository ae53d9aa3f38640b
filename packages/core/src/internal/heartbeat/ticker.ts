/**
 * One timer for all heartbeats of a process. Calls the member that is due next. Once a second, compares wall and
 * monotonic time, because no timer reports a suspend. A sleeping fiber per account would be most of the cost of an idle
 * account, and a comparison per account most of the cost of a beat.
 *
 * No knowledge depends on it, because `status` reads the clock itself.
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

/** The period of the comparison, ms. */
const lookEvery = 1_000

/**
 * The callbacks of a heartbeat: `wake` at the planned instant, `look` when wall and monotonic time diverge. A member
 * that throws may have planned nothing, so it is called again.
 *
 * @internal
 */
export interface Member {
  readonly wake: () => void
  readonly look: () => void
  /** Called when the clock does not work: nothing else is called until something is planned again. Must not throw. */
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
  /** A heap, the soonest first. Effect 3 has no mutable queue in which an entry can move. */
  private readonly slots: Array<Slot> = []
  private fiber: Fiber.RuntimeFiber<void> | undefined
  /** The monotonic instant at which the fiber runs next; `-Infinity` while it runs. */
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

  /** Removes the slot. The last one to leave waits until the fiber has ended. */
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

  /** Plans the next call of the member; replaces the earlier plan. */
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
    // The fiber serves every heartbeat, so it is started again after an interruption from outside.
    fiber.addObserver((exit) => {
      const next = this.slots[0]
      if (this.fiber !== fiber || next === undefined) return
      if (this.slept || Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return this.start(next.member)
      // The clock has failed. Starting again and again would starve the rest of the process.
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
    // Each at most once per round, so that a member that wants to be called again at once does not starve the others.
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
        // The others are still called, and this one is called again.
        this.plan(slot, now.mono + lookEvery)
      }
    }
    const next = this.slots[0]
    if (next === undefined || this.fiber !== fiber) return Effect.void
    this.wakesAt = Math.min(next.due, this.looksAt)
    // Sleeps at least that long; timers take whole milliseconds.
    const left = Math.max(1, Math.ceil(this.wakesAt - read(this.clock).mono))
    return Effect.flatMap(this.clock.sleep(Duration.millis(left)), () => {
      this.slept = true
      return this.round(fiber)
    })
  }

  private look(now: Reading): void {
    this.looksAt = now.mono + lookEvery
    const divergence = Math.abs(now.wall - this.last.wall - (now.mono - this.last.mono))
    if (divergence <= HeartbeatStatus.clockTolerance / 2) return
    this.last = now
    // Members plan anew in `look`, which moves their slots.
    const slots = this.slots.slice()
    for (const slot of slots) {
      try {
        slot.member.look()
      } catch {
        this.plan(slot, now.mono)
      }
    }
  }

  /** Moves a slot to the place of its instant in the heap. */
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
