/**
 * An engine as @effect/cluster is one with locks in tables: each runner looks now and then at who lives, lays the
 * accounts out over the living, gives up what is not its own, and takes the locks that are free or have expired.
 */
import { accountName } from "./Plan.js"
import type { Process, World } from "./World.js"

export interface Engine {
  readonly isMine: (process: Process, account: string) => boolean
  readonly begin: (process: Process) => void
  /** Gives its locks back, as a process that stops in order. */
  readonly leave: (process: Process) => void
  readonly shuffle: () => void
  readonly lie: (account: string, owners: ReadonlyArray<string> | undefined) => void
}

const hash = (text: string): number => {
  let h = 0x811c9dc5
  for (let index = 0; index < text.length; index++) h = Math.imul(h ^ text.charCodeAt(index), 0x01000193)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return (h ^ (h >>> 12)) >>> 0
}

export const make = (world: World): Engine => {
  const { log, now, plan, schedule } = world
  const { every, gullible, lease } = plan.engine
  const accounts = Array.from({ length: plan.accounts }, (_, index) => accountName(index))
  const seenAt = new Map<string, number>()
  const locks = new Map<string, { readonly runner: string; until: number }>()
  const beliefs = new Map<string, Set<string>>()
  const reachedAt = new Map<string, number>()
  const lies = new Map<string, ReadonlyArray<string>>()
  const begun: Array<Process> = []
  let salt = 0

  const believes = ({ boot }: Process): Set<string> => {
    const known = beliefs.get(boot)
    if (known !== undefined) return known
    const made = new Set<string>()
    beliefs.set(boot, made)
    return made
  }

  const isMine = (process: Process, account: string): boolean =>
    lies.get(account)?.includes(process.runner) ?? believes(process).has(account)

  const note = (process: Process, account: string): void =>
    log({ _tag: "Engine", at: now(), boot: process.boot, account, isMine: isMine(process, account) })

  const believe = (process: Process, account: string, mine: boolean): void => {
    const mineNow = believes(process)
    if (mineNow.has(account) === mine) return
    if (mine) mineNow.add(account)
    else mineNow.delete(account)
    note(process, account)
  }

  const look = (process: Process): void => {
    const { boot, runner } = process
    if (world.cuts.store.has(runner) || world.outage !== undefined) {
      if (now() - (reachedAt.get(boot) ?? 0) >= gullible)
        for (const account of accounts) believe(process, account, false)
      return
    }
    reachedAt.set(boot, now())
    seenAt.set(runner, now())
    const living = [...seenAt].filter(([, at]) => now() - at < lease).map(([name]) => name)
    for (const account of accounts) {
      const weight = (name: string): number => hash(`${account} ${salt} ${name}`)
      const assigned = living.reduce((best, name) => (weight(name) > weight(best) ? name : best))
      const lock = locks.get(account)
      const isHeld = lock?.runner === runner && now() < lock.until
      if (assigned !== runner) {
        believe(process, account, false)
        if (isHeld) locks.delete(account)
      } else if (isHeld || lock === undefined || now() >= lock.until) {
        locks.set(account, { runner, until: now() + lease })
        believe(process, account, true)
      } else believe(process, account, false)
    }
  }

  const goOn = (process: Process): void => {
    if (process.isGone) return
    if (process.pauses === 0) look(process)
    schedule(every, () => goOn(process))
  }

  return {
    isMine,
    begin: (process) => {
      begun.push(process)
      goOn(process)
    },
    leave: (process) => {
      for (const account of accounts) believe(process, account, false)
      seenAt.delete(process.runner)
      for (const [account, lock] of locks) if (lock.runner === process.runner) locks.delete(account)
    },
    shuffle: () => void salt++,
    lie: (account, owners) => {
      if (owners === undefined) lies.delete(account)
      else lies.set(account, owners)
      for (const process of begun) if (!process.isGone) note(process, account)
    }
  }
}
