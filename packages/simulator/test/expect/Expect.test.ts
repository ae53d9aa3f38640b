import * as Expect from "@effect-deadman/simulator/Expect"
import * as Faults from "@effect-deadman/simulator/Faults"
import type * as History from "@effect-deadman/simulator/History"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Bot from "../support/Bot.js"

const beat = (seconds = "10", uid = "1000001") =>
  Effect.ignore(Effect.timeout(Bot.setCountdown(seconds, { keys: Bot.keysOf(uid) }), "2 seconds"))

/** A simple bot: two orders, and a beat every three seconds. */
const myBot = Effect.zipRight(
  Effect.zipRight(Simulator.placeOrder(), Simulator.placeOrder({ category: "SPOT" })),
  Effect.forever(Effect.zipRight(beat(), Effect.sleep("3 seconds")))
)

const pass = (time: string) => TestClock.adjust(time as "1 seconds")

const run = <A, E>(
  program: Effect.Effect<A, E, Simulator.Simulator | Effect.Effect.Context<ReturnType<typeof beat>>>
) => Effect.zipRight(program, Simulator.record).pipe(Effect.provide(Simulator.layer({ seed: 4711 })))

/** The bot runs for 25 s, crashes, and the test waits 20 s more. */
const crashed = run(
  Effect.gen(function* () {
    yield* Effect.fork(myBot)
    yield* pass("25 seconds")
    yield* Faults.crash()
    yield* pass("20 seconds")
  })
)

/** The first three beats are in time, the fourth is half a second late, and two more follow at once. */
const stumbles = run(
  Effect.gen(function* () {
    yield* Simulator.placeOrder()
    for (const wait of ["3 seconds", "3 seconds", "10500 millis", "900 millis", "3 seconds"]) {
      yield* beat()
      yield* pass(wait)
    }
    yield* Simulator.mark("end")
  })
)

const holds = (evidence: History.Evidence, ...expectations: ReadonlyArray<Expect.Expectation>) => {
  for (const expectation of expectations) {
    Option.match(expectation.judge(evidence), {
      onNone: () => undefined,
      onSome: (error) => assert.fail(error.message)
    })
  }
}

const fails = (evidence: History.Evidence, expectation: Expect.Expectation): Expect.ExpectationFailed =>
  Option.getOrElse(expectation.judge(evidence), () => assert.fail(`${expectation.name} was met`))

const expected = `
ordersCancelled
  expected  every order open at "crash" (25.000 s) to be gone within 5 s, by 30.000 s
  observed  2 of 2 orders gone only at 34.000 s, 9 s after it and 4 s too late
  nearest   the switch fired at 34.000 s, 9 s after it

  seed 4711, account 1000001
     t/s  bot                   network                      exchange             open
  21.000  beat 10 s -> ok                                    refreshed to 31.000     2
  24.000  beat 10 s -> ok                                    refreshed to 34.000     2
  25.000  ** crash **                                                                2
  25.000                        + partition;account=1000001                          2
  27.000  beat 10 s ->          x request lost (partition)                           2
  29.000  gave up on beat 10 s                                                       2
  30.000                                                                             2  <- 5 s after "crash" (25.000 s)
  32.000  beat 10 s ->          x request lost (partition)                           2
  34.000  gave up on beat 10 s                                                       0
  34.000                                                     FIRED, cancels 2        0  <- 4 s too late
  37.000  beat 10 s ->          x request lost (partition)                           0
  39.000  gave up on beat 10 s                                                       0
`

