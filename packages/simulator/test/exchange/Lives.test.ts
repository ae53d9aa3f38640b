/**
 * The lives of orders under slow and picky exchanges: when each is accepted, in the book and gone. Compared with a model
 * that keeps no agenda. It has one interval per order, and asks which intervals hold an instant.
 */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import type * as Venue from "@effect-deadman/simulator/Venue"
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"

const uids = ["1", "2"] as const
type Uid = (typeof uids)[number]

const kinds = ["limit", "limit", "limit", "reduceOnly", "margin", "ioc", "market"] as const
type Kind = (typeof kinds)[number]

type Action =
  | { readonly what: "beat"; readonly uid: Uid; readonly seconds: number }
  | { readonly what: "place"; readonly uid: Uid; readonly kind: Kind }
  /** Of the account's orders so far, dead ones included, the one with this number. */
  | { readonly what: "cancel" | "fill"; readonly uid: Uid; readonly number: number }

interface Timed {
  readonly wait: number
  readonly action: Action
}

type Options = Required<
  Pick<
    Venue.Options,
    | "boundary"
    | "sweepPeriod"
    | "triggerLatency"
    | "cancelPace"
    | "cancelOrder"
    | "placingLatency"
    | "sparedOrders"
    | "listStaleness"
  >
>

const uid = FastCheck.constantFrom(...uids)
const action: FastCheck.Arbitrary<Action> = FastCheck.oneof(
  {
    weight: 2,
    arbitrary: FastCheck.record({
      what: FastCheck.constant("beat" as const),
      uid,
      seconds: FastCheck.constantFrom(0, 5, 5, 6)
    })
  },
  {
    weight: 4,
    arbitrary: FastCheck.record({
      what: FastCheck.constant("place" as const),
      uid,
      kind: FastCheck.constantFrom(...kinds)
    })
  },
  {
    weight: 2,
    arbitrary: FastCheck.record({
      what: FastCheck.constantFrom("cancel" as const, "fill" as const),
      uid,
      number: FastCheck.nat(20)
    })
  }
)
const wait = FastCheck.oneof(
  FastCheck.constantFrom(0, 0, 0, 1, 500, 1_000, 5_000, 6_000),
  FastCheck.integer({ min: 0, max: 3_000 })
)
const script = FastCheck.array(FastCheck.record({ wait, action }), { minLength: 1, maxLength: 60, size: "max" })
const options: FastCheck.Arbitrary<Options> = FastCheck.record({
  boundary: FastCheck.constantFrom("fire", "beat"),
  sweepPeriod: FastCheck.constantFrom(0, 250),
  triggerLatency: FastCheck.constantFrom(0, 1, 500, 6_000),
  cancelPace: FastCheck.constantFrom(0, 1, 5, 500, 4_000),
  cancelOrder: FastCheck.constantFrom("oldest", "newest"),
  placingLatency: FastCheck.constantFrom(0, 1, 500, 1_000, 5_000),
  sparedOrders: FastCheck.constantFrom([], [], ["MARGIN"], ["reduceOnly"], ["MARGIN", "reduceOnly"]),
  listStaleness: FastCheck.constantFrom(0, 1, 250, 1_000, 7_000)
})

const plain: Options = {
  boundary: "fire",
  sweepPeriod: 0,
  triggerLatency: 0,
  cancelPace: 0,
  cancelOrder: "oldest",
  placingLatency: 0,
  sparedOrders: [],
  listStaleness: 0
}

const start = 1_700_000_000_123
const long = 400_000

const orderOf = (kind: Kind): Exchange.NewOrder => ({
  category: kind === "margin" ? "MARGIN" : "USDT-FUTURES",
  symbol: "BTCUSDT",
  side: "buy",
  orderType: kind === "market" ? "market" : "limit",
  price: "1",
  qty: "1",
  timeInForce: kind === "ioc" ? "ioc" : "gtc",
  reduceOnly: kind === "reduceOnly" ? "yes" : "no"
})

const idOf = (number: number) => `1${String(number).padStart(18, "0")}`

interface Life {
  readonly orderId: string
  readonly uid: Uid
  readonly kind: Kind
  readonly accepted: number
  readonly opened: number
  end: number
  how: string | undefined
}

interface Told {
  readonly lives: ReadonlyArray<Life>
  readonly firings: ReadonlyArray<string>
  readonly refused: ReadonlyArray<boolean>
  /** The open orders of both accounts after each action. */
  readonly open: ReadonlyArray<ReadonlyArray<string>>
}

