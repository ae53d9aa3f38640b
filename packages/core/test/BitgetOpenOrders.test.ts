/** Bitget's list of open orders as evidence: pages, categories, limits, and what it proves over the whole stack. */
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetOpenOrders from "@effect-deadman/core/BitgetOpenOrders"
import * as Credentials from "@effect-deadman/core/Credentials"
import type * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as World from "./support/world.js"

const client = BitgetClient.layerConfig.pipe(
  Layer.provide(Credentials.layerConfig),
  Layer.provide(Simulator.layerCredentials)
)

const start = 1_700_000_000_000

/** The requests for open orders, as the exchange saw them. */
const lists = Effect.map(
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.journal.entries),
  (entries) =>
    entries.filter(
      (entry): entry is Journal.RequestRecord => entry._tag === "Request" && entry.endpoint === "unfilled-orders"
    )
)

/** A source of open orders, and the category of each page that it has asked for. */
const spied = (options?: BitgetOpenOrders.Options) =>
  Effect.gen(function* () {
    const client = yield* BitgetClient.BitgetClient
    const asked: Array<string | undefined> = []
    const execute: typeof client.execute = (request) => {
      asked.push(request.query?.["category"])
      return client.execute(request)
    }
    const orders = yield* Effect.provideService(BitgetOpenOrders.make(options), BitgetClient.BitgetClient, {
      ...client,
      execute
    })
    return { ...orders, asked }
  })

const place = (order?: Simulator.TestOrder) => Effect.map(Simulator.placeOrder(order), (placed) => placed.createdTime)

describe("BitgetOpenOrders", () => {
  World.virtual(
    "lists page after page, within half the exchange's limit, and stops at the first proof with the stamps of its page",
    Effect.gen(function* () {
      const { asked, survivor } = yield* spied({ categories: ["SPOT", "USDT-FUTURES", "USDC-FUTURES"] })
      for (let n = 0; n < 350; n++) {
        yield* place()
        yield* Effect.sleep(1)
      }
      // The newest first: the 180 newest are on the first page and most of the second.
      const sighting = yield* survivor(start + 170)
      const requests = yield* lists
      assert.deepStrictEqual(asked, ["SPOT", "USDT-FUTURES", "USDT-FUTURES"])
      for (const [index, { sentAt }] of requests.entries()) {
        if (index > 0) assert.isAtLeast(sentAt - requests[index - 1]!.sentAt, 100)
      }
      const last = requests.at(-1)!
      assert.deepStrictEqual([sighting?.createdAt, sighting?.listedAt], [start + 169, last.arrivedAt])
      assert.strictEqual(sighting?.sentAt.wall, last.sentAt)
    }).pipe(Effect.provide(client))
  )

  World.virtual(
    "asks every category by default, and gives nothing where no order is old enough",
    Effect.gen(function* () {
      const { account, asked, survivor } = yield* spied()
      const createdAt = yield* place()
      assert.isUndefined(yield* survivor(createdAt))
      assert.deepStrictEqual(asked, [...BitgetOpenOrders.categories])
      assert.isDefined(yield* survivor(createdAt + 1))
      assert.strictEqual(account, (yield* BitgetClient.BitgetClient).account)
    }).pipe(Effect.provide(client))
  )

  World.virtual(
    "counts only orders of the given prefix, and those for which the predicate holds",
    Effect.gen(function* () {
      const created = {
        own: yield* place({ clientOid: "mm-1", category: "SPOT" }),
        other: yield* place({ clientOid: "other-1" })
      }
      const found = (options: BitgetOpenOrders.Options) =>
        Effect.flatMap(BitgetOpenOrders.make(options), ({ survivor }) => survivor(start + 1))
      assert.strictEqual((yield* found({ clientOidPrefix: "mm-" }))?.createdAt, created.own)
      assert.isUndefined(yield* found({ clientOidPrefix: "mm-", categories: ["USDT-FUTURES"] }))
      assert.isUndefined(yield* found({ clientOidPrefix: "mm-", only: ({ category }) => category !== "SPOT" }))
      const seen: Array<unknown> = []
      yield* found({ only: (order) => seen.push({ ...order }) === 0 })
      assert.deepInclude(seen[0], { clientOid: "mm-1", category: "SPOT", symbol: "BTCUSDT", orderType: "limit" })
    }).pipe(Effect.provide(client))
  )

  World.virtual(
    "fails within its bound when the exchange never answers, and with the exchange's refusal",
    Effect.gen(function* () {
      const { network } = yield* Simulator.Simulator
      const { survivor } = yield* BitgetOpenOrders.make({ timeout: "2 seconds" })
      yield* network.add("hang;endpoint=unfilled-orders")
      const [took, hung] = yield* Effect.timed(Effect.flip(survivor(start)))
      assert.strictEqual(hung._tag, "RequestTimeout")
      assert.strictEqual(Duration.toMillis(took), 2_000)
      yield* network.heal
      yield* network.add("code;code=40014;endpoint=unfilled-orders")
      assert.strictEqual((yield* Effect.flip(survivor(start)))._tag, "PermissionRefused")
    }).pipe(Effect.provide(client))
  )

  describe("over answers that are not as documented", () => {
    /** A client that gives each page as it is, without stamps of its own. */
    const given = (pages: ReadonlyArray<{ readonly data: unknown; readonly requestTime?: number }>) => {
      const cursors: Array<string | undefined> = []
      const execute: BitgetClient.BitgetClient["Type"]["execute"] = ({ query, response }) => {
        const { data, requestTime } = pages[Math.min(cursors.push(query?.["cursor"]), pages.length) - 1]!
        return Effect.map(Effect.orDie(Schema.decodeUnknown(response)(data)), (decoded) => ({
          data: decoded,
          httpStatus: 200,
          requestTime,
          acceptedAt: undefined,
          completedAt: undefined
        }))
      }
      const survivor = (before: number) =>
        Effect.flatMap(BitgetOpenOrders.make({ categories: ["SPOT"] }), (orders) => orders.survivor(before)).pipe(
          Effect.provideService(BitgetClient.BitgetClient, { account: "main", execute } as never)
        )
      return { cursors, survivor }
    }
    const order = (createdTime: string) => ({ orderId: "1", clientOid: null, createdTime })
    const full = (createdTime: string) => Array.from({ length: 100 }, () => order(createdTime))

    it("takes `requestTime` for a missing header, a second earlier, and no stamp of 0", () => {
      const { survivor } = given([{ data: { list: [order("5000")], cursor: "1" }, requestTime: 9_000 }])
      const seen = Effect.runSync(Effect.forkDaemon(survivor(6_000)))
      return Effect.runPromise(
        Effect.gen(function* () {
          assert.deepInclude(yield* seen, { createdAt: 5_000, listedAt: 8_000 })
          const none = given([{ data: { list: [order("5000")], cursor: null }, requestTime: 0 }])
          assert.isUndefined(yield* none.survivor(6_000))
        })
      )
    })

    it("takes an order without a time for none, and an account without orders for an empty one", () =>
      Effect.runPromise(
        Effect.gen(function* () {
          assert.isUndefined(
            yield* given([{ data: { list: [order("0")], cursor: null }, requestTime: 9_000 }]).survivor(6_000)
          )
          assert.isUndefined(yield* given([{ data: { list: null, cursor: null }, requestTime: 9_000 }]).survivor(6_000))
        })
      ))

    it("stops at a cursor that does not move", () =>
      Effect.runPromise(
        Effect.gen(function* () {
          const page = { data: { list: full("7000"), cursor: "1" }, requestTime: 9_000 }
          const { cursors, survivor } = given([page])
          assert.isUndefined(yield* survivor(6_000))
          assert.deepStrictEqual(cursors, [undefined, "1"])
        })
      ))
  })
})

