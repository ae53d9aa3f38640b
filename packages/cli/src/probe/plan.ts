/** The experiments of a measurement, as data. Pure. */
import type { Category, Experiment, Observation, Order } from "./model.js"
import { categories, timesInForce } from "./model.js"

/** The order that rests while the switch is tried. */
export interface Market {
  readonly category: Category
  readonly symbol: string
  readonly price: string
  readonly qty: string
}

/** A market of each category whose orders the probe can place for about ten dollars, at a price far below any recent one. */
export const markets: Readonly<Record<Category, Market>> = {
  "USDT-FUTURES": { category: "USDT-FUTURES", symbol: "BTCUSDT", price: "10000", qty: "0.001" },
  SPOT: { category: "SPOT", symbol: "BTCUSDT", price: "10000", qty: "0.001" },
  MARGIN: { category: "MARGIN", symbol: "BTCUSDT", price: "10000", qty: "0.001" },
  "COIN-FUTURES": { category: "COIN-FUTURES", symbol: "BTCUSD", price: "10000", qty: "0.001" },
  "USDC-FUTURES": { category: "USDC-FUTURES", symbol: "BTCPERP", price: "10000", qty: "0.001" }
}

export interface Options {
  readonly market: Market
  /** The other categories of which orders are tried. */
  readonly others: ReadonlyArray<Category>
  /** How often an order is placed and cancelled by request. */
  readonly listings: number
  /** How often the switch fires over one order. */
  readonly firings: number
  /** How many orders a firing cancels where the cancels are measured. */
  readonly orders: number
}

export const defaults: Options = {
  market: markets["USDT-FUTURES"],
  others: categories.filter((category) => category !== "USDT-FUTURES"),
  listings: 6,
  firings: 8,
  orders: 5
}

const arm = (countdown: string) => ({ countdown, after: 0, expects: "Accepted" }) as const

/** The first experiment: one order of each kind. The others use a kind that it saw cancelled. */
export const kinds = (options: Options): Experiment => ({
  purpose: "kinds",
  orders: [
    ...timesInForce.map((timeInForce) => ({ ...options.market, timeInForce })),
    ...options.others.map((category) => ({ ...markets[category], timeInForce: "post_only" as const }))
  ],
  writes: [arm("5")]
})

/** Before it: how fast the list of open orders follows. No countdown is needed for that. */
export const listings = (options: Options): ReadonlyArray<Experiment> =>
  Array.from({ length: options.listings }, () => ({
    purpose: "listing",
    orders: [{ ...options.market, timeInForce: "post_only" }],
    writes: []
  }))

/** The experiments that follow. */
export const experiments = (options: Options, order: Order): ReadonlyArray<Experiment> => {
  const one = [order]
  const many = Array.from({ length: options.orders }, () => order)
  const firing: Experiment = { purpose: "firing", orders: one, writes: [arm("5")] }
  const cancels: Experiment = { purpose: "cancels", orders: many, writes: [arm("5")] }
  return [
    ...Array.from({ length: options.firings }, () => firing),
    cancels,
    cancels,
    // Nothing is armed after a firing.
    { purpose: "closed", orders: [], writes: [{ countdown: "0", after: 0, expects: "any" }] },
    { purpose: "shorter", orders: one, writes: [arm("12"), { countdown: "5", after: 1_200, expects: "any" }] },
    { purpose: "refused", orders: one, writes: [arm("8"), { countdown: "4", after: 3_000, expects: "any" }] },
    {
      purpose: "limited",
      orders: one,
      // The longer one second, because a shorter one might be ignored. Early in a second, so that both fall into it.
      writes: [
        { ...arm("6"), phase: 100 },
        { countdown: "11", after: 0, expects: "Limited" }
      ]
    }
  ]
}

/** How often an experiment is tried when an answer was lost or another one came than it needs. */
export const attempts = 3

/** The longest time after a deadline in which orders may still vanish, in ms, before anything is known of the exchange. */
const longestPatience = 15_000

/** How long to watch after the last possible deadline, given what was seen so far, in ms. */
export const patience = (observations: ReadonlyArray<Observation>): number => {
  const delays = observations.flatMap(({ experiment, pages, written }) => {
    const [write] = written
    const gone = pages.find(({ call, listed }) => listed.length === 0 && call.sentAt > (write?.call.receivedAt ?? 0))
    return experiment.purpose === "firing" && write !== undefined && gone !== undefined
      ? [gone.call.receivedAt - write.call.sentAt - Number(write.countdown) * 1_000]
      : []
  })
  // The phases differ between firings, so a later one can take longer.
  return delays.length < 3 ? longestPatience : Math.min(longestPatience, 2 * Math.max(...delays) + 2_000)
}

/** About how long the experiments take, in ms. */
export const duration = (plan: ReadonlyArray<Experiment>): number =>
  plan.reduce(
    (sum, { orders, writes }) =>
      sum +
      2_000 +
      orders.length * 400 +
      (orders.length === 0 ? 0 : 1_000 + Math.max(0, ...writes.map(({ countdown }) => Number(countdown))) * 1_000),
    0
  )
