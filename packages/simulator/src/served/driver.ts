/**
 * Moves the world along a served clock: with one timer while the clock runs, from one due instant to the next while it
 * stands.
 *
 * A standing clock steps only while no request is being read or answered and there is no hold. A request that waits
 * for simulated time, because a fault delays or loses it, does not stop the clock. A bot in another process sleeps
 * through `sleep`, which releases its hold and takes it again at the instant of waking, so that nothing happens
 * between its waking and its next request.
 */
import type { Mode, ServedClock } from "./clock.js"
import * as Numbers from "../exchange/numbers.js"
import type { World } from "../world/world.js"

/** The longest timer of the host, in ms. */
const longest = 2_147_483_647

interface Sleeper {
  readonly at: number
  readonly rank: number
  /** The hold to take on waking. */
  readonly name: string | undefined
  /** Whether a manual clock advances to this instant, as for `advance`. */
  readonly pulls: boolean
  readonly wake: (now: number) => void
}

export class Driver {
  readonly world: World
  readonly clock: ServedClock
  readonly holds = new Map<string, number>()
  private readonly sleepers = new Set<Sleeper>()
  private rank = 0
  private busy = 0
  private timer: NodeJS.Timeout | undefined
  private step: NodeJS.Immediate | undefined
  private wakesAt = Infinity

  constructor(world: World, clock: ServedClock) {
    this.world = world
    this.clock = clock
  }

  start(): void {
    this.world.onDue = (at) => this.ensure(at)
    this.world.pump()
  }

  stop(): void {
    this.world.onDue = undefined
    clearTimeout(this.timer)
    clearImmediate(this.step)
    this.step = undefined
    this.sleepers.clear()
  }

  set(mode: Mode, speed: number): void {
    this.world.pump()
    this.clock.set(mode, speed)
    clearTimeout(this.timer)
    this.wakesAt = Infinity
    this.ensure(this.nextDue())
  }

  /** Marks the start of reading or answering a request. */
  enter(): void {
    this.busy++
  }

  leave(): void {
    this.busy--
    this.consider()
  }

  hold(name: string): void {
    if (!this.holds.has(name)) this.holds.set(name, this.world.pump())
  }

  release(name: string): boolean {
    const held = this.holds.delete(name)
    this.consider()
    return held
  }

  get sleeping(): ReadonlyArray<{ readonly name: string; readonly until: number }> {
    return [...this.sleepers].map(({ at, name }) => ({ name: name ?? "(no name)", until: at }))
  }

  /** The next due instant in ms, or `Infinity`. */
  nextDue(): number {
    let at = this.world.due() ?? Infinity
    for (const sleeper of this.sleepers) at = Math.min(at, sleeper.at)
    return at
  }

  /** Calls `wake` with the time after whole ms. The result cancels it. */
  sleep(ms: number, name: string | undefined, wake: (now: number) => void): () => void {
    const at = this.world.pump() + ms
    const asleep = this.settle({ at, rank: this.rank++, name, pulls: false, wake })
    if (name !== undefined) this.release(name)
    return asleep
  }

  /**
   * Advances the clock by whole ms, and calls `done` when everything due by then has happened. The result cancels it.
   */
  advance(ms: number, done: (now: number) => void): () => void {
    const at = Math.min(Numbers.lastInstant, this.world.pump() + ms)
    if (this.clock.speed > 0) this.clock.jumpTo(at)
    return this.settle({ at, rank: this.rank++, name: undefined, pulls: true, wake: done })
  }

  private settle(sleeper: Sleeper): () => void {
    this.sleepers.add(sleeper)
    this.ensure(sleeper.at)
    return () => this.sleepers.delete(sleeper)
  }

  /** An early timer finds nothing due and sets the next one, so that a refreshed countdown needs no new timer. */
  private ensure(at: number): void {
    if (this.clock.speed === 0) return this.consider()
    if (at >= this.wakesAt || at > Numbers.lastInstant) return
    this.wakesAt = at
    clearTimeout(this.timer)
    const wait = Math.ceil((at - this.clock.unsafeCurrentTimeMillis()) / this.clock.speed)
    this.timer = setTimeout(
      () => {
        this.wakesAt = Infinity
        this.wake(this.world.pump())
        this.ensure(this.nextDue())
      },
      Math.min(longest, Math.max(0, wait))
    )
  }

  private consider(): void {
    if (this.clock.speed > 0 || this.step !== undefined) return
    this.step = setImmediate(() => {
      this.step = undefined
      if (this.clock.speed > 0 || this.busy > 0 || this.holds.size > 0) return
      const next = this.nextDue()
      if (next > this.limit()) return
      this.clock.jumpTo(next)
      this.wake(this.world.pump())
      this.consider()
    })
  }

  /** The latest instant to which the clock may step. */
  private limit(): number {
    if (this.clock.mode === "auto") return Numbers.lastInstant
    let limit = -Infinity
    for (const sleeper of this.sleepers) if (sleeper.pulls) limit = Math.max(limit, sleeper.at)
    return limit
  }

  /** Wakes the due sleepers, earliest first, and completes an advance after the sleepers of the same instant. */
  private wake(now: number): void {
    const due = [...this.sleepers].filter((sleeper) => sleeper.at <= now)
    due.sort((a, b) => a.at - b.at || Number(a.pulls) - Number(b.pulls) || a.rank - b.rank)
    for (const sleeper of due) {
      // A sleeper that has just been woken may still act at this instant, before the advance completes.
      if (sleeper.pulls && this.clock.speed === 0 && (this.holds.size > 0 || this.busy > 0)) continue
      this.sleepers.delete(sleeper)
      if (sleeper.name !== undefined) this.holds.set(sleeper.name, now)
      sleeper.wake(now)
    }
  }
}