describe("Expect", () => {
  it.effect("my bot crashes: its orders are gone within ten seconds", () =>
    Effect.gen(function* () {
      yield* Effect.fork(myBot)
      yield* TestClock.adjust("25 seconds")
      yield* Faults.crash()
      yield* TestClock.adjust("10 seconds")
      yield* Expect.ordersCancelled({ within: "10 seconds", after: "crash" })
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("a failure says what was expected, what happened, where, the nearest miss, and the seed", () =>
    Effect.gen(function* () {
      const error = fails(yield* crashed, Expect.ordersCancelled({ within: "5 seconds", after: "crash" }))
      assert.strictEqual(error._tag, "ExpectationFailed")
      // Under vitest the message also names the page of the run.
      assert.strictEqual(`\n${error.message.replace(/\n {2}the run as a page: .*\n/, "")}`, expected)
    })
  )

  it.effect("an effect fails with the typed error, and succeeds when the run meets the expectation", () =>
    Effect.gen(function* () {
      yield* Simulator.placeOrder()
      yield* beat()
      yield* pass("3 seconds")
      yield* Expect.neverFired()
      const error = yield* Effect.flip(Expect.firedOnce())
      assert.strictEqual(error.expectation, "firedOnce")
      const caught = yield* Expect.firedOnce().pipe(Effect.catchTag("ExpectationFailed", (e) => Effect.succeed(e.seed)))
      assert.strictEqual(caught, 7)
    }).pipe(Effect.provide(Simulator.layer({ seed: 7 })))
  )

  it.effect("holds for what is true of a bot that crashes", () =>
    Effect.gen(function* () {
      holds(
        yield* crashed,
        Expect.ordersCancelled({ within: "9 seconds", after: "crash" }),
        Expect.ordersStillOpen({ at: "crash" }),
        Expect.ordersStillOpen({ at: "33999 millis" }),
        Expect.armedThroughout({ to: "crash" }),
        Expect.armedThroughout({ from: "0 seconds", to: "34 seconds" }),
        Expect.firedOnce({ after: "crash", within: "9 seconds" }),
        Expect.neverFired({ to: "crash" }),
        Expect.closedAfterFire(),
        Expect.beatsNeverFasterThan("3 seconds"),
        Expect.beatsNeverSlowerThan("3 seconds", { to: "crash" }),
        Expect.beats({ to: "crash", atLeast: 9, atMost: 9 }),
        Expect.always("an open order", (view) => view.openOrders > 0, { from: "1 millis", to: "crash" }),
        Expect.never("fewer than seven seconds left", (view) => (view.remaining ?? 0) < 7_000, { to: "crash" }),
        Expect.eventually("no order is open", (view) => view.openOrders === 0, { after: "crash", within: "9 seconds" }),
        Expect.sometimes("a firing", (entry) => entry._tag === "Switch" && entry.transition === "fired")
      )
    })
  )

  it.effect("fails for what is false of it, and says by how much", () =>
    Effect.gen(function* () {
      const evidence = yield* crashed
      const told = (expectation: Expect.Expectation) => {
        const { nearestMiss, observed } = fails(evidence, expectation)
        return [observed, nearestMiss]
      }
      assert.deepStrictEqual(told(Expect.ordersCancelled({ within: "8999 millis", after: "crash" })), [
        "2 of 2 orders gone only at 34.000 s, 9 s after it and 0.001 s too late",
        "the switch fired at 34.000 s, 9 s after it"
      ])
      assert.deepStrictEqual(told(Expect.ordersStillOpen({ at: "34 seconds" })), [
        "2 orders gone, the first cancelled by the countdown at 34.000 s",
        "0 s before"
      ])
      assert.deepStrictEqual(told(Expect.armedThroughout()), [
        "not armed from 34.000 s to 45.000 s, 11 s: the switch had fired at 34.000 s",
        "the last beat before was sent at 32.000 s: request lost"
      ])
      assert.deepStrictEqual(told(Expect.firedOnce({ within: "33 seconds" })), [
        "it fired at 34.000 s, 1 s too late",
        "34 s after 0.000 s"
      ])
      assert.deepStrictEqual(told(Expect.neverFired()), [
        "it fired at 34.000 s and cancelled 2 orders",
        "the last beat before was sent at 32.000 s: request lost"
      ])
      assert.deepStrictEqual(told(Expect.beatsNeverFasterThan("3001 millis")), [
        "9 gaps shorter than that",
        "the tightest is 3 s, at 3.000 s"
      ])
      assert.deepStrictEqual(told(Expect.beatsNeverSlowerThan("2999 millis", { to: "crash" })), [
        "none from 0.000 s to 3.000 s, 3 s",
        "0.001 s too long"
      ])
      assert.deepStrictEqual(told(Expect.beats({ to: "crash", atMost: 8 })), ["9 beats", undefined])
      assert.deepStrictEqual(told(Expect.always("armed", (view) => view.remaining !== undefined)), [
        "not at 34.000 s: not armed, no open orders, fired 1 times",
        undefined
      ])
      assert.deepStrictEqual(told(Expect.never("fired", (view) => view.fired > 0))[0]?.slice(0, 15), "not at 34.000 s")
      assert.deepStrictEqual(
        told(Expect.eventually("fired", (view) => view.fired > 0, { after: "crash", within: "8 seconds" })),
        ["never; at the end: 1 s before firing, 2 open orders, fired 0 times", "at 34.000 s, 1 s too late"]
      )
      assert.match(told(Expect.sometimes("a fill", (entry) => entry._tag === "Filled"))[0] ?? "", /^not in any of the/)
    })
  )

  it.effect("finds the beat that came too late, the re-arming after the firing, and the second firing", () =>
    Effect.gen(function* () {
      const evidence = yield* stumbles
      assert.strictEqual(
        fails(evidence, Expect.neverFired()).nearestMiss,
        "the next beat was applied at 16.500 s, 0.5 s later (sent at 16.500 s)"
      )
      assert.strictEqual(
        fails(evidence, Expect.armedThroughout()).observed,
        "not armed from 16.000 s to 16.500 s, 0.5 s: the switch had fired at 16.000 s"
      )
      assert.include(fails(evidence, Expect.closedAfterFire()).observed, "armed again at 16.500 s, 0.5 s later")
      assert.strictEqual(
        fails(evidence, Expect.beatsNeverFasterThan("1 second")).nearestMiss,
        "the tightest is 0.9 s, at 17.400 s"
      )
      holds(evidence, Expect.firedOnce(), Expect.beatsNeverFasterThan("900 millis"))
      const twice = yield* run(
        Effect.gen(function* () {
          yield* beat("5")
          yield* pass("6 seconds")
          yield* beat("5")
          yield* pass("6 seconds")
        })
      )
      assert.include(fails(twice, Expect.firedOnce()).observed, "it fired 2 times: at 5.000 s, 11.000 s")
      holds(twice, Expect.firedOnce({ after: "6 seconds" }))
    })
  )

  it.effect("judges the pace as the bot sends, or as the exchange sees it", () =>
    Effect.gen(function* () {
      const evidence = yield* run(
        Effect.gen(function* () {
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* Faults.add("delay-request;by=1s;times=1")
              yield* Effect.fork(beat())
              yield* pass("1500 millis")
              yield* beat()
            })
          )
        })
      )
      holds(evidence, Expect.beatsNeverFasterThan("1 second"))
      const seen = fails(evidence, Expect.beatsNeverFasterThan("1 second", { seen: "arrived" }))
      assert.strictEqual(seen.nearestMiss, "the tightest is 0.5 s, at 1.500 s")
    })
  )

  it.effect("does not take a copy that the network made for a beat of the bot", () =>
    Effect.gen(function* () {
      const evidence = yield* run(
        Faults.during(Effect.repeatN(Effect.zipRight(beat(), pass("3 seconds")), 1), "duplicate;by=500ms;copies=2")
      )
      holds(evidence, Expect.beats({ atLeast: 2, atMost: 2 }), Expect.beatsNeverFasterThan("1 second"))
      assert.lengthOf(
        evidence.entries.filter((entry) => entry._tag === "Request"),
        6
      )
    })
  )

  it.effect("judges the given record, not later changes", () =>
    Effect.gen(function* () {
      yield* Faults.add("delay-request;by=1s")
      yield* Effect.fork(beat())
      yield* pass("500 millis")
      const evidence = yield* Simulator.record
      const before = JSON.stringify(evidence)
      yield* pass("5 seconds")
      assert.strictEqual(JSON.stringify(evidence), before)
      assert.notStrictEqual(JSON.stringify(yield* Simulator.record), before)
    }).pipe(Effect.scoped, Effect.provide(Simulator.layer()))
  )

  it.effect("judges every account on its own, and only the account of a mark", () =>
    Effect.gen(function* () {
      const evidence = yield* Effect.gen(function* () {
        yield* Simulator.placeOrder({ account: "1" })
        yield* Simulator.placeOrder({ account: "2" })
        yield* beat("10", "1")
        yield* beat("40", "2")
        yield* Simulator.mark("all")
        yield* Simulator.mark("one", "1")
        yield* pass("20 seconds")
        return yield* Simulator.record
      }).pipe(Effect.provide(Simulator.layer({ accounts: [{ uid: "1" }, { uid: "2" }] })))
      holds(evidence, Expect.ordersCancelled({ within: "10 seconds", after: "one" }))
      holds(evidence, Expect.firedOnce({ account: "1" }), Expect.neverFired({ account: "2" }))
      const error = fails(evidence, Expect.ordersCancelled({ within: "10 seconds", after: "all" }))
      assert.strictEqual(error.observed, "1 of 1 order of account 2 still open at 20.000 s")
      assert.strictEqual(error.nearestMiss, "the switch was armed and would fire at 40.000 s")
    })
  )

  it.effect(
    "does not judge what it cannot: too early, never marked, nothing at stake, or a journal that is not whole",
    () =>
      Effect.gen(function* () {
        const evidence = yield* run(
          Effect.gen(function* () {
            yield* Simulator.mark("before")
            yield* pass("1 seconds")
            yield* Simulator.placeOrder()
            yield* beat()
            yield* Simulator.mark("crash")
            yield* pass("4 seconds")
          })
        )
        const open = (expectation: Expect.Expectation, of = evidence) => {
          const error = fails(of, expectation)
          assert.isFalse(error.judged)
          return error.observed
        }
        assert.strictEqual(
          open(Expect.ordersCancelled({ within: "10 seconds", after: "crash" })),
          "the run has only come to 5.000 s: let 6 s more pass"
        )
        assert.strictEqual(
          open(Expect.ordersCancelled({ within: "10 seconds", after: "crsh" })),
          'only these were marked: "before", "crash"; did you mean `crash`?'
        )
        assert.match(open(Expect.ordersCancelled({ within: "1 seconds", after: "before" })), /nothing was at stake/)
        assert.match(open(Expect.neverFired({ to: "6 seconds" })), /let 1 s more pass/)
        assert.match(open(Expect.closedAfterFire()), /never fired/)
        assert.match(open(Expect.neverFired(), { ...evidence, dropped: 3 }), /3 older entries were dropped/)
        assert.isTrue(fails(evidence, Expect.firedOnce()).judged)
      })
  )
  /** An account with an order that beats for 12 s, another without requests, and marks in between. */
  const quiet = Effect.gen(function* () {
    yield* Simulator.placeOrder({ account: "1" })
    yield* Simulator.mark("begin")
    for (let n = 0; n < 4; n++) {
      yield* beat("10", "1")
      yield* pass("3 seconds")
    }
    yield* Simulator.mark("end")
    return yield* Simulator.record
  }).pipe(Effect.provide(Simulator.layer({ accounts: [{ uid: "1" }, { uid: "2" }] })))

  const yesToAnything = () => true

  /** Every expectation that takes a span or an account, so that it holds for account 1 of `quiet`. */
  const all: ReadonlyArray<(options: Expect.Span) => Expect.Expectation> = [
    (span) => Expect.armedThroughout(span),
    (span) => Expect.neverFired(span),
    (span) => Expect.beatsNeverFasterThan("1 second", span),
    (span) => Expect.beatsNeverSlowerThan("3 seconds", span),
    (span) => Expect.beats({ atMost: 9, ...span }),
    (span) => Expect.always("anything", yesToAnything, span),
    (span) => Expect.never("anything", () => false, span)
  ]
  const ofAccount: ReadonlyArray<(options: Expect.Of) => Expect.Expectation> = [
    ...all,
    (of) => Expect.ordersCancelled({ within: "1 second", after: "begin", ...of }),
    (of) => Expect.ordersStillOpen({ at: "end", ...of }),
    (of) => Expect.firedOnce(of),
    (of) => Expect.closedAfterFire(of),
    (of) => Expect.eventually("anything", yesToAnything, { within: "1 second", ...of })
  ]

  const notJudged = (evidence: History.Evidence, expectation: Expect.Expectation, why: RegExp) => {
    const error = fails(evidence, expectation)
    assert.match(error.observed, why, expectation.name)
    assert.isFalse(error.judged, expectation.name)
    assert.include(error.message, `${expectation.name} was not judged`)
  }

  it.effect("holds for no unknown account, and for no account without requests", () =>
    Effect.gen(function* () {
      const evidence = yield* quiet
      for (const expectation of ofAccount) {
        notJudged(evidence, expectation({ account: "1O" }), /the exchange has no account "1O"; it has 1, 2/)
        notJudged(evidence, expectation({ account: "2" }), /account 2 did nothing/)
      }
      for (const expectation of all) holds(evidence, expectation({ account: "1" }), expectation({ from: "begin" }))
    })
  )

  it.effect("holds for no span that ends before it begins, and for none in the future", () =>
    Effect.gen(function* () {
      const evidence = yield* quiet
      for (const expectation of all) {
        notJudged(evidence, expectation({ from: "end", to: "begin" }), /upside down/)
        notJudged(evidence, expectation({ to: "13 seconds" }), /let 1 s more pass/)
        notJudged(evidence, expectation({ from: "1 hours" }), /upside down|let/)
      }
      notJudged(evidence, Expect.firedOnce({ after: "1 hours" }), /has only come to/)
      const soon = { within: "1 second", after: "1 hours" } as const
      notJudged(evidence, Expect.eventually("anything", yesToAnything, soon), /has only come to/)
    })
  )

  it.effect("holds for no switch that was never armed", () =>
    Effect.gen(function* () {
      const evidence = yield* run(
        Effect.gen(function* () {
          yield* Simulator.placeOrder()
          yield* Faults.during(Effect.zipRight(Effect.fork(beat()), pass("5 seconds")), "drop-request")
          yield* Simulator.mark("before")
          yield* pass("1 seconds")
        })
      )
      notJudged(evidence, Expect.neverFired(), /never armed/)
      notJudged(evidence, Expect.firedOnce(), /never armed/)
      assert.isTrue(fails(evidence, Expect.armedThroughout()).judged)
      const late = yield* run(
        Effect.gen(function* () {
          yield* Simulator.placeOrder()
          yield* pass("1 seconds")
          yield* Simulator.mark("before")
          yield* pass("1 seconds")
          yield* beat()
        })
      )
      notJudged(late, Expect.neverFired({ to: "before" }), /never armed/)
      notJudged(late, Expect.armedThroughout({ to: "before" }), /first armed after that/)
      notJudged(late, Expect.beatsNeverSlowerThan("1 second", { to: "before" }), /no beat before/)
      notJudged(late, Expect.beatsNeverFasterThan("1 second"), /no account sent two beats/)
      // One instant is judged, and the switch was not armed at it.
      assert.isTrue(fails(late, Expect.armedThroughout({ from: "before", to: "before" })).judged)
    })
  )

  it.effect("holds for no journal that was cleared, that has dropped entries, or that is empty", () =>
    Effect.gen(function* () {
      const whole = yield* quiet
      const cleared = { ...whole, entries: whole.entries.slice(4) }
      for (const expectation of ofAccount) {
        notJudged(cleared, expectation({}), /its beginning is missing/)
        notJudged({ ...whole, dropped: 1 }, expectation({}), /1 older entries were dropped/)
        notJudged({ ...whole, entries: [] }, expectation({}), /its beginning is missing/)
      }
      notJudged(cleared, Expect.sometimes("anything", yesToAnything), /its beginning is missing/)
    })
  )

  it.effect("holds for no range of beats that was not given", () =>
    Effect.gen(function* () {
      const evidence = yield* quiet
      // As a program without types may call it.
      const beats = Expect.beats as (options: object) => Expect.Expectation
      for (const options of [{}, { min: 3, max: 5 }, { atLeast: 0 }, { atLeast: 5, atMost: 4 }, { atMost: NaN }]) {
        notJudged(evidence, beats(options), /give atLeast \(from 1\), atMost/)
      }
      holds(evidence, Expect.beats({ atLeast: 4 }), Expect.beats({ atMost: 4 }))
      assert.isTrue(fails(evidence, Expect.beats({ atMost: 3 })).judged)
    })
  )

  it.effect("a failed account takes precedence over one that cannot be judged", () =>
    Effect.gen(function* () {
      const evidence = yield* Effect.gen(function* () {
        yield* Simulator.placeOrder({ account: "1" })
        yield* beat("10", "2")
        yield* pass("20 seconds")
        yield* beat("10", "2")
        yield* pass("20 seconds")
        return yield* Simulator.record
      }).pipe(Effect.provide(Simulator.layer({ accounts: [{ uid: "1" }, { uid: "2" }] })))
      const error = fails(evidence, Expect.firedOnce())
      assert.include(error.observed, "it fired 2 times of account 2")
      assert.isTrue(error.judged)
    })
  )
})
