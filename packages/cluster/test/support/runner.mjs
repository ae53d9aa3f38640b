// A runner as a process: a bot per account that only says that it runs. It reports what changes, one JSON line at a
// time, and does what it reads from its input: `protect ACCOUNT`, `release ACCOUNT`. Plain JavaScript, so that Node runs
// it directly, against the built packages.
import * as AccountStorePg from "@effect-deadman/cluster/AccountStorePg"
import * as ClusterHeartbeats from "@effect-deadman/cluster/ClusterHeartbeats"
import * as OwnershipSharding from "@effect-deadman/cluster/OwnershipSharding"
import * as PostgresClient from "@effect-deadman/cluster/PostgresClient"
import * as BitgetClient from "@effect-deadman/core/BitgetClient"
import * as BitgetCountdown from "@effect-deadman/core/BitgetCountdown"
import * as ServerClock from "@effect-deadman/core/ServerClock"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import process from "node:process"
import * as Readline from "node:readline"
import { endWithParent, say } from "../../../core/test/support/parent.mjs"

endWithParent()

const {
  DATABASE_URL,
  RUNNER_ACCOUNTS = "",
  RUNNER_LEASE,
  RUNNER_NAME = "",
  RUNNER_OPTIONS = "{}",
  RUNNER_SHARDS
} = process.env

/** An account of the simulated exchange with its keys. */
const lookup = (account) =>
  Effect.gen(function* () {
    const keys = {
      apiKey: Redacted.make(`test-key-${account}`),
      secretKey: Redacted.make(`test-secret-${account}`),
      passphrase: Redacted.make(`test-passphrase-${account}`)
    }
    const port = yield* BitgetCountdown.makeAccount({ account, ...keys }, yield* BitgetClient.config)
    return {
      ...port,
      set: (setting) =>
        Effect.suspend(() => {
          say({ kind: "write", account, setting })
          return port.set(setting)
        })
    }
  })

const work = (account) =>
  Effect.acquireUseRelease(
    Effect.sync(() => say({ kind: "work", account, runs: true })),
    () => Effect.never,
    () => Effect.sync(() => say({ kind: "work", account, runs: false }))
  )

const reconcile = (account) => Effect.sync(() => say({ kind: "reconcile", account }))

const url = Redacted.make(DATABASE_URL ?? "")
const cluster = ClusterHeartbeats.layer({ lookup, work, reconcile, ...JSON.parse(RUNNER_OPTIONS) }).pipe(
  Layer.provide(
    OwnershipSharding.layerPg({
      runner: RUNNER_NAME,
      ...(RUNNER_LEASE === undefined ? {} : { lease: RUNNER_LEASE }),
      ...(RUNNER_SHARDS === undefined ? {} : { shardsPerGroup: Number(RUNNER_SHARDS) })
    })
  ),
  Layer.provide(PostgresClient.layer({ url })),
  Layer.provide(AccountStorePg.layer),
  Layer.provide(PostgresClient.layer({ url })),
  Layer.provide(
    Layer.unwrapEffect(Effect.map(BitgetClient.config, ServerClock.layer)).pipe(
      Layer.provideMerge(NodeHttpClient.layerUndici)
    )
  )
)

const program = Effect.gen(function* () {
  const heartbeats = yield* ClusterHeartbeats.ClusterHeartbeats
  say({ kind: "started" })
  const seen = new Map()
  const report = Effect.gen(function* () {
    const { accounts, storeAge } = yield* heartbeats.status
    for (const { account, continuity, epoch, failure, gap, owner, state } of accounts) {
      const line = { account, state, epoch, owner, continuity, gap, failure }
      const text = JSON.stringify(line)
      if (seen.get(account) === text) continue
      seen.set(account, text)
      say({ kind: "account", storeAge, ...line })
    }
    yield* Effect.sleep("50 millis")
  })
  const reporting = yield* Effect.forkScoped(Effect.forever(report))
  const commands = {
    protect: (account) => heartbeats.protect(account),
    release: (account) =>
      Effect.tap(heartbeats.release(account), ({ _tag }) =>
        Effect.sync(() => say({ kind: "released", account, outcome: _tag }))
      )
  }
  const run = yield* Effect.runtime()
  Readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const [command, account] = line.split(" ")
    Effect.runFork(
      Effect.provide(
        Effect.catchAll(commands[command](account), ({ _tag, message }) =>
          Effect.sync(() => say({ kind: "refused", account, error: _tag, message }))
        ),
        run
      )
    )
  })
  process.stdin.unref()
  yield* Effect.forEach(
    RUNNER_ACCOUNTS.split(",").filter((account) => account !== ""),
    (account) => Effect.retry(heartbeats.protect(account), { times: 60 }),
    { concurrency: 4, discard: true }
  )
  yield* Fiber.join(reporting)
})

say({ kind: "ready" })

program.pipe(
  Effect.scoped,
  Effect.provide(cluster),
  Effect.tapError(({ _tag, message }) => Effect.sync(() => say({ kind: "failed", error: _tag, message }))),
  Effect.provide(
    process.env.RUNNER_LOG === undefined
      ? Logger.remove(Logger.defaultLogger)
      : Logger.replace(
          Logger.defaultLogger,
          Logger.stringLogger.pipe(Logger.map((text) => process.stderr.write(`${text}\n`)))
        )
  ),
  NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true })
)
