/**
 * When the venue takes the next write of an account, kept from one heartbeat of it to the next: who arms again as soon
 * as it was released would else be refused for coming too soon after the `0`.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"

/**
 * The monotonic instant, in ms, before which no write may leave.
 *
 * @internal
 */
export interface Pace {
  at: number
}

// By the set that says which accounts are held: where one process plays several, each has its own. Monotonic instants
// mean nothing to another clock.
const paces = new WeakMap<Set<string>, Map<string, { readonly clock: Clock.Clock; readonly pace: Pace }>>()

/** @internal */
export const of = (held: Set<string>, account: string, clock: Clock.Clock): Pace => {
  let known = paces.get(held)
  if (known === undefined) paces.set(held, (known = new Map()))
  const before = known.get(account)
  if (before?.clock === clock) return before.pace
  const pace = { at: -Infinity }
  known.set(account, { clock, pace })
  return pace
}
