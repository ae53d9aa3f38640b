/**
 * What happens to the switch when the scope of a heartbeat closes, and what became of it.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Exit from "effect/Exit"

/**
 * - `Disarm`: turn the switch off; open orders stay
 * - `Lapse`: send nothing; the venue cancels when the countdown has run out
 * - `Shorten`: set the shortest countdown (5 s); the venue cancels soon. Never postpones a nearer deadline.
 *
 * @since 0.1.0
 * @category models
 */
export type Release = "Disarm" | "Lapse" | "Shorten"

/**
 * Chooses by the way in which the scope ended.
 *
 * @since 0.1.0
 * @category models
 */
export type Policy = (exit: Exit.Exit<unknown, unknown>) => Release

/**
 * The default: turn the switch off, however the scope ended.
 *
 * @since 0.1.0
 * @category policies
 */
export const disarm: Policy = () => "Disarm"

/**
 * What became of the switch. All instants are ms since the epoch on the host's wall clock.
 *
 * - `Disarmed`: proven off; nothing fires from any write of this heartbeat
 * - `DisarmUnconfirmed`: the `0` was not acknowledged, or a beat that was never answered may still land after it;
 *   nothing fires after `until`
 * - `Lapsing`: left to run out; it fires between the two edges unless it already has
 * - `Shortened`: set to the shortest countdown; it fires between the two edges
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Data.TaggedEnum<{
  Disarmed: {}
  DisarmUnconfirmed: { readonly until: number }
  Lapsing: { readonly earliestFire: number; readonly latestFire: number }
  Shortened: { readonly earliestFire: number; readonly latestFire: number }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const Outcome = Data.taggedEnum<Outcome>()
