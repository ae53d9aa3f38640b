/** Runs the program under the decisions of `supervise.ts`. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import * as Os from "node:os"
import { performance } from "node:perf_hooks"
import process from "node:process"
import type { Level } from "./line.js"
import * as Supervise from "./supervise.js"
import type { Tie } from "./tie.js"
import * as Tree from "./tree.js"

/** The program could not be started, so it has no orders. */
export class NotStarted extends Data.TaggedError("NotStarted")<{ readonly message: string }> {}

/** The pause between two looks at the processes that still run, in ms. */
const pause = 100

/** The program as it runs. `offer` takes events from outside. */
export interface Running {
  readonly pid: number
  readonly offer: (event: Supervise.Event) => void
  /** Succeeds when the program and all that it started have ended. */
  readonly finished: Promise<Supervise.State>
}

export interface Options {
  readonly file: string
  readonly name: string
  readonly args: ReadonlyArray<string>
  readonly marker: string
  /** How long the program may take to end after it was told to stop, in ms. */
  readonly grace: number
  readonly tie: Tie
  readonly say: (level: Level, message: string) => void
}

/** Starts the program in a session of its own, so that a signal reaches it only through this process. */
export const start = (options: Options): Effect.Effect<Running, NotStarted> =>
  Effect.async((resume) => {
    const { args, file, grace, marker, name, say, tie } = options
    const failed = (error: unknown): void =>
      resume(
        new NotStarted({ message: `${file} cannot be run: ${error instanceof Error ? error.message : String(error)}` })
      )
    let child: ChildProcess.ChildProcess
    try {
      child = ChildProcess.spawn(file, args, {
        argv0: name,
        stdio: "inherit",
        detached: true,
        env: { ...process.env, [marker]: "1" }
      })
    } catch (error) {
      return failed(error)
    }
    child.once("error", (error) => {
      if (child.pid === undefined) failed(error)
    })
    const { pid } = child
    if (pid === undefined) return
    tie.watch(pid)

    const tree: Tree.Tree = { group: pid, marker }
    /** Processes that a stop has reached. */
    const told = new Set<number>()
    let state = Supervise.initial
    let timer: NodeJS.Timeout | undefined
    let look: NodeJS.Timeout | undefined
    let finish: (state: Supervise.State) => void = () => {}
    const finished = new Promise<Supervise.State>((resolve) => (finish = resolve))
    let isFinished = false

    const perform = (action: Supervise.Action): void => {
      switch (action._tag) {
        case "Say":
          return say(action.level, action.message)
        case "Stop":
          return Tree.signal(tree, action.signal).forEach((id) => told.add(id))
        case "Sweep":
          return Tree.signalAll(tree, "SIGTERM", told).forEach((id) => told.add(id))
        case "Kill":
          return void Tree.signalAll(tree, "SIGKILL")
        case "Pass":
          // Signals with a meaning of their own are for the program alone, those of the terminal for its group.
          return action.signal.startsWith("SIGUSR")
            ? void child.kill(action.signal)
            : void Tree.signal(tree, action.signal)
        case "Suspend":
          return void process.kill(process.pid, "SIGSTOP")
        case "StartGrace":
          timer = setTimeout(() => offer({ _tag: "GraceOver" }), grace)
          return
        case "Look":
          clearTimeout(look)
          look = setTimeout(() => offer({ _tag: "Left", count: Tree.remaining(tree) }), action.soon ? pause : 0)
          return
        case "Finish":
          isFinished = true
          clearTimeout(timer)
          clearTimeout(look)
          return finish(state)
      }
    }
    const offer = (event: Supervise.Event): void => {
      if (isFinished) return
      const [next, actions] = Supervise.step(state, event)
      state = next
      for (const action of actions) perform(action)
    }
    child.once("exit", (code, signal) =>
      offer({
        _tag: "Ended",
        how: signal === null ? { code: code ?? 1 } : { signal, number: Os.constants.signals[signal] }
      })
    )
    resume(Effect.succeed({ pid, offer, finished }))
  })

/** The instant for events, in ms of the monotonic clock. */
export const now = (): number => performance.now()
