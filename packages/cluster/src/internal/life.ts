/**
 * One epoch of one account: take over, arm, beat until a command or a loss, end, sign off.
 *
 * @internal
 */
import { CountdownCancelAll } from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as HeartbeatOptions from "@effect-deadman/core/HeartbeatOptions"
import type * as Heartbeats from "@effect-deadman/core/Heartbeats"
import type * as Release from "@effect-deadman/core/Release"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import type { Row, Store } from "../AccountStore.js"
import type { AccountOptions } from "../ClusterOptions.js"
import * as Continuity from "../Continuity.js"
import * as Fence from "../Fence.js"
import * as Handover from "../Handover.js"
import type { Runner } from "../Ownership.js"
import { bounded, within } from "./bounded.js"
import { stopWork, workEnded } from "./cell.js"
import type { Cell, Command, Life } from "./cell.js"
import * as Clock from "./clock.js"
import * as Settings from "./settings.js"
import type { Telemetry } from "./telemetry.js"
import type { Turns } from "./turns.js"

/**
 * What a life needs of the loop.
 *
 * @internal
 */
export interface Host {
  readonly store: Store
  readonly runner: Runner
  readonly settings: Settings.Settings
  readonly rules: Handover.Settings
  readonly now: Clock.Now
  readonly mono: Clock.Now
  readonly turns: Turns
  readonly dispatch: (cell: Cell, event: Handover.Event) => Effect.Effect<void>
  /** Asks the store when this process has paused for long. */
  readonly ask: Effect.Effect<unknown>
  readonly lookup: Heartbeats.Lookup<unknown, Scope.Scope>
  readonly optionsOf: (account: string) => AccountOptions
  readonly tookOver: Telemetry["tookOver"]
}

const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/**
 * Runs one life and reports each step to the loop. Never fails. An interruption ends it like a command.
 *
 * @internal
 */
export const run = (host: Host, cell: Cell): Effect.Effect<void> =>
  Effect.scoped(
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        // Not a part of the scope around it: the heartbeat ends before the account signs off.
        const scope = yield* Scope.make()
        const turn = host.turns.take(
          urgency(cell),
          Effect.suspend(() => begin(host, cell, scope))
        )
        const begun = yield* Effect.exit(restore(turn))
        const { life } = cell
        if (life === undefined) {
          yield* Scope.close(scope, Exit.void)
          if (Exit.isFailure(begun)) {
            cell.failure = describe(begun.cause)
            yield* warn(cell, "could not be armed", begun.cause)
          }
          return yield* host.dispatch(cell, { _tag: "NotArmed", isRest: Exit.isFailure(begun) })
        }
        const quietAt = yield* Effect.exit(restore(beat(host, cell, life)))
        yield* end(host, cell, life, scope, Exit.isSuccess(quietAt) ? quietAt.value : undefined)
        yield* host.dispatch(cell, { _tag: "Stopped" })
      })
    )
  )

/** Those whose switch fires first come first: all stamps are of one exchange. */
const urgency = ({ row }: Cell): number => row.acceptedAt ?? Infinity

