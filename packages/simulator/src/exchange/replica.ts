/**
 * The lists of orders as a read replica shows them: as they were `listStaleness` ms ago. Pure.
 */
import type { State, Version } from "./model.js"

/** The versions of a new exchange. */
export const begun = (state: State): ReadonlyArray<Version> =>
  state.venue.listStaleness > 0 ? [{ from: -Infinity, accounts: state.accounts }] : []

/** The versions once the exchange goes on to `now`: with the present one, and without those that no list shows again. */
export const kept = (state: State, now: number): ReadonlyArray<Version> => {
  const isNew = state.past.at(-1)?.accounts !== state.accounts
  const versions = isNew ? [...state.past, { from: state.now, accounts: state.accounts }] : state.past
  const shown = versions.findLastIndex(({ from }) => from <= now - state.venue.listStaleness)
  return shown > 0 ? versions.slice(shown) : versions
}

/** The accounts as the lists of orders show them now. */
export const shown = (state: State): State["accounts"] => {
  const { listStaleness } = state.venue
  if (listStaleness === 0) return state.accounts
  return state.past.findLast(({ from }) => from <= state.now - listStaleness)!.accounts
}
