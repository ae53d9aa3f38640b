/**
 * The fence between a heartbeat and the exchange, one for each epoch of an account. It lets a write pass only if the
 * other runners have to reckon with it: the countdown that all agreed on, while this runner may still beat; and `0` only
 * with a permit of this very epoch. It also keeps what the next owner has to know of the writes that passed.
 *
 * @since 0.2.0
 */
import type * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import type * as FireWindow from "@effect-deadman/core/FireWindow"
import * as HeartbeatStatus from "@effect-deadman/core/HeartbeatStatus"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { FenceRefused } from "./ClusterError.js"

type Write = Effect.Effect<CountdownCancelAll.Acknowledgement, CountdownCancelAll.CountdownError>

type Port = CountdownCancelAll.CountdownCancelAll["Type"]

/**
 * @since 0.2.0
 * @category models
 */
export interface Options {
  /** The epoch of this fence. */
  readonly epoch: number
  /** The only countdown that passes, in whole seconds. */
  readonly countdown: number
  /** Runs before each beat: asks the store after a pause of this process. Its end decides nothing by itself. */
  readonly ask: Effect.Effect<unknown>
  /** Whether this runner may still beat. Asked in the same step in which the write begins. */
  readonly mayBeat: () => boolean
  /** The epoch that the store has permitted to send `0`, as far as it is valid now. */
  readonly permit: () => number | undefined
  /** A clock in ms that never shows more time than has passed, for `unresolvedFor`. A wall clock can be set ahead. */
  readonly now: () => number
}

/**
 * @since 0.2.0
 * @category models
 */
export interface Fence {
  readonly port: Port
  /**
   * The stamps of the first acknowledged countdown. `isAlone` says that no write before it may have been applied, which
   * would have kept the switch of the owner before alive.
   */
  readonly first: () => { readonly stamps: FireWindow.Stamps | undefined; readonly isAlone: boolean } | undefined
  /** The stamps of the last write, if it was an acknowledged countdown and no other write can arrive later. */
  readonly last: () => FireWindow.Stamps | undefined
  /** The time for which a write without an answer, or of unknown outcome, can still arrive, in ms. 0 when there is none. */
  readonly unresolvedFor: () => number
}

/**
 * @since 0.2.0
 * @category constructors
 */
export const make = (port: Port, options: Options): Fence => {
  const { account } = port
  let first: ReturnType<Fence["first"]>
  let last: { readonly stamps: FireWindow.Stamps | undefined; readonly sentAt: number } | undefined
  let unresolvedUntil = -Infinity
  /** The writes without an answer yet. */
  const open = new Set<{ readonly arrivesUntil: number }>()
  const refuse = (reason: FenceRefused["reason"]): Write => Effect.fail(new FenceRefused({ account, reason }))

  const ended = (
    setting: CountdownCancelAll.Setting,
    sentAt: number,
    arrivesUntil: number,
    exit: Exit.Exit<CountdownCancelAll.Acknowledgement, CountdownCancelAll.CountdownError>
  ): void => {
    if (Exit.isSuccess(exit)) {
      const stamps = typeof setting === "number" ? HeartbeatStatus.stampsOf(exit.value) : undefined
      last = { stamps, sentAt }
      first ??= { stamps, isAlone: unresolvedUntil === -Infinity }
    } else if (!(exit.cause._tag === "Fail" && exit.cause.error.applied === "no")) {
      unresolvedUntil = Math.max(unresolvedUntil, arrivesUntil)
    }
  }

  const send = (setting: CountdownCancelAll.Setting): Write =>
    Effect.flatMap(port.horizon, (horizon) =>
      Effect.suspend((): Write => {
        if (typeof setting === "number" ? !options.mayBeat() : options.permit() !== options.epoch) {
          return refuse(typeof setting === "number" ? "NotHeld" : "NoPermit")
        }
        const sentAt = options.now()
        const arrivesUntil = sentAt + Duration.toMillis(horizon)
        const write = { arrivesUntil }
        open.add(write)
        return Effect.onExit(port.set(setting), (exit) =>
          Effect.sync(() => {
            open.delete(write)
            ended(setting, sentAt, arrivesUntil, exit)
          })
        )
      })
    )

  return {
    port: {
      ...port,
      set: (setting) => {
        if (typeof setting !== "number") return send(setting)
        if (setting !== options.countdown) return refuse("OtherCountdown")
        return Effect.zipRight(options.ask, send(setting))
      }
    },
    first: () => first,
    // A write of unknown outcome may have arrived after the last acknowledged one.
    last: () => (last === undefined || last.sentAt < unresolvedUntil ? undefined : last.stamps),
    unresolvedFor: () => {
      const until = Math.max(unresolvedUntil, ...Array.from(open, ({ arrivesUntil }) => arrivesUntil))
      return Math.max(0, until - options.now())
    }
  }
}
