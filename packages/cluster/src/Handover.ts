/**
 * The states of one account on one runner, as a machine: `(state, event, now) -> (state, orders)`.
 *
 * Two facts decide it. A beat by two runners with the same countdown is harmless; a stray `0` and a missing beat are not.
 * So ownership is strict for trading and for `0`, and generous for beating: losing an account never sends `0`, and the
 * old owner beats on, for `grace` at most, until the store shows that the new one is armed.
 *
 * `now` and all instants are ms of one clock of the runner, which never runs slower than the store's.
 *
 * @since 0.2.0
 */
import type * as Release from "@effect-deadman/core/Release"
import type * as AccountStore from "./AccountStore.js"

/**
 * Times in ms.
 *
 * @since 0.2.0
 * @category models
 */
export interface Settings {
  /** The time without a confirmation by the store after which nothing may trade, because another may have taken over. */
  readonly doubtAfter: number
  /** How long the beats go on after the account was lost, and, if that is longer than `doubtAfter`, without a confirmation. */
  readonly grace: number
  /** The rest of a runner that was superseded although its engine still gives it the account. */
  readonly yieldFor: number
  /** The longest age of a kick, or `undefined` where the bot runs with its owner. */
  readonly kickWithin: number | undefined
}

/**
 * The states of an account that is being beaten for.
 *
 * - `Owned`: beats, and the work runs
 * - `Doubtful`: the store has not confirmed the epoch lately, or a `0` that an earlier owner was permitted may still
 *   arrive. Beats for `grace`; the work has stopped
 * - `HandingOver`: another owns the account, and has not armed yet. Beats for `grace`; the work has stopped
 *
 * @since 0.2.0
 * @category models
 */
export type Phase = "Owned" | "Doubtful" | "HandingOver"

/**
 * The reasons for which beats end without a write.
 *
 * - `Superseded`: a newer epoch is armed
 * - `GraceOver`: nothing was heard for `grace`
 * - `Ended`: the work or the heartbeat has ended by itself
 *
 * @since 0.2.0
 * @category models
 */
export type Reason = "Superseded" | "GraceOver" | "Ended"

/**
 * - `Idle`: does not beat
 * - `Starting`: waits for its turn, takes over, arms. `epoch` is set once it has taken over
 * - `Beating`: see `Phase`. `seen` is when the store was asked for its last confirmation of the epoch. Until `zeroUntil`
 *   a permitted `0` of an earlier epoch may arrive
 * - `Releasing`: asks for the permit, sends `0`
 * - `Stopping`: the beats are ending
 * - `Resting`: pauses before the next start
 * - `Ended`: is not started again until `protect` is called once more, or the account comes back
 *
 * @since 0.2.0
 * @category models
 */
export type State =
  | { readonly _tag: "Idle"; readonly restUntil: number }
  | { readonly _tag: "Starting"; readonly epoch: number | undefined; readonly seen: number }
  | {
      readonly _tag: "Beating"
      readonly phase: Phase
      readonly epoch: number
      readonly seen: number
      readonly handingSince: number | undefined
      readonly workFrom: number
      readonly zeroUntil: number
      readonly isWorking: boolean
    }
  | { readonly _tag: "Releasing"; readonly epoch: number; readonly seen: number; readonly workFrom: number }
  | { readonly _tag: "Stopping"; readonly reason: Reason }
  | { readonly _tag: "Resting" }
  | { readonly _tag: "Ended"; readonly asked: number }

/**
 * - `Seen`: the store has answered a question asked at `askedAt` with this row
 * - `Tick`: time has passed
 * - `TookOver`: a start has begun this epoch, by a question asked at `askedAt`
 * - `Armed`: a start has ended well; the work may begin at `workFrom`, unless the account is to be released
 * - `NotArmed`: a start has failed; `isRest` when it is to pause
 * - `NotPermitted`: the store gave no permit, because another epoch has begun or the account is to be protected again
 * - `Lost`: the heartbeat has ended by itself
 * - `WorkEnded`: the work has ended by itself
 * - `Stopped`: the beats have ended
 * - `Rested`: the pause is over
 * - `Exhausted`: there is no further start
 *
 * @since 0.2.0
 * @category models
 */
export type Event =
  | { readonly _tag: "Seen"; readonly isMine: boolean; readonly askedAt: number; readonly row: Facts | undefined }
  | { readonly _tag: "Tick"; readonly isMine: boolean }
  | { readonly _tag: "TookOver"; readonly epoch: number; readonly askedAt: number }
  | { readonly _tag: "Armed"; readonly workFrom: number; readonly wanted: AccountStore.Row["wanted"] }
  | { readonly _tag: "NotArmed"; readonly isRest: boolean }
  | { readonly _tag: "NotPermitted" }
  | { readonly _tag: "Lost" }
  | { readonly _tag: "WorkEnded" }
  | { readonly _tag: "Stopped" }
  | { readonly _tag: "Rested" }
  | { readonly _tag: "Exhausted"; readonly asked: number }

