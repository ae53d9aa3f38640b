/**
 * Shared state of the heartbeats of one process: the timer, and what each heartbeat leaves to the next of its account.
 *
 * A process is known by its set of accounts in use, because one process can play several. Instants are monotonic, so
 * each clock has records of its own. They are plain data on `globalThis`: there may be two copies of this package, or of
 * Effect, in one process, and the exchange sees only one account.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import type * as Scheduler from "effect/Scheduler"
import type * as FireWindow from "../../FireWindow.js"
import { isLive, read } from "../clock.js"
import { Ticker } from "./ticker.js"

/**
 * When the exchange takes the next write of the account, and the unresolved writes that may still arrive. A `0` among
 * them would turn off what the next heartbeat has armed.
 *
 * @internal
 */
export interface Inheritance {
  /** The monotonic instant, in ms, before which no write may be sent. */
  paceAt: number
  unresolvedWrites: ReadonlyArray<FireWindow.Pending>
  /** Where the clock of `paceAt` began on `performance.now()`, ms: two copies of Effect begin theirs at different times. */
  origin: number
}

type Inherited = WeakMap<Set<string>, Map<string, Inheritance>>

interface Shared {
  readonly accounts: Set<string>
  /** By the live clock: each copy of Effect has one of its own. */
  readonly inherited: Inherited
  /** By any other clock. */
  readonly ofClocks: WeakMap<Clock.Clock, Inherited>
}

const key = Symbol.for("@effect-deadman/core/process/1")
const shared: Shared = ((globalThis as { [key]?: Shared })[key] ??= {
  accounts: new Set(),
  inherited: new WeakMap(),
  ofClocks: new WeakMap()
})

/**
 * The accounts in use of this process, however many copies of the package it has loaded.
 *
 * @internal
 */
export const accounts = shared.accounts

/**
 * What the heartbeat before has left, on the given clock.
 *
 * @internal
 */
export const inheritance = (held: Set<string>, clock: Clock.Clock, account: string): Inheritance => {
  const inherited = isLive(clock) ? shared.inherited : getOr(shared.ofClocks, clock, () => new WeakMap())
  const all = getOr(inherited, held, () => new Map<string, Inheritance>())
  const left = getOr(all, account, () => ({ paceAt: -Infinity, unresolvedWrites: [], origin: 0 }))
  const origin = isLive(clock) ? read(clock).mono - performance.now() : 0
  const shift = origin - left.origin
  // Below the precision of the readings it is the same clock.
  if (Math.abs(shift) > 1) {
    left.paceAt += shift
    left.unresolvedWrites = left.unresolvedWrites.map((write) => ({
      ...write,
      sent: { ...write.sent, mono: write.sent.mono + shift }
    }))
  }
  left.origin = origin
  return left
}

const tickers = new WeakMap<Set<string>, WeakMap<Clock.Clock, WeakMap<Scheduler.Scheduler, Ticker>>>()

/**
 * The timer of the heartbeats that share a clock and a scheduler: a scheduler that is shut down stops no other.
 *
 * @internal
 */
export const ticker = (held: Set<string>, clock: Clock.Clock, scheduler: Scheduler.Scheduler): Ticker => {
  const ofClocks = getOr(tickers, held, () => new WeakMap<Clock.Clock, WeakMap<Scheduler.Scheduler, Ticker>>())
  const ofSchedulers = getOr(ofClocks, clock, () => new WeakMap<Scheduler.Scheduler, Ticker>())
  return getOr(ofSchedulers, scheduler, () => new Ticker(clock))
}

const getOr = <K, V>(
  map: { readonly get: (key: K) => V | undefined; readonly set: (key: K, value: V) => unknown },
  key: K,
  make: () => V
): V => {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
