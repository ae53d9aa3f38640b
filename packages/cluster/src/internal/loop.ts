/**
 * The loop of one runner: reads the store and asks the engine, lets `Handover` decide for each account, and carries out
 * its orders side by side.
 *
 * @internal
 */
import type * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { Report, Row } from "../AccountStore.js"
import type { AccountStatus, ClusterStatus } from "../ClusterStatus.js"
import * as Handover from "../Handover.js"
import type { Ownership } from "../Ownership.js"
import { bounded } from "./bounded.js"
import * as Cells from "./cell.js"
import type { Cell } from "./cell.js"
import * as Clock from "./clock.js"
import * as Join from "./join.js"
import * as Life from "./life.js"
import * as Settings from "./settings.js"
import * as Telemetry from "./telemetry.js"
import * as Turns from "./turns.js"
import * as Work from "./work.js"

type Bot = (account: string, heartbeat: Heartbeat.Heartbeat) => Effect.Effect<unknown, unknown>

/** @internal */
export interface Options extends Pick<Life.Host, "store" | "runner" | "settings" | "lookup" | "optionsOf"> {
  readonly ownership: Ownership["Type"]
  readonly work: Bot | undefined
  readonly reconcile: Bot | undefined
  readonly restart: Schedule.Schedule<unknown> | undefined
}

/** @internal */
export interface Loop {
  readonly status: Effect.Effect<ClusterStatus>
  readonly cell: (account: string) => Cell | undefined
  /** The heartbeat of an account whose work may run now. */
  readonly held: (account: string) => Heartbeat.Heartbeat | undefined
  /** Asks the store now. */
  readonly sync: Effect.Effect<unknown>
}

/** 1, 2, 4, ... up to 30 seconds, from the beginning after a minute without an end. */
const defaultRestart: Schedule.Schedule<unknown> = Schedule.exponential("1 second").pipe(
  Schedule.union(Schedule.spaced("30 seconds")),
  Schedule.resetAfter("1 minute")
)

