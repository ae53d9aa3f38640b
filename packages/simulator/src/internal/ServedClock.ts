/**
 * The clock of a served exchange, and what wakes it. Time that runs comes from the host's monotonic clock: a step of the
 * host's wall clock does not reach the exchange. Only a host that was suspended, whose monotonic clock stood still, makes
 * it jump, as the real venue would have gone on.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { World } from "./World.js"

/** A wall clock this far ahead of the monotonic one (ms) means that the host was suspended. */
const suspended = 1_000

/** A timer of the host's cannot be longer (ms). */
const longest = 2_147_483_647

export class ServedClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  /** The exchange's ms for one of the host's. */
  readonly speed: number
  private at: number
  private monotonic = performance.now()
  private wall = Date.now()

  constructor(start: number | undefined, speed: number) {
    this.at = start ?? this.wall
    this.speed = speed
  }

  unsafeCurrentTimeMillis(): number {
    const monotonic = performance.now()
    const wall = Date.now()
    const ran = monotonic - this.monotonic
    const passed = wall - this.wall
    this.monotonic = monotonic
    this.wall = wall
    this.at += (passed > ran + suspended ? passed : ran) * this.speed
    return this.at
  }

  readonly currentTimeMillis: Effect.Effect<number> = Effect.sync(() => this.unsafeCurrentTimeMillis())

  unsafeCurrentTimeNanos(): bigint {
    return BigInt(Math.floor(this.unsafeCurrentTimeMillis() * 1_000_000))
  }

  readonly currentTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.unsafeCurrentTimeNanos())

  /** What sleeps on this clock is woken by nobody: `Driver` moves the world. */
  sleep(): Effect.Effect<void> {
    return Effect.never
  }
}

/** Moves the world when something is due by itself, with one timer for all that it waits for. */
export class Driver {
  private readonly world: World
  private readonly clock: ServedClock
  private timer: NodeJS.Timeout | undefined
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
  }

  /** A timer that comes too early finds nothing due, and sets the next: a refreshed countdown costs no timer. */
  private ensure(at: number): void {
    if (at >= this.wakesAt) return
    this.wakesAt = at
    clearTimeout(this.timer)
    const wait = Math.ceil((at - this.clock.unsafeCurrentTimeMillis()) / this.clock.speed)
    this.timer = setTimeout(
      () => {
        this.wakesAt = Infinity
        this.world.pump()
      },
      Math.min(longest, Math.max(0, wait))
    )
  }
}
