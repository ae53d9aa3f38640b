/**
 * The controls of one party.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Party } from "../VirtualTime.js"
import { InvalidRate } from "../VirtualTimeError.js"
import { toNanos } from "./VirtualClock.js"
import { crashParty } from "./VirtualFibers.js"
import { currentParty, NANOS_PER_MILLI, type Party as PartyState, type World } from "./VirtualWorld.js"

export const makeParty = (world: World, state: PartyState): Party => {
  // The caller may be a member, which must not take another step once its party stands still.
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