/** @internal */
export const make = (options: Options): Effect.Effect<Loop, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { ownership, runner, settings, store } = options
    const now = yield* Clock.makeNow
    const mono = yield* Clock.makeMono
    // Side by side, so that closing it takes no longer than ending one account.
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.parallel)
    const cells = new Map<string, Cell>()
    const turns = Turns.make(settings.atOnce)
    const telemetry = Telemetry.make(runner.name)
    const rules: Handover.Settings = {
      doubtAfter: Settings.doubtAfter,
      grace: settings.grace,
      yieldFor: 2 * Settings.livingFor,
      kickWithin: settings.kickWithin
    }
    /** When the store was asked for its last answer, and when this process surely ran last. */
    let answeredAt = now()
    let ranAt = now()
    let isOusted = false
    let asking: Effect.Effect<void> | undefined

    // As a fiber of the loop and not of the caller of `protect`, whose context and log annotations are its own. Not by
    // `Runtime.runFork` with this scope: a fiber that begins after the scope has closed would never end.
    const own = yield* Effect.getFiberRefs
    const fork = <A>(effect: Effect.Effect<A>): Effect.Effect<Fiber.RuntimeFiber<A>> =>
      Effect.forkIn(Effect.interruptible(Effect.zipRight(Effect.setFiberRefs(own), effect)), scope)

    // -----------------------------------------------------------------------------------------------------------------
    // Decisions and orders

    const dispatch = (cell: Cell, event: Handover.Event): Effect.Effect<void> =>
      Effect.suspend(() => {
        const before = Cells.stateOf(cell)
        const [state, orders] = Handover.step(cell.state, event, now(), rules)
        cell.state = state
        const entered =
          Cells.stateOf(cell) === before
            ? Effect.void
            : Effect.map(Clock.wall, (at) => {
                cell.since = at
              })
        return orders.length === 0
          ? entered
          : Effect.zipRight(
              entered,
              Effect.forEach(orders, (order) => carryOut(cell, order), { discard: true })
            )
      })

    const carryOut = (cell: Cell, order: Handover.Order): Effect.Effect<unknown> => {
      switch (order) {
        case "Start":
          cell.resting?.unsafeInterruptAsFork(FiberId.none)
          cell.resting = undefined
          return fork(Life.run(host, cell))
        case "StartWork":
          return cell.life === undefined ? Effect.void : startWork(cell, cell.life)
        case "StopWork":
          Cells.stopWork(cell)
          return Effect.void
        case "Release":
          return command(cell, "Release")
        case "Stop":
          Cells.stopWork(cell)
          cell.permit = undefined
          return command(cell, "Stop")
        case "Rest":
          return Effect.map(fork(rest(cell)), (fiber) => {
            cell.resting = fiber
          })
      }
    }

    const command = (cell: Cell, order: Cells.Command): Effect.Effect<unknown> =>
      cell.life === undefined ? Effect.void : Queue.offer(cell.life.commands, order)

    const startWork = (cell: Cell, { heartbeat }: Cells.Life): Effect.Effect<void> => {
      const { reconcile, work } = options
      if (work === undefined) return Effect.void
      const { account } = cell
      const running = Work.run(
        heartbeat,
        Effect.suspend(() => {
          cell.isWorking = true
          return Effect.ensuring(
            work(account, heartbeat),
            Effect.sync(() => {
              cell.isWorking = false
            })
          )
        }),
        reconcile === undefined ? undefined : Effect.suspend(() => reconcile(account, heartbeat))
      )
      const begun = Effect.zipRight(Cells.workEnded(cell, settings.countdown), running)
      const watched = Effect.flatMap(Effect.zip(Effect.exit(begun), heartbeat.status), ([exit, status]) =>
        Effect.withFiberRuntime<void>((fiber) => {
          // Only the work that the account has now says something about it; a lost heartbeat says so itself.
          const isOver = status._tag === "Released" || status.lost !== undefined
          if (cell.working !== fiber || isOver) return Effect.void
          cell.working = undefined
          cell.failure = Exit.isSuccess(exit) ? "the work has ended" : `the work failed: ${Cause.pretty(exit.cause)}`
          return dispatch(cell, { _tag: "WorkEnded" })
        })
      )
      return Effect.map(fork(watched), (fiber) => {
        cell.working = fiber
      })
    }

    const rest = (cell: Cell): Effect.Effect<void> =>
      Effect.gen(function* () {
        const { asked } = cell.row
        cell.restart ??= yield* Schedule.driver(options.restart ?? defaultRestart)
        const next = yield* Effect.exit(cell.restart.next(undefined))
        if (Exit.isSuccess(next)) return yield* dispatch(cell, { _tag: "Rested" })
        cell.restart = undefined
        yield* dispatch(cell, { _tag: "Exhausted", asked })
      })

    // -----------------------------------------------------------------------------------------------------------------
    // The store and the engine

    const isMine = (account: string): boolean => !isOusted && ownership.isMine(account)

    const enter = (row: Row, askedAt: number, at: number): Cell => {
      const known = cells.get(row.account)
      if (known === undefined) {
        const made = Cells.make(row, at)
        cells.set(row.account, made)
        return made
      }
      // An answer to a question from before the take-over is older than what is known. A later one with an earlier epoch
      // is of a store that has lost the take-over, and the next one has to begin there.
      if (row.epoch >= known.row.epoch || askedAt > known.takenAt) known.row = row
      return known
    }

    const reports = (): ReadonlyArray<Report> =>
      [...cells.values()].flatMap(({ account, life, unreported }) =>
        unreported && life !== undefined
          ? [{ account, epoch: life.epoch, acceptedAt: null, completedAt: null, ...life.record }]
          : []
      )

    const ask = Effect.gen(function* () {
      const askedAt = now()
      const sent = reports()
      const answer = yield* Effect.either(bounded("report", store.report(runner, sent), Settings.storeTimeout))
      if (Either.isLeft(answer)) return yield* tick
      answeredAt = Math.max(answeredAt, askedAt)
      const { isTaken, rows } = answer.right
      if (isTaken && !isOusted) {
        isOusted = true
        yield* Effect.logError(`another process has taken the name of runner ${runner.name}: this one owns nothing now`)
      }
      for (const { account, acceptedAt, epoch } of sent) {
        const cell = cells.get(account)
        if (cell?.life?.epoch === epoch && (cell.life.record?.acceptedAt ?? null) === acceptedAt)
          cell.unreported = false
      }
      const at = yield* Clock.wall
      const seen = new Set<string>()
      for (const row of rows) {
        seen.add(row.account)
        const cell = enter(row, askedAt, at)
        cell.isMine = isMine(row.account)
        yield* dispatch(cell, { _tag: "Seen", isMine: cell.isMine, askedAt, row })
      }
      for (const cell of cells.values()) {
        if (seen.has(cell.account)) continue
        yield* dispatch(cell, { _tag: "Seen", isMine: isMine(cell.account), askedAt, row: undefined })
      }
      // Last, because what the answer says must not wait. The engine of this process holds the locks of the name, so no
      // other runner could own its accounts.
      if (isOusted && (yield* Effect.orElseSucceed(Join.rejoin(store, runner), () => false))) {
        isOusted = false
        yield* Effect.logWarning(`the other process is gone: runner ${runner.name} has its name back`)
      }
    })

    /** One question at a time: those who ask meanwhile wait for the same answer. */
    const sync: Effect.Effect<void> = Effect.suspend(() => {
      if (asking !== undefined) return asking
      return Effect.flatMap(fork(ask), (fiber) => {
        asking = Effect.asVoid(Fiber.await(fiber))
        fiber.addObserver(() => {
          asking = undefined
        })
        return asking
      })
    })

    const tick: Effect.Effect<void> = Effect.suspend(() =>
      Effect.forEach(
        cells.values(),
        (cell) => {
          cell.isMine = isMine(cell.account)
          return dispatch(cell, { _tag: "Tick", isMine: cell.isMine })
        },
        { discard: true }
      )
    )

    /** After a pause of this process the store may know of another owner. What it answered before does not count. */
    const askAfterPause: Effect.Effect<void> = Effect.suspend(() => {
      const wokenAt = now()
      if (wokenAt - ranAt <= Settings.longPause) return Effect.void
      return Effect.zipRight(
        sync,
        Effect.suspend(() => (answeredAt < wokenAt ? sync : Effect.void))
      )
    })

    const host: Life.Host = {
      ...options,
      rules,
      now,
      mono,
      turns,
      dispatch,
      ask: askAfterPause,
      tookOver: telemetry.tookOver
    }

    // As of now: after a pause of this process the state is older than what it says.
    const held = (account: string): Heartbeat.Heartbeat | undefined => {
      const cell = cells.get(account)
      if (cell === undefined) return undefined
      const [state] = Handover.step(cell.state, { _tag: "Tick", isMine: isMine(account) }, now(), rules)
      return state._tag === "Beating" && state.isWorking ? cell.life?.heartbeat : undefined
    }

    /** A defect, of an engine for example, must not end what keeps all accounts alive. */
    const forever = (effect: Effect.Effect<void>) =>
      fork(
        Effect.forever(
          Effect.catchAllCause(effect, (cause) =>
            Effect.zipRight(
              Effect.logError("the loop of the cluster goes on after a defect", cause),
              Effect.sleep("1 second")
            )
          )
        )
      )
    yield* forever(
      Effect.gen(function* () {
        const began = now()
        yield* sync
        yield* Effect.sleep(Math.max(1, Math.ceil(began + Settings.reportEvery - now())))
      })
    )
    yield* forever(
      Effect.gen(function* () {
        const began = now()
        yield* Effect.sleep(Settings.tickEvery)
        telemetry.ran(now() - began - Settings.tickEvery)
        // After a pause of this process nothing trades until the store has answered.
        yield* tick
        yield* askAfterPause
        ranAt = now()
        telemetry.seen(Array.from(cells.values(), Cells.stateOf), now() - answeredAt, turns.waiting())
      })
    )

    const status = Effect.gen(function* () {
      const at = yield* Clock.wall
      const accounts = yield* Effect.forEach(cells.values(), statusOf)
      return {
        runner: runner.name,
        at,
        storeAge: now() - answeredAt,
        grace: Handover.beatsUnconfirmed(rules),
        isOusted,
        waiting: turns.waiting(),
        accounts
      }
    })
    return { status, cell: (account) => cells.get(account), held, sync }
  })

const statusOf = (cell: Cell): Effect.Effect<AccountStatus> =>
  Effect.map(cell.life === undefined ? Effect.succeed(undefined) : cell.life.heartbeat.status, (heartbeat) => ({
    account: cell.account,
    wanted: cell.row.wanted,
    state: Cells.stateOf(cell),
    since: cell.since,
    isMine: cell.isMine,
    epoch: cell.row.epoch,
    owner: cell.row.runner ?? undefined,
    continuity: cell.continuity,
    gap: cell.gap,
    isWorking: cell.isWorking,
    heartbeat,
    failure: cell.failure
  }))
