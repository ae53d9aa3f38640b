// One fleet: so many heartbeats in this process, each on an account of its own, for a while. Sends what it measured to
// the process that has started it. Run with --expose-gc.
import { createRequire } from "node:module"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as BitgetClient from "../dist/BitgetClient.js"
import * as CountdownCancelAll from "../dist/CountdownCancelAll.js"
import * as Credentials from "../dist/Credentials.js"
import * as Heartbeat from "../dist/Heartbeat.js"
import * as ServerClock from "../dist/ServerClock.js"

const { accounts, client, seconds, spread, url } = JSON.parse(process.argv[2])

// The undici of the platform. As many connections as a fleet should have: what arrives at once waits for one, instead of
// opening thousands, each of which costs as much memory as an account.
const undici = createRequire(createRequire(import.meta.url).resolve("@effect/platform-node/NodeHttpClient"))("undici")
const dispatcher = new undici.Agent({ connections: 128 })
const clients = {
  undici: Layer.provide(
    NodeHttpClient.layerUndiciWithoutDispatcher,
    Layer.succeed(NodeHttpClient.Dispatcher, dispatcher)
  ),
  fetch: FetchHttpClient.layer
}
const interval = 3_000

const memory = async () => {
  // What finalizers and timers still hold is let go of between the collections.
  for (let n = 0; n < 3; n++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { external, heapUsed, rss } = process.memoryUsage()
  return { held: heapUsed + external, rss }
}

/** What is measured, while it is: instants of performance.now(), ms. */
let measuring = false
let beats = 0
let failures = 0
const lateness = []
const answers = []

/**
 * A beat is due one interval after the one before was due, or, when that one was late by more than half a second, after
 * it left. Recomputed here from the instants at which the calls are made: the library is not asked.
 */
const watched = (service) => {
  let due
  return {
    ...service,
    set: (setting) =>
      Effect.suspend(() => {
        const left = performance.now()
        if (setting !== "off") {
          // Sooner than due: the plan has started anew, by a beat that was late by about half a second.
          if (due !== undefined && left < due - 5) due = undefined
          if (due !== undefined && measuring) {
            beats += 1
            lateness.push(left - due)
          }
          due = (due === undefined || left - due > 500 ? left : due) + interval
        }
        return Effect.onExit(service.set(setting), (exit) => {
          if (measuring) {
            if (Exit.isFailure(exit)) failures += 1
            answers.push(performance.now() - left)
          }
          return Effect.void
        })
      })
  }
}

const account = (index, shared) =>
  Effect.gen(function* () {
    const service = yield* CountdownCancelAll.CountdownCancelAll
    return yield* Effect.provideService(
      Heartbeat.make({ countdown: "10 seconds", interval, armTimeout: "2 minutes" }),
      CountdownCancelAll.CountdownCancelAll,
      watched(service)
    )
  }).pipe(
    Effect.provide(
      CountdownCancelAll.layer.pipe(
        Layer.provide(BitgetClient.layerSharedClock({ baseUrl: url })),
        Layer.provide(
          Credentials.layer({
            account: `account-${index}`,
            apiKey: Redacted.make(`bench-key-${index}`),
            secretKey: Redacted.make(`bench-secret-${index}`),
            passphrase: Redacted.make("bench-passphrase")
          })
        )
      )
    ),
    Effect.provide(shared)
  )

const sorted = (values) => Float64Array.from(values).sort()
const quantiles = (values) => {
  const all = sorted(values)
  const at = (part) => all[Math.min(all.length - 1, Math.floor(part * all.length))]
  return { p50: at(0.5), p99: at(0.99), max: all[all.length - 1] }
}

const program = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const shared = yield* ServerClock.layer({ baseUrl: url }).pipe(
    Layer.provideMerge(clients[client]),
    Layer.buildWithScope(scope)
  )
  // One call makes what is made once: connections, schemas, compiled code.
  yield* Context.get(shared, ServerClock.ServerClock).sync
  yield* Effect.scoped(account("warm-up", shared))
  const before = yield* Effect.promise(memory)

  const beating = yield* Scope.make()
  const arming = performance.now()
  yield* Effect.forEach(
    Array.from({ length: accounts }, (_, index) => index),
    (index) =>
      account(index, shared).pipe(
        Effect.delay(spread ? (index * interval) / accounts : 0),
        Effect.provideService(Scope.Scope, beating)
      ),
    { concurrency: "unbounded", discard: true }
  )
  const armed = performance.now() - arming
  // Two rounds until everything is compiled and settled.
  yield* Effect.sleep(2 * interval)
  const during = yield* Effect.promise(memory)
  yield* Effect.sleep(interval)

  measuring = true
  const cpu = process.cpuUsage()
  const started = performance.now()
  yield* Effect.sleep(seconds * 1_000)
  const { system, user } = process.cpuUsage(cpu)
  const took = performance.now() - started
  measuring = false
  const after = yield* Effect.promise(memory)
  const sockets = process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length

  const releasing = performance.now()
  yield* Scope.close(beating, Exit.void)
  const released = performance.now() - releasing
  yield* Scope.close(scope, Exit.void)
  return {
    accounts,
    beats,
    failures,
    armed,
    released,
    cpuPerBeat: (user + system) / beats,
    core: (user + system) / 1_000 / took,
    lateness: quantiles(lateness),
    answers: quantiles(answers),
    heldPerAccount: (during.held - before.held) / accounts,
    rssPerAccount: (during.rss - before.rss) / accounts,
    growthPerAccount: (after.held - during.held) / accounts,
    rss: after.rss,
    sockets
  }
})

process.send(await Effect.runPromise(program.pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))))
process.disconnect()
