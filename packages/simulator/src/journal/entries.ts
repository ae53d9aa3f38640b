/**
 * Outputs of the exchange as entries of the journal.
 */
import type * as Exchange from "../exchange/model.js"
import type * as Journal from "./records.js"

/** The account without its keys. */
export const declaredAccount = (account: Exchange.Account): Journal.DeclaredAccount => ({
  uid: account.uid,
  mode: account.mode ?? "unified",
  accountMode: account.accountMode ?? "unified",
  countdownAccess: account.countdownAccess ?? true
})

/**
 * The entry of an output. A refusal has none, because it changes nothing. An order's entry into the book has none, because
 * the record of its placement names the instant.
 */
export const entryOf = (output: Exchange.Output): Journal.Entry | undefined => {
  switch (output._tag) {
    case "Switch":
    case "Maintenance":
      return output
    case "Placed": {
      const { category, clientOid, orderType, posSide, price, qty, reduceOnly, side, symbol, timeInForce } =
        output.order
      return {
        _tag: "Placed",
        account: output.account,
        at: output.at,
        orderId: output.order.orderId,
        order: { category, symbol, side, orderType, qty, price, timeInForce, clientOid, posSide, reduceOnly },
        entersAt: output.entersAt,
        by: output.by
      }
    }
    case "Cancelled":
      return {
        _tag: "Cancelled",
        account: output.account,
        at: output.at,
        orderId: output.order.orderId,
        cause: output.cause,
        by: output.by
      }
    case "Filled":
      return {
        _tag: "Filled",
        account: output.account,
        at: output.at,
        orderId: output.order.orderId,
        qty: output.qty,
        price: output.price,
        cause: output.cause
      }
    case "Entered":
    case "Refused":
      return undefined
  }
}
