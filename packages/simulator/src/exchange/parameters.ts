/**
 * Reading bodies and queries as the exchange does, with its codes for bad ones. Pure.
 */
import * as Model from "./model.js"
import type * as Venue from "./Venue.js"

/** The code and the message for a bad parameter. */
export interface Flaw {
  readonly code: string
  readonly msg: string
}

/** A value, or its flaw. */
export type Read<A> = { readonly _tag: "Read"; readonly value: A } | { readonly _tag: "Flaw"; readonly flaw: Flaw }

export type Fields = Readonly<Record<string, unknown>>

const read = <A>(value: A): Read<A> => ({ _tag: "Read", value })
const flawed = (code: string, msg: string): { readonly _tag: "Flaw"; readonly flaw: Flaw } => ({
  _tag: "Flaw",
  flaw: { code, msg }
})
const missing = (venue: Venue.Venue, field: string) =>
  flawed(venue.codes.missingParameter, `Parameter ${field} cannot be empty`)
const bad = (venue: Venue.Venue, field: string) =>
  flawed(venue.codes.badParameter, `Parameter verification failed: ${field}`)

/** The JSON object or array of a body. */
export const parseBody = (body: string): Fields | ReadonlyArray<unknown> | undefined => {
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === "object" && parsed !== null ? (parsed as Fields) : undefined
  } catch {
    return undefined
  }
}

/** The flaw of a `countdown`, or its whole seconds. */
const countdownFlaw = (value: unknown): Venue.CountdownFlaw | number => {
  if (value === undefined) return "missing"
  if (value === null) return "null"
  if (typeof value === "number") return "number"
  if (typeof value !== "string") return "otherType"
  if (value === "") return "empty"
  if (/^-\d/.test(value)) return "negative"
  if (/^\d+\.\d*$/.test(value)) return "fraction"
  if (!/^\d+$/.test(value)) return "notANumber"
  if (value.length > 1 && value.startsWith("0")) return "leadingZero"
  const seconds = Number(value)
  if (seconds !== 0 && seconds < 5) return "tooShort"
  return seconds > 60 ? "tooLong" : seconds
}

/** The whole seconds of a countdown request. */
export const readCountdown = (venue: Venue.Venue, value: unknown): Read<number> => {
  const flaw = countdownFlaw(value)
  if (typeof flaw === "number") return read(flaw)
  const code = venue.badCountdown[flaw]
  if (code !== "accept") {
    return flaw === "missing" || flaw === "empty"
      ? flawed(code, "Parameter countdown cannot be empty")
      : flawed(code, "Parameter verification failed: countdown")
  }
  // A lenient exchange reads the intended number, which must still be in the range.
  const seconds = typeof value === "number" || typeof value === "string" ? Number(value) : Number.NaN
  return value !== "" && Number.isInteger(seconds) && (seconds === 0 || (seconds >= 5 && seconds <= 60))
    ? read(seconds)
    : bad(venue, "countdown")
}

const isOneOf =
  <A extends string>({ literals }: { readonly literals: ReadonlyArray<A> }) =>
  (value: unknown): value is A =>
    (literals as ReadonlyArray<unknown>).includes(value)

const matches =
  (pattern: RegExp) =>
  (value: unknown): value is string =>
    typeof value === "string" && pattern.test(value)

const isCategory = isOneOf(Model.Category)
const isSymbol = matches(Model.symbolName)
const isPositive = matches(Model.decimal)

/** Each field of an order: whether it is required, and its check. */
const orderFields: ReadonlyArray<
  readonly [name: string, needed: "always" | "limit" | "never", ok: (value: unknown) => boolean]
> = [
  ["category", "always", isCategory],
  ["symbol", "always", isSymbol],
  ["qty", "always", isPositive],
  ["side", "always", isOneOf(Model.Side)],
  ["orderType", "always", isOneOf(Model.OrderType)],
  ["price", "limit", isPositive],
  ["timeInForce", "never", isOneOf(Model.TimeInForce)],
  ["clientOid", "never", matches(Model.clientOid)],
  ["posSide", "never", isOneOf(Model.PosSide)],
  ["reduceOnly", "never", isOneOf(Model.ReduceOnly)]
]

