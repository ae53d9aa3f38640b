/** The parts of a plan, and what follows from them alone. */

export type Deed =
  | {
      readonly at: number
      readonly do: "place"
      /** Whether the order only reduces a position. An exchange may spare such orders at a firing. */
      readonly reduceOnly?: boolean
    }
  | {
      readonly at: number
      readonly do: "cancel" | "look" | "beat" | "reconcile" | "heal" | "verdict" | "crash"
    }
  | { readonly at: number; readonly do: "interrupted-beat" | "suspend" | "stall" | "lapse"; readonly length: number }
  | { readonly at: number; readonly do: "step-wall"; readonly by: number }
  | { readonly at: number; readonly do: "other-client"; readonly seconds: number }
  | {
      readonly at: number
      readonly do: "close"
      readonly how: "success" | "failure" | "interruption"
      /** Ms after which the fiber that waits for the release is interrupted. */
      readonly interruptedAfter: number | undefined
    }

/** A policy of the library by its name, or one that always chooses the same. */
export type ReleasePolicy =
  "disarm" | "letExpire" | "cancelOnFailure" | "cancelUnlessDone" | "always Disarm" | "always CancelSoon"

/** A check of the liveness. A watchdog is kicked by a loop; the others fail in their own way while the bot lapses. */
export type Check =
  | { readonly kind: "watchdog"; readonly within: number; readonly every: number; readonly lapses: boolean }
  | { readonly kind: "fails" | "throws" | "hangs" }

/** A user that shares the heartbeat: comes after so many ms, stays so long, and ends in this way. */
export interface Sharer {
  readonly comes: number
  readonly stays: number
  readonly how: "success" | "failure" | "interruption" | "defect"
}

/** Code of the user that throws. */
export type Throwing = "onTransition" | "onAcknowledged" | "release" | "logger" | "tracer" | "evidence"

/** An earlier heartbeat of the same account in the same process: its life, and the gap after it, in ms. */
export interface Predecessor {
  readonly lives: number
  readonly gap: number
  /** It closes; is interrupted after `lives`, armed or not; or its release meets a port or a clock that throws. */
  readonly ends: "closes" | "interrupted" | "port dies" | "clock dies"
}

export interface Plan {
  readonly seed: number
  /** The port alone, over exchange and network, or HTTP, signature and verification, too. */
  readonly stack: "port" | "http"
  readonly client: {
    /** Seconds. A value that is no whole number from 5 to 60 has to be refused. */
    readonly countdown: number
    readonly interval: number
    readonly requestTimeout: number
    readonly armTimeout: number
    readonly releaseTimeout: number
    readonly settle: number
    readonly release: ReleasePolicy
    readonly abandon: "Disarm" | "LetExpire"
    readonly onUncertain: "lose" | "verify"
    readonly liveness: boolean
    /** Whether `set` ignores interruptions. */
    readonly deaf: boolean
    /** Whether `status` is read during the run. If not, only the reports are judged. */
    readonly read: boolean
  }
  readonly venue: {
    readonly boundary: "fire" | "beat"
    readonly sweepPeriod: number
    readonly triggerLatency: number
    readonly cancelPace: number
    readonly placingLatency: number
    /** Whether a firing spares the orders that only reduce a position. */
    readonly spares: boolean
    readonly timeToApply: number
    readonly timeToComplete: number
    readonly clockStart: "accept" | "apply" | "complete"
    readonly rateWindow: "fixed" | "sliding"
    readonly stamps: "headers" | "requestTime" | "zero" | "none"
    /** The number of the answer whose stamps come from a machine with a wrong clock, and its error in ms. */
    readonly wrongMachine: { readonly answer: number; readonly by: number } | undefined
    readonly maintenance: { readonly from: number; readonly to: number } | undefined
    readonly maintenanceTimer: "runs" | "pauses" | "fires-at-end"
    readonly maintenanceApplies: boolean
  }
  readonly clock: {
    /** Speed of the host's monotonic clock. */
    readonly rate: number
    readonly wallOffset: number
    readonly venueOffset: number
    /** The largest error of the clocks that stamp other answers, ms. */
    readonly machineSkew: number
    /** The error of the client's estimate of the exchange's clock, and the bound that it knows for it, ms. */
    readonly skew: number
    readonly uncertainty: number
  }
  readonly link: { readonly request: readonly [number, number]; readonly answer: readonly [number, number] }
  readonly faults: ReadonlyArray<string>
  readonly predecessor: Predecessor | undefined
  /** The write of this number arrives in the millisecond of the expiry, and no other write before it. */
  readonly needle: number | undefined
  /**
   * The open orders as evidence, with the client's allowance for a stale list, ms. Its lists may be stale.
   */
  readonly evidence: { readonly maxStaleness: number; readonly listStaleness: number } | undefined
  /** The checks of the liveness. Without any, it is one effect that fails during a lapse. */
  readonly checks: ReadonlyArray<Check>
  /** The other users of a heartbeat that `Heartbeats` makes, absent for a heartbeat of its own. */
  readonly sharers: ReadonlyArray<Sharer> | undefined
  readonly throwing: ReadonlyArray<Throwing>
  /** From the call of this number on, that many calls of the port are defects. */
  readonly portDies: { readonly call: number; readonly times: number; readonly where: "set" | "horizon" } | undefined
  /** From the reading of this number on, that many readings of the host's clock throw, and its sleeps meanwhile. */
  readonly clockDies: { readonly reading: number; readonly times: number } | undefined
  readonly ties: { readonly instants: "first-in" | "seeded"; readonly parties: "first-in" | "seeded" }
  readonly deeds: ReadonlyArray<Deed>
}

/** The longest time in ms that a healthy client needs after the healing to be armed again or to report the reason. */
export const recoveryTime = ({ client, deeds }: Pick<Plan, "client" | "deeds">): number =>
  // After a step of the wall clock the answer after the next one settles the doubt, and steps change no cadence.
  (deeds.some((deed) => deed.do === "step-wall" || deed.do === "suspend") ? 2 : 1) * client.interval +
  client.countdown * 100 +
  4 * (client.requestTimeout + 1_000)

/** Whether the client must refuse its options. */
export const invalid = ({ client }: Pick<Plan, "client">): boolean =>
  !Number.isInteger(client.countdown) || client.countdown < 5 || client.countdown > 60

/** When all faults end, ms. */
export const healAt = ({ deeds }: Pick<Plan, "deeds">): number => deeds.find((deed) => deed.do === "heal")?.at ?? 20_000

export const inOrder = (deeds: ReadonlyArray<Deed>): ReadonlyArray<Deed> => [...deeds].sort((a, b) => a.at - b.at)

export interface Draw {
  readonly stack?: "port" | "http" | undefined
}

/** One seed in ten runs the whole stack. */
export const stackOf = (seed: number): "port" | "http" => (seed % 10 === 7 ? "http" : "port")
