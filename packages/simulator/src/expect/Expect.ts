/**
 * Assertions in the words of the domain, over the simulator's journal.
 *
 * ```ts
 * import * as Expect from "@effect-deadman/simulator/Expect"
 * import * as Effect from "effect/Effect"
 *
 * const verdict = Effect.gen(function* () {
 *   yield* Expect.ordersCancelled({ within: "10 seconds", after: "crash" })
 *   yield* Expect.armedThroughout({ to: "crash" })
 *   yield* Expect.firedOnce({ after: "crash" })
 * })
 * ```
 *
 * An {@link Expectation} is an effect for any test runner, and a value that judges a recorded run (`judge`). Its error
 * says what was expected, what was observed, the nearest miss, the slice of the timeline in which it happened, and the
 * seed.
 *
 * Without `account`, every account in the journal is judged on its own. An event is the name of a mark
 * (`Simulator.mark("crash")`, the last of that name) or the time since the simulator's start (`"12 seconds"`).
 *
 * @since 0.1.0
 */
/**
 * @since 0.1.0
 */
export * from "./anything.js"
/**
 * @since 0.1.0
 */
export * from "./beats.js"
/**
 * @since 0.1.0
 */
export * from "./expectation.js"
/**
 * @since 0.1.0
 * @category models
 */
export type { Event, Of, Span } from "./judging.js"
/**
 * @since 0.1.0
 */
export * from "./orders.js"
/**
 * @since 0.1.0
 */
export * from "./switch.js"
