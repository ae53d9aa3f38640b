/** Carries out the plan: one experiment after the other, each undone before the next one begins. */
import type { VenueError } from "@effect-deadman/core/VenueError"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Exchange from "./exchange.js"
import { kinds as kindsSeen } from "./infer.js"
import { categories } from "./model.js"
import type { Call, Category, Closed, Experiment, Observation, Page, Placed, Written } from "./model.js"
import * as Plan from "./plan.js"
import { type ForeignOrders, NoRestingOrder, type ProbeError } from "./probeError.js"
import * as Session from "./session.js"

/** Between two looks at the list of one category, in ms: 14 a second, of 20 that the exchange allows. */
const spacing = 70

/** The same while nothing is expected to happen. */
const idle = 1_000

/** How long before a deadline looks become frequent, in ms. */
const early = 300

/** How long a placed order may be missing from the list, and how long a cancelled one may be shown as open, in ms. */
const longestListing = 10_000

/** How many looks in a row may fail. */
const mostFailures = 20

const again = {
  schedule: Schedule.intersect(Schedule.recurs(3), Schedule.spaced("500 millis")),
  while: (error: ForeignOrders | VenueError) => error._tag !== "ForeignOrders" && error.retryable
}

type Failure = ProbeError | VenueError

/** Looks at the list, without waiting for the answers, until `isDone` or until `until` (ms of the monotonic clock). */
const watch = (
  session: Session.Session,
  pages: Array<Page>,
  categories: ReadonlyArray<Category>,
  options: { readonly until: number; readonly denseFrom: number; readonly isDone: () => boolean }
): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    let failures = 0
    let failure: ForeignOrders | VenueError | undefined
    const under = new Set<Fiber.RuntimeFiber<void>>()
    const look = (category: Category) =>
      session.look(category).pipe(
        Effect.matchEffect({
          onFailure: (error) =>
            Effect.sync(() => {
              failures++
              if (error._tag === "ForeignOrders" || Exchange.isFatal(error) || failures > mostFailures)
                failure ??= error
            }),
          onSuccess: (page) =>
            Effect.sync(() => {
              failures = 0
              pages.push(page)
              // Answers can overtake each other.
              pages.sort((a, b) => a.call.sentAt - b.call.sentAt)
            })
        })
      )
    while (failure === undefined && !options.isDone()) {
      const now = yield* Exchange.monotonic
      if (now > options.until) break
      for (const category of categories) {
        const fiber = yield* Effect.fork(look(category))
        under.add(fiber)
        fiber.addObserver(() => void under.delete(fiber))
      }
      const dense = spacing * categories.length
      const wait = now >= options.denseFrom ? dense : Math.max(dense, Math.min(idle, options.denseFrom - now))
      yield* Effect.sleep(wait)
    }
    yield* Fiber.awaitAll(under)
    if (failure !== undefined) return yield* failure
  })

/** Whether a list without the order was surely read after every list with it. */
const isGone = (pages: ReadonlyArray<Page>, { order, orderId }: Placed): boolean => {
  const own = pages.filter(({ category }) => category === order.category)
  const last = Math.max(...own.filter(({ listed }) => listed.includes(orderId)).map(({ call }) => call.receivedAt))
  return own.some(({ call, listed }) => call.sentAt > last && !listed.includes(orderId))
}

const isListed = (pages: ReadonlyArray<Page>, { orderId }: Placed): boolean =>
  pages.some(({ listed }) => listed.includes(orderId))

const describe = ({ category, price, qty, symbol }: Placed["order"]): string =>
  `${category} ${symbol} ${qty} at ${price}`

/** Waits for a place in the exchange's second. */
const awaitPhase = (exchange: Exchange.Exchange, phase: number): Effect.Effect<void, VenueError> =>
  Effect.flatMap(exchange.client.clock.now, (now) => Effect.sleep((((phase - now) % 1_000) + 1_000) % 1_000))

