/**
 * The clock of a served exchange. Time that runs comes from the host's monotonic clock: when the host's wall clock is set
 * back, the exchange does not notice. A host that was suspended, whose monotonic clock stood still, makes it jump, as the
 * real venue would have gone on; a wall clock that is set forward by more than a second looks the same, and does too.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** A wall clock this far ahead of the monotonic one (ms) means that the host was suspended. */
const suspended = 1_000

export type Mode = "real" | "scaled" | "manual" | "auto"

const speedOf = (mode: Mode, scale: number): number => (mode === "real" ? 1 : mode === "scaled" ? scale : 0)

export class ServedClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  mode: Mode
  /** The exchange's ms for one of the host's; 0 while the clock stands. */
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

  /** Moves on to an instant (ms); one that has passed already is where it is. */
  jumpTo(at: number): void {
    this.at = Math.max(this.unsafeCurrentTimeMillis(), at)
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
