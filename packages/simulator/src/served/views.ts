/**
 * What a server controls: the world, what moves it, and how it was at the start.
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

/** No page of a person's needs more than that. */
const mostAccounts = 100
const mostOrders = 200

/** How the exchange is put back to what it was started with. */
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

/** All that the page shows of the exchange but its accounts. */
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
 * The state as one reader is told of it: whole at first, and then `accounts` has those that have changed since it was last
 * asked for, and `uids` all.
 */
export const changes = (served: Served): (() => { readonly isWhole: boolean; readonly told: object }) => {
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
      // A release window can move a deadline, and leave the account as it is.
      const deadline = now._tag === "Armed" ? now.deadline : undefined
      known.set(uid, { account, deadline })
      const last = before.get(uid)
      return last?.account !== account || last.deadline !== deadline
    })
    const told = { ...frame, accounts: accounts.map((account) => detailOf(state, account)) }
    return { isWhole, told: isWhole ? told : { ...told, uids: [...known.keys()] } }
  }
}
