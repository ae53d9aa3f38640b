import * as Expect from "@effect-deadman/simulator/Expect"
import * as Faults from "@effect-deadman/simulator/Faults"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { matchers } from "@effect-deadman/simulator/vitest"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { expect } from "vitest"
import * as Bot from "../support/Bot.js"

expect.extend(matchers)

const run = Effect.gen(function* () {
  yield* Simulator.placeOrder()
  for (let n = 0; n < 3; n++) {
    yield* Bot.setCountdown("10")
    yield* TestClock.adjust("3 seconds")
  }
  yield* Faults.crash()
  yield* TestClock.adjust("10 seconds")
  return yield* Simulator.record
}).pipe(Effect.provide(Simulator.layer({ seed: 4711 })))

describe("vitest", () => {
  it.effect("matches a recorded run", () =>
    Effect.map(run, (run) => {
      expect(run).toHaveOrdersCancelled({ within: "7 seconds", after: "crash" })
      expect(run).toHaveOrdersStillOpen({ at: "crash" })
      expect(run).toBeArmedThroughout({ to: "crash" })
      expect(run).toHaveFiredOnce({ after: "crash" })
      expect(run).toHaveFired()
      expect(run).not.toHaveFired({ to: "crash" })
      expect(run).toStayClosedAfterFire()
      expect(run).not.toBeatFasterThan("3 seconds")
      expect(run).toBeatFasterThan("3001 millis")
      expect(run).toMeet(Expect.beats({ atLeast: 3, atMost: 3 }))
      expect(run).not.toHaveOrdersCancelled({ within: "6999 millis", after: "crash" })
    })
  )

  it.effect("fails with the whole report", () =>
    Effect.map(run, (run) => {
      expect(() => expect(run).toHaveOrdersCancelled({ within: "5 seconds", after: "crash" })).toThrow(
        /expected {2}every order open at "crash" \(9\.000 s\)[^]*observed {2}1 of 1 order gone only at 16\.000 s[^]*seed 4711[^]*crash/
      )
      expect(() => expect(run).not.toHaveFired()).toThrow(/it fired at 16\.000 s/)
      expect(() => expect(run).toBeatFasterThan("1 second")).toThrow(/none were \(seed 4711\)/)
      expect(() => expect(run).not.toHaveFiredOnce()).toThrow(/firedOnce was met, and must not be \(seed 4711\)/)
    })
  )

  it.effect("fails with and without `not` where nothing can be judged", () =>
    Effect.map(run, (run) => {
      const early = { to: "1 hours" } as const
      expect(() => expect(run).toHaveFired(early)).toThrow(/has only come to/)
      expect(() => expect(run).not.toHaveFired(early)).toThrow(/has only come to/)
      expect(() => expect(run).toHaveFiredOnce({ after: "crsh" })).toThrow(/marked: "crash"; did you mean `crash`\?/)
      expect(() => expect(run).not.toHaveFiredOnce({ after: "crsh" })).toThrow(/only these were marked/)
      expect(() => expect("a run").toHaveFired()).toThrow(/Simulator\.record/)
      expect(() => expect("a run").not.toHaveFired()).toThrow(/Simulator\.record/)
    })
  )
})
