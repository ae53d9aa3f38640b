/**
 * Shared state of the heartbeats of one process: the timer, and the state that a heartbeat leaves to the next one of
 * its account.
 *
 * The set of accounts in use identifies the process, because a simulation runs several in one. Instants are monotonic,
 * so the records are kept per clock. They are plain data on `globalThis`, because one process may load two copies of
 * this package, or of Effect, while the exchange sees only one account.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import type * as Scheduler from "effect/Scheduler"
import type * as FireWindow from "../../FireWindow.js"
import { isLive, read } from "../clock.js"
import { Ticker } from "./ticker.js"

/**
 * The state that a heartbeat leaves to the next one of its account: the pace, and the unresolved writes that may still
 * arrive. A `0` among them would turn off the switch that the next heartbeat has armed.
 *
 * @internal
 */
export interface Inheritance {
  /** The monotonic instant, in ms, before which no write may be sent. */
  paceAt: number
  unresolvedWrites: ReadonlyArray<FireWindow.Pending>
  /** Whether an order has outlived a proven firing, so that open orders prove nothing. */
  isEvidenceRefuted?: boolean
  /** The origin of the clock of `paceAt` on `performance.now()`, ms. Two copies of Effect have different ones. */
  origin: number
}

type Inherited = WeakMap<Set<string>, Map<string, Inheritance>>

interface Shared {
  readonly accounts: Set<string>
  /** For the live clock. Each copy of Effect has its own. */
  readonly inherited: Inherited
  /** For any other clock. */
  readonly ofClocks: WeakMap<Clock.Clock, Inherited>
}

const key = Symbol.for("@effect-deadman/core/process/1")
const shared: Shared = ((globalThis as { [key]?: Shared })[key] ??= {
  accounts: new Set(),
  inherited: new WeakMap(),
  ofClocks: new WeakMap()
})

/**
 * The accounts in use in this process, shared by all copies of the package.
 *
 * @internal
 */
export const accounts = shared.accounts

/**
 * The state that the previous heartbeat of the account has left, on the given clock.
 *
 * @internal
 */
export const inheritance = (held: Set<string>, clock: Clock.Clock, account: string): Inheritance => {
  const inherited = isLive(clock) ? shared.inherited : getOr(shared.ofClocks, clock, () => new WeakMap())
  const all = getOr(inherited, held, () => new Map<string, Inheritance>())
  const left = getOr(all, account, () => ({ paceAt: -Infinity, unresolvedWrites: [], origin: 0 }))
  const origin = isLive(clock) ? read(clock).mono - performance.now() : 0
  const shift = origin - left.origin
  // A shift below the precision of the readings means the same clock.
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
 * The timer of the heartbeats that share a clock and a scheduler. A scheduler that is shut down stops no other timer.
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
