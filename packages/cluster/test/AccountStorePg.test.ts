import type * as AccountStore from "@effect-deadman/cluster/AccountStore"
import * as AccountStorePg from "@effect-deadman/cluster/AccountStorePg"
import * as PostgresClient from "@effect-deadman/cluster/PostgresClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll } from "vitest"
import { postgres } from "../../examples/src/fleet/postgres.js"
import { conformance } from "./support/storeConformance.js"

describe("the store in PostgreSQL", () => {
  const scope = Effect.runSync(Scope.make())
  let runtime: ManagedRuntime.ManagedRuntime<SqlClient.SqlClient, unknown>
  let store: AccountStore.Store
  let url: Redacted.Redacted
  let names = 0

  beforeAll(async () => {
    ;({ url } = await Effect.runPromise(Scope.extend(postgres, scope)))
    runtime = ManagedRuntime.make(PostgresClient.layer({ url }))
    // As runners that start at once on an empty database.
    await runtime.runPromise(
      Effect.all(
        [1, 2, 3, 4].map(() => AccountStorePg.migrate),
        { concurrency: "unbounded" }
      )
    )
    store = await runtime.runPromise(AccountStorePg.make)
  })
  afterAll(async () => {
    await runtime.dispose()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  conformance(
    () => store,
    (label) => `${label}-${names++}`,
    (effect) => runtime.runPromise(effect)
  )

  it("tables that are there are left alone", () =>
    runtime.runPromise(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* store.want("kept", "protect")
        yield* AccountStorePg.migrate
        assert.strictEqual((yield* sql`SELECT 1 FROM deadman_accounts WHERE account = 'kept'`).length, 1)
      })
    ))

  it("tables of an older version get the columns that they lack", () =>
    runtime.runPromise(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* store.want("older", "protect")
        yield* sql`ALTER TABLE deadman_accounts DROP COLUMN silence, DROP COLUMN previous_zero_at`
        yield* sql`DELETE FROM deadman_migrations WHERE id > 1`
        yield* AccountStorePg.migrate
        assert.strictEqual((yield* sql`SELECT silence FROM deadman_accounts WHERE account = 'older'`).length, 1)
      })
    ))

  it("a wrong password or database fails at once, and is not waited for", () =>
    runtime.runPromise(
      Effect.gen(function* () {
        for (const [from, to] of [
          [":deadman@", ":wrong@"],
          ["/postgres", "/elsewhere"]
        ] as const) {
          const wrong = Redacted.make(Redacted.value(url).replace(from, to))
          const error = yield* Effect.flip(Layer.build(PostgresClient.layer({ url: wrong })))
          assert.strictEqual(error._tag, "SqlError")
        }
      }).pipe(Effect.scoped)
    ))

  it("its sessions use UTC, because the engine compares times without a zone", () =>
    runtime.runPromise(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const shown = yield* sql<{ readonly TimeZone: string }>`SHOW TimeZone`
        assert.strictEqual(shown[0]?.TimeZone, "UTC")
      })
    ))
})
