/** The promise of a measurement, checked over real HTTP at the exchange of a seed. */
import * as Server from "@effect-deadman/simulator/Server"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { infer } from "../../../src/probe/infer.js"
import { defaults } from "../../../src/probe/plan.js"
import { run } from "../../../src/probe/run.js"
import * as Draws from "./draws.js"
import * as World from "./world.js"

/** How much faster than the host's clock the exchange and the measurement live. */
const speed = 8

/** A clock that runs faster than the host's. */
const faster = (clock: Clock.Clock): Clock.Clock => {
  const millis = clock.unsafeCurrentTimeMillis()
  const nanos = clock.unsafeCurrentTimeNanos()
  const unsafeCurrentTimeMillis = () => millis + (clock.unsafeCurrentTimeMillis() - millis) * speed
  const unsafeCurrentTimeNanos = () => nanos + (clock.unsafeCurrentTimeNanos() - nanos) * BigInt(speed)
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis,
    unsafeCurrentTimeNanos,
    currentTimeMillis: Effect.sync(unsafeCurrentTimeMillis),
    currentTimeNanos: Effect.sync(unsafeCurrentTimeNanos),
    sleep: (duration) => clock.sleep(Duration.millis(Duration.toMillis(duration) / speed))
  }
}

export const getsBack = (seed: number) =>
  Effect.gen(function* () {
    // What the host takes for a call is eight times as long here.
    const venue = { ...Draws.draw(seed).venue, timestampWindow: 3_600_000 }
    const server = yield* Layer.build(
      Server.layer({ port: 0, accounts: World.accounts, clock: { mode: "scaled", speed }, venue })
    ).pipe(Effect.flatMap((context) => Effect.provide(Server.Server, context)))
    const { tell } = World.listen()
    const observations = yield* run({ ...defaults, listings: 3, firings: 4, orders: 3 }, tell).pipe(
      Effect.provide(Layer.provide(World.client(server.url, "5 minutes"), FetchHttpClient.layer)),
      Effect.withClock(faster(yield* Effect.clock))
    )
    const findings = infer(observations)
    assert.deepStrictEqual(Draws.differences(venue, findings), [])
    assert.strictEqual(findings.firings, 7)
  }).pipe(Effect.scoped)
