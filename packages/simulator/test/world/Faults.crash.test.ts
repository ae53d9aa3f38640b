import * as Expect from "@effect-deadman/simulator/Expect"
import * as Faults from "@effect-deadman/simulator/Faults"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import * as VirtualTime from "@effect-deadman/simulator/VirtualTime"
import { it } from "@effect-deadman/simulator/VirtualTimeVitest"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Bot from "../support/Bot.js"

/** A simple bot: an order, a beat every three seconds, and a finalizer that switches off. */
const bot = (uid: string) => {
  const set = (seconds: string) =>
    Effect.ignore(Effect.timeout(Bot.setCountdown(seconds, { keys: Bot.keysOf(uid) }), "2 seconds"))
  return Simulator.placeOrder({ account: uid }).pipe(
    Effect.zipRight(Effect.forever(Effect.zipRight(set("10"), Effect.sleep("2500 millis")))),
    Effect.ensuring(set("0"))
  )
}

const accounts = [{ uid: "1" }, { uid: "2" }]

/** The requests of an account after an instant of the simulator's time. */
const drawn = (uid: string, after: number) =>
  Effect.map(
    Effect.flatMap(Simulator.Simulator, ({ journal }) => journal.entries),
    (entries) =>
      entries.flatMap((entry) => {
        if (entry._tag !== "Request" || entry.account !== uid) return []
        const { abortedAt, receivedAt, sentAt } = entry
        return [abortedAt, receivedAt, sentAt].filter((at) => at !== undefined && at > after)
      })
  )

describe("Faults.crash", () => {
  it.virtual("ends the bot's party: no finalizer, nothing of it in the journal, and nothing that waits for it", () =>
    Effect.gen(function* () {
      const first = yield* Effect.fork(VirtualTime.withParty(bot("1"), "one"))
      yield* Effect.forkScoped(VirtualTime.withParty(bot("2"), "two"))
      // A beat was sent at 6 s, and its answer is on its way.
      yield* Effect.sleep("6300 millis")
      assert.isTrue(Option.isNone(yield* Faults.crash("1")))
      yield* Fiber.await(first)
      yield* Effect.sleep("20 seconds")
      assert.deepStrictEqual(yield* drawn("1", 6_300), [])
      assert.isAbove((yield* drawn("2", 6_300)).length, 10)
      assert.deepStrictEqual(yield* Faults.active, [])
      yield* Expect.ordersCancelled({ within: "10 seconds", after: "crash", account: "1" })
      yield* Expect.armedThroughout({ account: "2" })
      // The account is not cut off: another process of the bot can take over.
      yield* Effect.forkScoped(VirtualTime.withParty(bot("1"), "one again"))
      yield* Effect.sleep("1 second")
      assert.strictEqual((yield* Simulator.countdown("1"))._tag, "Armed")
    }).pipe(Effect.scoped, Effect.provide(Simulator.layer({ accounts, link: { request: "250ms", answer: "250ms" } })))
  )

  it.virtual("cuts the network where there is no party, and gives the fault to remove", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(bot("1"))
      yield* Effect.sleep("6 seconds")
      const fault = yield* Faults.crash("1")
      yield* Effect.sleep("6 seconds")
      const lost = yield* drawn("1", 6_000)
      assert.isAbove(lost.length, 0)
      assert.deepStrictEqual(
        (yield* Faults.active).map(({ text }) => text),
        ["partition;account=1"]
      )
      yield* Faults.remove(Option.getOrThrow(fault))
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* Simulator.countdown("1"))._tag, "Closed")
    }).pipe(Effect.provide(Simulator.layer({ accounts })))
  )

  it.virtual("fails for an unknown account", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Faults.crash("1O"))
      assert.strictEqual(error._tag, "UnknownAccount")
    }).pipe(Effect.provide(Simulator.layer({ accounts })))
  )
})