/**
 * What the machine has to know of a row.
 *
 * @since 0.2.0
 * @category models
 */
export type Facts = Pick<
  AccountStore.Row,
  "wanted" | "asked" | "epoch" | "ackedEpoch" | "zeroIn" | "kickedAgo" | "outcome"
>

/**
 * - `Start`: wait for a turn, take over, arm
 * - `StartWork`, `StopWork`
 * - `Release`: ask for the permit, send `0`
 * - `Stop`: end the beats without a write
 * - `Rest`: pause, then say `Rested` or `Exhausted`
 *
 * @since 0.2.0
 * @category models
 */
export type Order = "Start" | "StartWork" | "StopWork" | "Release" | "Stop" | "Rest"

/**
 * @since 0.2.0
 * @category models
 */
export type Step = readonly [State, ReadonlyArray<Order>]

/**
 * @since 0.2.0
 * @category constructors
 */
export const idle: State = { _tag: "Idle", restUntil: -Infinity }

/**
 * The longest time for which beats go on without a confirmation by the store, ms.
 *
 * @since 0.2.0
 * @category decisions
 */
export const beatsUnconfirmed = ({ doubtAfter, grace }: Pick<Settings, "doubtAfter" | "grace">): number =>
  Math.max(doubtAfter, grace)

/**
 * Whether a beat may be sent. The fence asks this before each write, also when no event has come for long.
 *
 * @since 0.2.0
 * @category decisions
 */
export const mayBeat = (state: State, now: number, settings: Settings): boolean => {
  const { grace } = settings
  switch (state._tag) {
    case "Starting":
      return state.epoch !== undefined && now < state.seen + beatsUnconfirmed(settings)
    case "Releasing":
      return now < state.seen + beatsUnconfirmed(settings)
    case "Beating":
      return now < Math.min(state.seen + beatsUnconfirmed(settings), (state.handingSince ?? Infinity) + grace)
    default:
      return false
  }
}

/**
 * Whether an account with this row is to be started: it is to be protected and its bot lives, or it is to be released
 * and its switch may run.
 *
 * @since 0.2.0
 * @category decisions
 */
export const isWanted = (row: Facts, { kickWithin }: Settings): boolean =>
  row.wanted === "release"
    ? row.outcome === null
    : row.zeroIn <= 0 && (kickWithin === undefined || (row.kickedAgo !== null && row.kickedAgo <= kickWithin))

/**
 * The outcome of a permitted release: `own` as the heartbeat says it at the instant `at`, which counts as proof only
 * when no earlier owner could beat when the permit was given. Otherwise nothing fires later than `runs` ms, the countdown
 * and the trigger latency, after the last possible beat, which is in `quietIn` ms.
 *
 * @since 0.2.0
 * @category decisions
 */
export const outcome = (own: Release.Outcome, at: number, quietIn: number, runs: number): AccountStore.Outcome => {
  const others = quietIn <= 0 ? 0 : quietIn + runs
  switch (own._tag) {
    case "Disarmed":
      return others === 0 ? { _tag: "Disarmed" } : { _tag: "DisarmUnconfirmed", untilIn: others }
    case "DisarmUnconfirmed":
      return { _tag: "DisarmUnconfirmed", untilIn: Math.max(others, own.until - at) }
    case "Expiring":
    case "CancellingSoon":
      return { _tag: "DisarmUnconfirmed", untilIn: Math.max(others, own.latestFire - at) }
  }
}

/**
 * One step.
 *
 * @since 0.2.0
 * @category decisions
 */
export const step = (state: State, event: Event, now: number, settings: Settings): Step => {
  switch (event._tag) {
    case "Seen":
      return onSeen(state, event, now, settings)
    case "Tick":
      return onTick(state, event.isMine, now, settings)
    case "TookOver":
      return [state._tag === "Starting" ? { ...state, epoch: event.epoch, seen: event.askedAt } : state, []]
    case "Armed":
      if (state._tag !== "Starting" || state.epoch === undefined) return [state, []]
      return event.wanted === "release"
        ? [{ _tag: "Releasing", epoch: state.epoch, seen: state.seen, workFrom: event.workFrom }, ["Release"]]
        : [beating(state.epoch, state.seen, event.workFrom), []]
    case "NotPermitted":
      // Only the next row says whether an earlier owner was permitted to send `0`.
      return state._tag === "Releasing"
        ? [{ ...beating(state.epoch, state.seen, state.workFrom), phase: "Doubtful", zeroUntil: Infinity }, []]
        : [state, []]
    case "NotArmed":
      if (state._tag !== "Starting") return [state, []]
      return event.isRest ? [{ _tag: "Resting" }, ["Rest"]] : [idle, []]
    case "Lost":
    case "WorkEnded":
      return state._tag === "Beating" ? stop("Ended") : [state, []]
    case "Stopped":
      return onStopped(state, now, settings)
    case "Rested":
      return state._tag === "Resting" ? [idle, []] : [state, []]
    case "Exhausted":
      return state._tag === "Resting" ? [{ _tag: "Ended", asked: event.asked }, []] : [state, []]
  }
}

