/**
 * The port to the exchange's list of open orders: the evidence by which a heartbeat proves that its switch held (see
 * `Sighting`). It depends on no particular exchange. `BitgetOpenOrders` implements it for Bitget.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as FireWindow from "./FireWindow.js"
import * as clock from "./internal/clock.js"
import type { Sighting } from "./Sighting.js"

/**
 * The open orders of one account.
 *
 * @since 0.2.0
 * @category tags
 */
export class OpenOrders extends Context.Tag("@effect-deadman/core/OpenOrders")<
  OpenOrders,
  {
    /** The account's label, the same as that of its countdown. */
    readonly account: string

    /**
     * An open order that was created before an instant of the exchange's clock, in ms. `undefined` when none is listed.
     * May stop at the first one, and has a time bound of its own. Lists only orders that the countdown cancels.
     */
    readonly survivor: (before: number) => Effect.Effect<Sighting | undefined, unknown>
  }
>() {}

/**
 * Both clocks, for `sentAt` of a sighting: read it before the page is requested.
 *
 * @since 0.2.0
 * @category time
 */
export const reading: Effect.Effect<FireWindow.Reading> = clock.reading
