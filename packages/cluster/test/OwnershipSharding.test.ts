import { AccountStore } from "@effect-deadman/cluster/AccountStore"
import * as AccountStorePg from "@effect-deadman/cluster/AccountStorePg"
import { Ownership } from "@effect-deadman/cluster/Ownership"
import * as OwnershipSharding from "@effect-deadman/cluster/OwnershipSharding"
import * as PostgresClient from "@effect-deadman/cluster/PostgresClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll } from "vitest"
import { postgres } from "../../examples/src/fleet/postgres.js"

const accounts = Array.from({ length: 40 }, (_, index) => `account-${index}`)

describe("ownership by the engine", () => {
  const scope = Effect.runSync(Scope.make())
  let url: Redacted.Redacted

  beforeAll(async () => {
    url = (await Effect.runPromise(Scope.extend(postgres, scope))).url
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  /** Starts a runner. The result stops it. */
  const start = (runner: string, shardsPerGroup?: number) =>
    Effect.gen(function* () {
      const own = yield* Scope.make()
      const layer = OwnershipSharding.layerPg({ runner, shardsPerGroup }).pipe(
        Layer.provide(PostgresClient.layer({ url })),
        Layer.provideMerge(AccountStorePg.layer),
        Layer.provide(PostgresClient.layer({ url }))
      )
      const quiet = Layer.provideMerge(layer, Logger.remove(Logger.defaultLogger))
      const context = yield* Effect.onError(Layer.buildWithScope(quiet, own), () => Scope.close(own, Exit.void))
      const ownership = Context.get(context, Ownership)
      // As the heartbeats of a runner do.
      const store = Context.get(context, AccountStore)
      const report = Effect.ignore(store.report(ownership.runner, []))
      yield* Effect.forkIn(Effect.repeat(report, Schedule.spaced("1 second")), own)
      return {
        ownership,
        mine: () => accounts.filter(ownership.isMine),
        stop: Scope.close(own, Exit.void)
      }
    })

  /** Waits for an event; the bound only ends a hang. */
  const until = (what: string, holds: () => boolean) =>
    Effect.suspend(() => (holds() ? Effect.void : Effect.fail(what))).pipe(
      Effect.retry(Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(600))),
      Effect.mapError((what) => new Error(`never: ${what}`))
    )

  it(
    "three runners that start at once share all accounts, and each account has one owner; a runner that stops leaves " +
      "its accounts to the others",
    () =>
      Effect.runPromise(
        Effect.gen(function* () {
          const runners = yield* Effect.all([start("anna"), start("bert"), start("carl")], { concurrency: 3 })
          const share = () => runners.map(({ mine }) => mine())
          yield* until("all accounts are owned once", () => {
            const owned = share()
            return owned.every((mine) => mine.length > 0) && owned.flat().length === accounts.length
          })
          assert.deepStrictEqual([...new Set(share().flat())].sort(), [...accounts].sort())
          assert.strictEqual(new Set(runners.map(({ ownership }) => ownership.runner.boot)).size, 3)

          const twin = yield* Effect.exit(start("anna"))
          assert.strictEqual(errorOf(twin)?._tag, "RunnerNameTaken")
          const other = yield* Effect.exit(start("dora", 60))
          assert.strictEqual(errorOf(other)?._tag, "SettingsMismatch")
          assert.include(errorOf(other)?.message, "shardsPerGroup 60")
          assert.include(errorOf(other)?.message, "300")

          const [anna, bert, carl] = runners
          yield* anna!.stop
          yield* until("the others own all", () => bert!.mine().length + carl!.mine().length === accounts.length)
          yield* Effect.all([bert!.stop, carl!.stop], { concurrency: 2 })
        })
      )
  )
})

describe("the options of the engine", () => {
  it("that cannot work are refused with a typed error, before anything touches PostgreSQL", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const untouched = Layer.mergeAll(
          Layer.succeed(AccountStore, touched as AccountStore["Type"]),
          Layer.succeed(SqlClient.SqlClient, touched as SqlClient.SqlClient)
        )
        for (const [what, options] of [
          ["runner", { runner: "desk'1" }],
          ["runner", { runner: "" }],
          ["runner", { runner: "desk 1" }],
          ["runner", { runner: "a".repeat(201) }],
          ["shardsPerGroup", { runner: "desk-1", shardsPerGroup: 0 }],
          ["shardsPerGroup", { runner: "desk-1", shardsPerGroup: 1.5 }],
          ["shardsPerGroup", { runner: "desk-1", shardsPerGroup: NaN }],
          ["lease", { runner: "desk-1", lease: 0 }],
          ["lease", { runner: "desk-1", lease: "999 millis" }],
          ["lease", { runner: "desk-1", lease: Infinity }],
          ["lease", { runner: "desk-1", lease: "soon" as "1 second" }]
        ] as const) {
          const exit = yield* Effect.exit(
            Effect.scoped(Layer.build(Layer.provide(OwnershipSharding.layerPg(options), untouched)))
          )
          assert.strictEqual(errorOf(exit)?._tag, "InvalidOptions", JSON.stringify(options))
          assert.include(errorOf(exit)?.message, `${what} is`)
        }
      })
    ))
})

/** A service of which nothing may be used. */
const touched: unknown = new Proxy(
  {},
  {
    get: (_, key) => {
      throw new Error(`PostgreSQL was touched: ${String(key)}`)
    }
  }
)

const errorOf = <E>(exit: Exit.Exit<unknown, E>): { readonly _tag: string; readonly message: string } | undefined =>
  Exit.isFailure(exit)
    ? (Option.getOrUndefined(Cause.failureOption(exit.cause)) as { readonly _tag: string; readonly message: string })
    : undefined
