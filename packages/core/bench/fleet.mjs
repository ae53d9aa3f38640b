// One fleet: many heartbeats in this process, each on its own account, for a while. Sends its figures to the process
// that started it. Run with --expose-gc.
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import Undici from "@effect/platform-node/Undici"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as BitgetCountdown from "../dist/BitgetCountdown.js"
import * as Heartbeats from "../dist/Heartbeats.js"
import * as ServerClock from "../dist/ServerClock.js"

/** `countdown` and `interval` in ms. `spread` distributes the first beats evenly over one interval. */
const { accounts, client, countdown, interval, seconds, spread, url } = JSON.parse(process.argv[2])

// The number of connections that suits a fleet. Calls that leave at once wait for one of them. Otherwise they would
// open thousands, and each costs more memory than an account.
const dispatcher = Layer.succeed(NodeHttpClient.Dispatcher, new Undici.Agent({ connections: 128 }))
const clients = {
  undici: Layer.provide(NodeHttpClient.layerUndiciWithoutDispatcher, dispatcher),
  fetch: FetchHttpClient.layer
}

const memory = async () => {
  // Finalizers and timers release more between the collections.
  for (let n = 0; n < 3; n++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { external, heapUsed, rss } = process.memoryUsage()
  return { held: heapUsed + external, rss }
}

/** The figures, in ms. They are collected only while `measuring`. */
let measuring = false
let beats = 0
let failures = 0
const lateness = []
const answers = []

/**
 * Measures the lateness of beats. A beat is due one interval after the one before was due or, when that was late by
 * more than half a second, after it left. Computed from the instants of the calls alone, without the library.
 */
const watched = (service) => {
  let due
  return {
    ...service,
    set: (setting) =>
      Effect.suspend(() => {
        const left = performance.now()
        if (setting !== "off") {
          // Sooner than due, because a beat that was late by about half a second has restarted the plan.
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

const makeHeartbeats = Heartbeats.make({
  lookup: (account) =>
    Effect.map(
      BitgetCountdown.makeAccount(
        {
          account,
          apiKey: Redacted.make(`bench-key-${account}`),
          secretKey: Redacted.make(`bench-secret-${account}`),
          passphrase: Redacted.make("bench-passphrase")
        },
        { baseUrl: url }
      ),
      watched
    ),
  heartbeat: { countdown, interval }
})

const isKept = (status) => status._tag === "Armed" || (status._tag === "Jeopardy" && status.lost === undefined)

const sorted = (values) => Float64Array.from(values).sort()
const quantiles = (values) => {
  if (values.length === 0) return {}
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
  const heartbeats = yield* Effect.provide(Scope.extend(makeHeartbeats, scope), shared)
  // One call builds what exists once: connections, schemas, compiled code.
  yield* Context.get(shared, ServerClock.ServerClock).sync
  yield* Effect.scoped(heartbeats.get("warm-up"))
  const before = yield* Effect.promise(memory)

  const beating = yield* Scope.make()
  const held = yield* Effect.forEach(
    Array.from({ length: accounts }, (_, index) => index),
    (index) =>
      heartbeats
        .get(`account-${index}`)
        .pipe(
          Effect.delay(spread ? (index * interval) / accounts : 0),
          Effect.option,
          Effect.provideService(Scope.Scope, beating)
        ),
    { concurrency: "unbounded" }
  )
  // Until everything is compiled and settled.
  yield* Effect.sleep(Math.max(interval, 6_000))
  const during = yield* Effect.promise(memory)
  yield* Effect.sleep(3_000)

  measuring = true
  const cpu = process.cpuUsage()
  const started = performance.now()
  yield* Effect.sleep(Math.max(seconds * 1_000, interval))
  const { system, user } = process.cpuUsage(cpu)
  const took = performance.now() - started
  measuring = false
  let kept = 0
  for (const heartbeat of held) {
    if (Option.isSome(heartbeat) && isKept(yield* heartbeat.value.status)) kept += 1
  }
  const after = yield* Effect.promise(memory)

  yield* Scope.close(beating, Exit.void)
  yield* Scope.close(scope, Exit.void)
  return {
    seconds: took / 1_000,
    kept,
    beats,
    failures,
    cpuPerBeat: (user + system) / beats,
    core: (user + system) / 1_000 / took,
    lateness: quantiles(lateness),
    answers: quantiles(answers),
    heldPerAccount: (during.held - before.held) / accounts,
    growthPerAccount: (after.held - during.held) / accounts,
    rss: after.rss
  }
})

process.send(await Effect.runPromise(program.pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))))
process.disconnect()
