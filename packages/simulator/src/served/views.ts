/**
 * A served exchange, and its state as the control API returns it.
 */
import * as HashMap from "effect/HashMap"
import type * as ControlApi from "./ControlApi.js"
import * as Exchange from "../exchange/Exchange.js"
import type * as Journal from "../journal/Journal.js"
import * as Network from "../network/Network.js"
import type * as Venue from "../exchange/Venue.js"
import type { Driver } from "./driver.js"
import { version } from "./version.js"
import type { World } from "../world/world.js"

export interface Served {
  readonly world: World
  readonly driver: Driver
  readonly reset: () => void
}

/** The most accounts and orders in one state. */
const mostAccounts = 100
const mostOrders = 200

/** Restores the exchange of the start. */
export const resetter = (
  world: World,
  options: { readonly accounts: ReadonlyArray<Exchange.Account>; readonly venue: Venue.Options | undefined }
): (() => void) => {
  const faults = world.network.faults.map((active) => active.fault)
  return () => {
    const now = world.pump()
    const network = Network.make({ seed: world.network.seed, link: world.network.link })
    world.reset(Exchange.make({ ...options, now }), network)
    for (const fault of faults) world.addFault(fault)
  }
}

const switchOf = (state: Exchange.State, uid: string): typeof ControlApi.Switch.Type => Exchange.countdown(state, uid)

export const accountOf = (state: Exchange.State, account: Exchange.AccountState): typeof ControlApi.Account.Type => ({
  uid: account.declared.uid,
  mode: account.declared.mode ?? "unified",
  countdownAccess: account.declared.countdownAccess ?? true,
  switch: switchOf(state, account.declared.uid),
  openOrders: HashMap.size(account.open)
})

export const faultOf = (active: Network.Active): typeof ControlApi.ActiveFault.Type => ({
  id: active.id,
  fault: active.text,
  since: active.since,
  seen: active.seen,
  acted: active.acted
})

export const clockOf = ({ driver, world }: Served): typeof ControlApi.Clock.Type => {
  const now = world.pump()
  const due = driver.nextDue()
  return {
    now,
    mode: driver.clock.mode,
    speed: driver.clock.speed,
    ...(due === Infinity ? {} : { nextDue: due }),
    holds: [...driver.holds].map(([name, since]) => ({ name, since })),
    sleeping: driver.sleeping
  }
}

export const total = (journal: Journal.Journal): number => journal.dropped() + journal.size()

/** The state without its accounts. */
const frameOf = (served: Served): Omit<typeof ControlApi.State.Type, "accounts"> => {
  const { world } = served
  const clock = clockOf(served)
  const { state } = world
  return {
    version,
    startedAt: world.startedAt,
    clock,
    seed: world.network.seed,
    maintenance: Exchange.inMaintenance(state),
    windows: state.windows,
    faults: world.network.faults.map(faultOf),
    journal: { total: total(world.journal), dropped: world.journal.dropped() }
  }
}

const shownAccounts = (state: Exchange.State) => Exchange.accounts(state).slice(0, mostAccounts)

const detailOf = (state: Exchange.State, account: Exchange.AccountState) => ({
  ...accountOf(state, account),
  orders: Exchange.openOrders(state, account.declared.uid).slice(0, mostOrders)
})

export const stateOf = (served: Served): typeof ControlApi.State.Type => {
  const frame = frameOf(served)
  const { state } = served.world
  return { ...frame, accounts: shownAccounts(state).map((account) => detailOf(state, account)) }
}

/**
 * The state for one reader. The first one is whole. Later ones have the accounts that have changed since, and all UIDs
 * in `uids`.
 */
export const changes = (served: Served): (() => { readonly isWhole: boolean; readonly view: object }) => {
  let known = new Map<string, { readonly account: Exchange.AccountState; readonly deadline: number | undefined }>()
  let startedAt: number | undefined
  return () => {
    const frame = frameOf(served)
    const { state } = served.world
    const isWhole = startedAt !== frame.startedAt
    const before = isWhole ? new Map() : known
    startedAt = frame.startedAt
    known = new Map()
    const accounts = shownAccounts(state).filter((account) => {
      const { uid } = account.declared
      const now = switchOf(state, uid)
      // A maintenance window can move a deadline without a change of the account.
      const deadline = now._tag === "Armed" ? now.deadline : undefined
      known.set(uid, { account, deadline })
      const last = before.get(uid)
      return last?.account !== account || last.deadline !== deadline
    })
    const view = { ...frame, accounts: accounts.map((account) => detailOf(state, account)) }
    return { isWhole, view: isWhole ? view : { ...view, uids: [...known.keys()] } }
  }
}
