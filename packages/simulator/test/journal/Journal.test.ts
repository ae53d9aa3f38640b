import * as Exchange from "@effect-deadman/simulator/Exchange"
import * as Journal from "@effect-deadman/simulator/Journal"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as TestClock from "effect/TestClock"
import { World } from "../../src/world/world.js"
import * as Network from "@effect-deadman/simulator/Network"
import * as Bot from "../support/Bot.js"

const mark = (n: number): Journal.Entry => ({ _tag: "Mark", at: n, name: `mark ${n}`, account: undefined })

const right = <A, E>(result: Either.Either<A, E>): A => Either.getOrThrowWith(result, (error) => error as Error)

describe("Journal", () => {
  it("keeps its newest entries in order and counts the dropped ones", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.integer({ min: 1, max: 12 }),
        FastCheck.integer({ min: 0, max: 40 }),
        (size, count) => {
          const journal = Journal.make({ size })
          for (let n = 0; n < count; n++) journal.append(mark(n))
          const kept = Array.from({ length: count }, (_, n) => mark(n)).slice(-size)
          assert.deepStrictEqual(journal.entries(), count === 0 ? [] : kept)
          assert.strictEqual(journal.dropped(), Math.max(0, count - size))
        }
      )
    )
  })

  const rights: ReadonlyArray<Omit<Exchange.Account, "uid">> = [
    {},
    { mode: "classic" },
    { accountMode: "hybrid" },
    { accountMode: "upgrading", countdownAccess: false }
  ]

  /** A world without fibers: the clock is a number. */
  const play = (actions: ReadonlyArray<readonly [wait: number, action: number]>, venue: Venue.Options) => {
    let now = 1_700_000_000_000
    const accounts = [{ uid: "1" }, { uid: "2" }]
    const world = new World(
      Exchange.make({ accounts, venue, now }),
      Network.make({ seed: 1 }),
      Journal.make({ size: 100_000 }),
      () => now
    )
    for (const [wait, action] of actions) {
      now += wait
      const account = action % 2 === 0 ? "1" : "2"
      const orderId = Exchange.openOrders(world.state, account)[0]?.orderId
      const reduceOnly = action % 3 === 0 ? "yes" : "no"
      const order = { category: "SPOT", symbol: "BTCUSDT", side: "buy", qty: "4", price: "3", reduceOnly } as const
      switch (Math.floor(action / 2)) {
        case 0:
          world.step({ _tag: "SetCountdown", account, seconds: 5, by: 7 })
          break
        case 1:
          world.step({ _tag: "SetCountdown", account, seconds: 0 })
          break
        case 2:
          world.step({ _tag: "PlaceOrder", account, order: { ...order, orderType: "limit" } })
          break
        case 3:
          world.step({ _tag: "PlaceOrder", account, order: { ...order, orderType: "market", price: undefined } })
          break
        case 4:
          world.step({ _tag: "PlaceOrder", account, order: { ...order, orderType: "limit", timeInForce: "ioc" } })
          break
        case 5:
          world.step({ _tag: "CancelOrders", account, category: "SPOT" })
          break
        case 6:
          if (orderId !== undefined) world.step({ _tag: "FillOrder", account, orderId, qty: "1" })
          break
        case 7:
          world.step({ _tag: "Maintenance", window: { from: now + 1_000, to: now + 4_000 } })
          break
        case 8:
          world.step({ _tag: "AddAccount", account: { uid: "3", ...rights[(wait + action) % rights.length] } })
          break
        default:
          world.pump()
      }
    }
    world.pump()
    return { entries: world.journal.entries(), world }
  }

  const actions = FastCheck.array(
    FastCheck.tuple(
      FastCheck.oneof(
        FastCheck.constantFrom(0, 1, 1_000, 4_999, 5_000, 5_001),
        FastCheck.integer({ min: 0, max: 7_000 })
      ),
      FastCheck.integer({ min: 0, max: 19 })
    ),
    { minLength: 1, maxLength: 50 }
  )
  const venue: FastCheck.Arbitrary<Venue.Options> = FastCheck.record({
    boundary: FastCheck.constantFrom("fire" as const, "beat" as const),
    sweepPeriod: FastCheck.constantFrom(0, 250, 1_000),
    triggerLatency: FastCheck.constantFrom(0, 300),
    cancelPace: FastCheck.constantFrom(0, 40),
    cancelOrder: FastCheck.constantFrom("oldest" as const, "newest" as const),
    placingLatency: FastCheck.constantFrom(0, 700),
    sparedOrders: FastCheck.constantFrom([], ["reduceOnly" as const]),
    listStaleness: FastCheck.constantFrom(0, 900),
    maintenanceTimer: FastCheck.constantFrom("runs" as const, "pauses" as const, "fires-at-end" as const)
  })

  it("(7) replaying the journal rebuilds the state, from a file too", () => {
    FastCheck.assert(
      FastCheck.property(actions, venue, (actions, venue) => {
        const { entries, world } = play(actions, venue)
        const read = right(Journal.fromNdjson(Journal.toNdjson(entries)))
        assert.strictEqual(Journal.toNdjson(read), Journal.toNdjson(entries))
        for (const given of [entries, read]) {
          const rebuilt = right(Journal.replay(given, { now: world.state.now }))
          assert.deepStrictEqual(Exchange.snapshot(rebuilt), Exchange.snapshot(world.state))
        }
      }),
      { numRuns: 500 }
    )
  })

  it("(7) a replay keeps the mode and the rights of every account, declared at the start, later or anew", () => {
    const now = 1_700_000_000_000
    const accounts = rights.map((given, index) => ({ uid: `${index}`, ...given }))
    const world = new World(Exchange.make({ accounts, now }), Network.make({ seed: 1 }), Journal.make(), () => now)
    for (const [index, given] of rights.entries()) {
      world.step({ _tag: "AddAccount", account: { uid: `later ${index}`, ...given } })
      world.step({ _tag: "AddAccount", account: { uid: `${index}`, ...rights[(index + 1) % rights.length] } })
      for (const entries of [
        world.journal.entries(),
        right(Journal.fromNdjson(Journal.toNdjson(world.journal.entries())))
      ]) {
        const declared = (state: Exchange.State) =>
          Exchange.accounts(state).map(({ declared: { keys: _keys, ...rest } }) => rest)
        assert.deepStrictEqual(declared(right(Journal.replay(entries))), declared(world.state))
      }
    }
  })

  it("(7) a journal that was tampered with does not replay, and the error names the entry", () => {
    // Arm, place an order, let the switch fire.
    const { entries } = play(
      [
        [0, 4],
        [0, 0],
        [6_000, 19]
      ],
      {}
    )
    const fired = entries.findIndex((entry) => entry._tag === "Switch" && entry.transition === "fired")
    const tampered: ReadonlyArray<readonly [change: string, entries: ReadonlyArray<Journal.Entry>, at: number]> = [
      ["fired later", entries.with(fired, { ...entries[fired]!, at: 1_700_000_005_001 } as Journal.Entry), fired],
      ["never fired", entries.toSpliced(fired, 1), fired],
      ["a cancel left out", entries.toSpliced(fired + 1, 1), entries.length - 1],
      ["no beginning", entries.slice(1), 0]
    ]
    for (const [change, given, at] of tampered) {
      const result = Journal.replay(given)
      assert.isTrue(Either.isLeft(result), change)
      if (Either.isLeft(result)) assert.strictEqual(result.left.entry, at, `${change}: ${result.left.message}`)
    }
  })

  it("a file that is no journal says which line is wrong, and why", () => {
    for (const [text, line, mention] of [
      [`${Journal.toNdjson([mark(1)])}{`, 2, "JSON"],
      [`\n\n{"_tag":"Nothing"}`, 3, "Nothing"],
      [`{"_tag":"Mark","at":"noon","name":"x"}`, 1, "noon"]
    ] as const) {
      const result = Journal.fromNdjson(text)
      assert.isTrue(Either.isLeft(result))
      if (Either.isLeft(result)) {
        assert.strictEqual(result.left.line, line)
        assert.include(result.left.message, mention)
      }
    }
  })

  it.effect("holds no secret, wherever a request contains one", () =>
    Effect.gen(function* () {
      yield* Bot.setCountdown("10")
      yield* Bot.call("POST", "/api/v3/trade/nothing", JSON.stringify(Bot.demoKeys))
      yield* Bot.call("GET", `/api/v3/account/settings?secret=${Bot.demoKeys.secret}`, "")
      yield* TestClock.adjust("10 seconds")
      const simulator = yield* Simulator.Simulator
      const text = yield* simulator.journal.ndjson
      assert.include(text, "fired")
      for (const secret of Object.values(Bot.demoKeys)) assert.notInclude(text, secret)
      assert.notInclude(
        text,
        Bot.signature(Bot.demoKeys.secret, `0POST/api/v3/trade/countdown-cancel-all{"countdown":"10"}`)
      )
    }).pipe(Effect.provide(Simulator.layer()))
  )
})
