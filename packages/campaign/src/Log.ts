/**
 * The log of one seed, for the judge: plain records in order. All instants are ms of the world's time since the start
 * of the run, under any clocks of the party.
 */

/** The end of a call as the client saw it. */
export type End = "acknowledged" | "code" | "unreadable" | "lost" | "refused-connection" | "interrupted"

/** One `set` as the client made it. */
export interface Call {
  readonly _tag: "Call"
  readonly seq: number
  readonly id: number
  readonly at: number
  /** Whether the heartbeat before the judged one made it. */
  readonly before: boolean
  /** Its text on the wire. */
  readonly wire: string
  endSeq: number | undefined
  endAt: number | undefined
  end: End | undefined
  /** The code that the client read. */
  code: string | undefined
  /** Whether a request left. Before that, the client may have to ask for the exchange's clock. */
  left: boolean
}

/** The arrival of one copy of a request at the exchange. `call` is absent for another client's. */
export interface Arrival {
  readonly _tag: "Arrival"
  readonly seq: number
  readonly call: number | undefined
  readonly copy: number
  readonly at: number
  readonly wire: string
  /** The instant at which it took effect, and the one from which its countdown counts. */
  readonly appliedAt: number | undefined
  readonly from: number | undefined
  readonly code: string
}

export interface Switched {
  readonly _tag: "Switched"
  readonly seq: number
  readonly account: "own" | "bystander"
  readonly at: number
  readonly transition: "armed" | "refreshed" | "closed" | "fired"
  readonly deadline: number | undefined
}

export interface Ordered {
  readonly _tag: "Ordered"
  readonly seq: number
  readonly account: "own" | "bystander"
  readonly at: number
  readonly what: "placed" | "cancelled"
  readonly order: string
  readonly cause: string | undefined
}

/** An order that a firing spares. Orders that it cancels are `Ordered`. */
export interface Spared {
  readonly _tag: "Spared"
  readonly seq: number
  readonly at: number
  readonly what: "placed" | "cancelled"
  readonly order: string
  readonly cause: string | undefined
}

/** A loop has kicked the watchdog that is the check of this number. */
export interface Kick {
  readonly _tag: "Kick"
  readonly seq: number
  readonly at: number
  readonly check: number
}

/** The liveness was asked at `from` and has answered. */
export interface Checked {
  readonly _tag: "Checked"
  readonly seq: number
  readonly at: number
  readonly from: number
  readonly alive: boolean
}

/** A step of a user that shares the heartbeat. The bot is number 0. */
export interface Use {
  readonly _tag: "Use"
  readonly seq: number
  readonly at: number
  readonly user: number
  readonly what: "asks" | "holds" | "fails" | "leaves"
  /** The exit with which it leaves, or the tag of the failure. */
  readonly how: string | undefined
}

/** A state that the client claims, and the exchange's switch at the same instant. */
export interface Claim {
  readonly _tag: "Claim"
  readonly seq: number
  readonly at: number
  /** Reported by `onTransition`, read from `status`, or the last reported one, checked again. */
  readonly how: "reported" | "read" | "standing"
  readonly state: "Armed" | "Jeopardy" | "MayHaveFired" | "Fired" | "Released"
  /** The edges in ms from `at`, absent where the state carries none. */
  readonly earliest: number | undefined
  readonly latest: number | undefined
  readonly lost: string | undefined
  /** How a doubt ended, in a report. */
  readonly provenBy: string | undefined
  readonly venueArmed: boolean
}

/** The end of a request for open orders. Times of orders are ms since the start of the run on the exchange's clock. */
export interface Listed {
  readonly _tag: "Listed"
  readonly seq: number
  readonly at: number
  readonly sentAt: number
  /** Orders that were created before it were asked for. */
  readonly before: number
  readonly result: "listed" | "nothing" | "failed"
  readonly createdAt: number | undefined
}

/** `awaitLost` has failed. */
export interface Lost {
  readonly _tag: "Lost"
  readonly seq: number
  readonly at: number
  readonly reason: string
}

/** A step of the plan, or a result of one. */
export interface Deed {
  readonly _tag: "Deed"
  readonly seq: number
  readonly at: number
  readonly what: string
  /** Its length in ms, if it has one. */
  readonly length: number | undefined
}

/** The acquisition has ended. */
export interface Acquired {
  readonly _tag: "Acquired"
  readonly seq: number
  readonly at: number
  readonly result: "armed" | "interrupted" | "failed"
  /** The tag of the failure. */
  readonly failure: string | undefined
  readonly code: string | undefined
}

/** The scope began to close, or has closed. `mono` is the party's monotonic time in ms. */
export interface Closing {
  readonly _tag: "Closing"
  readonly seq: number
  readonly at: number
  readonly phase: "begun" | "ended"
  readonly mono: number
}

/** The outcome of the release. The edges are ms from `at`. */
export interface Outcome {
  readonly _tag: "Outcome"
  readonly seq: number
  readonly at: number
  readonly outcome: "Disarmed" | "DisarmUnconfirmed" | "Expiring" | "CancellingSoon"
  readonly earliest: number | undefined
  readonly latest: number | undefined
}

export type Entry =
  | Call
  | Arrival
  | Switched
  | Ordered
  | Spared
  | Kick
  | Checked
  | Use
  | Claim
  | Listed
  | Deed
  | Acquired
  | Lost
  | Closing
  | Outcome

export interface Leftover {
  readonly fibers: number
  readonly timers: number
  readonly held: number
  readonly requests: number
}

/** The result of a run. */
export interface Log {
  readonly entries: ReadonlyArray<Entry>
  readonly end: number
  /** Absent when the host crashed, because then everything is left behind. */
  readonly leftover: Leftover | undefined
  /** The failure of the run itself: a defect, a limit, a program that got stuck. */
  readonly defect: string | undefined
  /** All text that came out of the whole stack. It must hold none of `secrets`. */
  readonly output: string | undefined
  readonly secrets: ReadonlyArray<string>
  /** The difference between the exchange and the one rebuilt from its journal, if any. */
  readonly replay: string | undefined
  readonly trace: string
  /** Draws the simulator's own timeline. */
  readonly timeline: (() => string) | undefined
}
