/** A limit order that rests in the book, as the exchange machine takes it. */
export const limit = {
  category: "SPOT",
  symbol: "BTCUSDT",
  side: "buy",
  orderType: "limit",
  price: "3",
  qty: "2"
} as const
