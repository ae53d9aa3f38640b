/**
 * The errors of the control API. `ControlApi` exports them under its own name.
 *
 * @since 0.1.0
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"

/** The status, and a name for the OpenAPI document that generators of clients can use: the class has slashes in its own. */
const named = <A>(identifier: string, status: number) => HttpApiSchema.annotations<A>({ identifier, status })

/**
 * No account has this UID.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoSuchAccount extends Schema.TaggedError<NoSuchAccount>("@effect-deadman/simulator/NoSuchAccount")(
  "NoSuchAccount",
  { uid: Schema.String, message: Schema.String },
  named("NoSuchAccount", 404)
) {}

/**
 * The account has no open order with this id.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoSuchOrder extends Schema.TaggedError<NoSuchOrder>("@effect-deadman/simulator/NoSuchOrder")(
  "NoSuchOrder",
  { orderId: Schema.String, message: Schema.String },
  named("NoSuchOrder", 404)
) {}

/**
 * No fault in force has this id.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoSuchFault extends Schema.TaggedError<NoSuchFault>("@effect-deadman/simulator/NoSuchFault")(
  "NoSuchFault",
  { id: Schema.Number, message: Schema.String },
  named("NoSuchFault", 404)
) {}

/**
 * The clock has no hold of this name.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoSuchHold extends Schema.TaggedError<NoSuchHold>("@effect-deadman/simulator/NoSuchHold")(
  "NoSuchHold",
  { name: Schema.String, message: Schema.String },
  named("NoSuchHold", 404)
) {}

/**
 * The text is not a fault. The message shows the position, and what is allowed there.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidFault extends Schema.TaggedError<InvalidFault>("@effect-deadman/simulator/InvalidFault")(
  "InvalidFault",
  {
    input: Schema.String,
    position: Schema.Number,
    found: Schema.String,
    expected: Schema.Array(Schema.String),
    message: Schema.String
  },
  named("InvalidFault", 400)
) {}

/**
 * The network has the maximum number of faults.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooManyFaults extends Schema.TaggedError<TooManyFaults>("@effect-deadman/simulator/TooManyFaults")(
  "TooManyFaults",
  { message: Schema.String },
  named("TooManyFaults", 409)
) {}

/**
 * The exchange refused the action, with the code that a bot would receive.
 *
 * @since 0.1.0
 * @category errors
 */
export class Refused extends Schema.TaggedError<Refused>("@effect-deadman/simulator/Refused")(
  "Refused",
  { code: Schema.String, message: Schema.String },
  named("Refused", 422)
) {}

/**
 * The clock did not reach the instant, because of a hold.
 *
 * @since 0.1.0
 * @category errors
 */
export class ClockHeld extends Schema.TaggedError<ClockHeld>("@effect-deadman/simulator/ClockHeld")(
  "ClockHeld",
  { holders: Schema.Array(Schema.String), now: Schema.Number, message: Schema.String },
  named("ClockHeld", 409)
) {}

/**
 * The caller may not control the exchange.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("@effect-deadman/simulator/Unauthorized")(
  "Unauthorized",
  { message: Schema.String },
  named("Unauthorized", 401)
) {}
