/**
 * The values of a measurement: experiments (what to do), observations (what was seen) and findings (what follows). Pure.
 *
 * Local times are ms of the host's monotonic clock. Stamps are ms since the epoch of the exchange's clock.
 */

/** @internal */
export const categories = ["USDT-FUTURES", "SPOT", "MARGIN", "COIN-FUTURES", "USDC-FUTURES"] as const

export type Category = (typeof categories)[number]

export const timesInForce = ["post_only", "gtc"] as const

export type TimeInForce = (typeof timesInForce)[number]

/** A limit order to buy, far below the market. Numbers are strings, as the exchange takes them. */
export interface Order {
  readonly category: Category
  readonly symbol: string
  readonly price: string
  readonly qty: string
  readonly timeInForce: TimeInForce
}

/** What an experiment is for. */
export type Purpose = "listing" | "kinds" | "firing" | "cancels" | "closed" | "shorter" | "refused" | "limited"

/** One countdown call of an experiment. */
export interface Write {
  readonly countdown: string
  /** ms after the answer to the write before, or after the placing of the orders. */
  readonly after: number
  /** The place in the second of the exchange's clock at which it should be accepted, in ms. */
  readonly phase?: number | undefined
  readonly expects: "Accepted" | "Refused" | "Limited" | "any"
}

/**
 * Orders are placed, the countdown is written, and the list of open orders is watched until they are gone. Without writes
 * the orders are cancelled by request.
 */
export interface Experiment {
  readonly purpose: Purpose
  readonly orders: ReadonlyArray<Order>
  readonly writes: ReadonlyArray<Write>
}

/** One answered call: the host's readings around it, and the exchange's stamps in its answer. */
export interface Call {
  readonly sentAt: number
  readonly receivedAt: number
  readonly acceptedAt: number | undefined
  readonly completedAt: number | undefined
  readonly requestTime: number | undefined
}

/** The outcome of a countdown call. */
export type Outcome =
  | { readonly _tag: "Accepted" }
  | { readonly _tag: "Refused" | "Limited"; readonly code: string; readonly httpStatus: number | undefined }
  /** It may have been applied. */
  | { readonly _tag: "Unknown"; readonly message: string }

export interface Written {
  readonly countdown: string
  readonly call: Call
  readonly outcome: Outcome
}

export interface Placed {
  readonly orderId: string
  readonly order: Order
  readonly call: Call
}

/** One reading of the list of open orders. */
export interface Page {
  readonly call: Call
  readonly category: Category
  /** The ids of the probe's own orders in it. */
  readonly listed: ReadonlyArray<string>
}

/** The end of an order, as the exchange tells it. */
export interface Closed {
  readonly orderId: string
  readonly status: string
  readonly cancelReason: string
  readonly createdTime: number | undefined
  readonly updatedTime: number | undefined
}

/** What was seen of one experiment. */
export interface Observation {
  readonly experiment: Experiment
  readonly placed: ReadonlyArray<Placed>
  /** The orders that the exchange did not take, and its code. */
  readonly notPlaced: ReadonlyArray<{ readonly order: Order; readonly code: string }>
  readonly written: ReadonlyArray<Written>
  readonly pages: ReadonlyArray<Page>
  readonly closed: ReadonlyArray<Closed>
  /** The cancels by request, of a `listing`. */
  readonly cancelled: ReadonlyArray<{ readonly orderId: string; readonly call: Call }>
}

/** A value, or why there is none. Bounds are of numbers only, in ms. */
export type Result =
  | {
      readonly _tag: "Measured"
      readonly value: string | number | boolean | ReadonlyArray<string>
      readonly bounds?: Bounds | undefined
    }
  | { readonly _tag: "NotIdentified"; readonly reason: string }

/** The answer to one of the simulator's options: a field of its venue, or a path into one (`badCountdown.tooShort`). */
export interface Finding {
  readonly option: string
  readonly result: Result
}

export interface Bounds {
  readonly min: number
  readonly max: number
}

/** What a bot's options rest on, in ms; absent where nothing was seen. */
export interface Advice {
  /** From the deadline to the first cancel. */
  readonly firstCancel: Bounds | undefined
  /** From the first cancel to the last one. */
  readonly cancelling: Bounds | undefined
  /** From an order's creation to its entry into the book. */
  readonly placing: Bounds | undefined
  /** How far the list of open orders is behind its stamp. */
  readonly staleness: Bounds | undefined
  /** By how much the stamps of the exchange's machines contradict each other. */
  readonly skew: number
}

/** One kind of order, and whether the switch cancelled it. */
export interface KindSeen {
  readonly order: Order
  readonly fate: "cancelled" | "survived" | "not placed"
  /** The code of the refusal. */
  readonly code?: string | undefined
}

export interface Findings {
  readonly findings: ReadonlyArray<Finding>
  readonly advice: Advice
  readonly kinds: ReadonlyArray<KindSeen>
  readonly firings: number
  /** Whether a page listed some orders of a firing and not the others. */
  readonly partialPage: boolean
}
