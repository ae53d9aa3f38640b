/**
 * The decisions of the supervisor, as a pure machine: an event leads to the next state and to actions. `program.ts`
 * carries them out.
 *
 * A stop reaches the program once. A second stop signal that comes shortly after the first is the same stop, sent twice:
 * by a terminal and by npm, by `timeout` to the process and to its group. From the first stop on the program has `grace`
 * to end, then it is killed. After the end of the program whatever it has left behind is ended in the same way.
 */
import * as exitCodes from "../exitCodes.js"

/** How the program ended: its exit code, or the signal with its number. */
export type Ended = { readonly code: number } | { readonly signal: NodeJS.Signals; readonly number: number }

export type Event =
  /** This process received a signal at this instant, in ms of the monotonic clock. */
  | { readonly _tag: "Signal"; readonly signal: NodeJS.Signals; readonly at: number }
  /** The switch is lost; the message says why. */
  | { readonly _tag: "Lost"; readonly message: string }
  | { readonly _tag: "Ended"; readonly how: Ended }
  /** The grace is over. */
  | { readonly _tag: "GraceOver" }
  /** The answer to `Look`: the number of processes that still run. */
  | { readonly _tag: "Left"; readonly count: number }

export type Action =
  /** Signals the program's group, and its daemons. */
  | { readonly _tag: "Stop"; readonly signal: NodeJS.Signals }
  /** Sends SIGTERM to what the program has left behind, except for processes that a stop has reached. */
  | { readonly _tag: "Sweep" }
  /** Sends SIGKILL to the whole tree. */
  | { readonly _tag: "Kill" }
  /** Passes a signal on that is no stop. */
  | { readonly _tag: "Pass"; readonly signal: NodeJS.Signals }
  /** Stops this process, as Ctrl-Z does. */
  | { readonly _tag: "Suspend" }
  /** Asks for `GraceOver` after the grace. */
  | { readonly _tag: "StartGrace" }
  /** Asks for `Left`, now or after a moment. */
  | { readonly _tag: "Look"; readonly soon: boolean }
  | { readonly _tag: "Say"; readonly level: "info" | "warning" | "error"; readonly message: string }
  /** The program and all that it started have ended, or cannot be ended. */
  | { readonly _tag: "Finish" }

export interface State {
  readonly ended: Ended | undefined
  readonly lost: boolean
  /** Whether the program has been told to stop. */
  readonly stopping: boolean
  readonly killed: boolean
  readonly swept: boolean
  /** Whether the program was suspended with this process. */
  readonly suspended: boolean
  /** When the last stop signal arrived, ms. */
  readonly lastStop: number
  /** How often the tree may still be looked at after a kill. */
  readonly looks: number
}

export const initial: State = {
  ended: undefined,
  lost: false,
  stopping: false,
  killed: false,
  swept: false,
  suspended: false,
  lastStop: -Infinity,
  looks: 50
}

/** Stop signals within this time of each other are one stop, in ms. */
const sameStop = 2_000

/** The meaning of a signal to this process. */
const passed = new Set<NodeJS.Signals>(["SIGUSR1", "SIGUSR2", "SIGWINCH"])
const stops = new Set<NodeJS.Signals>(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])

const say = (level: "info" | "warning" | "error", message: string): Action => ({ _tag: "Say", level, message })
const resumed: Action = { _tag: "Pass", signal: "SIGCONT" }

/** Tells the program to stop, and wakes it when it was suspended. */
const stop = (state: State, signal: NodeJS.Signals): readonly [State, ReadonlyArray<Action>] => [
  { ...state, stopping: true, suspended: false },
  [
    { _tag: "Stop", signal },
    ...(state.suspended ? [resumed] : []),
    ...(state.stopping ? [] : [{ _tag: "StartGrace" } as const])
  ]
]

const onSignal = (state: State, received: NodeJS.Signals, at: number): readonly [State, ReadonlyArray<Action>] => {
  if (received === "SIGCONT") return [{ ...state, suspended: false }, [resumed]]
  if (received === "SIGTSTP") {
    return [{ ...state, suspended: true }, [{ _tag: "Pass", signal: "SIGSTOP" }, { _tag: "Suspend" }]]
  }
  if (passed.has(received)) return [state, [{ _tag: "Pass", signal: received }]]
  // The other signals would end this process, and mean nothing to a program that did not ask for them.
  const signal = stops.has(received) ? received : "SIGTERM"
  const isSame = at - state.lastStop < sameStop
  const next = { ...state, lastStop: at }
  if (isSame) return [next, []]
  if (state.lost || state.ended !== undefined) return [next, []]
  const [stopped, actions] = stop(next, signal)
  return [stopped, [say("info", `received ${received}, passes ${signal} on to the program`), ...actions]]
}

/** The next state, and what is to be done. */
export const step = (state: State, event: Event): readonly [State, ReadonlyArray<Action>] => {
  switch (event._tag) {
    case "Signal":
      return onSignal(state, event.signal, event.at)
    case "Lost": {
      if (state.lost) return [state, []]
      const next = { ...state, lost: true }
      const said = say("error", event.message)
      // The program is winding down already. A second signal could end it at once.
      if (state.stopping || state.ended !== undefined) return [next, [said]]
      const [stopped, actions] = stop(next, "SIGTERM")
      return [stopped, [said, ...actions]]
    }
    case "Ended":
      return [{ ...state, ended: event.how }, [{ _tag: "Look", soon: false }]]
    case "GraceOver":
      return [
        { ...state, killed: true },
        [
          say("warning", "the program has not ended within the grace: kills it"),
          { _tag: "Kill" },
          { _tag: "Look", soon: true }
        ]
      ]
    case "Left": {
      const { count } = event
      if (count === 0 && state.ended !== undefined) return [state, [{ _tag: "Finish" }]]
      if (state.killed) {
        const next = { ...state, looks: state.looks - 1 }
        if (next.looks > 0) return [next, [{ _tag: "Kill" }, { _tag: "Look", soon: true }]]
        return [next, [say("error", `${processes(count)} of the program cannot be ended`), { _tag: "Finish" }]]
      }
      if (state.ended === undefined) return [state, []]
      const again: Action = { _tag: "Look", soon: true }
      if (state.swept) return [state, [again]]
      const next = { ...state, swept: true, stopping: true, suspended: false }
      const grace: ReadonlyArray<Action> = state.stopping ? [] : [{ _tag: "StartGrace" }]
      return [
        next,
        [
          say(
            "warning",
            `the program has ended, and ${processes(count)} that it started still run${s(count)}: ends them`
          ),
          { _tag: "Sweep" },
          resumed,
          ...grace,
          again
        ]
      ]
    }
  }
}

const processes = (count: number): string => (count === 1 ? "1 process" : `${count} processes`)
const s = (count: number): string => (count === 1 ? "s" : "")

/** The exit code of the program, as shells have it. One that cannot be ended counts as killed. */
const exitCodeOf = (ended: Ended | undefined): number =>
  ended === undefined ? exitCodes.afterSignal(9) : "code" in ended ? ended.code : exitCodes.afterSignal(ended.number)

/** The exit code of `deadman run` after the end of the program. */
export const exitCode = (state: State): number => (state.lost ? exitCodes.codes.lost : exitCodeOf(state.ended))

/** The last line: how the program ended. */
export const ending = ({ ended, lost }: State): string => {
  const how =
    ended === undefined
      ? "cannot be ended"
      : "code" in ended
        ? `ended with exit code ${ended.code}`
        : `was ended by ${ended.signal}`
  return lost ? `the switch was lost, and the program ${how}` : `the program ${how}`
}