/** Carries out one experiment and leaves nothing behind. */
const perform = (
  exchange: Exchange.Exchange,
  session: Session.Session,
  experiment: Experiment,
  traded: ReadonlyArray<Category>,
  patience: number
): Effect.Effect<Observation & { readonly isWhole: boolean }, Failure> =>
  Effect.gen(function* () {
    const placed: Array<Placed> = []
    const notPlaced: Array<Observation["notPlaced"][number]> = []
    const pages: Array<Page> = []
    const written: Array<Written> = []
    const closed: Array<Closed> = []
    const cancelled: Array<{ readonly orderId: string; readonly call: Call }> = []
    let isWhole = true

    for (const order of experiment.orders) {
      const result = yield* session.place(order)
      if (result._tag === "Placed") placed.push(result.placed)
      else if (result._tag === "Refused") notPlaced.push({ order, code: result.code })
      else isWhole = false
    }
    let resting: ReadonlyArray<Placed> = placed
    const used = [...new Set(placed.map(({ order }) => order.category))]
    const now = yield* Exchange.monotonic
    if (isWhole && placed.length > 0) {
      const isDone = () => placed.every((one) => isListed(pages, one))
      yield* watch(session, pages, used, { until: now + longestListing, denseFrom: now, isDone })
      for (const one of placed) {
        if (isListed(pages, one)) continue
        const info = yield* session.ended(one.orderId, one.order.category)
        const problem = info === undefined ? "it is not in the list of open orders" : `it was ${info.status} at once`
        if (one === placed[0]) return yield* new NoRestingOrder({ order: describe(one.order), problem })
        notPlaced.push({ order: one.order, code: problem })
      }
      resting = placed.filter((one) => isListed(pages, one))
    }

    if (isWhole && experiment.writes.length > 0) {
      for (const category of traded) yield* Effect.retry(session.look(category), again)
      // Spreads the deadlines over the exchange's period, whatever that is.
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 1_000))
      for (const { after, countdown, expects, phase } of experiment.writes) {
        yield* Effect.sleep(after)
        // The one that is to be refused for its rate follows at once.
        if (expects !== "Limited") yield* session.rested
        if (phase !== undefined) yield* awaitPhase(exchange, phase)
        const write = yield* session.write(countdown)
        written.push(write)
        if (write.outcome._tag === "Unknown" || (expects !== "any" && write.outcome._tag !== expects)) {
          isWhole = false
          break
        }
      }
    }

    if (isWhole && resting.length > 0) {
      const isDone = () => resting.every((one) => isGone(pages, one))
      if (experiment.purpose === "listing") {
        const [one] = resting
        const from = yield* Exchange.monotonic
        // While the list is looked at, because what it showed just before the cancel counts.
        const cancelling = yield* Effect.fork(
          one === undefined
            ? Effect.succeed(undefined)
            : Effect.delay(session.cancel(one.orderId), yield* Random.nextIntBetween(200, 400))
        )
        yield* watch(session, pages, used, { until: from + longestListing, denseFrom: from, isDone })
        const call = yield* Effect.orElseSucceed(Fiber.join(cancelling), () => undefined)
        if (one !== undefined && call !== undefined) cancelled.push({ orderId: one.orderId, call })
        isWhole = call !== undefined
      } else {
        // A call may have restarted the countdown of another one.
        const seconds = written.map(({ countdown }) => Number(countdown))
        const sent = written.map(({ call }) => call.sentAt)
        const soonest = Math.min(...written.map(({ call }, index) => call.sentAt + seconds[index]! * 1_000))
        yield* watch(session, pages, used, {
          until: Math.max(...sent) + Math.max(...seconds) * 1_000 + patience,
          denseFrom: soonest - early,
          isDone
        })
      }
      const until = (yield* Exchange.monotonic) + longestListing
      for (const one of resting) {
        while (isGone(pages, one)) {
          const info = yield* session.ended(one.orderId, one.order.category)
          if (info !== undefined) closed.push(info)
          if (info !== undefined || (yield* Exchange.monotonic) > until) break
        }
      }
    }
    const filled = resting.find(({ orderId }) =>
      closed.some((one) => one.orderId === orderId && one.status === "filled")
    )
    if (filled !== undefined) {
      const problem = "it was filled, and the account holds what it bought"
      return yield* new NoRestingOrder({ order: describe(filled.order), problem })
    }
    // After two writes the exchange could have kept the other one.
    const isFired = written.length === 1 && closed.some(({ status }) => status === "cancelled")
    yield* session.clean(isFired)
    return { experiment, placed: resting, notPlaced, written, pages, closed, cancelled, isWhole }
  })

/** Measures the exchange. Whatever ends it, its orders are cancelled and the switch is off. */
export const run = (given: Plan.Options, tell: Session.Tell) =>
  Effect.scoped(
    Effect.gen(function* () {
      const exchange = yield* Exchange.make
      const session = yield* Session.make(exchange, tell)
      yield* exchange.settings
      // The switch cancels in every category, also in those in which nothing is tried.
      const traded: Array<Category> = []
      for (const category of categories) {
        const isThere = yield* Effect.retry(session.look(category), again).pipe(
          Effect.as(true),
          Effect.catchTag("RequestRefused", (error) =>
            category === given.market.category ? Effect.fail(error) : Effect.succeed(false)
          )
        )
        if (isThere) traded.push(category)
      }
      const options = { ...given, others: given.others.filter((category) => traded.includes(category)) }

      const observations: Array<Observation> = []
      const first = [...Plan.listings(options), Plan.kinds(options)]
      const count = first.length + Plan.experiments(options, Plan.kinds(options).orders[0]!).length
      let number = 0
      const { account, baseUrl } = exchange.client
      const all = [...first, ...Plan.experiments(options, Plan.kinds(options).orders[0]!)]
      yield* tell({ _tag: "Begins", account, exchange: baseUrl, minutes: Math.ceil(Plan.duration(all) / 60_000) })

      const carryOut = (experiment: Experiment) =>
        Effect.gen(function* () {
          number++
          for (let attempt = 1; attempt <= Plan.attempts; attempt++) {
            yield* tell({ _tag: "Experiment", number, of: count, purpose: experiment.purpose, attempt })
            const { isWhole, ...seen } = yield* perform(
              exchange,
              session,
              experiment,
              traded,
              Plan.patience(observations)
            )
            const [refused] = seen.notPlaced
            if (refused !== undefined && seen.placed.length === 0) {
              const problem = `the exchange refused it with code ${refused.code}`
              return yield* new NoRestingOrder({ order: describe(refused.order), problem })
            }
            if (!isWhole) continue
            observations.push(seen)
            if (experiment.purpose === "closed") session.learnClosed(seen)
            return
          }
        })

      for (const experiment of first) yield* carryOut(experiment)
      const order = kindsSeen(observations).find(({ fate }) => fate === "cancelled")?.order
      // Nothing was cancelled, so nothing else can be seen.
      if (order === undefined) return observations
      for (const experiment of Plan.experiments(options, order)) yield* carryOut(experiment)
      return observations
    })
  )
