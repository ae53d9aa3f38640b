/** Runs `deadman` as a process against a served exchange of its own. */
import * as Exchange from "@effect-deadman/simulator/Exchange"
import type * as Journal from "@effect-deadman/simulator/Journal"
import * as Server from "@effect-deadman/simulator/Server"
import * as Simulator from "@effect-deadman/simulator/Simulator"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { until } from "../../../core/test/support/patience.js"

export const uid = "1000001"
const exchange = Server.layer({ accounts: [{ uid }] })

/** The command of the build. */
export const bin = Path.join(import.meta.dirname, "..", "..", "bin.mjs")
export const bot = Path.join(import.meta.dirname, "bot.mjs")
const terminalProgram = Path.join(import.meta.dirname, "terminal.py")

export const node = process.execPath

/** The variables of a user, without the caller's own. */
const variables = (url: string): Record<string, string | undefined> => {
  const key = Exchange.testKey(uid)
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BITGET|DEADMAN)_/.test(name))),
    BITGET_BASE_URL: url,
    BITGET_API_KEY: key.key,
    BITGET_SECRET_KEY: key.secret ?? "",
    BITGET_PASSPHRASE: key.passphrase
  }
}

/** A process and all that it and its bots have written. */
export interface Running {
  readonly pid: number
  readonly child: ChildProcess
  readonly text: () => string
  /** The lines of its bots. */
  readonly log: () => string
  /** Succeeds at the end of the process, with its exit code or signal. */
  readonly ended: Effect.Effect<number | NodeJS.Signals>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}

/** The end of the scope kills the process, its group, and all bots that it has started. */
export const start = (
  command: ReadonlyArray<string>,
  options: { readonly env?: Record<string, string | undefined>; readonly stdio?: StdioOptions } = {}
) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const { url } = yield* Server.Server
      const [program = "", ...args] = command
      const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "deadman-"))
      const file = Path.join(folder, "bots")
      Fs.writeFileSync(file, "")
      const child = spawn(program, args, {
        env: { ...variables(url), BOT_LOG: file, ...options.env },
        stdio: options.stdio ?? ["ignore", "pipe", "pipe"],
        detached: true
      })
      let text = ""
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
      }
      const exited = new Promise<number | NodeJS.Signals>((resolve) =>
        // Not "exit", after which more of the output may come.
        child.once("close", (code, name) => resolve(name ?? code ?? -1))
      )
      const pid = child.pid ?? 0
      return {
        pid,
        child,
        folder,
        text: () => text,
        log: () => Fs.readFileSync(file, "utf8"),
        ended: Effect.promise(() => exited),
        kill: (name: NodeJS.Signals) => Effect.sync(() => signal(pid, name))
      }
    }),
    ({ child, folder, log, pid }) =>
      Effect.sync(() => {
        signal(-pid, "SIGCONT")
        signal(-pid, "SIGKILL")
        for (const id of botsOf(log())) signal(id, "SIGKILL")
        Fs.rmSync(folder, { recursive: true })
        child.stdout?.destroy()
        child.stderr?.destroy()
      })
  )

/** The command of `deadman run` with options before `--` and the program behind it. */
export const run = (...words: ReadonlyArray<string>): ReadonlyArray<string> => [node, bin, "run", ...words]

/** The same on a terminal. */
export const onTerminal = (...words: ReadonlyArray<string>): ReadonlyArray<string> => [
  "python3",
  terminalProgram,
  ...run(...words)
]

const botsOf = (text: string): ReadonlyArray<number> =>
  [...text.matchAll(/^\w+ (\d+) runs/gm)].map(([, pid]) => Number(pid))

/** Polls until it holds. Fails when the process ends before, because then it never will. */
const reaches = (running: Running, what: string, holds: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => {
    const shown = () => new Error(`${what} was expected, and deadman has ended:\n${running.text()}${running.log()}`)
    return until(
      what,
      Effect.suspend(() =>
        holds()
          ? Effect.succeed(true)
          : running.child.exitCode === null && running.child.signalCode === null
            ? Effect.succeed(false)
            : Effect.die(shown())
      )
    ).pipe(Effect.onInterrupt(() => Effect.logError(running.text() + running.log())))
  })

/** Waits for a text in the output. */
export const says = (running: Running, what: string) => reaches(running, what, () => running.text().includes(what))

/** The process ids of the bots, once there are so many. */
export const bots = (running: Running, count = 1) =>
  reaches(running, `${count} bots`, () => botsOf(running.log()).length >= count).pipe(
    Effect.map(() => botsOf(running.log()))
  )

