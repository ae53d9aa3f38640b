/**
 * What a measurement does to the account, and how it is undone: places, cancels and writes at a pace below every limit,
 * remembers what may be left, and removes it when its scope closes.
 */
import * as VenueError from "@effect-deadman/core/VenueError"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Exchange from "./exchange.js"
import type { Call, Category, Observation, Order, Page, Placed, Written } from "./model.js"
import { ForeignOrders } from "./probeError.js"
import type { Progress } from "./progress.js"

/** The shortest times between calls of one kind, in ms: half of each documented limit, or less. */
const pace = { place: 250, cancel: 250, info: 100, write: 1_200 }

/** For how long the exchange can accept a call whose answer was lost: 30 s after its timestamp. */
const horizon = 31_000

/** For how long an order may be unknown to the exchange after its placing, in ms. */
const longestPlacing = 10_000

interface Own {
  readonly clientOid: string
  readonly order: Order
  readonly sentAt: number
  orderId: string | undefined
  seen: boolean
  over: boolean
}

export type Tell = (progress: Progress) => Effect.Effect<void>

const isOver = (status: string): boolean => status === "cancelled" || status === "filled"

const isRefusal = (error: VenueError.VenueError): boolean =>
  error.code !== undefined && (error.applied === "no" || error._tag === "UnrecognizedCode")

