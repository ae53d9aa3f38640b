/** The failures of a measurement that are not the exchange's. */
import * as Schema from "effect/Schema"

/** There are orders on the account that the switch would cancel. */
export class ForeignOrders extends Schema.TaggedError<ForeignOrders>("@effect-deadman/cli/ForeignOrders")(
  "ForeignOrders",
  { category: Schema.String, clientOids: Schema.Array(Schema.String) }
) {
  override get message(): string {
    const some = this.clientOids.slice(0, 3).join(", ")
    return (
      `The account has open orders in ${this.category} that this measurement did not place (${some}), and the switch ` +
      "would cancel them. Cancel them yourself, or use an account on which nothing else trades."
    )
  }
}

/** The exchange did not take the order that everything needs, or it did not stay open. */
export class NoRestingOrder extends Schema.TaggedError<NoRestingOrder>("@effect-deadman/cli/NoRestingOrder")(
  "NoRestingOrder",
  { order: Schema.String, problem: Schema.String }
) {
  override get message(): string {
    return (
      `The order ${this.order} does not rest in the book: ${this.problem}. ` +
      "Give another --symbol, --category, --price or --qty."
    )
  }
}

export type ProbeError = ForeignOrders | NoRestingOrder