/** The model. `met` counts situations, so that the histories that matter are known to be among the drawn ones. */
const model = (script: ReadonlyArray<Timed>, options: Options, met: (situation: string) => void): Told => {
  const { boundary, cancelOrder, cancelPace, placingLatency, sparedOrders, sweepPeriod, triggerLatency } = options
  const lives: Array<Life> = []
  const deadlines = new Map<Uid, number>()
  const firings: Array<string> = []
  const sweeps: Array<{ readonly uid: Uid; readonly from: number; readonly to: number }> = []
  const look = (deadline: number) => (sweepPeriod === 0 ? deadline : Math.ceil(deadline / sweepPeriod) * sweepPeriod)
  const isPast = (instant: number, now: number) => (boundary === "fire" ? instant <= now : instant < now)
  const isSpared = ({ kind }: Life) =>
    (kind === "margin" && sparedOrders.includes("MARGIN")) ||
    (kind === "reduceOnly" && sparedOrders.includes("reduceOnly"))
  const isOpen = (life: Life, now: number) =>
    (placingLatency === 0 || isPast(life.opened, now)) &&
    (life.how === undefined || (life.how === "countdown" && !isPast(life.end, now)))
  const sweeping = (uid: Uid, now: number) =>
    sweeps.some((sweep) => sweep.uid === uid && sweep.from < now && now < sweep.to)

  const fire = (uid: Uid, at: number) => {
    const inBook = lives.filter((life) => life.uid === uid && life.opened <= at && life.end > at)
    const hit = inBook.filter((life) => !isSpared(life))
    if (hit.length < inBook.length) met("a spared order outlives a firing")
    if (lives.some((life) => life.uid === uid && life.opened > at)) met("an order enters the book after the firing")
    if (sweeping(uid, at)) met("a firing while an earlier one still cancels")
    for (const [place, life] of (cancelOrder === "newest" ? hit.toReversed() : hit).entries()) {
      const planned = at + triggerLatency + place * cancelPace
      if (planned >= life.end) continue
      life.end = planned
      life.how = "countdown"
    }
    sweeps.push({ uid, from: at, to: at + triggerLatency + (hit.length - 1) * cancelPace })
    firings.push(`${uid} ${at} ${hit.length}`)
  }
  const fireUntil = (now: number) => {
    for (const [uid, deadline] of deadlines) {
      if (!isPast(look(deadline), now)) continue
      deadlines.delete(uid)
      fire(uid, look(deadline))
    }
  }

  let now = start
  const refused: Array<boolean> = []
  const open: Array<ReadonlyArray<string>> = []
  for (const { action, wait } of script) {
    now += wait
    fireUntil(now)
    let isRefused = false
    switch (action.what) {
      case "beat":
        if (action.seconds === 0) deadlines.delete(action.uid)
        else deadlines.set(action.uid, now + action.seconds * 1_000)
        break
      case "place": {
        const opened = now + placingLatency
        const how = { market: "filled", ioc: "time_in_force" }[action.kind as string]
        lives.push({
          orderId: idOf(lives.length + 1),
          uid: action.uid,
          kind: action.kind,
          accepted: now,
          opened,
          end: how === undefined ? Infinity : opened,
          how
        })
        if (sweeping(action.uid, now)) met("an order is placed while a firing cancels")
        break
      }
      default: {
        const own = lives.filter((life) => life.uid === action.uid)
        const life = own[action.number % Math.max(1, own.length)]
        isRefused = life === undefined || !isOpen(life, now)
        if (life !== undefined && !isRefused) {
          if (life.how === "countdown") met("its owner ends an order that a firing is about to cancel")
          life.end = now
          life.how = action.what === "cancel" ? "request" : "filled"
        }
      }
    }
    refused.push(isRefused)
    open.push(lives.filter((life) => isOpen(life, now)).map((life) => life.orderId))
  }
  fireUntil(now + long)
  return { lives, firings: firings.sort(), refused, open }
}

const eventOf = (action: Action, own: ReadonlyArray<string>): Exchange.Event => {
  const account = action.uid
  switch (action.what) {
    case "beat":
      return { _tag: "SetCountdown", account, seconds: action.seconds }
    case "place":
      return { _tag: "PlaceOrder", account, order: orderOf(action.kind) }
    default: {
      const orderId = own[action.number % Math.max(1, own.length)] ?? "none"
      return { _tag: action.what === "cancel" ? "CancelOrder" : "FillOrder", account, orderId }
    }
  }
}

