/** Runs one plan in virtual time: the runners, the store, the exchange, the engine, and all that the plan does to them. */
import * as AccountStore from "@effect-deadman/cluster/AccountStore"
import * as ClusterHeartbeats from "@effect-deadman/cluster/ClusterHeartbeats"
import type * as ClusterOptions from "@effect-deadman/cluster/ClusterOptions"
import * as Ownership from "@effect-deadman/cluster/Ownership"
import * as Heartbeat from "@effect-deadman/core/Heartbeat"
import * as VirtualTime from "@effect-deadman/virtual-time"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import type * as Logger from "effect/Logger"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import { dice } from "../Plan.js"
import * as Engine from "./Engine.js"
import * as Exchange from "./Exchange.js"
import type * as Log from "./Log.js"
import { accountName, runnerName } from "./Plan.js"
import type { Deed, Plan } from "./Plan.js"
import * as Store from "./Store.js"
import type * as World from "./World.js"

interface Running extends World.Process {
  isGone: boolean
  pauses: number
  readonly party: VirtualTime.Party
  readonly stop: Deferred.Deferred<void>
  isStopping: boolean
  cluster: ClusterHeartbeats.ClusterHeartbeats | undefined
}

const noLoggers = HashSet.empty<Logger.Logger<unknown, void>>()
/** A little later than an instant, ms: everything that it set going has run. */
const justAfter = 0.001
/** A supervisor starts a process again after this, ms. */
const retryAfter = 2_000
/** For so long all is as it is wanted, ms. */
const calmFor = 8_000

