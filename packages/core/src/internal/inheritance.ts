/**
 * What one heartbeat of an account leaves to the next in the same process: when the venue takes the next write, since who
 * arms again as soon as it was released would else be refused for coming too soon after the `0`; and the writes that were
 * never answered, since a `0` among them that arrives late turns off what was armed meanwhile.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import type * as FireWindow from "../FireWindow.js"

/** @internal */
export interface Inheritance {
  /** The monotonic instant, in ms, before which no write may leave. */
  paceAt: number
  strays: ReadonlyArray<FireWindow.Pending>
}

// By the set that says which accounts are held: where one process plays several, each has its own. Monotonic instants
// mean nothing to another clock.
const left = new WeakMap<Set<string>, Map<string, { readonly clock: Clock.Clock; readonly inheritance: Inheritance }>>()

/** @internal */
export const of = (held: Set<string>, account: string, clock: Clock.Clock): Inheritance => {
  let known = left.get(held)
  if (known === undefined) left.set(held, (known = new Map()))
  const before = known.get(account)
  if (before?.clock === clock) return before.inheritance
  const inheritance: Inheritance = { paceAt: -Infinity, strays: [] }
  known.set(account, { clock, inheritance })
  return inheritance
}
