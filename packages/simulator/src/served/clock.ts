/**
 * The clock of a served exchange. It follows the host's monotonic clock, so that a wall clock that is set back does
 * not matter. After a suspend of the host, in which the monotonic clock stands, it jumps, because the real exchange
 * would have continued. A wall clock that is set forward by more than a second looks the same, and makes it jump too.
 *
 * It stands at the year 9900, see `Numbers.lastInstant`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Numbers from "../exchange/numbers.js"

/** A wall clock this far ahead of the monotonic one (ms) means that the host was suspended. */
const suspended = 1_000

export type Mode = "real" | "scaled" | "manual" | "auto"

const speedOf = (mode: Mode, scale: number): number => (mode === "real" ? 1 : mode === "scaled" ? scale : 0)

export class ServedClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  mode: Mode
  /** Milliseconds of the exchange per ms of the host; 0 while the clock stands. */
  speed: number
  private at: number
  private monotonic = performance.now()
  private wall = Date.now()

  constructor(start: number | undefined, mode: Mode, speed: number) {
    this.at = start ?? this.wall
    this.mode = mode
    this.speed = speedOf(mode, speed)
  }

  set(mode: Mode, speed: number): void {
    this.unsafeCurrentTimeMillis()
    this.mode = mode
    this.speed = speedOf(mode, speed)
  }

  /** Advances to an instant (ms). An instant in the past changes nothing. */
  jumpTo(at: number): void {
    this.at = Math.max(this.unsafeCurrentTimeMillis(), Math.min(Numbers.lastInstant, at))
  }

  unsafeCurrentTimeMillis(): number {
    const monotonic = performance.now()
    const wall = Date.now()
    const ran = monotonic - this.monotonic
    const passed = wall - this.wall
    this.monotonic = monotonic
    this.wall = wall
    this.at = Math.min(Numbers.lastInstant, this.at + (passed > ran + suspended ? passed : ran) * this.speed)
    return this.at
  }

  readonly currentTimeMillis: Effect.Effect<number> = Effect.sync(() => this.unsafeCurrentTimeMillis())

  unsafeCurrentTimeNanos(): bigint {
    return BigInt(Math.floor(this.unsafeCurrentTimeMillis() * 1_000_000))
  }

  readonly currentTimeNanos: Effect.Effect<bigint> = Effect.sync(() => this.unsafeCurrentTimeNanos())

  /** Never wakes, because `Driver` moves the world. */
  sleep(): Effect.Effect<void> {
    return Effect.never
  }
}