const play = (script: ReadonlyArray<Timed>, venue: Options) => {
  let state = Exchange.make({ accounts: uids.map((uid) => ({ uid })), venue, now: start })
  let now = start
  const own = new Map<Uid, Array<string>>(uids.map((uid) => [uid, []]))
  const outputs: Array<Exchange.Output> = []
  const refused: Array<boolean> = []
  const states: Array<Exchange.State> = []
  for (const { action, wait } of script) {
    now += wait
    const [next, happened] = Exchange.step(state, eventOf(action, own.get(action.uid)!), now)
    state = next
    refused.push(happened.some((output) => output._tag === "Refused"))
    for (const output of happened) if (output._tag === "Placed") own.get(action.uid)!.push(output.order.orderId)
    outputs.push(...happened)
    states.push(state)
  }
  const [end, rest] = Exchange.advance(state, now + long)
  return { outputs: [...outputs, ...rest], refused, states, end }
}

/** The lives of orders as the outputs tell them. */
const livesOf = (outputs: ReadonlyArray<Exchange.Output>): ReadonlyArray<Omit<Life, "kind">> => {
  const lives = new Map<string, Omit<Life, "kind">>()
  for (const output of outputs) {
    if (!("order" in output)) continue
    const { at, order } = output
    const known = lives.get(order.orderId)
    switch (output._tag) {
      case "Placed":
        assert.strictEqual(order.createdTime, at)
        lives.set(order.orderId, {
          orderId: order.orderId,
          uid: output.account as Uid,
          accepted: at,
          opened: output.entersAt ?? at,
          end: Infinity,
          how: undefined
        })
        break
      case "Entered":
        assert.strictEqual(at, known!.opened)
        break
      case "Filled":
        lives.set(order.orderId, { ...known!, end: at, how: "filled" })
        break
      case "Cancelled":
        lives.set(order.orderId, { ...known!, end: at, how: output.cause })
        break
    }
  }
  return [...lives.values()].sort((a, b) => (a.orderId < b.orderId ? -1 : 1))
}

const forAll = (check: (script: ReadonlyArray<Timed>, options: Options) => void, numRuns = 120) => {
  FastCheck.assert(FastCheck.property(script, options, check), { numRuns })
}

