import type * as AccountStore from "@effect-deadman/cluster/AccountStore"
import * as AccountStorePg from "@effect-deadman/cluster/AccountStorePg"
import * as PostgresClient from "@effect-deadman/cluster/PostgresClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { createServer } from "node:net"
import type { AddressInfo, Server } from "node:net"
import { inspect } from "node:util"
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

describe("the URL of PostgreSQL", () => {
  it("that is none fails without its text, which may hold a password", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const url = Redacted.make("postgresql://deadman:hush@[db/deadman")
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(Layer.suspend(() => PostgresClient.layer({ url })))))
        const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
        assert.isTrue(ConfigError.isConfigError(error))
        assert.notInclude(inspect(exit, { depth: null }), "hush")
        assert.include(String(error), "postgresql://user:password@host:port/database")
      })
    ))

  it("keeps the password as it is, also with `+`", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const given: Array<string> = []
        const server = yield* login((password) => given.push(password))
        const { port } = server.address() as AddressInfo
        for (const password of ["ab+cd", "ab%2Bcd", "ab%20cd"]) {
          const url = Redacted.make(`postgresql://deadman:${password}@127.0.0.1:${port}/deadman`)
          const error = yield* Effect.flip(Effect.scoped(Layer.build(PostgresClient.layer({ url }))))
          assert.strictEqual(error._tag, "SqlError")
        }
        assert.deepStrictEqual([...new Set(given)], ["ab+cd", "ab cd"])
      }).pipe(Effect.scoped)
    ))
})

/** Asks for the password in clear, and refuses it. */
const login = (asked: (password: string) => void) =>
  Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => {
          socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]))
          socket.once("data", (message) => {
            asked(message.subarray(5, -1).toString())
            const fields = Buffer.from("SFATAL\0C28P01\0Mrefused\0\0")
            const head = Buffer.from([0x45, 0, 0, 0, fields.length + 4])
            socket.end(Buffer.concat([head, fields]))
          })
        })
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
      })
  )
