/**
 * The assertions of `Expect` as matchers of vitest. They judge a recorded run:
 *
 * ```ts
 * import * as Simulator from "@effect-deadman/simulator/Simulator"
 * import { matchers } from "@effect-deadman/simulator/vitest"
 * import * as Effect from "effect/Effect"
 * import { expect } from "vitest"
 *
 * expect.extend(matchers)
 *
 * const test = Effect.gen(function* () {
 *   // ... the run ...
 *   const run = yield* Simulator.record
 *   expect(run).toHaveOrdersCancelled({ within: "10 seconds", after: "crash" })
 *   expect(run).not.toHaveFired({ to: "crash" })
 * })
 * ```
 *
 * A failure ends with the path of a page of the run, which is written under `node_modules/.cache/effect-deadman`.
 *
 * This module does not import vitest.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Expect from "./Expect.js"
import * as Failure from "./failure.js"
import type * as History from "../journal/History.js"

/**
 * The result of a matcher.
 *
 * @since 0.1.0
 * @category models
 */
export interface Result {
  readonly pass: boolean
  readonly message: () => string
}

const isEvidence = (received: unknown): received is History.Evidence =>
  typeof received === "object" && received !== null && "entries" in received && "seed" in received

/** The `this` of a matcher: whether it was called after `.not`. */
interface Context {
  readonly isNot?: boolean | undefined
}

/** `reverse`: the matcher passes when the expectation is not met, as `toHaveFired` does with `neverFired`. */
const judge = (
  context: Context | void,
  received: unknown,
  expectation: Expect.Expectation,
  reverse: boolean,
  met: string
): Result => {
  // A run that cannot be judged fails with and without `.not`.
  const neither = context?.isNot === true
  if (!isEvidence(received)) {
    return { pass: neither, message: () => "expect(...) takes a run here: give it `yield* Simulator.record`" }
  }
  const failed = Option.getOrUndefined(expectation.judge(received))
  if (failed === undefined) {
    const callSite = Failure.callSite()
    const message = () => {
      const page = Failure.writePage(received, expectation.name, callSite())
      return [`${met} (seed ${received.seed})`, ...Failure.pageLines(page)].join("\n")
    }
    return { pass: !reverse, message }
  }
  return { pass: failed.judged ? reverse : neither, message: () => failed.message }
}

const meets = (context: Context | void, received: unknown, expectation: Expect.Expectation): Result =>
  judge(context, received, expectation, false, `${expectation.name} was met, and must not be`)

/**
 * The matchers, for `expect.extend(matchers)`.
 *
 * @since 0.1.0
 * @category matchers
 */
export const matchers = {
  /** Meets any expectation, for example `Expect.eventually(...)`. */
  toMeet(this: Context | void, run: unknown, expectation: Expect.Expectation): Result {
    return meets(this, run, expectation)
  },
  /** `Expect.ordersCancelled` */
  toHaveOrdersCancelled(
    this: Context | void,
    run: unknown,
    options: Parameters<typeof Expect.ordersCancelled>[0]
  ): Result {
    return meets(this, run, Expect.ordersCancelled(options))
  },
  /** `Expect.ordersStillOpen` */
  toHaveOrdersStillOpen(
    this: Context | void,
    run: unknown,
    options: Parameters<typeof Expect.ordersStillOpen>[0]
  ): Result {
    return meets(this, run, Expect.ordersStillOpen(options))
  },
  /** `Expect.armedThroughout` */
  toBeArmedThroughout(this: Context | void, run: unknown, options?: Expect.Span): Result {
    return meets(this, run, Expect.armedThroughout(options))
  },
  /** `Expect.firedOnce` */
  toHaveFiredOnce(this: Context | void, run: unknown, options?: Parameters<typeof Expect.firedOnce>[0]): Result {
    return meets(this, run, Expect.firedOnce(options))
  },
  /** The reverse of `Expect.neverFired`: `expect(run).not.toHaveFired()`. */
  toHaveFired(this: Context | void, run: unknown, options?: Expect.Span): Result {
    return judge(this, run, Expect.neverFired(options), true, "the switch was expected to fire, and never did")
  },
  /** `Expect.closedAfterFire` */
  toStayClosedAfterFire(this: Context | void, run: unknown, options?: Expect.Of): Result {
    return meets(this, run, Expect.closedAfterFire(options))
  },
  /** The reverse of `Expect.beatsNeverFasterThan`: `expect(run).not.toBeatFasterThan("1 second")`. */
  toBeatFasterThan(
    this: Context | void,
    run: unknown,
    pace: Duration.DurationInput,
    options?: Parameters<typeof Expect.beatsNeverFasterThan>[1]
  ): Result {
    const never = Expect.beatsNeverFasterThan(pace, options)
    return judge(this, run, never, true, "some beats were expected to be closer together, and none were")
  }
}

type Matchers = {
  readonly [K in keyof typeof matchers]: (typeof matchers)[K] extends (received: unknown, ...args: infer Args) => Result
    ? (...args: Args) => void
    : never
}

/**
 * The matchers as `expect(run)` has them.
 *
 * @since 0.1.0
 * @category models
 */
export interface DeadmanMatchers extends Matchers {}

declare module "vitest" {
  // Declaration merging requires the type parameter of vitest's own declaration.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Matchers<T> extends DeadmanMatchers {}
}
