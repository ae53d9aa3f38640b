/**
 * The `TestClock`, and so the `Clock`, of a world or of one party. It stays that clock when another party calls it.
 *
 * @internal
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as TestClock from "effect/TestClock"
import { NANOS_PER_MILLI, type Party, type Timer, type VirtualScheduler } from "./scheduler.js"

/** A duration in whole nanoseconds. */
export const toNanos = (duration: Duration.DurationInput): number => {
  const millis = Duration.toMillis(duration)
  return millis === Infinity ? Infinity : Math.round(millis * NANOS_PER_MILLI)
}

export class VirtualClock implements TestClock.TestClock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  readonly currentTimeMillis: Effect.Effect<number>
  readonly currentTimeNanos: Effect.Effect<bigint>
  readonly save: Effect.Effect<Effect.Effect<void>>
  readonly sleeps: Effect.Effect<Chunk.Chunk<number>>
  readonly world: VirtualScheduler
  readonly party: Party | undefined

  constructor(world: VirtualScheduler, party?: Party) {
    this.world = world
    this.party = party
    this.currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
    this.currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())
    this.save = Effect.sync(() => {
      const now = world.now
      return Effect.sync(() => world.setNow(now))
    })
    this.sleeps = Effect.sync(() =>
      Chunk.unsafeFromArray(world.sleeps().map((due) => world.options.startMillis + due / NANOS_PER_MILLI))
    )
  }

  unsafeCurrentTimeMillis(): number {
    return this.world.wallMillis(this.party)
  }

  unsafeCurrentTimeNanos(): bigint {
    return this.world.monotonicNanos(this.party)
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const nanos = toNanos(duration)
    return Effect.withFiberRuntime<void>((_, { runtimeFlags }) => {
      let timer: Timer | undefined
      const wait = Effect.async<void>((resume) => {
        timer = this.world.schedule(nanos, this.party, () => resume(Effect.void))
      })
      // Does the same as the cleanup of `Effect.async` in two thirds of its operations, because programs here mostly
      // sleep.
      return RuntimeFlags.interruptible(runtimeFlags)
        ? Effect.uninterruptible(
            Effect.catchAllCause(Effect.interruptible(wait), (cause) => {
              if (timer !== undefined) this.world.cancel(timer)
              return Effect.failCause(cause)
            })
          )
        : wait
    })
  }

  adjust(duration: Duration.DurationInput): Effect.Effect<void> {
    return this.advance(() => toNanos(duration))
  }

  adjustWith(duration: Duration.DurationInput) {
    return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.zipLeft(effect, this.adjust(duration), { concurrent: true })
  }

  setTime(millis: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const target = Math.round((millis - this.world.options.startMillis) * NANOS_PER_MILLI)
      if (target < this.world.now) this.world.setNow(target)
      return this.advance(() => target - this.world.now)
    })
  }

  private advance(nanos: () => number): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      const timer = this.world.advance(nanos(), () => resume(Effect.void))
      return Effect.sync(() => this.world.cancelAdvance(timer))
    })
  }
}
