/**
 * Runners, store and exchange in one world of virtual time. The exchange and the store stand outside of the runners:
 * they act also while a runner is stopped, and on what a runner sent that has given up waiting.
 */
import * as AccountStore from "@effect-deadman/cluster/AccountStore"
import * as ClusterHeartbeats from "@effect-deadman/cluster/ClusterHeartbeats"
import type * as ClusterOptions from "@effect-deadman/cluster/ClusterOptions"
import * as Ownership from "@effect-deadman/cluster/Ownership"
import * as Countdown from "@effect-deadman/core/Countdown"
import * as CountdownCancelAll from "@effect-deadman/core/CountdownCancelAll"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as VenueError from "@effect-deadman/core/VenueError"
import * as VirtualTime from "@effect-deadman/virtual-time"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"

/** A write as the exchange saw it; `at` is the world's time at which it acted, ms. */
export interface Write {
  readonly at: number
  readonly account: string
  readonly runner: string
  readonly setting: CountdownCancelAll.Setting
}

/** A firing, or work that ran. */
export interface Span {
  readonly account: string
  readonly runner: string
  readonly from: number
  to: number | undefined
}

export type Options = Partial<ClusterOptions.Common<never, never>> & {
  readonly work?: (account: string, heartbeat: Heartbeat.Heartbeat) => Effect.Effect<unknown, unknown>
  readonly reconcile?: (account: string, heartbeat: Heartbeat.Heartbeat) => Effect.Effect<unknown, unknown>
  readonly kickWithin?: Duration.DurationInput
  /** Ends as soon as it has started. */
  readonly isStopped?: boolean
}

export interface Delays {
  /** To the exchange or the store and back, ms. */
  readonly exchange: () => readonly [number, number]
  readonly store: () => readonly [number, number]
}

/** The exchange's clock is not that of any runner. */
const ahead = 1_700_000_000_000