/** The state letter of a process, `undefined` when there is none. Linux only. */
export const stateOf = (pid: number): string | undefined => {
  try {
    const stat = Fs.readFileSync(`/proc/${pid}/stat`, "latin1")
    return stat.slice(stat.lastIndexOf(")") + 2)[0]
  } catch {
    return undefined
  }
}

/** The processes that this one has started. Linux only. */
export const childrenOf = (pid: number): ReadonlyArray<number> =>
  Fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ").map(Number)

/** Whether a process still runs. */
export const isAlive = (pid: number): boolean => !["Z", "X", undefined].includes(stateOf(pid))

/** Waits until the process has ended. */
export const gone = (pid: number) =>
  until(
    `process ${pid} has ended`,
    Effect.sync(() => !isAlive(pid))
  )

/** The stops that reached a bot, as it says. */
export const stops = (running: Running): ReadonlyArray<string> =>
  [...running.log().matchAll(/^\w+ \d+ (SIG(?:TERM|INT|HUP|QUIT) \d+)/gm)].map(([, stop = ""]) => stop)

/** Whether a bot has wound down in order. */
export const saidBye = (running: Running): boolean => running.log().includes("bye")

/** A running bot under `deadman`. */
export const botUnder = (command: ReadonlyArray<string>, options?: Parameters<typeof start>[1]) =>
  Effect.gen(function* () {
    const deadman = yield* start(command, options)
    const [pid = 0] = yield* bots(deadman)
    return { deadman, pid }
  })

/** A test with an exchange of its own. */
export const proves = <E>(
  name: string,
  body: Effect.Effect<void, E, Scope.Scope | Simulator.Simulator | Server.Server>
): void => it.live(name, () => body.pipe(Effect.scoped, Effect.provide(exchange)))

/** The words for a program of JavaScript, and for a line of the shell. */
export const script = (text: string): ReadonlyArray<string> => ["--", node, "-e", text]
export const shell = (line: string): ReadonlyArray<string> => ["--", "sh", "-c", line]
/** A bot as a line of the shell. */
export const botLine = `'${node}' '${bot}'`

/** The entries of one kind for the account. */
export const entries = <Tag extends Journal.Entry["_tag"]>(tag: Tag) =>
  Effect.map(
    Effect.flatMap(Simulator.Simulator, (simulator) => simulator.journal.entries),
    (all) =>
      all.filter(
        (entry): entry is Extract<Journal.Entry, { readonly _tag: Tag }> =>
          entry._tag === tag && "account" in entry && entry.account === uid
      )
  )

/** The changes of the switch. */
export const switches = Effect.map(entries("Switch"), (all) => all.map(({ transition }) => transition))

/** The last change of the switch. */
export const last = Effect.map(entries("Switch"), (all) => {
  const { seconds, transition } = all.at(-1) ?? {}
  return { seconds, transition }
})

export const off = { seconds: undefined, transition: "closed" } as const
export const soon = { seconds: 5, transition: "refreshed" } as const

/** Makes the exchange refuse every further beat. */
export const refuse = Effect.flatMap(Simulator.Simulator, ({ network }) =>
  network.addUntilRemoved("code;code=40014;endpoint=countdown-cancel-all")
)

/** A test that one way to stop reaches the bot once, as this signal, and that the switch is turned off afterwards. */
export const stopsOnce = (
  name: string,
  command: ReadonlyArray<string>,
  stop: (deadman: Running) => Effect.Effect<unknown>,
  signal: NodeJS.Signals,
  options?: Parameters<typeof start>[1]
): void =>
  proves(
    name,
    Effect.gen(function* () {
      const { deadman, pid } = yield* botUnder(command, options)
      yield* stop(deadman)
      yield* gone(pid)
      yield* until(
        "the switch is off",
        Effect.map(last, ({ transition }) => transition === "closed")
      )
      assert.deepStrictEqual(stops(deadman), [`${signal} 1`])
      assert.isTrue(saidBye(deadman))
    })
  )

/** Signals the group of `deadman`. */
export const toGroup = (name: NodeJS.Signals) => (deadman: Running) =>
  Effect.sync(() => process.kill(-deadman.pid, name))

/** Gives a command to the terminal of `onTerminal`. */
export const types = (text: string) => (deadman: Running) => Effect.sync(() => deadman.child.stdin?.write(`${text}\n`))
export const terminal: Parameters<typeof start>[1] = { stdio: ["pipe", "pipe", "inherit"] }
