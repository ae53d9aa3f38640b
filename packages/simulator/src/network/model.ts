/**
 * The model of the network: requests under way, decisions about them, faults in force. `Network` exports these types.
 *
 * @since 0.1.0
 */
import type * as HashMap from "effect/HashMap"
import type * as Fault from "./Fault.js"
import type * as Latency from "./Latency.js"
import type * as Random from "./Random.js"

/**
 * A request as the network sees it. `account` is the UID of its key, or `undefined` without a key. `endpoint` is the
 * path without the query. `countdown` is the value in the body, if any.
 *
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly account: string | undefined
  readonly endpoint: string
  readonly countdown?: string | undefined
}

/**
 * A request under way. `ordinal` counts the requests of its account from 0 and is the index of its draws. `spared` has
 * the ids of the partitions that let it through because of their `after`. They let its answer through, too.
 *
 * @since 0.1.0
 * @category models
 */
export interface Passage extends Request {
  readonly ordinal: number
  readonly spared?: ReadonlyArray<number>
}

/**
 * The arrival of one copy, `after` ms from now. With `hold` it waits there until a later request of the account has
 * arrived, and arrives `lag` ms after that. When none comes, it arrives after `hold` ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface Arrival {
  readonly after: number
  readonly hold: number | undefined
  readonly lag: number
}

/**
 * The decision about a request at its sending. The client gets the answer to the first arrival. `acted` has the texts
 * of the faults that acted, for the journal.
 *
 * @since 0.1.0
 * @category models
 */
export type Departure = { readonly passage: Passage; readonly acted: ReadonlyArray<string> } & (
  | {
      /** No connection. Nothing was sent, and the client gets the error after `after` ms. */
      readonly _tag: "Refused"
      readonly after: number
    }
  | {
      /** The connection broke before the request arrived. The client gets the error after `after` ms. */
      readonly _tag: "Reset"
      readonly after: number
    }
  | {
      /** Never arrives. The client gets nothing. */
      readonly _tag: "Lost"
    }
  | { readonly _tag: "Sent"; readonly arrivals: readonly [Arrival, ...ReadonlyArray<Arrival>] }
)

/**
 * The decision about a copy that has arrived.
 *
 * @since 0.1.0
 * @category models
 */
export type Door = { readonly acted: ReadonlyArray<string> } & (
  | {
      /** The exchange handles it. */
      readonly _tag: "Exchange"
    }
  | {
      /** A gateway answers, and the request never reaches the exchange. */
      readonly _tag: "Gateway"
      readonly reply: Reply
    }
  | {
      /** Neither applied nor answered. */
      readonly _tag: "Unanswered"
    }
)

/**
 * The decision about an answer.
 *
 * @since 0.1.0
 * @category models
 */
export type Answer = { readonly acted: ReadonlyArray<string> } & (
  | {
      /** The client gets nothing. */
      readonly _tag: "Lost"
    }
  | {
      /** The connection breaks in place of the answer. The client gets the error after `after` ms. */
      readonly _tag: "Reset"
      readonly after: number
    }
  | {
      readonly _tag: "Sent"
      readonly after: number
      /** The answer that the client gets in place of the exchange's. */
      readonly replace: Reply | undefined
      /** The number of characters of the body that arrive, `undefined` for all. */
      readonly keep: number | undefined
    }
)

/**
 * An answer of a gateway: an envelope with a code, to which the driver adds text and status, or a whole page.
 *
 * @since 0.1.0
 * @category models
 */
export type Reply =
  | { readonly _tag: "Code"; readonly code: string }
  | { readonly _tag: "Page"; readonly status: number; readonly contentType: string; readonly body: string }

/**
 * A fault in force, until it is removed or over. `seen` counts the requests that it selected, `acted` those that it
 * acted on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Active {
  /** Counts the faults of the state from 1. */
  readonly id: number
  readonly fault: Fault.Fault
  /** The fault as text, by `Fault.print`. */
  readonly text: string
  /** When it was added, in ms of the exchange's clock. */
  readonly since: number
  readonly seen: number
  readonly acted: number
  /** The name of its random stream. Equal faults that are in force together have different streams. */
  readonly stream: string
}

/**
 * The latency of each direction without faults.
 *
 * @since 0.1.0
 * @category models
 */
export interface Link {
  readonly request: Latency.Latency
  readonly answer: Latency.Latency
}

/**
 * The state of the network.
 *
 * @since 0.1.0
 * @category models
 */
export interface State {
  readonly seed: Random.Seed
  readonly link: Link
  readonly faults: ReadonlyArray<Active>
  /** The id of the next fault. */
  readonly nextId: number
  /** The number of requests that each account has sent. The empty name is for requests without an account. */
  readonly sent: HashMap.HashMap<string, number>
}