/** The order of a place-order request, or of one item of a batch. */
export const readOrder = (venue: Venue.Venue, body: unknown): Read<Model.NewOrder> => {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return bad(venue, "order")
  const fields = body as Fields
  const order: Record<string, unknown> = {}
  for (const [name, needed, ok] of orderFields) {
    const value = fields[name]
    const absent = value === undefined || value === ""
    if (absent && (needed === "always" || (needed === "limit" && fields["orderType"] === "limit"))) {
      return missing(venue, name)
    }
    // The exchange ignores the price of a market order.
    if (absent || (name === "price" && fields["orderType"] === "market")) continue
    if (!ok(value)) return bad(venue, name)
    order[name] = value
  }
  return read(order as unknown as Model.NewOrder)
}

/** The order that a request names: by `orderId`, which takes precedence, or by `clientOid`. */
export const readOrderName = (
  venue: Venue.Venue,
  fields: Fields
): Read<{ readonly orderId?: string; readonly clientOid?: string }> => {
  for (const name of ["orderId", "clientOid"] as const) {
    const value = fields[name]
    if (value === undefined || value === null || value === "") continue
    return typeof value === "string" ? read({ [name]: value }) : bad(venue, name)
  }
  return missing(venue, "orderId")
}

/** A required category and an optional symbol. */
export const readMarket = (
  venue: Venue.Venue,
  fields: Fields
): Read<{ readonly category: Model.Category; readonly symbol: string | undefined }> => {
  const { category, symbol } = fields
  if (category === undefined || category === "") return missing(venue, "category")
  if (!isCategory(category)) return bad(venue, "category")
  if (symbol === undefined || symbol === "") return read({ category, symbol: undefined })
  return isSymbol(symbol) ? read({ category, symbol }) : bad(venue, "symbol")
}

/** The query of a list of orders. */
export interface Listing {
  readonly category: Model.Category | undefined
  readonly symbol: string | undefined
  readonly startTime: number
  readonly endTime: number
  readonly limit: number
  readonly cursor: string | undefined
}

/** The query of a list of orders. */
export const readListing = (venue: Venue.Venue, query: Fields): Read<Listing> => {
  const given = (name: string) => (query[name] === "" ? undefined : query[name])
  const category = given("category")
  const symbol = given("symbol")
  if (category !== undefined && !isCategory(category)) return bad(venue, "category")
  if (symbol !== undefined && !isSymbol(symbol)) return bad(venue, "symbol")
  for (const name of ["startTime", "endTime", "limit", "cursor"]) {
    const value = given(name)
    if (value !== undefined && !/^\d{1,20}$/.test(String(value))) return bad(venue, name)
  }
  const limit = Number(given("limit") ?? 100)
  if (limit < 1 || limit > 100) return bad(venue, "limit")
  return read({
    category,
    symbol,
    startTime: Number(given("startTime") ?? 0),
    endTime: Number(given("endTime") ?? Infinity),
    limit,
    cursor: given("cursor") as string | undefined
  })
}

/** One page of a list of orders, newest first; the cursor is the last order's id, and the next page is older. */
export const listed = <A>(
  orders: ReadonlyArray<Model.Order>,
  listing: Listing,
  onWire: (order: Model.Order) => A
): { readonly list: ReadonlyArray<A>; readonly cursor: string | null } => {
  const list = orders
    .filter(
      (order) =>
        (listing.category ?? order.category) === order.category &&
        (listing.symbol ?? order.symbol) === order.symbol &&
        order.createdTime >= listing.startTime &&
        order.createdTime <= listing.endTime &&
        (listing.cursor === undefined || order.orderId < listing.cursor)
    )
    .sort((a, b) => (a.orderId < b.orderId ? 1 : -1))
    .slice(0, listing.limit)
  return { list: list.map(onWire), cursor: list.at(-1)?.orderId ?? null }
}

/** An open order as the exchange writes it in its list. */
export const openOrderOnWire = (order: Model.Order) => ({
  orderId: order.orderId,
  clientOid: order.clientOid,
  category: order.category,
  symbol: order.symbol,
  orderType: order.orderType,
  side: order.side,
  price: order.price,
  qty: order.qty,
  amount: "0",
  cumExecQty: order.cumExecQty,
  cumExecValue: order.cumExecValue,
  avgPrice: order.avgPrice,
  timeInForce: order.timeInForce,
  orderStatus: order.orderStatus,
  posSide: order.posSide,
  holdMode: "one_way_mode",
  reduceOnly: order.reduceOnly,
  feeDetail: [],
  createdTime: String(order.createdTime),
  updatedTime: String(order.updatedTime)
})

/** An order as the exchange writes it everywhere else. */
export const orderOnWire = (order: Model.Order) => ({ ...openOrderOnWire(order), cancelReason: order.cancelReason })
