/**
 * Faults of the network that are in force until their scope closes.
 *
 * ```ts
 * import * as Faults from "@effect-deadman/simulator/Faults"
 * import * as Effect from "effect/Effect"
 *
 * const broken = Effect.scoped(
 *   Effect.gen(function* () {
 *     yield* Faults.add("drop-answer;after=2;times=3")
 *     // ... the network is broken here ...
 *   })
 * ) // ... and healed here
 * ```
 *
 * The module `Fault` has the grammar.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type * as Fault from "../network/Fault.js"
import type * as Network from "../network/Network.js"
import * as Simulator from "./Simulator.js"

/**
 * Adds a fault, as a value or as text, until the scope closes.
 *
 * @since 0.1.0
 * @category faults
 */
export const add = (
  fault: Fault.Fault | string
): Effect.Effect<Network.Active, Simulator.InvalidFault, Simulator.Simulator | Scope.Scope> =>
  Effect.flatMap(Simulator.Simulator, ({ network }) => network.add(fault))

/**
 * Runs an effect while these faults are in force.
 *
 * @example
 * ```ts
 * import * as Faults from "@effect-deadman/simulator/Faults"
 * import * as TestClock from "effect/TestClock"
 *
 * const cutOff = Faults.during(TestClock.adjust("20 seconds"), "partition;account=1000001")
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const during = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  ...faults: ReadonlyArray<Fault.Fault | string>
): Effect.Effect<A, E | Simulator.InvalidFault, R | Simulator.Simulator> =>
  Effect.scopedWith((scope) =>
    Effect.zipRight(
      Scope.extend(
        Effect.forEach(faults, (fault) => add(fault), { discard: true }),
        scope
      ),
      effect
    )
  )

/**
 * Removes a fault before its scope closes. Does nothing when it is gone already.
 *
 * @since 0.1.0
 * @category faults
 */
export const remove = (active: Network.Active): Effect.Effect<void, never, Simulator.Simulator> =>
  Effect.flatMap(Simulator.Simulator, ({ network }) => network.remove(active.id))

/**
 * Removes all faults.
 *
 * @since 0.1.0
 * @category faults
 */
export const heal: Effect.Effect<void, never, Simulator.Simulator> = Effect.flatMap(
  Simulator.Simulator,
  ({ network }) => network.heal
)

/**
 * The faults in force, with their counters.
 *
 * @since 0.1.0
 * @category getters
 */
export const active: Effect.Effect<ReadonlyArray<Network.Active>, never, Simulator.Simulator> = Effect.flatMap(
  Simulator.Simulator,
  ({ network }) => network.faults
)

/**
 * Crashes the bot of an account (by default the first), and marks `"crash"` for `Expect`. Requests under way still
 * arrive, as after a real crash.
 *
 * A bot that runs as a party of virtual time (`VirtualTime.withParty`) ends as by `kill -9`. Every party that has sent
 * requests of the account takes no further step and runs no finalizer, and nothing of it is in the journal afterwards.
 * A fiber outside that waits for it finds it interrupted.
 *
 * Without a party a program cannot be killed from within its own process. Then only its network is cut, by the returned
 * fault: from now on its requests are lost, and so are the responses that have not left the exchange. A response that
 * is on its way arrives. The program itself runs on: it retries, its finalizers run, and its requests are in the
 * journal and in pictures, as lost.
 *
 * Fails with `UnknownAccount` for an account that the exchange does not have.
 *
 * @example
 * ```ts
 * import * as Expect from "@effect-deadman/simulator/Expect"
 * import * as Faults from "@effect-deadman/simulator/Faults"
 * import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
 * import * as Effect from "effect/Effect"
 *
 * declare const bot: Effect.Effect<void>
 *
 * const test = Effect.gen(function* () {
 *   yield* Effect.fork(VirtualTime.withParty(bot, "bot"))
 *   yield* Effect.sleep("1 minute")
 *   yield* Faults.crash()
 *   yield* Effect.sleep("10 seconds")
 *   yield* Expect.ordersCancelled({ within: "10 seconds", after: "crash" })
 * })
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const crash = (
  account?: string
): Effect.Effect<Option.Option<Network.Active>, Simulator.UnknownAccount, Simulator.Simulator> =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.Simulator
    const uid = account ?? simulator.account
    yield* Simulator.countdown(uid) // fails for an unknown account
    yield* Simulator.mark("crash", uid)
    if ((yield* simulator.crashParties(uid)) > 0) return Option.none()
    const partition: Fault.Fault = { act: { kind: "partition" }, on: { account: [uid] } }
    // A fault that is a value has no syntax error.
    return Option.some(yield* Effect.orDie(simulator.network.addUntilRemoved(partition)))
  })
