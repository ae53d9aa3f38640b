/**
 * The controls of one party.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { InvalidRate } from "../VirtualTimeError.js"
import { toNanos } from "./clock.js"
import { crashParty } from "./fibers.js"
import { currentParty, NANOS_PER_MILLI, type Party as PartyState } from "./scheduler.js"

/**
 * One member of the world, such as a process among others, with its own clock. Its fibers are those started inside
 * `withParty`, and their children. All actions take effect at once. The party itself may run them. Then the calling
 * fiber continues when the party does.
 */
export interface Party {
  readonly name: string
  /** Whether `crash` has ended it. */
  readonly isCrashed: () => boolean
  /** Puts the host to sleep: its fibers, monotonic clock and timers stand still, and its wall clock goes on. */
  readonly suspend: Effect.Effect<void>
  /** Suspends, and resumes after that much of the world's time. Does not wait for it. */
  readonly suspendFor: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** Blocks the event loop, or stops the process: its fibers stand still, both clocks go on, and timers become due. */
  readonly stall: Effect.Effect<void>
  /** Stalls, and continues after that much of the world's time. Does not wait for it. */
  readonly stallFor: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** Ends every suspension and stall. */
  readonly resume: Effect.Effect<void>
  /**
   * Ends it for good, as `kill -9` does: no further step, no finalizer, no timer. A fiber outside that waits for one of
   * its fibers finds it interrupted.
   */
  readonly crash: Effect.Effect<void>
  /** Steps the wall clock by so many ms, back if negative. It does not affect the monotonic clock and the timers. */
  readonly stepWall: (millis: number) => Effect.Effect<void>
  /**
   * Sets the speed of the monotonic clock, and so of timers: 1.001 gains a second in a thousand. Fails if not above 0.
   */
  readonly setRate: (rate: number) => Effect.Effect<void, InvalidRate>
}

const handles = new WeakMap<PartyState, Party>()

/** The controls of a party, always the same object. */
export const handleOf = (state: PartyState): Party => {
  let handle = handles.get(state)
  if (handle === undefined) handles.set(state, (handle = makeParty(state)))
  return handle
}

const makeParty = (state: PartyState): Party => {
  const { world } = state
  // A caller that is a member must not take another step once its party stands still.
  const act = (f: () => void): Effect.Effect<void> =>
    Effect.withFiberRuntime((fiber) => {
      f()
      return state.stopped && fiber.getFiberRef(currentParty) === state ? Effect.yieldNow() : Effect.void
    })
  const during = (begin: () => void, end: () => void) => (duration: Duration.DurationInput) =>
    act(() => {
      const era = state.era
      begin()
      world.schedule(toNanos(duration), undefined, () => {
        if (era === state.era) end()
      })
    })
  const suspend = () => world.suspend(state)
  const stall = () => world.stall(state)
  return {
    name: state.name,
    isCrashed: () => state.dead,
    suspend: act(suspend),
    stall: act(stall),
    suspendFor: during(suspend, () => world.endSuspend(state)),
    stallFor: during(stall, () => world.endStall(state)),
    resume: act(() => {
      state.era++
      while (state.stalls > 0) world.endStall(state)
      while (state.suspensions > 0) world.endSuspend(state)
    }),
    crash: act(() => crashParty(state)),
    stepWall: (millis) =>
      Effect.sync(() => {
        state.wallOffset += Math.round(millis * NANOS_PER_MILLI)
      }),
    setRate: (rate) =>
      rate > 0 && Number.isFinite(rate) ? Effect.sync(() => world.setRate(state, rate)) : new InvalidRate({ rate })
  }
}
