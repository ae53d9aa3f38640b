/** The store in the memory of a machine of its own, and the way to it. Records each statement that was carried out. */
import * as AccountStore from "@effect-deadman/cluster/AccountStore"
import { StoreUnavailable } from "@effect-deadman/cluster/ClusterError"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Log from "./Log.js"
import { draws } from "./World.js"
import type { Process, World } from "./World.js"

type Answer<A> = Effect.Effect<A, StoreUnavailable>

const unavailable = (operation: string): Answer<never> =>
  Effect.fail(new StoreUnavailable({ operation, detail: "the connection was refused" }))

export interface Remote {
  /** The store as a process reaches it. */
  readonly of: (process: Process) => AccountStore.Store
  readonly row: (account: string) => Log.Row | undefined
}

/** `clock` is that of the store's machine. */
export const make = (world: World, clock: Clock.Clock): Remote => {
  const { die, log, now, plan, schedule } = world
  const memory = Effect.runSync(AccountStore.makeMemory)
  const at = <A>(statement: Effect.Effect<A, unknown>): A =>
    Effect.runSync(Effect.withClock(Effect.orDie(statement), clock))
  const between = ([least, most]: readonly [number, number]): number => die.int(least, most)

  const noted = (row: AccountStore.Row): Log.Row => ({
    account: row.account,
    wanted: row.wanted,
    epoch: row.epoch,
    boot: row.boot,
    ackedEpoch: row.ackedEpoch,
    kickedAt: row.kickedAgo === null ? undefined : now() - row.kickedAgo,
    outcome: row.outcome?._tag,
    untilAt: row.outcome?._tag === "DisarmUnconfirmed" ? now() + row.outcome.untilIn : undefined
  })

  const rowsOf = (account: string | undefined, answer: unknown): ReadonlyArray<Log.Row> => {
    if (account !== undefined) return Option.toArray(at(memory.read(account))).map(noted)
    const rows = (answer as { readonly rows?: ReadonlyArray<AccountStore.Row> } | undefined)?.rows
    return rows?.map(noted) ?? []
  }

  const row: Remote["row"] = (account) => rowsOf(account, undefined)[0]

  const of: Remote["of"] = (process) => {
    const call =
      <Arguments extends ReadonlyArray<unknown>, A>(
        what: Log.Statement["what"],
        statement: (...args: Arguments) => Effect.Effect<A, StoreUnavailable>,
        about: (...args: Arguments) => { readonly account?: string; readonly epoch?: number } = () => ({})
      ) =>
      (...args: Arguments): Answer<A> =>
        Effect.async<A, StoreUnavailable>((resume) => {
          const askedAt = now()
          const cut = () => world.cuts.store.get(process.runner) ?? world.outage
          const arrive = (): void => {
            const broken = cut()
            if (broken === "hang" || broken === "refuse") return
            const answer = at(statement(...args))
            const { account, epoch } = about(...args)
            const entry: Log.Statement = {
              _tag: "Statement",
              at: now(),
              what,
              boot: process.boot,
              askedAt,
              answeredAt: undefined,
              epoch,
              account,
              rows: rowsOf(account, answer),
              isDone: !Option.isOption(answer) || Option.isSome(answer)
            }
            log(entry)
            if (broken !== undefined || draws(world, plan.store.loseAnswer)) return
            schedule(between(plan.store.back), () => {
              if (cut() !== undefined) return
              entry.answeredAt = now()
              resume(Effect.succeed(answer))
            })
          }
          if (cut() === "refuse") schedule(1, () => resume(unavailable(what)))
          else if (cut() === "hang" || draws(world, plan.store.loseRequest)) return
          else if (draws(world, plan.store.late)) schedule(die.int(500, plan.store.lateBy), arrive)
          else schedule(between(plan.store.there), arrive)
        })
    const named = (account: string) => ({ account })
    return {
      join: call("join", memory.join),
      leave: call("leave", memory.leave),
      report: call("report", memory.report),
      takeOver: call("takeOver", memory.takeOver, ({ account, epoch }) => ({ account, epoch: epoch + 1 })),
      permit: call("permit", memory.permit, ({ account, epoch }) => ({ account, epoch })),
      signOff: call("signOff", memory.signOff, ({ account, epoch }) => ({ account, epoch })),
      want: call("want", memory.want, named),
      kick: call("kick", memory.kick, named),
      read: call("read", memory.read, named)
    }
  }
  return { of, row }
}