/** Gives whether the account is armed. */
const begin = (host: Host, cell: Cell, scope: Scope.CloseableScope) =>
  Effect.gen(function* () {
    const { account } = cell
    const { now, settings, store } = host
    // The account may have gone while it waited.
    if (!cell.isMine) return false
    const { horizon, port } = yield* client(host, account)
    if (!cell.isMine) return false
    const options = host.optionsOf(account)
    const { releaseTimeout, stampTolerance, triggerLatency } = yield* HeartbeatOptions.resolve(
      Settings.timed(options, settings),
      port
    )
    const askedAt = now()
    const takeOver = store.takeOver({
      account,
      epoch: cell.row.epoch,
      runner: host.runner,
      countdown: settings.countdown,
      // The owner before may also have the permit to send `0`.
      silence: Math.max(Handover.beatsUnconfirmed(host.rules), releaseTimeout) + horizon
    })
    const taken = yield* Effect.either(bounded("take-over", takeOver, Settings.storeTimeout))
    if (taken._tag === "Left") {
      cell.failure = taken.left.message
      return false
    }
    if (Option.isNone(taken.right)) return false
    const takenAt = (cell.takenAt = now())
    const row = (cell.row = taken.right.value)
    const { epoch } = row
    yield* host.dispatch(cell, { _tag: "TookOver", epoch, askedAt })
    const fence = Fence.make(port, {
      epoch,
      countdown: settings.countdown / 1_000,
      ask: host.ask,
      mayBeat: () => Handover.mayBeat(cell.state, now(), host.rules),
      permit: () => (cell.permit !== undefined && now() < cell.permit.until ? cell.permit.epoch : undefined),
      now: host.mono
    })
    const predecessor = Continuity.predecessorOf(row)
    const limits = { releaseTimeout, triggerLatency }
    let record: Life["record"]
    const heartbeat = yield* Heartbeat.make({
      ...Settings.timed(options, settings),
      abandon: "LetExpire",
      release: (_, lost): Release.Release =>
        lost === undefined && cell.permit?.epoch === epoch ? "Disarm" : "LetExpire",
      ...liveness(host, cell),
      predecessor: Continuity.toRecord(predecessor),
      onAcknowledged: ({ acceptedAt, completedAt }) =>
        Effect.sync(() => {
          if (!Continuity.isEvidence({ acceptedAt, completedAt })) return
          record = { acceptedAt, completedAt }
          cell.unreported = true
        })
    }).pipe(
      Effect.provideService(CountdownCancelAll, fence.port),
      Scope.extend(scope),
      Effect.onError(() =>
        signOff(host, cell, {
          account,
          epoch,
          unresolvedFor: fence.unresolvedFor(),
          record: undefined,
          isLast: false,
          outcome: undefined
        })
      )
    )
    const first = fence.first()
    const stamps = first?.stamps
    const before =
      predecessor._tag === "Write" && first?.isAlone !== true ? { ...predecessor, last: false } : predecessor
    cell.continuity = Continuity.judge(before, stamps, { stampTolerance, triggerLatency })
    cell.gap =
      predecessor._tag === "Write" && stamps !== undefined ? stamps.acceptedAt - predecessor.acceptedAt : undefined
    host.tookOver(cell.continuity, cell.gap)
    cell.failure = undefined
    cell.unreported = true
    const commands = yield* Queue.unbounded<Command>()
    cell.life = {
      epoch,
      heartbeat,
      fence,
      commands,
      limits,
      get record() {
        return record
      }
    }
    yield* note(cell, `holds epoch ${epoch}: ${cell.continuity}`)
    yield* host.dispatch(cell, { _tag: "Armed", workFrom: workFrom(row, takenAt), wanted: row.wanted })
    return true
  })

/** One that hangs must not keep the turn of the others. */
const client = (host: Host, account: string) =>
  Effect.scopeWith((scope) =>
    within(
      Effect.gen(function* () {
        const port = yield* host.lookup(account)
        return { port, horizon: Duration.toMillis(yield* port.horizon) }
      }).pipe(Effect.provideService(Scope.Scope, scope)),
      host.settings.countdown,
      () =>
        Exit.fail(
          new Cause.TimeoutException(
            `the client of the account gave no answer within ${host.settings.countdown / 1_000} s`
          )
        )
    )
  )

/**
 * The work of all owners before has stopped by then, also when they have not heard of the take-over. The last of them may
 * have signed off while one before it still works.
 */
const workFrom = (row: Row, takenAt: number): number =>
  row.epoch === 1 || (row.signedOff === row.epoch - 1 && row.quietIn <= 0)
    ? takenAt
    : takenAt + Settings.doubtAfter + 1_000

/** A bot that runs elsewhere lives as long as it kicks, by the last answer of the store. */
const liveness = ({ settings: { kickWithin } }: Host, cell: Cell): HeartbeatOptions.Options =>
  kickWithin === undefined
    ? {}
    : {
        liveness: Effect.suspend(() => {
          const { kickedAgo } = cell.row
          return kickedAgo !== null && kickedAgo <= kickWithin
            ? Effect.void
            : Effect.fail(`account ${cell.account} was not kicked within ${kickWithin} ms`)
        })
      }