export const make = (delays: Delays = { exchange: () => [20, 20], store: () => [5, 5] }) =>
  Effect.gen(function* () {
    const time = yield* VirtualTime.VirtualTime
    const now = () => time.unsafeElapsed()
    let store = yield* VirtualTime.outside(AccountStore.makeMemory)
    /** A copy of the store that takes over when it fails. */
    const standby = yield* VirtualTime.outside(AccountStore.makeMemory)
    let isBehind = false
    const writes: Array<Write> = []
    const fired: Array<{ readonly account: string; readonly at: number }> = []
    const works: Array<Span> = []
    const deadlines = new Map<string, number>()
    /** Which runner owns an account by the engine. What a runner believes may differ. */
    const owners = new Map<string, string>()
    const beliefs = new Map<string, (account: string) => boolean>()
    const cutFromStore = new Set<string>()
    const cutFromExchange = new Set<string>()
    /** Runners whose next write the exchange refuses. */
    const refuseFirst = new Set<string>()
    let slowArming = 0
    let horizon = 30_000
    let isStoreAway = false

    const remote = <A, E>(work: Effect.Effect<A, E>, [there, back]: readonly [number, number]): Effect.Effect<A, E> =>
      Effect.flatMap(Deferred.make<A, E>(), (done) =>
        Effect.zipRight(
          Effect.sleep(there).pipe(
            Effect.zipRight(Effect.exit(work)),
            Effect.flatMap((exit) => Effect.delay(Deferred.done(done, exit), back)),
            VirtualTime.outside,
            Effect.provideService(VirtualTime.VirtualTime, time),
            Effect.forkDaemon
          ),
          Deferred.await(done)
        )
      )

    /** Fires what is due. */
    const settle = () => {
      for (const [account, deadline] of deadlines) {
        if (now() < deadline) continue
        deadlines.delete(account)
        fired.push({ account, at: deadline })
      }
    }

    const portOf = (runner: string, account: string): CountdownCancelAll.CountdownCancelAll["Type"] => ({
      account,
      range: Countdown.range,
      pace: Duration.seconds(1),
      horizon: Effect.sync(() => Duration.millis(horizon)),
      set: (setting) =>
        Effect.suspend((): ReturnType<CountdownCancelAll.CountdownCancelAll["Type"]["set"]> => {
          if (cutFromExchange.has(runner)) {
            return Effect.fail(
              new VenueError.TransportFailure({
                venueMessage: "",
                applied: "unknown",
                retryable: true,
                reason: "lost",
                detail: "cut off"
              })
            )
          }
          if (refuseFirst.delete(runner)) {
            return Effect.fail(
              new VenueError.RequestRefused({
                code: "40000",
                venueMessage: "refused",
                applied: "no",
                retryable: false
              })
            )
          }
          const [there, back] = delays.exchange()
          const act = Effect.sync(() => {
            settle()
            writes.push({ at: now(), account, runner, setting })
            if (typeof setting === "number") deadlines.set(account, now() + 1_000 * setting)
            else deadlines.delete(account)
            const stamp = ahead + Math.round(now())
            return { acceptedAt: stamp, completedAt: stamp, requestTime: stamp }
          })
          const isArming =
            typeof setting === "number" && !writes.some((w) => w.account === account && w.runner === runner)
          return remote(act, [there + (isArming ? slowArming : 0), back])
        })
    })

    const storeOf = (runner: string): AccountStore.Store => {
      const through =
        <Arguments extends ReadonlyArray<unknown>, A, E>(
          call: (store: AccountStore.Store) => (...args: Arguments) => Effect.Effect<A, E>
        ) =>
        (...args: Arguments): Effect.Effect<A, E> => {
          const copied = Effect.suspend(() =>
            isBehind || store === standby ? Effect.void : Effect.exit(call(standby)(...args))
          )
          const act = Effect.suspend(() => (isStoreAway ? Effect.never : Effect.zipRight(copied, call(store)(...args))))
          return Effect.suspend(() =>
            isStoreAway || cutFromStore.has(runner) ? Effect.never : remote(act, delays.store())
          )
        }
      return {
        join: through((store) => store.join),
        leave: through((store) => store.leave),
        report: through((store) => store.report),
        takeOver: through((store) => store.takeOver),
        permit: through((store) => store.permit),
        signOff: through((store) => store.signOff),
        want: through((store) => store.want),
        kick: through((store) => store.kick),
        read: through((store) => store.read)
      }
    }

    let boots = 0
    /** Starts a runner as a party of its own, and waits until it has started. */
    const start = (name: string, { isStopped = false, kickWithin, reconcile, work, ...common }: Options = {}) =>
      Effect.gen(function* () {
        const party = yield* time.party(`${name}-${boots++}`)
        const ready = yield* Deferred.make<ClusterHeartbeats.ClusterHeartbeats, ClusterHeartbeats.StartError>()
        const stop = yield* Deferred.make<void>()
        if (isStopped) yield* Deferred.succeed(stop, undefined)
        const running = (account: string) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              const span: Span = { account, runner: name, from: now(), to: undefined }
              works.push(span)
              return span
            }),
            (span) =>
              Effect.sync(() => {
                span.to = now()
              })
          )
        const bot =
          kickWithin === undefined
            ? {
                work: (account: string, heartbeat: Heartbeat.Heartbeat) =>
                  Effect.scoped(Effect.zipRight(running(account), work?.(account, heartbeat) ?? Effect.never)),
                reconcile
              }
            : { kickWithin }
        const life = Effect.scoped(
          Effect.gen(function* () {
            const cluster = yield* ClusterHeartbeats.make({
              lookup: (account: string) => Effect.succeed(portOf(name, account)),
              ...common,
              ...bot
            })
            yield* Deferred.succeed(ready, cluster)
            yield* Deferred.await(stop)
          })
        ).pipe(
          Effect.provideService(AccountStore.AccountStore, storeOf(name)),
          Effect.provideService(Ownership.Ownership, {
            runner: { name, boot: party.name },
            isMine: (account) => beliefs.get(name)?.(account) ?? owners.get(account) === name,
            takeOverWithin: Duration.seconds(8)
          }),
          Effect.provideService(Heartbeat.AccountsInUse, new Set<string>()),
          Effect.catchAllCause((cause) => Deferred.failCause(ready, cause)),
          (self) => VirtualTime.withParty(self, party.name),
          Effect.provideService(VirtualTime.VirtualTime, time)
        )
        const fiber = yield* Effect.forkDaemon(life)
        // As seen from outside, also when the runner is stopped.
        const cluster = yield* Deferred.await(ready)
        const inParty = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
          VirtualTime.withParty(effect, party.name).pipe(Effect.provideService(VirtualTime.VirtualTime, time))
        return {
          name,
          party,
          cluster,
          inParty,
          /** As after SIGTERM. */
          stop: Effect.zipRight(Deferred.succeed(stop, undefined), Effect.asVoid(Fiber.await(fiber))),
          crash: party.crash
        }
      })

    const own = (name: string, ...accounts: ReadonlyArray<string>) =>
      Effect.sync(() => {
        for (const account of accounts) owners.set(account, name)
      })

    return {
      now,
      get store() {
        return store
      },
      writes,
      fired,
      works,
      owners,
      beliefs,
      cutFromStore,
      cutFromExchange,
      refuseFirst,
      portOf,
      settle,
      start,
      own,
      remote,
      isRunning: (account: string) => {
        settle()
        return deadlines.has(account)
      },
      zeros: () => writes.filter(({ setting }) => setting === Countdown.off),
      beatsOf: (runner: string, since = 0) => writes.filter((write) => write.runner === runner && write.at >= since),
      /** From now on the copy of the store gets nothing any more. */
      copyBehind: Effect.sync(() => {
        isBehind = true
      }),
      /** The store is lost, and its copy answers from now on. */
      failOver: Effect.sync(() => {
        store = standby
      }),
      storeAway: (isAway: boolean) =>
        Effect.sync(() => {
          isStoreAway = isAway
        }),
      /** The time for which a request may still arrive, from now on. */
      requestsArriveFor: (millis: number) =>
        Effect.sync(() => {
          horizon = millis
        }),
      armSlowly: (millis: number) =>
        Effect.sync(() => {
          slowArming = millis
        })
    }
  })

export type World = Effect.Effect.Success<ReturnType<typeof make>>

/** Runs a test in a world of its own, without its log. */
export const inWorld = <E>(
  body: (world: World) => Effect.Effect<void, E, Scope.Scope>,
  options: { readonly seed?: number; readonly delays?: Delays } = {}
): void => {
  const { exit } = VirtualTime.run(
    Effect.scoped(Effect.flatMap(make(options.delays), body)).pipe(
      Effect.provide(Logger.replace(Logger.defaultLogger, Logger.none))
    ),
    { maxTime: "2 hours", seed: options.seed ?? 0 }
  )
  if (Exit.isFailure(exit))
    throw Exit.isFailure(exit) && exit.cause._tag === "Fail" ? exit.cause.error : new Error(String(exit.cause))
}
