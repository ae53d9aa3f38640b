/**
 * The network as a value: requests under way, decisions about them, faults in force. Users know these types as those of
 * `Network`.
 *
 * @since 0.1.0
 */
import type * as HashMap from "effect/HashMap"
import type * as Fault from "./Fault.js"
import type * as Latency from "./Latency.js"
import type * as Random from "./Random.js"

/**
 * What the network sees of a request. `account` is the UID that the key belongs to, or `undefined` for none; `endpoint`
 * is the path without the query; `countdown` is the value that the body would set, where there is one.
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
 * A request under way: `ordinal` counts the requests of its account from 0, and names its draws. `spared` has the ids of
 * the partitions that let it through for their `after`: they let its answer through as well.
 *
 * @since 0.1.0
 * @category models
 */
export interface Passage extends Request {
  readonly ordinal: number
  readonly spared?: ReadonlyArray<number>
}

/**
 * One copy's arrival: `after` milliseconds from now. With `hold` it waits there until a later request of the account
 * has arrived, and arrives `lag` milliseconds after it; when none comes, it has waited long enough after `hold`.
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
 * What becomes of a request that is sent. The first arrival is the one whose answer the client hears. `acted` has the
 * texts of the faults that had a part in it, for the journal.
 *
 * @since 0.1.0
 * @category models
 */
export type Departure = { readonly passage: Passage; readonly acted: ReadonlyArray<string> } & (
  | {
      /** No connection: nothing was sent, and the client knows it after `after` milliseconds. */
      readonly _tag: "Refused"
      readonly after: number
    }
  | {
      /** The connection broke before the exchange saw the request; the client knows it after `after` milliseconds. */
      readonly _tag: "Reset"
      readonly after: number
    }
  | {
      /** Never arrives, and the client hears nothing. */
      readonly _tag: "Lost"
    }
  | { readonly _tag: "Sent"; readonly arrivals: readonly [Arrival, ...ReadonlyArray<Arrival>] }
)

/**
 * Who takes a copy that has arrived.
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
      /** Something in front of the exchange answers in its place: the exchange never sees the request. */
      readonly _tag: "Gateway"
      readonly reply: Reply
    }
  | {
      /** Taken and forgotten: not acted upon, never answered. */
      readonly _tag: "Nobody"
    }
)

/**
 * What becomes of an answer.
 *
 * @since 0.1.0
 * @category models
 */
export type Answer = { readonly acted: ReadonlyArray<string> } & (
  | {
      /** The client hears nothing. */
      readonly _tag: "Lost"
    }
  | {
      /** The connection breaks in place of the answer; the client knows it after `after` milliseconds. */
      readonly _tag: "Reset"
      readonly after: number
    }
  | {
      readonly _tag: "Sent"
      readonly after: number
      /** What the client gets in place of the exchange's answer. */
      readonly replace: Reply | undefined
      /** How many characters of the body arrive; `undefined` for all. */
      readonly keep: number | undefined
    }
)

/**
 * An answer that the exchange did not write: an envelope with a code, for which the driver has the text and the
 * status, or a page as it stands.
 *
 * @since 0.1.0
 * @category models
 */
export type Reply =
  | { readonly _tag: "Code"; readonly code: string }
  | { readonly _tag: "Page"; readonly status: number; readonly contentType: string; readonly body: string }

/**
 * A fault in force, until it is removed or over. `seen` counts what it could have acted on, `acted` what it acted on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Active {
  /** Counts the faults of the state from 1. */
  readonly id: number
  readonly fault: Fault.Fault
  /** The fault as text, see `Fault.print`. */
  readonly text: string
  /** When it was added, in milliseconds. */
  readonly since: number
  readonly seen: number
  readonly acted: number
  /** Names its random stream; equal faults that are in force together have different streams. */
  readonly stream: string
}

/**
 * How long the way takes when no fault delays it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Link {
  readonly request: Latency.Latency
  readonly answer: Latency.Latency
}

/**
 * The network as a value.
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
  /** How many requests each account has sent; the empty name is for requests without an account. */
  readonly sent: HashMap.HashMap<string, number>
}
