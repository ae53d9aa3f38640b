/**
 * Moves the world along a served clock: one timer for all that is due while the clock runs, steps from one due instant to
 * the next while it stands.
 *
 * A clock that stands takes a step only while it is quiet: no request is being read or answered, and nobody holds it. A
 * request that waits for simulated time, because a fault delays or loses it, is not in the way of time. A bot in another
 * process sleeps through `sleep`, which gives up its hold and has it again at the very instant of its waking: so nothing
 * can happen between its waking and its next request.
 */
import type { Mode, ServedClock } from "./clock.js"
import type { World } from "../world/world.js"

/** A timer of the host's cannot be longer (ms). */
const longest = 2_147_483_647

interface Sleeper {
  readonly at: number
  readonly rank: number
  /** The hold that it has on waking. */
  readonly name: string | undefined
  /** Whether it makes a manual clock go there, as `advance` does. */
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

  /** A request is being read or answered. */
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

  /** The next instant at which something is due: ms, `Infinity` when nothing is. */
  nextDue(): number {
    let at = this.world.due() ?? Infinity
    for (const sleeper of this.sleepers) at = Math.min(at, sleeper.at)
    return at
  }

  /** Wakes at an instant (whole ms from now) and says what time it is. The result takes it back. */
  sleep(ms: number, name: string | undefined, wake: (now: number) => void): () => void {
    const at = this.world.pump() + ms
    const asleep = this.settle({ at, rank: this.rank++, name, pulls: false, wake })
    if (name !== undefined) this.release(name)
    return asleep
  }

  /** Moves the clock by whole ms, and says so when everything that is due by then has happened. The result takes it back. */
  advance(ms: number, done: (now: number) => void): () => void {
    const at = this.world.pump() + ms
    if (this.clock.speed > 0) this.clock.jumpTo(at)
    return this.settle({ at, rank: this.rank++, name: undefined, pulls: true, wake: done })
  }

  private settle(sleeper: Sleeper): () => void {
    this.sleepers.add(sleeper)
    this.ensure(sleeper.at)
    return () => this.sleepers.delete(sleeper)
  }

  /** A timer that comes too early finds nothing due, and sets the next: a refreshed countdown costs no timer. */
  private ensure(at: number): void {
    if (this.clock.speed === 0) return this.consider()
    if (at >= this.wakesAt) return
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

  /** How far the clock may go by itself. */
  private limit(): number {
    if (this.clock.mode === "auto") return Number.MAX_VALUE
    let limit = -Infinity
    for (const sleeper of this.sleepers) if (sleeper.pulls) limit = Math.max(limit, sleeper.at)
    return limit
  }

  /** Everybody whose time has come, the earliest first; whoever pulled the clock hears of it after all who slept. */
  private wake(now: number): void {
    const due = [...this.sleepers].filter((sleeper) => sleeper.at <= now)
    due.sort((a, b) => a.at - b.at || Number(a.pulls) - Number(b.pulls) || a.rank - b.rank)
    for (const sleeper of due) {
      // Whoever wakes may still have to act at this very instant before an advance can be called done.
      if (sleeper.pulls && this.clock.speed === 0 && (this.holds.size > 0 || this.busy > 0)) continue
      this.sleepers.delete(sleeper)
      if (sleeper.name !== undefined) this.holds.set(sleeper.name, now)
      sleeper.wake(now)
    }
  }
}