export const run = (plan: Plan): Log.Log => {
  const entries: Array<Log.Entry> = []
  const accounts = Array.from({ length: plan.accounts }, (_, index) => accountName(index))
  const running: Array<string> = []
  let looked = Infinity

  const program = Effect.gen(function* () {
    const time = yield* VirtualTime.VirtualTime
    const clock = yield* Effect.clock
    const runtime = yield* Effect.runtime<VirtualTime.VirtualTime>()
    const fork = Runtime.runFork(runtime)
    const now = time.unsafeElapsed
    const world: World.World = {
      plan,
      now,
      schedule: (millis, run) => void time.unsafeSchedule(millis, run),
      log: (entry) => void entries.push(entry),
      die: dice(plan.seed ^ 0x5bd1e995),
      cuts: { store: new Map(), exchange: new Map() },
      outage: undefined,
      slowBy: 0
    }
    const { log, schedule } = world
    const processes: Array<Running> = []
    const slots = new Map<string, Running>()
    const living = () => processes.filter((process) => !process.isGone)
    const storeOf = Store.make(world, clock)

    const engine = Engine.make(world)
    const exchange = Exchange.make(world, (process) => {
      schedule(justAfter, () => look(process))
      schedule(250, () => look(process))
    })

    /** Records the claims of a process. */
    const look = (process: World.Process): void => {
      const { boot, cluster, pauses } = processes.find((one) => one.boot === process.boot)!
      if (process.isGone || pauses > 0 || cluster === undefined) return
      const status = Effect.map(cluster.status, (status) => {
        for (const { account, continuity, epoch, heartbeat, state } of status.accounts) {
          const claim = { boot, account, state, epoch, continuity, heartbeat: heartbeat?._tag }
          log({ _tag: "Claim", at: now(), ...claim, runs: exchange.runs(account) })
        }
      })
      fork(VirtualTime.withParty(status, boot))
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Bots

    const failing = new Map<string, Set<() => void>>()
    const reconciled = new Map<string, number>()
    const silent = new Set<string>()
    const working = new Set<string>()

    const bot = (process: Running): ClusterOptions.Working<string, never> | ClusterOptions.Kicked => {
      const { kickWithin, reconcile, reconcileTakes } = plan.bot
      const { boot } = process
      if (kickWithin !== undefined) return { kickWithin }
      const note = (account: string, what: Log.Bot["what"]) =>
        Effect.sync(() => log({ _tag: "Bot", at: now(), boot, account, what }))
      const compare = (account: string) =>
        Effect.gen(function* () {
          yield* note(account, "reconcile")
          yield* Effect.sleep(reconcileTakes)
          const times = reconciled.get(account) ?? 0
          reconciled.set(account, times + 1)
          if (reconcile === "fails at first" && times < 2) return yield* Effect.fail("the book could not be read")
          yield* note(account, "reconciled")
        })
      return {
        work: (account) =>
          Effect.acquireUseRelease(
            Effect.tap(note(account, "work"), () => Effect.sync(() => working.add(`${boot} ${account}`))),
            () =>
              Effect.async<never, string>((resume) => {
                const fails = getOr(failing, account, () => new Set<() => void>())
                const fail = () => {
                  if (process.pauses > 0 || process.isGone) return
                  fails.delete(fail)
                  log({ _tag: "Bot", at: now(), boot, account, what: "work fails" })
                  resume(Effect.fail("the bot broke"))
                }
                fails.add(fail)
                return Effect.sync(() => fails.delete(fail))
              }),
            () => Effect.tap(note(account, "work ends"), () => Effect.sync(() => working.delete(`${boot} ${account}`)))
          ),
        reconcile: reconcile === "none" ? undefined : compare
      }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Processes

    const start = (index: number): void => {
      const runner = runnerName(index)
      const boot = `${runner}-${processes.filter((process) => process.runner === runner).length}`
      const party = Effect.runSync(time.party(boot))
      Effect.runSync(Effect.orDie(party.setRate(plan.rates[index]!)))
      const process: Running = {
        runner,
        boot,
        party,
        stop: Effect.runSync(Deferred.make<void>()),
        isGone: false,
        isStopping: false,
        pauses: 0,
        cluster: undefined
      }
      processes.push(process)
      slots.set(runner, process)
      const note = (what: Log.Process["what"], detail?: string) =>
        log({ _tag: "Process", at: now(), runner, boot, what, detail })
      note("starts")
      engine.begin(process)
      const { atOnce, countdown, grace, inherits, interval, perSecond, requestTimeout, restart } = plan.settings
      const life = Effect.scoped(
        Effect.gen(function* () {
          const cluster = yield* ClusterHeartbeats.make<never, never, string>({
            lookup: (account) => Effect.succeed(exchange.portOf(process, account)),
            countdown,
            interval,
            requestTimeout,
            grace,
            arming: { atOnce, inherits, perSecond },
            restart: restart === undefined ? undefined : Schedule.spaced(restart),
            ...bot(process)
          })
          process.cluster = cluster
          note("ready")
          yield* Deferred.await(process.stop)
        })
      ).pipe(
        Effect.provideService(AccountStore.AccountStore, storeOf.of(process)),
        Effect.provideService(Ownership.Ownership, {
          runner: { name: runner, boot },
          isMine: (account) => engine.isMine(process, account),
          takeOverWithin: Duration.millis(plan.engine.lease + 2_000)
        }),
        Effect.provideService(Heartbeat.AccountsInUse, new Set<string>())
      )
      const fiber = fork(VirtualTime.withParty(life, boot))
      fiber.addObserver((exit) => {
        if (process.isGone) return
        process.isGone = true
        engine.leave(process)
        if (Exit.isSuccess(exit)) return note("stopped")
        note("refused", Cause.pretty(exit.cause))
        if (slots.get(runner) === process) schedule(retryAfter, () => restart_(index, process))
      })
    }

    /** Starts a runner again, unless something else has. */
    const restart_ = (index: number, before: Running): void => {
      if (slots.get(runnerName(index)) === before) start(index)
    }

    const pause = (process: Running, how: "stall" | "suspend", length: number): void => {
      const { boot, party, runner } = process
      process.pauses++
      log({ _tag: "Process", at: now(), runner, boot, what: "pauses" })
      Effect.runSync(how === "stall" ? party.stallFor(length) : party.suspendFor(length))
      // Before what became due meanwhile runs.
      schedule(length - justAfter, () => {
        process.pauses--
        if (!process.isGone && process.pauses === 0) log({ _tag: "Process", at: now(), runner, boot, what: "goes on" })
      })
    }

    const stop = (process: Running): void => {
      if (process.isGone || process.isStopping) return
      process.isStopping = true
      log({ _tag: "Process", at: now(), runner: process.runner, boot: process.boot, what: "stop" })
      Deferred.unsafeDone(process.stop, Exit.void)
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Users

    const ready = (index: number): Running | undefined => {
      const able = living().filter((process) => process.pauses === 0 && process.cluster !== undefined)
      return able.find((process) => process.runner === runnerName(index)) ?? able[0]
    }

    const asUser = (
      index: number,
      call: (cluster: ClusterHeartbeats.ClusterHeartbeats) => Effect.Effect<unknown, { readonly _tag: string }>,
      ended: (exit: Exit.Exit<unknown, { readonly _tag: string }> | undefined) => void
    ): void => {
      const process = ready(index)
      if (process === undefined) return ended(undefined)
      fork(VirtualTime.withParty(call(process.cluster!), process.boot)).addObserver(ended)
    }

    const protect = (account: string): void =>
      asUser(
        0,
        ({ protect }) => protect(account),
        (exit) => {
          if (exit === undefined || Exit.isFailure(exit)) schedule(1_000, () => protect(account))
        }
      )

    const release = (account: string, index: number): void => {
      const askedAt = now()
      asUser(
        index,
        ({ release }) => release(account),
        (exit) => {
          if (exit === undefined || Exit.isInterrupted(exit as Exit.Exit<unknown, unknown>)) return
          const result = Exit.isSuccess(exit)
            ? (exit.value as ClusterHeartbeats.Released)._tag
            : String(Cause.squash(exit.cause))
          log({ _tag: "Released", at: now(), askedAt, account, result })
        }
      )
    }

    const kick = (account: string): void => {
      schedule(plan.bot.kickEvery, () => kick(account))
      if (silent.has(account)) return
      const reaches = living().find(
        ({ cluster, pauses, runner }) => pauses === 0 && cluster !== undefined && !world.cuts.store.has(runner)
      )
      if (reaches !== undefined) fork(VirtualTime.withParty(Effect.exit(reaches.cluster!.kick(account)), reaches.boot))
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Deeds

    /** A later deed of the same kind takes the place of one that has not ended. */
    const eras = new Map<string, number>()
    const during = (key: string, length: number, begin: () => void, end: () => void): void => {
      const era = (eras.get(key) ?? 0) + 1
      eras.set(key, era)
      begin()
      schedule(length, () => {
        if (eras.get(key) === era) end()
      })
    }

    const perform = (deed: Deed): void => {
      log({ _tag: "Deed", at: now(), what: JSON.stringify(deed) })
      const process = "runner" in deed ? slots.get(runnerName(deed.runner)) : undefined
      switch (deed.do) {
        case "crash":
          if (process === undefined || process.isGone) return
          process.isGone = true
          log({ _tag: "Process", at: now(), runner: process.runner, boot: process.boot, what: "crash" })
          Effect.runSync(process.party.crash)
          return schedule(Math.min(deed.backAfter, plan.healAt - now()), () => restart_(deed.runner, process))
        case "stop":
          if (process === undefined) return
          stop(process)
          return schedule(Math.min(deed.backAfter, plan.healAt - now()), () => restart_(deed.runner, process))
        case "stall":
        case "suspend":
          if (process === undefined || process.isGone) return
          pause(process, deed.do, deed.length)
          if (deed.twin) {
            schedule(deed.length / 2, () => restart_(deed.runner, process))
            schedule(deed.length + 5_000, () => stop(process))
          }
          return
        case "step-wall":
          return process === undefined ? undefined : Effect.runSync(process.party.stepWall(deed.by))
        case "cut":
          for (const from of ["store", "exchange"] as const) {
            if (deed.from !== from && deed.from !== "both") continue
            const cuts = world.cuts[from]
            const runner = runnerName(deed.runner)
            during(
              `${from} ${runner}`,
              deed.length,
              () => void cuts.set(runner, deed.how),
              () => void cuts.delete(runner)
            )
          }
          return
        case "outage":
          return during(
            "outage",
            deed.length,
            () => void (world.outage = deed.how),
            () => void (world.outage = undefined)
          )
        case "shuffle":
          return engine.shuffle()
        case "lie": {
          const account = accountName(deed.account)
          return during(
            `lie ${account}`,
            deed.length,
            () => engine.lie(account, deed.owners.map(runnerName)),
            () => engine.lie(account, undefined)
          )
        }
        case "slow":
          return during(
            "slow",
            deed.length,
            () => void (world.slowBy = deed.by),
            () => void (world.slowBy = 0)
          )
        case "release":
          return release(accountName(deed.account), deed.runner)
        case "protect":
          return asUser(
            deed.runner,
            ({ protect }) => protect(accountName(deed.account)),
            () => undefined
          )
        case "fail-work":
          for (const fail of failing.get(accountName(deed.account)) ?? []) fail()
          return
        case "silence": {
          const account = accountName(deed.account)
          return during(
            `silence ${account}`,
            deed.length,
            () => void silent.add(account),
            () => void silent.delete(account)
          )
        }
      }
    }

    for (let index = 0; index < plan.runners; index++) schedule(index * 300, () => start(index))
    for (const account of accounts) {
      schedule(500, () => protect(account))
      if (plan.bot.kickWithin !== undefined) kick(account)
    }
    for (const deed of plan.deeds) schedule(deed.at, () => perform(deed))
    const watch = (): void => {
      for (const process of living()) look(process)
      schedule(3_000, watch)
    }
    schedule(6_000, watch)
    /** Only decides how long the run goes on: what is promised of its end is for the judge. */
    const isCalm = (): boolean =>
      accounts.every((account) => {
        const row = storeOf.row(account)
        if (row?.wanted === "release") return row.outcome !== undefined && !((row.untilAt ?? 0) > now())
        const works =
          plan.bot.kickWithin !== undefined ||
          plan.bot.reconcile === "none" ||
          living().some(({ boot }) => working.has(`${boot} ${account}`))
        return exchange.runs(account) && works
      }) && slots.size === living().filter(({ cluster }) => cluster !== undefined).length
    yield* Effect.sleep(plan.healAt)
    let calmSince: number | undefined
    while (now() < plan.endAt && (calmSince === undefined || now() - calmSince < calmFor)) {
      yield* Effect.sleep(1_000)
      if (!isCalm()) calmSince = undefined
      else calmSince ??= now()
    }
    looked = now()
    for (const process of living()) look(process)
    yield* Effect.sleep(1)
    running.push(...accounts.filter(exchange.runs))
  }).pipe(Effect.locally(FiberRef.currentLoggers, noLoggers))

  const outcome = VirtualTime.run(program, {
    seed: plan.seed,
    start: 1_600_000_000_000,
    instants: plan.ties.instants,
    parties: plan.ties.parties,
    maxTime: "1 hour",
    maxSteps: 2_000_000
  })
  return {
    entries,
    end: outcome.now - 1_600_000_000_000,
    defect: Exit.isSuccess(outcome.exit) ? undefined : Cause.pretty(outcome.exit.cause),
    trace: outcome.trace,
    lastLook: looked,
    running
  }
}

const getOr = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
