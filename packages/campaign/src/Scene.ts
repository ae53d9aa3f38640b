/** The surroundings of the bot in either stack: the exchange, the network, and their controls. */
import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import type * as OpenOrders from "@effect-deadman/core/OpenOrders"

export interface Scene {
  readonly service: CountdownCancelAll.CountdownCancelAll["Type"]
  readonly orders: OpenOrders.OpenOrders["Type"]
  /** Brings the exchange up to now. Whether the account's countdown runs. */
  readonly armed: () => boolean
  /** The time until the exchange fires in ms, absent while it will not. */
  readonly firesIn: () => number | undefined
  readonly place: (account: "own" | "bystander", reduceOnly?: boolean) => void
  /** The owner cancels the oldest open order. */
  readonly cancel: () => void
  /** Another program with the same key sets the countdown, past the faults of the bot's network. */
  readonly otherClient: (seconds: number) => void
  readonly heal: () => void
  /** The number of requests that neither an answer nor the client has ended. */
  readonly open: () => number
  /** Adds the records that are known only at the end of the run. */
  readonly finish: () => SceneEnd
}

/** The part of the log that the scene gives at the end. */
export interface SceneEnd {
  readonly output: string | undefined
  readonly secrets: ReadonlyArray<string>
  readonly replay: string | undefined
  readonly timeline: (() => string) | undefined
}

/** Calls a function after so many ms of the world's time. */
export type Schedule = (millis: number, run: () => void) => void
