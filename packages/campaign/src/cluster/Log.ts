/** What is recorded of a run. Instants are ms since its start. */

/** A request to the exchange, with its five instants as far as they came. */
export interface Write {
  readonly _tag: "Write"
  readonly at: number
  readonly runner: string
  readonly boot: string
  readonly account: string
  /** Seconds; 0 is off. */
  readonly countdown: number
  appliedAt: number | undefined
  endAt: number | undefined
  end: "acknowledged" | "refused" | "lost" | undefined
}

export interface Fired {
  readonly _tag: "Fired"
  readonly at: number
  readonly account: string
}

/** A row as the store gave it, with the times in it as instants. */
export interface Row {
  readonly account: string
  readonly wanted: "protect" | "release"
  readonly epoch: number
  readonly boot: string | null
  readonly ackedEpoch: number
  readonly kickedAt: number | undefined
  readonly outcome: "Disarmed" | "DisarmUnconfirmed" | undefined
  readonly untilAt: number | undefined
}

/** One statement that the store carried out at `at`. */
export interface Statement {
  readonly _tag: "Statement"
  readonly at: number
  readonly what: "join" | "leave" | "report" | "takeOver" | "permit" | "signOff" | "want" | "kick" | "read"
  readonly boot: string
  readonly askedAt: number
  answeredAt: number | undefined
  /** The epoch that it is about, where there is one. */
  readonly epoch: number | undefined
  readonly account: string | undefined
  /** The rows that it gave, or that it left. */
  readonly rows: ReadonlyArray<Row>
  /** Whether it changed the row. */
  readonly isDone: boolean
}

export interface Bot {
  readonly _tag: "Bot"
  readonly at: number
  readonly boot: string
  readonly account: string
  readonly what: "work" | "work fails" | "work ends" | "reconcile" | "reconciled"
}

/** What a runner says of an account. */
export interface Claim {
  readonly _tag: "Claim"
  readonly at: number
  readonly boot: string
  readonly account: string
  readonly state: string
  readonly epoch: number
  readonly continuity: string | undefined
  readonly heartbeat: string | undefined
  /** Whether the exchange's timer runs. */
  readonly runs: boolean
}

export interface Engine {
  readonly _tag: "Engine"
  readonly at: number
  readonly boot: string
  readonly account: string
  readonly isMine: boolean
}

export interface Process {
  readonly _tag: "Process"
  readonly at: number
  readonly runner: string
  readonly boot: string
  readonly what: "starts" | "ready" | "refused" | "crash" | "stop" | "stopped" | "pauses" | "goes on"
  readonly detail?: string | undefined
}

export interface Deed {
  readonly _tag: "Deed"
  readonly at: number
  readonly what: string
}

/** The answer to a user that asked for a release. */
export interface Released {
  readonly _tag: "Released"
  readonly at: number
  readonly askedAt: number
  readonly account: string
  readonly result: string
}

export type Entry = Write | Fired | Statement | Bot | Claim | Engine | Process | Deed | Released

export interface Log {
  readonly entries: ReadonlyArray<Entry>
  readonly end: number
  readonly defect: string | undefined
  readonly trace: string
  /** When all processes were asked for their claims for the last time. */
  readonly lastLook: number
  /** Which accounts' timers run at the end. */
  readonly running: ReadonlyArray<string>
}