/** Beats until a command or a loss. Gives when, by `mono`, no earlier owner beats any more, if a `0` is permitted. */
const beat = (host: Host, cell: Cell, life: Life): Effect.Effect<number | undefined> =>
  Effect.gen(function* () {
    const lost = Effect.catchAll(life.heartbeat.awaitLost, (error) => {
      cell.failure = error.message
      return Effect.as(host.dispatch(cell, { _tag: "Lost" }), "Stop" as const)
    })
    for (;;) {
      const command = yield* Effect.raceFirst(Queue.take(life.commands), lost)
      if (command === "Stop") return undefined
      const permit = yield* Effect.raceFirst(askPermit(host, cell, life), lost)
      if (permit === "Stop") return undefined
      if (permit !== undefined) return permit.quietAt
      yield* host.dispatch(cell, { _tag: "NotPermitted" })
    }
  })

/** Asks until the store answers. `undefined` when it permits nothing. */
const askPermit = (
  host: Host,
  cell: Cell,
  { epoch, fence, limits }: Life
): Effect.Effect<{ readonly quietAt: number } | undefined> =>
  Effect.gen(function* () {
    for (;;) {
      // It may have grown since the epoch began.
      const validFor = limits.releaseTimeout + Duration.toMillis(yield* fence.port.horizon)
      const [askedAt, monoAskedAt] = [host.now(), host.mono()]
      const permit = host.store.permit({ account: cell.account, epoch, validFor })
      const answer = yield* Effect.either(bounded("permit", permit, Settings.storeTimeout))
      if (answer._tag === "Right") {
        if (Option.isNone(answer.right)) return undefined
        cell.permit = { epoch, until: askedAt + limits.releaseTimeout }
        // Only a `0` that is sent after the last beat of every earlier owner is proof.
        const { quietIn } = answer.right.value
        return { quietAt: quietIn <= 0 ? -Infinity : monoAskedAt + Settings.storeTimeout + quietIn }
      }
      yield* Effect.sleep(Settings.reportEvery)
    }
  })

/** Ends the heartbeat: with `0` if that is permitted, otherwise without a write. Then signs off. */
const end = (
  host: Host,
  cell: Cell,
  life: Life,
  scope: Scope.CloseableScope,
  quietAt: number | undefined
): Effect.Effect<void> =>
  Effect.gen(function* () {
    // The next owner begins its work after the sign-off.
    stopWork(cell)
    yield* workEnded(cell, Settings.workBound)
    yield* Scope.close(scope, Exit.void)
    const status = yield* life.heartbeat.status
    const at = yield* Clock.wall
    const outcome =
      quietAt === undefined || status._tag !== "Released"
        ? undefined
        : Handover.outcome(
            status.outcome,
            at,
            Math.max(quietAt === -Infinity ? 0 : 1, quietAt - host.mono()),
            host.settings.countdown + life.limits.triggerLatency
          )
    // After the sign-off the next owner reckons with no other `0` than those that were sent.
    cell.permit = undefined
    const { record } = life
    const last = life.fence.last()
    yield* signOff(host, cell, {
      account: cell.account,
      epoch: life.epoch,
      unresolvedFor: life.fence.unresolvedFor(),
      record,
      // The record of a heartbeat with an open gap is older than its last write.
      isLast: record !== undefined && last !== undefined && record.acceptedAt === last.acceptedAt,
      outcome
    })
    cell.life = undefined
    yield* note(cell, `let go of epoch ${life.epoch}${outcome === undefined ? "" : `: ${outcome._tag}`}`)
  })

const signOff = (host: Host, cell: Cell, ending: Parameters<Store["signOff"]>[0]): Effect.Effect<void> =>
  // A defect of the store must not keep the account from its next start.
  Effect.catchAllCause(bounded("sign-off", host.store.signOff(ending), Settings.storeTimeout), (cause) =>
    note(cell, `could not sign off epoch ${ending.epoch}: ${describe(cause)}`)
  )

const note = ({ account }: Cell, text: string): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logInfo(`account ${account}: ${text}`), { account, module: "ClusterHeartbeats" })

const warn = ({ account }: Cell, text: string, cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logWarning(`account ${account}: ${text}: ${describe(cause)}`), {
    account,
    module: "ClusterHeartbeats"
  })
