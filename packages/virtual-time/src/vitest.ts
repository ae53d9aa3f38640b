/**
 * `it.virtual`, like `it.effect`, but in virtual time, with the same test services. A body that calls
 * `TestClock.adjust` needs no change. Time also passes by itself when nothing can run, so a body may simply sleep.
 *
 * Needs `vitest` and `@effect/vitest`, which are optional peers of this package.
 *
 * @since 0.1.0
 */
import * as EffectVitest from "@effect/vitest"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as TestServices from "effect/TestServices"
import type * as V from "vitest"
import * as VirtualTime from "./VirtualTime.js"

/**
 * The services that a body of `it.virtual` may use.
 *
 * @since 0.1.0
 * @category models
 */
export type Services = TestServices.TestServices | VirtualTime.VirtualTime | Scope.Scope

/** The services of `it.effect` without its clock. */
const testServices: Layer.Layer<TestServices.TestServices> = Layer.mergeAll(
  TestServices.annotationsLayer(),
  TestServices.sizedLayer(100),
  TestServices.testConfigLayer({ repeats: 100, retries: 100, samples: 200, shrinks: 1000 }),
  Layer.provide(
    TestServices.liveLayer(),
    Layer.syncContext(() => DefaultServices.liveServices)
  ),
  Logger.remove(Logger.defaultLogger)
)

/**
 * A tester like `it.effect` (with `skip`, `only`, `each`, `prop`, ...) that runs each body in its own world with these
 * options. A failing body fails the test with its own error. One that gets stuck or reaches a limit fails with `Stuck`
 * or `LimitReached`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options?: VirtualTime.PromiseOptions): EffectVitest.Vitest.Tester<Services> => {
  const live = EffectVitest.live
  const inside =
    <A, E, Args extends Array<unknown>>(self: EffectVitest.Vitest.TestFunction<A, E, Services, Args>) =>
    (...args: Args): Effect.Effect<A, E | VirtualTime.VirtualTimeError> =>
      Effect.suspend(() => self(...args)).pipe(
        Effect.scoped,
        Effect.provide(testServices),
        (body) => Effect.promise((signal) => VirtualTime.runPromise(body, { ...options, signal })),
        Effect.flatMap((outcome) => outcome.exit)
      )
  const test =
    (tester: EffectVitest.Vitest.Test<never>): EffectVitest.Vitest.Test<Services> =>
    <A, E>(
      name: string,
      self: EffectVitest.Vitest.TestFunction<A, E, Services, [V.TestContext]>,
      timeout?: number | V.TestOptions
    ) =>
      tester(name, inside(self), timeout)
  return Object.assign(test(live), {
    skip: test(live.skip),
    only: test(live.only),
    fails: test(live.fails),
    skipIf: (condition: unknown) => test(live.skipIf(condition)),
    runIf: (condition: unknown) => test(live.runIf(condition)),
    each:
      <T>(cases: ReadonlyArray<T>) =>
      <A, E>(
        name: string,
        self: EffectVitest.Vitest.TestFunction<A, E, Services, Array<T>>,
        timeout?: number | V.TestOptions
      ) =>
        live.each(cases)(name, inside<A, E, Array<T>>(self), timeout),
    prop: ((name, arbitraries, self, timeout) =>
      live.prop(name, arbitraries, inside(self), timeout)) satisfies EffectVitest.Vitest.Tester<Services>["prop"]
  })
}

/**
 * A tester with the default options.
 *
 * @since 0.1.0
 * @category constructors
 */
export const virtual: EffectVitest.Vitest.Tester<Services> = make()

/**
 * The `it` of `@effect/vitest`, with `it.virtual`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const it: EffectVitest.Vitest.Methods & { readonly virtual: EffectVitest.Vitest.Tester<Services> } =
  Object.assign(EffectVitest.it, { virtual })
