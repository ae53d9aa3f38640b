/**
 * Enters a runner into the store: refuses a living twin, and settings that differ from those of the others.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Store } from "../AccountStore.js"
import * as ClusterError from "../ClusterError.js"
import type { Runner } from "../Ownership.js"
import { waitForStore } from "./away.js"
import { bounded } from "./bounded.js"
import { livingFor, reportEvery, storeTimeout } from "./settings.js"

/** The longest time for which a request of a runner that has lost the store can still arrive, ms. */
const horizon = 35_000

/** What each runner of this process has joined with, in one or several calls. */
const joinings = new WeakMap<Runner, Parameters<Store["join"]>[0]>()

/**
 * A process that was killed leaves its name behind: waits until that looks dead. The runner leaves when the scope
 * closes.
 *
 * @internal
 */
export const join = (
  store: Store,
  runner: Runner,
  settings: Readonly<Record<string, string>>,
  grace: number
): Effect.Effect<
  void,
  ClusterError.RunnerNameTaken | ClusterError.SettingsMismatch | ClusterError.StoreUnavailable,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const options = { runner, settings, living: livingFor, remembered: grace + horizon }
    for (let left = Math.ceil(livingFor / reportEvery) + 1; ; left--) {
      const answer = yield* waitForStore(bounded("join", store.join(options), 5 * storeTimeout))
      if (answer._tag === "Mismatch") {
        const { other, setting, theirs } = answer
        const ours = settings[setting] ?? ""
        return yield* new ClusterError.SettingsMismatch({ runner: runner.name, setting, ours, other, theirs })
      }
      if (answer._tag === "Joined") break
      if (left <= 0) return yield* new ClusterError.RunnerNameTaken({ runner: runner.name })
      yield* Effect.sleep(reportEvery)
    }
    const before = joinings.get(runner)
    joinings.set(runner, {
      ...options,
      settings: { ...before?.settings, ...settings },
      remembered: Math.max(before?.remembered ?? 0, options.remembered)
    })
    yield* Effect.addFinalizer(() => Effect.ignore(bounded("leave", store.leave(runner), storeTimeout)))
  })

/**
 * Takes the name back from a process that has stopped or does not live any more, in the one step of the store by which
 * every process takes a name. Gives whether this runner has its name.
 *
 * @internal
 */
export const rejoin = (store: Store, runner: Runner): Effect.Effect<boolean, ClusterError.StoreUnavailable> => {
  const options = joinings.get(runner)
  return options === undefined
    ? Effect.succeed(false)
    : Effect.map(bounded("join", store.join(options), storeTimeout), ({ _tag }) => _tag === "Joined")
}