const onSeen = (
  state: State,
  { askedAt, isMine, row }: Extract<Event, { _tag: "Seen" }>,
  now: number,
  settings: Settings
): Step => {
  switch (state._tag) {
    case "Idle":
      return isMine && row !== undefined && now >= state.restUntil && isWanted(row, settings)
        ? start(askedAt)
        : onTick(state, isMine, now, settings)
    case "Resting":
      // A release does not wait for the pause of the work.
      return isMine && row?.wanted === "release" && isWanted(row, settings) ? start(askedAt) : [state, []]
    case "Ended":
      if (!isMine || row === undefined || row.asked !== state.asked) return [idle, []]
      return [state, []]
    case "Starting":
      // The arming is not interrupted in the middle of a write. Nothing more is sent, and so it fails.
      if (row !== undefined && state.epoch !== undefined && row.ackedEpoch > state.epoch) {
        return [{ ...state, seen: -Infinity }, []]
      }
      return [row?.epoch === state.epoch ? { ...state, seen: Math.max(state.seen, askedAt) } : state, []]
    case "Releasing":
      if (row === undefined || row.ackedEpoch > state.epoch) return stop("Superseded")
      return [row.epoch === state.epoch ? { ...state, seen: Math.max(state.seen, askedAt) } : state, []]
    case "Beating": {
      if (row === undefined) return stop("Superseded")
      if (row.epoch > state.epoch) {
        return row.ackedEpoch > state.epoch ? stop("Superseded") : onTick(state, false, now, settings)
      }
      // An answer that is older than the epoch says nothing about it.
      const confirmed =
        row.epoch < state.epoch ? state : { ...state, seen: Math.max(state.seen, askedAt), zeroUntil: now + row.zeroIn }
      if (row.epoch === state.epoch && row.wanted === "release" && isMine) {
        return [
          { _tag: "Releasing", epoch: state.epoch, seen: confirmed.seen, workFrom: state.workFrom },
          state.isWorking ? ["StopWork", "Release"] : ["Release"]
        ]
      }
      return onTick(isMine ? { ...confirmed, handingSince: undefined } : confirmed, isMine, now, settings)
    }
    case "Stopping":
      return [state, []]
  }
}

const onTick = (state: State, isMine: boolean, now: number, settings: Settings): Step => {
  if (state._tag === "Idle" && !isMine) return [idle, []]
  if (state._tag === "Ended" && !isMine) return [idle, []]
  if (state._tag !== "Beating") return [state, []]
  const current = isMine ? state : handing(state, now)
  if (!mayBeat(current, now, settings)) return stop("GraceOver")
  const phase: Phase =
    current.handingSince !== undefined
      ? "HandingOver"
      : now >= current.seen + settings.doubtAfter || now < current.zeroUntil
        ? "Doubtful"
        : "Owned"
  const isWorking = phase === "Owned" && (current.isWorking || now >= current.workFrom)
  return [
    { ...current, phase, isWorking },
    isWorking === current.isWorking ? [] : [isWorking ? "StartWork" : "StopWork"]
  ]
}

const onStopped = (state: State, now: number, { yieldFor }: Settings): Step => {
  if (state._tag === "Releasing") return [idle, []]
  if (state._tag !== "Stopping") return [state, []]
  switch (state.reason) {
    case "Superseded":
      return [{ _tag: "Idle", restUntil: now + yieldFor }, []]
    case "Ended":
      return [{ _tag: "Resting" }, ["Rest"]]
    case "GraceOver":
      return [idle, []]
  }
}

const beating = (epoch: number, seen: number, workFrom: number): Extract<State, { _tag: "Beating" }> => ({
  _tag: "Beating",
  phase: "Owned",
  epoch,
  seen,
  handingSince: undefined,
  workFrom,
  zeroUntil: -Infinity,
  isWorking: false
})

const handing = <S extends Extract<State, { _tag: "Beating" }>>(state: S, now: number): S => ({
  ...state,
  handingSince: state.handingSince ?? now
})

const start = (seen: number): Step => [{ _tag: "Starting", epoch: undefined, seen }, ["Start"]]

/** Ends the beats, and with them the work. */
const stop = (reason: Reason): Step => [{ _tag: "Stopping", reason }, ["Stop"]]