describe("a heartbeat with the order book as evidence, over the whole stack", () => {
  /** The states after 60 s of a bot with some orders, over a fault of the network that begins after 4 s. */
  const after = (
    fault: string,
    check: (run: { readonly states: ReadonlyArray<string>; readonly open: number; readonly fired: boolean }) => void,
    venue?: Simulator.Options["venue"]
  ) =>
    Effect.gen(function* () {
      const { journal, network } = yield* Simulator.Simulator
      for (let n = 0; n < 200; n++) yield* place()
      const states: Array<string> = []
      const { close } = yield* World.open({
        onUncertain: "verify",
        evidence: yield* BitgetOpenOrders.make(),
        onTransition: ({ provenBy, to }: HeartbeatStatus.Transition) =>
          Effect.sync(() => void states.push(provenBy === undefined ? to._tag : `${to._tag} by ${provenBy}`))
      })
      yield* Effect.sleep("4 seconds")
      yield* network.add(fault)
      yield* Effect.sleep("56 seconds")
      const entries = yield* journal.entries
      check({
        states,
        open: (yield* Simulator.openOrders()).length,
        fired: entries.some((entry) => entry._tag === "Switch" && entry.transition === "fired")
      })
      yield* close
    }).pipe(Effect.provide(client), (effect) => ({
      effect,
      options: venue === undefined ? {} : { simulator: { venue } }
    }))

  const held = after("drop-answer;endpoint=countdown-cancel-all;for=12s", ({ fired, open, states }) => {
    assert.isFalse(fired)
    assert.strictEqual(open, 200)
    assert.deepStrictEqual(states, ["Jeopardy", "MayHaveFired", "Armed by sighting"])
  })
  World.virtual(
    "learns that its orders are still there, where each beat was applied and every answer lost",
    held.effect,
    held.options
  )

  const fired = after("partition;for=12s", ({ fired, open, states }) => {
    assert.isTrue(fired)
    assert.strictEqual(open, 0)
    assert.deepStrictEqual(states, ["Jeopardy", "MayHaveFired"])
  })
  World.virtual("proves nothing over a firing", fired.effect, fired.options)

  // The last of 200 orders goes 4 s after the firing, while the list is asked for the first time a second later.
  const sweep = after(
    "partition;for=12s",
    ({ fired, open, states }) => {
      assert.isTrue(fired)
      assert.strictEqual(open, 0)
      assert.deepStrictEqual(states, ["Jeopardy", "MayHaveFired"])
    },
    { cancelPace: 20, triggerLatency: 900 }
  )
  World.virtual("proves nothing over a firing whose orders are cancelled one by one", sweep.effect, sweep.options)
})
