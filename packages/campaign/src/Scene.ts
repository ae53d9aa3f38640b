/** What surrounds the bot, in either stack: the exchange, the way to it, and the hands that reach into them. */
import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"

export interface Scene {
  readonly service: CountdownCancelAll.CountdownCancelAll["Type"]
  /** Brings the exchange up to now, and says whether the account's countdown runs. */
  readonly armed: () => boolean
  /** Ms until the exchange fires as things stand; absent when it will not. */
  readonly firesIn: () => number | undefined
  readonly place: (account: "own" | "bystander") => void
  /** Another program with the same key sets the countdown, past the faults of the bot's network. */
  readonly otherClient: (seconds: number) => void
  readonly heal: () => void
  /** Requests that neither an answer nor the client has ended. */
  readonly open: () => number
  /** Writes what only the end of the run can tell into the log. */
  readonly finish: () => SceneEnd
}

/** What the scene adds to the log. */
export interface SceneEnd {
  readonly output: string | undefined
  readonly secrets: ReadonlyArray<string>
  readonly replay: string | undefined
  readonly timeline: (() => string) | undefined
}

/** Calls a plain function after so many ms of the world's time. */
export type Schedule = (millis: number, run: () => void) => void
