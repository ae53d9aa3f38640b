/**
 * What the heartbeats of one process share: the timer, and what each leaves to the next of its account. A process is
 * known by its set of held accounts, since one process can play several, and monotonic instants mean nothing to another
 * clock.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import type * as FireWindow from "../FireWindow.js"
import { Ticker } from "./ticker.js"

/**
 * When the venue takes the next write, since who arms again as soon as it was released would else be refused for coming
 * too soon after the `0`; and the writes that were never answered, since a `0` among them that arrives late turns off
 * what was armed meanwhile.
 *
 * @internal
 */
export interface Inheritance {
  /** The monotonic instant, in ms, before which no write may leave. */
  paceAt: number
  strays: ReadonlyArray<FireWindow.Pending>
}

/** @internal */
export interface Process {
  readonly ticker: Ticker
  readonly inherited: (account: string) => Inheritance
}

const processes = new WeakMap<Set<string>, WeakMap<Clock.Clock, Process>>()

/** @internal */
export const of = (held: Set<string>, clock: Clock.Clock): Process => {
  let known = processes.get(held)
  if (known === undefined) processes.set(held, (known = new WeakMap()))
  let process = known.get(clock)
  if (process === undefined) known.set(clock, (process = make(clock)))
  return process
}

const make = (clock: Clock.Clock): Process => {
  const left = new Map<string, Inheritance>()
  return {
    ticker: new Ticker(clock),
    inherited: (account) => {
      let inheritance = left.get(account)
      if (inheritance === undefined) left.set(account, (inheritance = { paceAt: -Infinity, strays: [] }))
      return inheritance
    }
  }
}
