/** What the parts of the world share: its time, its dice, its log, and what is broken at the moment. */
import type { Dice } from "../Plan.js"
import type * as Log from "./Log.js"
import type { Cut, Plan } from "./Plan.js"

/** One process of a runner. */
export interface Process {
  readonly runner: string
  readonly boot: string
  /** Whether it has gone, by a crash or in order. */
  isGone: boolean
  pauses: number
}

export interface World {
  readonly plan: Plan
  readonly now: () => number
  /** Calls a plain function after so many ms. */
  readonly schedule: (millis: number, run: () => void) => void
  readonly log: (entry: Log.Entry) => void
  readonly die: Dice
  /** By runner name. */
  readonly cuts: { readonly store: Map<string, Cut>; readonly exchange: Map<string, Cut> }
  outage: Cut | undefined
  slowBy: number
}

/** From the healing on nothing is lost or late by chance. */
const isHealed = ({ now, plan }: World): boolean => now() >= plan.healAt

export const draws = (world: World, share: number): boolean => !isHealed(world) && world.die.chance(share)