describe("the lives of orders", () => {
  it("(2) (3) (6) each order is accepted, in the book and gone when a model of intervals says so", () => {
    const met = new Map<string, number>()
    forAll((script, options) => {
      const expected = model(script, options, (situation) => met.set(situation, (met.get(situation) ?? 0) + 1))
      const { end, outputs, refused, states } = play(script, options)
      assert.deepStrictEqual(
        livesOf(outputs),
        expected.lives.map(({ accepted, end, how, opened, orderId, uid }) => ({
          orderId,
          uid,
          accepted,
          opened,
          end,
          how
        }))
      )
      assert.deepStrictEqual(
        outputs
          .flatMap((output) =>
            output._tag === "Switch" && output.transition === "fired" ? [[output.account, output.at] as const] : []
          )
          .map(([uid, at]) => `${uid} ${at}`)
          .sort(),
        expected.firings.map((firing) => firing.slice(0, firing.lastIndexOf(" ")))
      )
      for (const uid of uids) {
        const last = Exchange.countdown(end, uid)
        const told = expected.firings.findLast((firing) => firing.startsWith(`${uid} `))
        if (last._tag === "Fired") assert.strictEqual(`${uid} ${last.at} ${last.orders}`, told)
      }
      assert.deepStrictEqual(refused, expected.refused)
      const openIn = (state: Exchange.State) =>
        uids
          .flatMap((uid) => Exchange.openOrders(state, uid))
          .map((order) => order.orderId)
          .sort()
      assert.deepStrictEqual(states.map(openIn), expected.open)
      assert.deepStrictEqual(
        openIn(end),
        expected.lives.filter((life) => life.how === undefined).map((life) => life.orderId)
      )
    }, 300)
    for (const situation of [
      "a spared order outlives a firing",
      "an order enters the book after the firing",
      "a firing while an earlier one still cancels",
      "an order is placed while a firing cancels",
      "its owner ends an order that a firing is about to cancel"
    ]) {
      assert.isAbove(met.get(situation) ?? 0, 0, `never met: ${situation}`)
    }
  })

  it("(3) once the sweep of a firing has ended, nothing is open that was open at the firing, but for spared orders", () => {
    forAll((script, options) => {
      const { outputs } = play(script, options)
      const isSpared = ({ category, reduceOnly }: Exchange.Order) =>
        options.sparedOrders.includes(category) || (reduceOnly === "yes" && options.sparedOrders.includes("reduceOnly"))
      const spared = new Set(
        outputs.flatMap((output) => (output._tag === "Placed" && isSpared(output.order) ? [output.order.orderId] : []))
      )
      for (const output of outputs) {
        if (output._tag !== "Switch" || output.transition !== "fired") continue
        const { account, at } = output
        const open = livesOf(outputs).filter((life) => life.uid === account && life.opened <= at && life.end >= at)
        const swept = open.filter((life) => !spared.has(life.orderId))
        const end = at + options.triggerLatency + Math.max(0, swept.length - 1) * options.cancelPace
        for (const life of open) {
          if (spared.has(life.orderId)) assert.notStrictEqual(life.how, "countdown")
          // An order of the firing's own millisecond may be before or after it.
          else if (life.opened < at) assert.isAtMost(life.end, end)
        }
      }
    })
  })

  it("(3) an order that enters the book at the instant of the firing is in it, and is cancelled", () => {
    const place = { what: "place", uid: "1", kind: "limit" } as const
    const script: ReadonlyArray<Timed> = [
      { wait: 0, action: { what: "beat", uid: "1", seconds: 5 } },
      { wait: 4_000, action: place },
      { wait: 1, action: place }
    ]
    for (const boundary of ["fire", "beat"] as const) {
      const { end, outputs } = play(script, { ...plain, boundary, placingLatency: 1_000 })
      const fired = outputs.find((output) => output._tag === "Switch" && output.transition === "fired")
      assert.deepInclude(fired, { at: start + 5_000 })
      assert.deepStrictEqual(
        livesOf(outputs).map(({ end, opened }) => [opened - start, end - start]),
        [
          [5_000, 5_000],
          [5_001, Infinity]
        ]
      )
      assert.deepStrictEqual(
        Exchange.openOrders(end, "1").map((order) => order.createdTime - start),
        [4_001]
      )
    }
  })

  it("an advance in steps from one due instant to the next equals one in a single jump", () => {
    forAll((script, options) => {
      const state = play(script, options).states.at(-1)!
      const end = state.now + 90_000
      const [jumped, once] = Exchange.advance(state, end)
      const outputs: Array<Exchange.Output> = []
      let stepped = state
      for (let next = Exchange.nextDue(stepped); next !== undefined && next <= end; next = Exchange.nextDue(stepped)) {
        const [after, happened] = Exchange.advance(stepped, next)
        // A place in the sweep passes without an output when its order is gone already.
        const { now: _, ...before } = Exchange.snapshot(stepped)
        const { now: __, ...later } = Exchange.snapshot(after)
        assert.notDeepEqual(later, before, "nextDue names an instant at which something happens")
        outputs.push(...happened)
        stepped = after
      }
      assert.deepStrictEqual(outputs, once)
      assert.deepStrictEqual(Exchange.snapshot(Exchange.advance(stepped, end)[0]), Exchange.snapshot(jumped))
    })
  })

  it("the lists show the orders as they were the length of the option ago, and the truth without it", () => {
    let stale = 0
    forAll((script, options) => {
      const { states } = play(script, options)
      const begun = Exchange.make({ accounts: uids.map((uid) => ({ uid })), venue: options, now: start })
      for (const state of states) {
        const then = state.now - options.listStaleness
        // The end of that millisecond: everything that was due in it has happened.
        const before = states.findLast((earlier) => earlier.now <= then) ?? begun
        const [was] =
          options.listStaleness === 0
            ? [state]
            : Exchange.advance(before, options.boundary === "beat" ? then + 1 : then)
        for (const uid of uids) {
          const listed = Exchange.listedOrders(state, uid)
          const isYounger = then < start
          assert.deepStrictEqual(listed.open, isYounger ? [] : Exchange.openOrders(was, uid))
          assert.deepStrictEqual(listed.closed, isYounger ? [] : Exchange.closedOrders(was, uid))
          const open = new Set(Exchange.openOrders(state, uid).map((order) => order.orderId))
          if (listed.open.some((order) => !open.has(order.orderId))) stale++
        }
      }
    })
    assert.isAbove(stale, 0, "never listed an order that was gone")
  })
})