export const make = Effect.fnUntraced(function* (exchange: Exchange.Exchange, tell: Tell) {
  const id = (yield* Random.nextIntBetween(36 ** 5, 36 ** 6)).toString(36)
  const prefix = `dmp-${id}-`
  const orders: Array<Own> = []
  const last = new Map<keyof typeof pace, number>()
  let hasArmed = false
  let isArmed = false
  /** The code of `"0"` when nothing is armed, once it is known. */
  let closedCode: string | undefined
  let lostAt = -Infinity

  const paced = (kind: keyof typeof pace) =>
    Effect.gen(function* () {
      const now = yield* Exchange.monotonic
      yield* Effect.sleep(Math.max(0, (last.get(kind) ?? -Infinity) + pace[kind] - now))
    })
  const done = (kind: keyof typeof pace) => Effect.map(Exchange.monotonic, (now) => void last.set(kind, now))

  /** Places an order. Interruption waits for the answer, because only that says whether something is to be undone. */
  const place = (order: Order) =>
    Effect.zipRight(
      paced("place"),
      Effect.uninterruptible(
        Effect.gen(function* () {
          const sentAt = yield* Exchange.monotonic
          const clientOid = `${prefix}${orders.length + 1}`
          const own: Own = { clientOid, order, sentAt, orderId: undefined, seen: false, over: false }
          orders.push(own)
          let result = yield* Effect.either(exchange.place(order, clientOid))
          for (let again = 0; again < 3 && result._tag === "Left" && result.left[0]._tag === "RateLimited"; again++) {
            yield* Effect.sleep(1_000)
            result = yield* Effect.either(exchange.place(order, clientOid))
          }
          yield* done("place")
          if (result._tag === "Right") {
            const [{ orderId }, call] = result.right
            own.orderId = orderId
            return { _tag: "Placed", placed: { orderId, order, call } satisfies Placed } as const
          }
          const [error] = result.left
          if (Exchange.isFatal(error)) return yield* error
          if (isRefusal(error)) {
            own.over = true
            return { _tag: "Refused", code: error.code ?? "", message: error.message } as const
          }
          lostAt = sentAt
          return { _tag: "Lost" } as const
        })
      )
    )

  /** Writes a countdown, at once. */
  const write = (countdown: string): Effect.Effect<Written, VenueError.VenueError> =>
    Effect.uninterruptible(
      Effect.gen(function* () {
        if (countdown !== "0") hasArmed = isArmed = true
        const { call, outcome } = yield* exchange.write(countdown)
        yield* done("write")
        if (outcome._tag === "Unknown") lostAt = call.sentAt
        return { countdown, call, outcome }
      })
    )

  /** Turns the switch off; gives whether that is sure. */
  const off = Effect.gen(function* () {
    for (let attempt = 1; attempt <= 5; attempt++) {
      yield* paced("write")
      const { outcome } = yield* write("0")
      if (outcome._tag === "Accepted" || (outcome._tag === "Refused" && outcome.code === closedCode)) {
        isArmed = false
        return true
      }
      if (outcome._tag === "Refused" && attempt > 1) return false
    }
    return false
  })

  /** One reading of the list. Fails when it shows an order that is not the measurement's. */
  const look = (category: Category): Effect.Effect<Page, ForeignOrders | VenueError.VenueError> =>
    Effect.flatMap(exchange.open(category), ([list, call]) => {
      const foreign = list.filter(({ clientOid }) => clientOid?.startsWith(prefix) !== true)
      if (foreign.length > 0) {
        return Effect.fail(
          new ForeignOrders({ category, clientOids: foreign.map(({ clientOid, orderId }) => clientOid ?? orderId) })
        )
      }
      for (const { clientOid, orderId } of list) {
        const own = orders.find((own) => own.clientOid === clientOid)
        if (own !== undefined) {
          own.orderId = orderId
          own.seen = true
        }
      }
      return Effect.succeed({ call, category, listed: list.map(({ orderId }) => orderId) })
    })

  /** Cancels an order by request. Gives the call, or nothing when the order is not open (any more, or yet). */
  const cancel = (own: Own): Effect.Effect<Call | undefined, VenueError.VenueError> =>
    Effect.zipRight(
      paced("cancel"),
      Effect.uninterruptible(
        Effect.gen(function* () {
          const name = own.orderId === undefined ? { clientOid: own.clientOid } : { orderId: own.orderId }
          const result = yield* Effect.either(exchange.cancel(name))
          yield* done("cancel")
          if (result._tag === "Right") {
            own.over = true
            return result.right[1]
          }
          const [error] = result.left
          if (error.code !== Exchange.unknownOrder) return yield* error
          const now = yield* Exchange.monotonic
          // An order that was in the book is over. One that never was may still be on its way.
          if (own.seen || now > own.sentAt + (own.orderId === undefined ? horizon : longestPlacing)) own.over = true
          return undefined
        })
      )
    )

  const cancelById = (orderId: string) =>
    Effect.suspend(() => {
      const own = orders.find((own) => own.orderId === orderId)
      return own === undefined ? Effect.succeed(undefined) : cancel(own)
    })

  /** Cancels every order that may be open, for as long as `millis` allows. */
  const cancelAll = (millis: number) =>
    Effect.gen(function* () {
      const until = (yield* Exchange.monotonic) + millis
      const open = () => orders.filter(({ over }) => !over)
      while (open().length > 0) {
        for (const own of open()) yield* Effect.ignore(cancel(own))
        if ((yield* Exchange.monotonic) > until) break
        if (open().length > 0) yield* Effect.sleep(300)
      }
      return open()
    })

  /** After a lost answer: waits until the call cannot be accepted any more, and removes what it did. */
  const settle = Effect.gen(function* () {
    const left = lostAt + horizon - (yield* Exchange.monotonic)
    if (left > 0) {
      yield* tell({ _tag: "Waits", seconds: Math.ceil(left / 1_000) })
      yield* Effect.sleep(left)
    }
    lostAt = -Infinity
    yield* cancelAll(longestPlacing)
    if (isArmed) yield* off
  })

  /** Leaves nothing of an experiment behind. */
  const clean = (isFired: boolean) =>
    Effect.gen(function* () {
      yield* cancelAll(longestPlacing)
      if (isFired) isArmed = false
      else if (isArmed) yield* off
      if (lostAt > -Infinity) yield* settle
    })

  const undo = Effect.gen(function* () {
    if (orders.length === 0 && !hasArmed) return
    yield* tell({ _tag: "Undoes" })
    yield* cancelAll(2 * longestPlacing)
    let isOff = !isArmed || (yield* Effect.orElseSucceed(off, () => false))
    if (lostAt > -Infinity) {
      yield* Effect.ignore(settle)
      isOff = !isArmed
    }
    for (const { clientOid, order } of orders.filter(({ over }) => !over)) {
      yield* tell({
        _tag: "Left",
        what: `the order ${clientOid} (${order.category} ${order.symbol}). Cancel it yourself`
      })
    }
    if (!isOff) {
      yield* tell({
        _tag: "Left",
        what: 'the switch may still run, for 12 s at most. Do not place orders before that, or send "0" yourself'
      })
    }
  })
  yield* Effect.addFinalizer(() => undo)

  return {
    place,
    write,
    /** Waits until the limit allows another countdown. */
    rested: paced("write"),
    look,
    cancel: cancelById,
    clean,
    /** The order as the exchange tells it, once it is over. */
    ended: (orderId: string, category: Category) =>
      Effect.gen(function* () {
        yield* paced("info")
        const info = yield* exchange.info(orderId, category)
        yield* done("info")
        if (info === undefined || !isOver(info.status)) return undefined
        for (const own of orders) if (own.orderId === orderId) own.over = true
        return info
      }),
    /** What `"0"` means when nothing is armed. */
    learnClosed: (observation: Observation) => {
      const outcome = observation.written[0]?.outcome
      if (outcome?._tag === "Refused") closedCode = outcome.code
    }
  }
}) satisfies (...args: never) => Effect.Effect<unknown, never, Scope.Scope>

export type Session = Effect.Effect.Success<ReturnType<typeof make>>
